"""Broken and hostile submissions: each gets its marks, the rest of the class is unharmed.

One run grades all of them together with three honest students.
"""

import copy
import json
import os
import secrets
import socket
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import grading_toy as toy
import pytest
from nbformat.v4 import new_code_cell
from support import skip_or_fail

from helpers.__main__ import main
from helpers.teaching.grading import processes, sandbox
from helpers.teaching.grading.nbgrader_steps import student_version

toy.require_nbgrader()

FULL = {"double": 2, "answer": 1, "half": 2, "why": None}
MARKER = f"marker-{secrets.token_hex(8)}"
"""In the command line of processes that must not survive."""

PERSON = "needs a person"


@dataclass
class Case:
    """What a student sends, and what must come of it."""

    answers: dict = field(default_factory=dict)
    """{grade_id of an answer cell: another text}"""
    change: object = None
    """Instead: a function of the solved notebook that returns another."""
    write: object = None
    """Instead: a function of the submission's folder."""
    marks: dict = field(default_factory=dict)
    """Where they differ from full marks."""
    status: str = "graded"
    reason: str = ""
    """Part of a reason for the teacher."""


def wrong(notebook):
    """The notebook with a wrong answer in every exercise."""
    toy.cell(notebook, "a_double").source = "def double(x):\n    return 0"
    toy.cell(notebook, "a_answer").source = "answer = 0"
    toy.cell(notebook, "a_half").source = "def half(x):\n    return -1"
    return notebook


NOTHING = {"double": 0, "answer": 0, "half": 0}


def first(text, then=None):
    """A change that puts a cell before all others; `then` changes the rest."""

    def change(notebook):
        notebook = then(notebook) if then else notebook
        notebook.cells.insert(0, new_code_cell(text))
        return notebook

    return change


def without_tests(notebook):
    notebook.cells = [c for c in notebook.cells if not is_test(c)]
    return notebook


def is_test(cell):
    about = cell.metadata.get("nbgrader", {})
    return bool(about.get("grade") and not about.get("solution"))


def edited_tests(notebook):
    for cell in notebook.cells:
        if is_test(cell):
            cell.source = "assert True"
    return wrong(notebook)


def answers_for_tests(notebook):
    for cell in notebook.cells:
        if is_test(cell):
            cell.metadata["nbgrader"].update(grade=False, solution=True)
            cell.source = "pass"
    return wrong(notebook)


def doubled_tests(notebook):
    notebook.cells += [again(c) for c in notebook.cells if is_test(c)]
    return notebook


def again(cell):
    """A copy, as JupyterLab makes them: all the same but for the id."""
    twin = copy.deepcopy(cell)
    twin["id"] = secrets.token_hex(4)
    return twin


def doubled_answer(notebook):
    right = again(toy.cell(notebook, "a_answer"))
    toy.cell(notebook, "a_answer").source = "answer = 0"
    notebook.cells.insert(notebook.cells.index(toy.cell(notebook, "answer")), right)
    return notebook


def moved_tests(notebook):
    notebook.cells.sort(key=lambda cell: not is_test(cell))
    return notebook


def backwards(notebook):
    notebook.cells.reverse()
    return notebook


def more_points(notebook):
    for cell in notebook.cells:
        if is_test(cell):
            cell.metadata["nbgrader"]["points"] = 100
    return notebook


def odd_names(notebook):
    for cell in notebook.cells:
        if is_test(cell):
            cell.metadata["nbgrader"] = {"grade_id": ["list"], "grade": True}
    notebook.cells[0].metadata["nbgrader"] = "text"
    return notebook


def no_metadata(notebook):
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)
    return notebook


def removed_paragraph(notebook):
    notebook.cells.pop()
    return notebook


def text(content, name=f"{toy.ASSIGNMENT}.ipynb"):
    return lambda folder: (folder / name).write_bytes(content)


def named(*names):
    def write(folder):
        for name in names:
            (folder / name).write_text(json.dumps(toy.solved()), "utf-8")

    return write


def archive(folder):
    with zipfile.ZipFile(folder / "work.zip", "w") as file:
        file.writestr("1_toy.ipynb", json.dumps(toy.solved()))


def linked(folder):
    target = folder.parent.parent / "honest 1" / toy.ASSIGNMENT / "1_toy.ipynb"
    (folder / "1_toy.ipynb").symlink_to(target)


def linked_beside(folder):
    named("1_toy.ipynb")(folder)
    (folder / "secrets").symlink_to("/etc")


def surrogates(folder):
    """Half characters, which JSON can hold and no file."""
    notebook = toy.solved()
    notebook.cells.insert(0, new_code_cell("print('\\ud800', '\ud801')"))
    notebook.cells.insert(0, new_code_cell("# \ud802"))
    toy.cell(notebook, "why").source = "Because \ud803."
    toy.cell(notebook, "a_double").source = "def double(x):\n    raise ValueError('\\ud804')"
    (folder / "1_toy.ipynb").write_text(json.dumps(notebook), "utf-8")


def from_elsewhere(folder):
    """As VS Code, Colab and Windows write it: no ids, no outputs, other line ends."""
    notebook = json.loads(json.dumps(toy.solved()))
    notebook["nbformat_minor"] = 0
    notebook["metadata"] = {"colab": {"provenance": []}, "accelerator": "GPU"}
    for cell in notebook["cells"]:
        cell["metadata"] |= {"id": "x1", "vscode": {"languageId": "python"}}
        for key in ("id", "outputs", "execution_count"):
            cell.pop(key, None)
        lines = cell["source"].split("\n")
        cell["source"] = [line + "\r\n" for line in lines]
    content = json.dumps(notebook).replace("\n", "\r\n")
    (folder / "1_toy.ipynb").write_bytes(b"\xef\xbb\xbf" + content.encode())


def big_metadata(folder):
    notebook = json.loads(json.dumps(toy.solved()))
    notebook["cells"][0]["metadata"]["deep"] = "@"
    notebook["metadata"]["big"] = [[]] * 10**6
    text = json.dumps(notebook).replace('"@"', "[" * 900 + "]" * 900)
    (folder / "1_toy.ipynb").write_text(text, "utf-8")


ODD_DATE = b"00h990000000000000000000100000000000000000001:GMT"
"""nbgrader's parser of dates raises on this what is no ValueError."""


def beside(name, content):
    """A solved notebook and, beside it, these bytes, or what a function makes of a path."""

    def write(folder):
        named("1_toy.ipynb")(folder)
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
        else:
            content(folder / name)

    return write


def endless(path):
    path.symlink_to("/dev/zero")


def shut(path):
    path.mkdir()
    path.chmod(0)


FORGED_NAME = "\x1b[2J\nhonest 1, 1_toy: needs a person. Failed"


def pipe(folder):
    os.mkfifo(folder / "1_toy.ipynb")


def shadowing(folder):
    """Modules beside the notebook that would replace those of the grader."""
    named("1_toy.ipynb")(folder)
    for name in (
        "numpy",
        "json",
        "struct",
        "helpers",
        "IPython",
        "keras",
        "signal",
    ):
        (folder / f"{name}.py").write_text("raise SystemExit", "utf-8")


LIAR = """
class Liar:
    def __eq__(self, other): return True
    def __bool__(self): return True
    def __getattr__(self, name): return Liar()
    def __call__(self, *_, **__): return Liar()
    __hash__ = None
class Number(float, Liar):
    __eq__ = Liar.__eq__
    __hash__ = float.__hash__
"""

PATCHED = """
import numpy, numpy.testing, builtins, sys
for name in dir(numpy.testing):
    if name.startswith("assert"):
        setattr(numpy.testing, name, lambda *_, **__: None)
numpy.all = numpy.allclose = numpy.array_equal = lambda *_, **__: True
builtins.sum = lambda *_: 4
sys.modules["numpy.testing"].assert_array_equal = lambda *_, **__: None
"""

BLANKING = """
get_ipython().input_transformers_cleanup.append(
    lambda lines: ["pass\\n"] if any("assert" in line for line in lines) else lines
)
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
get_ipython().ast_transformers.append(Drop())
"""

STUBBORN = """
import signal
def stubborn():
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
"""

SENDER = """
import numpy as np
from helpers.teaching.grading.messages import Channel
send = Channel.send
Channel.send = lambda self, message: send(self, message | {change})
"""

SLOW_KEYS = """
import struct
from helpers.teaching.grading.messages import Channel
send = Channel.send
def number(value):
    return b"I" + struct.pack("<I", 12) + value.to_bytes(12, "little")
def slow(self, message):
    # All these numbers have the same hash.
    keys = (number(n * (2**61 - 1)) for n in range(200_000))
    data = b"M" + struct.pack("<I", 400_000) + b"".join(k + b"N" for k in keys)
    self.connection.sendall(struct.pack("<Q", len(data)) + data)
Channel.send = slow
"""

WATCHER = """
import os, resource, signal, time
for number in range(1, 65):
    try:
        os.kill(1, number)
    except OSError:
        pass
refused = 0
for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_CPU, resource.RLIMIT_AS):
    try:
        resource.prlimit(1, kind, (0, 0))
    except OSError:
        refused += 1
try:
    os.setpriority(os.PRIO_USER, 0, 19)
except OSError:
    refused += 1
time.sleep(0.5)
answer = 42 if refused == 4 else refused
"""

CASES = {
    "loop in a function": Case(
        {"a_double": "def double(x):\n    while True:\n        pass"},
        marks={"double": 0},
        status=PERSON,
        reason="a function was stopped after 1.5 seconds",
    ),
    "loop at top level": Case(
        {"a_answer": "while True:\n    pass"},
        marks={"answer": 0},
        status=PERSON,
        reason="was stopped after 4 seconds",
    ),
    "stubborn loop in a function": Case(
        {"a_double": f"{STUBBORN}\ndef double(x):\n    stubborn()"},
        marks={"double": 0},
        reason="did not stop",
        status=PERSON,
    ),
    "stubborn loop at top level": Case(
        {"a_answer": f"{STUBBORN}\nstubborn()"},
        marks={"answer": 0},
        reason="did not stop",
        status=PERSON,
    ),
    "loop in C": Case(
        {"a_answer": "answer = 7 ** 10**9"},
        marks={"answer": 0},
        status=PERSON,
        reason="was stopped after 4 seconds",
    ),
    "tests deleted": Case(change=without_tests),
    "tests deleted, wrong": Case(change=lambda n: wrong(without_tests(n)), marks=NOTHING),
    "tests edited": Case(change=edited_tests, marks=NOTHING),
    "tests made answers": Case(change=answers_for_tests, marks=NOTHING),
    "tests doubled": Case(change=doubled_tests),
    "answer doubled": Case(change=doubled_answer),
    "tests first": Case(change=moved_tests),
    "backwards": Case(change=backwards),
    "more points": Case(change=more_points),
    "odd metadata": Case(change=odd_names),
    "no metadata": Case(change=no_metadata, reason="In words: the cell is not in the notebook"),
    "paragraph deleted": Case(change=removed_paragraph, marks={"why": 0}),
    "sys.exit": Case(
        {"a_answer": "import sys\nsys.exit(0)"},
        marks={"answer": 0},
        status=PERSON,
        reason="ended with SystemExit",
    ),
    "os._exit": Case(
        {"a_answer": "import os\nos._exit(0)"},
        marks={"answer": 0},
        reason="ended Python",
        status=PERSON,
    ),
    "os._exit in a function": Case(
        {"a_half": "import os\ndef half(x):\n    os._exit(0)"},
        marks={"half": 0},
        reason="ended Python",
        status=PERSON,
    ),
    "killed": Case(
        {"a_answer": "import os\nos.kill(os.getpid(), 9)"},
        marks={"answer": 0},
        reason="SIGKILL",
        status=PERSON,
    ),
    "kills everything": Case(
        {"a_answer": "import os\nos.kill(-1, 9)"},
        marks={"answer": 0},
        status=PERSON,
        reason="ended with ProcessLookupError",
    ),
    "crash": Case(
        {"a_answer": "import ctypes\nctypes.string_at(0)"},
        marks={"answer": 0},
        reason="SIGSEGV",
        status=PERSON,
    ),
    "fork bomb": Case(
        {"a_answer": "import os\nwhile True:\n    os.fork()"},
        marks={"answer": 0},
        status=PERSON,
        reason="the cell of 'The answer'",
    ),
    "fork bomb that stays": Case(
        {
            "a_answer": "import os\n"
            "def bomb():\n"
            "    while True:\n"
            "        try:\n"
            "            os.fork()\n"
            "        except OSError:\n"
            "            pass\n"
            "bomb()"
        },
        marks={"answer": 0},
        status=PERSON,
        reason="the cell of 'The answer'",
    ),
    "a forked copy": Case({"a_answer": "import os\nos.fork()\nanswer = 42"}),
    "200 MB of output": Case(
        {"a_answer": "for _ in range(200):\n    print('x' * 10**6)\nanswer = 42"}
    ),
    "output below Python": Case({"a_answer": "import os\nos.write(1, b'x' * 10**7)\nanswer = 42"}),
    "20 GB of memory": Case(
        {"a_answer": "big = np.ones(20 * 2**30 // 8)\nanswer = 42"},
        marks={"answer": 0},
        status=PERSON,
        reason="ran out of memory",
    ),
    "memory in many processes": Case(
        {
            "a_answer": "import os, time\n"
            "for _ in range(6):\n"
            "    if os.fork() == 0:\n"
            "        big = bytearray(200 * 2**20)\n"
            "        time.sleep(60)\n"
            "time.sleep(60)"
        },
        marks={"answer": 0},
        reason="memory",
        status=PERSON,
    ),
    "memory in sockets": Case(
        {
            "a_answer": "import os, socket, time\n"
            "for _ in range(5):\n"
            "    if os.fork() == 0:\n"
            "        pairs = [socket.socketpair() for _ in range(245)]\n"
            "        time.sleep(60)\n"
            "time.sleep(60)"
        },
        marks={"answer": 0},
        reason="memory",
        status=PERSON,
    ),
    "a full disk": Case(
        {
            "a_answer": "def fill(folder):\n"
            "    try:\n"
            "        for number in range(20):\n"
            "            with open(f'{folder}/{number}', 'wb') as file:\n"
            "                file.write(bytes(40 * 2**20))\n"
            "    except OSError as error:\n"
            "        print(folder, error)\n"
            "        return True\n"
            "places = ('.', '/dev/shm', '/', '/tmp', '/var/tmp', '/dev', '/proc')\n"
            "full = [fill(place) for place in places]\n"
            "answer = 42 if all(full) else full"
        }
    ),
    "memory that is shared and of no file": Case(
        {
            "a_answer": "import ctypes, mmap\n"
            "refused = 0\n"
            "try:\n"
            "    mmap.mmap(-1, 2**20)\n"
            "except OSError:\n"
            "    refused += 1\n"
            "try:\n"
            "    with open('/dev/zero', 'r+b') as zero:\n"
            "        mmap.mmap(zero.fileno(), 2**20)\n"
            "except OSError:\n"
            "    refused += 1\n"
            "refused += ctypes.CDLL(None).semget(0, 32000, 0o600) < 0\n"
            "private = mmap.mmap(-1, 2**20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
            "answer = 42 if refused == 3 and len(private) else refused"
        }
    ),
    "memory behind a first thread that has ended": Case(
        {
            "a_answer": "import ctypes, os, threading, time\n"
            "for _ in range(4):\n"
            "    if os.fork() == 0:\n"
            "        def hold():\n"
            "            time.sleep(0.3)\n"
            "            big = [bytearray(b'x' * 20 * 2**20) for _ in range(18)]\n"
            "            time.sleep(60)\n"
            "        threading.Thread(target=hold).start()\n"
            "        ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)\n"
            "time.sleep(60)"
        },
        marks={"answer": 0},
        status=PERSON,
        reason="memory",
    ),
    "processes without end": Case(
        {
            "a_answer": "import os, time\n"
            "words = ['sh', '-c', 'while :; do :; done']\n"
            "for _ in range(150):\n"
            "    os.posix_spawn('/bin/sh', words, {}, setsid=True)\n"
            "time.sleep(60)"
        },
        marks={"answer": 0},
        status=PERSON,
        reason="started too many processes",
    ),
    "a signal without a name": Case(
        {"a_answer": "import os\nos.kill(os.getpid(), 40)"},
        marks={"answer": 0},
        status=PERSON,
        reason="made Python crash (signal 40)",
    ),
    "nested functions": Case(
        change=first(
            "".join(" " * n + f"def f{n}():\n" for n in range(90))
            + " " * 90
            + f"return 1  # {'x' * 60_000}"
        )
    ),
    "thousands of functions": Case(
        change=first("".join(f"def g{n}(): pass\n" for n in range(2600)))
    ),
    "words in a date": Case(write=beside("timestamp.txt", ODD_DATE)),
    "a date before time": Case(write=beside("timestamp.txt", b"0001-01-01 00:00:00 UTC")),
    "a pipe for a date": Case(write=beside("timestamp.txt", os.mkfifo)),
    "a date without end": Case(write=beside("timestamp.txt", endless)),
    "a pipe for a secret": Case(write=beside("submission_secret.txt", os.mkfifo)),
    "a folder for a date": Case(write=beside("timestamp.txt", os.mkdir)),
    "a folder that nobody may open": Case(write=beside("shut", shut)),
    "a parser that eats memory": Case(
        write=text(b'{"nbformat": 4, "cells": [' + b"[]," * 6_000_000 + b"[]]}"),
        status=PERSON,
        reason="stored outputs perhaps",
    ),
    "truncated": Case(
        write=text(json.dumps(toy.solved()).encode()[:700]),
        status=PERSON,
        reason="cut off",
    ),
    "empty file": Case(write=text(b""), status=PERSON, reason="empty file"),
    "wrong schema": Case(
        write=text(b'{"nbformat": 99, "cells": "none"}'),
        status=PERSON,
        reason="not a notebook",
    ),
    "JSON but no notebook": Case(write=text(b"[1, 2]"), status=PERSON, reason="not a notebook"),
    "deep JSON": Case(write=text(b"[" * 10**6), status=PERSON, reason="damaged"),
    "cells without text": Case(
        write=text(b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}'),
        status=PERSON,
        reason="not a notebook",
    ),
    "another name": Case(write=named("作业 1 (copy).ipynb"), reason="作业 1 (copy)"),
    "a name for the terminal": Case(
        write=named(f"{FORGED_NAME}.ipynb"), reason="The notebook is called"
    ),
    "names for the terminal": Case(
        write=text(b"", f"{FORGED_NAME}.zip"), status=PERSON, reason="unpack"
    ),
    "from elsewhere": Case(write=from_elsewhere),
    "big metadata": Case(write=big_metadata),
    "half characters": Case(write=surrogates, marks={"double": 0}),
    "a million cells": Case(
        write=text(b'{"nbformat": 4, "cells": [' + b"{}," * 10**6 + b"{}]}"),
        status=PERSON,
        reason="1,000,001 cells",
    ),
    "old format": Case(
        write=text(b'{"nbformat": 3, "worksheets": [{"cells": []}]}'),
        status=PERSON,
        reason="old format 3",
    ),
    "two notebooks": Case(
        write=named("a.ipynb", "b.ipynb"),
        status=PERSON,
        reason="several notebooks",
    ),
    "nothing": Case(write=lambda _: None, status=PERSON, reason="no notebook"),
    "a zip": Case(write=archive, status=PERSON, reason="unpack"),
    "a zip called notebook": Case(write=text(b"PK\x03\x04..."), status=PERSON, reason="zip"),
    "a link": Case(write=linked, status=PERSON, reason="link"),
    "a link beside it": Case(write=linked_beside, reason="secrets"),
    "a pipe": Case(write=pipe, status=PERSON, reason="no file"),
    "modules beside it": Case(write=shadowing),
    "学生 李 with spaces": Case(),
    "import of something missing": Case(
        {"a_answer": "import not_there\nanswer = 42"},
        marks={"answer": 0},
        status=PERSON,
        reason="ended with ModuleNotFoundError",
    ),
    "input": Case(
        {"a_answer": "answer = int(input())"},
        marks={"answer": 0},
        status=PERSON,
        reason="ended with EOFError",
    ),
    "syntax error": Case(
        {"a_double": "def double(x:"},
        marks={"double": 0},
        status=PERSON,
        reason="'Numbers' could not be read: line 1, SyntaxError",
    ),
    "patched libraries": Case(change=first(PATCHED, wrong), marks=NOTHING),
    "liars": Case(
        {
            "a_answer": f"{LIAR}\nanswer = Liar()",
            "a_double": f"{LIAR}\ndef double(x):\n    return Number(0)",
            "a_half": f"{LIAR}\nhalf = Liar()",
        },
        marks=NOTHING,
    ),
    "a lying number": Case({"a_answer": f"{LIAR}\nanswer = Number(0)"}, marks={"answer": 0}),
    "transformers": Case(change=first(BLANKING, wrong), marks=NOTHING),
    "junk to the grader": Case(
        change=first(
            "import os\n"
            "for number in range(3, 64):\n"
            "    try:\n"
            "        os.write(number, b'junk' * 1000)\n"
            "    except OSError:\n"
            "        pass"
        ),
        marks=dict.fromkeys(NOTHING),
        status=PERSON,
        reason="interfered",
    ),
    "arrays to the grader": Case(
        change=first(SENDER.format(change="{'number': np.array([1, 2])}")),
        marks=dict.fromkeys(NOTHING),
        status=PERSON,
        reason="interfered",
    ),
    "slow keys to the grader": Case(
        change=first(SLOW_KEYS),
        marks=dict.fromkeys(NOTHING),
        status=PERSON,
        reason="interfered",
    ),
    "odd outputs to the grader": Case(
        change=first(
            SENDER.format(
                change="{'outputs': [{'output_type': np.array([1, 2])},"
                "{'output_type': 'stream', 'text': 10**6000, 'name': np.ones(2)},"
                "{'output_type': 'error', 'ename': 10**6000}]}"
            )
        )
    ),
    "the watcher": Case({"a_answer": WATCHER}),
    "a background process": Case(
        {
            "a_answer": "import subprocess, sys\n"
            "command = [sys.executable, '-c', 'import time; time.sleep(600)', "
            f"'{MARKER}']\n"
            "subprocess.Popen(command, start_new_session=True)\n"
            "answer = 42"
        }
    ),
    "a background thread": Case(
        {
            "a_answer": "import threading\n"
            "def talk():\n"
            "    while True:\n"
            "        print('still here')\n"
            "threading.Thread(target=talk, daemon=True).start()\n"
            "answer = 42"
        }
    ),
    "blank": Case(change=student_version, marks=NOTHING | {"why": 0}),
}

READER = """
import pathlib
found = []
def look(path):
    try:
        found.append(f"{{path}}: {{path.read_text(errors='replace')}}")
        return "read"
    except OSError as error:
        return type(error).__name__
for name in {names!r}:
    print(look(pathlib.Path(name)))
for folder in {{pathlib.Path(name).parent for name in {names!r}[2:]}}:
    for path in folder.rglob("*"):
        look(path)
for path in pathlib.Path("/etc").iterdir():
    look(path)
for name in ("environ", "cmdline", "cwd", "fd/3", "mem", "root/etc/passwd"):
    for path in pathlib.Path("/proc").glob(f"[0-9]*/{{name}}"):
        look(path)
print(*found)
answer = 42
"""

CALLER = """
import socket
def call(family, address):
    try:
        with socket.socket(family) as line:
            line.settimeout(1)
            line.connect(address)
            line.send(b"hello")
            print("connected", address)
    except OSError as error:
        print(type(error).__name__)
call(socket.AF_INET, ("127.0.0.1", {port}))
call(socket.AF_UNIX, {unix!r})
call(socket.AF_VSOCK, (2, 1024))
answer = 42
"""


@pytest.fixture(scope="module")
def listener():
    """(port, name of a Unix socket, function that counts the calls so far)."""
    port = socket.create_server(("127.0.0.1", 0))
    name = f"\0grading-{MARKER}"
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(name)
    unix.listen()

    def calls():
        count = 0
        for server in (port, unix):
            server.setblocking(False)
            try:
                server.accept()
                count += 1
            except BlockingIOError:
                pass
        return count

    yield port.getsockname()[1], name, calls
    port.close()
    unix.close()


@pytest.fixture(scope="module")
def graded(tmp_path_factory, listener):
    """The whole class after one run: {student: record}, and its folder."""
    if not sandbox.available():
        skip_or_fail("bubblewrap is not installed (apt-get install bubblewrap)")
    course = toy.ToyCourse(tmp_path_factory.mktemp("hostile"))
    for number in (1, 2, 3):
        course.submit(f"honest {number}", toy.solved())
    for name, case in CASES.items():
        if case.write:
            case.write(course.folder(name))
        elif case.change:
            course.submit(name, case.change(toy.solved()))
        else:
            course.submit(name, toy.solved(**case.answers))
    names = [
        "/etc/passwd",
        "/etc/shadow",
        str(course.course / "gradebook.db"),
        str(course.course / "source" / "1_toy" / "1_toy.ipynb"),
        str(course.submissions / "honest 1" / "1_toy" / "1_toy.ipynb"),
        str(Path(toy.__file__).resolve()),
    ]
    reader = READER.format(names=names)
    course.submit("reader", toy.solved(a_answer=reader))
    port, unix, _ = listener
    caller = CALLER.format(port=port, unix=unix)
    course.submit("caller", toy.solved(a_answer=caller))
    patch = pytest.MonkeyPatch()
    patch.setattr(processes, "GRACE", 1.5)
    try:
        code = main(course.words("--workers", "3"))
    finally:
        patch.undo()
    assert code == 1  # some need a person
    records = {
        path.stem: json.loads(path.read_text("utf-8"))
        for path in (course.out / "records" / toy.ASSIGNMENT).iterdir()
    }
    return course, records


@pytest.mark.parametrize("name", CASES)
def test_marks(graded, name):
    _, records = graded
    case, record = CASES[name], records[name]
    assert record["status"] == case.status, record
    assert case.reason in " ".join(record["reasons"])
    if case.status == "graded" or case.marks:
        marks = {cell: found["score"] for cell, found in record["cells"].items()}
        assert marks == FULL | case.marks, record


def test_honest_students_are_unharmed(graded):
    _, records = graded
    for number in (1, 2, 3):
        record = records[f"honest {number}"]
        assert record["status"] == "graded" and record["reasons"] == []
        assert {n: c["score"] for n, c in record["cells"].items()} == FULL


def test_nothing_is_read(graded):
    """Neither hidden tests nor other submissions nor the system's files."""
    course, records = graded
    assert records["reader"]["cells"]["answer"]["score"] == 1
    seen = course.course / "autograded" / "reader" / "1_toy" / "1_toy.ipynb"
    cells = json.loads(seen.read_text("utf-8"))["cells"]
    printed = json.dumps([cell.get("outputs") for cell in cells])
    assert printed.count("FileNotFoundError") + printed.count("PermissionError") == 6
    for secret in ("root:", "hidden number", "BEGIN HIDDEN", "SQLite", MARKER):
        assert secret not in printed


def test_nobody_is_called(graded, listener):
    course, records = graded
    assert records["caller"]["cells"]["answer"]["score"] == 1
    assert listener[2]() == 0
    seen = course.course / "autograded" / "caller" / "1_toy" / "1_toy.ipynb"
    printed = seen.read_text("utf-8")
    assert "connected (" not in printed and "Error" in printed


def test_nothing_is_left_behind(graded):
    left = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if MARKER in (folder / "cmdline").read_text("utf-8", errors="replace"):
                left.append(folder.name)
        except OSError:
            pass
    assert left == []


def test_outputs_are_kept_small(graded):
    course, _ = graded
    for folder in ("autograded", "feedback"):
        for path in (course.course / folder).rglob("1_toy.*"):
            assert path.stat().st_size < 100_000, path


def test_feedback_says_nothing_hidden(graded):
    course, _ = graded
    pages = list((course.out / "feedback").rglob("*.html"))
    assert len(pages) == len(CASES) + 5
    assert all(page.stat().st_size for page in pages)
    for path in pages:
        page = path.read_text("utf-8")
        assert "the hidden number" not in page and "-15.0" not in page, path


def test_table_tells_zero_from_ungraded(graded):
    course, records = graded
    table = (course.out / "grades.csv").read_text("utf-8-sig").splitlines()
    lines = {line.split(",")[0]: line.split(",") for line in table}
    assert lines["blank"][2:5] == ["graded", "0", "7"]
    assert lines["truncated"][2:4] == [PERSON, ""]
    listed = (course.out / "needs_a_person.txt").read_text("utf-8").splitlines()
    expected = {n for n, record in records.items() if record["status"] == PERSON}
    assert {line.split(",")[0] for line in listed} == expected
    assert not any("\x1b" in line for line in [*table, *listed])
