"""Checks of notebook 13, latent space."""

import numpy as np

from helpers.exercises.answers import call, exercise, letters_judged, numbers, shown
from helpers.files import CourseError

# --- By hand --------------------------------------------------------------------------


@exercise("13.1")
def _precision(answer):
    value = numbers(answer, (3,), "three numbers, (a, b, c)")
    if (value > 1).any():
        return "a precision is a share: at most 1"
    if value[0] != 1:
        return "(a) looks at the first image alone, which is right"
    if np.isclose(value[1], 0.75):
        return "(b) is not the share of the four in the gallery: divide by k"
    if not np.isclose(value[1], 3 / 5):
        return "(b) is the share of right ones among the first five"
    if value[2] == 1:
        return "in (c) the gallery holds only four right images: ten right ones cannot come"
    if not np.isclose(value[2], 4 / 10):
        return "in (c) a perfect search puts all right images of the gallery first"


WHY = {
    "A": "A may be said: neighbours are what t-SNE tries to keep",
    "B": "not B: t-SNE widens dense groups and narrows wide ones",
    "C": "not C: long distances are not kept",
    "D": "D may be said: the places of islands come from the random start",
    "E": "not E: at perplexity 2 noise has clumps too",
    "F": "F may be said: the probe found what the map does not show",
}


@exercise("13.2")
def _read_a_map(answer):
    return letters_judged(answer, WHY, "ADF")


# --- In Keras and NumPy ---------------------------------------------------------------


def _networks():
    """Small networks and, for each, what its last dense layer is given."""
    from helpers.quiet_keras import keras

    layers = keras.layers
    keras.utils.set_random_seed(133)
    plain = keras.Sequential(
        [
            keras.Input((8, 6, 1)),
            layers.Conv2D(5, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4),
        ]
    )
    inputs = keras.Input((8, 6, 1))
    x = layers.Flatten()(inputs)
    x = seen = layers.Dense(7, activation="relu")(x)
    x = layers.Dense(3)(x)
    branched = keras.Model(inputs, layers.Softmax()(x))
    return {
        "a network with one dense layer": (plain, plain.layers[-2].output),
        "a network with two dense layers and a softmax": (branched, seen),
    }


@exercise("13.3")
def _before_the_classifier(before_the_classifier):
    from helpers.quiet_keras import keras

    X = np.random.default_rng(13).normal(size=(6, 8, 6, 1)).astype("float32")
    for what, (model, seen) in _networks().items():
        count, weights = len(model.layers), [id(w) for w in model.weights]
        right = keras.Model(model.inputs[0], seen).predict(X, verbose=0)
        old = model.predict(X, verbose=0)
        cut = call(before_the_classifier, model)
        if not isinstance(cut, keras.Model):
            return f"it should return a model of Keras, not {shown(cut)}"
        if len(model.layers) != count or [id(w) for w in model.weights] != weights:
            return f"{what} has been changed: build a new model around its layers"
        if cut is model:
            return "that is the network itself, with its classifier"
        if cut.input_shape != model.input_shape:
            return f"it takes {cut.input_shape}, where the network takes {model.input_shape}"
        if not {id(w) for w in cut.weights} <= {*weights}:
            return "it has weights of its own: the layers of the network must be in it, not copies"
        value = cut.predict(X, verbose=0)
        if value.shape == old.shape:
            return f"for {what} the last dense layer, or what comes after it, is still in it"
        if value.shape != right.shape:
            return (
                f"for {what} it gives {value.shape[1:]}: the last dense layer is given "
                f"{right.shape[1:]}"
            )
        if not np.allclose(value, right, atol=1e-5):
            return f"for {what} the numbers are not those that the last dense layer is given"
    return None


@exercise("13.4")
def _average_precision(average_precision):
    random = np.random.default_rng(134)
    trials = [(np.array([1, 0, 1, 1, 0]), 3), (np.array([1, 0, 1, 1, 0]), 6)]
    trials += [(np.array([0, 0, 0, 0]), 2), (np.array([0, 0, 1]), 1)]
    trials += [(random.integers(0, 2, 12), 15) for _ in range(4)]
    for ranking, total in trials:
        value = float(numbers(call(average_precision, ranking, total), (), "one number"))
        at_k = np.cumsum(ranking) / np.arange(1, len(ranking) + 1)
        hits = at_k[ranking == 1]
        right = hits.sum() / total
        if np.isclose(value, right):
            continue
        if len(hits) and np.isclose(value, hits.mean()):
            return (
                f"with {total} right images in the gallery and {len(hits)} of them found, "
                f"divide by {total}: the others were missed"
            )
        if np.isclose(value, at_k.mean()):
            return "take the precision at the places of the right images alone, not at all places"
        if np.isclose(value, hits.sum() / len(ranking)):
            return "divide by the number of right images, not by the length of the ranking"
        if np.isclose(value, ranking.mean()):
            return "that is the precision at the end of the ranking: places do not count in it"
        if not np.isfinite(value):
            return f"for {ranking.tolist()} it gave {value}: nothing found is worth 0"
        return (
            f"for {ranking.tolist()} with {total} in the gallery it gave {value:.3f}, "
            f"not {right:.3f}"
        )
    return None


@exercise("13.5")
def _layer_of_means(layer_of_means):
    from helpers.quiet_keras import keras

    random = np.random.default_rng(135)
    for classes, size in ((4, 3), (6, 10)):
        means = random.normal(size=(classes, size)) * random.uniform(0.3, 3, (classes, 1))
        points = random.normal(size=(400, size)) * 2
        model = call(layer_of_means, means)
        if not isinstance(model, keras.Model):
            return f"it should return a model of Keras, not {shown(model)}"
        dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
        if len(dense) != 1 or len(model.weights) != len(dense[0].weights):
            return "one Dense layer is all that it may have"
        if model.input_shape != (None, size) or model.output_shape != (None, classes):
            return (
                f"it should take {size} numbers and give {classes}, not "
                f"{model.input_shape[1:]} and {model.output_shape[1:]}"
            )
        outputs = np.asarray(model(points.astype("float32")))
        distances = ((points[:, None] - means) ** 2).sum(axis=2)
        guess, near = outputs.argmax(axis=1), distances.argmin(axis=1)
        order = np.sort(distances, axis=1)
        clear = order[:, 1] - order[:, 0] > 1e-3  # the others may fall to either side
        if (guess == near)[clear].all():
            continue
        same = np.mean((guess == near)[clear])
        if (outputs.argmin(axis=1) == near)[clear].all():
            return "its smallest output is the nearest mean: the largest is asked for"
        if (guess == (points @ means.T).argmax(axis=1))[clear].all():
            return "without the term m·m, long means win: it belongs in the biases"
        lengths = np.linalg.norm(means, axis=1)
        if (guess == (points @ means.T / lengths).argmax(axis=1))[clear].all():
            return "that is the mean with the smallest angle: plain distance is asked for"
        return f"the largest output is the nearest mean for {same:.0%} of 400 points, not for all"
    return None


# --- The open task --------------------------------------------------------------------

MOST_WRONG = 2 / 3
"""Of the wrong neighbours that Lite0's last layer finds, so many may be left."""


def _at_5(F, y):
    """Precision at 5 among these images, by cosine."""
    F = F / np.maximum(np.linalg.norm(F, axis=1, keepdims=True), 1e-9)
    similar = F @ F.T
    np.fill_diagonal(similar, -np.inf)
    found = np.argsort(-similar, axis=1)[:, :5]
    return float((y[found] == y[:, None]).mean())


def _as_photos(X, side):
    """Grey images (n, h, w, 1), 0 to 255, as Lite0 wants them."""
    from helpers import imagenet
    from helpers.quiet_keras import keras

    colour = np.repeat(X, 3, axis=-1).astype("float32")
    return imagenet.preprocess_input(keras.ops.image.resize(colour, (side, side)))


@exercise("13.6")
def _better_features(answer, X, y):
    from helpers import imagenet
    from helpers.quiet_keras import keras

    if not isinstance(answer, keras.Model):
        raise CourseError(f"give the model itself, a keras.Model, not {shown(answer)}")
    shape = getattr(answer, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] != 3 or shape[1] != shape[2]:
        return f"it takes {shape}: hand in a network of photos, for (side, side, 3)"
    side = shape[1] or 96
    F = answer.predict(_as_photos(X, side), verbose=0)
    if not isinstance(F, np.ndarray) or F.ndim != 2:
        return "it should give one vector for each image: pool the maps"
    if not np.isfinite(F).all():
        return "some of its features are not finite numbers"
    last = imagenet.efficientnet_lite(
        0, include_top=False, input_shape=(96, 96, 3), pooling="avg"
    ).predict(_as_photos(X, 96), verbose=0)
    value, goal = _at_5(F, y), 1 - MOST_WRONG * (1 - _at_5(last, y))
    if value < goal:
        return f"its precision at 5 is {value:.3f}; {goal:.3f} is to beat"
    return None
