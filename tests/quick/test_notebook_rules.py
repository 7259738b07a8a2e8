"""What holds for every notebook of the course, and a proof that each rule bites.

Every rule of notebook_rules.py is tried on every notebook that `find_notebooks` finds,
and on a notebook that breaks it.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

import nbformat.reader
import pytest
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)
from notebook_rules import (
    EXACT,
    MAX_BYTES,
    RULES,
    SECTIONS,
    code_cells,
    rule_alt_text,
    rule_cells_run_twice,
    rule_every_cell_runs,
    rule_exact_figures_are_printed,
    rule_executed_in_order,
    rule_exercises_have_hints,
    rule_fits_a_slide,
    rule_folded_code,
    rule_headings,
    rule_links,
    rule_no_errors,
    rule_no_machine_path,
    rule_no_notes,
    rule_no_typed_figures,
    rule_plain_code,
    rule_sections,
    rule_simulated_data,
    rule_small_file,
    rule_valid,
)
from refresh_notebooks import NOTEBOOKS, find_notebooks, is_normal
from support import ROOT, skip_or_fail

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
    folders = ["notebooks", "helpers", "tests", "data"]
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
    for place in (1, len(notebook.cells) + 1):
        links = new_markdown_cell("[Start](00_start_here.ipynb)", metadata={"tags": ["links"]})
        notebook.cells.insert(place, links)
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
    notebook.cells[2].outputs[0].output_type = "sound"


def not_executed(notebook):
    notebook.cells[3].execution_count = None


def no_outputs(notebook):
    notebook.cells[2].outputs = []


def no_links(notebook):
    del notebook.cells[1]


def links_elsewhere(notebook):
    notebook.cells[1].source = "[Next](07_next.ipynb)"


def folded_in_one_place(notebook):
    notebook.cells[3].metadata.tags = ["hide-input"]


def folded_without_a_figure(notebook):
    notebook.cells[2].metadata.update(tags=["hide-input"], jupyter={"source_hidden": True})


def note(notebook):
    notebook.cells.append(new_markdown_cell("Ask them."))
    notebook.cells[-1].metadata.slideshow = {"slide_type": "notes"}


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
    (rule_no_notes, note),
    (rule_no_notes, add_markdown("**Lecturer · 2 min.** Ask them.")),
    (rule_links, no_links),
    (rule_links, links_elsewhere),
    (rule_folded_code, folded_in_one_place),
    (rule_folded_code, folded_without_a_figure),
    (rule_cells_run_twice, add_code("X = X / 255")),
    (rule_cells_run_twice, add_code("for n in readers:\n    readers[n] = scaled(readers[n])")),
    (rule_cells_run_twice, add_code("for n, m in readers.items():\n    readers[n] = scaled(m)")),
    (rule_cells_run_twice, add_code("X[0] = 255 - X[0]")),
    (rule_cells_run_twice, add_code("print(image)\nfor image in images:\n    print(image)")),
    (rule_cells_run_twice, add_code("print(alex)\nalex = None")),
    (rule_cells_run_twice, add_code("print(alex)\ndel alex")),
    (rule_cells_run_twice, add_code("print(place)\nworkspace.cleanup()")),
    (rule_cells_run_twice, add_code("rows.append(3)")),
    (rule_cells_run_twice, add_code("steps += 1")),
    (rule_cells_run_twice, add_code("def f():\n    return X\nf()\nX = 3")),
]

ALLOWED = [
    add_code("1 / 0", new_output("error", **ERROR), tag="raises-exception"),
    add_code("x = 1\n" * 17, tag="long"),
    add_markdown("The lecture's network has 88,375 parameters.", tag="reference"),
    add_markdown("See https://example.org/home/index.html and 0.3575."),
    add_code("x = 1\nx = x + 1\nx += 1\ndel x"),
    add_code("rows = [x for x in X]\nrows.append(3)\nfor x in rows:\n    rows[0] = x"),
    add_code("base.trainable = False\nfound |= more\nalex = None"),
    add_code(
        "def f(x):\n    x = x + 1\n    return x\nx = f(3)\nwith o() as file:\n    file.close()"
    ),
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
