"""What holds for every notebook of the course: rules, tried by test_notebook_rules.py.

A rule is a function that takes a notebook and its path below notebooks/, and
returns its complaints as a list of sentences.
"""

import ast
import itertools
import re
from pathlib import PurePosixPath

import nbformat
from refresh_notebooks import START_PAGE, normal_form

MAX_LINES, MAX_COLUMNS = 16, 80  # what fits on a slide
MAX_BYTES = 1_500_000

SECTIONS = [
    "What you will be able to do",
    "What you need",
    "Exercises",
    "Summary",
    "Glossary",
    "References",
    "Versions",
]
"""Second-level headings that every lecture notebook has, in this order."""

EXACT = {
    "02": {52_675},
    "04": {
        *(61_706, 2_416, 48_120, 10_164, 44_426, 86_950),
        *(62_378_344, 3_747_200, 58_631_144, 138_357_544, 123_642_856),
    },
    "06": {264_055, 88_375, 4_640, 18_496, 61_504, 3_575},
    "09": {4_694_024, 3_413_024, 1_281_000, 4_253_864, 138_357_544},
    "10": {14_135, 134_144},
    "11": {163_696, 387_296, 383_232, 379_904},
}
"""Figures by notebook that a cell must compute and that no prose may type."""

MACHINE_PATH = re.compile(r"/(?:home|root|tmp|work|Users)/|[A-Za-z]:\\+Users")
ADDRESS = re.compile(r"https?://\S+")
IMAGE_TYPES = ("image/png", "image/jpeg", "image/svg+xml", "image/gif")

FORBIDDEN = {
    r";\s*$": "ends a line with a semicolon: write `_ = ...` to hide a result",
    r"\bpip install\b": "installs packages: requirements.txt does that",
    r"^\s*%cd\b|\bos\.chdir\b": "changes the working directory",
    r"\bsys\.path\b": "changes sys.path: helpers is installed",
    r"\bNBVAL_": "steers nbval by a comment: use a tag, where readers look",
}
"""Patterns that no line of code may match, and what is wrong with them."""

# --- Reading a notebook ---------------------------------------------------------


def code_cells(notebook):
    """(number, cell) of each code cell that is not empty."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip():
            yield number, cell


def prose(notebook):
    """The text of all Markdown cells, without fenced code."""
    cells = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    fenced = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
    return fenced.sub("", "\n\n".join(cells))


def headings(notebook):
    """(level, title) of each heading."""
    found = re.findall(r"^(#{1,6}) +(.+?) *$", prose(notebook), re.MULTILINE)
    return [(len(marks), title) for marks, title in found]


def tags(cell):
    return cell.metadata.get("tags", [])


def output_texts(cell):
    """Every text that a cell has printed or displayed, pictures left out."""
    for output in cell.get("outputs", []):
        for kind, value in output.get("data", {}).items():
            if kind not in IMAGE_TYPES:
                yield str(value)
        yield output.get("text", "")
        yield from output.get("traceback", [])


def figures_in(text):
    """The whole numbers in a text, thousands separators removed: {264055, ...}."""
    plain = re.sub(r"(?<=\d)[,_\u00a0\u202f](?=\d{3}(?!\d))", "", text)
    return {int(digits) for digits in re.findall(r"(?<![\d.])\d+", plain)}


def is_lecture(path):
    """Whether a path below notebooks/ is a lecture: solutions are in a folder."""
    return len(PurePosixPath(path).parts) == 1 and path != START_PAGE


# --- The rules ------------------------------------------------------------------


def rule_valid(notebook, path):
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        return ["the notebook format is not 4.5"]
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) < len(ids):
        return ["cell ids are missing or not unique"]
    try:
        nbformat.validate(nbformat.from_dict(notebook))
    except nbformat.ValidationError as error:
        return [f"not a valid notebook: {error.message}"]
    return []


def rule_executed_in_order(notebook, path):
    return [
        f"cell {number} has execution count {cell.execution_count}, not {expected}"
        for expected, (number, cell) in enumerate(code_cells(notebook), start=1)
        if cell.execution_count != expected
    ]


def rule_no_errors(notebook, path):
    for number, cell in code_cells(notebook):
        for output in cell.outputs:
            expected = "raises-exception" in tags(cell)
            if output.output_type == "error" and not expected:
                yield f"cell {number} stores an error"
            if output.get("name") == "stderr":
                yield f"cell {number} stores standard error"


def rule_no_machine_path(notebook, path):
    for number, cell in enumerate(notebook.cells):
        texts = [ADDRESS.sub("", cell.source), *output_texts(cell)]
        for found in map(MACHINE_PATH.search, texts):
            if found:
                yield f"cell {number} has a path of one machine: {found[0]}"


def rule_simulated_data(notebook, path):
    for number, cell in code_cells(notebook):
        if any("Data: real" in text for text in output_texts(cell)):
            yield f"cell {number} stores outputs on real scans, which are not ours"


def rule_alt_text(notebook, path):
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            for kind in set(IMAGE_TYPES) & set(output.get("data", {})):
                if not output.metadata.get(kind, {}).get("alt", "").strip():
                    yield f"cell {number} has a figure without alt text"
        written = [cell.source] if cell.cell_type == "markdown" else []
        for text in [*written, *output_texts(cell)]:
            if re.search(r"!\[\s*\]\(", text):
                yield f"cell {number} has a Markdown image without alt text"
            for image in re.findall(r"<img\b[^>]*>", text):
                if not re.search(r"""\balt=["'][^"']+["']""", image):
                    yield f"cell {number} has an <img> without alt text"


def rule_fits_a_slide(notebook, path):
    for number, cell in code_cells(notebook):
        lines = cell.source.splitlines()
        if "long" in tags(cell):
            continue
        if len(lines) > MAX_LINES:
            yield f"cell {number} has {len(lines)} lines, more than {MAX_LINES}"
        if max(map(len, lines)) > MAX_COLUMNS:
            yield f"cell {number} has a line longer than {MAX_COLUMNS} columns"


def rule_headings(notebook, path):
    found = headings(notebook)
    titles = [title for level, title in found if level == 1]
    if not notebook.cells[0].source.startswith("# ") or len(titles) != 1:
        yield "the first cell must start with the title, the only '# ' heading"
    for (above, _), (level, title) in itertools.pairwise(found):
        if level > above + 1:
            yield f"the heading {title!r} jumps from level {above} to {level}"


def rule_sections(notebook, path):
    if not is_lecture(path):
        return
    seconds = [title for level, title in headings(notebook) if level == 2]
    if [title for title in seconds if title in SECTIONS] != SECTIONS:
        yield f"the '## ' headings lack, or have in another order: {SECTIONS}"
    if "minutes" not in notebook.cells[0].source:
        yield "the title cell does not say how many minutes the notebook takes"


def rule_exercises_have_hints(notebook, path):
    if not is_lecture(path):
        return
    exercises = re.findall(
        r"^#{2,4} (Exercise \d+)(.*?)(?=^#{1,4} |\Z)",
        prose(notebook),
        re.MULTILINE | re.DOTALL,
    )
    if not exercises:
        yield "no heading 'Exercise 1: ...' was found"
    for name, text in exercises:
        if not re.search(r"<details>.*<summary>.*</details>", text, re.DOTALL):
            yield f"{name} has no hint folded away in <details> with a <summary>"


def rule_no_typed_figures(notebook, path):
    exact = set().union(*EXACT.values())
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and "reference" not in tags(cell):
            for figure in sorted(exact & figures_in(cell.source)):
                yield f"cell {number} types {figure:,}, which a cell must compute"


def rule_exact_figures_are_printed(notebook, path):
    expected = EXACT.get(path[:2], set())
    printed = set()
    for _, cell in code_cells(notebook):
        printed |= figures_in("\n".join(output_texts(cell)))
    return [f"no cell prints {figure:,}" for figure in sorted(expected - printed)]


def rule_small_file(notebook, path):
    size = len(normal_form(notebook).encode())
    if size > MAX_BYTES:
        yield f"{size / 1e6:.1f} MB, more than {MAX_BYTES / 1e6} MB"


def rule_plain_code(notebook, path):
    for number, cell in code_cells(notebook):
        for pattern, complaint in FORBIDDEN.items():
            if re.search(pattern, cell.source, re.MULTILINE):
                yield f"cell {number} {complaint}"


def rule_every_cell_runs(notebook, path):
    return [
        f"cell {number} is tagged nbval-skip: every cell must run"
        for number, cell in code_cells(notebook)
        if "nbval-skip" in tags(cell)
    ]


def rule_no_notes(notebook, path):
    """Students would read them: JupyterLab unfolds notes for good when all cells are run."""
    for number, cell in enumerate(notebook.cells):
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind == "notes" or cell.source.startswith("**Lecturer"):
            yield f"cell {number} is a note: it belongs into notebooks/lecturer"


def rule_links(notebook, path):
    lines = [number for number, cell in enumerate(notebook.cells) if "links" in tags(cell)]
    if path != START_PAGE and (len(lines) != 2 or lines[0] != 1):
        yield "it lacks the links to other notebooks below the title and at the end"
    for number in lines:
        if START_PAGE not in notebook.cells[number].source:
            yield f"cell {number} does not lead back to the start page"


def rule_folded_code(notebook, path):
    """JupyterLab reads one mark, hand-outs the other."""
    for number, cell in enumerate(notebook.cells):
        folded = "hide-input" in tags(cell)
        if folded != cell.metadata.get("jupyter", {}).get("source_hidden", False):
            yield f"cell {number} is folded in JupyterLab or in hand-outs alone"
        drawn = [o for o in cell.get("outputs", []) if set(IMAGE_TYPES) & set(o.get("data", {}))]
        if folded and not drawn:
            yield f"cell {number} hides its code, and shows no figure"


class _Twice(ast.NodeVisitor):
    """Collects in `spoilt` what a cell takes from an earlier cell and does not leave as it was."""

    USE_UP = {"append", "cleanup", "close", "extend", "insert", "pop", "remove", "unlink"}
    """Methods after which an object is no longer what it was."""

    def __init__(self):
        self.taken, self.made, self.looped, self.spoilt = set(), set(), [], []
        self.bodies = {}  # of functions: what they take when they are called

    def visit_FunctionDef(self, node):
        own = {x.arg for x in ast.walk(node) if isinstance(x, ast.arg)} | self._stored(node)
        self.bodies[node.name] = self._names(node) - own
        self.made.add(node.name)

    visit_ClassDef = visit_FunctionDef

    def visit_Lambda(self, node):
        pass

    def visit_ListComp(self, node):
        self.taken |= self._names(node) - self._stored(node) - self.made

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    def visit_Import(self, node):
        self.made |= {(a.asname or a.name).partition(".")[0] for a in node.names}

    visit_ImportFrom = visit_Import

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Load):
            self.taken |= {node.id, *self.bodies.get(node.id, ())} - self.made
        else:
            if node.id in self.taken - self.made:
                self.spoilt.append(node.id)
            self.made.add(node.id)

    def visit_Assign(self, node):
        self.visit(node.value)
        for target in node.targets:
            base = self._base(target)
            itself = ast.unparse(target) in map(ast.unparse, ast.walk(node.value))
            if base not in self.made and (itself or base in itertools.chain(*self.looped)):
                self.spoilt.append(base)
            self.visit(target)

    def visit_AugAssign(self, node):
        self.visit(node.value)
        # What is united with the same things twice is as after the first time.
        base = self._base(node.target)
        if base not in self.made and not isinstance(node.op, ast.BitOr | ast.BitAnd):
            self.spoilt.append(base)

    def visit_For(self, node):
        self.looped.append(self._names(node.iter))
        for part in (node.iter, node.target, *node.body, *node.orelse):
            self.visit(part)
        self.looped.pop()

    def visit_Delete(self, node):
        self.spoilt += [b for b in map(self._base, node.targets) if b not in self.made]

    def visit_Call(self, node):
        method = getattr(node.func, "attr", None)
        if method in self.USE_UP and self._base(node.func) not in self.made:
            self.spoilt.append(self._base(node.func))
        self.generic_visit(node)

    @staticmethod
    def _names(node):
        return {x.id for x in ast.walk(node) if isinstance(x, ast.Name)}

    @staticmethod
    def _stored(node):
        names = (x for x in ast.walk(node) if isinstance(x, ast.Name))
        return {x.id for x in names if isinstance(x.ctx, ast.Store)}

    @staticmethod
    def _base(node):
        """The name whose attribute or element a target is, or that it is."""
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        return getattr(node, "id", None)


def rule_cells_run_twice(notebook, path):
    """A lecturer runs a cell again for a question: it must find what it found before."""
    for number, cell in code_cells(notebook):
        if cell.source.startswith("%%"):
            continue
        seen = _Twice()
        seen.visit(ast.parse(re.sub(r"^(\s*)[%!].*", r"\1pass", cell.source, flags=re.MULTILINE)))
        for name in dict.fromkeys(filter(None, seen.spoilt)):
            yield (
                f"cell {number} takes {name} from an earlier cell and changes it: run twice, it "
                "prints something else or fails"
            )


RULES = [rule for name, rule in list(globals().items()) if name[:5] == "rule_"]
