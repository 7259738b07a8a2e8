"""A notebook for the stage: with notes for speaking, and with figures before code.

Notes are in `notebooks/lecturer/NN_*.md`, one file for each lecture. A file has the headings of its notebook, and below each what to say there. The first
words below a heading of the second level are the minutes of that section:

    ## Two dice

    **5 min.** Throw your two dice five times ...

Students' notebooks hold no notes. `put_in` writes them into a copy, and `fold` folds the
code there that leaves its figure too little room.
"""

import re
from pathlib import Path
from typing import NamedTuple

from helpers.files import CourseError

MOST_LINES = 8
"""Of code that a slide shows above a figure: with more, the last row cannot read it."""

FOLDED = "hide-input"
"""The tag of cells whose code is folded: in JupyterLab, on slides and in hand-outs."""

HEADING = re.compile(r"(#{1,6}) +(.*\S) *")
MINUTES = re.compile(r"\*\*(\d+) min\.\*\* *")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


class Note(NamedTuple):
    """What to say under a heading, in Markdown, and for how many minutes."""

    level: int
    heading: str
    minutes: int | None
    text: str


def notes_file(notebook_path):
    """Where the notes of the notebook at this path are, whether they exist or not."""
    path = Path(notebook_path)
    return path.parent / "lecturer" / f"{path.stem}.md"


def read_notes(path):
    """The notes in the file at `path`, in its order: a list of `Note`.

    Raises CourseError where the file cannot be read, where text comes before the first
    heading, and where two headings are the same.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"The notes {path} cannot be read: restore the file from git.") from error
    found = []
    for line in lines:
        heading = HEADING.fullmatch(line)
        if heading:
            found.append((len(heading[1]), heading[2], []))
        elif found:
            found[-1][2].append(line)
        elif line.strip():
            raise CourseError(f"The notes {path} begin with text: begin with a heading.")
    headings = [heading for _, heading, _ in found]
    for heading in headings:
        if headings.count(heading) > 1:
            raise CourseError(f"The notes {path} have the heading {heading!r} twice: join them.")
    return [_note(level, heading, "\n".join(text).strip()) for level, heading, text in found]


def _note(level, heading, text):
    minutes = MINUTES.match(text)
    if minutes:
        return Note(level, heading, int(minutes[1]), text[minutes.end() :])
    return Note(level, heading, None, text)


def headings_of(notebook):
    """[(number of the cell, level, heading), ...] of a notebook's Markdown cells."""
    return [
        (number, len(found[1]), found[2])
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "markdown"
        for line in FENCE.sub("", cell.source).splitlines()
        if (found := HEADING.fullmatch(line))
    ]


def strangers(notes, notebook):
    """Notes whose heading and level the notebook has not, or in another order."""
    left = iter([(level, heading) for _, level, heading in headings_of(notebook)])
    return [note for note in notes if (note.level, note.heading) not in left]


def put_in(notebook, notes, repeat=True):
    """Write the notes into a notebook, as cells of the slide type "notes".

    Each begins with the minute of the talk. repeat: on every slide of a section, for a
    lecturer sees the notes of one slide at a time; else once, at its heading.
    Raises CourseError for a note whose heading the notebook has not.
    """
    from nbformat.v4 import new_markdown_cell

    lost = strangers(notes, notebook)
    if lost:
        raise CourseError(
            f"The notebook has no heading {lost[0].heading!r} (or has it in another place), "
            "but its notes have: write there what the notebook's heading is."
        )
    by_heading = {(note.level, note.heading): note for note in notes}
    total = sum(note.minutes or 0 for note in notes)
    headings = headings_of(notebook)
    cells, around, minute = [], [], 0  # around: the notes of the headings above
    for number, cell in enumerate(notebook.cells):
        cells.append(cell)
        here = [(level, heading) for n, level, heading in headings if n == number]
        own = [by_heading[key] for key in here if key in by_heading]
        if here:
            level = min(here)[0]
            if level <= 2:
                minute += sum(note.minutes or 0 for note in around)
                around = []
            around = [note for note in around if note.level < level] + own
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind == "skip" or not around or not (own or repeat and kind in ("slide", "subslide")):
            continue
        texts = [note.text for note in (around if repeat else own)]
        clock = _clock(around[0], minute, total)
        texts = [clock, *reversed(texts)] if repeat else texts
        note = new_markdown_cell("\n\n".join(filter(None, texts)))
        note.metadata.slideshow = {"slide_type": "notes"}
        cells.append(note)
    notebook.cells = cells


def _clock(section, minute, total):
    """When a section of the talk begins, as the first line of its notes."""
    if section.minutes is None:
        return ""
    return f"**{section.heading}: from minute {minute} of {total}, for {section.minutes}**"


def fold(notebook):
    """Fold the code of each cell that draws a figure with more than MOST_LINES of it."""
    for cell in notebook.cells:
        figure = any(
            {"image/png", "image/jpeg"} & set(o.get("data", {})) for o in cell.get("outputs", ())
        )
        if figure and len(cell.source.splitlines()) > MOST_LINES:
            tags = cell.metadata.setdefault("tags", [])
            cell.metadata.tags = [*tags, *[FOLDED] * (FOLDED not in tags)]
            cell.metadata.setdefault("jupyter", {})["source_hidden"] = True


def prepare(notebook, path):
    """Change the notebook of this path to what slides show: with its notes, code folded.

    Raises CourseError where its notes and its headings differ.
    """
    if notes_file(path).is_file():
        put_in(notebook, read_notes(notes_file(path)))
    fold(notebook)
