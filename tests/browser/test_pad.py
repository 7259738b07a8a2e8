"""The drawing pad in a real JupyterLab: what one writes is read, and safely kept.

The browser tests run the cells of notebook 07 that show the pad, with the networks of
notebook 06. They take them from the cache that the notebooks have filled under `run.py`,
else from the course's own cache, and are skipped where neither has them: training takes
minutes.
"""

import os
import re
import shutil
import signal
from pathlib import Path

import nbformat
import numpy as np
import pytest
from browser import lab_server, note_errors, serious
from PIL import Image
from refresh_notebooks import NOTEBOOKS
from support import skip_or_fail

from helpers import images, plots
from helpers.explorers import pad
from helpers.files import CourseError, cache_folder
from helpers.handwriting.strokes import CLASSES
from helpers.handwriting.writers import glyph

SOME = CLASSES[::2]
LEAST_READ = 0.8  # of the characters written here

KERNEL = """import os

print("kernel", os.getpid())"""

# --- In a browser ----------------------------------------------------------------


def pad_notebook():
    """The cells of notebook 07 that the pad needs, as a notebook of their own."""
    (path,) = NOTEBOOKS.glob("07*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    loads = next(n for n, cell in enumerate(code) if "= network(" in cell.source)
    shows = next(cell for cell in code if "= pad(" in cell.source)
    tell = nbformat.v4.new_code_cell(KERNEL)
    notebook.cells = [*code[: loads + 1], shows, tell]
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


@pytest.fixture(scope="module")
def environment(simulated, tmp_path_factory):
    """Data of the session; trained networks of the session or of the course."""
    saved = Path(simulated["COURSE_CACHE"]) / "models"
    if saved.is_dir():
        return simulated
    cache = tmp_path_factory.mktemp("cache")
    if not (cache_folder() / "models").is_dir():
        skip_or_fail(
            "notebook 06 has saved no networks: run it, or these tests by `python tests/run.py`"
        )
    shutil.copytree(cache_folder() / "models", cache / "models", copy_function=_link)
    return simulated | {"COURSE_CACHE": str(cache)}


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copy(source, target)


class Pad:
    """The pad on a page, worked with as a person does."""

    def __init__(self, page, data=None, sent=None):
        self.page, self.data, self.sent = page, data, sent
        self.card = page.locator(".cvp")
        self.canvas = self.card.get_by_role("application")

    def button(self, name):
        return self.card.get_by_role("button", name=name, exact=True)

    def state(self, name):
        return self.card.get_attribute(f"data-{name}")

    def settle(self):
        """Wait until the bars belong to what is drawn."""
        self.page.wait_for_function(
            """() => {
                const { version, answered } =
                    document.querySelector(".cvp").dataset;
                return version === answered;
            }"""
        )

    def clear(self):
        self.button("Clear").click()
        self.settle()

    def write(self, strokes):
        """Draw strokes, arrays (n, 2) in units of the pad, with the mouse."""
        box = self.canvas.bounding_box()
        scale = box["width"] / pad.SIDE
        for stroke in strokes:
            x, y = (stroke * scale + [box["x"], box["y"]]).T
            self.page.mouse.move(x[0], y[0])
            self.page.mouse.down()
            for across, down in zip(x[1:], y[1:], strict=True):
                self.page.mouse.move(across, down)
            self.page.mouse.up()

    def bars(self):
        """{character: percent}, the first one first."""
        self.settle()
        names = self.card.locator(".cvp-name").all_text_contents()
        shares = self.card.locator(".cvp-share").all_text_contents()
        return {
            name: int(share.removesuffix(" %"))
            for name, share in zip(names, shares, strict=True)
            if name
        }

    def seen(self):
        """The picture beside the paper, (80, 60)."""
        self.settle()
        values = self.card.locator(".cvp-seen").evaluate(
            """canvas => [...canvas.getContext("2d")
                .getImageData(0, 0, 60, 80).data]"""
        )
        return np.array(values, np.uint8).reshape(80, 60, 4)[:, :, 0]


@pytest.fixture(scope="module")
def lab(browser, environment, tmp_path_factory):
    """A Pad in JupyterLab, after all cells of its notebook have run."""
    folder = tmp_path_factory.mktemp("lab")
    nbformat.write(pad_notebook(), folder / "pad.ipynb")
    faults = []
    # Kernels must not see the variables of pytest, nor of whoever runs it.
    with lab_server(folder, environment) as address:
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
        sent = []
        page.on(
            "websocket",
            lambda socket: socket.on(
                "framesent",
                lambda data: sent.append(bytes(data, "utf-8") if isinstance(data, str) else data),
            ),
        )
        page.goto(address("pad.ipynb"))
        page.get_by_text("| Idle").wait_for(timeout=60_000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        shown = page.locator(".cvp")
        shown.wait_for(timeout=240_000)
        page.get_by_text("| Idle").wait_for(timeout=60_000)
        shown.scroll_into_view_if_needed()
        yield Pad(page, Path(environment["COURSE_DATA"]), sent)
        window.close()
    assert not faults, faults


def hand(character, random):
    """Strokes of a character in a somewhat unsteady hand, in units of the pad."""
    shape = glyph(character)
    own = shape.stroke
    points = shape.points + random.normal(0, 2, (len(shape.part), 2))[own]
    curve = shape.sharp @ (points + random.normal(0, 1, points.shape)) - 50
    curve[:, 0] -= random.normal(0, 0.1) * curve[:, 1]  # slant
    curve *= random.uniform(0.45, 0.8) * np.exp(random.normal(0, 0.06, 2))
    middle = random.uniform(45, 55, 2)
    strokes = [curve[first:end] for first, end, _ in shape.ends]
    # Every third point of the curve, and its end.
    return [np.concatenate([path[:-1:3], path[-1:]]) + middle for path in strokes]


def test_what_is_written_is_read(lab):
    random = np.random.default_rng(7)
    misread = []
    for character in SOME:
        lab.clear()
        lab.write(hand(character, random))
        found = list(lab.bars())
        if found[0] != character:
            misread.append(f"{character} as {found[0]}")
        assert float(lab.state("milliseconds")) > 0
    read = len(SOME) - len(misread)
    assert read >= LEAST_READ * len(SOME), misread


CROSS = [
    np.array([[20.0, 50], [50, 50], [80, 52]]),
    np.array([[50.0, 15], [50, 88]]),
]


def test_undo_clear_and_pen_width(lab):
    lab.clear()
    blank = lab.seen()
    assert (blank == 255).all() and lab.bars() == {}
    lab.write(CROSS[:1])
    one = lab.seen()
    assert (one < 255).any()
    lab.write(CROSS[1:])
    two, thin = lab.seen(), lab.bars()
    assert lab.state("strokes") == "2"
    assert (two != one).any()
    lab.button("Undo").click()
    assert (lab.seen() == one).all()
    lab.button("Undo").click()
    assert (lab.seen() == blank).all() and lab.bars() == {}
    lab.button("Undo").click()  # of nothing does nothing

    ink = {}
    for width in ("Thin", "Medium", "Thick"):
        lab.card.locator(".cvp-pen").select_option(width)
        lab.write(CROSS)
        ink[width] = int((255.0 - lab.seen()).sum())
        lab.clear()
        assert lab.state("strokes") == "0"
    assert ink["Thin"] < ink["Medium"] < ink["Thick"], (ink, thin)
    lab.card.locator(".cvp-pen").select_option("Medium")


def test_a_finger_writes_and_a_second_one_does_not(lab):
    lab.clear()
    box = lab.canvas.bounding_box()
    touch = lab.page.context.new_cdp_session(lab.page)

    def fingers(kind, *places):
        points = [
            {"x": box["x"] + 3 * x, "y": box["y"] + 3 * y, "id": number}
            for number, (x, y) in enumerate(places)
        ]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (20, 50))
    fingers("touchStart", (20, 50), (90, 90))
    for x in range(20, 70, 10):
        fingers("touchMove", (x, 50), (90, x))
    fingers("touchEnd")
    lab.settle()
    assert lab.state("strokes") == "1"
    # A level line, though the second finger went down.
    touch.detach()
    flat = lab.seen()
    lab.clear()
    lab.write([np.array([[20.0, 50], [60, 50]])])
    difference = np.abs(flat.astype(int) - lab.seen())
    assert difference.mean() < 10


def test_keys_alone(lab):
    lab.clear()
    cells = lab.page.locator(".jp-Cell").count()
    keys = lab.page.keyboard
    lab.card.locator(".cvp-pen").focus()
    reached = []
    for _ in range(5):
        keys.press("Tab")
        reached.append(lab.page.evaluate("document.activeElement.className"))
    assert reached == [
        "cvp-undo",
        "cvp-clear",
        "cvp-canvas",
        "cvp-truth",
        "cvp-keep",
    ]
    lab.canvas.focus()
    keys.press("Space")  # a cross, from the middle
    keys.press("Shift+ArrowRight")
    keys.press("Shift+ArrowLeft")
    keys.press("Shift+ArrowLeft")
    keys.press("Space")
    keys.press("ArrowRight")
    lab.settle()
    assert lab.state("strokes") == "1"
    keys.press("Space")
    keys.press("Shift+ArrowDown")
    keys.press("Space")
    lab.settle()
    assert lab.state("strokes") == "2"
    keys.press("b")  # in JupyterLab, outside of the pad: insert a cell
    assert lab.page.locator(".jp-Cell").count() == cells
    keys.press("z")
    lab.settle()
    assert lab.state("strokes") == "1"
    keys.press("c")
    lab.settle()
    assert lab.state("strokes") == "0"


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process")
def test_nothing_queues_while_python_does_not_answer(lab):
    lab.clear()
    printed = lab.page.locator(".jp-OutputArea-output").last.inner_text()
    kernel = int(re.fullmatch(r"kernel (\d+)", printed.strip())[1])
    lab.sent.clear()
    os.kill(kernel, signal.SIGSTOP)
    try:
        lab.write(hand("国", np.random.default_rng(1)))
        lab.card.get_by_text("No answer").wait_for()
        assert sum(b"drawn" in data for data in lab.sent) == 1
        assert lab.state("version") != lab.state("answered")
    finally:
        os.kill(kernel, signal.SIGCONT)
    assert list(lab.bars())[0] == "国"
    assert not lab.card.get_by_text("No answer").is_visible()
    assert sum(b"drawn" in data for data in lab.sent) == 2


def test_saved_drawings_are_a_test_set(lab):
    lab.clear()
    status = lab.card.get_by_role("status")

    def keep(character, expected):
        lab.card.get_by_label("I wrote").select_option(character)
        lab.button("Save").click()
        status.filter(has_text=expected).wait_for()

    folder = lab.data / "drawings"
    try:
        keep("虎", "Write a character first.")
        random = np.random.default_rng(2)
        lab.write(hand("虎", random))
        keep("", "Choose first")
        keep("虎", "Saved as drawings/虎/1.png")
        keep("虎", "saved already")
        tiger = lab.seen()
        lab.clear()
        lab.write(hand("人", random))
        keep("虎", "Saved as drawings/虎/2.png")  # a wrong label is possible
        keep("人", "Saved as drawings/人/1.png")
        person = lab.seen()
        names = sorted(CLASSES)
        X, y = pad.load_drawings(names, folder)
        assert [names[k] for k in y] == ["人", "虎", "虎"]
        for image, expected in zip(X, [person, tiger, person], strict=True):
            assert (image[:, :, 0] == expected).all()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_nothing_keeps_readers_out(lab):
    """Contrast, names and roles, inside JupyterLab's own style."""
    lab.clear()
    lab.write(CROSS)
    lab.settle()
    assert serious(lab.page, ".cvp") == []


# --- Without a browser -----------------------------------------------------------


@pytest.mark.parametrize("character", ["人", "虎"])
def test_a_scan_forgets_size_and_place(character):
    strokes = pad.example(character)
    moved = [(0.5 * width, 0.5 * path + 40) for width, path in strokes]
    first, second = pad.scan(strokes), pad.scan(moved)
    assert first.shape == second.shape
    # Rounding may move an edge by a fraction of a pixel.
    assert np.abs(first.astype(int) - second).mean() <= 0.5
    assert first.dtype == np.uint8 and first.max() == 255
    for edge in (first[0], first[-1], first[:, 0], first[:, -1]):
        assert edge.min() < 255  # cropped to the ink


def test_a_scan_has_the_pens_of_the_training_images():
    path = pad.example("王")
    ink = [
        (255.0 - pad.network_sees(pad.scan([(w, p) for _, p in path]))).mean()
        for w in (0.1, 1, 3.5, 20, 40)
    ]
    # Far too thin and far too thick pens become the nearest usual one.
    assert ink[0] == ink[1] < ink[2] < ink[3] == ink[4]


def test_dots_and_lines_are_scans_too():
    for path in ([[50, 50]], [[0, 50], [100, 50]], [[50, 0], [50, 100]]):
        image = pad.scan([(3.5, np.array(path, float))])
        assert image.min() < 200
        assert image.shape[0] <= 130 and image.shape[1] <= 110
    with pytest.raises(CourseError, match="Nothing is drawn yet"):
        pad.Drawing().save("人")


def test_saved_files_count_on(tmp_path):
    image = pad.scan(pad.example("明"))
    (tmp_path / "明").mkdir()
    (tmp_path / "明" / "9.png").touch()
    assert pad.save(image, "明", tmp_path) == tmp_path / "明" / "10.png"
    with Image.open(tmp_path / "明" / "10.png") as file:
        assert (np.asarray(file) == image).all()
    seen = images.read_image(tmp_path / "明" / "10.png")
    assert (seen == pad.network_sees(image)).all()


@pytest.mark.parametrize("name", ["", "a/b", "..", "a:b", "CON", "nul.x", "a. "])
def test_names_that_some_system_refuses(name, tmp_path):
    with pytest.raises(CourseError, match="cannot be the name of a folder"):
        pad.save(pad.scan(pad.example("明")), name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_drawings_and_unknown_drawings(tmp_path):
    assert pad.load_drawings(["明"], tmp_path / "none") is None
    pad.save(pad.scan(pad.example("明")), "明", tmp_path)
    with pytest.raises(CourseError, match="drawings of 明, which the model"):
        pad.load_drawings(["人"], tmp_path)


def test_a_picture_stands_where_no_pad_can(monkeypatch):
    from helpers.quiet_keras import keras

    def network(activation):
        keras.utils.set_random_seed(0)
        flat = keras.layers.Flatten(), keras.layers.Rescaling(1 / 255)
        last = keras.layers.Dense(55, activation=activation)
        return keras.Sequential([keras.Input((80, 60, 1)), *flat, last])

    plots.use_style()
    shown = []
    monkeypatch.setattr(plots, "ipython", lambda: "as in a notebook")
    monkeypatch.setattr(
        "IPython.display.display",
        lambda data, raw, metadata: shown.append((data, metadata)),
    )
    names = sorted(CLASSES)
    drawing = pad.pad(network(None), names, label="simulated")
    (data, metadata), *_ = shown
    assert "model_id" in data["application/vnd.jupyter.widget-view+json"]
    assert data["image/png"]
    assert "明 drawn" in metadata["image/png"]["alt"]
    assert drawing.strokes == []

    # Logits or probabilities, the bars are the same.
    image = pad.network_sees(pad.scan(pad.example("明")))
    logits, softmax = (
        pad.classifier(network(activation))(image) for activation in (None, "softmax")
    )
    assert softmax.sum() == pytest.approx(1)
    assert logits == pytest.approx(softmax, abs=1e-5)

    with pytest.raises(CourseError, match=r"\(None, 54\); this one"):
        pad.pad(network(None), names[:-1])
