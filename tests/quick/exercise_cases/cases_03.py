"""Answers to the exercises of notebook 03, padding and stride."""

import math

import numpy as np

from exercise_cases import Case, cases


@cases("03.1")
def _(scans):
    right = [
        [28, 36, 14, 3, 112, 12],
        np.array([28, 36, 14, 3, 112, 12]),
        (28.0, 36, 14, 3, 112, 12),
    ]
    wrong = [
        ([28, 28, 14, 3, 112, 12], "(b)"),
        ([28, 36, 28, 3, 112, 12], "keeps the size at stride 1"),
        ([28, 36, 14, 10 / 3, 112, 12], "round down"),
        ([28, 36, 14, 2, 112, 12], "(d) one more"),
        ([28, 36, 14, 3, 111.5, 12], "(e) a size is a whole number"),
        ([28, 36, 14, 3, 112, 18], "dilation 4 spreads"),
        ([28, 36, 14, 3, 112], "six numbers"),
        (28, "six numbers"),
        ("28 36 14 3 112 12", "six numbers"),
    ]
    return Case({}, right, wrong)


@cases("03.2")
def _(scans):
    right = [[1, 3, 4, 4], (1.0, 3.0, 4.0, 4.0), np.array([1, 3, 4, 4])]
    wrong = [
        ([2, 6, 8, 8], "both sides together"),
        ([1, 3, 1, 2], "dilation 4 makes"),
        ([1, 3, 4, 2], "dilation 2 makes"),
        ([3, 7, 9, 9], "solve 2p"),
        ([1, 2, 4, 4], "(b) padding 2"),
        ([1, 3], "four numbers"),
    ]
    return Case({}, right, wrong)


@cases("03.3", is_function=True)
def _(scans):
    def formula(n, k, padding, s, d):
        span = d * (k - 1) + 1
        if padding == "same":
            return -(-n // s)
        p = 0 if padding == "valid" else padding
        return (n + 2 * p - span) // s + 1

    def by_counting(n, k, padding, s, d):
        if padding == "same":
            return len(range(0, n, s))
        p = 0 if padding == "valid" else padding
        return len(range(-p, n + p - d * (k - 1), s))

    def unrounded(n, k, padding, s, d):
        if padding == "same":
            return n / s
        p = 0 if padding == "valid" else padding
        return (n + 2 * p - d * (k - 1) - 1) / s + 1

    def without_dilation(n, k, padding, s, d):
        return formula(n, k, padding, s, 1)

    def same_as_half_kernel(n, k, padding, s, d):
        p = k // 2 if padding == "same" else padding
        return formula(n, k, p, s, d)

    def padding_once(n, k, padding, s, d):
        if padding in ("valid", "same"):
            return formula(n, k, padding, s, d)
        return (n + padding - d * (k - 1) - 1) // s + 1

    wrong = [
        (unrounded, "round down"),
        (without_dilation, "spans d(k - 1) + 1 pixels"),
        (same_as_half_kernel, '"same" does not depend on the kernel'),
        (padding_once, "padding 1, s=1, d=1 it gave 6, not 7"),
        (lambda *a: formula(*a) - 1, "n=7, k=3, valid"),
        (lambda *a: [formula(*a)], "one number"),
        (5, "the function itself"),
    ]
    return Case({}, [formula, by_counting], wrong)


@cases("03.4")
def _(scans):
    right = [
        [7712, 650, 9408, 2400],
        np.array([7712.0, 650, 9408, 2400]),
        (3 * 5 * 16 * 32 + 32, 64 * 10 + 10, 49 * 3 * 64, 288 + 2048 + 64),
    ]
    wrong = [
        ([7680, 650, 9408, 2400], "(a) each of the 32 filters has a bias"),
        ([512, 650, 9408, 2400], "all 16 channels"),
        ([241, 650, 9408, 2400], "one filter"),
        ([7712, 640, 9408, 2400], "(b) each of the 10"),
        ([7712, 20, 9408, 2400], "each of the 64 channels"),
        ([7712, 650, 9472, 2400], "use_bias=False"),
        ([7712, 650, 3136, 2400], "all 3 channels"),
        ([7712, 650, 9408, 18496], "plain convolution"),
        ([7712, 650, 9408, 2336], "have biases"),
        ([7712, 650, 9408, 2432], "no biases of its own"),
        ([7712, 650, 9408, 2121], "its own 3x3"),
        ([7712, 650, 9408, 1], "(d) count the weights"),
        (7712, "four numbers"),
    ]
    return Case({}, right, wrong)


@cases("03.5", is_function=True)
def _(scans):
    def field(layers, before=True, stride=True, dilation=True):
        size, step = 1, 1
        for k, s, d in layers:
            s, d = s if stride else 1, d if dilation else 1
            step *= 1 if before else s
            size += d * (k - 1) * step
            step *= s if before else 1
        return size

    def backwards(layers):
        size = 1
        for k, s, d in reversed(layers):
            size = (size - 1) * s + d * (k - 1) + 1
        return size

    wrong = [
        (lambda a: field(a, before=False), "not itself"),
        (lambda a: field(a, stride=False), "the layers before"),
        (lambda a: field(a, dilation=False), "d(k - 1) + 1"),
        (lambda a: field(a) - 1, "[(3, 1, 1)] it gave 2, not 3"),
        (lambda a: sum(k for k, _, _ in a), "it gave 9, not 7"),
        (lambda a: math.prod(k for k, _, _ in a), "it gave 27, not 7"),
        (lambda a: [field(a)] * 2, "one number"),
        (7, "the function itself"),
    ]
    return Case({}, [field, backwards], wrong)


@cases("03.6")
def _(scans):
    reflect, replicate = [5, 4, 5, 6, 5], [1, 1, 2, 3, 3]
    circular = [9, 7, 8, 9, 7]
    rows = [reflect, replicate, circular]
    right = [rows, np.array(rows), tuple(map(tuple, rows))]
    wrong = [
        ([replicate, replicate, circular], "not repeated"),
        ([reflect, circular, circular], "the one for circular"),
        ([reflect, replicate, reflect], "the one for reflect"),
        ([[0, 4, 5, 6, 0], replicate, circular], "corners"),
        ([reflect, replicate, [1, 7, 8, 9, 3]], "circular: the middle"),
        ([[0] * 5, replicate, circular], "not 0 0 0"),
        ([reflect, replicate], "three rows"),
        (reflect, "three rows"),
    ]
    return Case({}, right, wrong)


@cases("03.7")
def _(scans):
    share = (25 * 192 + 192 * 96) / (25 * 192 * 96)
    right = [share, np.float32(share), 0.0504, 1 / 96 + 1 / 25]
    wrong = [
        (1 / share, "turn it over"),
        (1 - share, "saved"),
        (100 * share, "percent"),
        (1 / 25, "1x1 part alone"),
        (1 / 96, "5x5 part alone"),
        (1 / 192 + 1 / 25, "96 filters"),
        (0.5, "at one place"),
        ([share], "one share"),
    ]
    return Case({}, right, wrong)


@cases("03.8")
def _(scans):
    pairs = [(1, 1), (2, 2), (3, 3), (12, 12)]
    right = [pairs, pairs[::-1], set(pairs), np.array(pairs)]
    right += [[list(pair) for pair in pairs]]
    wrong = [
        (pairs[:3], "one is missing"),
        ([*pairs, (3, 2)], "(3, 2) uses some pixels 2 times"),
        ([*pairs, (4, 3)], "(4, 3) uses some pixels 2 times"),
        ([*pairs, (5, 5)], "(5, 5) leaves the last 2"),
        ([*pairs, (1, 2)], "(1, 2) jumps"),
        ([*pairs, (6, 6)], "not one of the eight"),
        ([*pairs, (3.5, 3)], "pairs (kernel, stride)"),
        ([1, 2, 3, 12], "pairs (kernel, stride)"),
        ((3, 3), "pairs (kernel, stride)"),
    ]
    return Case({}, right, wrong)
