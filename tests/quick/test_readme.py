"""The README's table, the doctor's seconds and the notebooks say the same."""

import os
import re

import pytest
from refresh_notebooks import NOTEBOOKS, find_notebooks, read
from support import ROOT

from helpers import doctor

README = (ROOT / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| \[(.+?)\]\(notebooks/(\d\d_\w+\.ipynb)\) \|.*\| ([^|]+?) \|$", re.MULTILINE)
LECTURES = {path.name: path for path in find_notebooks() if path.parent == NOTEBOOKS}


def test_every_notebook_has_a_row_and_a_cost():
    assert [name for _, name, _ in ROW.findall(README)] == [*LECTURES]
    assert [name[:2] for name in LECTURES] == [*doctor.NOTEBOOKS]


@pytest.mark.parametrize(("title", "name", "runs_in"), ROW.findall(README))
def test_a_row_is_true(title, name, runs_in):
    assert read(LECTURES[name]).cells[0].source.startswith(f"# {title}\n")
    assert runs_in == doctor.minutes(doctor.NOTEBOOKS[name[:2]].measured)


# --- Variables --------------------------------------------------------------------

VARIABLE = re.compile(r"COURSE_[A-Z_]*[A-Z]")
PRIVATE = {"COURSE_TEST", "COURSE_FONT", "COURSE_FLOWERS"}
"""Names that look so, and are none, or that one test makes up."""


def names_in(text):
    return set(VARIABLE.findall(text)) - PRIVATE


def test_the_table_of_variables_is_complete():
    """tests/README.md lists what code, notebooks and scripts read from the environment."""
    kinds = {".py", ".ipynb", ".yml", ".md", ""}
    used = set()
    for folder, inside, files in os.walk(ROOT):
        # Not what is made or downloaded here, nor what belongs to tools.
        inside[:] = [name for name in inside if name[0] not in "._" and name != "cache"]
        for name in files:
            path = os.path.join(folder, name)
            if os.path.splitext(name)[1] in kinds and os.path.getsize(path) < 5e6:
                with open(path, encoding="utf-8", errors="replace") as file:
                    used |= names_in(file.read())
    table = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(COURSE_\w+)", table, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == used
