"""Data and measures of graded assignment 6, borrowed networks.

Crops of bundled photos and simulated characters, drawn for each student; inputs that three
pipelines prepared wrongly; and what the tests measure of a network that stands on the first
eleven blocks of EfficientNet-Lite0.
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

CHARACTERS = "大夫天太犬因国囡日白王玉"
FAR_CLASSES, FAR_WRITERS = 6, (16, 20)
"""Characters of a student; writers who train and who validate, one image each."""

BLOCKS = ("block3", "block7", "block11", "head")
"""Whose features are compared; "head" is the last layer before the classifier."""

# --- Wrong pipelines -----------------------------------------------------------------


def _wrapped(X):
    return (X - np.uint8(127)).astype("float32") / 128


BUGS = {  # name: (what it makes of crops X (n, 64, 64, 3) uint8, what undoes it or None)
    "0 to 1": (lambda X: X / np.float32(255), lambda x: (x * 255 - 127) / 128),
    "blue first": (lambda X: _right(X[..., ::-1]), lambda x: x[..., ::-1]),
    "upside down": (lambda X: _right(X[:, ::-1]), lambda x: x[:, ::-1]),
    "negative": (lambda X: -_right(X), lambda x: -x),
    "prepared twice": (lambda X: _right(_right(X)), lambda x: 128 * x + 127),
    "wrapped bytes": (_wrapped, lambda x: ((128 * x + 127) % 256 - 127) / 128),
    "grey": (lambda X: np.repeat(_right(X).mean(-1, keepdims=True), 3, -1), None),
    "red only": (lambda X: np.repeat(_right(X)[..., :1], 3, -1), None),
    "cut off at 0": (lambda X: np.maximum(_right(X), 0), None),
    "every fourth pixel": (lambda X: _coarse(_right(X)), None),
}


def _right(X):
    return imagenet.preprocess_input(X)


def _coarse(x):
    return x[:, ::4, ::4].repeat(4, axis=1).repeat(4, axis=2)


def as_fed(bug, X):
    """What a pipeline with this bug makes of crops: (n, 64, 64, 3) float32."""
    return np.asarray(BUGS[bug][0](np.asarray(X)), "float32")


# --- What is drawn for a student ------------------------------------------------------


def draw(draws):
    """Everything of assignment 6 that is drawn for a student."""
    classes = [name for photos, count in PHOTOS for name in draws.sample(photos, count)]
    classes = sorted(classes, key=lambda _: draws.whole(0, 2**64))
    parts = {}
    for part, (name, count) in enumerate(zip(("X", "X_val", "_X_test"), COUNTS, strict=True)):
        crops = [_crops(photo, part, count, draws) for photo in classes]
        parts[name] = np.concatenate(crops)
        parts[name.replace("X", "y")] = np.repeat(np.arange(len(classes)), count).astype("int64")
    bugs = draws.sample([bug for bug, (_, undo) in BUGS.items() if undo], 2)
    bugs += draws.sample([bug for bug, (_, undo) in BUGS.items() if not undo], 1)
    bugs = sorted(bugs, key=lambda _: draws.whole(0, 2**64))
    shown = parts["X_val"][:: COUNTS[1]]
    for letter, bug in zip("abc", bugs, strict=True):
        parts[f"fed_{letter}"] = as_fed(bug, shown)
    return (
        parts
        | _characters(draws)
        | {"classes": classes, "_bugs": dict(zip("abc", bugs, strict=False))}
    )


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


def scores_by_block(X, y, X_val, y_val, per_class, seeds):
    """{block: [accuracy for each seed]}: heads on `per_class` images of each class."""
    F, F_val, found = features(X), features(X_val), {block: [] for block in BLOCKS}
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(y))
        some = np.concatenate([order[y[order] == c][:per_class] for c in np.unique(y)])
        for block in BLOCKS:
            found[block].append(logistic(F[block][some], y[some], F_val[block], y_val))
    return found


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
    largest = 0.0
    for name, layer in base_of(model).items():
        for weight, original in zip(layer.weights, _lite().get_layer(name).weights, strict=True):
            if weight.name in kinds:
                before = np.asarray(original)
                change = np.linalg.norm(np.asarray(weight) - before)
                largest = max(largest, float(change / np.linalg.norm(before)))
    return largest


def trainable(model):
    """How many numbers of a model gradient descent may change."""
    return int(sum(np.prod(weight.shape) for weight in model.trainable_weights))


def heat(model, X, classes):
    """Grad-CAM at the base's last maps, by its definition: (n, 4, 4), the largest 1 or 0."""
    import tensorflow as tf

    base_of(model)  # says what is wrong if there is none
    maps = tf.constant(np.asarray(model.get_layer("base")(_right(X), training=False)))
    after = model.layers[[layer.name for layer in model.layers].index("base") + 1 :]
    with tf.GradientTape() as tape:
        tape.watch(maps)
        y = maps
        for layer in after:
            y = layer(y, training=False) if layer.name.startswith("dropout") else layer(y)
        y = tf.gather(y, classes, axis=1, batch_dims=1)
    weights = tf.reduce_mean(tape.gradient(y, maps), axis=(1, 2))
    return scaled(tf.nn.relu(tf.einsum("nijk,nk->nij", maps, weights)).numpy())


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
