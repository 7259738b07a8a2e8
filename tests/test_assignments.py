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
import io
import re

import assignment_cases
import nbformat
import pytest
from assignment_cases import BEGIN, END, Case
from conftest import ROOT, skip_or_fail
from refresh_notebooks import is_normal
from test_notebook_rules import (
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

SOURCE = ROOT / "notebooks" / "assignments" / "source"
FOUND = sorted(p for p in SOURCE.glob("*/*.ipynb") if p.stem == p.parent.name)
HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
MAX_COLUMNS = 80

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


def run(notebook, tests=None, changes=None, show=True):
    """({grade_id: points} of test cells, the first error outside these or None).

    tests: only these test cells, and no more cells than they need. changes:
    {grade_id of an answer cell: function of its source}. Without `show`, cells
    without nbgrader's metadata are left out: they must not matter.
    """
    namespace = {"__name__": "__main__"}
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
        from helpers.grading import student_version
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
                imported |= {
                    (alias.asname or alias.name).partition(".")[0]
                    for alias in node.names
                }
            elif isinstance(node, ast.Name):
                stored = isinstance(node.ctx, ast.Store)
                (own if stored else used).add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.Lambda):
                if isinstance(node, ast.FunctionDef):
                    own.add(node.name)
                own |= {f"_{a.arg}"[:0] + a.arg for a in node.args.args}
        strange = used - own - imported - set(dir(builtins)) - offered
        if strange:
            yield f"{grade_id(cell)} uses {sorted(strange)}, which is not its own"
        inner = scopes(tree)
        loud = {n for n in own if not n.startswith("_")} - inner
        if loud:
            yield f"{grade_id(cell)} leaves {sorted(loud)} among a student's names"


def assigned(node):
    """Names that a statement assigns, at any depth."""
    return {
        n.id
        for n in ast.walk(node)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
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


RULES = [rule_metadata, rule_points_in_prose, rule_self_contained, rule_hints]

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
def test_stored_in_normal_form(path):
    assert is_normal(path)


@every_assignment
def test_solution_earns_full_marks(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = read(path)
    marks, error = run(notebook, show=False)
    wanted = {
        grade_id(cell): cell.metadata.nbgrader.points
        for cell in of_kind(notebook, "test")
    }
    assert error is None
    assert marks == wanted


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
    """Lines that only a solution or a hidden test has, and no other cell's text."""
    secret, open_text = set(), ""
    for cell in notebook.cells:
        text = cell.source
        for markers in ((BEGIN, END), HIDDEN):
            for region in regions(cell, *markers):
                secret |= {line.strip() for line in region.splitlines()}
                text = text.replace(region, "\n")
        open_text += text + "\n"
    return {line for line in secret if line and line not in open_text}


@every_assignment
def test_release_has_no_solution(path):
    notebook = read(path)
    secret = solution_lines(notebook)
    assert len(secret) >= 5  # or this test could not fail
    released = nbformat.writes(student_version(notebook))
    leaked = [line for line in secret if as_json(line) in released]
    assert not leaked
    for marker in (BEGIN, END, *HIDDEN):
        assert marker not in released
    assert not any(
        cell.get("outputs") for cell in nbformat.reads(released, 4).cells
    )


def as_json(line):
    """A line as it stands in a notebook's file."""
    import json

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
    few = [
        name
        for name, case in cases.items()
        if len(case.wrong) < 2 or not case.right
    ]
    assert not few, f"two wrong answers and a right one are needed: {few}"


@pytest.mark.filterwarnings("ignore")  # answers that warn are among the right
@pytest.mark.parametrize(("path", "name"), GRADED)
def test_graded_cell(path, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = read(path)
    case = assignment_cases.load(path.stem).get(name, Case({}, {}))
    points = next(
        cell.metadata.nbgrader.points
        for cell in of_kind(notebook, "test")
        if grade_id(cell) == name
    )

    def earned(changes):
        return run(notebook, {name}, changes, show=False)[0][name]

    wrong = {
        what: marks
        for what, changes in case.right.items()
        if (marks := earned(changes)) != points
    }
    assert not wrong, f"right answers did not earn {points}: {mark.error}"
    right = {
        what: marks
        for what, changes in case.wrong.items()
        if (marks := earned(changes)) >= points
    }
    assert not right, "wrong answers earned full marks"
    for what, (changes, marks) in case.part.items():
        assert earned(changes) == pytest.approx(marks), what


# --- With nbgrader itself, and with the course's grader -------------------------
