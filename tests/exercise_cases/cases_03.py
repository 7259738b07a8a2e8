"""Answers to the exercises of notebook 03, padding and stride."""

import numpy as np

from exercise_cases import Case, cases


@cases("03.1")
def _(scans):
    right = [
        [28, 36, 14, 3, 112, 12],
        np.array([28, 36, 14, 3, 112, 12]),
        (28.0, 36, 14, 3, 112, 12),
    ]
    wrong = [
        ([28, 28, 14, 3, 112, 12], "(b)"),
        ([28, 36, 28, 3, 112, 12], "keeps the size at stride 1"),
        ([28, 36, 14, 10 / 3, 112, 12], "round down"),
        ([28, 36, 14, 2, 112, 12], "(d) one more"),
        ([28, 36, 14, 3, 111.5, 12], "(e) a size is a whole number"),
        ([28, 36, 14, 3, 112, 18], "dilation 4 spreads"),
        ([28, 36, 14, 3, 112], "six numbers"),
        (28, "six numbers"),
        ("28 36 14 3 112 12", "six numbers"),
    ]
    return Case({}, right, wrong)


@cases("03.2")
def _(scans):
    right = [[1, 3, 4, 4], (1.0, 3.0, 4.0, 4.0), np.array([1, 3, 4, 4])]
    wrong = [
        ([2, 6, 8, 8], "both sides together"),
        ([1, 3, 1, 2], "dilation 4 makes"),
        ([1, 3, 4, 2], "dilation 2 makes"),
        ([3, 7, 9, 9], "solve 2p"),
        ([1, 2, 4, 4], "(b) padding 2"),
        ([1, 3], "four numbers"),
    ]
    return Case({}, right, wrong)


@cases("03.3")
def _(scans):
    right = [
        [7712, 650, 9408, 2400],
        np.array([7712.0, 650, 9408, 2400]),
        (3 * 5 * 16 * 32 + 32, 64 * 10 + 10, 49 * 3 * 64, 288 + 2048 + 64),
    ]
    wrong = [
        ([7680, 650, 9408, 2400], "(a) each of the 32 filters has a bias"),
        ([512, 650, 9408, 2400], "all 16 channels"),
        ([241, 650, 9408, 2400], "one filter"),
        ([7712, 640, 9408, 2400], "(b) each of the 10"),
        ([7712, 20, 9408, 2400], "each of the 64 channels"),
        ([7712, 650, 9472, 2400], "use_bias=False"),
        ([7712, 650, 3136, 2400], "all 3 channels"),
        ([7712, 650, 9408, 18496], "plain convolution"),
        ([7712, 650, 9408, 2336], "have biases"),
        ([7712, 650, 9408, 2432], "no biases of its own"),
        ([7712, 650, 9408, 2121], "its own 3x3"),
        ([7712, 650, 9408, 1], "(d) count the weights"),
        (7712, "four numbers"),
    ]
    return Case({}, right, wrong)


@cases("03.4")
def _(scans):
    reflect, replicate = [5, 4, 5, 6, 5], [1, 1, 2, 3, 3]
    circular = [9, 7, 8, 9, 7]
    rows = [reflect, replicate, circular]
    right = [rows, np.array(rows), tuple(map(tuple, rows))]
    wrong = [
        ([replicate, replicate, circular], "not repeated"),
        ([reflect, circular, circular], "the one for circular"),
        ([reflect, replicate, reflect], "the one for reflect"),
        ([[0, 4, 5, 6, 0], replicate, circular], "corners"),
        ([reflect, replicate, [1, 7, 8, 9, 3]], "circular: the middle"),
        ([[0] * 5, replicate, circular], "not 0 0 0"),
        ([reflect, replicate], "three rows"),
        (reflect, "three rows"),
    ]
    return Case({}, right, wrong)


def _sequential(inputs, *layers):
    """A Keras model: (kind, filters, kernel, other arguments) of each layer."""
    from helpers.quiet_keras import keras

    model = keras.Sequential([keras.Input(inputs)] if inputs else [])
    for kind, filters, kernel, given in layers:
        numbers = [n for n in (filters, kernel) if n]
        model.add(getattr(keras.layers, kind)(*numbers, **given))
    return model


def _strides(*steps, filters=24, kernel=3, **given):
    """Convolutions of a 64 x 64 photo, one for each stride."""
    layers = [("Conv2D", filters, kernel, {"strides": s} | given) for s in steps]
    return _sequential((64, 64, 3), *layers)


@cases("03.5", with_keras=True)
def _(scans):
    right = [_strides(3, 2, 1), _strides(2, 3, 1), _strides((3, 2), (2, 3), 1)]
    wrong = [
        (_strides(2, 2, 2), "(7, 7, 24), not (8, 8, 24)"),
        (_strides(3, 2, 1, filters=8), "(8, 8, 8)"),
        (_strides(2, 4), "2 layers, not three"),
        (_strides(2, 2, 2, kernel=2), "(2, 2), not 3x3"),
        (_strides(2, 2, 2, padding="same"), "only strides"),
        (_strides(1, 1, 1, dilation_rate=9), "only strides"),
        (_sequential((64, 64, 1), ("Conv2D", 24, 3, {})), "input has the shape (64, 64, 1)"),
        (_sequential(None, ("Conv2D", 24, 3, {})), "begin the model with"),
        (_sequential((64, 64, 3), ("MaxPooling2D", 0, 2, {})), "MaxPooling2D; take Conv2D"),
        ([24, 3], "the model itself"),
    ]
    return Case({}, right, wrong)


def _same(*layers):
    """Layers of 16 channels with "same" padding: (kind, kernel, dilation) of each."""
    given = [
        (kind, 0 if kind[0] == "D" else 16, k, {"padding": "same", "dilation_rate": d})
        for kind, k, d in layers
    ]
    return _sequential((32, 32, 16), *given)


@cases("03.6", with_keras=True)
def _(scans):
    right = [
        _same(("Conv2D", 3, 1), ("Conv2D", 3, 3)),
        _same(*[("SeparableConv2D", 3, 1)] * 4),
        _same(("DepthwiseConv2D", 9, 1), ("Conv2D", 1, 1)),
    ]
    wrong = [
        (_same(*[("Conv2D", 3, 1)] * 4), "9,280 parameters"),
        (_same(("Conv2D", 9, 1)), "20,752 parameters"),
        (_same(("Conv2D", 3, 1), ("Conv2D", 3, 1)), "sees 5 x 5, not 9 x 9"),
        (_same(("Conv2D", 3, 4)), "with gaps: 89%"),
        (_same(("Conv2D", 3, 2), ("Conv2D", 3, 2)), "with gaps: 69%"),
        (_same(("DepthwiseConv2D", (9, 3), 1)), "sees 9 x 3"),
        (_sequential((32, 32, 16), ("Conv2D", 16, 9, {})), "(24, 24, 16), not (32, 32, 16)"),
        (_sequential((32, 32, 16), ("Flatten", 0, 0, {})), "a layer is Flatten"),
        (9, "the model itself"),
    ]
    return Case({}, right, wrong)


def _shrinking(*layers):
    """Layers for a 96 x 96 photo: (kind, filters, kernel, stride) of each."""
    given = [(kind, f, k, {"strides": s, "padding": "same"}) for kind, f, k, s in layers]
    return _sequential((96, 96, 3), *given)


@cases("03.7", with_keras=True)
def _(scans):
    start = [("Conv2D", 8, 5, 4), ("Conv2D", 16, 3, 2), ("Conv2D", 32, 3, 2)]
    tiny = [("DepthwiseConv2D", 0, 5, 4), ("DepthwiseConv2D", 0, 5, 4)]
    plain = [("Conv2D", n, 3, 2) for n in (16, 32, 64, 64)]
    right = [
        _shrinking(*start, ("SeparableConv2D", 64, 3, 1)),
        _shrinking(*tiny, ("SeparableConv2D", 64, 5, 1)),
    ]
    wrong = [
        (_shrinking(*plain, ("Conv2D", 64, 3, 1)), "it needs 8,957,952"),
        (_shrinking(*start, ("Conv2D", 64, 3, 1)), "it needs 1,340,928"),
        (_shrinking(*plain), "sees 31 x 31, not at least 48 x 48"),
        (_shrinking(*start), "not (6, 6, 64)"),
        (_shrinking(("Conv2D", 64, 3, 16)), "sees 3 x 3"),
        (_shrinking(("Conv2D", 8, 3, 4), ("Conv2D", 64, 5, 4), ("Conv2D", 64, 3, 1)), "gaps"),
        (_shrinking(("Conv2D", 64, 48, 16)), "at most 5 x 5"),
        (_sequential((96, 96, 3), ("AveragePooling2D", 0, 16, {})), "a layer is AveragePooling2D"),
        ("small", "the model itself"),
    ]
    return Case({}, right, wrong)
