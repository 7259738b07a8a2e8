"""Notes for speaking: in step with the notebooks, and put into copies for slides."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from refresh_notebooks import NOTEBOOKS, find_lectures

from helpers.files import CourseError
from helpers.teaching import present, stage

LECTURES = find_lectures()


def notes_of(path):
    return stage.read_notes(stage.notes_file(path))


# --- The course's own ------------------------------------------------------------


def test_every_lecture_has_notes_and_no_notes_are_left_over():
    pages = {path.stem for path in (NOTEBOOKS / "lecturer").glob("[0-9][0-9]_*.md")}
    assert pages == {path.stem for path in LECTURES}


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_headings_are_those_of_the_notebook(path):
    lost = stage.strangers(notes_of(path), nbformat.read(path, as_version=4))
    assert [note.heading for note in lost] == []


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_minutes_add_up(path):
    first = nbformat.read(path, as_version=4).cells[0].source
    (stated,) = re.findall(r"\*\*Presentation\*\* (\d+) minutes", first)
    notes = notes_of(path)
    assert sum(note.minutes or 0 for note in notes) == int(stated)
    assert all(note.level == 2 for note in notes if note.minutes)
    assert all(note.text for note in notes)


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_every_slide_of_the_talk_has_notes(path):
    notebook = nbformat.read(path, as_version=4)
    stage.prepare(notebook, path)
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in notebook.cells]
    begun = [n for n, kind in enumerate(kinds) if kind in ("slide", "subslide")]
    assert [n for n in begun[1:] if kinds[n + 1 : n + 2] != ["notes"]] == []


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_a_talk_leaves_time_for_each_screen(path):
    """75 seconds for each, on the average; and no more cells than a student reads."""
    notebook = nbformat.read(path, as_version=4)
    assert len(notebook.cells) <= 100
    minutes = sum(note.minutes or 0 for note in notes_of(path))
    stage.prepare(notebook, path)
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in notebook.cells]
    assert kinds.count("slide") + kinds.count("subslide") <= minutes * 60 / 75


# --- A small one -----------------------------------------------------------------

NOTES = """# Talk

Open the window.

## One

**2 min.** Say one.

### Half

Say a half.

## Two

**3 min.** Say two.
"""


def talk():
    """Slides of a title, two sections and a subsection, and a cell that is left out."""
    cells = [
        ("# Talk", "slide"),
        ("## One", "slide"),
        ("More of one.", "subslide"),
        ("### Half", "subslide"),
        ("Left out.", "skip"),
        ("A detail.", "fragment"),
        ("## Two", "slide"),
    ]
    notebook = new_notebook()
    for source, kind in cells:
        cell = new_markdown_cell(source, metadata={"slideshow": {"slide_type": kind}})
        notebook.cells.append(cell)
    return notebook


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_a_note_does_not_repeat_what_students_read(path):
    """A prediction stands in the students' text; the notes only say when to ask it."""
    cells = nbformat.read(path, as_version=4).cells
    text = re.sub(r"[\s*`]+", " ", "\n".join(cell.source for cell in cells))
    for note in stage.read_notes(stage.notes_file(path)):
        for words in re.findall(r"[\w ,]{30,}", note.text):
            assert re.sub(r"\s+", " ", words.strip()) not in text


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "talk.md"
    path.write_text(NOTES, encoding="utf-8")
    return path


def spoken(notebook):
    """{source of a cell: text of the note after it}."""
    cells = notebook.cells
    return {
        before.source: cell.source
        for before, cell in zip(cells, cells[1:], strict=False)
        if cell.metadata.get("slideshow", {}).get("slide_type") == "notes"
    }


def test_read_notes(notes):
    assert stage.read_notes(notes) == [
        (1, "Talk", None, "Open the window."),
        (2, "One", 2, "Say one."),
        (3, "Half", None, "Say a half."),
        (2, "Two", 3, "Say two."),
    ]


def test_the_notes_of_a_section_are_on_all_its_slides(notes):
    notebook = talk()
    stage.put_in(notebook, stage.read_notes(notes))
    one = "**One: from minute 0 of 5, for 2**"
    assert spoken(notebook) == {
        "# Talk": "Open the window.",
        "## One": f"{one}\n\nSay one.",
        "More of one.": f"{one}\n\nSay one.",
        "### Half": f"{one}\n\nSay a half.\n\nSay one.",
        "## Two": "**Two: from minute 2 of 5, for 3**\n\nSay two.",
    }


def test_two_headings_in_a_cell(notes):
    notebook = talk()
    notebook.cells[1].source += "\n\n## Not in the notes"
    stage.put_in(notebook, stage.read_notes(notes))
    assert spoken(notebook)["More of one."].startswith("**One: from minute 0")


def test_on_a_page_each_note_is_once(notes):
    notebook = talk()
    stage.put_in(notebook, stage.read_notes(notes), repeat=False)
    assert [*spoken(notebook).values()] == [
        "Open the window.",
        "Say one.",
        "Say a half.",
        "Say two.",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [("## Two", "## Three"), ("## Two", "### Two"), ("## One", "## Four"), ("### Half", "## Half")],
)
def test_notes_without_their_heading_are_refused(notes, old, new):
    notes.write_text(NOTES.replace(old, new), encoding="utf-8")
    with pytest.raises(CourseError, match="has no heading"):
        stage.put_in(talk(), stage.read_notes(notes))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("Text first.\n" + NOTES, "begin with text"), (NOTES + "\n## One\n", "'One' twice")],
)
def test_odd_notes_are_refused(notes, text, complaint):
    notes.write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=complaint):
        stage.read_notes(notes)


def test_code_that_leaves_its_figure_no_room_is_folded():
    figure = new_output("display_data", {"image/png": "iVBORw0="})
    short, long = (new_code_cell("x\n" * lines, outputs=[figure]) for lines in (8, 9))
    printing = new_code_cell("x\n" * 16)
    stage.fold(new_notebook(cells=[short, long, printing]))
    assert ["tags" in cell.metadata for cell in (short, long, printing)] == [False, True, False]
    assert long.metadata == {"tags": ["hide-input"], "jupyter": {"source_hidden": True}}


# --- The command -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["2", "02", "02_kernels", "notebooks/02_kernels.ipynb"])
def test_find_lecture(name):
    assert present.find_lecture(name).name == "02_kernels.ipynb"


def test_no_such_lecture():
    with pytest.raises(CourseError, match="no lecture 77: give one of the numbers 01, 02"):
        present.find_lecture("77")


def test_make_copy(tmp_path, monkeypatch, notes):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    notebook = talk()
    notebook.cells[1].source += '\n![A](pictures/a.png) [B](https://b.org) <img src="c.png">'
    path = tmp_path / "01_talk.ipynb"
    nbformat.write(notebook, path)
    (tmp_path / present.STYLE).write_text("p {}", encoding="utf-8")
    stage.notes_file(path).parent.mkdir()
    notes.rename(stage.notes_file(path))
    copy = present.make_copy(path)
    assert copy == tmp_path / "lecturer" / "live" / path.name
    shown = nbformat.read(copy, as_version=4)
    assert len(spoken(shown)) == 5
    (note,) = (c for c in shown.cells if "Say two" in str(c.get("outputs")))
    assert "<strong>Two: from minute 2 of 5, for 3</strong>" in note.outputs[0].data["text/html"]
    assert '![A](../../pictures/a.png) [B](https://b.org) <img src="../../c.png">' in str(shown)
    assert copy.with_name(present.STYLE).is_file()
    assert nbformat.read(path, as_version=4) == notebook
