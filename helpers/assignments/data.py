"""Data and measures of the graded assignments 3, 4 and 5.

Assignment 3: characters by simulated writers, as a network reads them, and what a
network costs. Assignment 4: every student's own scans with planted flaws, and marks
for lists of suspects. Nothing in here says which scans are flawed.
"""

import hashlib
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image

from helpers.assignments.students import Draws, owner
from helpers.files import COURSE, CourseError
from helpers.handwriting.writers import Writer

SHAPE = (40, 30)
"""Height and width of all images here: half of the lecture's."""

# Assignment 3: a character classifier ------------------------------------------

LOOK_ALIKES = "大夫天太犬因国囡日白王玉"
"""The twelve characters; a label is a position in this text."""


class Written(NamedTuple):
    """Images by several writers: image X[i] is of LOOK_ALIKES[y[i]], by writer[i]."""

    X: np.ndarray
    """(n, 40, 30, 1) uint8: 0 is black ink, 255 white paper."""
    y: np.ndarray
    """(n,) int."""
    writer: np.ndarray
    """(n,) int: the writers' numbers."""


def training_set():
    """1,200 images by 50 writers, each character twice by each: a Written."""
    return written_by(range(50), 2, seed=2024)


prepare = training_set
"""The grader calls it once, before it starts a process for each submission."""


def written_by(writers, samples, seed):
    """`samples` images of each character by each of these writers: a Written.

    Another seed means other people. About 1,000 images a second; at once when they
    are asked for again, as a judge does for every submission.
    """
    drawn = _drawn(tuple(writers), samples, seed)
    return Written(*(array.copy() for array in drawn))


@lru_cache(maxsize=8)
def _drawn(writers, samples, seed):
    X, y, owners = [], [], []
    for number in writers:
        hand = Writer(seed, number, messiness=0.93)
        for label, character in enumerate(LOOK_ALIKES):
            for sample in range(samples):
                X.append(small(hand.write(character, sample)))
                y.append(label)
                owners.append(number)
    return Written(np.stack(X)[..., None], np.array(y), np.array(owners))


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


# Assignment 4: scans with flaws -------------------------------------------------

SCANS = COURSE / "data" / "assignments" / "scans.npz"
"""Scans of all students, 50 on each of 30 cards, and the labels that they were given."""

KINDS = "人大木本日白王山水马口国"
"""The twelve characters on them."""

CARDS, ON_A_CARD, MINE = 30, 50, 12


def scan_numbers(student):
    """Which scans of the file are a student's, in this student's order: a list.

    All of twelve cards, so that both of two copies are there; shuffled.
    """
    draws = Draws("4_error_analysis", owner(student))
    numbers = [
        card * ON_A_CARD + place
        for card in draws.sample(range(CARDS), MINE)
        for place in range(ON_A_CARD)
    ]
    return sorted(numbers, key=lambda _: draws.whole(0, 2**64))


def scans(student):
    """A student's scans: (X, y), (600, 40, 30) uint8 and (600,) int.

    y holds the labels as they were given: positions in KINDS, some of them wrong.
    Raises CourseError where there is no id, or no file of scans.
    """
    numbers = scan_numbers(student)
    try:
        with np.load(SCANS, allow_pickle=False) as file:
            return file["X"][numbers], file["y"][numbers].astype(int)
    except (OSError, ValueError, KeyError) as error:
        raise CourseError(
            f"{SCANS} is missing or damaged: take it from the course's repository again."
        ) from error


def as_places(listed, n=MINE * ON_A_CARD):
    """A student's list as a set of whole numbers from 0 to n - 1.

    Raises AssertionError, one sentence, for anything else.
    """
    try:
        numbers = [_whole(item) for item in listed]
    except (TypeError, ValueError, OverflowError):
        raise AssertionError("a list of numbers of scans is needed, such as [3, 17]") from None
    outside = [number for number in numbers if not 0 <= number < n]
    if outside:
        raise AssertionError(f"{outside[0]} is not from 0 to {n - 1}")
    return set(numbers)


def as_pairs(listed, n=MINE * ON_A_CARD):
    """A student's list of pairs as a set of (smaller, larger).

    Raises AssertionError, one sentence, for anything else.
    """
    try:
        pairs = [tuple(sorted(map(_whole, pair))) for pair in listed]
    except (TypeError, ValueError, OverflowError):
        pairs = [()]
    if any(len(set(pair)) != 2 for pair in pairs):
        raise AssertionError("a list of pairs of different scans is needed, such as [(3, 17)]")
    as_places([number for pair in pairs for number in pair], n)
    return set(pairs)


def _whole(value):
    number = int(value)
    if number != value:
        raise ValueError(value)
    return number


def list_marks(listed, planted, points, goal):
    """Marks for a list of suspects, in halves of a point; 0 for one without any.

    With F1 = 2 * right / (listed + planted): none up to F1 = 0.4, all `points` from
    F1 = `goal` on, and in a straight line between.
    """
    f1 = 2 * len(listed & planted) / max(len(listed) + len(planted), 1)
    share = min(max((f1 - 0.4) / (goal - 0.4), 0.0), 1.0)
    return float(round(2 * points * share) / 2)


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
