"""Every lecture has the slide types of a deck."""

import re

import nbformat
import pytest
from refresh_notebooks import find_lectures

LECTURES = find_lectures()
KINDS = "slide", "subslide", "fragment", "skip", None


def kind(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type")


def sections(notebook):
    """(heading of the second level or "", cell) of each cell."""
    heading = ""
    for cell in notebook.cells:
        found = re.match(r"## +(.*)", cell.source)
        if cell.cell_type == "markdown" and found:
            heading = found[1].strip()
        yield heading, cell


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_slide_types(path):
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.rise.scroll is True
    assert notebook.metadata.rise.center is False
    # Other themes ask a server of fonts for their type.
    assert notebook.metadata.rise.theme == "white"
    for heading, cell in sections(notebook):
        assert kind(cell) in KINDS, cell.source
        title = cell.source.startswith(("# ", "## "))
        if cell.cell_type == "markdown" and title and kind(cell) != "skip":
            assert kind(cell) == "slide", cell.source
        if heading in ("Glossary", "References", "Versions"):
            assert kind(cell) == "skip", cell.source
