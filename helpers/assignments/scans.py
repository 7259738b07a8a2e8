"""Data and measures of assignment 4: scans with planted flaws, drawn for each student.

Everything follows from the teacher's secret and the student's id (`draw`), so nothing in
here says which scans are flawed.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from helpers.assignments.data import (
    CHARACTERS,
    SEED,
    coarse,
    draw_writers,
    prepare,
    small,
)
from helpers.assignments.students import mine
from helpers.files import CourseError
from helpers.handwriting.simulator import blank
from helpers.handwriting.writers import Writer

ASSIGNMENT = "4_error_analysis"

KINDS = "人大木本日白王山水马口国"
"""The twelve characters on the scans."""

WRITERS, EACH = 25, 4
"""Writers of the scans, and how often each has written each character."""

CLEAN = 20
"""Writers of the clean test set, and as many again of the hidden one."""

MESSINESS = 0.75


class Scans(NamedTuple):
    """Scans X[i] with the label y[i], written by writer[i]."""

    X: np.ndarray
    """(n, 40, 30) uint8: 0 is ink, 255 paper."""
    y: np.ndarray
    """(n,) int: positions in KINDS, as they were given."""
    writer: np.ndarray
    """(n,) int."""


def scans(student):
    """A student's 1,200 scans, flawed ones among them: Scans."""
    return _part(mine(ASSIGNMENT, student), "")


def clean_scans(student):
    """The 480 scans of the student's clean test set, by other writers: Scans."""
    return _part(mine(ASSIGNMENT, student), "_clean")


def _part(drawn, end):
    X, y, writer = (drawn[name + end] for name in ("X", "y", "writer"))
    return Scans(X, y.astype(int), writer.astype(int))


def hidden_scans(drawn):
    """Of all that `truth` says: 240 scans by writers whom no student has met."""
    X, y, writer = (drawn[name] for name in ("_X_new", "_y_new", "_writer_new"))
    return Scans(X, y.astype(int), writer.astype(int))


def draw(draws):
    """All that is drawn for one student; names that begin with _ are the teacher's.

    Raises CourseError where the simulated writers are not those of the course's files.
    """
    _check_writers()
    random = np.random.default_rng(draws.whole(0, 2**31))
    seed = draws.whole(0, 2**31)
    people = random.permutation(WRITERS + 2 * CLEAN)
    X, y, writer = _written(seed, people[:WRITERS], EACH)
    order = random.permutation(len(X))
    X, y, writer = X[order], y[order], writer[order]
    flaws = _plant(X, y, writer, random)
    test = _written(seed, people[WRITERS : WRITERS + CLEAN], 2)
    new = _written(seed, people[WRITERS + CLEAN :], 1)
    return {
        "X": coarse(X),
        "y": y,
        "writer": writer,
        **dict(zip(("X_clean", "y_clean", "writer_clean"), test, strict=True)),
        **dict(zip(("_X_new", "_y_new", "_writer_new"), new, strict=True)),
        **flaws,
    }


@lru_cache(maxsize=1)
def _check_writers():
    """Other writers' scans are other data than what was handed out. Raises CourseError."""
    prepare()  # which says what is wrong with the file, if something is
    with np.load(CHARACTERS, allow_pickle=False) as file:
        stored = file["X"][:24:2]
    if not np.array_equal(draw_writers((0,), 1, SEED).X[..., 0], stored):
        raise CourseError(
            "The simulated writers have changed since the files of this course were made: hand "
            "out and grade assignment 4 with one and the same course."
        )


def _written(seed, people, each):
    """(X, y, writer) of `each` scans of each character by each of these people."""
    X, y, writer = [], [], []
    for number in people.tolist():
        hand = Writer(seed, number, messiness=MESSINESS)
        for label, character in enumerate(KINDS):
            for sample in range(each):
                X.append(coarse(small(hand.write(character, sample))))
                y.append(label)
                writer.append(number)
    return np.stack(X), np.array(y, np.uint8), np.array(writer, np.uint8)


def _plant(X, y, writer, random):
    """Put flaws into X, y and writer; {"_blank": numbers, ...}, each scan one flaw at most."""
    mistrusted = int(random.choice(np.unique(writer)))
    free = iter(random.permutation(np.flatnonzero(writer != mistrusted)).tolist())

    def take(least, most):
        return sorted(next(free) for _ in range(random.integers(least, most + 1)))

    empty = take(20, 30)
    for number in empty:
        X[number] = _no_character(random)
    copies = []
    for first in take(20, 30):
        second = next(free)
        first, second = sorted((first, second))
        X[second], y[second] = _scanned_again(X[first], random), y[first]
        writer[second] = writer[first]
        copies.append([first, second])
    # Each label wrong by chance, and one writer's sheet shifted by one row.
    wrong = take(80, 100)
    for number in wrong:
        y[number] = (y[number] + random.integers(1, len(KINDS))) % len(KINDS)
    sheet = random.permutation(np.flatnonzero(writer == mistrusted))[:32]
    y[sheet] = (y[sheet] + 1) % len(KINDS)
    return {
        "_blank": empty,
        "_copies": sorted(copies),
        "_wrong_labels": sorted([*wrong, *sheet.tolist()]),
        "_mistrusted": mistrusted,
    }


def _no_character(random):
    """A scan without a character: dust, and on every second one a printed line."""
    page = blank(random)
    if random.random() < 0.5:
        line = random.integers(4, min(page.shape) - 4)
        grey = random.integers(60, 160)
        if random.random() < 0.5:
            page[line : line + 2] = grey
        else:
            page[:, line : line + 2] = grey
    return small(page)


def _scanned_again(page, random):
    """The same scan with other brightness, moved by a pixel or not at all."""
    down, right = random.integers(-1, 2, 2)
    moved = np.full_like(page, 255)
    height, width = page.shape
    moved[max(down, 0) : height + down, max(right, 0) : width + right] = page[
        max(-down, 0) : height - down, max(-right, 0) : width - right
    ]
    ink = (255.0 - moved) * random.uniform(0.7, 1.2)
    noise = random.normal(0, 6, page.shape) * (ink > 0)
    return np.clip(255 - ink + noise, 0, 255).round().astype(np.uint8)


# --- Lists, and marks for them ----------------------------------------------------


def as_places(listed, n):
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


def as_pairs(listed, n):
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


def list_faults(listed, planted, goal):
    """What a list lacks, each by itself: (too much that is sound?, too little that is flawed?).

    Where neither is true, F1 reaches `goal`.
    """
    right = len(listed & planted)
    return right < goal * len(listed), right < goal * len(planted)


def list_marks(listed, planted, points, goal):
    """Marks for a list of suspects, in halves of a point; 0 for one without any.

    With F1 = 2 * right / (listed + planted): none up to F1 = 0.5, all `points` from
    F1 = `goal` on, and in a straight line between.
    """
    f1 = 2 * len(listed & planted) / max(len(listed) + len(planted), 1)
    share = min(max((f1 - 0.5) / (goal - 0.5), 0.0), 1.0)
    return float(round(2 * points * share) / 2)


# --- Networks ---------------------------------------------------------------------


def outputs(model, X):
    """What a model gives for scans (n, 40, 30): (n, 12) float.

    Raises AssertionError, one sentence, where it is no model that reads scans.
    """
    if not hasattr(model, "get_config"):
        raise AssertionError(f"a Keras model is needed, not a {type(model).__name__}")
    given = []
    # Called, not `predict`, which would compile a function for each new model.
    for batch in np.array_split(X.astype("float32"), -(-len(X) // 256)):
        try:
            given.append(np.asarray(model(batch, training=False)))
        except (ValueError, TypeError) as error:
            raise AssertionError("the model cannot read scans of shape (n, 40, 30)") from error
    given = np.concatenate(given)
    if given.shape != (len(X), len(KINDS)):
        raise AssertionError(
            f"for {len(X)} scans the model gives {given.shape}, not {(len(X), len(KINDS))}"
        )
    return given


def share_right(model, part):
    """The share of the scans of a part that a model reads correctly."""
    return float((outputs(model, part.X).argmax(axis=1) == part.y).mean())


def same_kind(one, other):
    """Whether two models have the same layers, of the same sizes, in the same order."""

    def kinds(model):
        return [
            (type(layer).__name__, [tuple(w.shape) for w in layer.weights])
            for layer in model.layers
        ]

    return kinds(one) == kinds(other)


def multiplied(one, other, least=0.01):
    """Whether each array of weights in `other` is that of `one` times a number, but for a
    share of `least`: then `other` was not trained by itself."""
    for before, after in zip(one.get_weights(), other.get_weights(), strict=True):
        before, after = before.ravel().astype(float), after.ravel().astype(float)
        best = before @ after / max(before @ before, 1e-30)
        if np.linalg.norm(after - best * before) > least * np.linalg.norm(after):
            return False
    return True


def ece_of(logits, y, bins=10):
    """(expected calibration error, mean confidence, accuracy) of logits (n, classes)."""
    chance = np.exp(logits - logits.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    confidence, right = chance.max(axis=1), logits.argmax(axis=1) == y
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(place, confidence - right, bins)
    return float(np.abs(gaps).sum() / len(y)), float(confidence.mean()), float(right.mean())
