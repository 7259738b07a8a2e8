"""helpers/settings: what a kernel of this course does when it starts."""

import shutil

import nbformat
from nbclient import NotebookClient
from support import ROOT

CELL = """
import numpy, random, colorsys, mine
import helpers
import matplotlib.pyplot as plt
print(numpy.pi, random.choice([7]), colorsys.rgb_to_hsv(0, 0, 1), mine.x)
print(helpers.__version__, plt.get_backend().endswith("inline"))
"""


def test_a_student_s_files_hide_no_package(tmp_path, monkeypatch):
    """Files named like packages beside the notebook; a module of one's own is found all the same."""
    for name in ("numpy", "random", "colorsys", "helpers", "mine"):
        (tmp_path / f"{name}.py").write_text("x = 1", encoding="utf-8")
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    shutil.copy(ROOT / "helpers/settings/ipython_kernel_config.py", profile)
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    monkeypatch.setenv("IPYTHONDIR", str(profile.parent))
    monkeypatch.delenv("PYTHONPATH", raising=False)  # `helpers` is found as it is installed
    cell = nbformat.v4.new_code_cell(CELL)
    client = NotebookClient(nbformat.v4.new_notebook(cells=[cell]), timeout=60, allow_errors=True)
    client.resources["metadata"] = {"path": str(tmp_path)}
    client.execute()
    printed = "".join(output.get("text", "") for output in cell.outputs)
    assert printed == "3.141592653589793 7 (0.6666666666666666, 1.0, 1) 1\n1.0.0 True\n"
