"""Self-checks of the exercises: `check("05.1", answer, ...)` prints a verdict.

A check works its answer out from what it is given, by its own way, so it holds for
simulated and for real data. Solutions are in notebooks/solutions; the tests prove
that each check accepts right answers and refuses likely wrong ones.
"""

import reprlib
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
    """("right" | "not yet" | "no answer yet", reason) for an answer.

    Raises CourseError when there is no exercise `number`.
    """
    if number not in CHECKS:
        raise CourseError(
            f"There is no exercise {number!r}; there are {', '.join(CHECKS)}."
        )
    try:
        if answer is None or answer is Ellipsis:
            raise NoAnswer
        reason = CHECKS[number](answer, **given)
    except NoAnswer:
        return "no answer yet", ""
    except CourseError as error:
        reason = str(error).rstrip(".")
    except Exception as error:  # whatever a student's answer may raise
        first_line = str(error).partition("\n")[0].rstrip(".")
        reason = f"it raised {type(error).__name__}" + (
            f": {first_line}" if first_line else ""
        )
    return ("not yet", reason) if reason else ("right", "")


def exercise(number):
    """Register a check: a function that returns what is wrong, or None."""

    def register(function):
        CHECKS[number] = function
        return function

    return register


# What answers are made of ----------------------------------------------------


def _call(function, *arguments):
    """What a student's function returns; None, or a bare `...`, is no answer.

    It gets copies of arrays, so that changing them changes no later check.
    """
    if not callable(function):
        raise CourseError("give the function itself, not what it returns")
    copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    with np.errstate(all="ignore"):  # the check says it better than a warning
        result = function(*copies)
    if result is None or result is Ellipsis:
        raise NoAnswer
    return result


def _numbers(value, shape, what):
    """A student's numbers as a float array of `shape`, called `what` if it is not.

    NaN and infinite numbers pass: the checks refuse them, and say why.
    """
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = np.array(None)
    if array.dtype.kind not in "buif":
        raise CourseError(f"it should be {what}, not {_shown(value)}")
    if array.shape != shape:
        raise CourseError(
            f"it should be {what}, not an array of shape {array.shape}"
            if array.shape
            else f"it should be {what}, not one number"
        )
    return array.astype(float)


def _names(answer, known):
    """A student's list of file names as a set; each must be one of `known`."""
    if isinstance(answer, str) or not np.iterable(answer):
        raise CourseError(f"{_shown(answer)} is not a list of file names")
    names = {str(name).replace("\\", "/") for name in answer}
    if unknown := names - set(known):
        raise CourseError(f"there is no file named {_shown(min(unknown))}")
    return names


def _shown(value):
    """A short text for any value, on one line."""
    return " ".join(reprlib.repr(value).split())


# 05 Exploring a handwriting data set -----------------------------------------


@exercise("05.1")
def _bytes_of_an_array(answer, X):
    what = "two numbers, (bytes as uint8, bytes as float32)"
    as_uint8, as_float32 = _numbers(answer, (2,), what)
    if as_uint8 == 4 * X.size and as_float32 == X.size:
        return "the two numbers are swapped"
    if as_uint8 == 8 * X.size:
        return "that is in bits: a byte has 8"
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
    if not isinstance(answer, str) or answer not in medians:
        return f"{_shown(answer)} is not a class; the answer is one character"
    if medians[answer] < max(medians.values()):
        return (
            f"the median ratio of {answer} is {medians[answer]:.2f}, "
            f"and some class has {max(medians.values()):.2f}"
        )


@exercise("05.3")
def _random_split(split):
    def parts(n, fraction, seed):
        result = _call(split, n, fraction, seed)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise CourseError("return two arrays of indices, (train, held_out)")
        what = "an array of indices"
        return [_numbers(part, np.shape(part), what) for part in result]

    for n, fraction in ((10, 0.3), (14, 0.2), (101, 0.2), (1000, 0.2)):
        train, held_out = parts(n, fraction, 7)
        wanted = round(fraction * n)
        if held_out.size != wanted:
            return (
                f"of {n} images and a fraction of {fraction}, {held_out.size} "
                f"were held out instead of {wanted}"
            )
        both = np.concatenate([train.ravel(), held_out.ravel()]).tolist()
        if len(set(both)) < len(both):
            return "an image is in both parts, or twice in one"
        if sorted(both) != list(range(n)):
            return f"the two parts together are not the indices 0 to {n - 1}"
    # n is 1000 here, and files are in the order of their classes. Of 100 in a row,
    # 20 are expected; by chance, fewer than 3 happen less than once in 10,000 times.
    share = np.histogram(held_out, bins=10, range=(0, 1000))[0]
    if share.min() < 3:
        return "it is not random: images that stand together stay together"
    held_out = np.sort(held_out)
    if not np.array_equal(np.sort(parts(1000, 0.2, 7)[1]), held_out):
        return "the same seed gave two different splits"
    if np.array_equal(np.sort(parts(1000, 0.2, 8)[1]), held_out):
        return "another seed must give another split"


@exercise("05.4")
def _duplicates(answer, X, files):
    groups = defaultdict(list)
    for image, file in zip(X, files, strict=True):
        groups[image.tobytes()].append(file)
    wanted = {frozenset(group) for group in groups.values() if len(group) > 1}
    if isinstance(answer, str) or not np.iterable(answer):
        return f"{_shown(answer)} is not a list of groups"
    given = {frozenset(_names(group, files)) for group in answer}
    if any(len(group) < 2 for group in given):
        return "each group needs at least two files"
    if any(part < whole for part in given for whole in wanted):
        return "a group must hold all files that have the same pixels"
    if extra := given - wanted:
        return f"{len(extra)} of your groups are not files with equal pixels"
    if missing := wanted - given:
        return f"{len(missing)} groups of equal images are missing"


@exercise("05.5")
def _blank_scans(answer, X, files):
    # Faint ink counts: darker than 230 of 255. By this measure, dust covers up to
    # 0.6 % of a simulated blank scan, and ink at least 7 % of any character: the
    # faintest simulated one, and the faintest one of 16,437 real scans.
    ink = (X < 230).reshape(len(X), -1).mean(axis=1)
    wanted = {
        file for file, share in zip(files, ink, strict=True) if share < 0.02
    }
    given = _names(answer, files)
    if extra := given - wanted:
        return (
            f"{len(extra)} of your files hold a character, for instance "
            f"{min(extra)}; ink may be faint"
        )
    if missing := wanted - given:
        return (
            f"{len(missing)} blank scans are missing; a blank one may hold dust"
        )


# 06 Logistic regression against a CNN ----------------------------------------


@exercise("06.1")
def _parameters_of_a_convolution(answer):
    answer = _numbers(answer, (), "one number")
    if answer == 5 * 5 * 16 * 32:
        return "each of the 32 filters also has a bias"
    if answer == 5 * 5 * 32 + 32:
        return "a filter has weights for each of its 16 input channels"
    if answer == 5 * 5 * 16 + 1:
        return "that is one filter, and there are 32"
    if answer != 5 * 5 * 16 * 32 + 32:
        return "a filter has height x width x channels weights and one bias"


@exercise("06.2")
def _parameters_of_logistic_regression(answer):
    answer = _numbers(answer, (), "one number")
    if answer == 64 * 64 * 10 + 10:
        return "a colour image has three values a pixel"
    if answer == 64 * 64 * 3 * 10:
        return "each class also has a bias"
    if answer == 64 * 64 * 3 + 1:
        return "that is one class, and there are 10"
    if answer != 64 * 64 * 3 * 10 + 10:
        return (
            "each class has one weight for every value of the flattened image, "
            "and one bias"
        )


@exercise("06.3")
def _top_k_accuracy(top_k):
    random = np.random.default_rng(63)
    logits = random.normal(size=(200, 12))
    labels = random.integers(0, 12, 200)
    ranks = (logits > logits[np.arange(200), labels][:, None]).sum(axis=1)
    for k in (1, 3, 5, 12):
        wanted = (ranks < k).mean()
        value = _numbers(_call(top_k, labels, logits, k), (), "one share")
        if np.isclose(value, 200 * wanted):
            return "that is a number of images: divide it by all of them"
        if np.isclose(value, (ranks >= 12 - k).mean()) and k < 12:
            return "that takes the k smallest logits, not the largest"
        if not np.isclose(value, wanted):
            return f"top-{k} accuracy came out as {value:.3f}, not {wanted:.3f}"


@exercise("06.4")
def _log_softmax(log_softmax):
    z = np.array(
        [[2.0, 1.0, 0.0], [1000.0, 0.0, -1000.0], [-5000.0, -5000.0, -5001.0]]
    )
    what = "an array of shape (n, classes)"
    value = _numbers(_call(log_softmax, z), z.shape, what)
    if np.isnan(value).any() or (value == np.inf).any():
        return "it overflows: subtract each row's own largest logit before exp"
    if (value == -np.inf).any():
        return "it takes the logarithm of 0: use that log(exp(a) / s) is a - log(s)"
    shifted = z - z.max(axis=1, keepdims=True)
    wanted = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    for row, got, right in zip(z, value, wanted, strict=True):
        if not np.allclose(got, right, atol=1e-5):
            return f"of the logits {row} it made {got}, not {right}"


@exercise("06.5")
def _batch_of_one(answer, X):
    answer = np.asarray(answer)
    if answer.shape == X[3].shape:
        return f"the shape {answer.shape} has no batch axis"
    if answer.shape != (1, *X.shape[1:]):
        return f"the shape is {answer.shape}, not {(1, *X.shape[1:])}"
    if not np.array_equal(answer[0], X[3]):
        return "its pixels are not those of image number 3, counted from 0"


# 07 Error analysis -----------------------------------------------------------


@exercise("07.1")
def _interval(interval):
    for successes, trials in ((3, 7), (7, 7), (0, 7), (292, 385), (50, 100)):
        result = _call(interval, successes, trials)
        low, high = _numbers(result, (2,), "two numbers, (low, high)")
        wanted = scores.wilson_interval(successes, trials)
        if np.allclose((high, low), wanted, atol=2e-3):
            return "the lower end comes first"
        if not np.allclose((low, high), wanted, atol=2e-3):
            return (
                f"{successes} of {trials} gave {low:.3f} to {high:.3f}; "
                f"Wilson's interval is {wanted[0]:.3f} to {wanted[1]:.3f}"
            )


@exercise("07.2")
def _macro_recall(macro_recall):
    y_true = np.repeat([0, 1, 2, 5], [90, 10, 5, 4])
    y_pred = np.repeat([0, 1, 0, 2, 1, 5, 3], [90, 5, 5, 1, 4, 2, 2])
    right = y_pred == y_true
    classes = np.unique(y_true)
    wanted = np.mean([right[y_true == c].mean() for c in classes])
    precision = np.mean([right[y_pred == c].mean() for c in classes])
    value = _numbers(_call(macro_recall, y_true, y_pred), (), "one number")
    if np.isclose(value, right.mean()):
        return "that is the accuracy, in which a frequent class counts more"
    if np.isclose(value, precision):
        return "that is the precision: select by y_true, not by y_pred"
    if (
        np.isnan(value)
        or np.isclose(value, wanted * np.array([4 / 5, 4 / 6])).any()
    ):
        return "average over the classes that occur in y_true, and no others"
    if not np.isclose(value, wanted):
        return (
            f"it gave {value:.3f} where the mean of the recalls is {wanted:.3f}"
        )


@exercise("07.3")
def _calibration_error(calibration_error):
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55, 0.15, 0.72])
    correct = np.array([1, 1, 0, 1, 0, 1, 0, 1], bool)
    for bins in (10, 4):
        place = (confidence * bins).astype(int)
        inside = [place == k for k in np.unique(place)]
        gaps = [confidence[i].mean() - correct[i].mean() for i in inside]
        sizes = [i.sum() / len(confidence) for i in inside]
        wanted = np.dot(sizes, np.abs(gaps))
        result = _call(calibration_error, confidence, correct, bins)
        value = _numbers(result, (), "one number")
        if np.isnan(value):
            return "an empty bin has no mean: skip it"
        if np.isclose(value, np.abs(gaps).mean()):
            return "each bin counts by the number of images in it"
        if np.isclose(np.abs(value), np.abs(np.dot(sizes, gaps))):
            return "a gap above and one below do not cancel: take absolute gaps"
        if not np.isclose(value, wanted, atol=1e-3):
            return f"with {bins} bins it gave {value:.4f}, not {wanted:.4f}"


@exercise("07.4")
def _wrong_labels(answer, data):
    if data.real:
        return (
            "nobody has listed the flaws of real scans, so this cannot be checked: "
            "look at your suspects to judge them"
        )
    scans = [*data.train.glob("*/*"), *data.test.glob("*/*")]
    known = [file.relative_to(data.folder).as_posix() for file in scans]
    suspects = _names(answer, known)
    counts = handwriting.count_found(data, suspects)
    found, planted = counts["wrong label"]
    flawed = sum(pair[0] for pair in counts.values())
    if 3 * found < planted:
        return (
            f"{found} of {planted} wrong labels are among your "
            f"{len(suspects)} files"
        )
    if 2 * flawed < len(suspects):
        return f"only {flawed} of your {len(suspects)} suspects are flawed"


@exercise("07.5")
def _temperature(soften):
    logits = np.array([[2.0, 0.0, -1.0], [0.0, 3.0, 3.0], [1000.0, 990.0, 0.0]])
    shifted = logits - logits.max(axis=1, keepdims=True)
    for temperature in (1.0, 2.0, 0.5):
        what = "an array of shape (n, classes)"
        result = _call(soften, logits, temperature)
        value = _numbers(result, logits.shape, what)
        powers = np.exp(shifted / temperature)
        wanted = powers / powers.sum(axis=1, keepdims=True)
        if not np.isfinite(value).all():
            return "it overflows: subtract each row's own maximum before exp"
        if not np.allclose(value.sum(axis=1), 1):
            return "each row must be probabilities that add up to 1"
        if not np.allclose(value, wanted, atol=1e-6):
            return (
                f"wrong at temperature {temperature}: divide the logits by it"
            )
