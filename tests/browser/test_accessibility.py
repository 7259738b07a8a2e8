"""What a reader with a keyboard, a screen reader or weak eyes needs, by axe-core.

axe-core comes with the package axe-playwright-python. It judges only what can be
seen, so a test shows it every state that matters, one after the other.
"""

import json

import numpy as np
import pytest
from browser import opened, page_of, serious, shown
from refresh_notebooks import NOTEBOOKS
from test_handouts import opened_file, steps

from helpers import explorers
from helpers.handwriting.strokes import CLASSES
from helpers.teaching.handouts import handouts

# --- Explorers and pad -----------------------------------------------------------

SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
EITHER = ":root { color-scheme: light dark; }"
"""For a page that follows its reader's scheme."""


def tab_stops(page, part):
    """Names of the parts of `part` that Tab reaches, each with a visible ring."""
    names = []
    page.locator(part).evaluate("part => { part.tabIndex = -1; part.focus(); }")
    while True:
        page.keyboard.press("Tab")
        found = page.evaluate(
            """part => {
                const element = document.activeElement;
                if (!element.closest(part)) return null;
                const { outlineStyle, outlineWidth } = getComputedStyle(element);
                return [element.className || element.name,
                    outlineStyle !== "none" && parseFloat(outlineWidth)];
            }""",
            part,
        )
        if found is None:
            return names
        name, ring = found
        assert ring >= 2, f"{name} does not show that it has the focus"
        names.append(name)


@SCHEMES
def test_kernel_explorer(browser, scheme):
    # On the middle greys black and white text are both hard to read.
    greys = {
        "middle": np.arange(115, 124, dtype=np.uint8).reshape(3, 3),
        "all": np.arange(0, 256, 32, dtype=np.uint8).repeat(8).reshape(8, 8),
    }
    html = page_of(shown(explorers.kernels, greys), style=EITHER)
    with opened(browser, html, color_scheme=scheme) as page:
        assert serious(page) == []
        boxes = {
            name: page.get_by_role("combobox", name=name, exact=True)
            for name in ("Image", "Kernel")
        }
        boxes["Kernel"].select_option("Sobel Gx")
        page.get_by_role("button", name="Flip kernel").click()
        weight = page.get_by_label("Kernel row 2, column 2")
        weight.fill("abc")
        weight.press("Tab")
        boxes["Image"].select_option("all")
        assert page.get_by_role("alert").inner_text()
        assert serious(page) == []
        stops = tab_stops(page, ".cvk")
        assert len(stops) == 5 + 2 + 9 + 2  # with the greys and "More"
        page.get_by_text("More: bias").click()
        page.get_by_label("Colour, 27 weights").check()
        page.get_by_label("ReLU").check()
        page.get_by_label("Bias").fill("-300")
        page.get_by_role("button", name="Webcam").click()
        assert page.locator(".cvk-trouble").inner_text()
        boxes["Image"].select_option("middle")
        assert serious(page) == []
        # Bias, two boxes, sweep, file, camera, code, copy.
        assert len(tab_stops(page, ".cvk")) == 5 + 2 + 27 + 2 + 8


@SCHEMES
def test_arithmetic_explorer(browser, scheme):
    html = page_of(shown(explorers.arithmetic), style=EITHER)
    with opened(browser, html, color_scheme=scheme) as page:
        assert serious(page) == []
        page.get_by_role("combobox", name="Padding").select_option("explicit p")
        for name in ("Stride s", "Dilation d", "Layers in a row"):
            page.get_by_label(name).fill("2")
        page.get_by_label("Input size n").fill("40")
        assert serious(page) == []  # with notes on Keras and all layers
        page.get_by_label("Kernel k").fill("11")
        page.get_by_label("Input size n").fill("5")
        assert page.locator(".conv-arith-refusal").inner_text()
        assert serious(page) == []
        page.get_by_label("Input size n").fill("40")
        stops = tab_stops(page, ".conv-arith")
        assert stops[-4:-1] == ["place", "step", "play"]
        assert len(stops) == 8 + 1 + 4  # sliders, padding, and the place


@SCHEMES
@pytest.mark.parametrize("width", [1280, 320])
def test_network_builder(browser, scheme, width):
    html = page_of(shown(explorers.network_builder), style=EITHER)
    with opened(browser, html, color_scheme=scheme, width=width) as page:
        assert page.locator(".cvb").evaluate("card => card.hasAttribute('data-dark')") == (
            scheme == "dark"
        )
        assert serious(page) == []
        page.get_by_label("Kernel").fill("99")
        page.locator("[role=option]").nth(5).click()
        page.get_by_role("button", name="MaxPooling2D").click()
        page.get_by_text("Keras code").click()
        assert page.locator(".cvb-refused").inner_text()
        assert serious(page) == []
        page.get_by_role("spinbutton", name="Pool").fill("0")
        assert page.locator(".cvb-error").inner_text()
        assert serious(page) == []
        # Network, six kinds, drawing, list, three fields, Up, Down, Remove, code, copy.
        assert len(tab_stops(page, ".cvb")) == 1 + 6 + 2 + 3 + 3 + 3


def pad_page():
    """The pad on a page of its own; in Python's place, one answer to everything."""
    code = (explorers.FOLDER / "pad.js").read_text(encoding="utf-8")
    code = code.replace("export default { render };", "")
    return page_of(
        f"""<div id="pad"></div><script type="module">{code}
        const told = {{}};
        const values = {{
            names: {json.dumps(CLASSES)}, label: "simulated", seen:
            new DataView(new ArrayBuffer(4800)), font: new Uint8Array(0),
        }};
        const tell = (name, value) => {{
            values[name] = value;
            setTimeout(() => told[`change:${{name}}`]());
        }};
        const top = [["明", 0.91], ["朋", 0.05], ["日", 0.02]];
        const model = {{
            get: (name) => values[name],
            set(name, value) {{
                if (name === "drawn") tell("answer", {{
                    version: value.getFloat32(0, true),
                    top: value.byteLength > 4 ? top : [],
                }});
                else tell("saved", {{
                    number: value.number, text: "The disk is full.", done: false,
                }});
            }},
            save_changes() {{}},
            on: (name, listener) => {{ told[name] = listener; }},
        }};
        render({{ model, el: document.getElementById("pad") }});</script>""",
        style=EITHER,
    )


@SCHEMES
@pytest.mark.parametrize("width", [1280, 320])
def test_pad(browser, scheme, width):
    with opened(browser, pad_page(), width=width, color_scheme=scheme) as page:
        assert serious(page) == []
        paper = page.get_by_role("application", name="Paper")
        said = page.locator(".cvp-live")
        paper.press("Space")
        assert said.inner_text() == "The pen is down."
        paper.press("ArrowRight")
        paper.press("Space")
        said.filter(has_text="91 %").wait_for()
        assert said.inner_text() == "明 91 %. 朋 5 %. 日 2 %."
        assert said.locator("[lang=zh-Hans]").count() == 3
        page.get_by_label("I wrote").select_option("明")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("The disk is full.").wait_for()
        assert serious(page) == []
        assert page.evaluate("document.body.scrollWidth") <= width
        inside = page.locator(".cvp").evaluate(
            """card => [...card.querySelectorAll("*")].every(part =>
                part.getBoundingClientRect().right <=
                card.getBoundingClientRect().right)"""
        )
        assert inside
        assert tab_stops(page, ".cvp") == [
            *("cvp-pen", "cvp-undo", "cvp-clear"),
            *("cvp-canvas", "cvp-truth", "cvp-keep"),
        ]
        paper.press("c")
        page.get_by_text("Nothing is written.").wait_for()


# --- Hand-outs -------------------------------------------------------------------


@pytest.fixture(scope="module")
def handout(tmp_path_factory):
    """A function from an ending to the file with it, of notebook 02's hand-outs."""
    out = tmp_path_factory.mktemp("handouts")
    (path,) = NOTEBOOKS.glob("02_*.ipynb")
    done, failed = handouts.export([path], out)
    assert done and not failed
    return lambda ending: out / f"{path.stem}{ending}"


def test_the_list_of_handouts(handout, browser):
    with opened_file(browser, handout("").with_name("index.html")) as page:
        assert not serious(page)


def test_a_narrow_page(handout, browser):
    """On a phone; test_handouts.py shows axe-core every lecture on a wide screen."""
    with opened_file(browser, handout(".html"), width=400) as page:
        assert not serious(page)
        page.add_style_tag(content=".c1 { color: #999 !important; }")
        assert any("color-contrast" in finding for finding in serious(page))


def test_slides(handout, browser):
    """axe-core judges what can be seen, so each eighth slide is shown to it."""
    with opened_file(browser, handout(".slides.html")) as page:
        for number in steps(page):
            if number % 8 == 0:
                assert not serious(page), number
        assert number > 20
