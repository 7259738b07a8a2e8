"""Checks of notebook 07, error analysis."""

import numpy as np

from helpers import handwriting, scores
from helpers.exercises.answers import call, exercise, names, numbers


@exercise("07.1")
def _interval(interval):
    for successes, trials in ((3, 7), (7, 7), (0, 7), (292, 385), (50, 100)):
        result = call(interval, successes, trials)
        low, high = numbers(result, (2,), "two numbers, (low, high)")
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
    value = numbers(call(macro_recall, y_true, y_pred), (), "one number")
    if np.isclose(value, right.mean()):
        return "that is the accuracy, in which a frequent class counts more"
    if np.isclose(value, precision):
        return "that is the precision: select by y_true, not by y_pred"
    if np.isnan(value) or np.isclose(value, wanted * np.array([4 / 5, 4 / 6])).any():
        return "average over the classes that occur in y_true, and no others"
    if not np.isclose(value, wanted):
        return f"it gave {value:.3f} where the mean of the recalls is {wanted:.3f}"


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
        result = call(calibration_error, confidence, correct, bins)
        value = numbers(result, (), "one number")
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
    suspects = names(answer, known)
    counts = handwriting.count_found(data, suspects)
    found, planted = counts["wrong label"]
    flawed = sum(pair[0] for pair in counts.values())
    if 3 * found < planted:
        return f"{found} of {planted} wrong labels are among your {len(suspects)} files"
    if 2 * flawed < len(suspects):
        return f"only {flawed} of your {len(suspects)} suspects are flawed"


@exercise("07.5")
def _temperature(soften):
    logits = np.array([[2.0, 0.0, -1.0], [0.0, 3.0, 3.0], [1000.0, 990.0, 0.0]])
    shifted = logits - logits.max(axis=1, keepdims=True)
    for temperature in (1.0, 2.0, 0.5):
        what = "an array of shape (n, classes)"
        result = call(soften, logits, temperature)
        value = numbers(result, logits.shape, what)
        powers = np.exp(shifted / temperature)
        wanted = powers / powers.sum(axis=1, keepdims=True)
        if not np.isfinite(value).all():
            return "it overflows: subtract each row's own maximum before exp"
        if not np.allclose(value.sum(axis=1), 1):
            return "each row must be probabilities that add up to 1"
        if not np.allclose(value, wanted, atol=1e-6):
            return f"wrong at temperature {temperature}: divide the logits by it"
