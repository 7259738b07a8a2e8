"""The README's table, the doctor's seconds and the notebooks say the same."""

import re

import pytest
from refresh_notebooks import find_lectures, read
from support import ROOT

from helpers import doctor

README = (ROOT / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| \[(.+?)\]\(notebooks/(\d\d_\w+\.ipynb)\) \|.*\| ([^|]+?) \|$", re.MULTILINE)
LECTURES = {path.name: path for path in find_lectures()}


def test_every_notebook_has_a_row_and_a_cost():
    assert [name for _, name, _ in ROW.findall(README)] == [*LECTURES]
    assert [name[:2] for name in LECTURES] == [*doctor.NOTEBOOKS]


@pytest.mark.parametrize(("title", "name", "runs_in"), ROW.findall(README))
def test_a_row_is_true(title, name, runs_in):
    assert read(LECTURES[name]).cells[0].source.startswith(f"# {title}")
    assert runs_in == doctor.minutes(doctor.NOTEBOOKS[name[:2]].measured)


# --- Variables --------------------------------------------------------------------

PLACES = ("helpers", "tests", "notebooks", "data/tuning", "data/pretrained", ".ci", ".github")
KINDS = "*.py", "*.ipynb", "*.md", "*.yml", "run"
MADE_UP = {"COURSE_FLOWERS", "COURSE_FONT", "COURSE_TEST"}
"""Names of single tests, which nobody sets."""


def test_the_table_of_variables_is_complete():
    """tests/README.md lists what code, notebooks and scripts read from the environment."""
    paths = [path for p in PLACES for kind in KINDS for path in (ROOT / p).rglob(kind)]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    used = {name for text in texts for name in re.findall("COURSE_[A-Z_]*[A-Z]", text)}
    table = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(COURSE_\w+)", table, re.MULTILINE)
    assert sorted(listed) == sorted(used - MADE_UP)
