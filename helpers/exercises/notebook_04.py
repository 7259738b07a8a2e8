"""Checks of notebook 04, pooling and the classic networks."""

import numpy as np

from helpers import convolution
from helpers.exercises.answers import call, exercise, numbers, shown
from helpers.files import CourseError

FEATURE_MAP = np.array([[1, 0, 2, 4], [5, 7, -1, 3], [0, -9, 8, 8], [2, 5, 0, -8]])


@exercise("04.1")
def _pool_by_hand(answer):
    what = "two 2x2 arrays, (maxima, averages)"
    maxima, averages = numbers(answer, (2, 2, 2), what)
    right_maxima = convolution.pool(FEATURE_MAP, 2, "max")
    right_averages = convolution.pool(FEATURE_MAP, 2, "average")
    if np.array_equal(maxima, right_averages):
        return "the maxima come first"
    if np.array_equal(maxima, right_maxima.T):
        return "rows and columns of the maxima are swapped"
    if np.array_equal(maxima, [[7, 4], [-9, 8]]):
        return "a maximum is the largest number, not the largest in size"
    if not np.array_equal(maxima, right_maxima):
        return "a maximum is wrong: look at each square of four numbers alone"
    if np.allclose(averages, 4 * right_averages):
        return "those are sums: divide each by the 4 numbers of its square"
    if not np.allclose(averages, right_averages):
        return "an average is wrong: mind the signs"


@exercise("04.2")
def _three_pools(answer):
    size = tuple(numbers(answer, (2,), "two numbers, (height, width)"))
    if size == (23, 31):
        return "the height comes first"
    if size in ((32, 24), (32, 23), (31, 24), (31.25, 23.75)):
        return "a row or column that fills no square is dropped: round down"
    if size in ((125, 95), (62, 47)):
        return "there are three pooling layers"
    if size != (31, 23):
        return "halve height and width three times, rounding down each time"


@exercise("04.3")
def _spot_the_mistake(answer):
    if isinstance(answer, str) or not np.iterable(answer):
        return "give two things, (name of the layer, number of parameters)"
    answer = list(answer)
    if len(answer) != 2 or not isinstance(answer[0], str):
        return "give two things, (name of the layer, number of parameters)"
    if "pool" not in answer[0].lower():
        return f"{shown(answer[0])} is not the layer that is missing"
    if "global" in answer[0].lower():
        return "global pooling would leave 64 values; a 2x2 pool is missing"
    total = numbers(answer[1], (), "one number")
    if total == 433290:
        return "with the missing layer fewer values are flattened"
    if total == 13 * 13 * 64 * 10 + 10:
        return "that is the dense layer alone"
    if total == 640 + 13 * 13 * 64 * 10:
        return "each of the 10 units also has a bias"
    if total != 640 + 13 * 13 * 64 * 10 + 10:
        return "count again what is flattened: half the height, half the width"


@exercise("04.4")
def _larger_lenet(answer):
    answer = numbers(answer, (), "one number")
    others = 156 + 2416 + 10164 + 850
    if answer == 61706:
        return "the first dense layer has a weight for each flattened value"
    if answer == 13 * 13 * 16 * 120 + 120:
        return "that is the first dense layer alone"
    if answer == others + 13 * 13 * 16 * 120:
        return "each of the 120 units also has a bias"
    if answer in (others + s * s * 16 * 120 + 120 for s in (10, 14, 16)):
        return "the convolutions have no padding: each takes 4 pixels away"
    if answer != others + 13 * 13 * 16 * 120 + 120:
        return "follow the sizes: 64, 60, 30, ...; 16 maps are flattened"


@exercise("04.5")
def _max_pooling(max_pool):
    random = np.random.default_rng(45)
    for shape in ((4, 6), (2, 2), (5, 7), (8, 3)):
        image = random.integers(-9, 10, shape) - 20.0  # a 0 would stand out
        wanted = convolution.pool(image, 2)
        value = np.asarray(call(max_pool, image))
        if value.shape == (-(-shape[0] // 2), -(-shape[1] // 2)) != wanted.shape:
            return f"of {shape} the last row or column fills no square: drop it"
        value = numbers(value, wanted.shape, f"an array {wanted.shape}")
        if np.array_equal(value, convolution.pool(image, 2, "average")):
            return "that is average pooling"
        if np.array_equal(value, image[: 2 * wanted.shape[0] : 2, ::2]) or (
            np.array_equal(value, image[:-1:2, :-1:2])
        ):
            return "that takes the first of each square, not the largest"
        if not np.array_equal(value, wanted):
            return f"it is wrong for an image of shape {shape}"


@exercise("04.6")
def _dropout(dropout):
    x = np.full((50, 400), 3.0)
    for rate in (0.5, 0.2):
        random = np.random.default_rng(46)
        value = numbers(call(dropout, x, rate, random), x.shape, f"{x.shape}")
        zeros = (value == 0).mean()
        if abs(zeros - (1 - rate)) < 0.02 and rate != 0.5:
            return f"with rate {rate} it keeps a share of {rate}; drop that share"
        if abs(zeros - rate) > 0.02:  # ten standard deviations and more
            return f"with rate {rate}, a share of {zeros:.2f} is zero"
        kept = np.unique(value[value != 0])
        if len(kept) == 1 and np.isclose(kept[0], 3):
            return "the values that stay must be made larger"
        if not np.allclose(kept, 3 / (1 - rate)):
            return f"with rate {rate}, a 3 that stays should become {3 / (1 - rate):.2f}"
        rows = (value == 0).all(axis=1) | (value != 0).all(axis=1)
        if rows.any():
            return "each value is dropped by its own chance, not whole rows"
    again = [np.asarray(call(dropout, x, 0.5, np.random.default_rng(seed))) for seed in (1, 1, 2)]
    if not np.array_equal(again[0], again[1]):
        raise CourseError("use the Generator that is given, and nothing else")
    if np.array_equal(again[0], again[2]):
        return "another Generator must drop other values"
