"""Checks of notebook 06, logistic regression against a CNN."""

import numpy as np

from helpers.exercises.answers import call, exercise, numbers


@exercise("06.1")
def _parameters_of_a_convolution(answer):
    answer = numbers(answer, (), "one number")
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
    answer = numbers(answer, (), "one number")
    if answer == 64 * 64 * 10 + 10:
        return "a colour image has three values a pixel"
    if answer == 64 * 64 * 3 * 10:
        return "each class also has a bias"
    if answer == 64 * 64 * 3 + 1:
        return "that is one class, and there are 10"
    if answer != 64 * 64 * 3 * 10 + 10:
        return "each class has one weight for every value of the flattened image, and one bias"


@exercise("06.3")
def _top_k_accuracy(top_k):
    random = np.random.default_rng(63)
    logits = random.normal(size=(200, 12))
    labels = random.integers(0, 12, 200)
    ranks = (logits > logits[np.arange(200), labels][:, None]).sum(axis=1)
    for k in (1, 3, 5, 12):
        wanted = (ranks < k).mean()
        value = numbers(call(top_k, labels, logits, k), (), "one share")
        if np.isclose(value, 200 * wanted):
            return "that is a number of images: divide it by all of them"
        if np.isclose(value, (ranks >= 12 - k).mean()) and k < 12:
            return "that takes the k smallest logits, not the largest"
        if not np.isclose(value, wanted):
            return f"top-{k} accuracy came out as {value:.3f}, not {wanted:.3f}"


@exercise("06.4")
def _log_softmax(log_softmax):
    z = np.array([[2.0, 1.0, 0.0], [1000.0, 0.0, -1000.0], [-5000.0, -5000.0, -5001.0]])
    what = "an array of shape (n, classes)"
    value = numbers(call(log_softmax, z), z.shape, what)
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
