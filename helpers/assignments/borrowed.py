"""Data and measures of graded assignment 6, borrowed networks.

Crops of bundled photos and simulated characters, drawn for each student; inputs that three
pipelines prepared wrongly; and what the tests measure of a network that stands on the first
eleven blocks of EfficientNet-Lite0. What an answer computes is not in here: it stands in hidden
tests, and in no module that a notebook could import.
"""

from functools import cache, lru_cache

import numpy as np
from PIL import Image

from helpers import imagenet
from helpers.handwriting.writers import Writer

ASSIGNMENT = "6_borrowed_networks"

SIDE = 64
"""Height and width of all images, in pixels."""

PHOTOS = (
    (("temple", "astronaut", "camera", "cat", "motorcycle"), 3),
    (("coffee", "galaxies", "tissue", "rocket", "retina", "flower"), 3),
    (("brick", "grass", "gravel", "coins", "page", "moon", "text", "cell", "clock"), 2),
)
"""A student has so many classes of each of these lists, equally difficult for all: things whose
left and right parts differ, coloured photos, and grey ones."""

CLASSES = sum(count for _, count in PHOTOS)

BANDS = (0.0, 0.4, 0.65, 1.0)
"""Where photos are cut from top to bottom, as shares of their width: the left band trains, the
middle one validates, the right one is the grader's."""

COUNTS = (6, 10, 30)
"""Crops of each photo in these bands."""

SHOWN, ASKED = slice(None, None, 10), slice(None, None, 24)
"""Which crops of X_val a student sees as pipelines feed them, and of _X_test the tests use."""

CHARACTERS = "大夫天太犬因国囡日白王玉"
FAR_CLASSES, FAR_WRITERS = 6, (16, 20)
"""Characters of a student; writers who train and who validate, one image each."""

BLOCKS = ("block3", "block7", "block11", "head")
"""Whose features are compared; "head" is the last layer before the classifier."""

# --- What is drawn for a student ------------------------------------------------------


def draw(draws):
    """Everything of assignment 6 that is drawn for a student.

    What the three pipelines do stands in here alone, and not where a notebook could import it.
    """
    right = _right

    def coarse(x):
        return x[:, ::4, ::4].repeat(4, axis=1).repeat(4, axis=2)

    pipelines = {  # what each makes of crops X (n, 64, 64, 3) uint8
        "0 to 1": lambda X: X / np.float32(255),
        "blue first": lambda X: right(X[..., ::-1]),
        "upside down": lambda X: right(X[:, ::-1]),
        "negative": lambda X: -right(X),
        "prepared twice": lambda X: right(right(X)),
        "wrapped bytes": lambda X: (X - np.uint8(127)) / np.float32(128),
        "grey": lambda X: np.repeat(right(X).mean(-1, keepdims=True), 3, -1),
        "red only": lambda X: np.repeat(right(X)[..., :1], 3, -1),
        "cut off at 0": lambda X: np.maximum(right(X), 0),
        "every fourth pixel": lambda X: coarse(right(X)),
    }
    lost = "grey", "red only", "cut off at 0", "every fourth pixel"  # nobody can undo these
    classes = [name for photos, count in PHOTOS for name in draws.sample(photos, count)]
    classes = sorted(classes, key=lambda _: draws.whole(0, 2**64))
    parts = {}
    for part, (name, count) in enumerate(zip(("X", "X_val", "_X_test"), COUNTS, strict=True)):
        crops = [_crops(photo, part, count, draws) for photo in classes]
        parts[name] = np.concatenate(crops)
        parts[name.replace("X", "y")] = np.repeat(np.arange(len(classes)), count).astype("int64")
    bugs = draws.sample([bug for bug in pipelines if bug not in lost], 2)
    bugs += draws.sample([bug for bug in pipelines if bug in lost], 1)
    bugs = sorted(bugs, key=lambda _: draws.whole(0, 2**64))
    for letter, bug in zip("abc", bugs, strict=True):
        for name, crops in (("fed", parts["X_val"][SHOWN]), ("_fed", parts["_X_test"][ASKED])):
            parts[f"{name}_{letter}"] = np.asarray(pipelines[bug](crops), "float32")
    about = {
        "classes": classes,
        "_bugs": dict(zip("abc", bugs, strict=True)),
        "_lost": "abc"[[bug in lost for bug in bugs].index(True)],
    }
    return parts | _characters(draws) | about


def _crops(name, part, count, draws):
    """Squares of a photo, at random places of one of its bands: uint8."""
    image = photo(name)
    height, width = image.shape[:2]
    left, right = (round(share * width) for share in BANDS[part : part + 2])
    squares = []
    for _ in range(count):
        i, j = draws.whole(0, height - SIDE), draws.whole(left, right - SIDE)
        squares.append(image[i : i + SIDE, j : j + SIDE])
    return np.stack(squares)


@cache
def photo(name):
    """One of the bundled photos, with three channels: uint8 (height, width, 3)."""
    from skimage import data as bundled
    from sklearn.datasets import load_sample_image

    names = {"cat": "chelsea", "galaxies": "hubble_deep_field", "tissue": "immunohistochemistry"}
    files = {"flower": "flower.jpg", "temple": "china.jpg"}
    if name in files:
        image = load_sample_image(files[name])
    elif name == "motorcycle":
        image = bundled.stereo_motorcycle()[0]
    else:
        image = getattr(bundled, names.get(name, name))()
    return np.stack([image] * 3, axis=-1) if image.ndim == 2 else image[..., :3]


def _characters(draws):
    """Characters by simulated writers, some who train and others who validate."""
    characters = draws.sample(CHARACTERS, FAR_CLASSES)
    seed, first, parts = draws.whole(0, 2**31 - 1), 0, {}
    for name, count in zip(("far", "far_val"), FAR_WRITERS, strict=True):
        writers = [Writer(seed, number) for number in range(first, first + count)]
        images = [on_paper(w.write(c)) for c in characters for w in writers]
        parts[f"X_{name}"] = np.stack(images)
        parts[f"y_{name}"] = np.repeat(np.arange(len(characters)), count)
        first += count
    return parts | {"characters": characters}


def on_paper(page):
    """A page (height, width) uint8 in the middle of a white square: (64, 64, 3)."""
    scale = (SIDE - 8) / max(page.shape)
    height, width = (max(1, round(scale * n)) for n in page.shape)
    small = Image.fromarray(page).resize((width, height), Image.Resampling.LANCZOS)
    square = np.full((SIDE, SIDE, 3), 255, "uint8")
    i, j = (SIDE - height) // 2, (SIDE - width) // 2
    square[i : i + height, j : j + width] = np.asarray(small)[..., None]
    return square


def _right(X):
    return imagenet.preprocess_input(X)


# --- What the tests measure -----------------------------------------------------------


@lru_cache(maxsize=1)
def _lite():
    return imagenet.efficientnet_lite(0, include_top=False, input_shape=(SIDE, SIDE, 3))


@lru_cache(maxsize=1)
def _means():
    """A model of the means of all maps of each of BLOCKS."""
    from helpers.quiet_keras import keras

    pool = keras.layers.GlobalAveragePooling2D
    return keras.Model(_lite().input, [pool()(_lite().get_layer(b).output) for b in BLOCKS])


def features(X):
    """{block: (n, channels)} of crops, 0 to 255: the means of its maps."""
    parts = [_means()(x, training=False) for x in _batches(_right(X))]
    return {b: np.concatenate(f) for b, f in zip(BLOCKS, zip(*parts, strict=True), strict=True)}


def _batches(x):
    return np.array_split(np.asarray(x, "float32"), -(-len(x) // 64))


def logistic(F, y, F_test, y_test):
    """Test accuracy of logistic regression on features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    head = make_pipeline(StandardScaler(), LogisticRegression(solver="newton-cg", max_iter=1000))
    return head.fit(F, y).score(F_test, y_test)


def level(drawn):
    """What logistic regression on features of block 11 reaches on a student's hidden crops."""
    names = "X", "y", "_X_test", "_y_test"
    return _level(*((drawn[name].tobytes(), drawn[name].shape) for name in names))


@lru_cache(maxsize=2)
def _level(*parts):
    """Of bytes and shapes, so that two tests on the same crops wait once."""
    kinds = ("uint8", "int64") * 2
    X, y, X_test, y_test = (
        np.frombuffer(content, kind).reshape(shape)
        for (content, shape), kind in zip(parts, kinds, strict=True)
    )
    F, F_test = (features(images)["block11"] for images in (X, X_test))
    return logistic(F, y, F_test, y_test)


def outputs(model, x):
    """The eight numbers that a network gives each prepared input: (n, 8).

    Raises AssertionError, one sentence, for what is no such network.
    """
    if not hasattr(model, "get_config"):
        raise AssertionError(f"a Keras model is needed, not a {type(model).__name__}")
    try:
        found = np.concatenate([np.asarray(model(b, training=False)) for b in _batches(x)])
    except (ValueError, TypeError) as error:
        raise AssertionError("the model cannot take inputs of shape (n, 64, 64, 3)") from error
    if found.shape != (len(x), CLASSES):
        raise AssertionError(f"for {len(x)} inputs the model gives {found.shape}")
    return found


def accuracy(model, x, y):
    """The share of prepared inputs whose largest output is that of their class."""
    return float((outputs(model, x).argmax(axis=1) == np.asarray(y)).mean())


def base_of(model):
    """The layers of the model's part called "base": {name: layer}."""
    if not hasattr(model, "get_config"):
        raise AssertionError(f"a Keras model is needed, not a {type(model).__name__}")
    found = [layer for layer in model.layers if layer.name == "base" and hasattr(layer, "layers")]
    if not found:
        raise AssertionError("new_base() should be a layer of the model, under its name base")
    return {layer.name: layer for layer in found[0].layers}


def moved(model, kinds):
    """The largest relative change of a base's arrays against ImageNet's.

    kinds: names of weights, as in ("kernel",) or ("moving_mean", "moving_variance").
    """
    return max((change for _, kind, change in _changes(model) if kind in kinds), default=0.0)


def trained_kernels(model):
    """The relative changes of those kernels of a base that are not frozen: a list."""
    return [change for trains, kind, change in _changes(model) if trains and kind == "kernel"]


def _changes(model):
    """(whether it trains, its name, its relative change) of each array of a base."""
    for name, layer in base_of(model).items():
        trains = {id(weight) for weight in layer.trainable_weights}
        for weight, original in zip(layer.weights, _lite().get_layer(name).weights, strict=True):
            yield id(weight) in trains, weight.name, relative_change(weight, original)


def relative_change(array, before):
    """The length of the difference of two arrays, as a share of the length of the second."""
    before = np.asarray(before, float)
    return float(np.linalg.norm(np.asarray(array, float) - before) / np.linalg.norm(before))


def trainable(model):
    """How many numbers of a model gradient descent may change."""
    return int(sum(np.prod(weight.shape) for weight in model.trainable_weights))


def scaled(maps):
    """Maps (n, h, w), each divided by its largest value unless that is 0."""
    maps = np.asarray(maps, float)
    largest = maps.max(axis=(1, 2), keepdims=True)
    return np.divide(maps, largest, out=np.zeros_like(maps), where=largest > 0)


def close(got, wanted, within, case):
    """Raise AssertionError, one sentence, unless a number is within `within` of another."""
    try:
        found = float(got)
    except (TypeError, ValueError):
        raise AssertionError(f"{case}: it should be a number") from None
    if not abs(found - wanted) <= within:
        raise AssertionError(f"{case}: {found:.3f} is not within {within:g} of {wanted:.3f}")
