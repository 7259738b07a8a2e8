"""Answers to the exercises of notebook 04, pooling and the classic networks."""

import numpy as np

from exercise_cases import Case, cases


@cases("04.1")
def _(scans):
    maxima, averages = [[7, 4], [5, 8]], [[3.25, 2], [-0.5, 2]]
    right = [(maxima, averages), [maxima, averages]]
    right += [np.array([maxima, averages])]
    wrong = [
        ((averages, maxima), "maxima come first"),
        ((maxima, [[13, 8], [-2, 8]]), "sums"),
        (([[7, 5], [4, 8]], averages), "swapped"),
        (([[7, 4], [-9, 8]], averages), "not the largest in size"),
        (([[5, 4], [5, 8]], averages), "a maximum is wrong"),
        ((maxima, [[3.25, 2.5], [3, 6]]), "mind the signs"),
        (maxima, "two 2x2 arrays"),
        ((maxima, [[3.25, 2, 0], [0, 2, 0]]), "two 2x2 arrays"),
    ]
    return Case({}, right, wrong)


@cases("04.2")
def _(scans):
    right = [(31, 23), [31, 23], np.array([31.0, 23.0])]
    wrong = [
        ((32, 24), "round down"),
        ((250 / 8, 190 / 8), "round down"),
        ((23, 31), "height comes first"),
        ((125, 95), "three pooling layers"),
        ((30, 22), "three times"),
        (31, "two numbers"),
    ]
    return Case({}, right, wrong)


@cases("04.3")
def _(scans):
    right = [338186, 338186.0, np.int64(338186)]
    wrong = [
        (61706, "each flattened value"),
        (324600, "alone"),
        (338066, "bias"),
        (13586 + 16 * 16 * 16 * 120 + 120, "no padding"),
        (400000, "follow the sizes"),
    ]
    return Case({}, right, wrong)


def _model(inputs, *layers):
    """A Keras model: (kind, arguments, named arguments) of each layer."""
    from helpers.quiet_keras import keras

    model = keras.Sequential([keras.Input(inputs)])
    for kind, arguments, named in layers:
        model.add(getattr(keras.layers, kind)(*arguments, **named))
    return model


CONV = ("Conv2D", (32, 3), {"activation": "relu"})
BARE = ("Conv2D", (32, 3), {})
POOL = ("MaxPooling2D", (2,), {})
FLAT = ("Flatten", (), {})


def _digits(*layers, logits=10, **named):
    return _model((28, 28, 1), *layers, FLAT, ("Dense", (logits,), named))


@cases("04.4", with_keras=True)
def _(scans):
    relu = ("ReLU", (), {})
    right = [
        _digits(CONV, POOL, CONV, POOL),
        _digits(BARE, relu, POOL, BARE, ("LeakyReLU", (), {}), POOL),
    ]
    wrong = [
        (_digits(POOL, BARE, BARE, logits=1, activation="softmax"), "MaxPooling2D, Conv2D, Conv2D"),
        (_digits(CONV, POOL, BARE, POOL), "second convolution has no activation"),
        (_digits(BARE, POOL, CONV, POOL), "first convolution has no activation"),
        (_digits(("Conv2D", (16, 3), {}), POOL, CONV, POOL), "first convolution does not have 32"),
        (_digits(CONV, POOL, CONV, ("MaxPooling2D", (3,), {})), "not 2x2"),
        (_digits(CONV, POOL, CONV, POOL, logits=1), "not 1"),
        (_digits(CONV, POOL, CONV, POOL, activation="softmax"), "has softmax"),
        (_model((32, 32, 1), CONV), "input has the shape (32, 32, 1)"),
        ("ReLU", "the model itself"),
    ]
    return Case({}, right, wrong)


def _constant(weight, bias=0.0, size=2, stride=2, more=()):
    """One convolution of 6 x 6 images whose weights are all alike."""
    named = {"strides": stride, "kernel_initializer": "ones"}
    model = _model((6, 6, 1), ("Conv2D", (1, size), named), *more)
    model.set_weights([np.full((size, size, 1, 1), weight), np.full(1, bias)])
    return model


@cases("04.5", with_keras=True)
def _(scans):
    without = _model((6, 6, 1), ("Conv2D", (1, 2, 2), {"use_bias": False}))
    without.set_weights([np.full((2, 2, 1, 1), 0.25)])
    right = [_constant(1 / 4), without]
    wrong = [
        (_constant(1), "sums of four"),
        (_constant(1 / 4, bias=1), "look at the bias"),
        (_constant(1 / 9), "print model.get_weights()"),
        (_constant(1 / 4, stride=1), "(5, 5, 1), not (3, 3, 1)"),
        (_model((6, 6, 1), ("AveragePooling2D", (2,), {})), "it consists of AveragePooling2D"),
        (_constant(1 / 4, more=[("ReLU", (), {})]), "Conv2D, ReLU: one Conv2D"),
        (0.25, "the model itself"),
    ]
    return Case({}, right, wrong)


@cases("04.6", with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    keras.utils.set_random_seed(46)
    reader = _digits(CONV, ("GlobalAveragePooling2D", (), {}))
    X = np.random.default_rng(46).random((50, 28, 28, 1), "float32")
    y = np.asarray(reader(X)).argmax(axis=1)  # untrained, and right by definition
    same = keras.models.clone_model(reader)
    same.set_weights(reader.get_weights())
    wrong = [
        (_digits(logits=10), "Flatten, Dense: a CNN has a convolution"),
        (_digits(CONV), "more than 20,000"),
        (_digits(CONV, ("GlobalAveragePooling2D", (), {}), logits=2), "ten logits"),
        (_model((28, 28, 3), CONV), "input has the shape (28, 28, 3)"),
        (0.97, "the model itself"),
    ]
    worse = keras.models.clone_model(reader)
    worse.set_weights([-weight for weight in reader.get_weights()])
    wrong.append((worse, "of the test digits, and 97% is the goal"))
    return Case({"X": X, "y": y}, [reader, same], wrong)
