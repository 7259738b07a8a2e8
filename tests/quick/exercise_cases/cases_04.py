"""Answers to the exercises of notebook 04, pooling and the classic networks."""

import numpy as np

from exercise_cases import Case, cases


@cases("04.1")
def _(scans):
    maxima, averages = [[7, 4], [5, 8]], [[3.25, 2], [-0.5, 2]]
    right = [(maxima, averages), [maxima, averages]]
    right += [np.array([maxima, averages])]
    wrong = [
        ((averages, maxima), "maxima come first"),
        ((maxima, [[13, 8], [-2, 8]]), "sums"),
        (([[7, 5], [4, 8]], averages), "swapped"),
        (([[7, 4], [-9, 8]], averages), "not the largest in size"),
        (([[5, 4], [5, 8]], averages), "a maximum is wrong"),
        ((maxima, [[3.25, 2.5], [3, 6]]), "mind the signs"),
        (maxima, "two 2x2 arrays"),
        ((maxima, [[3.25, 2, 0], [0, 2, 0]]), "two 2x2 arrays"),
    ]
    return Case({}, right, wrong)


@cases("04.2")
def _(scans):
    right = [(31, 23), [31, 23], np.array([31.0, 23.0])]
    wrong = [
        ((32, 24), "round down"),
        ((250 / 8, 190 / 8), "round down"),
        ((23, 31), "height comes first"),
        ((125, 95), "three pooling layers"),
        ((30, 22), "three times"),
        (31, "two numbers"),
    ]
    return Case({}, right, wrong)


@cases("04.3")
def _(scans):
    right = [("MaxPooling2D", 108810), ["a 2x2 pooling layer", 108810.0]]
    right += [("AveragePooling2D", np.int64(108810))]
    wrong = [
        (("MaxPooling2D", 433290), "fewer values"),
        (("Dropout", 108810), "is not the layer"),
        (("MaxPooling2D", 108170), "dense layer alone"),
        (("MaxPooling2D", 108800), "bias"),
        (("MaxPooling2D", 640 + 26 * 13 * 64 * 10 + 10), "half the height"),
        (("GlobalMaxPooling2D", 640 + 650), "global"),
        ("MaxPooling2D", "two things"),
        (108810, "two things"),
    ]
    return Case({}, right, wrong)


@cases("04.4")
def _(scans):
    right = [338186, 338186.0, np.int64(338186)]
    wrong = [
        (61706, "each flattened value"),
        (324600, "alone"),
        (338066, "bias"),
        (13586 + 16 * 16 * 16 * 120 + 120, "no padding"),
        (400000, "follow the sizes"),
    ]
    return Case({}, right, wrong)


@cases("04.5", is_function=True)
def _(scans):
    def right(image):
        h, w = image.shape[0] // 2, image.shape[1] // 2
        return image[: 2 * h, : 2 * w].reshape(h, 2, w, 2).max(axis=(1, 3))

    def by_slices(image):
        h, w = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
        rows = np.maximum(image[0:h:2, :w], image[1:h:2, :w])
        return np.maximum(rows[:, ::2], rows[:, 1::2]).tolist()

    def average(image):
        h, w = image.shape[0] // 2, image.shape[1] // 2
        return image[: 2 * h, : 2 * w].reshape(h, 2, w, 2).mean(axis=(1, 3))

    def padded(image):
        rows, columns = image.shape[0] % 2, image.shape[1] % 2
        return right(np.pad(image, ((0, rows), (0, columns))))

    def wrong_axes(image):
        h, w = image.shape[0] // 2, image.shape[1] // 2
        return image[: 2 * h, : 2 * w].reshape(2, h, 2, w).max(axis=(0, 2))

    wrong = [
        (average, "average pooling"),
        (padded, "drop it"),
        (lambda image: image[::2, ::2], "first of each square"),
        (wrong_axes, "wrong for an image"),
        (lambda image: right(np.abs(image)), "wrong for an image"),
        (np.zeros((2, 3)), "the function itself"),
    ]
    return Case({}, [right, by_slices], wrong)


@cases("04.6", is_function=True)
def _(scans):
    def right(x, rate, random):
        return np.where(random.random(x.shape) >= rate, x / (1 - rate), 0)

    def with_mask(x, rate, random):
        kept = random.choice([0, 1], x.shape, p=[rate, 1 - rate])
        return x * kept / (1 - rate)

    def whole_rows(x, rate, random):
        kept = np.arange(len(x))[:, None] >= rate * len(x)
        return kept * x / (1 - rate) + 0 * random.random(x.shape)

    wrong = [
        (lambda x, r, g: np.where(g.random(x.shape) >= r, x, 0), "made larger"),
        (
            lambda x, r, g: np.where(g.random(x.shape) < r, x / r, 0),
            "it keeps a share of 0.2",
        ),
        (
            lambda x, r, g: np.where(g.random(x.shape) >= r, x / r, 0),
            "should become 3.75",
        ),
        (lambda x, r, g: x * (1 - r), "a share of 0.00 is zero"),
        (whole_rows, "not whole rows"),
        (
            lambda x, r, g: right(x, r, np.random.default_rng(0)),
            "must drop other values",
        ),
        (
            lambda x, r, g: right(x, r, np.random.default_rng()),
            "use the Generator",
        ),
    ]
    return Case({}, [right, with_mask], wrong)
