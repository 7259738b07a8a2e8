"""Show an author what a lecture looks like as live slides.

    python tests/show_slides.py notebooks/02_kernels.ipynb
    python tests/show_slides.py notebooks/*.ipynb --size 1024x768 --out FOLDER

Opens each notebook in jupyterlab-rise, in headless Chromium, on a JupyterLab server
of its own; writes one PNG for each slide, with all its fragments, and names the
slides that do not fit. `test_slides.py` looks at the same slides through `Deck`.
"""

import argparse
import re
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import nbformat
from browser import lab_server, note_errors, started
from environments import notebook_environment
from nbformat.sign import NotebookNotary
from refresh_notebooks import read

from helpers.files import CourseError, write_file
from helpers.teaching.stage import prepare

SIZE = 1280, 720
OTHERS = re.compile(r"/static/|/lab/extensions/")
"""In the address of a script: JupyterLab's own, or an extension's."""

PRESENT = "section section.present"

STATE = f"""(() => {{
    const slides = [...document.querySelectorAll("section section")];
    const slide = document.querySelector("{PRESENT}");
    return [
        slides.indexOf(slide),
        slide.querySelectorAll(".fragment.visible").length,
    ].join();
}})()"""
"""Where the deck is: the number of the slide and of the fragments that are shown."""

TYPESET = r"""() => [...document.querySelectorAll(".jp-MarkdownOutput")].every(
    (prose) => {
        const copy = prose.cloneNode(true);
        copy.querySelectorAll("code").forEach((code) => code.remove());
        return !/\$[^$]+\$/.test(copy.textContent);
    }) && [...document.images].every((image) => image.complete)"""

FAULTS = """(slide) => {
    const [width, height] = [innerWidth, innerHeight];
    const faults = new Set();
    const name = (element) => {
        const cell = element.closest(".jp-Cell");
        const text = (cell ?? element).innerText.trim().replace(/\\s+/g, " ");
        return `<${element.localName}> in the cell '${text.slice(0, 50)}'`;
    };
    // The element itself or something around it shows what is outside by scrolling.
    const scrolls = (element, axis) => {
        for (let box = element; slide.contains(box); box = box.parentElement) {
            const style = getComputedStyle(box)["overflow" + axis];
            const more = axis === "X"
                ? box.scrollWidth > box.clientWidth
                : box.scrollHeight > box.clientHeight;
            if (more && /auto|scroll/.test(style)) return true;
        }
        return false;
    };
    let something = false;
    for (const element of slide.querySelectorAll("*")) {
        if (!element.checkVisibility()) continue;
        const box = element.getBoundingClientRect();
        if (box.width < 2 || box.height < 2) continue; // for screen readers
        const style = getComputedStyle(element);
        const picture = /^(img|canvas|svg)$/.test(element.localName);
        const words = [...element.childNodes].some(
            (node) => node.nodeType === 3 && node.data.trim());
        if (!picture && !words && element.childElementCount) {
            const hides = /hidden|clip/;
            if (hides.test(style.overflowY)
                && element.scrollHeight > element.clientHeight + 3) {
                faults.add(`is cut off below: ${name(element)}`);
            }
            if (hides.test(style.overflowX)
                && element.scrollWidth > element.clientWidth + 3) {
                faults.add(`is cut off to the right: ${name(element)}`);
            }
            if (box.height <= height) continue;
        }
        something ||= picture || words;
        if ((box.right > width + 1 || box.left < -1) && !scrolls(element, "X")) {
            faults.add(`leaves the screen sideways: ${name(element)}`);
        }
        if ((box.bottom > height + 1 || box.top < -1) && !scrolls(element, "Y")) {
            faults.add(`leaves the screen below: ${name(element)}`);
        }
    }
    const parts = [...slide.querySelectorAll(
        ".jp-Cell-inputWrapper, .jp-Cell-outputWrapper")]
        .map((part) => [part, part.getBoundingClientRect()])
        .filter(([, box]) => box.height);
    for (let n = 1; n < parts.length; n++) {
        if (parts[n][1].top < parts[n - 1][1].bottom - 1) {
            faults.add(`lies on what is above: ${name(parts[n][0])}`);
        }
    }
    if (!something) faults.add("is empty");
    const figures = [...slide.querySelectorAll(".jp-RenderedImage img")]
        .filter((image) => image.checkVisibility());
    const cut = figures.map((image) => image.closest(".jp-Cell-outputWrapper"));
    const size = (found) => Math.min(
        ...[...slide.querySelectorAll(found)]
            .map((element) => parseFloat(getComputedStyle(element).fontSize)));
    return {
        faults: [...faults],
        scrolls: Math.max(
            ...[slide, ...cut].map((box) => box.scrollHeight - box.clientHeight)),
        prose: size(".jp-MarkdownOutput :is(p, li)"),
        code: size(".jp-CodeCell .cm-line"),
        figures: figures.map((image) => {
            const width = image.getAttribute("width") || image.naturalWidth;
            const tall = width * image.naturalHeight / image.naturalWidth;
            return Math.min(image.clientWidth / width, image.clientHeight / tall)
                * 720 / height;
        }),
    };
}"""
"""What is wrong with a slide, and how large it shows things.

scrolls: pixels by which it, or the output around a figure, is higher than there is
room; prose, code: the smallest type in pixels; figures: how much each is enlarged,
as in a window of 1280x720.
"""


def slides_of(notebook):
    """A list of slides, each a list of the numbers of its cells, as rise makes it."""
    slides = [[]]
    for number, cell in enumerate(notebook.cells):
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind in ("slide", "subslide") and slides[-1]:
            slides.append([])
        if kind not in ("skip", "notes"):
            slides[-1].append(number)
    return slides


@contextmanager
def presenter(browser, environment):
    """Yield a function that opens a notebook, from anywhere, as a `Deck`.

    All decks share one JupyterLab and one window, each notebook in turn.
    environment: variables of the server and of its kernels.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        folder = Path(folder)
        with lab_server(folder, environment) as address:
            context = browser.new_context()
            try:
                yield lambda path: Deck(context, folder, path, address)
            finally:
                context.close()


class Deck:
    """The live slides of one notebook, stepped through as with a clicker.

    slides: see `slides_of`; faults: what it has written to the console, thrown, or
    asked other machines for, so far.
    """

    def __init__(self, context, folder, path, address):
        self.name, self.faults = Path(path).name, []
        self.notebook = read(path)
        prepare(self.notebook, path)
        self.slides = slides_of(self.notebook)
        nbformat.write(self.notebook, folder / self.name)
        style = Path(path).with_name("rise.css")
        if style.is_file():
            shutil.copy(style, folder)
        # Where there is none, the browser would complain.
        (folder / f"{Path(path).stem}.css").touch()
        # As after "Trust Notebook": scripts in outputs run.
        data = folder / "settings" / "jupyter_data_dir"
        data.mkdir(parents=True, exist_ok=True)
        NotebookNotary(data_dir=str(data)).sign(self.notebook)

        self.page = page = context.new_page()
        page.set_default_timeout(60_000)  # ms, for a busy machine
        self.resize(*SIZE)
        page.route(re.compile(r"^\w+://(?!127\.0\.0\.1[:/])"), self._refuse)
        note_errors(page, self.faults, unless_from=OTHERS)
        page.goto(address(self.name).replace("/lab/tree/", "/rise/"))
        page.wait_for_selector(".reveal.ready")
        page.wait_for_function(TYPESET)
        self._fragments = page.evaluate(
            """[...document.querySelectorAll("section section")].map(
                (slide) => slide.querySelectorAll(".fragment").length)"""
        )
        assert len(self._fragments) == len(self.slides)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        """Close the page and stop its kernel, which may hold much memory."""
        self.page.evaluate(
            """async () => {
                const settings = JSON.parse(
                    document.getElementById("jupyter-config-data").textContent);
                const call = (path, method) => fetch(
                    settings.baseUrl + "api/sessions" + path,
                    {method, headers: {Authorization: `token ${settings.token}`}});
                for (const session of await (await call("", "GET")).json()) {
                    await call("/" + session.id, "DELETE");
                }
            }"""
        )
        self.page.close()

    def _refuse(self, route):
        self.faults.append(f"asked for {route.request.url}")
        route.abort()

    def resize(self, width, height):
        self.page.set_viewport_size({"width": width, "height": height})

    def place(self):
        """(number of the slide, number of fragments shown), from 0."""
        return tuple(map(int, self.page.evaluate(STATE).split(",")))

    def press(self, key):
        """Press a key that leads to another place; wait until it is there."""
        before = self.page.evaluate(STATE)
        self.page.keyboard.press(key)
        self.page.wait_for_function(f"{STATE} !== '{before}'")

    def visit(self, backwards=False):
        """Yield the number of each slide, with all its fragments shown.

        Goes on from the first slide, or back from the last, as far as there is.
        """
        numbers = range(len(self._fragments))
        for number in reversed(numbers) if backwards else numbers:
            steps = self._fragments[number]
            if not backwards:
                for _ in range(steps):
                    self.press("PageDown")
            assert self.place() == (number, steps)
            yield number
            if backwards:
                for _ in range(steps):
                    self.press("PageUp")
            if number != (0 if backwards else numbers[-1]):
                self.press("PageUp" if backwards else "PageDown")

    def go_to(self, slide):
        """Go on to a slide, counted from 0, and show all its fragments."""
        while self.place() < (slide, self._fragments[slide]):
            self.press("PageDown")

    def cell(self, slide, number):
        """The place on the page of a cell of the notebook, on its slide."""
        cells = (
            self.page.locator("section section")
            .nth(slide)
            .locator(".jp-Cell:not(aside *, .reveal-skip)")
        )
        return cells.nth(self.slides[slide].index(number))

    def look(self):
        """What is wrong with the slide that is shown, and its sizes: see FAULTS."""
        return self.page.locator(PRESENT).evaluate(FAULTS)


def show(deck, size, folder):
    """Write a PNG of each slide into `folder`; print and count what does not fit."""
    deck.resize(*size)
    count = 0
    for number in deck.visit():
        name = f"{Path(deck.name).stem[:2]}_{number + 1:03}.png"
        with write_file(folder / name) as partial:
            partial.write_bytes(deck.page.screenshot())
        seen = deck.look()
        if seen["scrolls"] > 1:
            seen["faults"].append(f"is {seen['scrolls']} pixels too high")
        for fault in seen["faults"]:
            print(f"{name}, cells {deck.slides[number]}: {fault}")
        count += len(seen["faults"])
    for fault in deck.faults:
        print(f"{deck.name}: {fault}")
    print(f"{deck.name}: {len(deck.slides)} slides in {folder}", flush=True)
    return count + len(deck.faults)


def main(arguments=None):
    """The command line; returns the exit code: 1 if a slide does not fit."""
    parser = argparse.ArgumentParser(
        description="Write a picture of each slide; name those that do not fit."
    )
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--size", default="1280x720", help="of the window")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(tempfile.gettempdir()) / "course-slides",
        help="folder for the pictures (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"\d+x\d+", options.size):
        parser.error("--size is two numbers of pixels, such as 1280x720.")
    width, height = map(int, options.size.split("x"))
    count = 0
    with started() as browser:
        if browser is None:
            parser.error("it needs Chromium, Chrome or Edge, and playwright.")
        with presenter(browser, notebook_environment()) as opened:
            for path in options.notebooks:
                try:
                    with opened(path) as deck:
                        count += show(deck, (width, height), options.out)
                except CourseError as error:
                    print(error)
                    count += 1
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
