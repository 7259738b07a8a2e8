"""Answers to the exercises of notebook 02, kernels."""

import numpy as np
from scipy.signal import convolve2d, correlate2d

from exercise_cases import Case, cases

nan = float("nan")


def layer(kernel, **settings):
    """A Conv2D layer of one filter with a kernel (h, w), or (h, w, channels)."""
    from helpers.quiet_keras import keras

    kernel = np.asarray(kernel, "float32")
    kernel = kernel.reshape(*kernel.shape[:2], -1, 1)
    bias = settings.pop("bias", None)
    settings.setdefault("use_bias", bias is not None)
    made = keras.layers.Conv2D(1, kernel.shape[:2], **settings)
    made.build((None, None, None, kernel.shape[2]))
    made.set_weights([kernel] if bias is None else [kernel, np.array([bias])])
    return made


@cases("02.1")
def _(scans):
    def one(row, column, value=1):
        kernel = np.zeros((3, 3))
        kernel[row, column] = value
        return kernel

    right = [one(1, 0), [[0, 0, 0], [1, 0, 0], [0, 0, 0]], one(1, 0) > 0]
    wrong = [
        (one(1, 2), "to the left (a layer does not flip"),
        (one(1, 1), "where it is"),
        (one(0, 1), "moves the image down"),
        (one(2, 1), "moves the image up"),
        (one(0, 0), "down and to the right"),
        (one(1, 0, -1), "one weight 1"),
        (np.full((3, 3), 1 / 9), "one weight 1"),
        ([1, 0, 0], "a 3x3 kernel"),
    ]
    return Case({}, right, wrong)


@cases("02.2")
def _(scans):
    kernel = np.array([[0, 1, 2], [0, 0, 5], [3, 0, 0]])
    right = [[[0, 0, 3], [5, 0, 0], [2, 1, 0]], np.flip(kernel)]
    right += [np.rot90(kernel, 2).astype(float)]
    wrong = [
        (kernel, "as it was"),
        (np.flipud(kernel), "now also left to right"),
        (np.fliplr(kernel), "now also upside down"),
        (kernel.T, "no flip"),
        (np.flip(kernel).T, "but rows and columns are swapped"),
        (np.rot90(kernel), "quarter turn"),
        ([[0, 0, 3], [5, 0, 0], [1, 2, 0]], "2 of 9 places are wrong"),
        (-kernel, "9 places are wrong"),
        ([2, 1, 0], "as large as the kernel"),
    ]
    return Case({"kernel": kernel}, right, wrong)


@cases("02.3")
def _(scans):
    row = [0, 0, 3, 3, 0, 0]
    right = [[row] * 6, np.array([row] * 6), np.tile(row, (6, 1)) * 1.0]
    wrong = [
        (np.array([row] * 8), "6x6 places"),
        (row, "6x6 places"),
        ([[0, 0, -3, -3, 0, 0]] * 6, "flipped"),
        ([[0, 0, 1, 1, 0, 0]] * 6, "three rows"),
        (np.array([row] * 6).T, "up and down"),
        (np.zeros((6, 6)), "half on 0"),
        ([[0, 0, 0, 3, 0, 0]] * 6, "6 of 36 places are wrong"),
        ([[0, 0, 3, nan, 0, 0]] * 6, "6 of 36 places are wrong"),
    ]
    return Case({}, right, wrong)


@cases("02.4")
def _(scans):
    right = [2112, 2112.0, np.int64(2112), (5 * 5 * 7 + 1) * 12]
    wrong = [
        (2100, "also has a bias"),
        (2101, "of its own"),
        (312, "each of the 7 channels"),
        (300, "each of the 7 channels"),
        (2184, "one bias in all"),
        (176, "one filter"),
        (175, "height x width x channels"),
        ("2112", "one number"),
    ]
    return Case({}, right, wrong)


@cases("02.5", is_function=True, with_keras=True)
def _(scans):
    def pink(weights=(1, -1, 0), bias=-60, activation="relu", **settings):
        return layer([[weights]], bias=bias, activation=activation, **settings)

    def two_filters():
        from helpers.quiet_keras import keras

        made = keras.layers.Conv2D(2, 1)
        made.build((None, None, None, 3))
        return made

    right = [pink, lambda: pink((1, -1, -0.25), 0), lambda: pink((0.5, -0.5, 0), -30)]
    wrong = [
        (lambda: pink(bias=-100), "pink (255, 163, 177) gives 0, which is not positive"),
        (lambda: pink(bias=0), "the colour (51, 0, 255) gives 51, and not 0"),
        (lambda: pink(activation=None), "which ReLU would turn into 0"),
        (lambda: pink((1, 0, 0), 0), "and not 0"),
        (lambda: pink((1, -1, nan)), "not 0"),
        (lambda: layer(np.zeros((3, 3, 3))), "take one of (1, 1)"),
        (two_filters, "2 filters"),
        (lambda: layer([[1]]), "do not fit"),
        (lambda: [1, -1, 0], "return a Conv2D layer, and not a list"),
    ]
    return Case({}, right, wrong)


@cases("02.6", is_function=True, with_keras=True)
def _(scans):
    def flipped(kernel):
        return layer(np.flip(kernel))

    def with_zero_bias(kernel):
        return layer(np.flip(kernel), bias=0)

    def three_by_three(kernel):
        return layer(np.resize(np.flip(kernel), (3, 3)))

    wrong = [
        (layer, "that is a correlation"),
        (lambda k: layer(np.fliplr(k)), "only left to right"),
        (lambda k: layer(np.flipud(k)), "only upside down"),
        (lambda k: layer(np.flip(k), padding="same"), "as large as the image"),
        (lambda k: layer(np.flip(k), bias=1), "places are wrong"),
        (lambda k: layer(np.flip(k), strides=2), "places, and should have"),
        (three_by_three, "places, and should have"),
        (lambda k: layer(np.stack([k, k], axis=2)), "do not fit"),
        (lambda k: convolve2d(np.ones((5, 7)), k), "return a Conv2D layer"),
    ]
    return Case({}, [flipped, with_zero_bias], wrong)


@cases("02.7", is_function=True, with_keras=True)
def _(scans):
    def both(a, b):
        return layer(convolve2d(a, b))

    def spread(a, b):
        dot = np.zeros((9, 9))
        dot[4, 4] = 1
        painted = correlate2d(correlate2d(dot, a, "valid"), b, "valid")
        return layer(np.flip(painted))

    wrong = [
        (lambda a, b: layer(a * b), "5x5 pixels"),
        (lambda a, b: layer(convolve2d(a, b, "same")), "5x5 pixels"),
        (lambda a, b: layer(correlate2d(a, b)), "you correlated the kernels"),
        (lambda a, b: layer(np.flip(correlate2d(a, b))), "you correlated the kernels"),
        (lambda a, b: layer(np.flip(convolve2d(a, b))), "comes out flipped"),
        (lambda a, b: layer(np.pad(a + b, 1)), "places are wrong"),
        (lambda a, b: layer(convolve2d(a, b), padding="same"), "as large as the image"),
        (lambda a, b: convolve2d(a, b), "return a Conv2D layer"),
    ]
    return Case({}, [both, spread], wrong)


@cases("02.8", is_function=True, with_keras=True)
def _(scans):
    """The right kernel is what least squares find on other photos: see solutions."""
    corner, edge = [0.01, 0.03, 0.015, 0.03, 0.01], [0.03, 0.05, 0.09, 0.05, 0.03]
    learned = np.array([corner, edge, [0.015, 0.09, 0.26, 0.09, 0.015], edge, corner])
    learned[::4, ::4] = learned[1, 0] = learned[3, 0] = 0.01
    gaussian = np.outer([1, 2, 1], [1, 2, 1]) / 16

    def sequential():
        from helpers.quiet_keras import keras

        return keras.Sequential([keras.Input((None, None, 1)), layer(learned / learned.sum())])

    wrong = [
        (lambda: layer(gaussian), "that of the Gaussian blur 1"),
        (lambda: layer(np.full((3, 3), 1 / 9)), "the mean squared error is"),
        (lambda: layer(np.full((7, 7), 1 / 49), padding="same"), "The noise alone is 625"),
        (lambda: layer([[nan]]), "error is nan"),
        (lambda: layer(learned, strides=2), "none are enlarged"),
        (lambda: layer(np.ones((3, 3, 3))), "do not fit"),
        (lambda: gaussian, "return a model of Keras"),
    ]
    return Case({}, [sequential, lambda: layer(learned / learned.sum())], wrong)
