"""Answers to the exercises of notebook 09, pretrained ImageNet models."""

import numpy as np

from exercise_cases import Case, cases

MEANS = np.array([103.939, 116.779, 123.68], "float32")


@cases("09.1", is_function=True)
def _(scans):
    def right(images):
        return images.astype("float32") / 127.5 - 1

    def centred(images):
        return (images - np.float32(127.5)) / np.float32(127.5)

    def wraps(images):
        return images // 127 - np.uint8(1)

    wrong = [
        (lambda images: images / np.float32(255), "from 0 to 1"),
        (lambda images: images / np.float32(255) - 0.5, "-0.5 to 0.5"),
        (lambda images: images / np.float32(128) - 1, "not 128"),
        (lambda images: 1 - images / np.float32(127.5), "swapped"),
        (lambda images: images - np.float32(127.5), "not scaled"),
        (lambda images: images / 127.5 - 1, "not float32"),
        (wraps, "no negative numbers"),
        (lambda images: images * np.float32(2) - 1, "it is wrong"),
        (np.zeros(3), "the function itself"),
    ]
    return Case({}, [right, centred], wrong)


@cases("09.2", is_function=True)
def _(scans):
    def right(images):
        return images[..., ::-1].astype("float32") - MEANS

    def by_channel(images):
        red, green, blue = np.moveaxis(images.astype("float32"), -1, 0)
        return np.stack([blue - MEANS[0], green - MEANS[1], red - MEANS[2]], axis=-1)

    wrong = [
        (lambda x: x - MEANS, "still red, green, blue"),
        (lambda x: x - MEANS[::-1], "blue should come first"),
        (lambda x: x[..., ::-1] - MEANS[::-1], "wrong order"),
        (lambda x: x[..., ::-1].astype("float32"), "subtract the means"),
        (lambda x: x[..., ::-1] + MEANS, "not added"),
        (lambda x: (x[..., ::-1] - MEANS) / 255, "nothing is divided"),
        (lambda x: x[:, :, ::-1] - MEANS, "last axis"),
        (lambda x: x[..., ::-1] - MEANS.astype(float), "not float32"),
        (lambda x: x[..., ::-1], "no negative numbers"),
        (lambda x: x * np.float32(2), "turn the channels round"),
    ]
    return Case({}, [right, by_channel], wrong)


@cases("09.3", is_function=True)
def _(scans):
    def right(probabilities, names, k):
        best = np.argsort(probabilities)[::-1][:k]
        pairs = [(names[place], probabilities[place]) for place in best]
        return [*pairs, ("others", 1 - sum(p for _, p in pairs))]

    def by_sorting(probabilities, names, k):
        pairs = list(zip(probabilities.tolist(), names, strict=True))
        pairs.sort(reverse=True)
        rest = sum(p for p, _ in pairs[k:])
        return [[name, p] for p, name in pairs[:k]] + [["others", rest]]

    def upwards(probabilities, names, k):
        pairs = right(probabilities, names, k)
        return [*pairs[:-1][::-1], pairs[-1]]

    def least(probabilities, names, k):
        return right(-probabilities, names, k)

    def in_order(probabilities, names, k):
        return [
            *zip(names[:k], probabilities[:k], strict=True),
            ("others", 0.0),
        ]

    def numbered(probabilities, names, k):
        return right(probabilities, list(range(len(names))), k)

    wrong = [
        (lambda p, names, k: right(p, names, k)[:-1], "last pair is missing"),
        (upwards, "not last"),
        (least, "least likely"),
        (in_order, "first classes of the list"),
        (lambda p, n, k: [*right(p, n, k)[:-1], ("others", 1)], "sum of all"),
        (lambda p, n, k: [*right(p, n, k)[:-1], ("rest", 0)], "called"),
        (lambda p, n, k: [*right(p, n, k)[:-1], ("others", 9)], "are left"),
        (lambda p, n, k: right(p / 2, n, k), "not their probabilities"),
        (lambda p, n, k: right(p, n, k + 1), "pairs, not"),
        (numbered, "is no name"),
        (lambda p, n, k: dict(right(p, n, k)), "no such pair"),
    ]
    return Case({}, [right, by_sorting], wrong)


@cases("09.4")
def _(scans):
    right = [(5, 4, 512), [5, 4, 512], np.array([5.0, 4.0, 512.0])]
    wrong = [
        ((4, 5, 512), "height comes first"),
        ((5, 4, 1024), "half of the channels"),
        ((10, 8, 512), "five times"),
        ((7, 7, 512), "224x224"),
        ((5, 4, 256), "once, not twice"),
        ((6, 4, 512), "divide height"),
        (5 * 4 * 512, "(height, width, channels)"),
    ]
    return Case({}, right, wrong)


@cases("09.5")
def _(scans):
    right = [(5130, 250890), [5130, 250890], np.array([5130.0, 250890.0])]
    wrong = [
        ((250890, 5130), "comes first"),
        ((5120, 250880), "bias"),
        ((500, 250890), "not one a place"),
        ((512, 25088), "512 numbers go in"),
        ((5130, 35850), "7 times 7"),
        ((5130, 5130), "after Flatten"),
        ((6000, 250890), "after pooling"),
        (5130, "two numbers"),
    ]
    return Case({}, right, wrong)


@cases("09.6", is_function=True)
def _(scans):
    def heat(maps, gradients):
        return maps @ gradients.mean(axis=(0, 1))

    def right(maps, gradients):
        heat_map = np.maximum(heat(maps, gradients), 0)
        return heat_map / max(heat_map.max(), 1e-12)

    def by_loops(maps, gradients):
        total = np.zeros(maps.shape[:2])
        for channel in range(maps.shape[2]):
            total += gradients[:, :, channel].mean() * maps[:, :, channel]
        total[total < 0] = 0
        return (total / total.max() if total.any() else total).tolist()

    def no_weights(maps, gradients):
        return maps.sum(axis=2) / maps.sum(axis=2).max()

    def stretched(maps, gradients):
        h = heat(maps, gradients)
        return (h - h.min()) / np.ptp(h)

    def scaled(h):
        h = np.maximum(h, 0)
        return h / h.max()

    wrong = [
        (lambda m, g: np.maximum(heat(m, g), 0), "scale it"),
        (heat, "cut off"),
        (stretched, "negative values become 0"),
        (lambda m, g: scaled((m * g).sum(axis=2)), "mean of the gradients"),
        (no_weights, "has a weight"),
        (lambda m, g: scaled(heat(m, np.maximum(g, 0))), "after the sum"),
        (lambda m, g: scaled(heat(m, g)), "divides 0 by 0"),
        (lambda m, g: scaled(heat(m, -g) + 100), "it is wrong for maps"),
        (lambda m, g: heat(m, g).T, "an array (5, 4)"),
    ]
    return Case({}, [right, by_loops], wrong)
