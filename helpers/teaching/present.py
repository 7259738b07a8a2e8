"""`python -m helpers present NN`: a lecture as live slides, with the lecturer's notes.

Writes a copy of the notebook, with its notes as cells, into `notebooks/lecturer/live`
and opens it in jupyterlab-rise. The copy is made anew each time: what the notebook
itself stores is what it shows. Git ignores it.
"""

import re
import subprocess
import sys
from pathlib import Path

from helpers.files import COURSE, CourseError, write_file
from helpers.teaching.stage import notes_file, prepare

NOTEBOOKS = COURSE / "notebooks"
STYLE = "rise.css"
"""jupyterlab-rise reads the style sheet of this name beside the notebook."""

SPEAKER = "<style>.speaker-controls-notes .jp-Cell-inputWrapper {display: none}</style>"
"""Leaves the notes alone in the speaker's window, which gets the whole cell around them."""

RELATIVE = re.compile(r"""(\]\(|\bsrc="|\bhref=")(?![a-z]+:|[/#])""")
"""Where a Markdown cell names a file, such as a picture, beside its notebook."""


def run(arguments):
    """The command `present`; its exit code is that of JupyterLab."""
    path = find_lecture(arguments.lecture)
    copy = make_copy(path)
    inside = copy.relative_to(NOTEBOOKS).as_posix()
    print(
        f"Slides of {path.name}, with notes (key T): /rise/{inside}. The notebook below them "
        f"is /lab/tree/{inside} at the same address. Ctrl+C ends.",
        flush=True,
    )
    command = [
        *(sys.executable, "-P", "-m", "jupyterlab", f"--ServerApp.root_dir={NOTEBOOKS}"),
        f"--LabApp.default_url=/rise/{inside}",
        *arguments.jupyter,
    ]
    return subprocess.run(command).returncode


def find_lecture(name):
    """The path of the notebook of this number or name: 2, 02, 02_kernels[.ipynb]."""
    found = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    stem = Path(name).name.removesuffix(".ipynb")
    chosen = [
        path for path in found if stem in (path.stem, path.stem[:2], path.stem[:2].lstrip("0"))
    ]
    if len(chosen) != 1:
        numbers = ", ".join(path.stem[:2] for path in found if notes_file(path).is_file())
        raise CourseError(f"There is no lecture {name}: give one of the numbers {numbers}.")
    return chosen[0]


def make_copy(path):
    """Write the copy of a lecture for speaking; return its path.

    It is signed, so that explorers in stored outputs work at once.
    """
    import nbformat
    from nbformat.sign import NotebookNotary

    folder = path.parent / "lecturer" / "live"
    notebook = nbformat.read(path, as_version=4)
    prepare(notebook, path)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = RELATIVE.sub(r"\1../../", cell.source)
    notebook.cells = [_rendered(cell) for cell in notebook.cells]
    copy = folder / path.name
    with write_file(copy) as partial:
        partial.write_text(nbformat.writes(notebook), encoding="utf-8", newline="\n")
    with write_file(folder / STYLE) as partial:
        partial.write_bytes((path.parent / STYLE).read_bytes())
    NotebookNotary().sign(notebook)
    return copy


def _rendered(cell):
    """A note as the output of a cell: the speaker's window shows a Markdown cell raw."""
    from nbconvert.filters import markdown2html
    from nbformat.v4 import new_code_cell, new_output

    if cell.metadata.get("slideshow", {}).get("slide_type") != "notes":
        return cell
    html = new_output("display_data", {"text/html": SPEAKER + markdown2html(cell.source)})
    return new_code_cell("", outputs=[html], metadata=cell.metadata)
