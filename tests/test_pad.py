"""The drawing pad in a real JupyterLab: what one writes is read, quickly and safely.

The browser tests run the cells of notebook 07 that show the pad, with the network of
notebook 06. They take it from the cache that `test_notebooks.py` has filled in the
same session, else from the course's own cache, and are skipped where neither has it:
training takes minutes, and the notebooks' tests do it.
"""

import os
import re
import shutil
import statistics
from pathlib import Path

import nbformat
import numpy as np
import pytest
from browser import lab_server
from conftest import skip_or_fail
from PIL import Image
from refresh_notebooks import NOTEBOOKS

from helpers import images, pad
from helpers.files import CourseError, cache_folder
from helpers.strokes import CLASSES
from helpers.writers import glyph

LEAST_READ = 0.8  # of the characters written here
MOST_MILLISECONDS = 100  # median, on two quiet cores
NOISE = 3  # a shared machine may take this many times as long


# --- In a browser ----------------------------------------------------------------


def pad_notebook():
    """The cells of notebook 07 that the pad needs, as a notebook of their own."""
    (path,) = NOTEBOOKS.glob("07*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    heading = [
        re.findall(r"^## (.*)", cell.source, re.MULTILINE)
        for cell in notebook.cells
    ]
    start = heading.index(["Write yourself"])
    length = next(i for i, found in enumerate(heading[start + 1 :]) if found)
    section = notebook.cells[start : start + length + 1]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    trains = ["fit_or_load(" in cell.source for cell in code]
    notebook.cells = [*code[: trains.index(True)], *section]
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


@pytest.fixture(scope="module")
def environment(simulated, tmp_path_factory):
    """Data of the session; trained networks of the session or of the course."""
    trained = Path(simulated["COURSE_CACHE"]) / "training"
    if trained.is_dir():
        return simulated
    cache = tmp_path_factory.mktemp("cache")
    if (cache_folder() / "training").is_dir():
        shutil.copytree(
            cache_folder() / "training",
            cache / "training",
            copy_function=_link,
        )
    return simulated | {"COURSE_CACHE": str(cache)}


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copy(source, target)


class Pad:
    """The pad on a page, worked with as a person does."""

    def __init__(self, page, data):
        self.page, self.data = page, data
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
        if self.button("Clear").is_enabled():
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
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda line: line.type == "error" and faults.append(line.text),
        )
        page.on(
            "request",
            lambda request: request.url.startswith((home, "data:", "blob:"))
            or faults.append(f"asked for {request.url}"),
        )
        page.goto(address("pad.ipynb"))
        page.get_by_text("| Idle").wait_for(timeout=60_000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        shown = page.locator(".cvp")
        untrained = page.get_by_text("has not been trained on this machine")
        shown.or_(untrained).first.wait_for(timeout=120_000)
        if untrained.is_visible():
            skip_or_fail(
                "the network of notebook 06 is not in the cache: run notebook 06, "
                "or tests/test_notebooks.py in the same session"
            )
        page.get_by_text("| Idle").wait_for(timeout=60_000)
        shown.scroll_into_view_if_needed()
        yield Pad(page, Path(environment["COURSE_DATA"]))
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
    # Every second point of the curve, and its end.
    return [
        np.concatenate([path[:-1:2], path[-1:]]) + middle for path in strokes
    ]


def test_what_is_written_is_read_at_once(lab):
    random = np.random.default_rng(7)
    misread, milliseconds = [], []
    for character in CLASSES:
        lab.clear()
        lab.write(hand(character, random))
        found = list(lab.bars())
        if found[0] != character:
            misread.append(f"{character} as {found[0]}")
        milliseconds.append(float(lab.state("milliseconds")))
    read = len(CLASSES) - len(misread)
    median = statistics.median(milliseconds)
    print(f"\n{read} of {len(CLASSES)} characters read; {misread} misread")
    print(f"median {median:.0f} ms from the end of a stroke to the bars")
    assert read >= LEAST_READ * len(CLASSES), misread
    assert median <= NOISE * MOST_MILLISECONDS
