"""Reads sources and submissions, and decides what runs when.

A submission is not believed in anything but its answers: test cells, given cells and
points are the source's, whatever the student's copy says, and wherever it has them.
"""

import ast
import hashlib
import json
import re
import textwrap
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from helpers.files import CourseError
from helpers.teaching.grading.nbgrader_steps import FOLDER, student_version
from helpers.teaching.grading.outputs import NO_BASE64
from helpers.teaching.grading.reading import Unreadable, look_around, read, shown_name

MAX_NOTEBOOK_MB = 200
"""Most of a large one are stored outputs, which are thrown away."""

MAX_VALUES = 5_000_000
"""Lists, dictionaries and commas in a notebook's JSON: Python wants 100 bytes for each."""

MAX_CELLS = 2000
MAX_WRITTEN = 5_000_000
"""Characters of all cells."""

MAX_ATTACHED = 20_000_000
"""Characters of all pictures that were pasted into texts."""

MAX_PARSED = 200_000
"""Characters of a cell that is looked into: Python wants 600 bytes for each of them."""

MAX_FILES_MB = 50
MAX_FILES = 5000
MAX_OTHER_NOTEBOOKS = 5

BEGIN_HIDDEN, END_HIDDEN = "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"

LIMITS = {
    "cell_seconds": 60,
    "call_seconds": 10,
    "total_seconds": 900,
    "memory_mb": 4000,
}
"""What a submission may use, unless the source's metadata ("grading") says otherwise."""


@dataclass(frozen=True)
class Graded:
    """A graded cell of the source."""

    name: str
    points: float
    by_hand: bool
    text: str


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
    kinds: dict = field(default_factory=dict)
    """{grade_id: "code" or "markdown"}"""
    course: Path = FOLDER
    """The folder whose nbgrader_config.py counts."""

    @property
    def points(self):
        return sum(cell.points for cell in self.graded.values())

    @cached_property
    def blank(self):
        """The notebook that students get; made once, with nbgrader."""
        return student_version(self.notebook, self.course)

    @cached_property
    def handed_out(self):
        """{grade_id: text} of what students get."""
        return {grade_id(cell): cell.source for cell in self.blank.cells}

    @cached_property
    def names(self):
        """{grade_id: the exercise, as people call it}: its heading, numbered if shared."""
        return _names(self)

    @cached_property
    def defines(self):
        """{name: [grade_ids of the answers whose solution defines it]}"""
        found = {}
        for cell in self.notebook.cells:
            if mark(cell).get("solution") and cell.cell_type == "code":
                for name in _defined(cell.source):
                    found.setdefault(name, []).append(grade_id(cell))
        return found

    @cached_property
    def library(self):
        """(code, names): the functions of given cells, with what these cells import."""
        texts, names = [], set()
        for text in self.given.values():
            for node in _body(text):
                if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef)):
                    texts.append(ast.unparse(node))
                    names |= {node.name} if isinstance(node, ast.FunctionDef) else set()
        return "\n".join(texts), frozenset(names)

    def prepare(self):
        """Make what is made once, before several threads ask for it."""
        return self.handed_out, self.names, self.defines, self.library

    def untouched(self, name, text):
        """Is this the text of the cell as it was handed out, or none at all?"""
        return text.strip() in ("", self.handed_out.get(name, "").strip())


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
    source = Source(notebook, course=Path(course or FOLDER))
    limits = notebook.metadata.get("grading", {})
    for name in set(limits) - set(LIMITS):
        raise CourseError(
            f"The source's metadata sets {name!r}, which is no limit: there are "
            f"{', '.join(LIMITS)}."
        )
    source.limits.update(LIMITS, **limits)
    answers = []
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
        source.kinds[name] = cell.cell_type
        if about.get("grade") or about.get("task"):
            by_hand = about.get("solution") or about.get("task")
            by_hand = bool(by_hand) or cell.cell_type != "code"
            points = float(about.get("points", 0))
            source.graded[name] = Graded(name, points, by_hand, cell.source)
            source.answers[name] = tuple(answers)
        elif about.get("locked") and not about.get("solution"):
            source.given[name] = cell.source
        if about.get("solution"):
            answers.append(name)
    if not source.graded:
        raise CourseError("The source has no graded cell.")
    modules = dict.fromkeys(_modules(notebook))
    return Source(**{**vars(source), "modules": tuple(modules)})


_one_at_a_time = threading.RLock()


def parsed(text):
    """The syntax tree of a cell, or None: it is no Python, or too long to be parsed.

    One thread after the other: where two parse at once, some Python 3.11 and 3.12 end with
    "SystemError: AST constructor recursion depth mismatch".
    """
    if len(text) > MAX_PARSED:
        return None
    try:
        with _one_at_a_time:
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _body(text):
    """The statements of a cell; none if it has magics."""
    tree = parsed(text)
    return tree.body if tree else []


def _defined(text):
    """The names that a cell defines at its top level."""
    for node in _body(text):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        else:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id


def _names(source):
    """{grade_id: heading} of all cells with a grade_id. A test is called by its first line,
    `# Test: ...`, too; without that, tests that share a heading are numbered."""
    found, heading, tests = {}, "", {}
    for cell in source.notebook.cells:
        name = grade_id(cell)
        if cell.cell_type == "markdown" and name is None:
            headings = re.findall(r"^#{1,6}\s+(.+)", cell.source, re.MULTILINE)
            if headings:
                heading = re.sub(r"\s*\(\d+ points?\)$", "", headings[-1])
        elif name is not None:
            found[name] = heading or "the beginning"
            test = re.match(r"# Test: (.+)", cell.source)
            if name in source.graded and test:
                colon = "" if found[name].endswith("?") else ":"
                found[name] = f"{found[name]}{colon} {test[1].strip()}"
            elif name in source.graded:
                tests.setdefault(found[name], []).append(name)
    for heading, sharing in tests.items():
        for number, name in enumerate(sharing, 1):
            if len(sharing) > 1:
                found[name] = f"{heading}, part {number} of {len(sharing)}"
    return found


def _modules(notebook):
    """The modules that the notebook's cells import.

    Of `from helpers import plots` both, `helpers` and `helpers.plots`: what is no
    module cannot be imported, and the zygote takes no notice.
    """
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        tree = parsed(cell.source)
        for node in ast.walk(tree) if tree else ():  # none: magics; nothing depends on it
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


@dataclass(frozen=True)
class Submission:
    """What a student has handed in, read and parsed once."""

    notebook: nbformat.NotebookNode
    files: dict
    """{relative path: bytes} of what lies beside the notebook."""
    notes: list
    """Sentences on what is unusual and costs nothing."""
    doubts: list
    """Sentences on why a person must look before anything counts."""
    python: str = ""
    """The version that the student used, such as "3.13.1", if the notebook says so."""

    @property
    def digest(self):
        """SHA-256 of what is graded, as hexadecimal digits."""
        found = hashlib.sha256(json.dumps(self.notebook, sort_keys=True).encode())
        for name, content in sorted(self.files.items()):
            for part in (name.encode("utf-8", "surrogateescape"), content):
                found.update(len(part).to_bytes(8, "little") + part)
        return found.hexdigest()


def read_submission(folder, name, source):
    """The Submission in a student's folder; `name` is the assignment's.

    Raises Unreadable.
    """
    folder = Path(folder)
    found, others = look_around(folder)
    path, notes = _choose(found, others, name)
    most = MAX_NOTEBOOK_MB * 2**20
    notebook, python, turned = _parse(read(folder, path, most), source)
    if notes and not _answers(notebook, source):
        raise Unreadable(
            f"The only notebook, {shown_name(path)}, holds no cell of this assignment."
        )
    notes += turned
    if others:
        notes.append(f"Left out, because it is a link or no file: {shown_name(others[0])}.")
    doubts = _other_notebooks(folder, found, path, notebook, source)
    files, left_out = _files(folder, found)
    if left_out:
        doubts.append(
            f"{left_out} of {left_out + len(files)} files beside the notebook were left out: "
            f"no more than {MAX_FILES:,} are taken, of {MAX_FILES_MB} MB together."
        )
    return Submission(notebook, files, notes, doubts, python)


def _choose(found, others, name):
    """(path of the notebook that counts, [a note if its name is another])."""
    expected = PurePosixPath(f"{name}.ipynb")
    if expected in found:
        return expected, []
    candidates = [p for p in found if len(p.parts) == 1 and p.suffix.lower() == ".ipynb"]
    if len(candidates) != 1:
        raise Unreadable(_why_no_notebook(expected, candidates, found, others))
    name = shown_name(candidates[0])
    return candidates[0], [f"The notebook is called {name}, not {expected.name}."]


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
    reason = f"There is no notebook {expected.name}"
    for path in sorted(found, key=lambda path: (len(path.parts), path)):
        what = None
        if path.name.lower().startswith(f"{expected.name.lower()}."):
            what = f"rename it to {expected.name}, and grade again"
        elif path.suffix.lower() == ".html":
            what = "a page for reading: ask for the notebook itself"
        elif path.suffix.lower() == ".ipynb" and path.parts[0].startswith("."):
            what = "an older state that Jupyter keeps: ask for the notebook itself"
        elif path.suffix.lower() == ".ipynb":
            what = "move it up into the folder of the assignment, and grade again"
        if what:
            return f"{reason}, but {shown_name(path)}: {what}."
    return f"{reason}."


def _other_notebooks(folder, found, chosen, notebook, source):
    """Sentences on further notebooks that hold other answers, as copies do."""
    others = [
        path
        for path in sorted(found)
        if path.suffix.lower() == ".ipynb" and path != chosen and not path.parts[0].startswith(".")
    ]
    if len(others) > MAX_OTHER_NOTEBOOKS:
        return [f"There are {len(others)} more notebooks: ask which one counts."]
    ours, doubts = _answers(notebook, source), []
    for path in others:
        try:
            theirs, _, _ = _parse(read(folder, path, MAX_NOTEBOOK_MB * 2**20), source)
        except Unreadable:
            continue
        more = {
            name
            for name, texts in _answers(theirs, source).items()
            if any(not source.untouched(name, text) for text in texts - ours.get(name, set()))
        }
        if more:
            doubts.append(
                f"There is also {shown_name(path)}, which holds other answers: ask which one "
                "counts, and leave that one alone in the folder."
            )
    return doubts


def _answers(notebook, source):
    """{grade_id: {texts}} of the cells that a student was to fill in."""
    wanted = {name for names in source.answers.values() for name in names}
    wanted |= {name for name, graded in source.graded.items() if graded.by_hand}
    wanted |= set(source.graded)
    found = {}
    for cell in notebook.cells:
        name = grade_id(cell)
        if name in wanted:
            texts = found.setdefault(name, set())
            if name not in source.graded or source.graded[name].by_hand:
                texts.add(cell.source.strip())
    return found


def _files(folder, found):
    """({relative path: bytes}, how many were left out) of what is no notebook."""
    files, left_out, room = {}, 0, MAX_FILES_MB * 2**20
    for path, size in sorted(found.items()):
        if path.suffix.lower() == ".ipynb" or path.parts[0].startswith(".ipynb_"):
            continue
        if len(files) >= MAX_FILES or size > room:
            left_out += 1
            continue
        files[path.as_posix()] = read(folder, path, room)
        room -= len(files[path.as_posix()])
    return files, left_out


def _parse(content, source):
    """(notebook node of format 4, the student's version of Python or "", notes)."""
    if not content.strip():
        raise Unreadable("The notebook is an empty file.")
    if content[:2] == b"PK":
        raise Unreadable("The notebook is a zip archive with another name.")
    if sum(map(content.count, (b"[", b"{", b","))) > MAX_VALUES:
        raise Unreadable(
            f"The notebook has {len(content) / 2**20:,.0f} MB, of stored outputs perhaps: let "
            "its author choose Clear Outputs of All Cells, save, and hand in again."
        )
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
            raise Unreadable(
                f"The notebook has {len(raw['cells']):,} cells; {MAX_CELLS:,} are taken."
            )
        cells = [_cell(*numbered) for numbered in enumerate(raw["cells"])]
        notes = _turn_back(cells, source)
        notebook = new_notebook(cells=cells)
        nbformat.validate(notebook)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable("The file is JSON, but not a notebook of a known format.") from error
    pictures = sum(
        len(data)
        for cell in notebook.cells
        for forms in cell.get("attachments", {}).values()
        for data in forms.values()
    )
    if pictures > MAX_ATTACHED:
        raise Unreadable(
            f"Pictures of {pictures / 2**20:,.0f} MB are pasted into texts: let its author make "
            "them smaller, and hand in again."
        )
    written = sum(len(cell.source) for cell in notebook.cells)
    if written > MAX_WRITTEN:
        raise Unreadable(f"The cells have {written:,} characters; {MAX_WRITTEN:,} are taken.")
    return notebook, _python(raw), notes


def _python(raw):
    """The version of Python that a notebook names, "" if it names none."""
    try:
        version = raw["metadata"]["language_info"]["version"]
        return version if re.fullmatch(r"\d{1,2}\.\d{1,3}(\.\d{1,3})?", version) else ""
    except (KeyError, TypeError):
        return ""


def _cell(number, raw):
    """A cell of a submission, with what is looked at later and nothing else."""
    source = raw["source"]
    source = "".join(source) if isinstance(source, list) else source
    # Some characters no file can hold; they would stop what is written later.
    source = source.encode("utf-8", "replace").decode("utf-8")
    cell = _new_cell(raw["cell_type"], source, number)
    name = grade_id(raw)
    if name is not None:
        cell.metadata["nbgrader"] = {"grade_id": name}
    pictures = raw.get("attachments", {}) if cell.cell_type != "code" else {}
    for file, forms in pictures.items():
        cell.setdefault("attachments", {})[file] = {
            form: NO_BASE64.sub("", forms[form])
            for form in ("image/png", "image/jpeg")
            if isinstance(forms.get(form), str)
        }
    return cell


def _new_cell(kind, source, number):
    kinds = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
    return kinds[kind](source, id=f"cell-{number}")


def _turn_back(cells, source):
    """Give cells of the source their type again, as nbgrader does: the keys M, R and Y
    change it. Changes `cells`; returns notes."""
    right = {grade_id(cell) for cell in cells if cell.cell_type == source.kinds.get(grade_id(cell))}
    notes = []
    for number, cell in enumerate(cells):
        name = grade_id(cell)
        wanted = source.kinds.get(name)
        test = name in source.graded and not source.graded[name].by_hand
        if wanted is None or test or name in right:
            continue
        turned = _new_cell(wanted, cell.source, number)
        turned.metadata = cell.metadata
        if wanted != "code" and cell.get("attachments"):
            turned["attachments"] = cell.attachments
        cells[number] = turned
        notes.append(
            f"A cell of {source.names[name]!r} had been turned into {cell.cell_type}: it counts "
            f"as {wanted}, as it was handed out."
        )
    return notes


# --- what runs when -------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """Run a cell of the student (`cell` is its place), or judge a test (`test`)."""

    cell: int | None = None
    text: str = ""
    test: str | None = None


def places_of(notebook):
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
    places = places_of(notebook)
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
    places = places_of(notebook)
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


def function_places(text):
    """{name: (text, first line, last line)} of the functions that a cell defines, at its
    top level or deeper; `function_text` cuts one out. Nothing is copied here: functions in
    functions in functions would fill the memory."""
    tree = parsed(text) if _DEFINITION.search(text) else None
    if tree is None:
        return {}
    found = {}
    for node in [*ast.walk(tree), *tree.body]:  # the last of a name counts
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found[node.name] = text, first, node.end_lineno
    return found


def line_of_mistake(text):
    """The number of the line that Python cannot read, None if there is none."""
    if len(text) > MAX_PARSED:
        return None
    try:
        with _one_at_a_time:
            ast.parse(text)
    except SyntaxError as error:
        return error.lineno
    except (ValueError, RecursionError, MemoryError):
        pass
    return None


def function_text(place):
    """The text of one function that `function_places` has found."""
    text, first, last = place
    return textwrap.dedent("".join(text.splitlines(keepends=True)[first - 1 : last]))
