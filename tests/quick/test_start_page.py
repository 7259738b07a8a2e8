"""The start page agrees with the notebooks and the doctor; no link leads nowhere."""

import re
from urllib.parse import unquote

import nbformat
import pytest
from refresh_notebooks import NOTEBOOKS, START_PAGE, find_lectures, find_notebooks
from support import ROOT

from helpers import doctor

TEXT = "\n\n".join(c.source for c in nbformat.read(NOTEBOOKS / START_PAGE, as_version=4).cells)
ROW = re.compile(
    r'^\| <img src="(.+?)" .*?\| \[\*\*(.+?)\*\*\]\((\d\d_\w+\.ipynb)\)<br>.+? \| (\d+) \+ (\d+) min '
    r"\| (.+?) \| \[solutions\]\(solutions/(\d\d)_solutions\.ipynb\) \|$",
    re.MULTILINE,
)
LINK = re.compile(r"\]\(([^)\s]+)\)|\b(?:src|href)=\"([^\"]+)\"")
PAGES = sorted(
    path
    for pattern in ("*.md", "notebooks/**/*.md", "data/*.md", "fonts/*.md", "tests/*.md")
    for path in ROOT.glob(pattern)
    if "live" not in path.parts
)


def test_every_lecture_has_a_row():
    assert [row[2] for row in ROW.findall(TEXT)] == [path.name for path in find_lectures()]


@pytest.mark.parametrize("row", ROW.findall(TEXT), ids=lambda row: row[2])
def test_a_row_is_true(row):
    _, title, name, presentation, exercises, first_run, solutions = row
    first = nbformat.read(NOTEBOOKS / name, as_version=4).cells[0].source
    assert first.startswith(f"# {title}\n")
    minutes = re.findall(r"\*\*(?:Presentation|exercises)\*\*\s+(\d+)\s+minutes", first)
    assert minutes == [presentation, exercises]
    assert first_run == doctor.minutes(doctor.NOTEBOOKS[name[:2]].measured)
    assert solutions == name[:2]


def texts(path):
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path", [*PAGES, *find_notebooks()], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_links_lead_somewhere(path):
    code = re.compile(r"^```.*?^```|`[^`\n]+`|\$[^$\n]+\$", re.MULTILINE | re.DOTALL)
    lost = []
    for found in LINK.finditer(code.sub("", texts(path))):
        address = unquote((found[1] or found[2]).partition("#")[0])
        if address and not re.match(r"\w+:", address) and not (path.parent / address).exists():
            lost.append(address)
    assert lost == []
