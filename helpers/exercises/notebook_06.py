"""Checks of notebook 06, logistic regression against a CNN."""

import numpy as np

from helpers.exercises.answers import call, exercise, network, numbers, shown
from helpers.files import CourseError


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


RECORDED = "logistic", "CNN", "CNN, permuted pixels", "better CNN"
"""Four of the experiments of data/recorded/casia.py."""

CLUES = {
    "logistic": "it rises at once, and soon rises no more",
    "CNN": "it reads the images as they are, and was stopped early",
    "CNN, permuted pixels": "noise is hard to read: it begins at chance, and does not rise far",
    "better CNN": "its rate falls, so its curve becomes smooth, and ends the highest",
}


@exercise("06.2")
def _which_curve(answer, mixed):
    if not isinstance(answer, str):
        raise CourseError(f"give four letters such as 'DCBA', not {shown(answer)}")
    letters = answer.upper().replace(" ", "").replace(",", "")
    if sorted(letters) != ["A", "B", "C", "D"]:
        raise CourseError(f"give each of the letters A to D once, not {shown(answer)}")
    wanted = ["ABCD"[list(mixed).index(name)] for name in RECORDED]
    wrong = [
        name for name, got, right in zip(RECORDED, letters, wanted, strict=True) if got != right
    ]
    if wrong:
        return f"{4 - len(wrong)} of 4 are right; look for the {wrong[0]}: {CLUES[wrong[0]]}"


@exercise("06.3")
def _smoothed_loss(smoothed_loss):
    random = np.random.default_rng(63)
    cases = [
        (
            np.array([[2.0, 1.0, 0.0], [-5000.0, -5000.0, -5001.0], [1000.0, 0.0, -1000.0]]),
            [1, 2, 2],
        ),
        (random.normal(size=(20, 12)), random.integers(0, 12, 20)),
    ]
    for z, labels in cases:
        labels, shape = np.asarray(labels), (len(z),)
        shifted = z - z.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        of_truth = -logs[np.arange(len(z)), labels]
        for amount in (0.0, 0.1, 0.5):
            what = "an array of shape (n,), one loss for each row"
            got = numbers(call(smoothed_loss, labels, z, amount), shape, what)
            if not np.isfinite(got).all():
                return (
                    "a loss is not finite: subtract each row's own largest logit before exp, and "
                    "take the logarithm of the sum alone, since a probability may be 0"
                )
            wanted = (1 - amount) * of_truth - amount * logs.mean(axis=1)
            if np.allclose(got, wanted, rtol=1e-4, atol=1e-5):
                continue
            if np.allclose(got, -wanted, rtol=1e-4, atol=1e-5):
                return "a loss is minus the sum"
            if amount and np.allclose(got, of_truth, rtol=1e-4, atol=1e-5):
                return f"amount = {amount} changes nothing in it"
            row = int(np.argmax(~np.isclose(got, wanted, rtol=1e-4, atol=1e-5)))
            return (
                f"at amount = {amount}, logits {np.round(z[row][:3], 2)} ... and the true class "
                f"{labels[row]} gave {got[row]:.4g}, not {wanted[row]:.4g}"
            )


@exercise("06.4")
def _negative(answer, weights, X):
    model = network(answer, X.shape[1:])
    kinds = [type(layer).__name__ for layer in model.layers]
    if kinds != ["Rescaling", "Flatten", "Dense"]:
        return f"its layers are {', '.join(kinds)}, not Rescaling, Flatten, Dense"
    scaling = model.layers[0]
    if not np.isclose(scaling.scale, 1 / 255) or scaling.offset:
        return "leave Rescaling as it is: only the weights change"
    W, b = weights
    original = _softmax(X.reshape(len(X), -1) / 255 @ W + b)
    if model.output_shape[1:] != original.shape[1:]:
        return f"it predicts the shape {model.output_shape[1:]}, not {original.shape[1:]}"
    got = _predict(model, 255 - X)
    if np.allclose(got, original, atol=1e-3):
        return None
    if np.allclose(_predict(model, X), original, atol=1e-3):
        return "it reads originals: a pixel x of a negative is 1 - x"
    if np.allclose(model.layers[-1].get_weights()[0], -W, atol=1e-5):
        return "the weights are right: now the biases, which must make up for a sum"
    away = np.abs(got - original).max()
    return f"on negatives its probabilities are up to {away:.2f} away from those of logistic"


def _softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _predict(model, X):
    return np.asarray(model.predict(X, batch_size=512, verbose=0))


MOST = 88_375 // 2
"""Parameters: half of those of the notebook's CNN."""


@exercise("06.5")
def _half_the_parameters(answer, X, y, least):
    model = network(answer, X.shape[1:])
    parameters = model.count_params()
    if parameters > MOST:
        return f"it has {parameters:,} parameters, more than {MOST:,}"
    guesses = _predict(model, X)
    if guesses.ndim != 2 or guesses.shape[1] <= y.max():
        return f"it predicts the shape {guesses.shape}, not one number for each class"
    accuracy = (guesses.argmax(axis=1) == y).mean()
    if accuracy < least:
        return (
            f"with {parameters:,} parameters it reads {accuracy:.3f} of these images, "
            f"less than {least:.3f}"
        )
