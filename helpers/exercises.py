"""Self-checks of the exercises: `check("05.1", answer, ...)` prints a verdict.

A check works its answer out from what it is given, by its own way, so it holds for
simulated and for real data. Solutions are in notebooks/solutions; the tests prove
that each check accepts right answers and refuses likely wrong ones.
"""

from collections import defaultdict

import numpy as np

from helpers import handwriting, scores
from helpers.files import CourseError

CHECKS = {}


class NoAnswer(Exception):
    """The exercise is still as it was handed out."""


def check(number, answer, **given):
    """Print whether `answer` solves exercise `number`; see that exercise's text."""
    state, reason = verdict(number, answer, **given)
    print(f"Exercise {number}: {state}{': ' + reason if reason else ''}.")


def verdict(number, answer, **given):
    """("right" | "not yet" | "no answer yet", reason) for an answer."""
    try:
        if answer is None:
            raise NoAnswer
        reason = CHECKS[number](answer, **given)
    except NoAnswer:
        return "no answer yet", ""
    except CourseError as error:
        reason = str(error).rstrip(".")
    except Exception as error:  # whatever a student's answer may raise
        reason = f"it raised {type(error).__name__}: {error}"
    return ("not yet", reason) if reason else ("right", "")


def exercise(number):
    """Register a check: a function that returns what is wrong, or None."""

    def register(function):
        CHECKS[number] = function
        return function

    return register


def _call(function, *arguments, **named):
    """Call a student's function; None, or a bare `...`, means not yet written."""
    result = function(*arguments, **named)
    if result is None or result is Ellipsis:
        raise NoAnswer
    return result


# 05 Exploring a handwriting data set -----------------------------------------


@exercise("05.1")
def _bytes_of_an_array(answer, X):
    as_uint8, as_float32 = answer
    if as_uint8 == 4 * X.size and as_float32 == X.size:
        return "the two numbers are swapped"
    if as_uint8 != X.size:
        return "a uint8 pixel takes one byte: multiply the lengths of all axes"
    if as_float32 != 4 * X.size:
        return "a float32 takes 32 bits, and a byte has 8"


@exercise("05.2")
def _tallest_class(answer, heights, widths, labels):
    ratios = defaultdict(list)
    for height, width, label in zip(heights, widths, labels, strict=True):
        ratios[label].append(height / width)
    medians = {label: np.median(values) for label, values in ratios.items()}
    if answer not in medians:
        return f"{answer!r} is not a class; the answer is one character"
    if medians[answer] < max(medians.values()):
        return (
            f"the median ratio of {answer} is {medians[answer]:.2f}, "
            f"and some class has {max(medians.values()):.2f}"
        )


@exercise("05.3")
def _random_split(split):
    for n in (10, 101, 1000):
        train, held_out = map(np.asarray, _call(split, n, 0.2, 7))
        if len(held_out) != round(0.2 * n):
            return (
                f"of {n} images, {len(held_out)} were held out instead of 20 %"
            )
        both = np.concatenate([train, held_out])
        if len(set(both.tolist())) < len(both):
            return "an image is in both parts, or twice in one"
        if sorted(both.tolist()) != list(range(n)):
            return f"the two parts together are not the indices 0 to {n - 1}"
    # n is 1000 here. In order, or nearly so, the classes would not be mixed.
    if len(set(held_out.tolist()) & set(range(800, 1000))) > 150 or (
        len(set(held_out.tolist()) & set(range(200))) > 150
    ):
        return "the parts are not random: the files are in the order of their classes"
    again = _call(split, 1000, 0.2, 7)
    if not np.array_equal(np.sort(again[1]), np.sort(held_out)):
        return "the same seed gave two different splits"
    other = _call(split, 1000, 0.2, 8)
    if np.array_equal(np.sort(other[1]), np.sort(held_out)):
        return "another seed must give another split"


@exercise("05.4")
def _duplicates(answer, X, files):
    groups = defaultdict(list)
    for image, file in zip(X, files, strict=True):
        groups[image.tobytes()].append(file)
    wanted = {frozenset(group) for group in groups.values() if len(group) > 1}
    given = {frozenset(map(str, group)) for group in answer}
    if any(len(group) < 2 for group in given):
        return "each group needs at least two files"
    if extra := given - wanted:
        return f"{len(extra)} of your groups are not files with equal pixels"
    if missing := wanted - given:
        return f"{len(missing)} groups of equal images are missing"


@exercise("05.5")
def _blank_scans(answer, X, files):
    # Ink: darker than a light grey. Specks of dust are far below half a per cent.
    ink = (X < 200).reshape(len(X), -1).mean(axis=1)
    wanted = {
        file for file, share in zip(files, ink, strict=True) if share < 0.005
    }
    given = {str(file) for file in answer}
    if extra := given - wanted:
        return f"{len(extra)} of your files hold a character, for instance {min(extra)}"
    if missing := wanted - given:
        return (
            f"{len(missing)} blank scans are missing; a blank one may hold dust"
        )


# 06 Logistic regression against a CNN ----------------------------------------


@exercise("06.1")
def _parameters_of_a_convolution(answer):
    if answer == 5 * 5 * 16 * 32:
        return "each of the 32 filters also has a bias"
    if answer == 5 * 5 * 32 + 32:
        return "a filter has weights for each of its 16 input channels"
    if answer != 5 * 5 * 16 * 32 + 32:
        return "multiply height, width and channels of a filter by the filters"


@exercise("06.2")
def _parameters_of_logistic_regression(answer):
    if answer == 64 * 64 * 10 + 10:
        return "a colour image has three values a pixel"
    if answer == 64 * 64 * 3 * 10:
        return "each class also has a bias"
    if answer != 64 * 64 * 3 * 10 + 10:
        return (
            "each class has one weight for every value of the flattened image"
        )


@exercise("06.3")
def _top_k_accuracy(top_k):
    random = np.random.default_rng(63)
    logits = random.normal(size=(200, 12))
    labels = random.integers(0, 12, 200)
    ranks = (logits > logits[np.arange(200), labels][:, None]).sum(axis=1)
    for k in (1, 3, 5, 12):
        value = float(_call(top_k, labels, logits, k))
        if not np.isclose(value, (ranks < k).mean()):
            return f"top-{k} accuracy came out as {value:.3f}, not {(ranks < k).mean():.3f}"


@exercise("06.4")
def _log_softmax(log_softmax):
    z = np.array(
        [[2.0, 1.0, 0.0], [1000.0, 0.0, -1000.0], [-5000.0, -5000.0, -5001.0]]
    )
    value = np.asarray(_call(log_softmax, z.copy()), float)
    if value.shape != z.shape:
        return f"the shape is {value.shape}, not {z.shape}: one row an image"
    if not np.isfinite(value).all():
        return "it overflows: subtract each row's largest logit before exp"
    shifted = z - z.max(axis=1, keepdims=True)
    wanted = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    if not np.allclose(value, wanted, atol=1e-6):
        return "the values are wrong: exp of a row must add up to 1"


@exercise("06.5")
def _batch_of_one(answer, X):
    answer = np.asarray(answer)
    if answer.shape == X[3].shape:
        return f"the shape {answer.shape} has no batch axis"
    if answer.shape != (1, *X.shape[1:]):
        return f"the shape is {answer.shape}, not {(1, *X.shape[1:])}"
    if not np.array_equal(answer[0], X[3]):
        return "it is not the image number 3"


# 07 Error analysis -----------------------------------------------------------


@exercise("07.1")
def _interval(interval):
    for successes, trials in ((3, 7), (7, 7), (0, 7), (292, 385), (50, 100)):
        low, high = map(float, _call(interval, successes, trials))
        wanted = scores.wilson_interval(successes, trials)
        if not np.allclose((low, high), wanted, atol=2e-3):
            return (
                f"{successes} of {trials} gave {low:.3f} to {high:.3f}; "
                f"Wilson's interval is {wanted[0]:.3f} to {wanted[1]:.3f}"
            )


@exercise("07.2")
def _macro_recall(macro_recall):
    y_true = np.array([0] * 90 + [1] * 10 + [2] * 5)
    y_pred = np.array([0] * 90 + [1] * 5 + [0] * 5 + [2] * 1 + [1] * 4)
    wanted = np.mean([(y_pred[y_true == c] == c).mean() for c in range(3)])
    value = float(_call(macro_recall, y_true, y_pred))
    if np.isclose(value, (y_true == y_pred).mean()):
        return "that is the accuracy, in which a frequent class counts more"
    if not np.isclose(value, wanted):
        return (
            f"it gave {value:.3f} where the mean of the recalls is {wanted:.3f}"
        )


@exercise("07.3")
def _calibration_error(calibration_error):
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55, 0.15, 0.72])
    correct = np.array([1, 1, 0, 1, 0, 1, 0, 1], bool)
    # By hand: bins of width 0.1 with 4, 2, 1 and 1 images.
    gaps = np.array([0.95 - 0.75, 0.55 - 0.5, 0.15 - 0.0, 1.0 - 0.72])
    wanted = (np.array([4, 2, 1, 1]) * gaps).sum() / 8
    value = float(_call(calibration_error, confidence, correct, 10))
    if np.isclose(value, gaps.mean()):
        return "each bin counts by the number of images in it"
    if not np.isclose(value, wanted, atol=1e-3):
        return f"it gave {value:.4f}, not {wanted:.4f}"


@exercise("07.4")
def _wrong_labels(answer, data):
    suspects = {str(file).replace("\\", "/") for file in answer}
    counts = handwriting.count_found(data, suspects)
    found, planted = counts["wrong label"]
    right = sum(pair[0] for pair in counts.values())
    if found < 0.5 * planted:
        return f"{found} of {planted} wrong labels are among your {len(suspects)} files"
    if right < 0.5 * len(suspects):
        return f"only {right} of your {len(suspects)} suspects are flawed"


@exercise("07.5")
def _temperature(soften):
    logits = np.array([[2.0, 0.0, -1.0], [0.0, 3.0, 3.0]])
    for temperature in (1.0, 2.0, 0.5):
        value = np.asarray(_call(soften, logits.copy(), temperature), float)
        powers = np.exp(logits / temperature)
        wanted = powers / powers.sum(axis=1, keepdims=True)
        if value.shape != wanted.shape or not np.allclose(value.sum(axis=1), 1):
            return "each row must be probabilities that add up to 1"
        if not np.allclose(value, wanted, atol=1e-6):
            return (
                f"wrong at temperature {temperature}: divide the logits by it"
            )
