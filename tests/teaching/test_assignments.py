"""Every graded assignment is what it says, and marks what it should.

Assignments are found by pattern: notebooks/assignments/source/NAME/NAME.ipynb, with
right and wrong answers for each graded cell in assignment_cases/NAME.py. A rule is a
function that takes an assignment and returns its complaints; each is tried on
every assignment, and on a small one that breaks it.
"""

import ast
import builtins
import contextlib
import copy
import hashlib
import importlib.util
import io
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import assignment_cases
import nbformat
import numpy as np
import pytest
from assignment_cases import BEGIN, END, Case
from environments import notebook_environment
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebook_rules import (
    rule_alt_text,
    rule_every_cell_runs,
    rule_executed_in_order,
    rule_fits_a_slide,
    rule_headings,
    rule_no_errors,
    rule_no_machine_path,
    rule_plain_code,
    rule_small_file,
    rule_valid,
)
from refresh_notebooks import is_normal
from support import ROOT, skip_or_fail

from helpers import assignments
from helpers.files import CourseError

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


# --- The rules ------------------------------------------------------------------


def rule_metadata(notebook):
    """Metadata of nbgrader's schema 3, ids used once, regions where they belong."""
    ids = []
    for number, cell in enumerate(notebook.cells):
        metadata = cell.metadata.get("nbgrader")
        if metadata is None:
            if BEGIN in cell.source or HIDDEN[0] in cell.source:
                yield f"cell {number} has a region but no metadata"
            continue
        ids.append(metadata.get("grade_id"))
        needed = {"schema_version", "grade", "solution", "locked", "task"}
        if needed - set(metadata) or metadata["schema_version"] != 3:
            yield f"cell {number} is not of schema 3"
            continue
        if metadata["grade"] != ("points" in metadata):
            yield f"cell {number} has points and no grade, or a grade and no points"
        if metadata["locked"] == metadata["solution"]:
            yield f"cell {number}: what is not an answer is locked, and only that"
        code = cell.cell_type == "code"
        if kind(cell) == "answer" and not regions(cell, BEGIN, END):
            yield f"the answer {ids[-1]} has no solution region"
        if kind(cell) == "test":
            hidden = regions(cell, *HIDDEN)
            if len(hidden) != 1 or not code:
                yield f"the test {ids[-1]} has not one region of hidden tests"
            elif cell.source.lstrip().startswith(HIDDEN[0]):
                yield f"the test {ids[-1]} has no visible part"
    if len(set(ids)) < len(ids):
        yield "a grade_id is used twice"


def rule_points_in_prose(notebook):
    """Headings `### 1.2 Title (3 points)`, and a table `| 1 Part | 10 |`, are true."""
    awarded, said, heading = {}, {}, None
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for line in re.findall(r"^### .*$", cell.source, re.MULTILINE):
                heading = line.lstrip("# ")
                if found := re.search(r"\((\d+) points?\)$", heading):
                    said[heading] = int(found[1])
        if kind(cell) in ("test", "by hand"):
            points = cell.metadata.nbgrader.points
            awarded[heading] = awarded.get(heading, 0) + points
    if said != awarded:
        yield f"headings say {said}, tests award {awarded}"
    table = {}
    for words, points in re.findall(
        r"^\| ([^|]+?) \| (\d+) \|$", notebook.cells[0].source, re.MULTILINE
    ):
        table[words] = int(points)
    parts = {}
    for heading, points in awarded.items():
        part = (heading or "?").partition(".")[0]
        parts[part] = parts.get(part, 0) + points
    in_table = {words.split()[0]: table[words] for words in table}
    total = in_table.pop("together", None)
    if in_table != parts or total != sum(awarded.values()):
        yield f"the table says {table}, tests award {parts}"


def rule_self_contained(notebook):
    """A test cell shares nothing but answers; its own names begin with _.

    Names that it does not define must be answers, or functions that are given:
    other given data may have been changed by the student.
    """
    offered = set()
    for cell in of_kind(notebook, "answer", "given"):
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                offered.add(node.name)
            elif kind(cell) == "answer":
                offered |= assigned(node)
    for cell in of_kind(notebook, "test"):
        tree = ast.parse(cell.source)
        own, imported, used = set(), set(), set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                imported |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.Name):
                stored = isinstance(node.ctx, ast.Store)
                (own if stored else used).add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.Lambda):
                if isinstance(node, ast.FunctionDef):
                    own.add(node.name)
                own |= {a.arg for a in node.args.args}
        strange = used - own - imported - set(dir(builtins)) - offered
        if strange:
            yield f"{grade_id(cell)} uses {sorted(strange)}, which is not its own"
        if idle := imported - used:
            yield f"{grade_id(cell)} imports {sorted(idle)} and does not use it"
        inner = scopes(tree)
        loud = {n for n in own if not n.startswith("_")} - inner
        if loud:
            yield f"{grade_id(cell)} leaves {sorted(loud)} among a student's names"


def assigned(node):
    """Names that a statement assigns, at any depth."""
    return {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def scopes(tree):
    """Names that live only in comprehensions and in functions of a cell."""
    inner = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.comprehension):
            inner |= assigned(node.target)
        elif isinstance(node, ast.FunctionDef | ast.Lambda):
            inner |= {a.arg for a in node.args.args}
            if isinstance(node, ast.FunctionDef):
                inner |= set().union(*map(assigned, node.body))
    return inner


def rule_hints(notebook):
    """Every heading with points has a hint, folded away, before the next one."""
    heading = None
    hinted = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if line.startswith("### "):
                    heading = line if line.endswith("points)") else None
                    if heading:
                        hinted[heading] = False
                if heading and "<summary>" in line:
                    hinted[heading] = True
    for heading, found in hinted.items():
        if not found:
            yield f"{heading} has no hint"


def rule_names_its_data(notebook):
    """The first cell says so where simulated writers have drawn the images."""
    drawn = re.compile(r"assignment_data\.(training_set|scans)\(")
    used = any(drawn.search(cell.source) for cell in notebook.cells)
    if used and "simulated" not in notebook.cells[0].source:
        yield "the first cell does not say that the writers are simulated"


RULES = [
    *(rule_metadata, rule_points_in_prose, rule_self_contained),
    *(rule_hints, rule_names_its_data),
]

NOTEBOOK_RULES = [
    *(rule_valid, rule_executed_in_order, rule_no_errors, rule_alt_text),
    *(rule_no_machine_path, rule_fits_a_slide, rule_headings),
    *(rule_small_file, rule_plain_code, rule_every_cell_runs),
]
"""The lecture notebooks' rules that hold here too."""

# --- Every assignment -----------------------------------------------------------


def label(value):
    return value.stem if hasattr(value, "stem") else value.__name__


every_assignment = pytest.mark.parametrize("path", FOUND, ids=label)


def test_there_are_assignments():
    assert FOUND, "no assignment found"


@every_assignment
def test_rules(path):
    notebook = read(path)
    complaints = [c for rule in RULES for c in rule(notebook)]
    for rule in NOTEBOOK_RULES:
        complaints += rule(notebook, f"assignments/{path.name}")
    assert not complaints, "\n".join(complaints)


@every_assignment
def test_named_for_teachers(path):
    """In the README with its minutes and points, and with these in grading.md."""
    notebook = read(path)
    first = notebook.cells[0].source
    minutes, points = re.search(
        r"about (\d+) minutes.*?\*\*points\*\* (\d+)", first, re.DOTALL
    ).groups()
    readme = (ROOT / "README.md").read_text("utf-8")
    link = path.relative_to(ROOT).as_posix()
    row = next(r for r in readme.splitlines() if f"]({link})" in r)
    assert row.endswith(f"| {minutes} min | {points} |")
    page = (ROOT / "notebooks" / "assignments" / "grading.md").read_text("utf-8")
    row = next(r for r in page.splitlines() if r.startswith(f"| {path.stem[0]} "))
    by_hand = sum(
        cell.metadata.nbgrader.points for cell in notebook.cells if kind(cell) == "by hand"
    )
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == points
    assert cells[2].partition(":")[0] == (f"{by_hand:g}" if by_hand else "")


@every_assignment
def test_limits_for_teachers(path):
    """grading.md names what differs from the usual limits."""
    from helpers.teaching.grading.submissions import LIMITS

    given = read(path).metadata.get("grading", {})
    page = (ROOT / "notebooks" / "assignments" / "grading.md").read_text("utf-8")
    for name, usual in LIMITS.items():
        row = next(r for r in page.splitlines() if r.endswith(f"| `{name}` |"))
        first, *others = row.split("|")[2].replace(",", "").split(";")
        assert int(re.search(r"\d+", first)[0]) == usual
        limit = usual
        for numbers, other in re.findall(r"([\d and]+): (\d+)", str(others)):
            limit = int(other) if path.stem[0] in numbers.split() else limit
        assert given.get(name, usual) == limit, row


@every_assignment
def test_stored_in_normal_form(path):
    assert is_normal(path)


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


@every_assignment
def test_model_answers_keep_their_limits(path):
    limit = None
    for cell in read(path).cells:
        if found := re.search(r"[Aa]t most (\d+) words", cell.source):
            limit = int(found[1])
        if kind(cell) == "by hand" and cell.cell_type == "markdown":
            assert len(cell.source.split()) <= limit


QUICK = [path for path in FOUND if not assignment_cases.is_slow(path.stem)]


@every_assignment
def test_source_has_its_folder_alone(path):
    # nbgrader hands out whatever lies beside the notebook, stored results, too.
    assert [p.name for p in path.parent.glob("[!.]*")] == [path.name]


@pytest.mark.parametrize("path", QUICK, ids=label)
def test_solution_earns_full_marks(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = read(path)
    marks, error = run(notebook, show=False)
    assert error is None
    assert marks == points_of(notebook)


PERSONAL = [path for path in QUICK if "owner(student)" in read_text(path)]


@pytest.mark.parametrize("path", PERSONAL, ids=label)
def test_solution_earns_full_marks_for_others(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = read(path)
    for name in ("ab123", "\u674e\u660e", "o'neill"):
        monkeypatch.setenv("COURSE_STUDENT", name)
        assert run(notebook, show=False) == (points_of(notebook), None), name


@pytest.mark.parametrize("path", PERSONAL, ids=label)
def test_numbers_of_another_student_earn_little(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COURSE_STUDENT", raising=False)
    notebook, names = read(path), {}
    run(notebook, show=False, namespace=names)
    typed = {}
    for cell in of_kind(notebook, "answer"):
        own = set().union(*map(assigned, ast.parse(cell.source).body))
        code = "".join(
            f"{name} = {names[name]!r}\n"
            for name in sorted(own & set(names) - {"student"})
            if isinstance(names[name], int | float | list | dict)
        )
        typed[grade_id(cell)] = assignment_cases.then(code)
    monkeypatch.setenv("COURSE_STUDENT", "zoe")
    marks, _ = run(notebook, changes=typed, show=False)
    points = {
        grade_id(cell): cell.metadata.nbgrader.points
        for cell in of_kind(notebook, "test")
        if "owner(student)" in cell.source
    }
    earned = sum(marks[name] for name in points)
    assert earned <= sum(points.values()) / 4


@every_assignment
def test_blank_earns_nothing(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = student_version(read(path))
    marks, _ = run(notebook, show=False)
    assert marks == dict.fromkeys(marks, 0)
    assert len(marks) == len(of_kind(notebook, "test"))


@every_assignment
def test_release_stops_at_the_first_exercise(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = student_version(read(path))
    namespace = {"__name__": "__main__"}
    answers = 0
    with pytest.raises(NotImplementedError):
        for cell in notebook.cells:
            if cell.cell_type == "code":
                answers += kind(cell) in ("answer", "by hand")
                execute(cell.source, namespace)
    assert answers == 1, "it stopped at another exercise than the first"


def solution_lines(notebook):
    """(secret, open): lines of solutions and hidden tests, and all other lines."""
    secret, visible = set(), set()
    for cell in notebook.cells:
        text = cell.source
        for markers in ((BEGIN, END), HIDDEN):
            for region in regions(cell, *markers):
                secret |= {line.strip() for line in region.splitlines()}
                text = text.replace(region, "\n")
        visible |= {line.strip() for line in text.splitlines()}
    return secret - {""}, visible


@every_assignment
def test_release_has_no_solution(path):
    notebook = read(path)
    every, visible = solution_lines(notebook)
    secret = every - visible
    assert len(secret) > 0.9 * len(every), "a solution stands elsewhere, too"
    released = nbformat.writes(student_version(notebook))
    telling = [line for line in secret if len(line) > 20]
    leaked = [line for line in telling if as_json(line) in released]
    assert not leaked
    for marker in (BEGIN, END, *HIDDEN):
        assert marker not in released
    assert not any(cell.get("outputs") for cell in nbformat.reads(released, 4).cells)


def as_json(line):
    """A line as it stands in a notebook's file."""
    return json.dumps(line, ensure_ascii=False)[1:-1]


# --- Every graded cell ----------------------------------------------------------


GRADED = [
    pytest.param(path, grade_id(cell), id=f"{path.stem}-{grade_id(cell)}")
    for path in FOUND
    for cell in of_kind(read(path), "test")
]


@every_assignment
def test_there_are_cases_for_every_graded_cell(path):
    cases = assignment_cases.load(path.stem)
    tests = [grade_id(cell) for cell in of_kind(read(path), "test")]
    assert sorted(cases) == sorted(tests)
    few = [name for name, case in cases.items() if len(case.wrong) < 2 or not case.right]
    assert not few, f"two wrong answers and a right one are needed: {few}"


@pytest.mark.filterwarnings("ignore")  # answers that warn are among the right
@pytest.mark.parametrize(("path", "name"), GRADED)
def test_graded_cell(path, name, tmp_path, monkeypatch):
    notebook = read(path)
    case = assignment_cases.load(path.stem).get(name, Case({}, {}))
    points = points_of(notebook)[name]

    def earned(changes):
        # Each in a folder of its own: files that another has written would help.
        monkeypatch.chdir(tempfile.mkdtemp(dir=tmp_path))
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


# --- With nbgrader itself, and with the course's grader -------------------------


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
    assert graded(engine, source, blank) == (dict.fromkeys(points, 0), set())


@every_assignment
def test_answers_with_the_grader(path, engine):
    """Of each graded cell the first right and the first wrong answer."""
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


@every_assignment
def test_with_plain_nbgrader(path, tmp_path, monkeypatch):
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
    if not assignment_cases.is_slow(name):
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


# --- Each rule on an assignment that breaks it ----------------------------------

TITLE = """# Assignment 0: a sum
| part | points |
|---|---|
| 1 A sum | 3 |
| together | 3 |
"""
EXERCISE = """### 1.1 Add (3 points)
<details><summary>Hint</summary>Plus.</details>
"""
ANSWER = """def add(a, b):
    ### BEGIN SOLUTION
    total = a + b
    return total
    ### END SOLUTION
"""
TEST = """import math

assert add(1, 2) == 3
### BEGIN HIDDEN TESTS
_pi = add(math.pi, 0)
assert _pi == math.pi
### END HIDDEN TESTS
"""
PARTLY = """assert add(1, 1) == 2
### BEGIN HIDDEN TESTS
_right = [add(n, 1) == n + 1 for n in (0, -1)]
float(sum(_right) / 2)
### END HIDDEN TESTS
"""


def graded_code(source, name, points=None, solution=False):
    cell = new_code_cell(source)
    cell.metadata.nbgrader = {
        "schema_version": 3,
        "grade_id": name,
        "grade": points is not None,
        "solution": solution,
        "locked": not solution,
        "task": False,
    }
    if points is not None:
        cell.metadata.nbgrader["points"] = points
    return cell


def toy():
    """An assignment of which no rule complains."""
    return new_notebook(
        cells=[
            new_markdown_cell(TITLE),
            new_markdown_cell(EXERCISE),
            graded_code(ANSWER, "answer", solution=True),
            graded_code(TEST, "test", points=2),
            graded_code(PARTLY, "partly", points=1),
        ]
    )


def edit(number, old, new):
    def change(notebook):
        cell = notebook.cells[number]
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return change


def set_metadata(number, **values):
    return lambda n: n.cells[number].metadata.nbgrader.update(values)


def no_metadata(notebook):
    del notebook.cells[2].metadata["nbgrader"]


def given_number(notebook):
    notebook.cells.insert(2, graded_code("limit = 3", "limit"))
    edit(4, "== 3", "== limit")(notebook)


BROKEN = [
    (rule_metadata, no_metadata),
    (rule_metadata, set_metadata(2, schema_version=2)),
    (rule_metadata, set_metadata(3, grade_id="answer")),
    (rule_metadata, set_metadata(3, locked=False)),
    (rule_metadata, set_metadata(2, points=3)),
    (rule_metadata, edit(2, "### BEGIN SOLUTION", "# BEGIN SOLUTION")),
    (rule_metadata, edit(3, "### END HIDDEN", "# END HIDDEN")),
    (rule_metadata, edit(3, TEST.partition("###")[0], "")),
    (rule_points_in_prose, set_metadata(3, points=3)),
    (rule_points_in_prose, edit(1, "(3 points)", "(4 points)")),
    (rule_points_in_prose, edit(1, "(3 points)", "")),
    (rule_points_in_prose, edit(0, "A sum | 3", "A sum | 4")),
    (rule_points_in_prose, edit(0, "together | 3", "together | 4")),
    (rule_self_contained, edit(3, "import math", "")),
    (rule_self_contained, edit(3, "_pi", "pi")),
    (rule_self_contained, given_number),
    (rule_self_contained, edit(3, "import math", "import json, math")),
    (rule_hints, edit(1, "summary", "b")),
    (
        rule_names_its_data,
        edit(3, "math\n", "math\nassignment_data.scans(1)\n"),
    ),
]


def test_the_toy_passes_every_rule():
    assert [c for rule in RULES for c in rule(toy())] == []


@pytest.mark.parametrize(("rule", "change"), BROKEN)
def test_broken_assignment_is_noticed(rule, change):
    notebook = toy()
    change(notebook)
    assert list(rule(notebook))


def test_every_rule_has_a_broken_assignment():
    assert {rule for rule, _ in BROKEN} == set(RULES)


@pytest.mark.parametrize(
    ("answer", "marks"),
    [
        ("return a + b", (2, 1)),
        ("return abs(a) + b", (2, 0.5)),
        ("return round(a + b)", (0, 1)),
        ("return 3", (0, 0)),
        ("raise NotImplementedError", (0, 0)),
    ],
)
def test_run_marks_as_nbgrader_does(answer, marks):
    changes = {"answer": assignment_cases.instead(answer)}
    assert tuple(run(toy(), changes=changes)[0].values()) == marks


def test_secrets_of_the_toy():
    wanted = {"total = a + b", "return total", "_pi = add(math.pi, 0)"}
    secret, visible = solution_lines(toy())
    assert wanted < secret
    assert not wanted & visible
    assert "def add(a, b):" in visible


# --- The helpers of assignments -------------------------------------------------


def test_owner(monkeypatch):
    monkeypatch.delenv("COURSE_STUDENT", raising=False)
    assert assignments.owner(" AB123 ") == "ab123"
    assert assignments.owner("Jose\u0301") == assignments.owner("jos\xe9")
    for no_id in ("", " ", "...", None, ..., 7):
        with pytest.raises(CourseError, match="is no student's id"):
            assignments.owner(no_id)
    monkeypatch.setenv("COURSE_STUDENT", "ann")
    assert assignments.owner("bob") == "ann"  # another's id earns nothing


def test_draws_are_the_same_everywhere():
    draws = assignments.Draws("a", "b")
    assert [draws.whole(1, 6) for _ in range(8)] == [1, 5, 6, 4, 4, 6, 3, 4]
    assert draws.sample("abcdef", 3) == ["a", "b", "e"]
    assert sorted(assignments.Draws("c").sample(range(9), 9)) == [*range(9)]
    many = {assignments.Draws(str(n)).whole(1, 3) for n in range(50)}
    assert many == {1, 2, 3}


IDS = [f"student{n}" for n in range(60)]


def test_networks_differ_and_fit(monkeypatch):
    monkeypatch.delenv("COURSE_STUDENT", raising=False)
    everybody = [assignments.networks(name) for name in IDS]
    assert len(set(map(repr, everybody))) == len(IDS)
    for networks in everybody:
        for network in networks.values():
            volume = network["input"]
            for layer in network["layers"]:
                volume, _ = assignments.computed(volume, layer)
            assert volume == [network["layers"][-1]["units"]]


def test_networks_are_the_same_everywhere(monkeypatch):
    # A change here would change the assignment of a class that works on it.
    monkeypatch.delenv("COURSE_STUDENT", raising=False)
    given = [
        function("demo")
        for function in (
            assignments.networks,
            assignments.broken_summary,
            assignments.lost_layers,
        )
    ]
    text = json.dumps(given, sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest()[:12] == "53b9aa623c49"


@pytest.mark.parametrize("name", IDS)
def test_four_rows_are_broken(name, monkeypatch):
    monkeypatch.delenv("COURSE_STUDENT", raising=False)
    network, rows = assignments.broken_summary(name)
    volume, wrong = network["input"], 0
    for layer, row in zip(network["layers"], rows, strict=True):
        volume, count = assignments.computed(volume, layer)
        differs = [row["output"] != volume, row["parameters"] != count]
        assert sum(differs) <= 1
        wrong += sum(differs)
    assert wrong == 4


@pytest.mark.parametrize("name", IDS)
def test_lost_layers_can_be_found_in_one_way_only(name, monkeypatch):
    monkeypatch.delenv("COURSE_STUDENT", raising=False)
    volume, rows = assignments.lost_layers(name)
    for row in rows:
        fitting = [
            (k, s)
            for k in range(1, 12)
            for s in range(1, 7)
            if assignments.computed(volume, assignments.conv("a", row["output"][2], k, s, "same"))
            == (row["output"], row["parameters"])
        ]
        assert len(fitting) == 1
        volume = row["output"]


AGREES = [
    ([[1, 2], [3, 4]], np.array([[1, 2], [3, 4]])),
    (np.float32(0.3), 0.3),
    (np.array([1.0, 1e-9]), [1.0, 0.0]),
    (True, 1),
    (123_456_789.0, 123_456_789),
]
DISAGREES = [
    (None, 3, "is a return missing"),
    ("3", 3, "should be a number, not str"),
    ([[1], [1, 2]], [1, 2], "an array of numbers, not list"),
    ([1, 2], 3, r"the shape should be \(\), not \(2,\)"),
    (123_456_788, 123_456_789, "123456788 instead of 123456789"),
    (float("nan"), 1.0, "nan instead of 1"),
    ([[1, 2], [3, 5]], [[1, 2], [3, 4]], r"1 of 4 .* at \[1, 1\]: 5 instead"),
    ([1.0, 0.01], [1.0, 0.0], "1 of 2"),
]


@pytest.mark.parametrize(("got", "wanted"), AGREES)
def test_agree(got, wanted):
    assignments.agree(got, wanted, "case")


@pytest.mark.parametrize(("got", "wanted", "reason"), DISAGREES)
def test_agree_says_what_is_wrong(got, wanted, reason):
    with pytest.raises(AssertionError, match=f"^case: .*{reason}"):
        assignments.agree(got, wanted, "case")


def test_best_seconds_gives_up():
    calls = []

    def slow():
        calls.append(time.sleep(0.02))

    assert assignments.best_seconds(slow, tries=50, at_most=0.05) >= 0.02
    assert 2 <= len(calls) <= 3
    assert assignments.best_seconds(int, tries=3) < 0.02


def test_a_loop_takes_longer_for_more_places():
    few = assignments.loop_seconds(1000, (3, 3))
    assert 5 * few < assignments.loop_seconds(50_000, (3, 3)) < 500 * few
