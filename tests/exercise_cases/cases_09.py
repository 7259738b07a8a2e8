"""Answers to the exercises of notebook 09, pretrained ImageNet models."""

import functools

import numpy as np

from exercise_cases import Case, cases

MEANS = np.array([103.939, 116.779, 123.68], "float32")


@cases("09.1", is_function=True)
def _(scans):
    def right(images):
        return images[..., ::-1].astype("float32") - MEANS

    def by_channel(images):
        red, green, blue = np.moveaxis(images.astype("float32"), -1, 0)
        return np.stack([blue - MEANS[0], green - MEANS[1], red - MEANS[2]], axis=-1)

    wrong = [
        (lambda x: x - MEANS, "still red, green, blue"),
        (lambda x: x - MEANS[::-1], "blue should come first"),
        (lambda x: x[..., ::-1] - MEANS[::-1], "wrong order"),
        (lambda x: x[..., ::-1].astype("float32"), "subtract the means"),
        (lambda x: x[..., ::-1] + MEANS, "not added"),
        (lambda x: (x[..., ::-1] - MEANS) / 255, "nothing is divided"),
        (lambda x: x[:, :, ::-1] - MEANS, "last axis"),
        (lambda x: x[..., ::-1] - MEANS.astype(float), "not float32"),
        (lambda x: x[..., ::-1], "no negative numbers"),
        (lambda x: x * np.float32(2), "turn the channels round"),
    ]
    return Case({}, [right, by_channel], wrong)


@cases("09.2", is_function=True)
def _(scans):
    def right(probabilities, names, k):
        best = np.argsort(probabilities)[::-1][:k]
        pairs = [(names[place], probabilities[place]) for place in best]
        return [*pairs, ("others", 1 - sum(p for _, p in pairs))]

    def by_sorting(probabilities, names, k):
        pairs = list(zip(probabilities.tolist(), names, strict=True))
        pairs.sort(reverse=True)
        rest = sum(p for p, _ in pairs[k:])
        return [[name, p] for p, name in pairs[:k]] + [["others", rest]]

    def upwards(probabilities, names, k):
        pairs = right(probabilities, names, k)
        return [*pairs[:-1][::-1], pairs[-1]]

    def least(probabilities, names, k):
        return right(-probabilities, names, k)

    def in_order(probabilities, names, k):
        return [
            *zip(names[:k], probabilities[:k], strict=True),
            ("others", 0.0),
        ]

    def numbered(probabilities, names, k):
        return right(probabilities, list(range(len(names))), k)

    wrong = [
        (lambda p, names, k: right(p, names, k)[:-1], "last pair is missing"),
        (upwards, "not last"),
        (least, "least likely"),
        (in_order, "first classes of the list"),
        (lambda p, n, k: [*right(p, n, k)[:-1], ("others", 1)], "sum of all"),
        (lambda p, n, k: [*right(p, n, k)[:-1], ("rest", 0)], "called"),
        (lambda p, n, k: [*right(p, n, k)[:-1], ("others", 9)], "are left"),
        (lambda p, n, k: right(p / 2, n, k), "not their probabilities"),
        (lambda p, n, k: right(p, n, k + 1), "pairs, not"),
        (numbered, "is no name"),
        (lambda p, n, k: dict(right(p, n, k)), "no such pair"),
    ]
    return Case({}, [right, by_sorting], wrong)


@functools.cache
def lite0(weights="imagenet", **settings):
    """Built once for all cases: it takes seconds."""
    from helpers import imagenet

    settings = {"include_top": False, "input_shape": (96, 96, 3)} | settings
    return imagenet.efficientnet_lite(0, weights=weights, **settings)


@cases("09.3", with_keras=True)
def _(scans):
    return half_way_up()


@functools.cache
def half_way_up():
    from helpers.quiet_keras import keras

    base, layers = lite0(), keras.layers

    def pooled(name, pooling=None):
        maps = base.get_layer(name).output
        pooling = pooling or layers.GlobalAveragePooling2D()
        return keras.Model(base.input, pooling(maps))

    by_mean = layers.Lambda(lambda maps: keras.ops.mean(maps, (1, 2)))
    wrong = [
        (keras.Model(base.input, base.get_layer("block10").output), "pool them"),
        (pooled("block10", layers.GlobalMaxPooling2D()), "not their means"),
        (pooled("block9"), "another layer"),
        (pooled("block4"), "not one number per channel"),
        (lite0(input_shape=(64, 64, 3), weights=None), "base takes"),
        ("block10", "give a keras.Model"),
    ]
    return Case({}, [pooled("block10"), pooled("block10", by_mean)], wrong)


@cases("09.4", with_keras=True)
def _(scans):
    return heads()


@functools.cache
def heads():
    from helpers.quiet_keras import keras

    layers = keras.layers
    base, maps = lite0(pooling="avg"), lite0()
    base.trainable = maps.trainable = False

    def head(base=base, units=10, activation="softmax", before=(), compiled=True):
        model = keras.Sequential([base, *before, layers.Dense(units, activation)])
        if compiled:
            model.compile(loss="sparse_categorical_crossentropy")
        return model

    inputs = keras.Input((96, 96, 3))
    outputs = layers.Dense(10, "softmax")(layers.GlobalAveragePooling2D()(maps(inputs)))
    functional = keras.Model(inputs, outputs)
    functional.compile("sgd", "categorical_crossentropy")
    learning = lite0(weights=None, pooling="avg")
    random = keras.models.clone_model(learning)
    random.trainable = False
    frozen = head()
    frozen.trainable = False
    wrong = [
        (head(maps, before=[layers.Flatten()]), "nine times as many"),
        (head(learning), "the base is not frozen"),
        (head(random), "not Lite0 as trained"),
        (head(activation=None), "softmax"),
        (head(units=5), "not ten probabilities"),
        (head(before=[layers.Dense(16)]), "12,810"),
        (frozen, "nothing would be trained"),
        (head(compiled=False), "not compiled"),
        (head(lite0(input_shape=(64, 64, 3), weights=None)), "96x96"),
        (10, "give a keras.Model"),
    ]
    return Case({}, [head(), head(before=[layers.Dropout(0.2)]), functional], wrong)


@cases("09.5", is_function=True)
def _(scans):
    def heat(maps, gradients):
        return maps @ gradients.mean(axis=(0, 1))

    def right(maps, gradients):
        heat_map = np.maximum(heat(maps, gradients), 0)
        return heat_map / max(heat_map.max(), 1e-12)

    def by_loops(maps, gradients):
        total = np.zeros(maps.shape[:2])
        for channel in range(maps.shape[2]):
            total += gradients[:, :, channel].mean() * maps[:, :, channel]
        total[total < 0] = 0
        return (total / total.max() if total.any() else total).tolist()

    def no_weights(maps, gradients):
        return maps.sum(axis=2) / maps.sum(axis=2).max()

    def stretched(maps, gradients):
        h = heat(maps, gradients)
        return (h - h.min()) / np.ptp(h)

    def scaled(h):
        h = np.maximum(h, 0)
        return h / h.max()

    wrong = [
        (lambda m, g: np.maximum(heat(m, g), 0), "scale it"),
        (heat, "cut off"),
        (stretched, "negative values become 0"),
        (lambda m, g: scaled((m * g).sum(axis=2)), "mean of the gradients"),
        (no_weights, "has a weight"),
        (lambda m, g: scaled(heat(m, np.maximum(g, 0))), "after the sum"),
        (lambda m, g: scaled(heat(m, g)), "divides 0 by 0"),
        (lambda m, g: scaled(heat(m, -g) + 100), "it is wrong for maps"),
        (lambda m, g: heat(m, g).T, "an array (5, 4)"),
    ]
    return Case({}, [right, by_loops], wrong)


@cases("09.6")
def _(scans):
    def answer(name):
        return [("n00000000", name, 0.5), ("n00000001", "tench", 0.1)]

    guesses = {"a.jpg": answer("espresso"), "b.jpg": answer("tripod"), "c.jpg": answer("daisy")}
    right = {"a.jpg": "espresso", "b.jpg": "tripod", "c.jpg": "rapeseed"}
    wrong = [
        (right | {"c.jpg": "daisy"}, "now fool it"),
        (dict.fromkeys(guesses, "tench"), "none of them right"),
        ({"a.jpg": "espresso"}, "three photos or more"),
        (["espresso", "tripod", "daisy"], "a dictionary"),
        (right | {"a.jpg": "expresso"}, "is it espresso"),
        (right | {"d.jpg": "daisy"}, "there is no photo 'd.jpg'"),
    ]
    return Case({"guesses": guesses}, [right, dict(reversed(right.items()))], wrong)
