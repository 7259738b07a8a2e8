"""Answers to the exercises of notebook 06, logistic regression against a CNN."""

import numpy as np

from exercise_cases import Case, cases

nan, inf = float("nan"), float("inf")


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


@cases("06.3", is_function=True)
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


@cases("06.4", is_function=True)
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
