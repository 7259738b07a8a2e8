"""Each cell run twice in a row, as by pressing Ctrl+Enter again: it prints the same.

`rule_cells_run_twice` reads the code of every notebook; this sees what objects do.
"""

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from notebook_tools import lecture, printed
from refresh_notebooks import CELL_TIMEOUT

ONCE = {"timing", "nbval-ignore-output", "raises-exception"}


def changed_by_a_second_run(notebook, folder, environment):
    """The numbers of the cells that print something else the second time, or fail."""
    client = NotebookClient(notebook, timeout=CELL_TIMEOUT, allow_errors=True)
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
                cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
                texts += printed(new_notebook(cells=[cell]))
                failed = any(output.output_type == "error" for output in cell.outputs)
            if failed or texts[0] != texts[-1]:
                changed.append(number)
    return changed
