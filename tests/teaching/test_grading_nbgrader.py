"""nbgrader's own commands work on the same course folder, and give the same marks."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import grading_toy as toy
import nbformat
import pytest
from support import skip_or_fail

from helpers.__main__ import main
from helpers.teaching.grading import gradebook, run, sandbox
from helpers.teaching.grading.course import Course
from helpers.teaching.grading.nbgrader_steps import student_version

toy.require_nbgrader()

SUBMISSIONS = {
    "blank": None,
    "right": {},
    # In a test cell, nbgrader gives no points for text on standard error.
    "warned": {
        "a_double": "import warnings\n"
        "def double(x):\n"
        "    warnings.warn('all is well')\n"
        "    return 2 * x"
    },
    "partly": {
        "a_double": "def double(x):\n    return 4",
        "a_half": "def half(x):\n    return x // 2",
    },
}
MARKS = {
    "blank": {"double": 0, "answer": 0, "half": 0, "why": 0},
    "right": {"double": 2, "answer": 1, "half": 2, "why": 0},
    "warned": {"double": 2, "answer": 1, "half": 2, "why": 0},
    "partly": {"double": 0, "answer": 1, "half": 1, "why": 0},
    **dict.fromkeys(("markdown", "raw"), {"double": 2, "answer": 1, "half": 2, "why": 0}),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = toy.ToyCourse(tmp_path_factory.mktemp("stock"))
    (course.course / "gradebook.db").unlink()  # nbgrader makes its own
    course.submissions = course.course / "submitted"
    nbgrader(course, "generate_assignment", toy.ASSIGNMENT)
    for student, answers in SUBMISSIONS.items():
        blank = student_version(toy.source())
        course.submit(student, blank if answers is None else toy.solved(**answers))
    for kind in ("markdown", "raw"):  # one key turns a cell into another type
        notebook = toy.solved()
        cell = toy.cell(notebook, "a_answer")
        other = {
            "cell_type": kind,
            "id": "a-answer",
            "source": cell.source,
            "metadata": cell.metadata,
        }
        notebook.cells[notebook.cells.index(cell)] = nbformat.from_dict(other)
        course.submit(kind, notebook)
    nbgrader(course, "autograde", toy.ASSIGNMENT)
    return course


def nbgrader(course, *words):
    """Run a command of nbgrader in the course's folder; what it printed."""
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *words],
        cwd=course.course,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


def marks(course):
    """{student: ({grade_id: score}, how many are to be marked by hand)}"""
    found = gradebook.entered(Course(course.course))
    return {
        student: (
            {name: score for name, (score, _) in entry["marks"].items()},
            sum(waits for _, waits in entry["marks"].values()),
        )
        for (student, _), entry in found.items()
    }


def test_release_keeps_its_secrets(course):
    path = course.course / "release" / toy.ASSIGNMENT / f"{toy.ASSIGNMENT}.ipynb"
    text = path.read_text("utf-8")
    for secret in ("-7.5", "HIDDEN", "SOLUTION", "return 2 * x", "Because."):
        assert secret not in text
    ours = student_version(toy.source()).cells
    theirs = nbformat.read(path, as_version=4).cells
    assert [c.source for c in ours] == [c.source for c in theirs]
    assert [c.metadata for c in ours] == [c.metadata for c in theirs]


def test_same_marks(course, monkeypatch):
    """nbgrader's, then ours on the same folder, then nbgrader's again."""
    if not sandbox.available():
        skip_or_fail("bubblewrap is not installed (apt-get install bubblewrap)")
    nbgraders = marks(course)
    assert {name: found for name, (found, _) in nbgraders.items()} == MARKS
    assert nbgraders["blank"][1] == 0 and nbgraders["right"][1] == 1

    monkeypatch.setattr(run, "_engine", lambda *_: toy.shared_engine_for_a_while())
    assert main(course.words()) == 0
    assert marks(course) == nbgraders

    words = ("--student", "partly", "--force")
    nbgrader(course, "autograde", toy.ASSIGNMENT, *words)
    nbgrader(course, "generate_feedback", toy.ASSIGNMENT, *words)
    assert marks(course) == nbgraders
    nbgrader(course, "export", "--to", "grades.csv")
    with (course.course / "grades.csv").open(encoding="utf-8") as file:
        scores = {line["student_id"]: line["score"] for line in csv.DictReader(file)}
    assert scores == {
        "blank": "0.0",
        "right": "5.0",
        "warned": "5.0",
        "partly": "2.0",
        "markdown": "5.0",
        "raw": "5.0",
    }


def test_errors_cost_points_without_stderr(tmp_path):
    """The step that drops standard error keeps everything else."""
    from helpers.teaching.grading.nbgrader_extras import DropStderr

    output = nbformat.v4.new_output
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "x",
                outputs=[
                    output("stream", name="stderr", text="warning"),
                    output("stream", name="stdout", text="told"),
                    output("error", ename="ValueError", evalue="no", traceback=[]),
                ],
            ),
            nbformat.v4.new_markdown_cell("text"),
        ]
    )
    after, _ = DropStderr().preprocess(notebook, {})
    assert [o.output_type for o in after.cells[0].outputs] == [
        "stream",
        "error",
    ]
