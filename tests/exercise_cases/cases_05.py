"""Answers to the exercises of notebook 05, exploring a handwriting data set."""

from pathlib import Path

import numpy as np
import pandas as pd

from exercise_cases import EXTRA, Case, cases

nan, inf = float("nan"), float("inf")


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


@cases("05.3", is_function=True)
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
    dark_only = [f for f, share in zip(scans.files, ink, strict=True) if share < 0.01]
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
