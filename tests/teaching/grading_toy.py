"""A small course for the tests of grading: one assignment, and what students send."""

import atexit
import contextlib
import functools
import importlib.util
import shutil
import tempfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from support import CI

from helpers.teaching.grading.course import Course
from helpers.teaching.grading.engine import Engine
from helpers.teaching.grading.gradebook import gradebook
from helpers.teaching.grading.nbgrader_steps import student_version

ASSIGNMENT = "1_toy"
CONFIGURATION = (
    Path(__file__).resolve().parents[2] / "notebooks" / "assignments" / "nbgrader_config.py"
)
LIMITS = {
    "cell_seconds": 4,
    "call_seconds": 1.5,
    "total_seconds": 90,
    "memory_mb": 700,
}


def require_nbgrader():
    """Skip the module of a test where nbgrader is not installed; in CI, fail."""
    if importlib.util.find_spec("nbgrader") or CI:
        return
    pytest.skip(
        "grading needs nbgrader: pip install -r requirements-grading.txt",
        allow_module_level=True,
    )


def _marked(cell, name, **about):
    plain = dict.fromkeys(("grade", "solution", "locked", "task"), False)
    cell.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": name,
        **plain,
        **about,
    }
    return cell


def given(name, text):
    return _marked(new_code_cell(text), name, locked=True)


def answer(name, text):
    text = f"### BEGIN SOLUTION\n{text}\n### END SOLUTION"
    return _marked(new_code_cell(text), name, solution=True)


def test(name, points, text):
    about = {"grade": True, "locked": True, "points": points}
    return _marked(new_code_cell(text), name, **about)


def written(name, points, text):
    text = f"### BEGIN SOLUTION\n{text}\n### END SOLUTION"
    about = {"grade": True, "solution": True, "points": points}
    return _marked(new_markdown_cell(text), name, **about)


def notebook(*cells, **limits):
    kernel = {"name": "python3", "language": "python", "display_name": "Python"}
    metadata = {"kernelspec": kernel, "grading": LIMITS | limits}
    return new_notebook(cells=list(cells), metadata=metadata)


HALF = """
right = sum(half(number) == number / 2 for number in range(4))
assert right > 0, "half is never right"
right * 0.5
"""

DOUBLE = """
import numpy as np
assert double(2) == 4, "double(2) should be 4"
### BEGIN HIDDEN TESTS
assert double(-7.5) == -15.0, "the hidden number is -7.5"
np.testing.assert_array_equal(double(np.arange(3)), [0, 2, 4])
### END HIDDEN TESTS
"""


def source():
    """double: 2 points; answer: 1; half: 2, in parts; a paragraph by hand: 2."""
    return notebook(
        new_markdown_cell("# A toy\n## Numbers"),
        given("start", "import numpy as np"),
        answer("a_double", "def double(x):\n    return 2 * x"),
        test("double", 2, DOUBLE.strip()),
        new_markdown_cell("## The answer"),
        answer("a_answer", "answer = 42"),
        test("answer", 1, 'assert answer == 42, "the answer should be 42"'),
        answer("a_half", "def half(x):\n    return x / 2"),
        test("half", 2, HALF.strip()),
        new_markdown_cell("## In words"),
        written("why", 2, "Because."),
    )


def cell(notebook, name):
    """The cell of a notebook that bears this grade_id."""
    for each in notebook.cells:
        if each.metadata.get("nbgrader", {}).get("grade_id") == name:
            return each
    raise KeyError(name)


def solved(**texts):
    """What a student hands in: no hidden tests, all answers right, but for `texts`.

    These are other texts of the cells a_double, a_answer ...
    """
    notebook = student_version(source())
    for each in source().cells:
        about = each.metadata.get("nbgrader", {})
        if about.get("solution"):
            name = about["grade_id"]
            lines = each.source.splitlines()[1:-1]
            cell(notebook, name).source = texts.get(name, "\n".join(lines))
    return notebook


_engines = []


def shared_engine():
    """One engine for many tests, until one stops it: starting one takes seconds."""
    if not _engines or _engines[-1].stopped:
        _engines.append(Engine().__enter__())
        atexit.register(_engines[-1].stop)
    return _engines[-1]


def shared_engine_for_a_while():
    """The same, for a `with` that does not end it."""
    return contextlib.nullcontext(shared_engine())


@functools.cache
def _empty_gradebook():
    """A new gradebook as bytes: nbgrader takes seconds to make one."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(CONFIGURATION, folder)
        with gradebook(Course(folder)):
            pass
        return (Path(folder) / "gradebook.db").read_bytes()


class ToyCourse:
    """A course folder and a folder of submissions, below a temporary folder."""

    def __init__(self, folder, notebook=None):
        self.course = folder / "course"
        self.submissions = folder / "handed in"
        self.out = folder / "results 成绩"
        self.course.mkdir(parents=True)
        self.submissions.mkdir()
        shutil.copy(CONFIGURATION, self.course)
        (self.course / "gradebook.db").write_bytes(_empty_gradebook())
        self.set_source(notebook or source())

    def set_source(self, notebook):
        path = self.course / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)

    def folder(self, student):
        folder = self.submissions / student / ASSIGNMENT
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def submit(self, student, notebook, name=f"{ASSIGNMENT}.ipynb"):
        path = self.folder(student) / name
        nbformat.write(notebook, path)
        return path

    def words(self, *more):
        """The arguments of `python -m helpers` that grade this class."""
        return [
            "grade",
            str(self.submissions),
            "--out",
            str(self.out),
            "--course",
            str(self.course),
            *more,
        ]
