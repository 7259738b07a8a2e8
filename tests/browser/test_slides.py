"""Every lecture as live slides, in a real JupyterLab: nothing is cut off.

Each deck is stepped through to its end in a window of 1280x720, as a lecturer does with
a clicker; one of them back again in one of 1920x1080, and its first two code cells are
run on their slides. `show_slides.py` has the means, and pictures for authors.
"""

import base64
import importlib.util
from io import BytesIO

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from refresh_notebooks import NOTEBOOKS, find_lectures
from show_slides import presenter, slides_of
from support import skip_or_fail

LECTURES = find_lectures()
PROSE, CODE = 20, 18  # least pixels of type in a window of 720 pixels
FIGURE = 18 / (11 * 100 / 72)  # least enlargement: then type of 11 points has 18 pixels

# --- In a browser ----------------------------------------------------------------


@pytest.fixture(scope="module")
def opened(browser, simulated):
    if importlib.util.find_spec("jupyterlab_rise") is None:
        skip_or_fail("jupyterlab-rise is not installed: python -m pip install -r requirements.txt")
    with presenter(browser, simulated) as opened:
        yield opened


def faults(deck, size, backwards=False):
    """What is wrong with a deck in a window of this size: a list of sentences."""
    deck.resize(*size)
    scale = size[1] / 720
    found = []
    for number in deck.visit(backwards):
        seen, cells = deck.look(), deck.slides[number]
        long = any("long" in deck.notebook.cells[cell].metadata.get("tags", []) for cell in cells)
        wrong = [*seen["faults"]]
        if seen["scrolls"] > 1 and not long:
            wrong.append(f"is {seen['scrolls']} pixels too high")
        if (seen["prose"] or PROSE) < PROSE * scale * 0.9:
            wrong.append(f"has prose of {seen['prose']} pixels")
        if (seen["code"] or CODE) < CODE * scale * 0.9:
            wrong.append(f"has code of {seen['code']} pixels")
        if min(seen["figures"], default=FIGURE) < FIGURE:
            wrong.append(f"shows figures {seen['figures']} times as large, not {FIGURE:.2f}")
        found += [f"slide {number + 1}, cells {cells}: {w}" for w in wrong]
    return found


def run_cell(deck, number, key):
    """Run a code cell on its slide; return (what its prompt said, outputs)."""
    slide = next(i for i, s in enumerate(deck.slides) if number in s)
    deck.go_to(slide)
    cell = deck.cell(slide, number)
    cell.locator(".cm-content").click()
    deck.page.keyboard.press("Escape")
    cell.evaluate(
        """(cell) => {
            window.seen = {prompts: [], outputs: 0};
            const prompt = cell.querySelector(".jp-InputArea-prompt");
            const output = cell.querySelector(".jp-Cell-outputArea");
            new MutationObserver(() => seen.prompts.push(prompt.innerText))
                .observe(prompt, {childList: true, subtree: true,
                                  characterData: true});
            new MutationObserver((changes) => {
                for (const change of changes) {
                    seen.outputs += change.addedNodes.length;
                }
            }).observe(output, {childList: true});
        }"""
    )
    deck.page.keyboard.press(key)
    deck.page.wait_for_function(r"() => /\[\d+\]/.test(seen.prompts.at(-1))")
    return deck.page.evaluate("seen")


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_nothing_is_cut_off(path, opened):
    with opened(path) as deck:
        found = faults(deck, (1280, 720)) + deck.faults
        assert not found, "\n".join(found)


def test_a_lecture_is_given(opened):
    """Back through the slides on a larger screen, and cells that run on theirs."""
    (path,) = (path for path in LECTURES if path.name.startswith("02"))
    with opened(path) as deck:
        deck.go_to(len(deck.slides) - 1)
        found = faults(deck, (1920, 1080), backwards=True)
        code = [
            number
            for slide in deck.slides
            for number in slide
            if deck.notebook.cells[number].cell_type == "code"
        ]
        for count, number in enumerate(code[:2], start=1):
            # Control+Enter stays, Shift+Enter goes on to the next cell.
            key = "Control+Enter" if count == 1 else "Shift+Enter"
            seen = run_cell(deck, number, key)
            assert "[*]:" in seen["prompts"]
            assert seen["prompts"][-1] == f"[{count}]:"
            if deck.notebook.cells[number].outputs:
                assert seen["outputs"]
        assert not found + deck.faults, "\n".join(found + deck.faults)


# --- Slides that are wrong -------------------------------------------------------

GOOD = "A sentence.\n\n$$a^2 + b^2$$\n\n| a | b |\n|---|---|\n| 1 | 2 |"

WRONG = {
    "leaves the screen sideways": "<p style='position: fixed; left: 99vw'>Off.</p>",
    "leaves the screen below": "<p style='position: fixed; top: 99vh'>Off.</p>",
    "lies on what is above": "<style>.jp-Cell-outputWrapper:has(.up) "
    "{margin-top: -2em !important}</style><p class='up'>Up.</p>",
    "is cut off below": "<div style='height: 2em; overflow: hidden'>"
    "<p>One.</p><p>Two.</p><p>Three.</p></div>",
    "asked for https://example.org": "<img alt='A' src='https://example.org/a.png'>A",
    "a script complains": "<p>A</p><script>console.error('a script complains')</script>",
    "a script fails": "<p>A</p><script>throw Error('a script fails')</script>",
}
"""What must be found, and an output that is so."""


def deck_of(folder, *cells):
    """Store a notebook whose cells are a slide each."""
    for cell in cells:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    (lecture, *_) = LECTURES
    metadata = {"rise": nbformat.read(lecture, as_version=4).metadata.rise}
    path = folder / "deck.ipynb"
    nbformat.write(new_notebook(cells=[*cells], metadata=metadata), path)
    style = NOTEBOOKS / "rise.css"
    (folder / style.name).write_bytes(style.read_bytes())
    return path


def showing(html):
    output = new_output("display_data", {"text/html": html})
    return new_code_cell("show()", outputs=[output])


def drawing(width, height):
    """A cell with a figure of so many CSS pixels."""
    png = BytesIO()
    Image.new("L", (width, height)).save(png, "png")
    data = {"image/png": base64.b64encode(png.getvalue()).decode()}
    output = new_output("display_data", data, metadata={"image/png": {"width": width}})
    return new_code_cell("plots.show(fig)", outputs=[output])


def test_faults_are_found(opened, tmp_path):
    path = deck_of(
        tmp_path,
        new_markdown_cell(GOOD),
        drawing(800, 400),
        *map(showing, WRONG.values()),
        drawing(800, 500),
        new_markdown_cell("A paragraph.\n\n" * 30),
        new_markdown_cell("<!-- nothing -->"),
    )
    with opened(path) as deck:
        found = "\n".join(faults(deck, (1280, 720)) + deck.faults)
    for complaint in [*WRONG, "times as large", "pixels too high", "is empty"]:
        assert complaint in found
    assert "slide 1," not in found and "slide 2," not in found


def test_a_long_output_scrolls_by_itself(opened, tmp_path):
    lines = "\n".join(f"line {number}" for number in range(200))
    cell = new_code_cell("print(text)\n" * 12)
    cell.outputs = [new_output("stream", text=lines, name="stdout")]
    with opened(deck_of(tmp_path, new_markdown_cell(GOOD), cell)) as deck:
        assert faults(deck, (1280, 720)) == []
        assert deck.page.locator(".jp-Cell-outputArea").evaluate(
            """(area) => [area, ...area.querySelectorAll("*")].some(
                (box) => box.scrollHeight > box.clientHeight + 1000)"""
        )


def test_slides_of():
    kinds = "slide", None, "notes", "subslide", "fragment", "skip", "slide"
    cells = [new_markdown_cell(str(number)) for number in range(len(kinds))]
    for cell, name in zip(cells, kinds, strict=True):
        if name:
            cell.metadata["slideshow"] = {"slide_type": name}
    assert slides_of(new_notebook(cells=cells)) == [[0, 1], [3, 4], [6]]
