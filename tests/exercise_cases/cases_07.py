"""Answers to the exercises of notebook 07, error analysis."""

import csv

import numpy as np
import pandas as pd

from exercise_cases import Case, cases
from helpers.handwriting import Handwriting

nan, inf = float("nan"), float("inf")


@cases("07.1")
def _(scans):
    right = ["CBAD", "cbad", "C, B, A, D"]
    wrong = [
        ("DABC", "the shortest training comes first"),
        ("CABD", "2 of 4 are right"),
        ("BCDA", "0 of 4 are right"),
        ("CBA", "each of the letters A to D once"),
        ("CBAA", "each of the letters A to D once"),
        (["C", "B", "A", "D"], "four letters"),
    ]
    return Case({"mixed": [40, 20, 10, 80]}, right, wrong)


@cases("07.2", is_function=True)
def _(scans):
    def draws(values, writers, n=4000, seed=3):
        known = np.unique(writers)
        total = np.array([values[writers == w].sum() for w in known])
        size = np.array([(writers == w).sum() for w in known])
        drawn = np.random.default_rng(seed).integers(len(known), size=(n, len(known)))
        return total[drawn].sum(axis=1) / size[drawn].sum(axis=1)

    def ends(means, confidence):
        return np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])

    def right(first, second, writers, confidence):
        return ends(draws(second.astype(float) - first, writers), confidence)

    def by_percentile(first, second, writers, confidence):
        means = 100 * draws(second.astype(float) - first, writers, 2000, 8)
        low, high = np.percentile(means, [50 - 50 * confidence, 50 + 50 * confidence])
        return low / 100, high / 100

    def unpaired(first, second, writers, confidence):
        a, b = draws(first * 1.0, writers, seed=1), draws(second * 1.0, writers, seed=2)
        return ends(b - a, confidence)

    def of_the_second(first, second, writers, confidence):
        return ends(draws(second * 1.0, writers), confidence)

    def images(first, second, writers, confidence):
        return right(first, second, np.arange(len(first)), confidence)

    wrong = [
        (lambda a, b, w, c: right(b, a, w, c), "the second minus the first"),
        (lambda a, b, w, c: right(a, b, w, c)[::-1], "lower end comes first"),
        (images, "draw whole writers"),
        (lambda a, b, w, c: right(a, b, w, 0.95), "the interval of 0.95"),
        (unpaired, "where drawing writers gives"),
        (of_the_second, "where drawing writers gives"),
        (lambda a, b, w, c: right(a, b, w, c)[0], "two numbers"),
        ((0.1, 0.2), "the function itself"),
    ]
    return Case({}, [right, by_percentile, lambda *a: list(right(*a))], wrong)


@cases("07.3", is_function=True)
def _(scans):
    def parts(confidence, bins):
        return np.array_split(np.argsort(confidence, kind="stable"), bins)

    def right(confidence, correct, bins):
        return sum(
            abs(confidence[p].mean() - correct[p].mean()) * len(p) / len(confidence)
            for p in parts(confidence, bins)
        )

    def by_sums(confidence, correct, bins):
        gaps = [(confidence[p] - correct[p]).sum() for p in parts(confidence, bins)]
        return np.abs(gaps).sum() / len(confidence)

    def equal_width(confidence, correct, bins):
        place = (confidence * bins).astype(int).clip(0, bins - 1)
        return sum(abs((confidence - correct)[place == k].sum()) for k in range(bins)) / len(
            confidence
        )

    def unsorted(confidence, correct, bins):
        cut = np.array_split(np.arange(len(confidence)), bins)
        return sum(abs((confidence[p] - correct[p]).sum()) for p in cut) / len(confidence)

    def signed(confidence, correct, bins):
        return (confidence - correct).mean()

    wrong = [
        (equal_width, "equal width"),
        (unsorted, "sort by confidence"),
        (signed, "absolute"),
        (lambda c, r, b: right(c, r, 10), "with 4 bins it gave"),
        (lambda c, r, b: np.abs(c - r).mean(), "with 10 bins it gave"),
        (lambda c, r, b: 100 * right(c, r, b), "with 10 bins it gave"),
        (lambda c, r, b: [right(c, r, b)] * 2, "one number"),
        (0.17, "the function itself"),
    ]
    return Case({}, [right, by_sums], wrong)


def _keras():
    from helpers.quiet_keras import keras

    return keras, keras.layers


@cases("07.4", with_keras=True)
def _(scans):
    keras, layers = _keras()
    keras.utils.set_random_seed(4)
    X = np.random.default_rng(4).integers(0, 256, (9, 8, 6, 1), np.uint8)
    model = keras.Sequential(
        [keras.Input((8, 6, 1)), layers.Flatten(), layers.Rescaling(1 / 99), layers.Dense(5)]
    )
    T = 2.5

    def chain(*more):
        return keras.Sequential([keras.Input((8, 6, 1)), model, *more])

    other = keras.models.clone_model(model)
    inputs = keras.Input((8, 6, 1))
    functional = keras.Model(inputs, layers.Softmax()(model(inputs) / T))
    right = [chain(layers.Rescaling(1 / T), layers.Softmax()), functional]
    right += [chain(layers.Rescaling(1 / T), layers.Activation("softmax"))]
    wrong = [
        (chain(layers.Softmax()), "at T = 1"),
        (chain(layers.Rescaling(1 / T)), "softmax comes last"),
        (chain(layers.Rescaling(T), layers.Softmax()), "divide the logits by T"),
        (chain(layers.Softmax(), layers.Rescaling(1 / T), layers.Softmax()), "before softmax"),
        (keras.Sequential([other, layers.Rescaling(1 / T), layers.Softmax()]), "not softmax"),
        (chain(layers.Dense(4)), "predicts the shape (9, 4)"),
        (keras.Sequential([keras.Input((8, 6)), layers.Flatten()]), "its input has the shape"),
        (T, "the model itself"),
    ]
    return Case({"model": model, "T": T, "X": X}, right, wrong)


@cases("07.5")
def _(scans):
    folder = scans.data.folder.parent / "decided"
    bad = [f"Train/人/{k}.png" for k in range(12)]
    blank = [f"Train/大/{k}.png" for k in range(3)]
    good = [f"Train/口/{k}.png" for k in range(20)]
    folder.mkdir(exist_ok=True)
    with (folder / "planted-flaws.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["flaw", "file", "original"])
        writer.writerows([("wrong label", file, "") for file in bad])
        writer.writerows([("blank", file, "") for file in blank])
    data = Handwriting(folder, False, "")

    def table(delete=(), relabel=(), keep=()):
        made = [(f, "人", "delete", "") for f in delete]
        made += [(f, "人", "relabel", "口") for f in relabel]
        made += [(f, "人", "keep", "") for f in keep]
        return pd.DataFrame(made, columns=["file", "label", "decision", "new_label"])

    right = [
        table(blank, bad, good[:10]),
        table(bad, (), good),
        table(blank + bad[:5], bad[5:] + good[:14], good[14:]),
    ]
    wrong = [
        (table(bad, blank, good[:5]), "20 decisions so far"),
        (table((), (), bad + good), "you would change 0 of 32"),
        (table(bad[:9], (), good), "you would change 9 of 29"),
        (table(blank, bad[:7], good), "7 of the 10"),
        (table(bad, good[:13], good[13:]), "only 12 of the 25"),
        (bad, "the table of your decisions"),
        (pd.DataFrame({"file": bad}), "the table of your decisions"),
    ]
    return Case({"data": data}, right, wrong)


@cases("07.6", with_keras=True)
def _(scans):
    keras, layers = _keras()
    keras.utils.set_random_seed(6)
    X = scans.X[:40]

    def small(units):
        return keras.Sequential(
            [
                keras.Input((80, 60, 1)),
                layers.AveragePooling2D(20),
                layers.Flatten(),
                layers.Dense(units),
                layers.Dense(55),
            ]
        )

    good, other = small(9), small(8)
    y = good.predict(X, verbose=0).argmax(axis=1)
    turned = X[:, ::-1, ::-1].copy()
    z = good.predict(turned, verbose=0).argmax(axis=1)
    parts = ((turned, z), (X, y))
    right = [good, keras.Sequential([keras.Input((80, 60, 1)), *good.layers])]
    flat = keras.Sequential([keras.Input((80, 60, 1)), layers.Flatten(), layers.Dense(1)])
    wrong = [
        (other, "of the turned images, less than 0.900"),
        (flat, "not one number for each class"),
        (keras.Sequential([keras.Input((40, 30, 1)), layers.Flatten()]), "its input has the shape"),
        ("good", "the model itself"),
    ]
    return Case({"parts": parts, "least": (0.9, 0.9)}, right, wrong)
