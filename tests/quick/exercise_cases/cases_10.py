"""Answers to the exercises of notebook 10, transfer learning."""

import numpy as np
from scipy import stats

from exercise_cases import Case, cases


@cases("10.1")
def _(scans):
    right = [
        (6405, 2230277, 34112),
        [1280 * 5 + 5, 2257984 - 34112 + 6405, 34112],
        np.array([6405.0, 2230277.0, 34112.0]),
    ]
    wrong = [
        ((6400, 2230272, 34112), "bias"),
        ((2264389, 2264389, 0), "only the head counts"),
        ((2230277, 6405, 34112), "comes first"),
        ((1285, 2230277, 34112), "dense layer of 5 units"),
        ((6405, 2264389, 34112), "moving means"),
        ((6405, 2257984, 34112), "the head is still trained"),
        ((6405, 2223872, 34112), "the head is still trained"),
        ((6405, 2223867, 34112), "without its moving statistics"),
        ((6405, 2230277, 2257984), "left alone in (a)"),
        ((6405, 2230277, 0), "some numbers"),
        ((6405, 2230277, 17056), "together are all"),
        ((6405, 2230277), "three numbers"),
        (6405, "three numbers"),
    ]
    return Case({}, right, wrong)


@cases("10.2", is_function=True)
def _(scans):
    def right(x, gamma, beta, mean, variance, epsilon):
        return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta

    def folded(x, gamma, beta, mean, variance, epsilon):
        scale = gamma * (variance + epsilon) ** -0.5
        return (x * scale + (beta - mean * scale)).astype("float32").tolist()

    def batch_statistics(x, gamma, beta, mean, variance, epsilon):
        axes = tuple(range(x.ndim - 1))
        return right(x, gamma, beta, x.mean(axes), x.var(axes), epsilon)

    def over_the_batch(x, gamma, beta, mean, variance, epsilon):
        return right(x, gamma, beta, x.mean(0), x.var(0), epsilon)

    def no_root(x, gamma, beta, mean, variance, epsilon):
        return gamma * (x - mean) / (variance + epsilon) + beta

    def outside(x, gamma, beta, mean, variance, epsilon):
        return gamma * (x - mean) / (np.sqrt(variance) + epsilon) + beta

    def beta_first(x, gamma, beta, mean, variance, epsilon):
        return gamma * ((x - mean) / np.sqrt(variance + epsilon) + beta)

    wrong = [
        (batch_statistics, "mean and variance that are given"),
        (over_the_batch, "mean and variance that are given"),
        (no_root, "square root"),
        (outside, "below the root"),
        (
            lambda x, g, b, m, v, e: right(x, g, b, m, v, 0),
            "epsilon is missing",
        ),
        (lambda x, g, b, m, v, e: right(x, b, g, m, v, e), "gamma multiplies"),
        (beta_first, "added last"),
        (lambda x, g, b, m, v, e: right(x, 1, 0, m, v, e), "are missing"),
        (lambda x, g, b, m, v, e: right(x, g, b, -m, v, e), "last axis"),
        (lambda *a: right(*a).mean(axis=0), "an array of shape"),
        (np.zeros((7, 3)), "the function itself"),
    ]
    return Case({}, [right, folded], wrong)


FLIPS = {"horizontal flip", "vertical flip"}
SLIGHT = "rotation by up to 5 degrees"
ANY = "rotation by up to 180 degrees"
HARMLESS = {"translation", "zoom", "contrast", "brightness"}


@cases("10.3")
def _(scans):
    right = {
        "character": HARMLESS | {SLIGHT},
        "clock": HARMLESS,
        "cat": HARMLESS | FLIPS | {SLIGHT, ANY},
    }
    forms = [right, {name: sorted(chosen) for name, chosen in right.items()}]
    forms += [
        {
            name: tuple(change.title() for change in chosen)
            for name, chosen in reversed(right.items())
        }
    ]
    mistakes = [
        ("character", {"horizontal flip"}, "a mirrored character"),
        ("character", {"vertical flip"}, "upside down"),
        ("character", {SLIGHT}, "as slanted"),
        ("character", {ANY}, "由"),
        ("character", {"contrast"}, "contrast is missing"),
        ("clock", {"horizontal flip"}, "nine o'clock"),
        ("clock", {"vertical flip"}, "half hour"),
        ("clock", {SLIGHT}, "6 degrees a minute"),
        ("clock", {ANY}, "another time"),
        ("clock", {"zoom"}, "zoom is missing"),
        ("cat", {"horizontal flip"}, "in a mirror"),
        ("cat", {"vertical flip"}, "was not asked"),
        ("cat", {ANY}, "was not asked"),
        ("cat", {SLIGHT}, "askew"),
        ("cat", {"shear"}, "no change named 'shear'"),
        ("cat", {7}, "no change named '7'"),
    ]
    wrong = [(right | {name: right[name] ^ changed}, part) for name, changed, part in mistakes]
    wrong += [
        (right | {"cat": "zoom"}, "a set of changes for 'cat'"),
        (right | {"cat": None}, "a set of changes for 'cat'"),
        ({name: right[name] for name in ("character", "cat")}, "no 'clock'"),
        (HARMLESS, "give a dict"),
        (list(right.values()), "give a dict"),
    ]
    return Case({}, forms, wrong)


@cases("10.4")
def _(scans):
    load = "load the pretrained base"
    freeze, head = "freeze the base", "add a new head"
    compiled, fit, unfreeze = (
        "compile",
        "fit the head",
        "unfreeze the last block",
    )
    slow, again = "compile again with a low rate", "fit again"
    end = [compiled, fit, unfreeze, slow, again]
    whole = [load, freeze, head, *end]
    start = whole[:5]
    right = [whole, [load, head, freeze, *end], tuple(whole), np.array(whole)]
    right += [[step.capitalize() for step in whole]]
    wrong = [
        ([freeze, load, head, *end], "nothing to freeze"),
        ([head, load, freeze, *end], "stand on"),
        ([load, freeze, compiled, fit, head, *end[2:]], "no head yet"),
        ([load, head, compiled, fit, freeze, *end[2:]], "large errors"),
        (
            [load, freeze, head, fit, compiled, *end[2:]],
            "only what is compiled",
        ),
        ([load, freeze, compiled, head, *end[1:]], "whole network"),
        ([load, head, compiled, freeze, *end[1:]], "surely heeds"),
        ([*whole[:3], unfreeze, compiled, fit, slow, again], "still random"),
        ([*whole[:4], unfreeze, fit, slow, again], "still random"),
        ([*start, slow, unfreeze, again], "unfrozen later"),
        ([*start, unfreeze, again, slow], "stays frozen"),
        ([*start, slow, again, unfreeze], "the same layers"),
        (whole[:-1], "'fit again' is there 0 times"),
        ([*whole, compiled], "'compile' is there 2 times"),
        ([*whole[:-1], "predict"], "no step named 'predict'"),
        (list(range(8)), "no step named '0'"),
        (set(whole), "has no order"),
        (", ".join(whole), "a list of steps"),
    ]
    return Case({}, right, wrong)


@cases("10.5", is_function=True)
def _(scans):
    def interval(mean, half):
        return mean, mean - half, mean + half

    def right(first, second):
        d, n = second - first, len(first)
        t = stats.t.ppf(0.975, n - 1)
        return interval(d.mean(), t * d.std(ddof=1) / np.sqrt(n))

    def by_scipy(first, second):
        ends = stats.ttest_rel(second, first).confidence_interval()
        return [np.mean(second) - np.mean(first), *ends]

    def half(factor, first, second, ddof=1):
        """An interval with this factor for the standard error."""
        d = second - first
        return interval(d.mean(), factor * d.std(ddof=ddof) / len(d) ** 0.5)

    def unpaired(first, second, equal_var=False):
        test = stats.ttest_ind(second, first, equal_var=equal_var)
        return (second.mean() - first.mean(), *test.confidence_interval())

    def t(values, share=0.975):
        return stats.t.ppf(share, len(values) - 1)

    wrong = [
        (unpaired, "not paired"),
        (lambda a, b: unpaired(a, b, True), "not paired"),
        (lambda a, b: half(1.96, a, b), "Student's t"),
        (lambda a, b: half(t(a) * len(a) ** 0.5, a, b), "square root of n"),
        (lambda a, b: half(1.96 * len(a) ** 0.5, a, b), "square root of n"),
        (lambda a, b: half(t(a), a, b, ddof=0), "ddof=1"),
        (lambda a, b: half(t(a, 0.95), a, b), "either side"),
        (lambda a, b: half(stats.t.ppf(0.975, len(a)), a, b), "degrees of"),
        (lambda a, b: half(2 * t(a), a, b), "Student's interval is"),
        (lambda a, b: right(b, a), "first minus second"),
        (lambda a, b: np.array(right(a, b))[[0, 2, 1]], "the lower end"),
        (lambda a, b: 100 * np.array(right(a, b)), "mean difference came out"),
        (lambda a, b: right(a, b)[1:], "three numbers"),
        ((0.05, 0.04, 0.06), "the function itself"),
    ]
    return Case({}, [right, by_scipy], wrong)


@cases("10.6", is_function=True)
def _(scans):
    def distances(a, b, power=2):
        return (np.abs(a[:, None] - b) ** power).sum(axis=2)

    def means(F, y, axis=0):
        return np.stack([F[y == c].mean(axis=axis) for c in np.unique(y)])

    def right(F, y, F_test):
        place = distances(F_test, means(F, y)).argmin(axis=1)
        return np.unique(y)[place]

    def with_loop(F, y, F_test):
        centre = {c: F[y == c].mean(axis=0) for c in set(y.tolist())}
        return [min(centre, key=lambda c: ((row - centre[c]) ** 2).sum()) for row in F_test]

    def by_rank(F, y, F_test, best):
        return np.unique(y)[best(distances(F_test, means(F, y)), axis=1)]

    def wrong_axis(F, y, F_test):
        """Of the second, which has classes of several sizes, it would raise."""
        place = distances(F_test, means(F, y, axis=1)).argmin(axis=1)
        return np.unique(y)[place]

    def by_product(F, y, F_test):
        return np.unique(y)[(F_test @ means(F, y).T).argmax(axis=1)]

    def by_manhattan(F, y, F_test):
        place = distances(F_test, means(F, y), power=1).argmin(axis=1)
        return np.unique(y)[place]

    wrong = [
        (lambda F, y, T: y[distances(T, F).argmin(axis=1)], "single image"),
        (lambda *a: by_rank(*a, np.argmax), "farthest"),
        (
            lambda F, y, T: distances(T, means(F, y)).argmin(axis=1),
            "return the labels",
        ),
        (wrong_axis, "over the images of a class"),
        (by_product, "of the nearest mean"),
        (by_manhattan, "of the nearest mean"),
        (lambda F, y, T: distances(T, means(F, y)), "120 labels"),
        (lambda F, y, T: right(F, y, T)[:1], "120 labels"),
        (np.zeros(120), "the function itself"),
    ]
    return Case({}, [right, with_loop], wrong)
