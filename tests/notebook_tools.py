"""Run the course's notebooks from tests, and read what they print."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import offline
import pytest
from nbval.plugin import get_sanitize_patterns
from refresh_notebooks import find_lectures
from support import ROOT

TESTS = Path(__file__).resolve().parent
REFRESH = TESTS / "refresh_notebooks.py"
SANITIZE = TESTS / "nbval_sanitize.cfg"


def lecture(number):
    """The path of the lecture notebook with this two-digit number."""
    matching = [path for path in find_lectures() if path.name[:2] == number]
    if len(matching) != 1:
        pytest.fail(f"not one but {len(matching)} notebooks match {number}*.ipynb")
    return matching[0]


def run_python(*words, environment):
    """Run a Python command line in the course's folder, offline where possible.

    Returns the finished process, whose standard output holds standard error too.
    """
    blocked = [sys.executable, offline.__file__] if offline.available() else []
    return subprocess.run(
        [*blocked, sys.executable, *map(str, words)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )


def execute(notebook, target, environment, *options):
    """Execute a copy of the notebook at a path into `target`; return what is there then."""
    process = run_python(REFRESH, "--to", target, *options, notebook, environment=environment)
    assert process.returncode == 0, process.stdout
    return nbformat.read(target, as_version=4)


def printed(notebook, skip=()):
    """The text outputs of each code cell, leaving out cells with a tag in `skip`.

    Replaces what nbval replaces too (addresses, durations), pictures left out.
    """
    patterns = get_sanitize_patterns(SANITIZE.read_text(encoding="ascii"))
    texts = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or set(skip) & set(tags):
            continue
        text = ""
        for output in cell.outputs:
            text += output.get("text", "") + "\n"
            for kind, value in sorted(output.get("data", {}).items()):
                if not kind.startswith("image/"):
                    text += f"{value}\n"
        for pattern, replacement in patterns:
            text = re.sub(pattern, replacement, text)
        texts.append(text)
    return texts


def text_of(notebook):
    """All text outputs of a notebook: see `printed`."""
    return "\n".join(printed(notebook))
