"""Answers to the exercises of notebook 05, exploring a handwriting data set."""

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.model_selection import GroupShuffleSplit
from sklearn.neighbors import KNeighborsClassifier

from exercise_cases import Case, cases

nan, inf = float("nan"), float("inf")


@cases("05.1")
def _(scans):
    n = 32_206 * 4800
    right = [(n, 4 * n, n), [n, 4 * n, n], np.array([n, 4 * n, n]), (float(n), n * 4.0, n)]
    wrong = [
        ((4 * n, n, n // 4), "swapped"),
        ((n, n, n), "32 bits"),
        ((8 * n, 32 * n, 8 * n), "bits"),
        ((3 * n, 12 * n, 3 * n), "one channel"),
        ((4800, 19200, 4800), "one byte"),
        ((n, 4 * n, 2 * n), "a quarter"),
        ((n, 4 * n, n // 4), "a quarter"),
        (n, "three numbers"),
        ((n, 4 * n), "three numbers"),
    ]
    return Case({}, right, wrong)


@cases("05.2")
def _(scans):
    mixed = np.array(["by writer", "random", "stratified"])
    right = ["BCA", "bca", "B C A", "B,C,A", np.str_("BCA")]
    wrong = [
        ("ABC", "0 of 3 are right; look for random"),
        ("CBA", "1 of 3 are right; look for random"),
        ("BAC", "1 of 3 are right; look for stratified"),
        ("AAA", "each of the letters A to C once"),
        ("BC", "each of the letters A to C once"),
        (["B", "C", "A"], "give three letters"),
    ]
    return Case({"mixed": mixed}, right, wrong)


@cases("05.3", is_function=True)
def _(scans):
    def right(writers, seed):
        everybody = np.random.default_rng(seed).permutation(np.unique(writers))
        fifth = round(0.2 * len(everybody))
        part = np.full(len(writers), "train", dtype="U10")
        part[np.isin(writers, everybody[:fifth])] = "validation"
        part[np.isin(writers, everybody[fifth : 2 * fifth])] = "test"
        return part

    def with_scikit_learn(writers, seed):
        fifth = round(0.2 * len(np.unique(writers)))
        part, left = ["train"] * len(writers), np.arange(len(writers))
        for name in ("validation", "test"):
            cut = GroupShuffleSplit(1, test_size=fifth, random_state=seed)
            keep, held = next(cut.split(left, groups=writers[left]))
            for k in left[held]:
                part[k] = name
            left = left[keep]
        return part

    def by_image(writers, seed):
        n = len(writers)
        part = np.array(["train"] * (n - 2 * (n // 5)) + ["validation", "test"] * (n // 5))
        return np.random.default_rng(seed).permutation(part)

    def stratified(writers, seed):
        # A fifth of each writer's images: the notebook's other split.
        part = np.full(len(writers), "train", dtype="U10")
        for hand in np.unique(writers):
            mine = np.random.default_rng(seed).permutation(np.flatnonzero(writers == hand))
            part[mine[: len(mine) // 5 + 1]] = "test"
        return part

    def renamed(change):
        return lambda writers, seed: [change.get(p, p) for p in right(writers, seed).tolist()]

    def two_parts(writers, seed):
        cut = GroupShuffleSplit(1, test_size=0.2, random_state=seed)
        return next(cut.split(writers, groups=writers))

    wrong = [
        (by_image, "is in train and in validation"),
        (stratified, "is in train and in test"),
        (two_parts, "one name of a part for each"),
        (renamed({"test": "train"}), "0 are in test"),
        (renamed({"validation": "val"}), "'val' is not train"),
        (renamed({"train": "test", "test": "train"}), "6 are in test instead of 2"),
        (lambda w, seed: right(w, 3), "another seed"),
        (lambda w, seed: right(w, None), "the same seed"),
        (lambda w, seed: right(w, seed)[:-1], "for each of"),
        (right(np.arange(10), 1), "the function itself"),
    ]
    return Case({}, [right, with_scikit_learn, renamed({})], wrong)


@cases("05.4", is_function=True)
def _(scans):
    def right(A, B, most):
        off = np.abs(A[:, None].astype(int) - B).max(axis=(2, 3, 4))
        return [(int(i), int(j)) for i, j in np.argwhere(off <= most)]

    def one_by_one(A, B, most):
        return {
            (i, j)
            for i, a in enumerate(A)
            for j, b in enumerate(B)
            if np.maximum(a, b).max() >= 0 and (np.maximum(a, b) - np.minimum(a, b)).max() <= most
        }

    def as_array(A, B, most):
        return np.array(right(A, B, most)).reshape(-1, 2)

    def equal_bytes(A, B, most):
        places = {image.tobytes(): i for i, image in enumerate(A)}
        return [
            (places[image.tobytes()], j) for j, image in enumerate(B) if image.tobytes() in places
        ]

    def wraps(A, B, most):
        off = (A[:, None] - B).max(axis=(2, 3, 4))
        return np.argwhere(off <= most).tolist()

    def of_means(A, B, most):
        off = np.abs(A[:, None].astype(int) - B).mean(axis=(2, 3, 4))
        return np.argwhere(off <= most).tolist()

    wrong = [
        (equal_bytes, "differ by at most"),
        (wraps, "is missing"),
        (of_means, "one pixel differs by"),
        (lambda A, B, most: right(A, B, most + 1), "is no pair"),
        (lambda A, B, most: [(j, i) for i, j in right(A, B, most)], "i counts images of A"),
        (lambda A, B, most: [], "is missing"),
        (lambda A, B, most: [i for i, _ in right(A, B, most)], "two whole numbers"),
        (lambda A, B, most: [(i, j, 0) for i, j in right(A, B, most)], "two whole numbers"),
        (lambda A, B, most: [*right(A, B, most), (99, 0)], "no pair (99, 0)"),
        (lambda A, B, most: "none", "a list of pairs"),
        ([(0, 1)], "the function itself"),
    ]
    return Case({}, [right, one_by_one, as_array], wrong)


@cases("05.5", is_function=True)
def _(scans):
    def right(image):
        return (image < np.median(image) - 20).mean() < 0.02

    def darkest(image):
        # The mean of the darkest hundredth or two, against the paper's.
        ranked = np.sort(image.ravel()).astype(float)
        return bool(ranked[-2400] - ranked[96:144].mean() < 25)

    def fixed(level, share=0.02):
        return lambda image: bool((image < level).mean() < share)

    wrong = [
        (fixed(230), "a blank scan on paper of 230"),
        (fixed(128), "a character on paper of 255, in ink 45"),
        (fixed(250, 0.6), "a character on paper of 255"),
        (lambda image: bool(image.min() > 180), "a blank scan on paper of 255 and 3 specks"),
        (lambda image: True, "a character"),
        (lambda image: False, "a blank scan"),
        (lambda image: 1, "True or False"),
        (lambda image: (image < 230).mean(), "True or False"),
        (True, "the function itself"),
    ]
    return Case({}, [right, darkest], wrong)


@cases("05.6", is_function=True, with_keras=True)
def _(scans):
    from helpers.images import load_folder
    from helpers.quiet_keras import keras

    options = {"color_mode": "grayscale", "image_size": (40, 30), "shuffle": False}
    options |= {"batch_size": 32, "verbose": False}

    def read(folder, **changed):
        return keras.utils.image_dataset_from_directory(folder, **options | changed)

    def ink(images, labels):
        return 1 - images / 255, labels

    def right(folder):
        return read(folder).map(ink)

    def with_a_layer(folder):
        layer = keras.layers.Rescaling(-1 / 255, offset=1)
        dataset = read(folder, interpolation="area", batch_size=None)
        return dataset.map(lambda image, label: (layer(image), label)).batch(32)

    def changed(**options):
        return lambda folder: read(folder, **options).map(ink)

    wrong = [
        (read, "not from 0 to 1"),
        (lambda f: read(f).map(lambda x, y: (x / 255, y)), "turn it round"),
        (changed(image_size=(80, 60)), "not (32, 40, 30, 1)"),
        (changed(image_size=(30, 40)), "not (32, 40, 30, 1)"),
        (changed(color_mode="rgb"), "not (32, 40, 30, 1)"),
        (changed(batch_size=64), "64 images, not 32"),
        (changed(shuffle=True, seed=1), "another order"),
        (changed(label_mode="categorical"), "whole numbers"),
        (lambda f: right(f).take(3), "it gives 96 images of 385"),
        (lambda f: read(f).map(lambda x, y: 1 - x / 255), "should be pairs"),
        (lambda f: read(f).map(lambda x, y: (0 * x, y)), "not the images of the folder"),
        (lambda f: load_folder(f, 40, 30).X, "return a dataset"),
    ]
    return Case({"folder": scans.data.poorly_written}, [right, with_a_layer], wrong)


@cases("05.7", is_function=True)
def _(scans):
    # Sixty images, moved by a pixel and paler: "who" of them is it?
    X = scans.X[:240:4]
    y = np.arange(60)
    random = np.random.default_rng(57)
    moved = np.roll(X, 1, axis=2)
    paler = (255 - (255 - moved.astype(int)) // random.integers(1, 4, (60, 1, 1, 1))).astype(
        "uint8"
    )
    every = np.concatenate([X, paler, np.roll(paler, 1, axis=1)])
    labels = np.concatenate([y, y, y])
    split = np.r_[0:60, 60:120], np.arange(120, 180)

    def ink(X):
        return 255 - X.reshape(len(X), 40, 2, 30, 2).mean((2, 4), dtype="float32")

    def edges(X):
        down, right = np.gradient(ink(X), axis=(1, 2))
        maps = [np.maximum(edge, 0) for edge in (down, -down, right, -right)]
        small = [gaussian_filter(one, (0, 2, 2))[:, ::4, ::4] for one in maps]
        return np.stack(small, axis=1).reshape(len(X), -1)

    def softly(X):
        return gaussian_filter(ink(X), (0, 1, 1)).reshape(len(X), -1)

    def score(features):
        part, held_out = split
        F = features(every)
        model = KNeighborsClassifier(5, metric="cosine").fit(F[part], labels[part])
        return model.score(F[held_out], labels[held_out])

    def means(X):
        return X.mean(axis=(1, 2, 3))[:, None].astype(float)

    least = min(score(edges), score(softly))
    given = {"X": every, "y": labels, "split": split, "least": least}
    wrong = [
        (means, "less than"),
        (lambda X: X.reshape(len(X), -1), "more than 2,000"),
        (lambda X: edges(X)[:10], "not (20, at most"),
        (lambda X: edges(X).ravel(), "not (20, at most"),
        (lambda X: edges(X) - edges(X).mean(axis=0), "depend on the other images"),
        (lambda X: edges(X) / 0, "not finite"),
        (lambda X: [["a"]] * len(X), "an array of shape"),
        (edges(X), "the function itself"),
    ]
    return Case(given, [edges, softly], wrong)
