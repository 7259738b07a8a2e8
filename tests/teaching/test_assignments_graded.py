"""The answers of tests/assignment_cases with the course's grader, and of one assignment
with plain nbgrader. Assignments that train are run here, the others in tests/quick.
"""

import ast
import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import assignment_cases
import pytest
from assignment_cases.running import (
    FOUND,
    HEAVY,
    LIGHT,
    SOURCE,
    answered,
    grade_id,
    graded_cells,
    label,
    of_kind,
    only,
    points_of,
    read,
    read_text,
    student_version,
    try_answers,
    try_blank,
    try_solution,
)
from environments import notebook_environment
from support import skip_or_fail

every_assignment = pytest.mark.parametrize("path", FOUND, ids=label)


@pytest.fixture(scope="module")
def engine():
    """The course's grader, with Keras where an assignment needs it."""
    try:
        from helpers.teaching.grading.engine import Engine
    except ImportError:
        skip_or_fail("nbgrader is not installed: see requirements-grading.txt")
    if shutil.which("bwrap") is None:
        skip_or_fail("bubblewrap is not installed (Debian's package bubblewrap)")
    with Engine(keras=any("keras" in read_text(p) for p in FOUND)) as e:
        yield e


def graded(engine, source, notebook):
    """({grade_id: points} of test cells, {those that are left to a person})."""
    outcome = engine.grade(source, notebook, student="demo")
    assert outcome.status != "grader failed", outcome.reasons
    return marks_of(outcome, source)


def marks_of(outcome, source):
    """What `graded` returns, of an Outcome."""
    marks = {name: outcome.cells[name].score for name in points_of(source)}
    left = {name for name, cell in outcome.cells.items() if cell.score is None}
    return marks, left


@every_assignment
def test_with_the_grader(path, engine):
    source = read(path)
    points = points_of(source)
    blank = student_version(source)
    by_hand = {grade_id(cell) for cell in of_kind(source, "by hand")}
    assert graded(engine, source, source) == (points, by_hand)
    outcome = engine.grade(source, blank, student="demo")
    assert marks_of(outcome, source) == (dict.fromkeys(points, 0), set())
    assert (outcome.status, outcome.reasons) == ("graded", []), "a blank needs nobody"


@pytest.mark.parametrize("path", [*LIGHT, *HEAVY[:1]], ids=label)
def test_answers_with_the_grader(path, engine):
    """Of each graded cell the first right and the first wrong answer.

    Of those that train one is enough: their answers are tried without the sandbox, below.
    """
    whole, cases = read(path), assignment_cases.load(path.stem)
    for name, points in points_of(whole).items():
        source = only(whole, name)
        right, wrong = (
            graded(engine, source, answered(source, changes))[0][name]
            for group in (cases[name].right, cases[name].wrong)
            for changes in list(group.values())[:1]
        )
        assert right == points, name
        assert wrong < points, name


@pytest.mark.parametrize("path", LIGHT[:1], ids=label)
def test_with_plain_nbgrader(path, tmp_path, monkeypatch):
    """One is enough: the others use the same kinds of cells."""
    if importlib.util.find_spec("nbgrader") is None:
        skip_or_fail("nbgrader is not installed: see requirements-grading.txt")
    # It starts the command `alembic`, which stands beside Python.
    beside = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", beside, prepend=os.pathsep)
    course, name = tmp_path / "course", path.stem
    shutil.copytree(path.parent, course / "source" / name)
    shutil.copy(SOURCE.parent / "nbgrader_config.py", course)
    nbgrader(course, "generate_assignment", name)
    shutil.copytree(course / "release" / name, course / "submitted" / "blank" / name)
    shutil.copytree(path.parent, course / "submitted" / "demo" / name)
    nbgrader(course, "autograde", name)

    from nbgrader.api import Gradebook

    source = read(path)
    points = points_of(source)
    by_hand = {grade_id(cell) for cell in of_kind(source, "by hand")}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        for submission in gradebook.assignment_submissions(name):
            grades = submission.notebooks[0].grades
            marks = {g.name: g.auto_score for g in grades if g.name in points}
            to_do = {g.name for g in grades if g.needs_manual_grade}
            if submission.student.id == "blank":
                assert marks == dict.fromkeys(points, 0)
                assert not to_do, "a blank leaves nothing to be marked by hand"
            else:
                assert marks == points
                assert to_do == by_hand


def nbgrader(course, command, name):
    """Run a command of nbgrader in a course's folder."""
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", command, name],
        cwd=course,
        env=notebook_environment(),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    assert done.returncode == 0, done.stderr[-3000:]


# --- What takes too long for tests/quick -------------------------------------------


@pytest.mark.parametrize("path", HEAVY, ids=label)
def test_solution_of_another_student(path, tmp_path, monkeypatch):
    """One is enough: it trains for minutes, and the grader runs that of the source's own."""
    try_solution(path, tmp_path, monkeypatch, names=["\u674e\u660e"])


@pytest.mark.parametrize("path", HEAVY, ids=label)
def test_blank_earns_nothing(path, tmp_path, monkeypatch):
    try_blank(path, tmp_path, monkeypatch)


def test_students_need_no_package_of_graders():
    imports = set()
    for cell in itertools.chain(*(student_version(read(path)).cells for path in FOUND)):
        if cell.cell_type == "code":
            nodes = ast.walk(ast.parse(cell.source))
            kinds = ast.Import, ast.ImportFrom
            imports |= {ast.unparse(n) for n in nodes if isinstance(n, kinds)}
    assert "from helpers.assignments import agree" in imports
    # A new process: this one has imported everything already.
    missing = dict.fromkeys(("nbgrader", "pytest", "playwright"))
    code = [f"import sys; sys.modules.update({missing})", *sorted(imports)]
    subprocess.run([sys.executable, "-c", "\n".join(code)], check=True)


@pytest.mark.filterwarnings("ignore")  # answers that warn are among the right
@pytest.mark.parametrize(("path", "name"), graded_cells(HEAVY))
def test_graded_cell(path, name, tmp_path, monkeypatch):
    try_answers(path, name, tmp_path, monkeypatch)
