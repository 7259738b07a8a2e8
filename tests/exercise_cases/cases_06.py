"""Answers to the exercises of notebook 06, logistic regression against a CNN."""

import numpy as np

from exercise_cases import Case, cases

nan, inf = float("nan"), float("inf")


@cases("06.1")
def _(scans):
    right = [
        12832,
        12832.0,
        np.int64(12832),
        np.array(12832),
        (5 * 5 * 16 + 1) * 32,
    ]
    wrong = [
        (12800, "bias"),
        (832, "input channel"),
        (800, "bias"),
        (401, "one filter"),
        (12801, "one bias"),
        (4640, "height x width"),
        ("12832", "one number"),
        ((12832,), "one number"),
    ]
    return Case({}, right, wrong)


@cases("06.2")
def _(scans):
    mixed = ["better CNN", "logistic", "CNN", "CNN, permuted pixels"]
    right = ["BCDA", "bcda", "B, C, D, A"]
    wrong = [
        ("ABCD", "0 of 4 are right; look for the logistic"),
        ("BCAD", "2 of 4 are right; look for the CNN, permuted pixels"),
        ("BADC", "2 of 4 are right; look for the CNN: it reads"),
        ("DCBA", "look for the logistic"),
        ("BCD", "each of the letters A to D once"),
        ("BCDD", "each of the letters A to D once"),
        (["B", "C", "D", "A"], "four letters"),
    ]
    return Case({"mixed": mixed}, right, wrong)


@cases("06.3", is_function=True)
def _(scans):
    def log_softmax(z):
        a = z - z.max(axis=1, keepdims=True)
        return a - np.log(np.exp(a).sum(axis=1, keepdims=True))

    def target(y, z, amount):
        return (1 - amount) * np.eye(z.shape[1])[y] + amount / z.shape[1]

    def right(y, z, amount):
        return -(target(y, z, amount) * log_softmax(z)).sum(axis=1)

    def in_two_parts(y, z, amount):
        logs = log_softmax(z)
        return (amount - 1) * logs[range(len(z)), y] - amount * logs.mean(axis=1)

    def naive(y, z, amount):
        logs = np.log(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))
        return -(target(y, z, amount) * logs).sum(axis=1)

    def rounded_to_0(y, z, amount):
        powers = np.exp(z - z.max(axis=1, keepdims=True))
        logs = np.log(powers / powers.sum(axis=1, keepdims=True))
        return -logs[range(len(z)), y] * (1 - amount) - amount * logs.mean(axis=1)

    def clipped(y, z, amount):
        powers = np.exp(z - z.max(axis=1, keepdims=True))
        logs = np.log((powers / powers.sum(axis=1, keepdims=True)).clip(1e-7))
        return -(target(y, z, amount) * logs).sum(axis=1)

    def one_maximum(y, z, amount):
        a = z - z.max()
        logs = a - np.log(np.exp(a).sum(axis=1, keepdims=True))
        return -(target(y, z, amount) * logs).sum(axis=1)

    def others_only(y, z, amount):
        share = amount / (z.shape[1] - 1)
        hot = np.eye(z.shape[1])[y]
        return -((hot * (1 - amount) + (1 - hot) * share) * log_softmax(z)).sum(axis=1)

    wrong = [
        (naive, "not finite"),
        (one_maximum, "each row's own"),
        (rounded_to_0, "may be 0"),
        (clipped, "gave"),
        (lambda y, z, a: right(y, z, 0), "changes nothing"),
        (lambda y, z, a: -right(y, z, a), "minus the sum"),
        (others_only, "at amount = 0.1"),
        (lambda y, z, a: right(y, z, a).mean(), "one loss for each row"),
        (lambda y, z, a: -target(y, z, a) * log_softmax(z), "one loss for each row"),
        (np.zeros(3), "the function itself"),
    ]
    accepted = [right, in_two_parts, lambda *a: right(*a).tolist()]
    return Case({}, accepted, wrong)


def _model(inputs, *layers):
    from helpers.quiet_keras import keras

    return keras.Sequential([keras.Input(inputs), *layers])


@cases("06.4", with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    layers = keras.layers
    random = np.random.default_rng(2)
    X = random.integers(0, 256, (9, 8, 6, 1), np.uint8)
    W, b = weights = [random.normal(size=(48, 3)), random.normal(size=3)]

    def with_weights(W, b, scale=1 / 255, offset=0.0):
        dense = layers.Dense(3, activation="softmax")
        model = _model((8, 6, 1), layers.Rescaling(scale, offset), layers.Flatten(), dense)
        dense.set_weights([W, b])
        return model

    right = [
        with_weights(-W, b + W.sum(axis=0)),
        with_weights(-W, b + W.sum(axis=0) + 7),  # softmax sees differences alone
    ]
    wrong = [
        (with_weights(W, b), "a pixel x of a negative is 1 - x"),
        (with_weights(-W, b), "now the biases"),
        (with_weights(-W, b - W.sum(axis=0)), "now the biases"),
        (with_weights(W[::-1], b), "away from those"),
        (with_weights(W, b, -1 / 255, 1), "leave Rescaling as it is"),
        (_model((8, 6, 1), layers.Flatten(), layers.Dense(3)), "its layers are Flatten, Dense"),
        (_model((8, 6), layers.Flatten(), layers.Dense(3)), "its input has the shape (8, 6)"),
        ([1, 2], "the model itself"),
    ]
    return Case({"weights": weights, "X": X}, right, wrong)


@cases("06.5", with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    layers = keras.layers
    X = scans.X[:40]
    keras.utils.set_random_seed(1)

    def small(units, classes=55):
        return _model(
            (80, 60, 1), layers.AveragePooling2D(20), layers.Flatten(), layers.Dense(units),
            layers.Dense(classes),
        )  # fmt: skip

    good = small(9)
    y = good.predict(X, verbose=0).argmax(axis=1)
    wide = _model((80, 60, 1), layers.Flatten(), layers.Dense(55))
    wide.set_weights([np.zeros((4800, 55)), np.zeros(55)])
    right = [good, _model((80, 60, 1), *good.layers)]
    wrong = [
        (wide, "264,055 parameters, more than 44,187"),
        (small(8), "of these images, less than 0.900"),
        (_model((80, 60, 1), layers.AveragePooling2D(20), layers.Flatten(), layers.Dense(1)),
         "not one number for each class"),
        (_model((80, 60, 1), layers.Conv2D(55, 3)), "not one number for each class"),
        (_model((40, 30, 1), layers.Flatten(), layers.Dense(5)), "its input has the shape"),
        ("small", "the model itself"),
    ]  # fmt: skip
    return Case({"X": X, "y": y, "least": 0.9}, right, wrong)
