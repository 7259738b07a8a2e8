"""Every graded assignment is what it says, and marks what it should.

Assignments are found by pattern: notebooks/assignments/source/NAME/NAME.ipynb, with
right and wrong answers for each graded cell in assignment_cases/NAME.py. A rule is a
function that takes an assignment and returns its complaints; each is tried on
every assignment, and on a small one that breaks it.
"""

import ast
import builtins
import hashlib
import itertools
import json
import re
import sys

import assignment_cases
import nbformat
import numpy as np
import pytest
from assignment_cases import BEGIN, END
from assignment_cases.running import (
    FOUND,
    HIDDEN,
    LIGHT,
    assigned,
    grade_id,
    graded_cells,
    kind,
    label,
    of_kind,
    personal,
    read,
    regions,
    run,
    student_version,
    try_answers,
    try_blank,
    try_numbers_of_another,
    try_solution,
)
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
from support import ROOT

from helpers import assignments
from helpers.files import CourseError

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


@every_assignment
def test_model_answers_keep_their_limits(path):
    limit = None
    for cell in read(path).cells:
        if found := re.search(r"[Aa]t most (\d+) words", cell.source):
            limit = int(found[1])
        if kind(cell) == "by hand" and cell.cell_type == "markdown":
            assert len(cell.source.split()) <= limit


@every_assignment
def test_source_has_its_folder_alone(path):
    # nbgrader hands out whatever lies beside the notebook, stored results, too.
    assert [p.name for p in path.parent.glob("[!.]*")] == [path.name]


@pytest.mark.parametrize("path", LIGHT, ids=label)
def test_solution_earns_full_marks(path, tmp_path, monkeypatch):
    try_solution(path, tmp_path, monkeypatch)


@pytest.mark.parametrize("path", personal(LIGHT), ids=label)
def test_numbers_of_another_student_earn_little(path, tmp_path, monkeypatch):
    try_numbers_of_another(path, tmp_path, monkeypatch)


@pytest.mark.parametrize("path", LIGHT, ids=label)
def test_blank_earns_nothing(path, tmp_path, monkeypatch):
    try_blank(path, tmp_path, monkeypatch)


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


@every_assignment
def test_there_are_cases_for_every_graded_cell(path):
    cases = assignment_cases.load(path.stem)
    tests = [grade_id(cell) for cell in of_kind(read(path), "test")]
    assert sorted(cases) == sorted(tests)
    few = [name for name, case in cases.items() if len(case.wrong) < 2 or not case.right]
    assert not few, f"two wrong answers and a right one are needed: {few}"


@pytest.mark.filterwarnings("ignore")  # answers that warn are among the right
@pytest.mark.parametrize(("path", "name"), graded_cells(LIGHT))
def test_graded_cell(path, name, tmp_path, monkeypatch):
    """Those that take longer are tried in tests/teaching."""
    try_answers(path, name, tmp_path, monkeypatch)


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


@pytest.mark.parametrize(
    ("assignment", "digest"),
    [
        ("1_pixels_and_kernels", "5a4b11bc18fa"),
        ("2_arithmetic_of_networks", "560910f45eb3"),
    ],
)
def test_what_is_drawn_is_the_same_everywhere(assignment, digest, monkeypatch):
    # A change here would change the assignment of a class that works on it.
    for name in ("COURSE_STUDENT", "COURSE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    drawn = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in assignments.truth(assignment, "demo").items()
    }
    text = json.dumps(drawn, sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest()[:12] == digest


def test_both_designs_are_possible(monkeypatch):
    """Whoever the student is, the solution's networks fit; and the naive ones do not."""
    for name in IDS:
        drawn = assignments.truth("2_arithmetic_of_networks", name)
        far, cheap = drawn["far"], drawn["cheap"]
        filters, layers = [far["input"][2], 6, 8, 10], 15
        while layers + 16 < far["rows"]:
            filters.append(10)
            layers += 16
        filters.append(far["filters"])
        used = sum((9 * a + 1) * b for a, b in itertools.pairwise(filters))
        assert used <= far["parameters"] < 32 * (9 * 32 + 1) + 32 * (9 * far["filters"] + 1)
        k, f, c = cheap["layer"]["kernel"], cheap["layer"]["filters"], cheap["input"][2]
        shares = [(c * m + k * k * m * f) / (k * k * c * f) for m in (cheap["least"], c)]
        assert shares[0] <= cheap["percent"] / 100 < shares[1]


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


def sums_of_windows(image, k):
    return np.lib.stride_tricks.sliding_window_view(image, (k, k)).sum(axis=(2, 3))


def sums_from_a_table(image, k):
    table = np.pad(image.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    return table[k:, k:] - table[:-k, k:] - table[k:, :-k] + table[:-k, :-k]


def sums_in_a_loop(image, k):
    rows, columns = (n - k + 1 for n in image.shape)
    return [[image[r : r + k, c : c + k].sum() for c in range(columns)] for r in range(rows)]


def test_counted():
    """The same work, whatever the machine does meanwhile."""
    image = np.random.default_rng(1).random((40, 50))
    found = {}
    for function in (sums_of_windows, sums_from_a_table, sums_in_a_loop):
        result, steps, numbers = assignments.counted(function, image, 11)
        assert assignments.counted(function, image, 11)[1:] == (steps, numbers)
        assert type(result) is type(function(image, 11))
        np.testing.assert_allclose(result, sums_of_windows(image, 11))
        found[function] = steps, numbers
    windows, weights = 30 * 40, 11 * 11
    assert found[sums_of_windows][0] < 300 and found[sums_from_a_table][0] < 300
    assert found[sums_in_a_loop][0] > windows
    assert found[sums_from_a_table][1] < 10 * image.size
    assert found[sums_of_windows][1] >= windows * weights
    assert found[sums_in_a_loop][1] >= windows * weights


def test_counted_follows_results_and_in_place_work():
    def work(a):
        a = a + 1
        a += np.matmul(a, a)
        return np.sqrt(a), a.max()

    (root, largest), _, numbers = assignments.counted(work, np.ones((10, 10)))
    assert root[0, 0] == np.sqrt(42) and largest == 42
    assert 100 + 1000 + 4 * 100 >= numbers >= 100 + 1000 + 3 * 100


def test_counted_where_a_function_minds_the_class_of_arrays():
    def picky(a):
        if type(a) is not np.ndarray:
            raise TypeError("a plain array is needed")
        return a

    result, steps, _ = assignments.counted(picky, np.ones(3))
    assert type(result) is np.ndarray and steps == 2


def test_counted_without_imports(tmp_path, monkeypatch):
    (tmp_path / "slow_to_import.py").write_text("for _ in range(300_000):\n    pass\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def function():
        import slow_to_import

        return slow_to_import.__name__

    first, again = assignments.counted(function), assignments.counted(function)
    assert first[0] == again[0] == "slow_to_import" and first[1] == again[1] == 2


def test_counted_ends():
    def endless():
        while True:
            pass

    with pytest.raises(AssertionError, match="more than 200,000 lines of Python"):
        assignments.counted(endless)


def test_counted_where_the_count_is_switched_off():
    def quiet():
        sys.settrace(None)

    before = sys.gettrace()
    with pytest.raises(AssertionError, match="switched off"):
        assignments.counted(quiet)
    assert sys.gettrace() is before
