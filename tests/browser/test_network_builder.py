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
from browser import opened, page_of, serious, shown
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


def random_layer(chance):
    """A layer as builder.js keeps it, small enough for Keras to be quick."""
    kind = chance.choice(
        ["Conv2D", "MaxPooling2D", "AveragePooling2D", "Dense", "Flatten", "GlobalAveragePooling2D"],
        p=[0.42, 0.18, 0.14, 0.14, 0.08, 0.04],
    )
    layer = {"kind": str(kind)}
    activation = {
        "bias": bool(chance.random() < 0.7),
        "activation": str(chance.choice(["none", "relu", "tanh", "sigmoid"])),
    }
    place = {
        "size": int(chance.choice([1, 2, 3, 3, 4, 5, 7])),
        "stride": int(chance.choice([1, 1, 2, 3])),
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
        layers = [random_layer(chance) for _ in range(chance.integers(1, 8))]
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
    return keras.Model(model.inputs, [layer.output for layer in model.layers])


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
    """240 random networks with the page's numbers, and the presets."""
    with arithmetic(browser) as computed:
        yield computed(list(random_networks(240)))


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
    assert accepted >= 100
    assert len(networks) - accepted >= 40  # impossible ones


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
        if count and field <= 40:
            side = 3 * field + 30
            layers = found["network"]["layers"][:count]
            larger.append({"input": [side, side, 1], "layers": layers})
    assert len(larger) >= 80
    with arithmetic(browser) as computed:
        for found in computed(larger):
            for row, reached in zip(found["rows"], seen_along(transparent(found["code"]), 0), strict=True):
                n = reached.shape[1]
                middle = reached[:, n // 2, n // 2, 0]
                assert row["sees"] == [extent(middle)] * 2, found["code"]
    vectors = 0
    for found in possible:
        model = None
        for i, row in enumerate(found["rows"]):
            if len(row["shape"]) == 3 or found["network"]["layers"][i]["kind"] == "Flatten":
                continue
            model = model or transparent(found["code"])
            reached = [extent(seen_along(model, axis)[i].any(axis=1)) for axis in (0, 1)]
            assert row["sees"] == reached, found["code"]
            vectors += 1
    assert vectors >= 40
