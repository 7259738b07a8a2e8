"""Each cell run twice in a row, as by pressing Ctrl+Enter again: it prints the same.

`rule_cells_run_twice` reads the code of every notebook; this sees what objects do.
"""

import re

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from notebook_tools import lecture, printed
from refresh_notebooks import CELL_TIMEOUT

ONCE = {"timing", "nbval-ignore-output", "raises-exception"}


def changed_by_a_second_run(notebook, folder, environment):
    """The numbers of the cells that print something else the second time, or fail."""
    client = NotebookClient(
        notebook, timeout=CELL_TIMEOUT, allow_errors=True, coalesce_streams=True
    )
    client.resources["metadata"] = {"path": str(folder)}
    changed = []
    with client.setup_kernel(env=environment):
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            texts = []
            for _ in range(1 if ONCE & set(cell.metadata.get("tags", [])) else 2):
                cell.outputs = []
                client.execute_cell(cell, number)
                # Keras numbers its layers; TensorFlow warns when it computes first.
                cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
                (text,) = printed(new_notebook(cells=[cell]))
                errors = [o.evalue for o in cell.outputs if o.output_type == "error"]
                texts.append((re.sub(r"_\d+", "", text), errors))
            if texts[0] != texts[-1]:
                changed.append(number)
    return changed


@pytest.mark.parametrize("number", ["01", "02", "05"])
def test_a_cell_run_twice_prints_the_same(number, simulated):
    path = lecture(number)
    notebook = nbformat.read(path, as_version=4)
    assert changed_by_a_second_run(notebook, path.parent, simulated) == []


def test_a_change_is_noticed(tmp_path, simulated):
    cells = ["x = [1]", "x[0] += 1\nx", "print('the same')", "print(x.pop())", "1 / (3 - len(x))"]
    notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
    assert changed_by_a_second_run(notebook, tmp_path, simulated) == [1, 3]
