"""The editor of labels in a real JupyterLab: what one decides is a table, and no more."""

import csv
import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
from browser import lab_server, note_errors, serious
from refresh_notebooks import KERNELSPEC

from helpers import plots
from helpers.explorers.editor import COLUMNS, Edits, editor
from helpers.files import CourseError

NAMES = ["人", "口", "日", "羊"]
LABELS = ["人", "口", "日", "羊", "人"]
READINGS = ["口", "日", "日", "人", "羊"]
FILES = [f"Train/{label}/{k}.png" for k, label in enumerate(LABELS)]

SHOW = f"""import numpy as np
from helpers.explorers.editor import editor

X = np.full((5, 80, 60, 1), 255, np.uint8)
for k in range(5):
    X[k, 10 * k : 10 * k + 20, 20:40] = 0
edits = editor(X, files={FILES}, labels={LABELS}, readings={READINGS}, names={NAMES})"""


def images():
    X = np.full((5, 80, 60, 1), 255, np.uint8)
    for k in range(5):
        X[k, 10 * k : 10 * k + 20, 20:40] = 0
    return X


# --- In a browser ----------------------------------------------------------------


class Editor:
    """The editor on a page, worked with as a person does."""

    def __init__(self, page, data):
        self.page, self.data = page, data
        self.card = page.locator(".cve")
        self.file = data / "edits" / "labels.csv"

    def button(self, name):
        return self.card.get_by_role("button", name=name, exact=True)

    def settle(self):
        self.page.wait_for_function(
            "document.querySelector('.cve').dataset.waiting === 'false'",
        )

    def press(self, name):
        self.button(name).click()
        self.settle()

    def now(self):
        return int(self.card.get_attribute("data-image"))

    def rows(self):
        """[(file, decision, new label), ...] of the CSV file."""
        if not self.file.is_file():
            return []
        with self.file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return [(row["file"], row["decision"], row["new_label"]) for row in rows]

    def go(self, image):
        self.card.locator(".cve-one").nth(image).click()

    def start_over(self):
        """Take every decision back."""
        for image in range(len(LABELS)):
            self.go(image)
            self.press("Take back")
        self.go(0)
        assert self.rows() == []


@pytest.fixture(scope="module")
def lab(browser, simulated, tmp_path_factory):
    """An Editor in JupyterLab, after its cell has run."""
    folder = tmp_path_factory.mktemp("lab")
    data = tmp_path_factory.mktemp("data")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SHOW)])
    notebook.metadata.kernelspec = KERNELSPEC  # else JupyterLab asks for one
    nbformat.write(notebook, folder / "editor.ipynb")
    faults = []
    with lab_server(folder, simulated | {"COURSE_DATA": str(data)}) as address:
        home = address("").partition("/lab")[0]
        window = browser.new_context(viewport={"width": 1280, "height": 900})
        page = window.new_page()
        page.set_default_timeout(20_000)  # ms
        note_errors(page, faults)
        page.on(
            "request",
            lambda request: (
                request.url.startswith((home, "data:", "blob:"))
                or faults.append(f"asked for {request.url}")
            ),
        )
        page.goto(address("editor.ipynb"))
        page.get_by_text("| Idle").wait_for(timeout=60_000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.locator(".cve").wait_for(timeout=60_000)
        page.get_by_text("| Idle").wait_for(timeout=60_000)
        yield Editor(page, data)
        window.close()
    assert not faults, faults


def test_three_decisions_are_three_rows(lab):
    lab.start_over()
    lab.press("Keep")
    assert lab.now() == 1
    lab.press("Relabel as 日")
    lab.press("Delete")
    assert lab.now() == 3
    lab.card.get_by_label("Other label").select_option("口")
    lab.settle()
    assert lab.rows() == [
        (FILES[0], "keep", ""),
        (FILES[1], "relabel", "日"),
        (FILES[2], "delete", ""),
        (FILES[3], "relabel", "口"),
    ]
    assert lab.card.get_attribute("data-decided") == "4"
    assert "not decided" in lab.card.get_by_role("status").inner_text()
    signs = lab.card.locator(".cve-sign").all_text_contents()
    assert signs == ["✓ 人", "→ 日", "✗ 日", "→ 口", "人"]


def test_a_later_decision_counts_and_can_be_taken_back(lab):
    lab.start_over()
    lab.press("Delete")
    lab.go(0)
    lab.press("Keep")
    assert lab.rows() == [(FILES[0], "keep", "")]
    lab.go(0)
    lab.press("Take back")
    assert lab.rows() == [] and lab.now() == 0


def test_what_reads_like_its_label_is_not_relabelled_so(lab):
    lab.go(2)
    assert not lab.card.locator(".cve-other").is_visible()
    lab.card.get_by_label("Other label").select_option("日")
    lab.settle()
    assert "has the label 日 already" in lab.card.get_by_role("alert").inner_text()
    lab.start_over()


def test_keys_alone(lab):
    lab.start_over()
    cells = lab.page.locator(".jp-Cell").count()
    keys = lab.page.keyboard
    lab.button("Keep").focus()
    for key in "kd":
        keys.press(key)
        lab.settle()
    assert lab.now() == 2
    keys.press("r")  # it reads like its label
    keys.press("ArrowRight")
    keys.press("r")
    lab.settle()
    wanted = [("keep", ""), ("delete", ""), ("relabel", "人")]
    assert [row[1:] for row in lab.rows()] == wanted
    keys.press("b")  # in JupyterLab, outside of the editor: insert a cell
    assert lab.page.locator(".jp-Cell").count() == cells
    lab.go(0)
    keys.press("z")
    lab.settle()
    assert [row[1:] for row in lab.rows()] == wanted[1:]
    lab.start_over()


def test_nothing_keeps_readers_out(lab):
    """Contrast, names and roles, inside JupyterLab's own style."""
    lab.press("Delete")
    assert serious(lab.page, ".cve") == []
    lab.start_over()


def test_it_shows_what_was_decided_before(lab):
    lab.start_over()
    lab.press("Delete")
    lab.page.get_by_role("menuitem", name="Run", exact=True).click()
    lab.page.get_by_text("Run All Cells", exact=True).click()
    lab.page.wait_for_function(
        "document.querySelector('.cve')?.dataset.decided === '1'"
        " && document.querySelector('.cve').dataset.image === '0'"
    )
    assert "delete" in lab.card.get_by_role("status").inner_text()
    lab.start_over()


# --- Without a browser -----------------------------------------------------------


@pytest.fixture
def edits(tmp_path):
    return Edits(images(), FILES, LABELS, NAMES, tmp_path / "labels.csv")


def test_the_table_has_the_order_of_the_images(edits):
    assert list(edits.table) == list(COLUMNS[:-1]) and len(edits.table) == 0
    edits.decide(FILES[3], "relabel", "口")
    edits.decide(FILES[1], "delete")
    edits.decide(FILES[3], "keep")
    assert edits.table.to_numpy().tolist() == [
        [FILES[1], "口", "delete", ""],
        [FILES[3], "羊", "keep", ""],
    ]
    edits.decide(FILES[1], None)
    assert list(edits.table["file"]) == [FILES[3]]
    assert repr(edits) == "<Edits: 1 of 5 images decided>"


def test_another_image_under_the_same_name_is_not_decided(edits):
    """As after the handwriting has been drawn again; the old decision stays in the file."""
    edits.decide(FILES[0], "delete")
    other = Edits(255 - images(), FILES, LABELS, NAMES, edits.path)
    assert len(other.table) == 0
    other.decide(FILES[0], "keep")
    assert list(edits.table["decision"]) == ["delete"]
    assert list(other.table["decision"]) == ["keep"]


@pytest.mark.parametrize(
    ("decision", "complaint"),
    [
        (("Train/x.png", "keep"), "not one of the images"),
        ((FILES[0], "burn"), "Decide keep, delete, relabel"),
        ((FILES[0], "relabel"), "A new label"),
        ((FILES[0], "relabel", "馬"), "A new label"),
        ((FILES[0], "keep", "口"), "A new label"),
        ((FILES[0], "relabel", "人"), "already"),
    ],
)
def test_decisions_that_make_no_sense(edits, decision, complaint):
    with pytest.raises(CourseError, match=complaint):
        edits.decide(*decision)
    assert not edits.path.exists()


def test_a_file_of_another_kind_is_left_alone(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(CourseError, match="not a table of decisions"):
        Edits(images(), FILES, LABELS, NAMES, path)
    assert path.read_text(encoding="utf-8") == "a,b\n1,2\n"


def test_a_picture_stands_where_no_editor_can(monkeypatch, tmp_path):
    plots.use_style()
    shown = []
    monkeypatch.setattr(plots, "ipython", lambda: "as in a notebook")
    monkeypatch.setattr(
        "IPython.display.display",
        lambda data, raw, metadata: shown.append((data, metadata)),
    )
    given = {"files": FILES, "labels": LABELS, "readings": READINGS, "names": NAMES}
    path = tmp_path / "labels.csv"
    edits = editor(images(), **given, path=path)
    (data, metadata), *_ = shown
    assert "model_id" in data["application/vnd.jupyter.widget-view+json"]
    assert "5 of 5 images" in metadata["image/png"]["alt"]
    assert len(edits.table) == 0 and not path.exists()

    for change, complaint in (
        ({"labels": LABELS[:4]}, "5 images, but 4 labels"),
        ({"names": NAMES[:3]}, "lack 羊"),
        ({"files": [FILES[0]] * 5}, "named twice"),
    ):
        with pytest.raises(CourseError, match=complaint):
            editor(images(), **given | change, path=path)
    with pytest.raises(CourseError, match=re.escape("(n, height, width, 1)")):
        editor(images()[..., 0], **given, path=path)


def test_no_scan_is_touched(edits):
    """Decisions write one file, and nothing else beside it."""
    edits.decide(FILES[0], "delete")
    assert [path.name for path in edits.path.parent.iterdir()] == ["labels.csv"]
    shutil.rmtree(edits.path.parent)
    assert isinstance(edits.path, Path) and len(edits.table) == 0
