"""Checks of notebook 07, error analysis."""

import numpy as np

from helpers import handwriting
from helpers.exercises.answers import call, exercise, network, numbers, shown
from helpers.files import CourseError


@exercise("07.1")
def _which_epoch(answer, mixed):
    if not isinstance(answer, str):
        raise CourseError(f"give four letters such as 'DCBA', not {shown(answer)}")
    letters = answer.upper().replace(" ", "").replace(",", "")
    if sorted(letters) != ["A", "B", "C", "D"]:
        raise CourseError(f"give each of the letters A to D once, not {shown(answer)}")
    wanted = "".join("ABCD"[mixed.index(epoch)] for epoch in sorted(mixed))
    if letters == wanted[::-1]:
        return "the shortest training comes first"
    if letters != wanted:
        hits = sum(a == b for a, b in zip(letters, wanted, strict=True))
        return f"{hits} of 4 are right: compare the last bar of each, where confidence is near 1"


def _by_writer(values, writers, confidence, draws=8000):
    """(low, high): an interval of the mean of `values` when whole writers are drawn again."""
    _, number = np.unique(writers, return_inverse=True)
    total, size = np.bincount(number, weights=values), np.bincount(number)
    drawn = np.random.default_rng(72).integers(len(size), size=(draws, len(size)))
    means = total[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    return np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])


def _two_readers():
    """(first, second, writers): 24 writers with different numbers of images, one skilled.

    What is hard for one reader is hard for the other, and writers differ a lot.
    """
    random = np.random.default_rng(207)
    writers = np.repeat(np.arange(24) * 7 + 3, random.integers(8, 60, 24))
    skill = np.repeat(random.normal(0.4, 1.0, 24), np.bincount(writers)[np.unique(writers)])
    gain = np.repeat(random.normal(0.5, 0.4, 24), np.bincount(writers)[np.unique(writers)])
    luck = random.normal(size=len(writers))
    order = random.permutation(len(writers))
    return (skill + luck > 0)[order], (skill + gain + luck > 0)[order], writers[order]


@exercise("07.2")
def _difference(difference):
    first, second, writers = _two_readers()
    gain = second.astype(float) - first
    each = np.arange(len(gain))
    for confidence in (0.95, 0.8):
        result = call(difference, first, second, writers, confidence)
        low, high = numbers(result, (2,), "two numbers, (low, high)")
        a, b = _by_writer(gain, writers, confidence)
        near = 0.12 * (b - a)  # so much may come from another draw
        if np.allclose((low, high), (a, b), atol=near):
            continue
        if np.allclose((low, high), (-b, -a), atol=near):
            return "take the second minus the first"
        if np.allclose((high, low), (a, b), atol=near):
            return "the lower end comes first"
        if np.allclose((low, high), _by_writer(gain, each, confidence), atol=near / 2):
            return "it draws images: draw whole writers"
        if confidence != 0.95 and np.allclose(
            (low, high), _by_writer(gain, writers, 0.95), atol=near
        ):
            return f"at a confidence of {confidence} it gave the interval of 0.95"
        return (
            f"at a confidence of {confidence} it gave {low:.3f} to {high:.3f}, where drawing "
            f"writers gives {a:.3f} to {b:.3f}"
        )


@exercise("07.3")
def _equal_size_error(equal_size_error):
    random = np.random.default_rng(73)
    confidence = 1 - random.exponential(0.25, 103).clip(0, 0.95)
    correct = random.random(103) < 0.75  # too sure at the top, too modest below
    for bins in (10, 4):
        order = confidence.argsort(kind="stable")
        parts = np.array_split(order, bins)
        gaps = np.array([confidence[p].mean() - correct[p].mean() for p in parts])
        sizes = np.array([len(p) for p in parts]) / len(order)
        wanted = np.abs(gaps) @ sizes
        place = np.clip((confidence * bins).astype(int), 0, bins - 1)
        difference = confidence - correct
        wide = np.abs(np.bincount(place, weights=difference)).sum() / len(order)
        result = call(equal_size_error, confidence, correct, bins)
        value = numbers(result, (), "one number")
        if np.isclose(value, wanted, atol=1e-4):
            continue
        if np.isclose(value, wide, atol=1e-4):
            return "those are bins of equal width: cut the sorted images into equal numbers"
        if np.isclose(abs(value), abs(gaps @ sizes), atol=1e-4):
            return "a gap above and one below do not cancel: take absolute gaps"
        unsorted = np.array_split(np.arange(len(order)), bins)
        mixed = sum(abs((confidence[p] - correct[p]).sum()) for p in unsorted) / len(order)
        if np.isclose(value, mixed, atol=1e-4):
            return "sort by confidence before you cut"
        return f"with {bins} bins it gave {value:.4f}, not {wanted:.4f}"


def _softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@exercise("07.4")
def _with_temperature(answer, model, T, X):
    answer = network(answer, X.shape[1:])
    before = [np.asarray(w) for w in model.get_weights()]
    got = np.asarray(answer.predict(X, verbose=0))
    logits = np.asarray(model.predict(X, verbose=0))
    if got.shape != logits.shape:
        return f"it predicts the shape {got.shape}, not {logits.shape}"
    if np.allclose(got, _softmax(logits / T), atol=1e-4):
        kept = [w for w in answer.get_weights() if np.size(w) > 1]
        if not all(any(np.array_equal(w, v) for v in kept) for w in before if np.size(w) > 1):
            return "the layers of the given network should be in it, with their weights"
        return None
    if np.allclose(got, _softmax(logits), atol=1e-4):
        return "those are probabilities at T = 1: divide the logits"
    if np.allclose(got, logits / T, atol=1e-3):
        return "those are scaled logits: softmax comes last"
    if np.allclose(got, _softmax(logits * T), atol=1e-4):
        return "divide the logits by T: it multiplies them"
    if np.allclose(got, _softmax(_softmax(logits) / T), atol=1e-4):
        return "divide before softmax, not after it"
    return "its outputs are not softmax(logits / T)"


LEAST_DECIDED, LEAST_CHANGED, LEAST_LABELS = 24, 10, 8


@exercise("07.5")
def _decide(answer, data):
    columns = ["file", "label", "decision", "new_label"]
    if list(getattr(answer, "columns", ())) != columns:
        raise CourseError(f"give `edits.table`, the table of your decisions, not {shown(answer)}")
    changed = answer[answer["decision"].isin(["delete", "relabel"])]
    if len(answer) < LEAST_DECIDED:
        return f"{len(answer)} decisions so far: make {LEAST_DECIDED} at least"
    if data.real:
        return (
            f"you would change {len(changed)} of {len(answer)}; nobody has listed the flaws of "
            "real scans, so this cannot be checked"
        )
    if changed["file"].nunique() < LEAST_CHANGED:
        return (
            f"you would change {len(changed)} of {len(answer)}, fewer than {LEAST_CHANGED}: is "
            "what you would keep really what its label says?"
        )
    counts = handwriting.count_found(data, changed["file"])
    flawed = sum(found for found, _ in counts.values())
    labels = counts.get("wrong label", (0, 0))[0]
    if 2 * flawed < len(changed):
        return f"only {flawed} of the {len(changed)} that you would change are flawed"
    if labels < LEAST_LABELS:
        return f"{labels} of the {len(changed)} that you would change are wrong labels"


@exercise("07.6")
def _read_tilted(answer, parts, least):
    X, _ = parts[0]
    model = network(answer, X.shape[1:])
    for (images, labels), needed, what in zip(
        parts, least, ("turned images", "images as they are"), strict=True
    ):
        guesses = np.asarray(model.predict(images, batch_size=512, verbose=0))
        if guesses.ndim != 2 or guesses.shape[1] <= labels.max():
            return f"it predicts the shape {guesses.shape}, not one number for each class"
        accuracy = (guesses.argmax(axis=1) == labels).mean()
        if accuracy < needed:
            return f"it reads {accuracy:.3f} of the {what}, less than {needed:.3f}"
