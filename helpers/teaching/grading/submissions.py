"""Reads sources and submissions, and decides what runs when.

A submission is not believed in anything but its answers: test cells, given cells and
points are the source's, whatever the student's copy says, and wherever it has them.
"""

import ast
import json
import os
import re
import stat
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_raw_cell,
)

from helpers.files import CourseError
from helpers.teaching.grading.nbgrader_steps import FOLDER, student_version

MAX_NOTEBOOK_MB = 30
MAX_CELLS = 2000
MAX_PARSED = 200_000
"""Characters of a cell that is looked into: Python wants 600 bytes for each of them."""

MAX_FILES_MB = 50
MAX_FILES = 200

BEGIN_HIDDEN, END_HIDDEN = "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"

LIMITS = {
    "cell_seconds": 60,
    "call_seconds": 10,
    "total_seconds": 900,
    "memory_mb": 4000,
}
"""What a submission may use, unless the source's metadata ("grading") says otherwise."""


class Unreadable(Exception):
    """The submission cannot be graded; the text is a sentence for the teacher."""


@dataclass(frozen=True)
class Graded:
    """A graded cell of the source."""

    name: str
    points: float
    by_hand: bool
    text: str
    blank: str | None = None
    """The text of a cell marked by hand as it is handed out."""


@dataclass(frozen=True)
class Source:
    """The source of an assignment: its notebook, with solutions and hidden tests."""

    notebook: nbformat.NotebookNode
    graded: dict = field(default_factory=dict)
    """{grade_id: Graded}, in the order of the notebook."""
    answers: dict = field(default_factory=dict)
    """{grade_id of a test cell: grade_ids of all answer cells before it}."""
    given: dict = field(default_factory=dict)
    """{grade_id: text} of cells that students may not change."""
    marks: dict = field(default_factory=dict)
    """{grade_id: nbgrader's metadata} of all these cells."""
    limits: dict = field(default_factory=dict)
    modules: tuple = ()
    """What the notebook imports: worth importing once for all submissions."""

    @property
    def points(self):
        return sum(cell.points for cell in self.graded.values())


def mark(cell):
    """nbgrader's metadata of a cell, {} if there is none."""
    found = cell.get("metadata", {}).get("nbgrader", {})
    return found if isinstance(found, dict) else {}


def grade_id(cell):
    """The name of a cell for nbgrader, or None."""
    name = mark(cell).get("grade_id")
    return name if isinstance(name, str) else None


def read_source(notebook, course=None):
    """The Source in a notebook node. Raises CourseError if it contradicts itself.

    `course` is the folder whose nbgrader_config.py counts (None: the course's own).
    """
    source = Source(notebook)
    limits = notebook.metadata.get("grading", {})
    for name in set(limits) - set(LIMITS):
        raise CourseError(
            f"The source's metadata sets {name!r}, which is no limit: there are "
            f"{', '.join(LIMITS)}."
        )
    source.limits.update(LIMITS, **limits)
    answers = []
    blanks = None
    for cell in notebook.cells:
        about = mark(cell)
        name = grade_id(cell)
        if name is None:
            continue
        if name in source.marks:
            raise CourseError(
                f"Two cells of the source are called {name!r}: give one of them another grade_id."
            )
        source.marks[name] = dict(about)
        if about.get("grade") or about.get("task"):
            by_hand = about.get("solution") or about.get("task")
            by_hand = bool(by_hand) or cell.cell_type != "code"
            blank = None
            if by_hand and not about.get("task"):
                blanks = blanks or _blanks(notebook, course)
                blank = blanks[name]
            source.graded[name] = Graded(
                name, float(about.get("points", 0)), by_hand, cell.source, blank
            )
            source.answers[name] = tuple(answers)
        elif about.get("locked") and not about.get("solution"):
            source.given[name] = cell.source
        if about.get("solution"):
            answers.append(name)
    if not source.graded:
        raise CourseError("The source has no graded cell.")
    modules = dict.fromkeys(_modules(notebook))
    return Source(**{**vars(source), "modules": tuple(modules)})


def _blanks(notebook, course):
    """{grade_id: text} of the version that students get."""
    cells = student_version(notebook, course or FOLDER).cells
    return {grade_id(cell): cell.source for cell in cells}


def _modules(notebook):
    """The modules that the notebook's cells import.

    Of `from helpers import plots` both, `helpers` and `helpers.plots`: what is no
    module cannot be imported, and the zygote takes no notice.
    """
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:
            continue  # magics; nothing depends on it
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield node.module
                yield from (f"{node.module}.{a.name}" for a in node.names)


def hidden_lines(text):
    """The numbers of the lines, from 1, that students do not see."""
    hidden, inside = set(), False
    for number, line in enumerate(text.splitlines(), 1):
        inside = inside or BEGIN_HIDDEN in line
        if inside:
            hidden.add(number)
        inside = inside and END_HIDDEN not in line
    return hidden


def without_hidden(text):
    """The text of a test cell as students see it."""
    hidden = hidden_lines(text)
    lines = enumerate(text.splitlines(), 1)
    return "\n".join(line for number, line in lines if number not in hidden)


# --- submissions ------------------------------------------------------------------


def read_submission(folder, name, source):
    """The notebook in a student's folder, as (notebook, files, notes).

    `name` is the assignment's. `files` is {relative path: bytes} of what lies beside
    the notebook; `notes` are sentences on what is unusual. Raises Unreadable.
    """
    folder = Path(folder)
    try:
        if folder.is_symlink() or not folder.is_dir():
            raise Unreadable("There is no folder with a submission, only a link or file.")
        found, others = _look_around(folder)
    except OSError as error:
        raise Unreadable(f"The folder cannot be read: {error.strerror}.") from error
    notes = []
    expected = Path(f"{name}.ipynb")
    if expected in found:
        path = expected
    else:
        candidates = [path for path in found if path.suffix == ".ipynb"]
        candidates = [path for path in candidates if len(path.parts) == 1]
        if len(candidates) != 1:
            raise Unreadable(_why_no_notebook(expected, candidates, found, others))
        path = candidates[0]
        notes.append(f"The notebook is called {shown_name(path)}, not {expected.name}.")
    if found[path] > MAX_NOTEBOOK_MB * 2**20:
        size = found[path] / 2**20
        raise Unreadable(f"The notebook has {size:,.0f} MB; no honest one has.")
    notebook = _parse(_read(folder / path))
    if path != expected and not _ours(notebook, source):
        raise Unreadable(
            f"The only notebook, {shown_name(path)}, holds no cell of this assignment."
        )
    if others:
        name = shown_name(others[0])
        notes.append(f"Left out, because it is a link or no file: {name}.")
    files = {}
    for other, size in sorted(found.items()):
        if other.suffix == ".ipynb":
            continue
        total = size + sum(map(len, files.values()))
        if len(files) >= MAX_FILES or total > MAX_FILES_MB * 2**20:
            notes.append("There are too many or too big files beside the notebook.")
            break
        files[other.as_posix()] = _read(folder / other)
    return notebook, files, notes


def shown_name(path):
    """The name of a student's file as a sentence may hold it: no line ends, no codes
    that a terminal obeys, not too long."""
    name = Path(path).name
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return plain if len(plain) <= 80 else f"{plain[:60]}...{plain[-15:]}"


def _look_around(folder):
    """({relative path: size} of ordinary files, [names of everything else])."""
    found, others = {}, []
    for parent, folders, names in os.walk(folder, followlinks=False):
        for name in [*names, *folders]:
            path = Path(parent) / name
            kind = path.lstat()
            inside = path.relative_to(folder)
            if stat.S_ISREG(kind.st_mode):
                found[inside] = kind.st_size
            elif not stat.S_ISDIR(kind.st_mode):
                others.append(inside.as_posix())
        folders[:] = [name for name in folders if not name.startswith(".")]
        if len(found) > 10 * MAX_FILES:
            raise Unreadable("The folder holds thousands of files.")
    return found, others


def _why_no_notebook(expected, candidates, found, others):
    if expected.name in others:
        return f"{expected.name} is a link or no file: ask for the file itself."
    if candidates:
        return f"There are several notebooks, and none is called {expected.name}."
    archives = [p for p in found if p.suffix in (".zip", ".gz", ".7z", ".rar")]
    if archives:
        return (
            f"There is an archive, {shown_name(archives[0])}, and no notebook: unpack it, "
            "look at what it holds, and grade again."
        )
    return f"There is no notebook {expected.name}."


def _read(path):
    """The content of an ordinary file, even if it was swapped for a link meanwhile."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)
    flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(path, flags), "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError as error:
        raise Unreadable(f"{shown_name(path)} cannot be read: {error.strerror}.") from error


def _parse(content):
    """A notebook node, valid and of format 4."""
    if not content.strip():
        raise Unreadable("The notebook is an empty file.")
    if content[:2] == b"PK":
        raise Unreadable("The notebook is a zip archive with another name.")
    try:
        raw = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(
            "The notebook file is damaged, perhaps cut off: it is not valid JSON."
        ) from error
    try:
        if raw["nbformat"] in (1, 2, 3):
            raise Unreadable(
                f"The notebook has the old format {raw['nbformat']}: save it in today's Jupyter."
            )
        if raw["nbformat"] != 4:
            raise ValueError("unknown format")
        if len(raw["cells"]) > MAX_CELLS:
            raise Unreadable(f"The notebook has {len(raw['cells']):,} cells; no honest one has.")
        cells = [_cell(*numbered) for numbered in enumerate(raw["cells"])]
        notebook = new_notebook(cells=cells)
        nbformat.validate(notebook)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable("The file is JSON, but not a notebook of a known format.") from error
    return notebook


def _cell(number, raw):
    """A cell of a submission, with what is looked at later and nothing else."""
    source = raw["source"]
    source = "".join(source) if isinstance(source, list) else source
    # Some characters no file can hold; they would stop what is written later.
    source = source.encode("utf-8", "replace").decode("utf-8")
    kinds = {
        "code": new_code_cell,
        "markdown": new_markdown_cell,
        "raw": new_raw_cell,
    }
    cell = kinds[raw["cell_type"]](source, id=f"cell-{number}")
    name = grade_id(raw)
    if name is not None:
        cell.metadata["nbgrader"] = {"grade_id": name}
    pictures = raw.get("attachments", {}) if cell.cell_type != "code" else {}
    for file, forms in pictures.items():
        cell.setdefault("attachments", {})[file] = {
            form: forms[form]
            for form in ("image/png", "image/jpeg")
            if isinstance(forms.get(form), str)
        }
    return cell


def _ours(notebook, source):
    known = set(source.graded) | {name for names in source.answers.values() for name in names}
    return any(grade_id(cell) in known for cell in notebook.cells)


# --- what runs when -------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """Run a cell of the student (`cell` is its place), or judge a test (`test`)."""

    cell: int | None = None
    text: str = ""
    test: str | None = None


def _places(notebook):
    """{grade_id: places of the cells that bear it} in a submission."""
    places = {}
    for place, cell in enumerate(notebook.cells):
        name = grade_id(cell)
        if name is not None:
            places.setdefault(name, []).append(place)
    return places


def tests_after(source, notebook):
    """{place of a cell of the submission, or -1: names of the tests that follow it}.

    A test comes where the student's copy has it, if all answers that come before it
    in the source come before it there too; otherwise after the last of these; and
    at the end if the answer is gone.
    """
    places = _places(notebook)
    found = {}
    for name, graded in source.graded.items():
        if graded.by_hand:
            continue
        own = source.answers[name]
        answers = [place for answer in own for place in places.get(answer, ())]
        last = max(answers, default=-1)
        later = [place for place in places.get(name, ()) if place > last]
        if later:
            after = later[0]
        elif answers and own[-1] in places:
            after = last
        else:
            after = len(notebook.cells) - 1
        found.setdefault(after, []).append(name)
    return found


def plan(source, notebook):
    """The Steps for a submission: its own cells in its order, and the source's tests."""
    after = tests_after(source, notebook)
    places = _places(notebook)
    missing = [name for name in source.given if name not in places]
    for name in missing:  # given cells that are gone come first
        yield Step(cell=-1, text=source.given[name])
    for test in after.get(-1, ()):
        yield Step(test=test)
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            name = grade_id(cell)
            graded = source.graded.get(name)
            if graded is None or graded.by_hand:
                text = source.given.get(name, cell.source)
                if text.strip():
                    yield Step(cell=place, text=text)
        for test in after.get(place, ()):
            yield Step(test=test)


_DEFINITION = re.compile(r"^[ \t]*(?:async\s+)?def\s", re.MULTILINE)


def function_texts(text):
    """{name: text} of the functions that a cell defines, at its top level or deeper."""
    if len(text) > MAX_PARSED or not _DEFINITION.search(text):
        return {}
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found = {}
    lines = text.splitlines(keepends=True)
    for node in [*ast.walk(tree), *tree.body]:  # the last of a name counts
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            text = "".join(lines[first - 1 : node.end_lineno])
            found[node.name] = textwrap.dedent(text)
    return found
