"""nbval, as `run.py` calls it, really compares; and notebooks are stored as they should be."""

import re

import nbformat
import pytest
import refresh_notebooks
from environments import notebook_environment
from nbformat.v4 import new_code_cell, new_notebook, new_output
from notebook_tools import execute, run_python
from refresh_notebooks import WIDGET_VIEW, normal_form
from run import NBVAL

SMALL = [
    "print('accuracy 0.93')",
    "import pandas\npandas.DataFrame({'score': [0.25, 0.75]})",
    "6 * 7",
    "print(object())  # its address is not compared",
    "import time\nprint(time.time())",
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small notebook, executed and stored in normal form."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in SMALL])
    notebook.cells[4].metadata.tags = ["nbval-ignore-output"]
    path = tmp_path_factory.mktemp("small") / "source.ipynb"
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    return execute(path, path.with_name("small.ipynb"), notebook_environment())


def failing_cells(notebook, tmp_path):
    """The numbers of the cells in which nbval finds a difference."""
    path = tmp_path / "compared.ipynb"
    path.write_text(normal_form(notebook), encoding="utf-8")
    options = ["-p", "no:cacheprovider", "--color=no", "-q"]
    process = run_python("-m", "pytest", *NBVAL, *options, path, environment=notebook_environment())
    failed = re.findall(r"^FAILED .*::Cell (\d+)", process.stdout, re.MULTILINE)
    assert (process.returncode == 0) == (not failed), process.stdout
    return [int(number) for number in failed]


def changed(text, old, new):
    """`text` with `old` replaced, which must be in it."""
    assert old in text
    return text.replace(old, new)


def test_unchanged_notebook_passes(small, tmp_path):
    assert failing_cells(small, tmp_path) == []


def test_each_wrong_figure_fails(small, tmp_path):
    wrong = nbformat.from_dict(small)
    stdout, table, result = (wrong.cells[i].outputs[0] for i in range(3))
    stdout.text = changed(stdout.text, "0.93", "0.94")
    # Only the HTML table is wrong, its plain text is right.
    table.data["text/html"] = changed(table.data["text/html"], "0.25", "0.35")
    result.data["text/plain"] = changed(result.data["text/plain"], "42", "43")
    assert failing_cells(wrong, tmp_path) == [0, 1, 2]


# --- What refresh_notebooks.py stores ---------------------------------------------


def store(path, *sources):
    """Write an unexecuted notebook with these code cells to `path`."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    path.write_text(nbformat.writes(notebook), encoding="utf-8")


def test_refreshed_notebook_is_reproducible(small, tmp_path):
    source = tmp_path / "small.ipynb"
    source.write_text(normal_form(small), encoding="utf-8")
    again = execute(source, tmp_path / "again.ipynb", notebook_environment())
    # The last two cells print an address and the time.
    assert again.cells[:3] == small.cells[:3]
    assert again.metadata == small.metadata


def test_no_bar_is_stored():
    """A page without the widget would show its first state for good."""
    bar = {"text/plain": "  0%|          | 0/16 [00:00<?, ?it/s]", WIDGET_VIEW: {"model_id": "1"}}
    other = {"text/plain": "0 of 16"}
    cell = new_code_cell("bars()", execution_count=1)
    cell.outputs = [new_output("display_data", data) for data in (bar, other)]
    stored = nbformat.reads(normal_form(new_notebook(cells=[cell])), as_version=4)
    assert [output.data for output in stored.cells[0].outputs] == [other]


def test_failing_notebook_is_left_alone(tmp_path, capsys):
    path = tmp_path / "failing.ipynb"
    store(path, "1", "1 / 0")
    before = path.read_bytes()
    assert refresh_notebooks.main([str(path)]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_stray_warnings_are_reported_but_not_stored(tmp_path, capsys):
    path = tmp_path / "noisy.ipynb"
    store(path, "import sys\nprint('a stray warning', file=sys.stderr)")
    assert refresh_notebooks.main([str(path)]) == 0
    assert "standard error: a stray warning" in capsys.readouterr().out
    assert nbformat.read(path, as_version=4).cells[0].outputs == []


def test_normal_form_is_checked_without_executing(small, tmp_path, capsys):
    path = tmp_path / "small.ipynb"
    path.write_text(normal_form(small), encoding="utf-8")
    assert refresh_notebooks.main(["--check", str(path)]) == 0
    stamped = nbformat.from_dict(small)
    stamped.cells[0].metadata.execution = {"iopub.status.busy": "2025-01-01"}
    path.write_text(nbformat.writes(stamped), encoding="utf-8")
    assert refresh_notebooks.main(["--check", str(path)]) == 1
    assert f"{path} is not in normal form" in capsys.readouterr().out


def test_broken_notebook_is_one_sentence(tmp_path, capsys):
    path = tmp_path / "broken.ipynb"
    path.write_text("<<<<<<< HEAD", encoding="utf-8")
    assert refresh_notebooks.main([str(path)]) == 1
    printed_lines = capsys.readouterr().out.splitlines()
    assert len(printed_lines) == 1
    assert f"{path} cannot be read as a notebook" in printed_lines[0]
