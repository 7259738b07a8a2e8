"""What holds for every notebook of the course, and a proof that each rule bites.

A rule is a function that takes a notebook and its path below notebooks/, and
returns its complaints as a list of sentences. Every rule is tried on every
notebook that `find_notebooks` finds, and on a notebook that breaks it.
"""

import importlib.util
import itertools
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import nbformat
import nbformat.reader
import pytest
from conftest import ROOT, skip_or_fail
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)
from refresh_notebooks import NOTEBOOKS, find_notebooks, is_normal, normal_form

MAX_LINES, MAX_COLUMNS = 16, 80  # what fits on a slide
MAX_BYTES = 1_500_000

SECTIONS = [
    "What you will be able to do",
    "What you need",
    "Exercises",
    "Summary",
    "Glossary",
    "References",
    "Versions",
]
"""Second-level headings that every lecture notebook has, in this order."""

EXACT = {
    "02": {52_675},
    "04": {
        *(61_706, 2_416, 48_120, 10_164, 44_426, 86_950),
        *(62_378_344, 3_747_200, 58_631_144, 138_357_544, 123_642_856),
    },
    "06": {264_055, 88_375, 4_640, 18_496, 61_504, 3_575},
    "09": {1_025_000, 4_253_864, 3_228_864},
    "10": {14_135, 134_144},
}
"""Figures by notebook that a cell must compute and that no prose may type."""

MACHINE_PATH = re.compile(r"/(?:home|root|tmp|work|Users)/|[A-Za-z]:\\+Users")
ADDRESS = re.compile(r"https?://\S+")
IMAGE_TYPES = ("image/png", "image/jpeg", "image/svg+xml", "image/gif")

FORBIDDEN = {
    r";\s*$": "ends a line with a semicolon: write `_ = ...` to hide a result",
    r"\bpip install\b": "installs packages: requirements.txt does that",
    r"^\s*%cd\b|\bos\.chdir\b": "changes the working directory",
    r"\bsys\.path\b": "changes sys.path: helpers is installed",
    r"\bNBVAL_": "steers nbval by a comment: use a tag, where readers look",
}
"""Patterns that no line of code may match, and what is wrong with them."""

# --- Reading a notebook ---------------------------------------------------------


def code_cells(notebook):
    """(number, cell) of each code cell that is not empty."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip():
            yield number, cell


def prose(notebook):
    """The text of all Markdown cells, without fenced code."""
    cells = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    fenced = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
    return fenced.sub("", "\n\n".join(cells))


def headings(notebook):
    """(level, title) of each heading."""
    found = re.findall(r"^(#{1,6}) +(.+?) *$", prose(notebook), re.MULTILINE)
    return [(len(marks), title) for marks, title in found]


def tags(cell):
    return cell.metadata.get("tags", [])


def output_texts(cell):
    """Every text that a cell has printed or displayed, pictures left out."""
    for output in cell.get("outputs", []):
        for kind, value in output.get("data", {}).items():
            if kind not in IMAGE_TYPES:
                yield str(value)
        yield output.get("text", "")
        yield from output.get("traceback", [])


def figures_in(text):
    """The whole numbers in a text, thousands separators removed: {264055, ...}."""
    plain = re.sub(r"(?<=\d)[,_\u00a0\u202f](?=\d{3}(?!\d))", "", text)
    return {int(digits) for digits in re.findall(r"(?<![\d.])\d+", plain)}


def is_lecture(path):
    """Whether a path below notebooks/ is a lecture: solutions are in a folder."""
    return len(PurePosixPath(path).parts) == 1


# --- The rules ------------------------------------------------------------------


def rule_valid(notebook, path):
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        return ["the notebook format is not 4.5"]
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) < len(ids):
        return ["cell ids are missing or not unique"]
    try:
        nbformat.validate(nbformat.from_dict(notebook))
    except nbformat.ValidationError as error:
        return [f"not a valid notebook: {error.message}"]
    return []


def rule_executed_in_order(notebook, path):
    return [
        f"cell {number} has execution count {cell.execution_count}, not {expected}"
        for expected, (number, cell) in enumerate(code_cells(notebook), start=1)
        if cell.execution_count != expected
    ]


def rule_no_errors(notebook, path):
    for number, cell in code_cells(notebook):
        for output in cell.outputs:
            expected = "raises-exception" in tags(cell)
            if output.output_type == "error" and not expected:
                yield f"cell {number} stores an error"
            if output.get("name") == "stderr":
                yield f"cell {number} stores standard error"


def rule_no_machine_path(notebook, path):
    for number, cell in enumerate(notebook.cells):
        texts = [ADDRESS.sub("", cell.source), *output_texts(cell)]
        for found in map(MACHINE_PATH.search, texts):
            if found:
                yield f"cell {number} has a path of one machine: {found[0]}"


def rule_simulated_data(notebook, path):
    for number, cell in code_cells(notebook):
        if any("Data: real" in text for text in output_texts(cell)):
            yield f"cell {number} stores outputs on real scans, which are not ours"


def rule_alt_text(notebook, path):
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            for kind in set(IMAGE_TYPES) & set(output.get("data", {})):
                if not output.metadata.get(kind, {}).get("alt", "").strip():
                    yield f"cell {number} has a figure without alt text"
        written = [cell.source] if cell.cell_type == "markdown" else []
        for text in [*written, *output_texts(cell)]:
            if re.search(r"!\[\s*\]\(", text):
                yield f"cell {number} has a Markdown image without alt text"
            for image in re.findall(r"<img\b[^>]*>", text):
                if not re.search(r"""\balt=["'][^"']+["']""", image):
                    yield f"cell {number} has an <img> without alt text"


def rule_fits_a_slide(notebook, path):
    for number, cell in code_cells(notebook):
        lines = cell.source.splitlines()
        if "long" in tags(cell):
            continue
        if len(lines) > MAX_LINES:
            yield f"cell {number} has {len(lines)} lines, more than {MAX_LINES}"
        if max(map(len, lines)) > MAX_COLUMNS:
            yield f"cell {number} has a line longer than {MAX_COLUMNS} columns"


def rule_headings(notebook, path):
    found = headings(notebook)
    titles = [title for level, title in found if level == 1]
    if not notebook.cells[0].source.startswith("# ") or len(titles) != 1:
        yield "the first cell must start with the title, the only '# ' heading"
    for (above, _), (level, title) in itertools.pairwise(found):
        if level > above + 1:
            yield f"the heading {title!r} jumps from level {above} to {level}"


def rule_sections(notebook, path):
    if not is_lecture(path):
        return
    seconds = [title for level, title in headings(notebook) if level == 2]
    if [title for title in seconds if title in SECTIONS] != SECTIONS:
        yield f"the '## ' headings lack, or have in another order: {SECTIONS}"
    if "minutes" not in notebook.cells[0].source:
        yield "the title cell does not say how many minutes the notebook takes"


def rule_exercises_have_hints(notebook, path):
    if not is_lecture(path):
        return
    exercises = re.findall(
        r"^#{2,4} (Exercise \d+)(.*?)(?=^#{1,4} |\Z)",
        prose(notebook),
        re.MULTILINE | re.DOTALL,
    )
    if not exercises:
        yield "no heading 'Exercise 1: ...' was found"
    for name, text in exercises:
        if not re.search(r"<details>.*<summary>.*</details>", text, re.DOTALL):
            yield f"{name} has no hint folded away in <details> with a <summary>"


def rule_no_typed_figures(notebook, path):
    exact = set().union(*EXACT.values())
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and "reference" not in tags(cell):
            for figure in sorted(exact & figures_in(cell.source)):
                yield f"cell {number} types {figure:,}, which a cell must compute"


def rule_exact_figures_are_printed(notebook, path):
    expected = EXACT.get(path[:2], set())
    printed = set()
    for _, cell in code_cells(notebook):
        printed |= figures_in("\n".join(output_texts(cell)))
    return [f"no cell prints {figure:,}" for figure in sorted(expected - printed)]


def rule_small_file(notebook, path):
    size = len(normal_form(notebook).encode())
    if size > MAX_BYTES:
        yield f"{size / 1e6:.1f} MB, more than {MAX_BYTES / 1e6} MB"


def rule_plain_code(notebook, path):
    for number, cell in code_cells(notebook):
        for pattern, complaint in FORBIDDEN.items():
            if re.search(pattern, cell.source, re.MULTILINE):
                yield f"cell {number} {complaint}"


def rule_every_cell_runs(notebook, path):
    return [
        f"cell {number} is tagged nbval-skip: every cell must run"
        for number, cell in code_cells(notebook)
        if "nbval-skip" in tags(cell)
    ]


RULES = [rule for name, rule in list(globals().items()) if name[:5] == "rule_"]

# --- Every notebook, every rule -------------------------------------------------

FOUND = find_notebooks()


def label(value):
    """A readable test id, for a path or a rule."""
    if isinstance(value, Path):
        return value.relative_to(NOTEBOOKS).as_posix()
    return value.__name__


def test_there_are_notebooks():
    # Without this, tests over "every notebook" would pass where there is none.
    assert FOUND, "no notebooks found"


@pytest.mark.parametrize("rule", RULES, ids=label)
@pytest.mark.parametrize("path", FOUND, ids=label)
def test_rule(path, rule):
    # nbformat.read would repair some of what is looked for here.
    notebook = nbformat.reader.reads(path.read_text(encoding="utf-8"))
    complaints = list(rule(notebook, label(path)))
    assert not complaints, "\n".join([label(path), *complaints])


@pytest.mark.parametrize("path", FOUND, ids=label)
def test_stored_in_normal_form(path):
    assert is_normal(path)


@pytest.mark.parametrize(
    "command",
    [["check"], ["format", "--check"]],
    ids=lambda command: command[0],
)
def test_ruff(command):
    if importlib.util.find_spec("ruff") is None:
        skip_or_fail("ruff is not installed: see tests/requirements.txt")
    options = ["--no-cache", "--output-format=concise"]
    folders = ["notebooks", "helpers", "tests"]
    result = subprocess.run(
        [sys.executable, "-m", "ruff", *command, *options, *folders],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    assert result.returncode == 0, result.stdout + result.stderr


# --- Each rule on a notebook that breaks it -------------------------------------

PATH = "06_good.ipynb"

GOOD = f"""# A good notebook
About 5 minutes, and ![a red square](square.png).
## {SECTIONS[0]}
## {SECTIONS[1]}
## A topic
```python
# a comment, not a heading
```
## {SECTIONS[2]}
### Exercise 1: try
<details><summary>Hint</summary>Look.</details>
## {SECTIONS[3]}
## {SECTIONS[4]}
## {SECTIONS[5]}
## {SECTIONS[6]}
"""


def good_notebook():
    """A notebook of which no rule complains."""
    notebook = new_notebook(cells=[new_markdown_cell(GOOD)])
    notebook.nbformat_minor = 5
    figures = " ".join(f"{figure:,}" for figure in EXACT["06"])
    add_code("print(figures)", stream(figures))(notebook)
    figure = new_output("display_data", {"image/png": "iVBORw0="})
    figure.metadata = {"image/png": {"alt": "a rising curve"}}
    add_code("_ = plt.plot(x)", figure)(notebook)
    return notebook


def stream(text, name="stdout"):
    return new_output("stream", text=text, name=name)


def add_code(source, *outputs, count=None, tag=None):
    """A function that appends a code cell to a notebook, executed last."""

    def change(notebook):
        last = len(list(code_cells(notebook))) + 1
        cell = new_code_cell(source, outputs=list(outputs))
        cell.execution_count = last if count is None else count
        cell.metadata.tags = [tag] if tag else []
        notebook.cells.append(cell)

    return change


def add_markdown(source, tag=None):
    """A function that appends a Markdown cell to a notebook."""
    metadata = {"tags": [tag]} if tag else {}
    return lambda notebook: notebook.cells.append(new_markdown_cell(source, metadata=metadata))


def edit(old, new):
    """A function that replaces a text in the first cell of a notebook."""

    def change(notebook):
        assert old in notebook.cells[0].source
        notebook.cells[0].source = notebook.cells[0].source.replace(old, new)

    return change


def same_ids(notebook):
    notebook.cells[1].id = notebook.cells[2].id


def old_format(notebook):
    notebook.nbformat_minor = 4


def unknown_output(notebook):
    notebook.cells[1].outputs[0].output_type = "sound"


def not_executed(notebook):
    notebook.cells[2].execution_count = None


def no_outputs(notebook):
    notebook.cells[1].outputs = []


PICTURE = {"image/png": "iVBORw0="}
ERROR = {"ename": "ValueError", "evalue": "no", "traceback": ["ValueError: no"]}

BROKEN = [
    (rule_valid, same_ids),
    (rule_valid, old_format),
    (rule_valid, unknown_output),
    (rule_executed_in_order, not_executed),
    (rule_executed_in_order, add_code("x = 1", count=7)),
    (rule_no_errors, add_code("1 / 0", new_output("error", **ERROR))),
    (rule_no_errors, add_code("f()", stream("warning", "stderr"))),
    (rule_no_machine_path, add_code("open('/home/ann/x.png')")),
    (rule_no_machine_path, add_code("print(path)", stream("C:\\Users\\ann"))),
    (rule_no_machine_path, add_markdown("It is in /tmp/course/data.")),
    (rule_simulated_data, add_code("show()", stream("Data: real CASIA scans"))),
    (rule_alt_text, add_code("plot()", new_output("display_data", PICTURE))),
    (rule_alt_text, add_markdown("![](square.png)")),
    (rule_alt_text, add_markdown("<img src='square.png'>")),
    (rule_fits_a_slide, add_code("x = 1\n" * 17)),
    (rule_fits_a_slide, add_code("x = " + "1" * 80)),
    (rule_headings, edit("# A good notebook\n", "")),
    (rule_headings, add_markdown("# A second title")),
    (rule_headings, add_markdown("#### Two levels down")),
    (rule_sections, edit("## Summary\n", "")),
    (rule_sections, edit("## Glossary", "## Words")),
    (rule_sections, edit("5 minutes", "a while")),
    (rule_exercises_have_hints, edit("details", "div")),
    (rule_exercises_have_hints, edit("### Exercise 1", "### Task")),
    (rule_no_typed_figures, add_markdown("It has 88,375 parameters.")),
    (rule_no_typed_figures, add_markdown("It has 264055 parameters.")),
    (rule_exact_figures_are_printed, no_outputs),
    (rule_small_file, add_code("x", stream("x" * MAX_BYTES))),
    (rule_plain_code, add_code("plt.plot(x);")),
    (rule_plain_code, add_code("!pip install keras")),
    (rule_plain_code, add_code("%cd ..")),
    (rule_plain_code, add_code("import sys\nsys.path.append('..')")),
    (rule_plain_code, add_code("# NBVAL_IGNORE_OUTPUT\nx")),
    (rule_every_cell_runs, add_code("x", tag="nbval-skip")),
]

ALLOWED = [
    add_code("1 / 0", new_output("error", **ERROR), tag="raises-exception"),
    add_code("x = 1\n" * 17, tag="long"),
    add_markdown("The lecture's network has 88,375 parameters.", tag="reference"),
    add_markdown("See https://example.org/home/index.html and 0.3575."),
]


@pytest.mark.parametrize("change", [lambda notebook: None, *ALLOWED])
def test_good_notebook_passes_every_rule(change):
    notebook = good_notebook()
    change(notebook)
    assert [c for rule in RULES for c in rule(notebook, PATH)] == []


@pytest.mark.parametrize(("rule", "change"), BROKEN)
def test_broken_notebook_is_noticed(rule, change):
    notebook = good_notebook()
    change(notebook)
    assert list(rule(notebook, PATH))


def test_every_rule_has_a_broken_notebook():
    assert {rule for rule, _ in BROKEN} == set(RULES)


def test_solutions_need_no_sections():
    notebook = good_notebook()
    edit("## Summary\n", "")(notebook)
    edit("### Exercise 1", "### Task")(notebook)
    path = "solutions/06_good.ipynb"
    assert [c for rule in RULES for c in rule(notebook, path)] == []
