"""`python -m helpers doctor` in full: it starts Keras and JupyterLab, and measures."""

import os
import subprocess
import sys

from support import ROOT


def test_this_machine_is_ready(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "helpers", "doctor"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COURSE_DATA": str(tmp_path / "new")},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "PROBLEM" not in done.stdout
    for words in ("JupyterLab 4", "Keras 3", "in all.", "Ready: start with"):
        assert words in done.stdout
    assert list((tmp_path / "new").iterdir()) == []
