"""Data and measures of the graded assignments 3 and 5; those of 4 are in `scans`.

Assignment 3: characters by simulated writers, as a network reads them, and what a
network costs. Assignment 5: fingerprints of images.
"""

import hashlib
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image

from helpers.assignments.students import Draws, mine, secret
from helpers.files import COURSE, CourseError
from helpers.handwriting.writers import Writer

SHAPE = (40, 30)
"""Height and width of all images here: half of the lecture's."""

LEVELS = 17
"""Grey levels are multiples of this: 16 of them, which makes small files."""

# Assignment 3: a character classifier ------------------------------------------

ASSIGNMENT = "3_character_classifier"

LOOK_ALIKES = "大夫天太犬因国囡日白王玉"
"""The twelve characters. Each student has them in another order: see `draw_order`."""

CHARACTERS = COURSE / "data" / "assignments" / "characters.npz"
"""The training images of all students, and the version of the writers who drew them."""

VERSION = 2
"""Of the simulated writers. Images of another version are another task."""

WRITERS, SAMPLES, SEED = 50, 2, 2024
MESSINESS = 0.93


class Written(NamedTuple):
    """Images by several writers: image X[i] has the label y[i] and is by writer[i]."""

    X: np.ndarray
    """(n, 40, 30, 1) uint8: 0 is black ink, 255 white paper."""
    y: np.ndarray
    """(n,) int: positions in a student's order of the characters."""
    writer: np.ndarray
    """(n,) int: the writers' numbers."""


def draw_order(draws):
    """What is drawn for a student: the order of the characters, so what each label means.

    Somebody else's network, or its weights, reads other labels.
    """
    order = sorted(LOOK_ALIKES, key=lambda _: draws.whole(0, 2**64))
    return {"names": "".join(order)}


def names_of(student):
    """A student's twelve characters, in the order of the labels."""
    return mine(ASSIGNMENT, student)["names"]


def training_set(student):
    """1,200 images by 50 writers, each character twice by each: a Written."""
    return _labelled(_stored(), names_of(student))


def prepare():
    """Read the training images: the grader does it once, for all submissions."""
    _stored()


def new_writers(student):
    """960 images by 80 writers whom only the teacher's secret names: a Written.

    The same images for a whole class, with each student's own labels. Without a secret
    they are those of self-study.
    """
    seed = Draws(ASSIGNMENT, "new writers", secret=secret()).whole(0, 2**31)
    return _labelled(_drawn(tuple(range(80)), 1, seed), names_of(student))


def _labelled(written, names):
    """A copy whose labels are positions in `names`."""
    label = np.array([names.index(character) for character in LOOK_ALIKES])
    return Written(written.X.copy(), label[written.y], written.writer.copy())


@lru_cache(maxsize=1)
def _stored():
    """The Written in the file, in the order of LOOK_ALIKES. Raises CourseError."""
    try:
        with np.load(CHARACTERS, allow_pickle=False) as file:
            found = int(file["version"])
            written = Written(file["X"][..., None], file["y"].astype(int), file["writer"])
    except (OSError, ValueError, KeyError) as error:
        raise CourseError(
            f"{CHARACTERS} is missing or damaged: take it from the course's repository again."
        ) from error
    if found != VERSION:
        raise CourseError(
            f"{CHARACTERS} is version {found}, and this course is version {VERSION}: use the "
            "course that you were given, all of it."
        )
    return written


@lru_cache(maxsize=4)
def _drawn(writers, samples, seed):
    """A Written in the order of LOOK_ALIKES, drawn now; 1,000 images a second.

    Raises CourseError where the simulated writers are not those of the training images.
    """
    stored = _stored()
    if not np.array_equal(draw_writers((0,), 1, SEED).X, stored.X[:24:2]):
        raise CourseError(
            "The simulated writers have changed since the images of assignment 3 were stored: "
            "grade with the course that was handed out."
        )
    return draw_writers(writers, samples, seed)


def draw_writers(writers, samples, seed):
    """`samples` images of each character by each of these writers: a Written."""
    X, y, owners = [], [], []
    for number in writers:
        hand = Writer(seed, number, messiness=MESSINESS)
        for label, character in enumerate(LOOK_ALIKES):
            for sample in range(samples):
                X.append(coarse(small(hand.write(character, sample))))
                y.append(label)
                owners.append(number)
    return Written(np.stack(X)[..., None], np.array(y), np.array(owners))


def coarse(images):
    """Images in 16 levels of grey."""
    return (np.round(np.asarray(images) / LEVELS) * LEVELS).astype(np.uint8)


def interval_score(low, high, value, miss=40):
    """Width of an interval, plus `miss` times what it misses `value` by; small is good.

    With miss = 2 / 0.05 nobody does better, on average, than with an honest 95 %
    interval. Source: T. Gneiting, A. Raftery (2007), JASA 102, 359-378.
    """
    return (high - low) + miss * max(low - value, value - high, 0.0)


def small(page):
    """A page (H, W) uint8, resized to SHAPE as the lecture resizes."""
    size = SHAPE[::-1]  # Pillow's order: width, height
    resized = Image.fromarray(page).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(resized)


def read(model, X):
    """The class with the largest output for each image: (n,) int.

    Raises AssertionError, one sentence, where `model` does not turn images
    (n, 40, 30, 1) into an output for each of the twelve characters.
    """
    if not hasattr(model, "get_config"):
        raise AssertionError(f"a Keras model is needed, not a {type(model).__name__}")
    outputs = []
    # Called, not `predict`, which would compile a function for each new model.
    for batch in np.array_split(X.astype("float32"), -(-len(X) // 256)):
        try:
            outputs.append(np.asarray(model(batch, training=False)))
        except (ValueError, TypeError) as error:
            raise AssertionError("the model cannot read images of shape (n, 40, 30, 1)") from error
    outputs = np.concatenate(outputs)
    if outputs.shape != (len(X), len(LOOK_ALIKES)):
        raise AssertionError(
            f"for {len(X)} images the model gives {outputs.shape}, not {(len(X), len(LOOK_ALIKES))}"
        )
    return outputs.argmax(axis=1)


def accuracy(model, written):
    """The share of the images in a Written that a model reads right."""
    return float((read(model, written.X) == written.y).mean())


class Cost(NamedTuple):
    parameters: int
    multiplications: int
    """For one image. Only products with learnt weights count, and no biases; batch
    normalization does not count, because it can be built into a convolution. Each constant
    of Rescaling and Normalization counts as a parameter and a product, where a layer has
    more than FREE_CONSTANTS of them."""


FREE = {
    *("InputLayer", "Rescaling", "Normalization", "Flatten", "Reshape"),
    *("Permute", "ZeroPadding2D", "Cropping2D", "UpSampling2D"),
    *("MaxPooling2D", "AveragePooling2D"),
    *("GlobalMaxPooling2D", "GlobalAveragePooling2D"),
    *("BatchNormalization", "LayerNormalization", "GroupNormalization"),
    *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"),
    *("Add", "Average", "Maximum", "Concatenate"),
    *("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout"),
    *("RandomBrightness", "RandomContrast", "RandomCrop", "RandomErasing"),
    *("RandomElasticTransform", "RandomFlip", "RandomGaussianBlur"),
    *("RandomInvert", "RandomPerspective", "RandomRotation", "RandomShear"),
    *("RandomTranslation", "RandomZoom"),
}
"""Layers without products of weights and pixels, or busy in training only."""

WEIGHED = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense")


def cost(model):
    """The Cost of a model made of 2D convolutions, dense and FREE layers.

    Raises CourseError for other layers, for one that is used twice, and for a
    model that does not say how large its images are.
    """
    constants = _constants_of_all(model)
    parameters = int(model.count_params()) + constants
    return Cost(parameters, _products_of_all(model) + constants)


def _products_of_all(model):
    """The multiplications of a model's layers."""
    for entry in model.get_config()["layers"]:
        if len(entry.get("inbound_nodes", [])) > 1:
            name = entry["config"]["name"]
            raise CourseError(
                f"The layer {name!r} is used several times, which is not "
                "counted here: use each layer once."
            )
    return sum(map(_products, model.layers))


def _products(layer):
    """The multiplications of one layer, or of a model in the model."""
    kind = type(layer).__name__
    if hasattr(layer, "layers"):
        return _products_of_all(layer)
    if kind in FREE:
        return 0
    if kind not in WEIGHED:
        raise CourseError(
            f"What a layer {kind} costs is not counted here: use only "
            f"{', '.join(WEIGHED)} and layers without products of weights, such "
            "as pooling."
        )
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise CourseError(
            f"The layer {layer.name!r} has its channels first, which is not counted "
            "here: leave data_format as it is."
        )
    try:
        places = math.prod(layer.output.shape[1:-1])
    except (AttributeError, TypeError):
        raise CourseError(
            f"The layer {layer.name!r} does not say how large its output is: "
            "begin the model with keras.Input((40, 30, 1))."
        ) from None
    # A kernel has one product for each of its weights at each place.
    kernels = [w for w in layer.weights if len(w.shape) > 1]
    return places * sum(math.prod(kernel.shape) for kernel in kernels)


def _constants_of_all(model):
    """How many numbers the layers of a model hold as constants, which Keras counts nowhere.

    One for each channel of the images is free, as in every lecture; a constant for each
    pixel or feature would be a weight.
    """
    count = 0
    for layer in model.layers:
        if hasattr(layer, "layers"):
            count += _constants_of_all(layer)
        elif type(layer).__name__ in ("Rescaling", "Normalization"):
            names = ("scale", "offset", "mean", "variance")
            sizes = [np.size(getattr(layer, name, None)) for name in names]
            count += sum(size for size in sizes if size > FREE_CONSTANTS)
    return count


FREE_CONSTANTS = 4
"""Constants of one layer that cost nothing: one for each channel of a picture."""


# Assignment 5: a project ---------------------------------------------------------


def fingerprints(images):
    """A text for each image, the same for the same pixels: a list of 32 digits each.

    images: (n, ...) arrays of any dtype. The dtype does not matter, the shape does.
    """
    prints = []
    for image in np.asarray(images):
        state = hashlib.sha256(str(image.shape).encode())
        state.update(np.ascontiguousarray(image, dtype=float).tobytes())
        prints.append(state.hexdigest()[:32])
    return prints


def noisy(images):
    """The same images with a little noise: one in a hundred of the largest value."""
    images = np.asarray(images)
    spread = 0.01 * np.abs(images).max(initial=0)
    noise = np.random.default_rng(1).normal(0, spread, images.shape)
    changed = np.clip(images + noise, images.min(initial=0), images.max(initial=0))
    whole = images.dtype.kind in "iu"
    return (changed.round() if whole else changed).astype(images.dtype)
