"""The network builder in a real browser: every number is Keras's own.

The code that the page offers to copy is run, and the models that it builds are compared
with what the page says. Receptive fields are found by looking which rows and columns of
an image reach a value of a network whose weights are all 1.
"""

import re
from contextlib import contextmanager
from math import prod

import explorer_pictures
import keras
import numpy as np
import pytest
from browser import opened, page_of, shown
from PIL import Image

from helpers.explorers import FOLDER, NETWORKS, network_builder, source
from helpers.files import CourseError

CARD = ".cvb"

KNOWN = {  # parameters: the syllabus's, or the papers'
    "LeNet-5": 61_706,
    "The course's CNN": 88_375,
    "AlexNet": 62_378_344,
    "VGG16": 138_357_544,
}

# --- Random networks against Keras -----------------------------------------------


SPATIAL = ["Conv2D", "Conv2D", "Conv2D", "MaxPooling2D", "AveragePooling2D"]
ANY = [*SPATIAL, "Dense", "Flatten", "GlobalAveragePooling2D"]


def random_layer(chance, kinds):
    """A layer as builder.js keeps it, small enough for Keras to be quick."""
    kind = chance.choice(kinds)
    layer = {"kind": str(kind)}
    activation = {
        "bias": bool(chance.random() < 0.7),
        "activation": str(chance.choice(["none", "relu", "tanh", "sigmoid"])),
    }
    place = {
        "size": int(chance.choice([1, 2, 2, 3, 3, 4, 5])),
        "stride": int(chance.choice([1, 1, 1, 2, 3])),
        "padding": str(chance.choice(["valid", "same"])),
    }
    if kind == "Conv2D":
        return layer | {"filters": int(chance.integers(1, 9))} | place | activation
    if "Pooling2D" in kind and "Global" not in kind:
        return layer | place
    if kind == "Dense":
        return layer | {"units": int(chance.integers(1, 12))} | activation
    return layer


def random_networks(count, seed=4):
    chance = np.random.default_rng(seed)
    for _ in range(count):
        height, width = (int(n) for n in chance.integers(6, 41, 2))
        channels = int(chance.integers(1, 5))
        kinds = ANY if chance.random() < 0.25 else SPATIAL
        layers = [random_layer(chance, kinds) for _ in range(chance.integers(1, 7))]
        if chance.random() < 0.6:  # a head, as most networks have one
            head = ["Flatten"], ["GlobalAveragePooling2D"]
            layers += [random_layer(chance, head[chance.integers(2)])]
            layers += [random_layer(chance, ["Dense"]) for _ in range(chance.integers(3))]
        yield {"input": [height, width, channels], "layers": layers}


@contextmanager
def arithmetic(browser):
    """Yield a function from networks to what builder.js computes for them."""
    html = page_of(f'<script type="module">{source("builder")}\nObject.assign(window, '
                   "{ compute, codeOf, PRESETS });</script>")  # fmt: skip
    with opened(browser, html) as page:
        yield lambda networks: page.evaluate(
            """networks => networks.map((network) => ({
                network, code: codeOf(network), ...compute(network) }))""",
            networks,
        )


def built(code):
    """The model that copied code builds."""
    names = {}
    exec(code.replace("model.summary()", ""), names)
    return names["model"]


def transparent(code):
    """A model like the copied one through which every pixel can be seen: means for
    maxima, no activation, weights of 1 and biases of 0."""
    code = re.sub(', activation="[a-z]+"', "", code).replace("MaxPooling2D", "AveragePooling2D")
    model = built(code)
    model.set_weights([np.full(w.shape, 1.0 if w.ndim > 1 else 0.0) for w in model.get_weights()])
    return keras.Model(model.inputs[0], [layer.output for layer in model.layers])


def seen_along(model, axis):
    """For each layer, which rows (axis 0) or columns (1) of the input reach which values:
    an array (input, ...) of bool, the rest being the layer's output."""
    height, width, channels = model.inputs[0].shape[1:]
    n = (height, width)[axis]
    images = np.zeros((n, height, width, channels), np.float32)
    for i in range(n):
        images[(i, i) if axis == 0 else (i, slice(None), i)] = 1
    outputs = model(images)
    return [np.asarray(out) > 0 for out in (outputs if isinstance(outputs, list) else [outputs])]


def extent(flags):
    """From the first to the last True, both counted."""
    places = np.flatnonzero(flags)
    return int(places[-1] - places[0] + 1)


@pytest.fixture(scope="module")
def networks(browser):
    """300 random networks with the page's numbers."""
    with arithmetic(browser) as computed:
        yield computed(list(random_networks(300)))


def test_shapes_parameters_and_multiplications_are_those_of_keras(networks):
    accepted = 0
    for found in networks:
        try:
            model = built(found["code"])
        except ValueError:
            assert found["refusal"], found["code"]
            continue
        accepted += 1
        assert not found["refusal"], found["code"]
        rows = found["rows"]
        assert len(rows) == len(model.layers)
        assert sum(row["parameters"] for row in rows) == model.count_params()
        for row, layer in zip(rows, model.layers, strict=True):
            assert tuple(row["shape"]) == layer.output.shape[1:], found["code"]
            assert row["parameters"] == layer.count_params()
            assert row["multiplications"] == multiplications(layer), found["code"]
    assert accepted >= 200
    assert len(networks) - accepted >= 40  # impossible


def multiplications(layer):
    """Of one example, from the layer as Keras built it: each value of the output takes
    all weights of its filter or unit once."""
    if not layer.weights:
        return 0
    return prod(layer.output.shape[1:]) * prod(layer.kernel.shape[:-1])


def test_possible_until_the_layer_that_is_named(networks):
    """Without the layer that is refused and all after it, Keras builds the network."""
    for found in networks:
        if not found["refusal"]:
            continue
        number = int(re.match(r"Layer (\d+): ", found["refusal"])[1])
        assert number == len(found["rows"]) + 1
        lines = found["code"].splitlines()
        kept = [line for line in lines if line.startswith("        ")][:number]
        start = ["import keras", "from keras import layers", "model = keras.Sequential(["]
        model = built("\n".join([*start, *kept, "])"]))
        shapes = [layer.output.shape[1:] for layer in model.layers]
        assert [tuple(row["shape"]) for row in found["rows"]] == shapes


def test_receptive_fields_are_what_reaches_a_value(browser, networks):
    """On images so large that no field is cut off, and for vectors on the image itself."""
    possible = [found for found in networks if not found["refusal"]]
    larger = []
    for found in possible:
        # Volumes alone; a field of the greatest size fits beside the paddings.
        count = next(
            (i for i, row in enumerate(found["rows"]) if len(row["shape"]) == 1),
            len(found["rows"]),
        )
        field = max((row["sees"][0] for row in found["rows"][:count]), default=0)
        if count and field <= 24:
            side = 3 * field + 30
            layers = found["network"]["layers"][:count]
            larger.append({"input": [side, side, 1], "layers": layers})
    assert len(larger) >= 80
    with arithmetic(browser) as computed:
        for found in computed(larger[:60]):
            for row, reached in zip(
                found["rows"], seen_along(transparent(found["code"]), 0), strict=True
            ):
                n = reached.shape[1]
                middle = reached[:, n // 2, n // 2, 0]
                assert row["sees"] == [extent(middle)] * 2, found["code"]
    vectors = 0
    for found in possible[:120]:
        model = None
        for i, row in enumerate(found["rows"]):
            if len(row["shape"]) == 3 or found["network"]["layers"][i]["kind"] == "Flatten":
                continue
            model = model or transparent(found["code"])
            reached = [extent(seen_along(model, axis)[i].any(axis=1)) for axis in (0, 1)]
            assert row["sees"] == reached, found["code"]
            vectors += 1
    assert vectors >= 50


# --- The page --------------------------------------------------------------------


class Builder:
    """A builder on a page, worked with as a person does."""

    def __init__(self, page):
        self.page = page
        self.card = page.locator(CARD)
        self.list = self.card.get_by_role("listbox")

    def lines(self):
        """The code of each layer in the list, the input first."""
        return self.list.locator(".cvb-code").all_text_contents()

    def said(self, number):
        """What a screen reader says of a line, after its number."""
        line = self.list.get_by_role("option").nth(number)
        return line.get_attribute("aria-label").partition(": ")[2]

    def selected(self):
        return int(self.list.locator("[aria-selected=true]").get_attribute("data-layer"))

    def choose(self, number):
        self.list.get_by_role("option").nth(number).locator(".cvb-code").click()

    def add(self, kind):
        self.card.get_by_role("button", name=kind, exact=True).click()

    def set(self, name, value):
        field = self.card.locator(f".cvb-fields [name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)

    def text(self, part):
        return self.card.locator(f".cvb-{part}").text_content()

    def code(self):
        return self.card.locator("pre").text_content()


@contextmanager
def builder(browser, preset="LeNet-5", **settings):
    with opened(browser, page_of(shown(network_builder, preset)), **settings) as page:
        yield Builder(page)


@pytest.mark.parametrize("preset", NETWORKS)
def test_the_presets_show_what_keras_builds(browser, preset):
    with builder(browser, preset) as page:
        code = page.code()
        shown_lines = [page.said(i + 1) for i in range(len(page.lines()) - 1)]
        total = page.text("total")
    # The same networks, without drawing random numbers for 138 million weights.
    zeros = re.sub(r"(layers\.(?:Conv2D|Dense)\(.*)\),", r'\1, kernel_initializer="zeros"),', code)
    model = built(zeros)
    assert model.count_params() == KNOWN[preset]
    products = 0
    for line, layer in zip(shown_lines, model.layers, strict=True):
        products += multiplications(layer)
        shape = " x ".join(map(str, layer.output.shape[1:]))
        if layer.output.ndim == 2:
            shape = f"{layer.output.shape[1]:,}"
        assert f"output {shape}, {layer.count_params():,} parameters" in line
        assert f"{multiplications(layer):,} multiplications" in line
    assert f"{KNOWN[preset]:,}" in total
    assert f"{products:,}" in total


def test_where_the_parameters_are_and_where_the_work(browser):
    with builder(browser) as page:
        assert page.text("shares") == (
            "Convolutions hold 4 % of the parameters and do 86 % of the multiplications."
        )
        for number in range(3, 0, -1):  # both convolutions, the pool between them
            page.choose(number)
            page.card.get_by_role("button", name="Remove").click()
        assert "hold 0 %" in page.text("shares")


def test_layers_are_added_changed_and_removed(browser):
    with builder(browser) as page:
        page.choose(4)
        page.add("Conv2D")
        assert page.selected() == 5
        assert page.lines()[5] == 'Conv2D(16, 3, padding="same", activation="relu")'
        page.set("filters", "8")
        page.set("size", "5")
        page.set("stride", "2")
        page.set("padding", "valid")
        page.set("bias", "no")
        page.set("activation", "none")
        assert page.lines()[5] == "Conv2D(8, 5, strides=2, use_bias=False)"
        assert page.said(5) == (
            "Conv2D(8, 5, strides=2, use_bias=False), output 1 x 1 x 8, "
            "3,200 parameters, 3,200 multiplications, receptive field 32 x 32"
        )
        assert (
            page.card.get_by_role("combobox", name="Network", exact=True).input_value()
            == "Own network"
        )
        page.card.get_by_role("button", name="Remove").click()
        page.choose(0)
        page.set("height", "60")
        page.set("width", "44")
        page.set("channels", "3")
        assert page.lines()[0] == "keras.Input((60, 44, 3))"
        assert "output 12 x 8 x 16" in page.said(4)
        page.card.get_by_role("combobox", name="Network", exact=True).select_option("LeNet-5")
        assert "61,706" in page.text("total")


def test_the_stride_of_a_pool_follows_its_size_until_it_is_set(browser):
    with builder(browser) as page:
        page.choose(2)
        page.set("size", "3")
        assert page.lines()[2] == "AveragePooling2D(3)"
        page.set("stride", "2")
        page.set("size", "4")
        assert page.lines()[2] == "AveragePooling2D(4, strides=2)"


def test_impossible_networks_are_refused_in_the_terms_of_the_field(browser):
    with builder(browser) as page:
        page.choose(4)
        page.set("size", "11")
        assert page.text("refused") == (
            "Layer 4: a pool of 11 x 11 does not fit into 10 x 10. Choose a smaller pool, "
            'padding "same", or less pooling before it.'
        )
        assert page.said(4) == "AveragePooling2D(11), impossible"
        assert page.said(5) == "Flatten(), no input"
        assert page.text("total").startswith("Total up to there2,572")
        page.set("padding", "same")
        assert page.text("refused") == ""
        page.choose(5)
        page.add("Conv2D")
        assert page.text("refused") == (
            "Layer 6: Conv2D needs a volume of height x width x channels, but what arrives "
            "is a vector of 16 numbers: rows and columns are gone. Move it before the layer "
            "that made the vector."
        )
        page.card.get_by_role("button", name="Up").click()
        assert page.text("refused") == ""
        # Allowed by Keras, and worth a word.
        page.add("Dense")
        page.choose(7)
        page.add("Flatten")
        assert "a 1 x 1 convolution does" in page.text("notes")
        assert "Flatten changes nothing here" in page.text("notes")


def test_wrong_numbers_are_marked_and_change_nothing(browser):
    with builder(browser) as page:
        field = page.card.get_by_label("Kernel")
        for wrong in ("0", "12", "2.5", ""):
            field.fill(wrong)
            assert field.get_attribute("aria-invalid") == "true"
            assert page.text("error") == "Kernel takes a whole number from 1 to 11: it stays 5."
            assert page.lines()[1] == 'Conv2D(6, 5, activation="tanh")'
        field.fill("3")
        assert field.get_attribute("aria-invalid") is None
        assert page.text("error") == ""


def test_keyboard_alone(browser):
    with builder(browser) as page:
        keys = page.page.keyboard
        # Pages listen to keys, too: slides would turn.
        page.page.evaluate(
            "addEventListener('keydown', ({ key }) => { document.title += ' ' + key; })"
        )
        keys.press("Tab")
        keys.type("t")  # network: the course's CNN
        for _ in range(8):
            keys.press("Tab")  # six buttons, the drawing, the list
        assert page.list.evaluate("list => list === document.activeElement")
        keys.press("ArrowDown")
        assert page.selected() == 2
        keys.press("Alt+ArrowUp")
        assert page.lines()[1] == "MaxPooling2D(2)"
        assert page.selected() == 1
        keys.press("Alt+ArrowUp")  # the input stays the first
        assert page.lines()[1] == "MaxPooling2D(2)"
        keys.press("Delete")
        assert page.lines()[1].startswith("Conv2D(16")
        keys.press("End")
        assert page.selected() == 8
        keys.press("Home")
        keys.press("Delete")  # nor can it be removed
        assert len(page.lines()) == 9
        assert page.list.get_attribute("aria-activedescendant") == (
            page.list.get_by_role("option").first.get_attribute("id")
        )
        assert "Arrow" not in page.page.title()
        assert "Delete" not in page.page.title()


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_dragged_by_the_mouse(browser):
    with builder(browser) as page:
        options = page.list.get_by_role("option")
        page.page.mouse.move(*middle(options.nth(1)))
        page.page.mouse.down()
        page.page.mouse.move(*middle(options.nth(3)), steps=8)
        page.page.mouse.up()
        page.page.mouse.move(*middle(options.nth(6)))  # no longer held
        assert [line[:12] for line in page.lines()[1:4]] == [
            *("AveragePooli", "Conv2D(16, 5", "Conv2D(6, 5,"),
        ]
        assert page.selected() == 3


def test_dragged_by_a_finger_on_the_grip(browser):
    with builder(browser, has_touch=True, width=400, height=900) as page:
        page.page.locator(".cvb-table").scroll_into_view_if_needed()
        grips = page.list.locator(".cvb-grip")
        finger = page.page.context.new_cdp_session(page.page)

        def touch(kind, x=None, y=None):
            points = [] if x is None else [{"x": x, "y": y}]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        x, start = middle(grips.nth(1))
        _, end = middle(grips.nth(2))
        touch("touchStart", x, start)
        for share in (0.3, 0.7, 1.0):
            touch("touchMove", x, start + share * (end - start))
        touch("touchEnd")
        assert page.lines()[1] == "AveragePooling2D(2)"
        assert page.selected() == 2


def test_a_volume_of_the_drawing_marks_its_layer(browser):
    with builder(browser) as page:
        page.card.locator("svg [data-layer='3'] text").first.click()
        assert page.selected() == 3
        assert page.text("name") == "3: Conv2D"


def test_volumes_are_drawn_to_scale(browser):
    with builder(browser) as page:
        boxes = [
            [float(part) for part in box.values()]
            for box in page.card.locator("svg g > rect:not(.cvb-hit)").evaluate_all(
                "all => all.map(({ width, height }) => "
                "({ w: width.baseVal.value, h: height.baseVal.value }))"
            )
        ]
    sides = [32, 28, 14, 10, 5]
    channels = [1, 6, 6, 16, 16]
    scale = boxes[0][1] / 32
    assert [high for _, high in boxes[:5]] == pytest.approx([n * scale for n in sides])
    scale = boxes[1][0] / 6
    assert [deep for deep, _ in boxes[:5]] == pytest.approx([n * scale for n in channels])
    scale = boxes[5][1] / 400
    assert [tall for _, tall in boxes[5:]] == pytest.approx(
        [max(n * scale, 2) for n in (400, 120, 84, 10)]
    )


def test_the_code_is_copied(browser):
    with builder(browser) as page:
        page.card.get_by_text("Keras code").click()
        page.card.get_by_role("button", name="Copy").click()
        page.card.get_by_role("button", name="Copied").wait_for()
        page.page.evaluate("document.body.append(document.createElement('textarea'))")
        page.page.locator("textarea").press("Control+v")
        assert page.page.locator("textarea").input_value() == page.code()


def test_two_on_a_page(browser):
    output = shown(network_builder, "LeNet-5")
    with opened(browser, page_of(output, output)) as page:
        first, second = page.locator(CARD).all()
        first.get_by_role("button", name="Remove").click()
        assert first.locator("[role=option]").count() == 8
        assert second.locator("[role=option]").count() == 9
        ids = page.locator("[role=option]").evaluate_all("all => all.map(({ id }) => id)")
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("width", "tallest"),
    [(1240, 540), (1160, 560), (1000, 800), (700, 900), (390, 1250), (320, 1400)],
)
def test_fits(browser, width, tallest):
    with builder(browser, "VGG16", width=width) as page:
        assert page.card.bounding_box()["height"] <= tallest
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width
        sizes = page.card.evaluate(
            """card => [...card.querySelectorAll("*")]
            .map((each) => parseFloat(getComputedStyle(each).fontSize))"""
        )
        assert min(sizes) >= 14


def test_without_scripts_there_is_a_picture(browser):
    html = page_of(shown(network_builder))
    with opened(browser, html, java_script_enabled=False) as page:
        picture = page.get_by_role("img", name="The network builder")
        assert picture.bounding_box()["width"] > 500


def test_the_picture_is_up_to_date():
    with Image.open(FOLDER / "builder.png") as picture:
        assert picture.text["source"] == explorer_pictures.digest("builder"), (
            "run python tests/browser/explorer_pictures.py"
        )


def test_wrong_presets():
    with pytest.raises(CourseError, match="knows no 'ResNet'; it starts with LeNet-5, The"):
        network_builder("ResNet")
