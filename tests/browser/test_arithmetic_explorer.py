"""The convolution-arithmetic explorer shows the numbers of helpers.convolution."""

import random
import re

import explorer_pictures
import numpy as np
import pytest
from browser import opened, page_of, shown
from PIL import Image

from helpers import convolution
from helpers.explorers import FOLDER, arithmetic
from helpers.files import CourseError

STEPS = [1, 2, 3, 4, 8, 16, 32, 64, 128, 256, 512]
"""Where the sliders of channels and filters stop."""

CARD = ".conv-arith"

START = {
    "size": 6,
    "kernel": 3,
    "padding": "valid",
    "stride": 1,
    "dilation": 1,
    "channels": 1,
    "filters": 32,
    "layers": 1,
}

LEAST = START | {"size": 3, "kernel": 1, "filters": 1}
GREATEST = {
    "size": 64,
    "kernel": 11,
    "padding": "full",
    "stride": 4,
    "dilation": 4,
    "channels": 512,
    "filters": 512,
    "layers": 6,
}


def some_settings():
    """Settings: the extremes, cases worth naming, and random ones."""
    yield from (LEAST, GREATEST, GREATEST | {"stride": 1})
    yield LEAST | {"padding": 5, "layers": 2}  # corners see padding alone
    yield START | {"size": 5, "kernel": 7}  # the first layer does not fit
    yield START | {"kernel": 5, "padding": 1, "dilation": 3}  # nor with padding
    yield START | {"size": 9, "kernel": 5, "layers": 3}  # nor here the third
    yield START | {"size": 28, "padding": "same", "stride": 2, "layers": 3}
    yield START | {"size": 32, "kernel": 3, "layers": 3}  # sees 7 x 7
    chance = random.Random(5)
    for _ in range(52):
        yield {
            "size": chance.randint(3, 64),
            "kernel": chance.randint(1, 11),
            "padding": chance.choice(["valid", "same", "full", 0, 1, 2, 5]),
            "stride": chance.randint(1, 4),
            "dilation": chance.choice([1, 1, 2, 3, 4]),
            "channels": chance.choice(STEPS),
            "filters": chance.choice(STEPS),
            "layers": chance.choice([1, 1, 2, 3, 6]),
        }


def shape(*sides):
    return " x ".join(map(str, sides))


def expected(settings):
    """What each line of the explorer must say; "" where it stays empty."""
    n, k, padding, s, d, channels, filters, layers = settings.values()
    conv = {"stride": s, "dilation": d}
    before, after = convolution.padding_of(n, k, padding, **conv)
    volume = f"{k} · {k} · {channels}"
    weights = convolution.parameters(k, channels, filters)
    fields = [convolution.receptive_field([(k, s, d)] * depth) for depth in range(1, layers + 1)]
    chain, parameters, multiplications, refusal = [n], 0, [], ""
    for layer in range(layers):
        of = channels if layer == 0 else filters
        parameters += convolution.parameters(k, of, filters)
        try:
            out = convolution.output_size(chain[-1], k, padding, **conv)
        except CourseError as error:
            reason = str(error).split(":")[0]
            refusal = f"Layer {layer + 1}: a{reason[1:]}."
            break
        chain.append(out)
        multiplications.append(convolution.multiplications((out, out, filters), k, of))
    around = before if before == after else f"{before} before, {after} after"
    lines = {
        "input": f"Input {shape(n, n)}, padding {around}",
        "last": "No output",
        "which": f"Layer 1 of {layers}" * (layers > 1),
        "size": f"floor(({n} + {before} + {after} − {d} · ({k} − 1) − 1) / {s}) + 1",
        "output": "none",
        "field": "none",
        "parameters": f"({volume}) · {filters} + {filters} = {weights:,}",
        "multiplications": "none",
        "chain": "",
        "total": "",
        "refusal": refusal,
        "spoken": refusal,
    }
    if len(chain) > 1:
        out = chain[1]
        where = f"Layer {len(chain) - 1}:" if len(chain) > 2 else "Output"
        lines["last"] = f"{where} {shape(chain[-1], chain[-1])}"
        lines["size"] += f" = {out}"
        lines["output"] = shape(out, out, filters)
        lines["field"] = shape(fields[0], fields[0])
        lines["multiplications"] = (
            f"{out} · {out} · {filters} · ({volume}) = {multiplications[0]:,}"
        )
    shapes = [shape(n, n, channels)]
    shapes += [shape(out, out, filters) for out in chain[1:]]
    if layers > 1:
        lines["chain"] = " → ".join(shapes + ["does not fit"] * bool(refusal))
    if not refusal:
        totals = (
            f"{parameters:,} parameters, {sum(multiplications):,} "
            f"multiplications, receptive field {shape(fields[-1], fields[-1])}."
        )
        lines["spoken"] = f"Output {shapes[-1]}, {totals}"
        if layers > 1:
            lines["total"] = f"All {layers} layers: {totals}"
    notes = []
    if refused := convolution.refused_by_keras(**conv):
        notes.append(f"{refused}.")
    if padding not in ("valid", "same") and before:
        notes.append(f'In Keras: ZeroPadding2D({before}), then Conv2D with "valid".')
    return lines | {"keras": " ".join(notes)}


def spelled_out(text):
    """The numbers that "1 to 3, 5" stands for."""
    ends = [list(map(int, part.split(" to "))) for part in text.split(", ")]
    return [n for end in ends for n in range(end[0], end[-1] + 1)]


def lines_of(card):
    """{name: text} of everything that the explorer says, but the current place."""
    return card.evaluate(
        """card => Object.fromEntries(
            [...card.querySelectorAll("[data-result]")]
            .filter((shown) => shown.dataset.result !== "place")
            .map((shown) => [shown.dataset.result, shown.textContent]))"""
    )


def move(card, settings):
    """Set every control to `settings`, with the events of a user's hand."""
    values = {
        name: STEPS.index(value) if name in ("channels", "filters") else value
        for name, value in settings.items()
    }
    if not isinstance(settings["padding"], str):
        values |= {"padding": "explicit p", "amount": settings["padding"]}
    card.evaluate(
        """(card, values) => {
            for (const [name, value] of Object.entries(values)) {
                const control = card.querySelector(`[name=${name}]`);
                control.value = value;
                control.dispatchEvent(new Event("input", { bubbles: true }));
            }
        }""",
        values,
    )


@pytest.fixture
def explorer(browser):
    """The explorer with its own start values, alone on a page."""
    with opened(browser, page_of(shown(arithmetic))) as page:
        yield page.locator(CARD)


def place_of(card):
    return card.locator("[data-result=place]").inner_text()


def test_shows_the_numbers_of_the_helpers(explorer):
    for settings in some_settings():
        move(explorer, settings)
        assert lines_of(explorer) == expected(settings), settings


def test_starts_with_the_sentence_of_one_small_layer(explorer):
    assert lines_of(explorer) == expected(START)
    assert lines_of(explorer)["spoken"] == (
        "Output 4 x 4 x 32, 320 parameters, 4,608 multiplications, receptive field 3 x 3."
    )


def test_draws_what_a_value_depends_on(explorer):
    """Rows of the input whose change reaches the value, found by changing them."""
    for settings in (
        START | {"size": 9, "padding": 2, "stride": 2, "dilation": 2},
        START | {"size": 12, "padding": "same", "stride": 2, "layers": 3},
        START | {"size": 11, "padding": "full", "dilation": 2, "layers": 2},
    ):
        move(explorer, settings)
        n, k, padding, s, d, *_, layers = settings.values()
        conv = {"stride": s, "dilation": d}
        before, after = convolution.padding_of(n, k, padding, **conv)
        reaches = []
        for row in range(n):
            image = np.zeros((n, n))
            image[row] = 1
            for _ in range(layers):
                image = convolution.correlate(image, np.ones((k, k)), 0, padding, **conv)
            reaches.append(image.any(axis=1))
        reaches = np.array(reaches)  # (rows of the input, rows of the output)
        for place in range(reaches.shape[1]):
            at = place * reaches.shape[1] + place + 1
            explorer.get_by_label("Place", exact=True).fill(str(at))
            drawn = explorer.locator("path[data-rows]")
            rows = drawn.get_attribute("data-rows")
            assert drawn.get_attribute("data-columns") == rows
            rows = [int(row) - before for row in rows.split()]
            assert -before <= rows[0] <= rows[-1] < n + after
            inside = [row for row in rows if 0 <= row < n]
            assert inside == list(np.flatnonzero(reaches[:, place])), settings
            said = explorer.get_by_role("application").get_attribute("aria-label")
            found = re.search(r"sees rows (.*) and columns (.*) of the", said)
            assert found[1] == found[2]
            assert spelled_out(found[1]) == [row + 1 for row in inside]


def test_keyboard_alone(explorer):
    keyboard = explorer.page.keyboard
    for keys in (
        ["ArrowRight"] * 4,  # size
        ["ArrowRight", "ArrowRight"],  # kernel
        ["s"],  # padding: same
        ["ArrowUp"],  # stride
        ["ArrowDown"],  # dilation: stays at its least
        ["End", "ArrowLeft"],  # channels
        ["Home", "ArrowRight"],  # filters
        ["ArrowRight"],  # layers
    ):
        keyboard.press("Tab")
        for key in keys:
            keyboard.press(key)
    settings = {
        "size": 10,
        "kernel": 5,
        "padding": "same",
        "stride": 2,
        "dilation": 1,
        "channels": 256,
        "filters": 2,
        "layers": 2,
    }
    assert lines_of(explorer) == expected(settings)
    keyboard.press("Tab")
    keyboard.press("End")
    assert place_of(explorer) == "row 3, column 3"
    keyboard.press("Tab")
    keyboard.press("Enter")  # Step, from the last place to the first
    assert place_of(explorer) == "row 1, column 1"
    keyboard.press("Tab")  # Play
    keyboard.press("Tab")  # the drawing
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp"):
        keyboard.press(key)
    assert place_of(explorer) == "row 1, column 3"


def test_arrow_keys_stay_in_the_explorer(explorer):
    """Or they would turn the slides."""
    explorer.page.evaluate("addEventListener('keydown', ({ key }) => { document.title += key; })")
    explorer.get_by_label("Kernel k").press("ArrowRight")
    explorer.locator("svg").press("ArrowRight")
    explorer.locator("svg").press("Escape")
    assert explorer.page.title() == "TestEscape"


def test_a_clicker_turns_slides_whatever_has_the_focus(browser):
    page = page_of(f'<div class="reveal">{shown(arithmetic)}</div>')
    with opened(browser, page) as page:
        # As reveal.js: it does not listen while somebody types.
        page.evaluate(
            """addEventListener("keydown", ({ key }) => {
                const typing = document.activeElement.matches("input, textarea");
                if (!typing) document.title += " " + key;
            })"""
        )
        slider = page.get_by_label("Input size n")
        slider.press("ArrowRight")
        slider.press("PageDown")
        assert slider.input_value() == "7"
        assert page.title() == "Test PageDown"


def test_what_the_drawing_says(explorer):
    drawing = explorer.get_by_role("application")

    def said(**settings):
        move(explorer, START | settings)
        return drawing.get_attribute("aria-label").partition(". ")[2]

    assert said() == (
        "Row 1, column 1 of the output sees rows 1 to 3 and columns 1 to 3 of the input."
    )
    assert "rows 1, 3, 5 and" in said(dilation=2)
    corner = "Row 1, column 1 of the output sees padding alone."
    assert said(padding=5) == corner
    assert said(size=5, kernel=7) == ("Layer 1: a kernel of size 7 does not fit into 5 pixels.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_drawing_stands_out(browser, scheme):
    """At least 3 to 1 (WCAG 1.4.11): edges on the page, marks on their grids."""
    html = page_of(shown(arithmetic), style=":root { color-scheme: light dark; }")
    with opened(browser, html, color_scheme=scheme) as page:
        explorer = page.locator(CARD)
        move(explorer, START | {"padding": 1})
        colours = explorer.evaluate(
            """card => Object.fromEntries([
                ["page", card, "backgroundColor"],
                ["edge", card.querySelector('svg [stroke="#767676"]'), "stroke"],
                ["seen", card.querySelector("svg [data-rows]"), "fill"],
                ["padding", card.querySelectorAll("svg rect")[0], "fill"],
                ["input", card.querySelectorAll("svg rect")[1], "fill"],
                ["output", [...card.querySelectorAll("svg rect")].at(-4), "fill"],
                ["place", [...card.querySelectorAll("svg rect")].at(-2), "fill"],
            ].map(([name, shape, kind]) => [name, getComputedStyle(shape)[kind]]))"""
        )
    lights = {name: light(colour) for name, colour in colours.items()}
    assert (lights["page"] < 0.1) == (scheme == "dark")
    for front, back in (
        ("edge", "page"),
        ("edge", "input"),
        ("seen", "input"),
        ("seen", "padding"),
        ("place", "output"),
    ):
        pair = [lights[name] for name in (front, back)]
        assert (max(pair) + 0.05) / (min(pair) + 0.05) >= 3, (front, back)


def light(colour):
    """The relative luminance of a colour "rgb(...)", 0 to 1, as WCAG defines it."""
    parts = np.array([int(part) / 255 for part in re.findall(r"\d+", colour)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize(
    ("padding", "stride", "style"),
    [(1, 1, ""), (2, 2, "body { zoom: 0.8; scale: 0.6; }")],
)
def test_pointing(browser, padding, stride, style):
    page = page_of(
        shown(arithmetic, size=12, padding=padding, stride=stride, layers=2),
        style=style,
    )
    with opened(browser, page) as page:
        card = page.locator(CARD)
        outlined = card.locator("svg rect").last  # the current value
        box = outlined.bounding_box()
        page.mouse.click(box["x"] + 1.5 * box["width"], box["y"] + 2.5 * box["height"])
        assert place_of(card) == "row 3, column 2"
        seen = card.locator("path[data-rows]").bounding_box()
        card.get_by_label("Place", exact=True).fill("1")
        page.mouse.click(  # near its middle
            seen["x"] + 0.55 * seen["width"], seen["y"] + 0.45 * seen["height"]
        )
        assert place_of(card) == "row 3, column 2"


def test_play(explorer):
    explorer.get_by_label("Input size n").fill("64")
    explorer.get_by_label("Place", exact=True).fill("3840")  # of 62 x 62 = 3844
    explorer.get_by_role("button", name="Play").click()
    explorer.get_by_text("row 62, column 62").wait_for()
    play = explorer.get_by_role("button", name="Play")
    play.click()
    explorer.get_by_text("row 1, column 3").wait_for()
    explorer.get_by_role("button", name="Pause").click()
    stopped = place_of(explorer)
    explorer.page.wait_for_timeout(150)  # ms, more than two steps
    assert place_of(explorer) == stopped


def test_does_not_play_for_those_who_asked_for_less_motion(browser):
    page = page_of(shown(arithmetic))
    with opened(browser, page, reduced_motion="reduce") as page:
        assert page.get_by_role("button", name="Play").count() == 0
        page.get_by_role("button", name="Step").click()
        assert place_of(page.locator(CARD)) == "row 1, column 2"


def test_start_values_and_several_on_a_page(browser):
    lenet = START | {
        "size": 32,
        "kernel": 5,
        "filters": 6,
    }  # no step of its own
    padded = GREATEST | {"padding": 4, "layers": 2}
    outputs = [shown(arithmetic, **start) for start in (lenet, padded, padded)]
    with opened(browser, page_of(*outputs)) as page:
        cards = page.locator(CARD)
        assert cards.count() == 3
        assert lines_of(cards.nth(0)) == expected(lenet)
        assert cards.nth(1).get_by_label("Padding p").input_value() == "4"
        cards.nth(1).get_by_label("Stride s").fill("1")
        assert lines_of(cards.nth(1)) == expected(padded | {"stride": 1})
        assert lines_of(cards.nth(2)) == expected(padded)

        page.evaluate(  # as a later cell does, whose script finds all of them
            """output => document.body.append(
                document.createRange().createContextualFragment(output))""",
            outputs[2],
        )
        page.locator(f"{CARD} >> nth=3").wait_for()
        assert lines_of(cards.nth(1)) == expected(padded | {"stride": 1})


@pytest.mark.parametrize(("width", "tallest"), [(1280, 430), (700, 500), (400, 1000), (320, 1100)])
def test_fits(browser, width, tallest):
    """In pixels, at the greatest numbers; nothing sticks out, no text is small."""
    page = page_of(shown(arithmetic, **GREATEST | {"stride": 1}))
    with opened(browser, page, width=width) as page:
        assert page.locator(CARD).bounding_box()["height"] <= tallest
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        sizes = page.locator(CARD).evaluate(
            """card => [...card.querySelectorAll("*")]
            .map((each) => getComputedStyle(each).fontSize)"""
        )
        assert min(float(size.removesuffix("px")) for size in sizes) >= 14


def test_the_picture_is_up_to_date():
    with Image.open(FOLDER / "arithmetic.png") as picture:
        assert picture.text["source"] == explorer_pictures.digest("arithmetic"), (
            "run python tests/browser/explorer_pictures.py"
        )
