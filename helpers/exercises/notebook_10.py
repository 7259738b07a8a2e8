"""Checks of notebook 10, transfer learning."""

from collections.abc import Mapping

import numpy as np

from helpers import scores
from helpers.exercises.answers import call, exercise, numbers, shown
from helpers.files import CourseError


@exercise("10.1")
def _count_what_trains(answer):
    base, moving, head = 2_257_984, 34_112, 1280 * 5 + 5
    what = "three numbers, (head only, everything, left alone)"
    first, second, left = numbers(answer, (3,), what)
    if first == base - moving + head and second == head:
        return "the head alone comes first"
    if first == 1280 * 5:
        return "each of the 5 units of the head also has a bias"
    if first in (base + head, base - moving + head):
        return "a frozen base trains nothing: in (a) only the head counts"
    if first != head:
        return "(a) is a dense layer of 5 units on 1,280 features"
    if second == base + head:
        return "gradient descent never changes moving means and variances"
    if second in (base, base - moving):
        return "in (b) the head is still trained, together with the base"
    if second != base - moving + head:
        return "(b) is the base without its moving statistics, and the head"
    if left == base:
        return "that was left alone in (a); in (b) the base is not frozen"
    if left == 0:
        return "even with everything unfrozen some numbers are not trained"
    if left != moving:
        return "(b) and (c) together are all numbers of base and head"


def _toy_base():
    """A small base: (n, 8, 8, 3) -> (n, 4, 4, 6), with batch normalization."""
    from helpers.quiet_keras import keras

    keras.utils.set_random_seed(10)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(6, 3, strides=2, padding="same")(inputs)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, keras.layers.ReLU()(x))


def _require_model(value, what):
    from helpers.quiet_keras import keras

    if not isinstance(value, keras.Model):
        raise CourseError(f"it should be {what}, not {shown(value)}")


@exercise("10.2")
def _new_head(new_head):
    base, classes = _toy_base(), 5
    model = call(new_head, base, classes)
    _require_model(model, "a model of Keras")
    if model.input_shape != base.input_shape:
        return f"it takes {model.input_shape}, where the base takes {base.input_shape}"
    if model.output_shape != (None, classes):
        return f"it gives {model.output_shape}, not one logit for each of {classes} classes"
    if not {id(w) for w in base.weights} <= {id(w) for w in model.weights}:
        return "the base that is given is no part of it"
    if {id(w) for w in base.trainable_weights} & {id(w) for w in model.trainable_weights}:
        return "the base is not frozen"
    shapes = sorted(tuple(w.shape) for w in model.trainable_weights)
    if shapes == [(5,), (96, 5)]:
        return "take the mean of each map, GlobalAveragePooling2D: Flatten keeps every place"
    if shapes != [(5,), (6, 5)]:
        return "one dense layer on the means of the maps is to be trained, and nothing else"
    X = np.random.default_rng(102).normal(0, 2, (7, 8, 8, 3)).astype("float32")
    means = np.asarray(base(X, training=False)).mean(axis=(1, 2))
    kernel, bias = sorted(model.trainable_weights, key=lambda w: -len(w.shape))
    logits = means @ np.asarray(kernel) + np.asarray(bias)
    value = np.asarray(model(X, training=False))
    if np.allclose(value, logits, atol=1e-4):
        return None
    if np.allclose(value.sum(axis=1), 1, atol=1e-4):
        return "those are probabilities: a logit has no softmax"
    return "the outputs are not a dense layer on the mean of each map"


@exercise("10.3")
def _ready_to_fine_tune(ready):
    from helpers.quiet_keras import keras

    base, rate = _toy_base(), 1e-4
    base.trainable = False
    inputs = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(base(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(pooled))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-2), loss)
    before = model.optimizer

    if call(ready, model, base, rate) is not model:
        return "return the model that was given"
    *_, convolution, normal, _ = base.layers
    if not (base.trainable and convolution.trainable):
        return "the base is still frozen"
    if normal.trainable:
        return "its batch normalization is not frozen: `training=False` would not hold it"
    if not all(layer.trainable for layer in model.layers):
        return "the head should go on learning"
    if model.optimizer is before:
        return "without another `compile`, `fit` goes on training what it trained before"
    if not isinstance(model.optimizer, keras.optimizers.Adam):
        return "compile it with Adam"
    found = float(model.optimizer.learning_rate)
    if not np.isclose(found, rate):
        return f"the learning rate is {found:g}, not the one that is given"
    if not getattr(model.loss, "from_logits", False):
        return "the model gives a logit: the loss must be told, from_logits=True"
    return None


TURNS = "rotation by up to 10 degrees", "rotation by up to 180 degrees"
HARMLESS = "translation", "zoom", "contrast", "brightness"
CHANGES = ("horizontal flip", "vertical flip", *TURNS, *HARMLESS)

UPSIDE_DOWN = "an upside-down cat is a cat; whether it helps was not asked"

WHY = {
    ("character", "horizontal flip"): "a mirrored character is not that one",
    ("character", "vertical flip"): (
        "a character that is upside down and mirrored is not that one"
    ),
    ("character", TURNS[0]): "people write as slanted as that, and are read",
    ("character", TURNS[1]): ("upside down, 由 is 甲, and most characters are none at all"),
    ("clock", "horizontal flip"): "in a mirror, three o'clock is nine o'clock",
    ("clock", "vertical flip"): ("the minute hand of a full hour then points at the half hour"),
    ("clock", TURNS[0]): (
        "the minute hand turns by 6 degrees a minute, the hour hand by half a degree"
    ),
    ("clock", TURNS[1]): ("turned by 90 degrees, the hands show another time, or none"),
    ("cat", "horizontal flip"): "a cat in a mirror is a cat",
    ("cat", "vertical flip"): UPSIDE_DOWN,
    ("cat", TURNS[0]): "a camera held a little askew sees the same cat",
    ("cat", TURNS[1]): UPSIDE_DOWN,
}
"""{(what is shown, change): why it keeps the label, or why not}."""

KEEP = {
    "character": {TURNS[0], *HARMLESS},
    "clock": set(HARMLESS),
    "cat": set(CHANGES),
}


@exercise("10.4")
def _which_change_keeps_the_label(answer):
    if not isinstance(answer, Mapping):
        raise CourseError('give a dict, {"character": {...}, "clock": {...}, "cat": {...}}')
    for subject, right in KEEP.items():
        if subject not in answer:
            return f"the dict has no {subject!r}"
        chosen = _texts(answer[subject], f"a set of changes for {subject!r}")
        if unknown := sorted(chosen - set(CHANGES)):
            return f"there is no change named {shown(unknown[0])}"
        for change in CHANGES:
            if (change in chosen) != (change in right):
                why = WHY.get((subject, change), "it changes the looks, not the label")
                mistake = "is missing" if change in right else "does not belong"
                return f"{subject}: {change} {mistake}: {why}"


def _texts(value, what, kind=set):
    """A student's texts, in lower case and with single spaces."""
    if isinstance(value, (str, bytes)) or not np.iterable(value):
        raise CourseError(f"it should be {what}, not {shown(value)}")
    return kind(" ".join(str(text).lower().split()) for text in value)


@exercise("10.5")
def _paired_over_seeds(difference):
    from scipy import stats

    random = np.random.default_rng(105)
    for n in (5, 8):
        seeds = random.normal(0, 0.04, n)  # good for both, or bad for both
        first = 0.55 + seeds + random.normal(0, 0.01, n)
        second = 0.6 + seeds + random.normal(0, 0.01, n)
        mean, low, high = scores.mean_interval(second - first)
        what = "three numbers, (mean, low, high)"
        value = numbers(call(difference, first, second), (3,), what)
        if np.isclose(value[0], -mean):
            return "that is first minus second: second minus first is asked for"
        if not np.isclose(value[0], mean):
            return f"the mean difference came out as {value[0]:.4f}, not {mean:.4f}"
        if value[1] > value[2]:
            return "the lower end comes second, before the higher one"
        if np.allclose(value, (mean, low, high), rtol=1e-3):
            continue
        t, z = stats.t.ppf(0.975, n - 1), stats.norm.ppf(0.975)
        spread = np.std(second - first, ddof=1)
        apart = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / n)
        welch = stats.ttest_ind(first, second, equal_var=False).df
        unpaired = [z, *stats.t.ppf(0.975, [n - 1, 2 * n - 2, welch])]
        mistakes = {
            "that is not paired: take the differences seed by seed first": (
                apart * np.array(unpaired)
            ),
            f"of {n} differences the spread is not known: take Student's t, not the normal 1.96": z
            * spread
            / np.sqrt(n),
            "that is an interval for one seed: the mean of n varies less, by "
            "the square root of n": spread * np.array([t, z, 2, 1]),
            "divide the sum of squares by n - 1 (ddof=1)": (
                t * np.std(second - first) / np.sqrt(n)
            ),
            "95 % leaves 2.5 % on either side, not 5 %": (
                stats.t.ppf(0.95, n - 1) * spread / np.sqrt(n)
            ),
            f"{n} differences have {n - 1} degrees of freedom": (
                stats.t.ppf(0.975, n) * spread / np.sqrt(n)
            ),
        }
        for reason, half in mistakes.items():
            if np.isclose((value[2] - value[1]) / 2, half, rtol=1e-3).any():
                return reason
        return (
            f"it gave {value[1]:.4f} to {value[2]:.4f}; Student's interval is "
            f"{low:.4f} to {high:.4f}"
        )


TO_BEAT = 0.7


@exercise("10.6")
def _two_classes_of_your_own(answer):
    if not isinstance(answer, Mapping) or not {"model", "X", "y"} <= answer.keys():
        raise CourseError('give a dict, {"model": ..., "X": ..., "y": ...}')
    model, X, y = answer["model"], np.asarray(answer["X"]), np.ravel(answer["y"])
    _require_model(model, "a model of Keras, as model")
    if X.ndim != 4 or X.shape[-1] != 3:
        raise CourseError(f"X should be photos, (n, height, width, 3), not {X.shape}")
    if len(y) != len(X):
        return f"there are {len(X)} photos and {len(y)} labels"
    if set(y.tolist()) != {0, 1}:
        return "the labels should be 0 and 1, and both should occur"
    if min(np.sum(y == 0), np.sum(y == 1)) < 5:
        return "keep at least five photos of each class for testing"
    if X.max() <= 1:
        return "X should be photos from 0 to 255: scaling is a part of the model"
    if model.output_shape[-1] != 1:
        return f"the model gives {model.output_shape[-1]} numbers per photo, not one logit"
    logits = model.predict(X.astype("float32"), verbose=0)[:, 0]
    if logits.min() >= 0 and logits.max() <= 1:
        return "those look like probabilities: a logit is below 0 for the first class"
    share = np.mean((logits > 0) == (y == 1))
    if share < TO_BEAT:
        return f"{share:.0%} of the test photos are right; {TO_BEAT:.0%} are to beat"
    return None
