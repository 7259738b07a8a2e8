"""Answers to the exercises of notebook 07, error analysis."""

from pathlib import Path

import numpy as np
import pandas as pd

from exercise_cases import Case, cases

nan, inf = float("nan"), float("inf")


@cases("07.1", is_function=True)
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


@cases("07.2", is_function=True)
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


@cases("07.3", is_function=True)
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
    good = [f for f in (f"Train/{f}" for f in scans.files[:9]) if f not in listed]
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


@cases("07.5", is_function=True)
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
