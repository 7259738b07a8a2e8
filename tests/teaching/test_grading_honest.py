"""Honest work that is one off: it gets the marks that plain nbgrader gives, or a person
looks and reads why. One run grades all of it.
"""

import csv
import json
import sys
from dataclasses import dataclass, field

import grading_toy as toy
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from support import skip_or_fail

from helpers.__main__ import main
from helpers.teaching.grading import run, sandbox
from helpers.teaching.grading.nbgrader_steps import student_version

toy.require_nbgrader()

FULL = {"double": 2, "answer": 1, "half": 2, "why": None}
PERSON = "needs a person"
NAME = f"{toy.ASSIGNMENT}.ipynb"


@dataclass
class Case:
    """What a student hands in, and what must come of it."""

    files: dict
    """{name in the folder: notebook or bytes}"""
    marks: dict | None = field(default_factory=dict)
    """Where they differ from full marks; None: no marks at all."""
    status: str = "graded"
    reason: str = ""
    """Part of what the teacher's list says."""
    page: str = ""
    """Part of what the student's page says."""
    doubts: tuple = ()
    """The cells that formgrader asks for, besides those marked by hand."""


def one(notebook, **about):
    return Case({NAME: notebook}, **about)


def answers(about=None, **texts):
    return one(toy.solved(**texts), **(about or {}))


def blank():
    return student_version(toy.source())


def plain(notebook):
    return json.loads(json.dumps(notebook))


def turned(name, kind):
    """The solved notebook with a cell turned into another type by one key."""
    notebook = plain(toy.solved())
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name:
            cell["cell_type"] = kind
            for key in ("outputs", "execution_count"):
                cell.pop(key, None)
    return notebook


def written_by_a_newer_python(code):
    """Syntax that no Python reads yet: the grader's will always be the older one."""
    notebook = toy.solved(a_answer=code)
    notebook.metadata["language_info"] = {"name": "python", "version": "3.99.1"}
    return notebook


def paragraph(place):
    """The cell for it is untouched, and the text stands in a new one beside it."""
    notebook = toy.solved()
    cell = toy.cell(notebook, "why")
    cell.source = toy.cell(blank(), "why").source
    where = notebook.cells.index(cell) + (place == "after")
    notebook.cells.insert(where, new_markdown_cell("Because doubling adds a number to itself."))
    return notebook


def stored_plots(megabytes):
    notebook = plain(toy.solved())
    html = {"text/html": "x" * (megabytes * 2**20)}
    output = {"output_type": "display_data", "metadata": {}, "data": html}
    notebook["cells"][2]["outputs"] = [output]
    return notebook


def without(notebook, *names):
    notebook.cells = [
        c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") not in names
    ]
    return notebook


PHOTOS = {f"photos/{kind}/{n}.png": b"x" * 300 for kind in "abc" for n in range(400)}
COUNT = (
    "import pathlib\nanswer = 42 if len(list(pathlib.Path('photos').rglob('*.png'))) == 1200 else 0"
)
TOO_MUCH = {f"{n}.bin": bytes(20 * 2**20) for n in range(3)}

DECIMALS = "from decimal import Decimal\ndef half(x):\n    return Decimal(int(x)) / 2"
LONG = "import numpy as np\ndef half(x):\n    return np.longdouble(x) / 2"
TYPED = "def double(x):\n    retrun 2 * x"

CASES = {
    "solved": answers(),
    "a copy beside the blank": Case(
        {NAME: blank(), "1_toy-Copy1.ipynb": toy.solved()},
        marks={"double": 0, "answer": 0, "half": 0, "why": 0},
        status=PERSON,
        reason="There is also 1_toy-Copy1.ipynb, which holds other answers",
        doubts=("double", "answer", "half", "why"),
    ),
    "an older copy beside it": Case(
        {NAME: toy.solved(), "old/1_toy.ipynb": toy.solved(a_answer="answer = 41")},
        status=PERSON,
        reason="There is also old/1_toy.ipynb",
        doubts=("double", "answer", "half"),
    ),
    "the hand-out beside it": Case({NAME: toy.solved(), "1_toy (1).ipynb": blank()}),
    "the same twice": Case({NAME: toy.solved(), "1_toy-Copy1.ipynb": toy.solved()}),
    "another notebook beside it": Case(
        {NAME: toy.solved(), "notes.ipynb": b"{}", "more.ipynb": b'{"nbformat": 4'}
    ),
    "a paragraph after its cell": one(
        paragraph("after"), reason="In words: the cell is empty, and a text stands beside it."
    ),
    "a paragraph before its cell": one(
        paragraph("before"), reason="In words: the cell is empty, and a text stands beside it."
    ),
    "no paragraph": one(without(toy.solved(), "why"), marks={"why": 0}, page="No answer."),
    "Markdown": one(turned("a_answer", "markdown"), reason="turned into markdown"),
    "raw": one(turned("a_answer", "raw"), reason="turned into raw"),
    "a paragraph as code": one(turned("why", "code"), reason="counts as markdown"),
    "a newer Python": one(
        written_by_a_newer_python("answer = 42 if True otherwise 0"),
        marks={"answer": 0},
        status=PERSON,
        reason="could not be read: line 1, SyntaxError (written with Python 3.99.1, and read by "
        f"{sys.version_info[0]}.{sys.version_info[1]})",
        doubts=("answer",),
    ),
    "photos in folders": Case({NAME: toy.solved(a_answer=COUNT), **PHOTOS}),
    "photos of 60 MB": Case(
        {NAME: toy.solved(), **TOO_MUCH},
        status=PERSON,
        reason="1 of 3 files beside the notebook were left out",
        doubts=("double", "answer", "half"),
    ),
    "31 MB of stored plots": one(stored_plots(31)),
    "notebook.txt": Case(
        {f"{NAME}.txt": toy.solved()},
        marks=None,
        status=PERSON,
        reason=f"but {NAME}.txt: rename it to {NAME}",
    ),
    "notebook.json": Case(
        {f"{NAME}.json": toy.solved()}, marks=None, status=PERSON, reason=f"{NAME}.json: rename"
    ),
    "IPYNB": Case({"1_toy.IPYNB": toy.solved()}, reason="is called 1_toy.IPYNB"),
    "one folder too deep": Case(
        {f"1_toy/{NAME}": toy.solved()}, marks=None, status=PERSON, reason="move it up"
    ),
    "a page of it": Case(
        {"1_toy.html": b"<html>"}, marks=None, status=PERSON, reason="ask for the notebook itself"
    ),
    "a checkpoint alone": Case(
        {".ipynb_checkpoints/1_toy-checkpoint.ipynb": toy.solved()},
        marks=None,
        status=PERSON,
        reason="an older state that Jupyter keeps",
    ),
    "a checkpoint beside it": Case(
        {NAME: toy.solved(), ".ipynb_checkpoints/1_toy-checkpoint.ipynb": blank()}
    ),
    "Decimals": answers(a_half=DECIMALS),
    "long doubles": answers(a_half=LONG),
    "a type of one's own": answers(
        {
            "marks": {"answer": 0},
            "status": PERSON,
            "reason": "an answer is of a kind that the tests cannot look into",
            "page": "give numbers, text, lists or arrays",
            "doubts": ("answer",),
        },
        a_answer="class Mine: pass\nanswer = Mine()",
    ),
    "one letter": answers(
        {
            "marks": {"double": 0},
            "status": PERSON,
            "reason": "Numbers: the cell of 'Numbers' could not be read: line 2, SyntaxError.",
            "page": "The cell of &#x27;Numbers&#x27; could not be read: line 2, SyntaxError",
            "doubts": ("double",),
        },
        a_double=TYPED,
    ),
    "another name": answers(
        {
            "marks": {"half": 0},
            "status": PERSON,
            "reason": "nothing is called 'half'",
            "doubts": ("half",),
        },
        a_half="def halve(x):\n    return x / 2",
    ),
    "a deleted answer": one(
        without(toy.solved(), "a_half"),
        marks={"half": 0},
        status=PERSON,
        reason="the cell of 'The answer' is not in the notebook",
        doubts=("half",),
    ),
    "an endless cell": answers(
        {
            "marks": {"answer": 0},
            "status": PERSON,
            "reason": "the cell of 'The answer' was stopped after 4 seconds",
            "page": "was stopped after 4 seconds",
            "doubts": ("answer",),
        },
        a_answer="while True:\n    pass",
    ),
    "a missing file": answers(
        {
            "marks": {"answer": 0},
            "status": PERSON,
            "reason": "the cell of 'The answer' ended with FileNotFoundError",
            "doubts": ("answer",),
        },
        a_answer="answer = int(open('mine.txt').read())",
    ),
    "a missing file in a function": answers(
        {
            "marks": {"half": 0},
            "status": PERSON,
            "reason": "a function ended with FileNotFoundError",
            "doubts": ("half",),
        },
        a_half="def half(x):\n    return open('mine.txt')",
    ),
    "a function of one's own that is broken": Case(
        {},
        marks={"half": 0},
        status=PERSON,
        reason="could not be read: line 1, SyntaxError",
        doubts=("half",),
    ),
    # What was compared and was wrong counts, and so does what was not written.
    "wrong": answers(
        {"marks": {"double": 0, "half": 0.5}, "page": "double(2) should be 4"},
        a_double="def double(x):\n    return 5",
        a_half="def half(x):\n    return 0.5",
    ),
    "an error": answers(
        {"marks": {"half": 0}, "page": "ZeroDivisionError: division by zero"},
        a_half="def half(x):\n    return x / 0",
    ),
    "a name that nobody has": answers(
        {"marks": {"half": 0}, "page": "name &#x27;y&#x27; is not defined"},
        a_half="def half(x):\n    return y / 2",
    ),
    "half of it": answers(
        {"marks": {"answer": 0, "half": 0}, "page": "An answer is missing"},
        a_answer='raise NotImplementedError("Write your answer here.")',
        a_half="def half(x):\n    raise NotImplementedError",
    ),
    "blank": one(blank(), marks={"double": 0, "answer": 0, "half": 0, "why": 0}),
}


def broken_help():
    notebook = toy.solved(a_half="def half(x):\n    return helper(x)")
    notebook.cells.insert(1, new_code_cell("def helper(x: return x / 2"))
    return notebook


CASES["a function of one's own that is broken"].files[NAME] = broken_help()


def picture_of_nothing():
    """Cells fail because an answer is missing. They name the answer, but do not define it."""
    notebook = toy.solved(a_answer='raise NotImplementedError("Write your answer here.")')
    place = next(n for n, cell in enumerate(notebook.cells) if "NotImplemented" in cell.source)
    notebook.cells.insert(place + 1, new_code_cell("shown = answer + 1"))
    notebook.cells.insert(place + 2, new_code_cell("title = f'The answer and one: {shown}'"))
    return notebook


CASES["a picture of what is missing"] = one(picture_of_nothing(), marks={"answer": 0})

STRAYS = {
    ("folder in capitals", "1_TOY"): "rename the folder to 1_toy",
    ("no folder", "1_toy.ipynb"): "move it into a folder 1_toy",
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The class after one run: its folder."""
    if not sandbox.available():
        skip_or_fail("bubblewrap is not installed (apt-get install bubblewrap)")
    course = toy.ToyCourse(tmp_path_factory.mktemp("honest"))
    for student, case in CASES.items():
        for name, content in case.files.items():
            path = course.folder(student) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            path.write_bytes(content)
    for student, name in STRAYS:
        path = course.submissions / student / name
        path.parent.mkdir()
        path.mkdir() if path.suffix == "" else path.touch()
    patch = pytest.MonkeyPatch()
    patch.setattr(run, "_engine", lambda *_: toy.shared_engine_for_a_while())
    assert main(course.words()) == 1
    patch.undo()
    return course


@pytest.fixture(scope="module")
def table(graded):
    """{student: line of grades.csv}"""
    with (graded.out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return {line["student"]: line for line in csv.DictReader(file)}


@pytest.mark.parametrize("name", CASES)
def test_marks(graded, table, name):
    case, line = CASES[name], table[name]
    path = graded.out / "records" / toy.ASSIGNMENT / f"{name}.json"
    record = json.loads(path.read_text("utf-8"))
    assert line["status"] == case.status, record
    assert case.reason in line["reasons"]
    if not case.reason:
        assert line["reasons"] == ""
    marks = {cell: found["score"] for cell, found in record["cells"].items()}
    assert marks == ({} if case.marks is None else FULL | case.marks), record
    if case.marks is not None:
        asked = set(case.doubts) | ({"why"} if marks["why"] is None else set())
        assert int(line["to_mark_by_hand"]) == len(asked)


@pytest.mark.parametrize("name", CASES)
def test_page(graded, name):
    case = CASES[name]
    path = graded.out / "feedback" / name / f"{toy.ASSIGNMENT}.html"
    page = path.read_text("utf-8")
    assert case.page in page
    assert ("not your marks yet" in page) == (case.status == PERSON)
    # Neither names of cells nor what hidden tests hand over.
    shown = page.partition("<h2>")[0].partition("</style>")[2]
    assert "a_" not in shown and "-7.5" not in page


def test_folders_that_are_one_off(graded):
    listed = (graded.out / "needs_a_person.txt").read_text("utf-8")
    for (student, name), reason in STRAYS.items():
        line = next(line for line in listed.splitlines() if line.startswith(f"{student}, {name}"))
        assert reason in line
