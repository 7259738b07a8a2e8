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


@exercise("10.2")
def _frozen_batch_normalization(normalize):
    random = np.random.default_rng(102)
    gamma, beta = np.array([2.0, 0.5, -1.5]), np.array([1.0, -3.0, 0.25])
    mean, variance = np.array([4.0, -2.0, 0.5]), np.array([9.0, 0.25, 0.01])
    epsilon = 0.01  # large, so that its place shows
    for shape in ((4, 5, 6, 3), (7, 3)):
        x = random.normal(1, 3, shape)
        given = (gamma, beta, mean, variance, epsilon)
        what = f"an array of shape {shape}, as x"
        value = numbers(call(normalize, x, *given), shape, what)
        one = (1, *shape[1:])
        alone = numbers(call(normalize, x[:1], *given), one, what)
        if not np.allclose(value[:1], alone, atol=1e-4):
            return (
                "an image must not depend on the others of its batch: use the "
                "mean and variance that are given"
            )
        centred, root = x - mean, np.sqrt(variance + epsilon)
        if np.allclose(value, gamma * centred / root + beta, atol=1e-4):
            continue
        mistakes = {
            "divide by a standard deviation: a square root is missing": (
                gamma * centred / (variance + epsilon) + beta
            ),
            "epsilon is added to the variance, below the root": (
                gamma * centred / (np.sqrt(variance) + epsilon) + beta
            ),
            "epsilon is missing": gamma * centred / np.sqrt(variance) + beta,
            "gamma multiplies and beta is added": (beta * centred / root + gamma),
            "beta is added last, after gamma": gamma * (centred / root + beta),
            "gamma and beta are missing": centred / root,
        }
        for reason, wrong in mistakes.items():
            if np.allclose(value, wrong, atol=1e-4):
                return reason
        return (
            f"it is wrong for an x of shape {shape}: each channel, on the last "
            "axis, has its own four numbers"
        )


TURNS = "rotation by up to 5 degrees", "rotation by up to 180 degrees"
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


@exercise("10.3")
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


LOAD = "load the pretrained base"
FREEZE, HEAD = "freeze the base", "add a new head"
COMPILE, FIT, UNFREEZE = "compile", "fit the head", "unfreeze the last block"
RECOMPILE, FIT_AGAIN = "compile again with a low rate", "fit again"
STEPS = (LOAD, FREEZE, HEAD, COMPILE, FIT, UNFREEZE, RECOMPILE, FIT_AGAIN)

RULES = [
    (LOAD, FREEZE, "there is nothing to freeze before it is loaded"),
    (LOAD, HEAD, "a head needs something to stand on"),
    (HEAD, FIT, "there is no head yet that could be fitted"),
    (FREEZE, FIT, "the large errors of a new head would spoil the base"),
    (COMPILE, FIT, "Keras fits only what is compiled"),
    (HEAD, COMPILE, "compile the whole network, with its head"),
    (FREEZE, COMPILE, "only `compile` surely heeds what is frozen"),
    (FIT, UNFREEZE, "the head is still random, its errors spoil the block"),
    (UNFREEZE, FIT_AGAIN, "the same layers as before would be fitted"),
    (RECOMPILE, FIT_AGAIN, "else the block stays frozen, and the rate high"),
    (UNFREEZE, RECOMPILE, "a block that is unfrozen later stays as it is"),
]
"""(a step, a later one, why): these leave two orders, which are equally right."""


@exercise("10.4")
def _the_order(answer):
    if isinstance(answer, (set, frozenset, Mapping)):
        raise CourseError("a set or a dict has no order: give a list of steps")
    steps = _texts(answer, "a list of steps", list)
    for step in steps:
        if step not in STEPS:
            return f"there is no step named {shown(step)}"
    for step in STEPS:
        if steps.count(step) != 1:
            return f"{step!r} is there {steps.count(step)} times, not once"
    for first, later, why in RULES:
        if steps.index(first) > steps.index(later):
            return f"{first!r} must come before {later!r}: {why}"


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


@exercise("10.6")
def _nearest_mean(nearest_mean):
    random = np.random.default_rng(106)
    # As many images a class as features, so that a mean over the wrong axis has
    # the right shape; then classes of different sizes.
    for sizes in ((6, 6, 6), (9, 4, 7, 5)):
        classes = np.array([2, 5, 11, 30])[: len(sizes)]
        centres = random.normal(0, 1, (len(sizes), 6)) * 2
        y_train = random.permutation(np.repeat(classes, sizes))
        places = np.searchsorted(classes, y_train)
        F_train = centres[places] + random.normal(0, 2, (len(y_train), 6))
        F_test = np.repeat(centres, 40, axis=0)
        F_test += random.normal(0, 2, F_test.shape)

        of_class = [F_train[y_train == c] for c in classes]
        means = np.stack([F.mean(axis=0) for F in of_class])
        distances = _distances(F_test, means)
        wanted = classes[distances.argmin(axis=1)]
        what = f"{len(F_test)} labels, one for each row of F_test"
        value = numbers(call(nearest_mean, F_train, y_train, F_test), wanted.shape, what)
        if np.array_equal(value, wanted):
            continue
        if np.array_equal(value, distances.argmin(axis=1)):
            return "those are places in the list of classes: return the labels"
        if np.array_equal(value, classes[distances.argmax(axis=1)]):
            return "that is the class whose mean is farthest away"
        nearest = _distances(F_test, F_train).argmin(axis=1)
        if np.array_equal(value, y_train[nearest]):
            return "that is the class of the nearest single image"
        if len(set(sizes)) == 1:
            across = np.stack([F.mean(axis=1) for F in of_class])
            found = classes[_distances(F_test, across).argmin(axis=1)]
            if np.array_equal(value, found):
                return "average over the images of a class, which are its rows"
        return (
            f"{(value != wanted).sum()} of {len(wanted)} labels are not those of the nearest mean"
        )


def _distances(a, b):
    """Euclidean distance of each row of `a` to each row of `b`."""
    return np.linalg.norm(a[:, None] - b, axis=2)
