"""Reads assignments, and runs them as plain nbgrader does, in this process."""

import ast
import contextlib
import copy
import io
import re
import tempfile

import nbformat
import numpy as np
import pytest
from support import ROOT, skip_or_fail

from assignment_cases import is_light, load
from helpers.assignments import DRAWN_BY, truth

SOURCE = ROOT / "notebooks" / "assignments" / "source"
FOUND = sorted(p for p in SOURCE.glob("*/*.ipynb") if p.stem == p.parent.name)
HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"

# --- Reading an assignment ------------------------------------------------------


def kind(cell):
    """ "answer", "test", "by hand" (graded so), "given" or "free" (no metadata)."""
    metadata = cell.metadata.get("nbgrader", {})
    if metadata.get("grade"):
        return "by hand" if metadata["solution"] else "test"
    if metadata.get("solution"):
        return "answer"
    return "given" if metadata else "free"


def grade_id(cell):
    return cell.metadata.nbgrader.grade_id


def of_kind(notebook, *kinds):
    return [cell for cell in notebook.cells if kind(cell) in kinds]


def points_of(notebook):
    return {grade_id(cell): cell.metadata.nbgrader.points for cell in of_kind(notebook, "test")}


def read_text(path):
    return path.read_text(encoding="utf-8")


def read(path):
    return nbformat.read(path, as_version=4)


def regions(cell, begin, end):
    """The texts between two markers in a cell."""
    found = re.findall(
        rf"^ *{re.escape(begin)}$(.*?)^ *{re.escape(end)}$",
        cell.source,
        re.MULTILINE | re.DOTALL,
    )
    return found


# --- Running an assignment, as plain nbgrader does ------------------------------


def run(notebook, tests=None, changes=None, show=True, namespace=None):
    """({grade_id: points} of test cells, the first error outside these or None).

    tests: only these test cells, and no more cells than they need. changes:
    {grade_id of an answer cell: function of its source}. Without `show`, cells
    without nbgrader's metadata are left out: they must not matter. namespace: an
    empty dictionary, to have the names that the notebook leaves.
    """
    namespace = {} if namespace is None else namespace
    namespace["__name__"] = "__main__"
    marks, first_error = {}, None
    left = dict(changes or {})
    for cell in notebook.cells:
        if cell.cell_type != "code" or (kind(cell) == "free" and not show):
            continue
        if kind(cell) == "test":
            if tests is None or grade_id(cell) in tests:
                marks[grade_id(cell)] = mark(cell, namespace)
                if tests is not None and set(tests) <= set(marks):
                    break
            continue
        source = cell.source
        if kind(cell) == "answer":
            source = left.pop(grade_id(cell), lambda text: text)(source)
        try:
            execute(source, namespace)
        except Exception as error:
            first_error = first_error or error
    assert not left, f"no answer cell before the test: {list(left)}"
    return marks, first_error


def mark(cell, namespace):
    """The points of a test cell by nbgrader's rule of partial credit."""
    points = cell.metadata.nbgrader.points
    try:
        value = execute(cell.source, namespace)
    except Exception as error:
        mark.error = error
        return 0
    return points if value is None else float(repr(value))


def execute(source, namespace):
    """Execute code quietly; return the value of a last expression, or None."""
    tree = ast.parse(source)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)
    quiet = contextlib.redirect_stdout(io.StringIO())
    with quiet, contextlib.redirect_stderr(io.StringIO()):
        exec(compile(tree, "<cell>", "exec"), namespace)
        if last is not None:
            return eval(compile(last, "<cell>", "eval"), namespace)


def student_version(notebook):
    """What students get, made by nbgrader's own preprocessors."""
    try:
        from helpers.teaching.grading.nbgrader_steps import student_version
    except ImportError:
        skip_or_fail("nbgrader is not installed: see requirements-grading.txt")
    return student_version(copy.deepcopy(notebook))


def assigned(node):
    """Names that a statement assigns, at any depth."""
    return {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def answered(notebook, changes):
    """A copy of the source with changed answers."""
    notebook = copy.deepcopy(notebook)
    left = dict(changes)
    for cell in of_kind(notebook, "answer"):
        cell.source = left.pop(grade_id(cell), lambda text: text)(cell.source)
    assert not left, f"no such answer cells: {list(left)}"
    return notebook


def only(notebook, name):
    """A copy with one test cell, and only what stands before it and matters."""
    notebook = copy.deepcopy(notebook)
    kept = []
    for cell in notebook.cells:
        if kind(cell) == "test" and grade_id(cell) == name:
            break
        if kind(cell) in ("answer", "given"):
            kept.append(cell)
    notebook.cells = [*kept, cell]
    return notebook


def label(value):
    return value.stem if hasattr(value, "stem") else value.__name__


LIGHT = [path for path in FOUND if is_light(path.stem)]
"""Assignments whose answers take a second or two."""

HEAVY = [path for path in FOUND if path not in LIGHT]


def personal(paths):
    """Those of these assignments whose numbers differ per student."""
    return [path for path in paths if is_personal(read_text(path))]


def is_personal(text):
    """Does a cell, or a notebook's file, ask for what is drawn for one student?"""
    return "owner(student)" in text or "truth(" in text


def try_solution(path, folder, monkeypatch, names=(None, "ab123", "\u674e\u660e", "o'neill")):
    """Assert that a solution earns all points, whoever the student and the teacher are.

    None: the student whom the source names, without a secret.
    """
    monkeypatch.chdir(folder)
    notebook = read(path)
    for name in names if personal([path]) else names[:1]:
        if name is not None:
            monkeypatch.setenv("COURSE_STUDENT", name)
            monkeypatch.setenv("COURSE_SECRET", f"a teacher's secret, {name}")
        assert run(notebook, show=False) == (points_of(notebook), None), name


def try_blank(path, folder, monkeypatch):
    """Assert that what students get earns nothing, and stops at the first exercise."""
    monkeypatch.chdir(folder)
    notebook = student_version(read(path))
    marks, _ = run(notebook, show=False)
    assert marks == dict.fromkeys(marks, 0)
    assert len(marks) == len(of_kind(notebook, "test"))
    namespace, answers = {"__name__": "__main__"}, 0
    with pytest.raises(NotImplementedError):
        for cell in notebook.cells:
            if cell.cell_type == "code":
                answers += kind(cell) in ("answer", "by hand")
                execute(cell.source, namespace)
    assert answers == 1, "it stopped at another exercise than the first"


def try_numbers_of_another(path, folder, monkeypatch):
    """Assert that one student's numbers earn another at most a quarter of the points."""
    monkeypatch.chdir(folder)
    for name in ("COURSE_STUDENT", "COURSE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    notebook, names = read(path), {}
    run(notebook, show=False, namespace=names)
    typed = {}
    for cell in of_kind(notebook, "answer"):
        own = set().union(*map(assigned, ast.parse(cell.source).body))
        code = "".join(
            f"{name} = {value!r}\n"
            for name in sorted(own & set(names) - {"student"})
            if (value := _typed(names[name])) is not None
        )
        typed[grade_id(cell)] = _with_answers_of("demo", path.stem, code)
    monkeypatch.setenv("COURSE_STUDENT", "zoe")
    marks, _ = run(notebook, changes=typed, show=False)
    points = {
        grade_id(cell): cell.metadata.nbgrader.points
        for cell in of_kind(notebook, "test")
        if is_personal(cell.source) and "follows(" not in cell.source
    }
    earned = sum(marks[name] for name in points)
    assert earned <= sum(points.values()) / 4


def _typed(value):
    """A number, list, dictionary or small array as somebody would type it; None for others."""
    if isinstance(value, np.ndarray) and value.size < 100:
        value = value.tolist()
    plain = isinstance(value, int | float | list | dict) and "array" not in repr(value)
    return value if plain else None


def _with_answers_of(student, assignment, code):
    """A change: the numbers in `code` after a solution, and in it what is drawn for `student`.

    So functions are this student's, too, wherever a solution asks for a rule that is drawn.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COURSE_STUDENT", raising=False)
        patch.delenv("COURSE_SECRET", raising=False)
        drawn = truth(assignment, student) if assignment in DRAWN_BY else {}

    def change(source):
        tasks = ""
        for name, value in drawn.items():
            if isinstance(value, dict) and re.search(rf"\b{name}\[", source):
                tasks += f"{name} = {value!r}\n"
                if "input" in value:
                    tasks += f'{name}["input"] = tuple({name}["input"])\n'
        asked = r'assignments\.truth\("[^"]+", student\)\["(\w+)"\]'
        own = re.sub(asked, lambda found: repr(drawn[found[1]]), source)
        return f"{tasks}{own}\n{code}"

    return change


def graded_cells(paths):
    """Parameters (path, grade_id) for all test cells of these assignments."""
    return [
        pytest.param(path, grade_id(cell), id=f"{path.stem}-{grade_id(cell)}")
        for path in paths
        for cell in of_kind(read(path), "test")
    ]


def try_answers(path, name, folder, monkeypatch):
    """Assert that a test cell gives right answers all its points, and wrong ones less."""
    notebook = read(path)
    case = load(path.stem)[name]
    points = points_of(notebook)[name]

    def earned(changes):
        # Each in a folder of its own: files that another has written would help.
        monkeypatch.chdir(tempfile.mkdtemp(dir=folder))
        marks, error = run(notebook, {name}, changes, show=False)
        assert error is None, f"an answer that does not even run: {changes}"
        return marks[name]

    wrong = {
        what: marks for what, changes in case.right.items() if (marks := earned(changes)) != points
    }
    assert not wrong, f"right answers did not earn {points}: {mark.error}"
    right = {
        what: marks for what, changes in case.wrong.items() if (marks := earned(changes)) >= points
    }
    assert not right, "wrong answers earned full marks"
    for what, (changes, marks) in case.part.items():
        assert earned(changes) == pytest.approx(marks), what
