"""Answers to the exercises of notebook 07, error analysis."""

import csv
import json

import numpy as np
import pandas as pd

from exercise_cases import Case, cases
from helpers.exercises import notebook_07
from helpers.handwriting import Handwriting, simulator
from helpers.images import load_folder

nan, inf = float("nan"), float("inf")


@cases("07.1")
def _(scans):
    right = ["BCA", "bca", "B, C, A"]
    wrong = [
        ("ACB", "the shortest training comes first"),
        ("BAC", "1 of 3 are right"),
        ("CAB", "0 of 3 are right"),
        ("BC", "each of the letters A to C once"),
        ("BCC", "each of the letters A to C once"),
        ("DCBA", "each of the letters A to C once"),
        (["B", "C", "A"], "three letters such as 'CBA'"),
    ]
    return Case({"mixed": [80, 10, 20]}, right, wrong)


@cases("07.2", is_function=True)
def _(scans):
    def right(first, second, writers):
        gain = second.astype(float) - first
        left = [gain[writers != one].mean() for one in np.unique(writers)]
        return min(left), max(left)

    def by_sums(first, second, writers):
        _, number = np.unique(writers, return_inverse=True)
        gain = np.bincount(number, weights=second.astype(float) - first)
        size = np.bincount(number)
        left = (gain.sum() - gain) / (size.sum() - size)
        return [left.min(), left.max()]

    def two_accuracies(first, second, writers):
        left = [
            second[writers != one].mean() - first[writers != one].mean() for one in set(writers)
        ]
        return np.array([np.min(left), np.max(left)])

    def alone(first, second, writers):
        gain = second.astype(float) - first
        own = [gain[writers == one].mean() for one in np.unique(writers)]
        return min(own), max(own)

    def mean_of_means(first, second, writers):
        gain = pd.Series(second.astype(float) - first).groupby(writers).mean().to_numpy()
        left = [np.delete(gain, k).mean() for k in range(len(gain))]
        return min(left), max(left)

    def drawn_again(first, second, writers):
        gain = pd.Series(second.astype(float) - first).groupby(writers).mean().to_numpy()
        drawn = np.random.default_rng(3).integers(len(gain), size=(2000, len(gain)))
        return np.quantile(gain[drawn].mean(axis=1), [0.025, 0.975])

    first_one = {}

    def remembered(first, second, writers):
        return first_one.setdefault("ends", right(first, second, writers))

    wrong = [
        (lambda a, b, w: right(b, a, w), "take the second minus the first"),
        (lambda a, b, w: right(a, b, w)[::-1], "the lowest comes first"),
        (lambda a, b, w: right(b, a, w)[::-1], "the lowest before the highest"),
        (lambda a, b, w: right(a, b, np.arange(len(a))), "leave out whole writers"),
        (alone, "single writers"),
        (mean_of_means, "average over images"),
        (lambda a, b, w: right(np.zeros_like(a), b, w), "the accuracy of the second"),
        (lambda a, b, w: 100 * np.array(right(a, b, w)), "not per cent"),
        (drawn_again, "where leaving out one writer at a time gives"),
        (remembered, "where leaving out one writer at a time gives"),
        (lambda a, b, w: right(a, b, w)[0], "two numbers"),
        ((0.1, 0.2), "the function itself"),
    ]
    return Case({}, [right, by_sums, two_accuracies], wrong)


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


def planted(folder):
    """(data, {flaw: paths}, {path: what was written}): the tables of the default size, whose
    scans nobody needs here."""
    jobs, flaws = simulator.plan(simulator.SIZES["default"], simulator.SEED)

    def path(place):
        return "{}/{}/{}.png".format(*place)

    folder.mkdir(exist_ok=True)
    about = {"size": "default", "seed": simulator.SEED}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
    with (folder / "planted-flaws.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["flaw", "file", "original"])
        writer.writerows([(flaw, path(place), "") for flaw, place, _ in flaws])
    by_flaw = {"": []}
    bad = {place: flaw for flaw, place, _ in flaws}
    written = {}
    for _, images in jobs:
        for place, character, _ in images:
            if place[0] == "Train":
                by_flaw.setdefault(bad.get(place, ""), []).append(path(place))
                written[path(place)] = character
    return Handwriting(folder, False, ""), by_flaw, written


def decided(delete=(), relabel=(), keep=()):
    """A table as the editor makes it. relabel: (path, new label)s."""
    made = [(f, f.split("/")[1], "delete", "") for f in delete]
    made += [(f, f.split("/")[1], "relabel", new) for f, new in relabel]
    made += [(f, f.split("/")[1], "keep", "") for f in keep]
    return pd.DataFrame(made, columns=["file", "label", "decision", "new_label"])


@cases("07.5")
def _(scans):
    data, by_flaw, written = planted(scans.data.folder.parent / "decided")
    bad, blank, good = by_flaw["wrong label"][:19], by_flaw["blank"][:4], by_flaw[""][:13]
    twins = by_flaw["duplicate"][:3]
    named = [(file, written[file]) for file in bad]
    other = {file: "人" if written[file] != "人" else "大" for file in bad + blank + good}
    misnamed = [(file, other[file]) for file in bad]

    right = [
        decided(blank, named, good),
        decided(blank + bad[8:], named[:8], good),
        decided(blank + good[:3], named, good[3:]),
        decided(blank, named[:16], bad[16:] + good),
        decided(blank, named[3:] + misnamed[:3], good),
        decided(blank + twins[:1], named, good + twins[1:]),
    ]
    wrong = [
        (decided(blank, named, good[:8]), "31 decisions so far: make 32"),
        (decided(blank, named[:8] * 4, good), "25 decisions so far"),
        (decided(bad + blank + good), "keep what is only ugly"),
        (decided(bad[8:] + blank + good[:4], named[:8], good[4:]), "keep what is only ugly"),
        (decided(blank, named + [(f, other[f]) for f in good]), "keep what is only ugly"),
        (decided((), (), bad + blank + good), "look again at what you would keep"),
        (decided(blank, misnamed, good), "look again at the new labels"),
        (decided((), named + [(f, other[f]) for f in blank], good), "look again at the new labels"),
        (decided(blank + bad, (), good), "give 8 wrong labels the right one"),
        (decided(blank + bad[7:], named[:7], good), "give 8 wrong labels the right one"),
        (bad, "the table of your decisions"),
        (pd.DataFrame({"file": bad}), "the table of your decisions"),
    ]
    return Case({"data": data}, right, wrong)


@cases("07.6", with_keras=True)
def _(scans):
    keras, layers = _keras()
    keras.utils.set_random_seed(6)
    turned, upright, labels = notebook_07._tilted_test(scans.data)

    def reader(columns):
        """A network of one layer; columns: its weights."""
        last = layers.Dense(columns.shape[1], use_bias=False)
        model = keras.Sequential(
            [keras.Input((80, 60, 1)), layers.AveragePooling2D(4), layers.Flatten(), last]
        )
        last.set_weights([columns])
        return model

    def rows(X):
        return X.reshape(len(X), 20, 4, 15, 4).mean(axis=(2, 4)).reshape(len(X), -1)

    def fitted(X, y):
        """That which reads these images best, by least squares."""
        wanted = np.eye(55)[y]
        R = rows(X) / 255
        return reader(np.linalg.solve(R.T @ R + 1e-3 * np.eye(300), R.T @ wanted) / 255)

    better = fitted(upright, labels)
    both, twice = np.concatenate([turned, upright]), np.concatenate([labels, labels])
    train, classes, _, _ = load_folder(scans.data.train)
    right = [fitted(both, twice)]
    right += [keras.Sequential([keras.Input((80, 60, 1)), *right[0].layers])]
    wrong = [
        (better, "of the turned test images, less than"),
        (fitted(turned, labels), "of the test images as they are, less than"),
        # Whoever trains on the images that the notebook turns still has to read these.
        (fitted(notebook_07._turned(train), classes), "of the turned test images, less than"),
        (reader(np.zeros((300, 1))), "not one number for each class"),
        (keras.Sequential([keras.Input((40, 30, 1)), layers.Flatten()]), "its input has the shape"),
        ("good", "the model itself"),
    ]
    return Case({"data": scans.data, "better": better}, right, wrong)
