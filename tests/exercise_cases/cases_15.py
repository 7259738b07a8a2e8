"""Answers to the exercises of notebook 15, a photo project."""

import base64
from html import escape

import numpy as np

from exercise_cases import Case, cases


@cases("15.1")
def _(scans):
    right = {"leaks": {2, 6, 7}, "groups": 7, "honest": 0.75}
    forms = [right, {"leaks": [7, 6, 2], "groups": 7.0, "honest": 3 / 4}]
    wrong = [
        (right | {"leaks": {2, 6}}, "a copy of a copy"),
        (right | {"leaks": {2, 6, 7, 9}}, "leak nothing"),
        (right | {"leaks": {1, 2, 5, 6, 7}}, "of the training part"),
        (right | {"leaks": {6, 7}}, "look up each test photo"),
        (right | {"leaks": 2}, "not a set"),
        (right | {"groups": 4}, "without a copy is a group"),
        (right | {"groups": 8}, "one group, not two"),
        (right | {"groups": 12}, "all of their copies are one"),
        (right | {"honest": 6 / 7}, "all seven test photos"),
        (right | {"honest": 2 / 3}, "count photos"),
        (right | {"honest": 75}, "not a percentage"),
        (right | {"honest": 0.5}, "without a copy in training"),
        ({"leaks": {2, 6, 7}}, "no 'groups'"),
        ([2, 6, 7], "give a dict"),
    ]
    return Case({}, forms, wrong)


@cases("15.2", is_function=True)
def _(scans):
    def means(grey):
        return grey.reshape(8, len(grey) // 8, 9, -1).mean(axis=(1, 3))

    def right(grey):
        small = means(grey)
        return (small[:, 1:] > small[:, :-1]).ravel()

    def with_diff(grey):
        return (np.diff(means(grey), axis=1) > 0).astype(int).reshape(64)

    def one_pixel(grey):
        small = grey[::2, ::2].astype(float)
        return (small[:, 1:] > small[:, :-1]).ravel()

    def wraps(grey):
        return (np.diff(means(grey).astype("uint8"), axis=1) > 0).ravel()

    def absolute(grey):
        small = means(grey)
        return right(grey) & (small[:, 1:] > 100).ravel()

    wrong = [
        (lambda grey: ~right(grey), "the right one of two neighbours"),
        (lambda g: (means(g)[:, 1:] < means(g)[:, :-1]).ravel(), "the right one"),
        (lambda g: (means(g)[:, 1:] >= means(g)[:, :-1]).ravel(), "equal neighbours"),
        (one_pixel, "not one of them"),
        (wraps, "wrap around"),
        (lambda grey: right(grey).reshape(8, 8).T.ravel(), "row by row"),
        (lambda grey: 255 * right(grey), "0 or 1"),
        (absolute, "neighbour to the left"),
        (lambda grey: right(grey).reshape(8, 8), "64 numbers"),
        (1.5, "the function itself"),
    ]
    return Case({}, [right, with_diff], wrong)


@cases("15.3", is_function=True)
def _(scans):
    def right(groups, share, seed):
        names = np.random.default_rng(seed).permutation(np.unique(groups))
        part = np.zeros(len(groups), bool)
        for name in names:
            if part.mean() >= share:
                break
            part |= groups == name
        return part

    def by_counts(groups, share, seed):
        names, counts = np.unique(groups, return_counts=True)
        order = np.random.default_rng(seed).permutation(len(names))
        reached = np.cumsum(counts[order]) >= share * len(groups)
        return np.isin(groups, names[order][: reached.argmax() + 1]).astype(int)

    def by_photo(groups, share, seed):
        order = np.random.default_rng(seed).permutation(len(groups))
        return np.isin(np.arange(len(groups)), order[: int(share * len(groups)) + 1])

    def share_of_groups(groups, share, seed):
        names = np.random.default_rng(seed).permutation(np.unique(groups))
        return np.isin(groups, names[: round(share * len(names))])

    wrong = [
        (by_photo, "tears group"),
        (share_of_groups, "less than the share"),
        (lambda groups, share, seed: right(groups, 2.5 * share, seed), "goes on after"),
        (lambda groups, share, seed: right(groups, share, 1), "other seeds"),
        (lambda groups, share, seed: right(groups, share, None), "the same seed"),
        (lambda groups, share, seed: np.flatnonzero(right(groups, share, seed)), "(n,) of True"),
        (lambda groups, share, seed: 2 * right(groups, share, seed), "True or False"),
        ([True, False], "the function itself"),
    ]
    return Case({}, [right, by_counts], wrong)


@cases("15.4", with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    layers = keras.layers

    def model(
        *first,
        scaling=(1 / 127.5, -1.0),
        norm=True,
        filters=16,
        pool=layers.GlobalAveragePooling2D,
        shape=(64, 64, 3),
        units=16,
        activation=None,
    ):
        x = inputs = keras.Input(shape)
        for layer in first:
            x = layer(x)
        if scaling:
            x = layers.Rescaling(*scaling)(x)
        x = layers.Conv2D(filters, 3, strides=4, activation="relu")(x)
        x = layers.BatchNormalization()(x) if norm else x
        return keras.Model(inputs, layers.Dense(units, activation=activation)(pool()(x)))

    flip = layers.RandomFlip("horizontal")
    inside = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomContrast(0.2)])
    wrong = [
        (model(flip, units=10), "not 16 numbers"),
        (model(flip, filters=2000), "more than 50,000"),
        (model(flip, filters=4, pool=layers.Flatten), "flattening"),
        (model(flip, norm=False), "no batch normalization"),
        (model(flip, scaling=None), "from 0 to 255"),
        (model(flip, scaling=(1.0, 0.0)), "near -1 to 1"),
        (model(flip, activation="softmax"), "give logits"),
        (model(), "no layer mirrors"),
        (model(flip, shape=(64, 64, 1)), "its input"),
        ("mine", "give the model itself"),
    ]
    return Case({}, [model(flip), model(inside, scaling=(1 / 255, 0.0))], wrong)


@cases("15.5", is_function=True)
def _(scans):
    def tag(png, alt, start="data:image/png;base64,"):
        code = base64.b64encode(png).decode("ascii")
        return f'<img src="{start}{code}" alt="{alt}">'

    def single(png, alt):
        code = base64.b64encode(png).decode()
        return f"<img alt='{escape(alt)}' src='data:image/png;base64,{code}'/>"

    def as_bytes(png, alt):
        code = base64.b64encode(png)
        return f'<img src="data:image/png;base64,{code}" alt="{escape(alt)}">'

    wrong = [
        (lambda png, alt: tag(png, alt), "escape what alt contains"),
        (lambda png, alt: tag(png, alt.replace("<", "&lt;")), "quotation marks"),
        (lambda png, alt: tag(png, escape(escape(alt))), "a browser reads"),
        (lambda png, alt: tag(png, "figure"), "a browser reads"),
        (lambda png, alt: tag(png, escape(alt), "data:image/jpeg;base64,"), "src should begin"),
        (as_bytes, "decode them to text"),
        (lambda png, alt: tag(png[:100], escape(alt)), "another one"),
        (lambda png, alt: tag(png, escape(alt)).encode(), "return text"),
        (lambda png, alt: f"<p>{tag(png, escape(alt))}</p>", "nothing else"),
        ("<img>", "the function itself"),
    ]
    return Case({}, [lambda png, alt: tag(png, escape(alt)), single], wrong)


@cases("15.6", with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    layers = keras.layers
    y = np.arange(20) % 2
    X = np.full((20, 8, 8, 3), 50, "uint8")
    X[y == 1] = 200

    def model(units=1, gain=1.0):
        dense = layers.Dense(units)
        net = keras.Sequential([keras.Input((8, 8, 3)), layers.GlobalAveragePooling2D(), dense])
        signs = np.array([[-1.0, 1.0]])[:, -units:]
        dense.set_weights([gain * np.repeat(signs, 3, axis=0) / 3, -125 * gain * signs[0]])
        return net

    png = base64.b64encode(b"\x89PNG").decode()

    def report(image=f'<img src="data:image/png;base64,{png}" alt="Two dark and light mugs">'):
        return (
            '<!DOCTYPE html><html lang="en"><head><title>Mugs</title></head><body>'
            f"<p>Accuracy 100 %</p>{image}{image}<h2>Limits</h2>"
            "<ul><li>one table</li><li>two mugs</li></ul></body></html>"
        )

    good = {"model": model(), "X": X, "y": y, "html": report()}
    wrong = [
        (good | {"model": model(gain=-1.0)}, "less than 70 %"),
        (good | {"model": "mine"}, "give the model itself"),
        (good | {"X": X[:6], "y": y[:6]}, "too few"),
        (good | {"X": X[..., 0]}, "X is (n, height, width, 3)"),
        (good | {"y": y * 0}, "two classes"),
        (good | {"html": 5}, "give the text of the report"),
        (good | {"html": report().replace(' lang="en"', "")}, "its language"),
        (good | {"html": report().replace("title", "b")}, "no <title>"),
        (good | {"html": report('<img src="confusion.png" alt="Counts of mistakes">')}, "alone"),
        (good | {"html": report("")}, "0 figures"),
        (good | {"html": report(f'<img src="data:image/png;base64,{png}" alt="">')}, "no alt text"),
        (good | {"html": report().replace("Limits", "End")}, "where are the limits"),
        (good | {"html": report().replace("100 %", "87 %")}, "does not quote"),
        ({"model": model()}, "no 'X'"),
        (report(), "give a dict"),
    ]
    return Case({}, [good, good | {"model": model(units=2)}], wrong)
