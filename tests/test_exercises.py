"""The checks of the exercises accept right answers, and only those.

`CASES` holds, for each exercise, right answers in several forms and likely wrong
ones, each with a part of the reason that the student must be given.
"""

import ast
import csv
import pickle
import re
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from refresh_notebooks import NOTEBOOKS, find_notebooks

from helpers import casia, images, simulator
from helpers.exercises import CHECKS, check, verdict
from helpers.files import CourseError
from helpers.handwriting import Handwriting
from helpers.writers import Writer

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
"""Wrong answers divide by zero, and average nothing."""

nan, inf = float("nan"), float("inf")


class Case(NamedTuple):
    """What one exercise is tried with."""

    given: dict  # the named arguments of `check`
    right: list  # answers
    wrong: list  # (answer, part of the reason)


CASES = {}


def cases(number):
    """Register a function of the scans (see below) that returns a Case."""

    def register(function):
        CASES[number] = function
        return function

    return register


class Scans(NamedTuple):
    """A tiny simulated set, with three additions at the end of X and files."""

    data: Handwriting
    X: np.ndarray  # (n, 80, 60, 1) uint8
    files: list
    flaws: dict  # flaw -> [[file, original]], as in planted-flaws.csv


EXTRA = ["faint/1.png", "faint/2.png", "triplet/1.png"]
"""Two characters in faint ink, and a second copy of a planted duplicate."""


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exercises") / "set"
    data = Handwriting(simulator.simulate(folder, "tiny"), False, "")
    flaws = {}
    table = folder / "planted-flaws.csv"
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            names = [row["file"], row["original"]]
            flaws.setdefault(row["flaw"], []).append(names)
    X, _, _, files = images.load_folder(data.train, cache=False)
    twin = files.index(flaws["duplicate"][0][0].removeprefix("Train/"))
    faint = (255 - (255 - X[:2].astype(int)) // 6).astype("uint8")
    return Scans(
        data, np.concatenate([X, faint, X[[twin]]]), [*files, *EXTRA], flaws
    )


def judge(number, answer, given):
    """`verdict`, which must change neither the answer nor what is given."""

    def state():
        return pickle.dumps((given, None if callable(answer) else answer))

    before = state()
    result = verdict(number, answer, **given)
    assert state() == before, "the check changed something"
    return result


# --- 05 -------------------------------------------------------------------------


@cases("05.1")
def _(scans):
    X = np.zeros((7, 80, 60, 1), "uint8")
    n = 7 * 80 * 60
    right = [(n, 4 * n), [n, 4 * n], np.array([n, 4 * n]), (float(n), n * 4.0)]
    right += [(X.nbytes, X.astype("float32").nbytes), (np.int64(n), X.size * 4)]
    wrong = [
        ((4 * n, n), "swapped"),
        ((n, n), "32 bits"),
        ((n, 8 * n), "32 bits"),
        ((8 * n, 32 * n), "bits"),
        ((7, 28), "one byte"),
        ((80 * 60, 4 * 80 * 60), "one byte"),
        (n, "two numbers"),
        ((n, 4 * n, 8 * n), "two numbers"),
        ((f"{n}", f"{4 * n}"), "two numbers"),
    ]
    return Case({"X": X}, right, wrong)


@cases("05.2")
def _(scans):
    # 人 has the largest median, 大 the largest mean and height, 口 the smallest.
    table = pd.DataFrame(
        {
            "character": list("人人人大大大口口口"),
            "height": [90, 91, 92, 60, 61, 900, 50, 50, 51],
            "width": [60, 60, 60, 60, 60, 60, 60, 60, 60],
        }
    )
    given = {
        "heights": table.height,
        "widths": table.width,
        "labels": table.character,
    }
    right = ["人", np.str_("人"), table.character[0]]
    wrong = [
        ("大", "1.02"),
        ("口", "0.83"),
        ("山", "is not a class"),
        (1.5, "is not a class"),
        (["人"], "one character"),
        (table.groupby("character").height.median(), "one character"),
    ]
    return Case(given, right, wrong)


@cases("05.3")
def _(scans):
    def right(n, fraction, seed):
        order = np.random.default_rng(seed).permutation(n)
        size = round(fraction * n)
        return order[size:], order[:size]

    def old_generator(n, fraction, seed):
        np.random.seed(seed)
        order = np.random.permutation(n)
        return np.split(order, [n - round(fraction * n)])

    def lists(n, fraction, seed):
        return [part.tolist() for part in right(n, fraction, seed)]

    def variant(change):
        def split(n, fraction, seed):
            return change(n, round(fraction * n), np.random.default_rng(seed))

        return split

    def block(n, size, rng):
        start = rng.integers(n - size)
        inside = (np.arange(n) >= start) & (np.arange(n) < start + size)
        return np.flatnonzero(~inside), np.flatnonzero(inside)

    def rounded_down(n, fraction, seed):
        order = np.random.default_rng(seed).permutation(n)
        size = int(fraction * n)
        return order[size:], order[:size]

    wrong = [
        (lambda *a: right(*a)[::-1], "7 were held out instead of 3"),
        (rounded_down, "2 were held out instead of 3"),
        (lambda n, _, seed: right(n, 0.2, seed), "instead of 3"),
        (lambda n, f, _: right(n, f, 1), "another seed"),
        (lambda n, f, _: right(n, f, None), "the same seed"),
        (variant(lambda n, s, r: (np.arange(s, n), np.arange(s))), "random"),
        (
            variant(lambda n, s, r: (np.arange(n - s), np.arange(n - s, n))),
            "not random",
        ),
        (variant(block), "not random"),
        (
            variant(lambda n, s, r: (r.integers(n, size=n - s), np.arange(s))),
            "both parts",
        ),
        (
            variant(
                lambda n, s, r: (np.arange(n), r.permutation(n)[:s]),
            ),
            "both parts",
        ),
        (variant(lambda n, s, r: np.split(1 + r.permutation(n), [n - s])), "0"),
        (variant(lambda n, s, r: r.permutation(n)), "(train, held_out)"),
        (right(100, 0.2, 7), "the function itself"),
    ]
    return Case({}, [right, old_generator, lists], wrong)


@cases("05.4")
def _(scans):
    [(copy, original)] = scans.flaws["duplicate"]
    group = [f.removeprefix("Train/") for f in (copy, original)] + EXTRA[2:]
    right = [
        [group],
        (tuple(group[::-1]),),
        [set(group)],
        np.array([group]),
        [[Path(file) for file in group]],
        [[file.replace("/", "\\") for file in group]],
    ]
    others = scans.files[:2]
    wrong = [
        ([], "1 groups of equal images are missing"),
        ([group, others], "1 of your groups"),
        ([[file] for file in group], "at least two"),
        ([group[:2]], "all files that have the same pixels"),
        ([group[:2], group[1:]], "all files that have the same pixels"),
        (group, "is not a list of file names"),
        ([[0, 5]], "no file named '0'"),
        ([[f"Train/{file}" for file in group]], "no file named"),
        ("none", "not a list of groups"),
    ]
    return Case({"X": scans.X, "files": scans.files}, right, wrong)


@cases("05.5")
def _(scans):
    blank = [f.removeprefix("Train/") for f, _ in scans.flaws["blank"]]
    right = [blank, tuple(blank), set(blank), np.array(blank)]
    right += [[Path(f) for f in blank], pd.Series(blank), blank * 2]
    ink = (scans.X < 128).mean(axis=(1, 2, 3))
    dark_only = [
        f for f, share in zip(scans.files, ink, strict=True) if share < 0.01
    ]
    wrong = [
        ([], "missing"),
        (dark_only, "ink may be faint"),
        ([*blank, scans.files[0]], f"for instance {scans.files[0]}"),
        (scans.files, "hold a character"),
        (blank[0], "not a list of file names"),
        ([scans.files.index(blank[0])], "no file named"),
        ([f"Train/{f}" for f in blank], "no file named"),
    ]
    return Case({"X": scans.X, "files": scans.files}, right, wrong)


# --- 06 -------------------------------------------------------------------------


@cases("06.1")
def _(scans):
    right = [
        12832,
        12832.0,
        np.int64(12832),
        np.array(12832),
        (5 * 5 * 16 + 1) * 32,
    ]
    wrong = [
        (12800, "bias"),
        (832, "input channel"),
        (800, "bias"),
        (401, "one filter"),
        (12801, "one bias"),
        (4640, "height x width"),
        ("12832", "one number"),
        ((12832,), "one number"),
    ]
    return Case({}, right, wrong)


@cases("06.2")
def _(scans):
    right = [122890, 122890.0, np.int64(122890), 64**2 * 3 * 10 + 10]
    wrong = [
        (40970, "three values"),
        (122880, "bias"),
        (12289, "one class"),
        (40960, "one bias"),
        (264055, "one weight"),
        ("122890", "one number"),
    ]
    return Case({}, right, wrong)


@cases("06.3")
def _(scans):
    def hits(y_true, logits, k):
        best = np.argsort(logits, axis=1)[:, -k:]
        return (best == y_true[:, None]).any(axis=1)

    def with_loop(y_true, logits, k):
        found = 0
        for label, row in zip(y_true, logits, strict=True):
            found += label in sorted(range(len(row)), key=lambda c: -row[c])[:k]
        return found / len(y_true)

    def smallest(y_true, logits, k):
        best = np.argsort(logits, axis=1)[:, :k]
        return (best == y_true[:, None]).any(axis=1).mean()

    right = [lambda *a: hits(*a).mean(), with_loop]
    right += [lambda *a: np.array(hits(*a).mean(), "float32")]
    wrong = [
        (lambda *a: hits(*a).sum(), "divide"),
        (lambda *a: int(hits(*a).sum()), "divide"),
        (smallest, "smallest"),
        (lambda y, z, k: hits(y, z, 1).mean(), "top-3"),
        (lambda y, z, k: hits(y, z, 5).mean(), "top-1"),
        (lambda *a: 100 * hits(*a).mean(), "top-1"),
        (lambda *a: 1 - hits(*a).mean(), "top-1"),
        (hits, "one share"),
        (0.9, "the function itself"),
    ]
    return Case({}, right, wrong)


@cases("06.4")
def _(scans):
    def right(z):
        a = z - z.max(axis=1, keepdims=True)
        return a - np.log(np.exp(a).sum(axis=1, keepdims=True))

    def softmax(z):
        powers = np.exp(z - z.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def naive(z):
        return np.log(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))

    def one_maximum(z):
        a = z - z.max()
        return a - np.log(np.exp(a).sum(axis=1, keepdims=True))

    wrong = [
        (naive, "overflows"),
        (one_maximum, "each row's own"),
        (lambda z: np.log(softmax(z)), "logarithm of 0"),
        (lambda z: np.log(softmax(z).clip(1e-12)), "of the logits"),
        (softmax, "of the logits [2. 1. 0.]"),
        (lambda z: right(z.T).T, "of the logits"),
        (lambda z: -right(z), "of the logits"),
        (lambda z: right(z)[0], "shape (n, classes)"),
        (lambda z: right(z).sum(), "shape (n, classes)"),
        (np.zeros((3, 3)), "the function itself"),
    ]
    accepted = [right, lambda z: right(z).tolist()]
    accepted += [lambda z: right(z.astype("float32"))]
    return Case({}, accepted, wrong)


@cases("06.5")
def _(scans):
    X = scans.X[:9]
    right = [X[[3]], X[3:4], X[3][np.newaxis], np.expand_dims(X[3], 0)]
    right += [X[3:4].tolist(), [X[3]], X[[3]].astype("float32")]
    wrong = [
        (X[3], "no batch axis"),
        (X[:3], "the shape is (3, 80, 60, 1)"),
        (X[3][..., None], "the shape is (80, 60, 1, 1)"),
        (X[[2]], "counted from 0"),
        (X[[4]], "counted from 0"),
        (X[[3]] / 255, "counted from 0"),
    ]
    return Case({"X": X}, right, wrong)


# --- 07 -------------------------------------------------------------------------


@cases("07.1")
def _(scans):
    def wilson(k, n, z=1.96):
        p = k / n
        centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        return centre - half / (1 + z**2 / n), centre + half / (1 + z**2 / n)

    def wald(k, n):
        half = 1.96 * np.sqrt(k / n * (1 - k / n) / n)
        return k / n - half, k / n + half

    def wrong_centre(k, n):
        low, high = wilson(k, n)
        return k / n - (high - low) / 2, k / n + (high - low) / 2

    right = [wilson, lambda *a: np.array(wilson(*a))]
    right += [lambda *a: [round(v, 3) for v in wilson(*a)]]
    wrong = [
        (wald, "Wilson's interval is 0.158 to 0.750"),
        (wrong_centre, "3 of 7"),
        (lambda *a: wilson(*a, z=1.645), "3 of 7"),
        (lambda *a: wilson(*a)[::-1], "lower end comes first"),
        (lambda *a: [100 * v for v in wilson(*a)], "3 of 7"),
        (lambda *a: wilson(*a)[0], "two numbers"),
        ((0.1, 0.2), "the function itself"),
    ]
    return Case({}, right, wrong)


@cases("07.2")
def _(scans):
    def mean_over(classes, y_true, y_pred):
        return np.mean([(y_pred[y_true == c] == c).mean() for c in classes])

    def right(y_true, y_pred):
        return mean_over(np.unique(y_true), y_true, y_pred)

    def with_loop(y_true, y_pred):
        shares = []
        for c in set(y_true.tolist()):
            hits = sum(t == p == c for t, p in zip(y_true, y_pred, strict=True))
            shares.append(hits / list(y_true).count(c))
        return sum(shares) / len(shares)

    def zero_where_empty(y_true, y_pred):
        classes = set(y_true) | set(y_pred)
        hits = [((y_true == c) & (y_pred == c)).sum() for c in classes]
        sizes = [max((y_true == c).sum(), 1) for c in classes]
        return np.mean(np.divide(hits, sizes))

    wrong = [
        (lambda t, p: (t == p).mean(), "accuracy"),
        (lambda t, p: mean_over(np.unique(t), p, t), "precision"),
        (lambda t, p: mean_over(range(t.max() + 1), t, p), "no others"),
        (lambda t, p: mean_over(np.unique(p), t, p), "no others"),
        (zero_where_empty, "no others"),
        (lambda t, p: right(t, p) * len(np.unique(t)), "mean of the recalls"),
        (lambda t, p: (t == p).sum(), "mean of the recalls"),
        (lambda t, p: [right(t, p)] * 2, "one number"),
        (0.5, "the function itself"),
    ]
    return Case({}, [right, with_loop], wrong)


@cases("07.3")
def _(scans):
    def table(confidence, right, bins):
        place = (confidence * bins).astype(int)
        return pd.DataFrame(
            [
                (
                    (place == k).sum(),
                    confidence[place == k].mean(),
                    right[place == k].mean(),
                    (k + 0.5) / bins,
                )
                for k in np.unique(place)
            ],
            columns=["n", "said", "right", "middle"],
        )

    def right(confidence, correct, bins):
        t = table(confidence, correct, bins)
        return (t.n * (t.said - t.right).abs()).sum() / t.n.sum()

    def with_edges(confidence, correct, bins):
        edges, total = np.linspace(0, 1, bins + 1), 0.0
        for low, high in zip(edges[:-1], edges[1:], strict=True):
            inside = (confidence >= low) & (confidence < high)
            if inside.any():
                gap = confidence[inside].mean() - correct[inside].mean()
                total += abs(gap) * inside.sum() / len(confidence)
        return total

    def empty_bins_too(confidence, correct, bins):
        place = (confidence * bins).astype(int)
        inside = [place == k for k in range(bins)]
        gaps = [confidence[i].mean() - correct[i].mean() for i in inside]
        return np.abs(gaps).mean()

    def unweighted(*arguments):
        t = table(*arguments)
        return (t.said - t.right).abs().mean()

    def signed(*arguments):
        t = table(*arguments)
        return (t.n * (t.said - t.right)).sum() / t.n.sum()

    def middles(*arguments):
        t = table(*arguments)
        return (t.n * (t.middle - t.right).abs()).sum() / t.n.sum()

    wrong = [
        (empty_bins_too, "empty bin"),
        (unweighted, "number of images"),
        (signed, "absolute"),
        (lambda *a: abs(signed(*a)), "absolute"),
        (middles, "with 10 bins it gave"),
        (lambda c, r, bins: right(c, r, 10), "with 4 bins it gave"),
        (lambda c, r, bins: np.abs(c - r).mean(), "with 10 bins it gave"),
        (lambda *a: 8 * right(*a), "with 10 bins it gave"),
        (table, "one number"),
        (0.17, "the function itself"),
    ]
    return Case({}, [right, with_edges], wrong)


@cases("07.4")
def _(scans):
    flaws = scans.flaws
    bad = [f for f, _ in flaws["wrong label"]]
    blank = [f for f, _ in flaws["blank"]]
    listed = {f for pairs in flaws.values() for f, _ in pairs}
    good = [
        f for f in (f"Train/{f}" for f in scans.files[:9]) if f not in listed
    ]
    assert (len(bad), len(blank)) == (1, 1)
    right = [
        bad,
        tuple(bad),
        np.array(bad),
        set(bad),
        bad + blank,
        bad + good[:1],
    ]
    right += [[Path(f) for f in bad], [f.replace("/", "\\") for f in bad]]
    wrong = [
        ([], "0 of 1 wrong labels"),
        (blank, "0 of 1 wrong labels"),
        (good[:3], "0 of 1 wrong labels"),
        (bad + good[:2], "only 1 of your 3"),
        (bad[0], "not a list of file names"),
        ([f.removeprefix("Train/") for f in bad], "no file named"),
        ([17, 4], "no file named"),
    ]
    return Case({"data": scans.data}, right, wrong)


@cases("07.5")
def _(scans):
    def right(logits, temperature):
        z = logits / temperature
        powers = np.exp(z - z.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def naive(logits, temperature):
        powers = np.exp(logits / temperature)
        return powers / powers.sum(axis=1, keepdims=True)

    def one_sum(logits, temperature):
        powers = np.exp((logits - logits.max(1)[:, None]) / temperature)
        return powers / powers.sum()

    def of_probabilities(logits, temperature):
        powers = right(logits, 1) ** (1 / temperature)
        return powers / powers.sum(axis=1, keepdims=True)

    wrong = [
        (lambda z, t: right(z, 1 / t), "wrong at temperature 2.0"),
        (lambda z, t: right(z, 1), "wrong at temperature 2.0"),
        (lambda z, t: right(z, 1) / t, "add up to 1"),
        (naive, "overflows"),
        (one_sum, "add up to 1"),
        (lambda z, t: right(z.T, t).T, "add up to 1"),
        (lambda z, t: z / t, "add up to 1"),
        (lambda z, t: right(z, t).argmax(axis=1), "shape (n, classes)"),
        (np.ones((3, 3)) / 3, "the function itself"),
    ]
    accepted = [right, of_probabilities, lambda z, t: right(z, t).tolist()]
    return Case({}, accepted, wrong)


# --- Every check ----------------------------------------------------------------

every_check = pytest.mark.parametrize("number", sorted(CHECKS))
FUNCTIONS = ["05.3", "06.3", "06.4", "07.1", "07.2", "07.3", "07.5"]

NONSENSE = [
    *(0, -1.5, True, nan, inf, -inf, 10**400, 1j, "", "nonsense", b"x"),
    *([], (), {}, set(), [nan], [nan, nan], [inf, inf], [None, None]),
    *([[1], [2, 3]], [[]], [[None]], {"a": 1}, object, range(3)),
    *(np.array([]), np.full((3, 3), nan), np.full((3, 3), inf)),
    *(np.array(["a"]), pd.DataFrame({"a": [1]})),
]


def test_every_check_has_cases():
    assert sorted(CASES) == sorted(CHECKS)


@every_check
def test_right_answers(number, scans):
    given, right, _ = CASES[number](scans)
    assert len(right) >= 2
    for position, answer in enumerate(right):
        result = judge(number, answer, given)
        assert result == ("right", ""), (position, result)


@every_check
def test_likely_wrong_answers_and_their_reasons(number, scans):
    given, _, wrong = CASES[number](scans)
    assert len(wrong) >= 3
    for position, (answer, part) in enumerate(wrong):
        state, reason = judge(number, answer, given)
        assert state == "not yet", (position, state)
        assert part in reason, (position, reason)
        assert not reason.startswith("it raised"), (position, reason)


@every_check
def test_no_answer(number, scans):
    given = CASES[number](scans).given
    answers = [None, ...]
    if number in FUNCTIONS:
        answers += [lambda *_: None, lambda *_: ...]
    for answer in answers:
        assert judge(number, answer, given) == ("no answer yet", "")


@every_check
def test_nonsense_is_refused_in_one_line(number, scans, capsys):
    given = CASES[number](scans).given
    answers = list(NONSENSE)
    if number in FUNCTIONS:
        answers += [lambda *_, value=value: value for value in NONSENSE]
        answers += [lambda: 1, *map(fails, FAILURES)]
    for answer in answers:
        state, reason = judge(number, answer, given)
        assert state == "not yet" and reason, answer
        check(number, answer, **given)
        printed, error = capsys.readouterr()
        assert printed == f"Exercise {number}: not yet: {reason}.\n"
        assert len(printed) < 300 and not error


FAILURES = [
    ZeroDivisionError("division by zero"),
    NotImplementedError(),
    RecursionError("maximum recursion depth exceeded"),
    ValueError("a message\nof two lines"),
]


def fails(error):
    """A student's function that raises `error`."""

    def function(*_):
        raise error

    return function


def test_an_error_in_a_function_is_named():
    reason = verdict("06.3", fails(FAILURES[0]))[1]
    assert reason == "it raised ZeroDivisionError: division by zero"
    assert verdict("06.3", fails(FAILURES[1]))[1] == (
        "it raised NotImplementedError"
    )
    assert verdict("06.3", fails(FAILURES[3]))[1].endswith("a message")


def test_functions_are_those_whose_right_answers_are_functions(scans):
    found = [n for n in CASES if callable(CASES[n](scans).right[0])]
    assert sorted(found) == FUNCTIONS


@pytest.mark.parametrize("number", FUNCTIONS)
def test_changing_the_arguments_fools_no_check(number, scans):
    def spoiled(function):
        def call(*arguments):
            result = pickle.loads(pickle.dumps(function(*arguments)))
            for argument in arguments:
                if isinstance(argument, np.ndarray):
                    argument[...] = 0
            return result

        return call

    given, right, wrong = CASES[number](scans)
    for answer in right:
        assert judge(number, spoiled(answer), given) == ("right", "")
    for answer, part in wrong:
        if callable(answer):
            state, reason = judge(number, spoiled(answer), given)
            assert state == "not yet" and part in reason


def test_check_prints_the_verdict(capsys):
    check("06.1", 12832)
    check("06.1", None)
    check("06.1", 12800)
    assert capsys.readouterr().out.splitlines() == [
        "Exercise 06.1: right.",
        "Exercise 06.1: no answer yet.",
        "Exercise 06.1: not yet: each of the 32 filters also has a bias.",
    ]


def test_an_unknown_exercise_is_named():
    with pytest.raises(CourseError, match="no exercise '06.9'; there are 05.1"):
        check("06.9", 1)


# --- Exercises that depend on the data ------------------------------------------


def test_a_third_of_the_wrong_labels_will_do(tmp_path):
    bad = [f"Train/人/{k}.png" for k in range(1, 9)]
    folder = tmp_path / "Train" / "人"
    folder.mkdir(parents=True)
    for k in range(1, 10):
        (folder / f"{k}.png").touch()
    rows = "".join(f"wrong label,{file},\n" for file in bad)
    table = tmp_path / "planted-flaws.csv"
    table.write_text("flaw,file,original\n" + rows, encoding="utf-8")
    data = Handwriting(tmp_path, False, "")
    assert verdict("07.4", bad[:3], data=data) == ("right", "")
    reason = "2 of 8 wrong labels are among your 2 files"
    assert verdict("07.4", bad[:2], data=data) == ("not yet", reason)


def test_wrong_labels_of_real_scans_are_not_checked(tmp_path):
    data = Handwriting(tmp_path, True, "")
    state, reason = verdict("07.4", ["Train/人/1.png"], data=data)
    assert state == "not yet" and "nobody has listed" in reason
    assert verdict("07.4", None, data=data)[0] == "no answer yet"


def scaled(page):
    """A page as `load_folder` scales it."""
    size = (60, 80)
    return np.asarray(Image.fromarray(page).resize(size, Image.LANCZOS))


def test_dust_is_blank_and_the_thinnest_characters_are_not():
    size = simulator.SIZES["full"]
    blanks, characters = [], []
    for k in range(150):
        page = simulator.blank(np.random.default_rng([1, k]))
        blanks.append(scaled(page))
        writer = Writer(simulator.SEED, k, size.messiness)
        characters.append(scaled(writer.write("人川"[k % 2], 0)))
    X = np.stack(blanks + characters)[..., None]
    files = [f"{k}.png" for k in range(300)]
    given = {"X": X, "files": files}
    assert verdict("05.5", files[:150], **given) == ("right", "")


def test_no_real_scan_counts_as_blank(real_data, tmp_path):
    folder = casia.import_casia(
        real_data / "casia-hwdb11-sample.zip", tmp_path / "real"
    )
    for split in ("Train", "Test"):
        X, _, _, files = images.load_folder(folder / split, cache=False)
        assert len(X) > 3000
        assert verdict("05.5", [], X=X, files=files) == ("right", "")


# --- The notebooks --------------------------------------------------------------

LECTURES = [p for p in find_notebooks() if p.parent == NOTEBOOKS]
SOLUTIONS = [p for p in find_notebooks() if p.parent.name == "solutions"]


def exercise_cells(path):
    """[(number, cell, its syntax tree, the number in the heading above it)]."""
    found, heading = [], None
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            titles = re.findall(r"^#+ Exercise (\S+):", cell.source, re.M)
            heading = titles[-1] if titles else heading
        elif "check(" in cell.source:
            tree = ast.parse(cell.source)
            number = check_call(tree).args[0].value
            found.append((number, cell, tree, heading))
    return found


def check_call(tree):
    """The last statement of a cell, which must be a call of `check`."""
    call = tree.body[-1].value
    assert isinstance(call, ast.Call) and call.func.id == "check"
    return call


def numbers_in(paths):
    return sorted(cell[0] for path in paths for cell in exercise_cells(path))


def test_exercises_checks_and_solutions_belong_together():
    assert numbers_in(LECTURES) == sorted(CHECKS)
    assert numbers_in(SOLUTIONS) == sorted(CHECKS)


@pytest.mark.parametrize("path", LECTURES + SOLUTIONS, ids=lambda p: p.stem)
def test_each_check_stands_below_its_own_heading(path):
    for number, _, _, heading in exercise_cells(path):
        assert number == heading
        assert number[:2] == path.name[:2]


@pytest.mark.parametrize("path", LECTURES, ids=lambda p: p.stem)
def test_exercises_are_handed_out_unsolved(path):
    for number, _, tree, _ in exercise_cells(path):
        answer = check_call(tree).args[1].id
        functions = {
            part.name: part
            for part in tree.body
            if isinstance(part, ast.FunctionDef)
        }
        if number in FUNCTIONS:
            docstring, body = functions.pop(answer).body
            assert isinstance(docstring.value.value, str), number
        else:
            [body] = [
                part
                for part in tree.body
                if isinstance(part, ast.Assign) and part.targets[0].id == answer
            ]
        assert ast.unparse(body.value) == "None", number
        assert not functions, number


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda p: p.stem)
def test_solutions_call_the_same_check_and_are_right(path):
    lectures = {
        number: ast.unparse(check_call(tree))
        for lecture in LECTURES
        for number, _, tree, _ in exercise_cells(lecture)
    }
    for number, cell, tree, _ in exercise_cells(path):
        assert ast.unparse(check_call(tree)) == lectures[number]
        texts = [output.get("text", "") for output in cell.outputs]
        assert f"Exercise {number}: right.\n" in "".join(texts), number
