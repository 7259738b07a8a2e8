"""Runs the cells of one submission, without any test, and answers the judge's questions.

Everything in this process is the student's to change. What it sends is believed to
be the student's answers, and nothing else.
"""

import base64
import io
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from helpers.assignments import counted_here
from helpers.teaching.grading import seeds
from helpers.teaching.grading.messages import Closed
from helpers.teaching.grading.values import Carrier

MAX_TEXT = 20_000
"""Characters of output kept for a cell."""

MAX_PICTURE = 500_000
"""Bytes of a picture; larger ones are left out."""

MAX_OUTPUTS = 50


class TimeLimit(BaseException):
    """Raised inside a student's code that takes too long; `except Exception` misses it."""


def main(channel):
    """Serve the coordinator's requests until it hangs up."""
    setup = channel.receive()
    _no_streams()
    _scratch(setup["files"])
    seeds.same_for_all()
    shell, outputs = _shell()
    sys.path.insert(0, str(Path.cwd()))  # modules handed in beside the notebook
    carrier = Carrier()
    channel.send({"ready": True})
    alone = os.getpid()
    while True:
        try:
            request = channel.receive()
        except Closed:
            return
        kind = request["kind"]
        if kind == "run":
            answer = _run(shell, outputs, request)
        elif kind == "fetch":
            answer = _fetch(shell.user_ns, carrier, request)
        else:
            answer = _call(carrier, request)
        if os.getpid() != alone:
            return  # a copy that the student's code has forked off
        channel.send(answer | {"number": request["number"]})


def _no_streams():
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def _scratch(files):
    """The working folder, with what belongs to the assignment and what was handed in."""
    folder = Path(os.environ["TMPDIR"]) / "work"
    folder.mkdir()
    for name, content in files.items():
        path = folder / name
        with suppress(OSError):  # a student's file where the course has a folder
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    os.chdir(folder)


class Outputs(list):
    """Outputs of one cell as in a notebook file, kept small."""

    def text(self, name, text):
        if self and self[-1].get("name") == name:
            stream = self[-1]
        else:
            stream = {
                "output_type": "stream",
                "name": name,
                "text": "",
                "left out": 0,
            }
            self.add(stream)
        room = MAX_TEXT - sum(len(o.get("text", "")) for o in self)
        stream["text"] += text[: max(room, 0)]
        stream["left out"] += max(len(text) - max(room, 0), 0)

    def add(self, output):
        if len(self) < MAX_OUTPUTS:
            self.append(output)

    def rich(self, kind, data, about=None):
        kept, sizes = {}, {}
        text = data.get("text/plain")
        if isinstance(text, str):
            kept["text/plain"] = text[:MAX_TEXT]
        for form in ("image/png", "image/jpeg"):
            picture = data.get(form)
            if isinstance(picture, bytes):
                picture = base64.b64encode(picture).decode("ascii")
            if isinstance(picture, str) and len(picture) <= MAX_PICTURE:
                kept[form] = picture
                said = about.get(form) if isinstance(about, dict) else None
                if isinstance(said, dict):
                    width, alt = said.get("width"), said.get("alt")
                    sizes[form] = {
                        **({"width": width} if type(width) is int else {}),
                        **({"alt": alt[:500]} if isinstance(alt, str) else {}),
                    }
        self.add({"output_type": kind, "data": kept, "metadata": sizes})

    def taken(self):
        """The outputs so far; empties the list."""
        taken = list(self)
        self.clear()
        for output in taken:
            left_out = output.pop("left out", 0)
            if left_out:
                output["text"] += f"\n... and {left_out:,} more characters"
        return taken


class _Stream(io.TextIOBase):
    """Stands for sys.stdout and sys.stderr."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, outputs, name):
        self.outputs = outputs
        self.name = name

    def write(self, text):
        self.outputs.text(self.name, str(text))
        return len(text)

    def writable(self):
        return True

    def close(self):
        pass  # a notebook's streams stay open

    def fileno(self):
        return {"stdout": 1, "stderr": 2}[self.name]


def _shell():
    """An IPython shell, as notebooks know it, and where its outputs go."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    outputs = Outputs()

    class Publisher(DisplayPublisher):
        def publish(self, data, metadata=None, **_):
            outputs.rich("display_data", data, metadata)

        def clear_output(self, wait=False):
            outputs.clear()

    class Hook(DisplayHook):
        def write_output_prompt(self):
            pass

        def write_format_data(self, format_dict, md_dict=None):
            outputs.rich("execute_result", format_dict, md_dict)

        def finish_displayhook(self):
            pass

    class Shell(InteractiveShell):
        display_pub_class = Publisher
        displayhook_class = Hook

        def enable_gui(self, gui=None):
            pass

        def _showtraceback(self, etype, evalue, stb):
            outputs.add(
                {
                    "output_type": "error",
                    "ename": str(etype.__name__)[:200],
                    "evalue": str(evalue)[:2000],
                    "traceback": [line[:2000] for line in stb[-20:]],
                }
            )

    shell = Shell.instance(
        colors="nocolor",
        display_page=True,
        history_manager_class=_no_history(),
    )
    if "matplotlib" in sys.modules:
        shell.enable_matplotlib("inline")  # figures show by themselves
    sys.stdout = _Stream(outputs, "stdout")
    sys.stderr = _Stream(outputs, "stderr")
    return shell, outputs


def _no_history():
    from IPython.core.history import HistoryManager

    class NoHistory(HistoryManager):
        enabled = False

    return NoHistory


class _Alarm:
    """Interrupts the code inside after `seconds`, and then every half second."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        signal.signal(signal.SIGALRM, self.ring)
        signal.setitimer(signal.ITIMER_REAL, self.seconds, 0.5)

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)

    def ring(self, *_):
        raise TimeLimit(f"stopped after {self.seconds:g} seconds")


def _run(shell, outputs, request):
    """Run one cell as a notebook does."""
    try:
        with _Alarm(request["seconds"]):
            result = shell.run_cell(request["source"], store_history=True)
        error = result.error_before_exec or result.error_in_exec
    except TimeLimit as limit:
        error = limit
    return {"outputs": outputs.taken(), **_about(error)}


def _about(error):
    """What the coordinator is told of an error (or of None)."""
    if error is None:
        return {}
    about = {"error": type(error).__name__, "text": _text(error)}
    if isinstance(error, TimeLimit):
        about = {"error": "TimeoutError", "text": str(error), "late": True}
    with suppress(Exception):  # a class of the student's may have any of these
        if isinstance(error, NameError) and isinstance(error.name, str):
            about["name"] = error.name[:200]
        if isinstance(error, SyntaxError) and isinstance(error.lineno, int):
            about["line"] = error.lineno
    return about


class _Given(dict):
    """The names of functions that were given: theirs go before those of the student."""

    def __init__(self, names):
        super().__init__(__name__="__main__")
        self._names = names

    def __missing__(self, name):
        return self._names[name]


def _fetch(names, carrier, request):
    try:
        with _Alarm(request["seconds"]):
            if "library" in request:  # a function that was given, whatever has its name now
                names = _Given(names)
                exec(request["library"], names)
            if request["name"] not in names:
                return {"missing": True}
            return {"value": carrier.dumps(names[request["name"]])}
    except BaseException as error:
        return _about(error)


def _call(carrier, request):
    try:
        number, positional, named = carrier.loads(request["value"])
        with _Alarm(request["seconds"]):
            function = carrier.kept[number]
            if request["kind"] == "count":
                value = counted_here(function, *positional)
            else:
                value = function(*positional, **named)
            return {"value": carrier.dumps(value)}
    except TimeLimit as error:
        return _about(error) | {"text": f"the function was {error}"}
    except BaseException as error:
        return _about(error)


def _text(error):
    try:
        return str(error)[:2000]
    except Exception:
        return ""
