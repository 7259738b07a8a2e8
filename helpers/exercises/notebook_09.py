"""Checks of notebook 09, pretrained ImageNet models."""

import numpy as np

from helpers.exercises.answers import call, exercise, numbers, shown

MEANS = np.array([103.939, 116.779, 123.68])
"""Of ImageNet's blue, green and red, as Caffe's models were trained with."""


@exercise("09.1")
def _for_mobilenet(scale):
    random = np.random.default_rng(91)
    for shape in ((2, 5, 4, 3), (80, 60, 1), (256,)):
        images = random.integers(0, 256, shape).astype("uint8")
        images.flat[:3] = 0, 255, 128
        value = call(scale, images)
        if getattr(value, "dtype", None) == np.uint8:
            return "uint8 has no negative numbers: make it float32 first"
        value = np.asarray(value)
        dtype = value.dtype
        value = numbers(value, shape, f"an array of shape {shape}")
        wanted = images / 127.5 - 1
        if _near(value, images / 255):
            return "0 should become -1; that goes from 0 to 1"
        if _near(value, images / 255 - 0.5):
            return "that goes from -0.5 to 0.5, not from -1 to 1"
        if _near(value, -wanted):
            return "black and white are swapped: 0 becomes -1"
        if _near(value, images / 128 - 1):
            return "255 becomes slightly less than 1: half of 255 is not 128"
        if _near(value, images - 127.5):
            return "that is centred, but not scaled: 255 should become 1"
        if not _near(value, wanted):
            return "it is wrong: 0 should become -1, 127.5 would be 0, 255 be 1"
        if dtype != np.float32:
            return f"the values are right, but their type is {dtype}, not float32"


def _near(value, other):
    """Equal but for the rounding of float32."""
    return np.allclose(value, other, atol=1e-5)


@exercise("09.2")
def _caffe(preprocess):
    random = np.random.default_rng(92)
    for shape in ((2, 5, 4, 3), (1, 3, 3, 3)):
        images = random.integers(0, 256, shape).astype("uint8")
        value = call(preprocess, images)
        if getattr(value, "dtype", None) == np.uint8:
            return "uint8 has no negative numbers: make it float32"
        value = np.asarray(value)
        dtype = value.dtype
        value = numbers(value, shape, f"an array of shape {shape}")
        x = images.astype(float)
        reverse = x[..., ::-1]
        if np.allclose(value, x - MEANS):
            return "the channels are still red, green, blue"
        if np.allclose(value, x - MEANS[::-1]):
            return "the means are right, but blue should come first"
        if np.allclose(value, reverse - MEANS[::-1]):
            return "the means are in the wrong order: 103.939 is that of blue"
        if np.allclose(value, reverse):
            return "subtract the means"
        if np.allclose(value, reverse + MEANS):
            return "the means are subtracted, not added"
        for factor in (255, 127.5):
            if np.allclose(value * factor, reverse - MEANS):
                return "nothing is divided in this form"
        if np.allclose(value, x[:, :, ::-1] - MEANS):
            return "that mirrors the image: the channels are the last axis"
        if not np.allclose(value, reverse - MEANS, atol=1e-3):
            return "first turn the channels round, then subtract their means"
        if dtype != np.float32:
            return f"the values are right, but their type is {dtype}, not float32"


@exercise("09.3")
def _best_and_rest(best_and_rest):
    random = np.random.default_rng(93)
    for n_classes, k in ((8, 3), (5, 1), (300, 5), (4, 4)):
        p = random.dirichlet(np.ones(n_classes))
        names = [f"class {number}" for number in range(n_classes)]
        value = call(best_and_rest, p, list(names), k)
        pairs = _pairs(value)
        if isinstance(pairs, str):
            return pairs
        order = sorted(range(n_classes), key=lambda place: -p[place])
        wanted = [names[place] for place in order[:k]]
        got = [name for name, _ in pairs]
        if got == wanted:
            return 'the last pair is missing: ("others", what is left)'
        if got[:-1] == wanted[::-1] != wanted:
            return "the likeliest should come first, not last"
        if got[:-1] == [names[place] for place in order[::-1][:k]] != wanted:
            return "those are the least likely classes"
        if len(pairs) != k + 1:
            return f"with k = {k} there should be {k + 1} pairs, not {len(pairs)}"
        if got[:-1] == names[:k] != wanted:
            return "those are the first classes of the list, not the likeliest"
        if got[:-1] != wanted:
            return "these are not the likeliest classes, the likeliest first"
        if got[-1] != "others":
            return f'the last pair should be called "others", not {shown(got[-1])}'
        values = numbers([p for _, p in pairs], (k + 1,), "probabilities")
        if not np.allclose(values[:-1], p[order[:k]]):
            return "the names are right, but not their probabilities"
        rest = p[order[k:]].sum()
        if np.isclose(values[-1], 1) and not np.isclose(rest, 1):
            return "others should have what is left, not the sum of all"
        if not np.isclose(values[-1], rest):
            return "others should have the sum of all classes that are left"


def _pairs(value):
    """[(name, probability)] of a student's answer, or what is wrong with it."""
    what = "give a list of pairs (name, probability)"
    if isinstance(value, (str, bytes)) or not np.iterable(value):
        return f"{what}, not {shown(value)}"
    pairs = list(value)
    if not pairs:
        return f"{what}; it is empty"
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            return f"{what}; {shown(pair)} is no such pair"
        if not isinstance(pair[0], str):
            return f"{what}; {shown(pair[0])} is no name"
    return pairs


@exercise("09.4")
def _last_maps(answer):
    shape = tuple(numbers(answer, (3,), "(height, width, channels)"))
    if shape == (4, 5, 512):
        return "the height comes first"
    if shape == (5, 4, 1024):
        return "alpha=0.5 leaves half of the channels"
    if shape == (5, 4, 256):
        return "alpha halves the channels once, not twice"
    if shape in ((10, 8, 512), (2.5, 2, 512), (3, 2, 512), (2, 2, 512)):
        return "the side is halved five times: 224, 112, 56, 28, 14, 7"
    if shape == (7, 7, 512):
        return "that is for images of 224x224"
    if shape != (5, 4, 512):
        return "divide height and width by 2 five times, and 1,024 by 2 once"


@exercise("09.5")
def _two_heads(answer):
    heads = tuple(numbers(answer, (2,), "two numbers"))
    pooled, flat = 512 * 10 + 10, 7 * 7 * 512 * 10 + 10
    if heads == (flat, pooled):
        return "the head after pooling comes first"
    if heads == (pooled - 10, flat - 10):
        return "each of the 10 units also has a bias"
    if heads[0] == 7 * 7 * 10 + 10:
        return "pooling leaves one number a channel, not one a place"
    if heads[0] == 512:
        return "512 numbers go in: count the weights and biases of the layer"
    if heads[0] != pooled:
        return "after pooling: 512 weights and a bias for each of 10 units"
    if heads[1] == 7 * 512 * 10 + 10:
        return "flattening leaves 7 times 7 numbers a channel"
    if heads[1] != flat:
        return "after Flatten: 7 x 7 x 512 weights and a bias for each unit"


@exercise("09.6")
def _grad_cam(cam):
    random = np.random.default_rng(96)
    for shape in ((5, 4, 6), (7, 7, 3), (4, 3, 8)):
        maps = np.maximum(random.normal(0.5, 1, shape), 0)
        gradients = random.normal(1, 1, shape)
        gradients[:, :, 0] -= 3  # the first map speaks against the class,
        maps[0, 0] = 0
        maps[0, 0, 0] = 2  # and is alone in one place
        raw = (maps * gradients.mean(axis=(0, 1))).sum(axis=2)
        wanted = np.maximum(raw, 0) / raw.max()
        value = numbers(call(cam, maps, gradients), shape[:2], f"an array {shape[:2]}")
        if np.allclose(value, wanted):
            continue
        if np.allclose(value, np.maximum(raw, 0)):
            return "scale it: the largest value should be 1"
        if np.allclose(value, raw) or np.allclose(value, raw / raw.max()):
            return "what speaks against the class, below 0, is cut off"
        if np.allclose(value, (raw - raw.min()) / np.ptp(raw)):
            return "negative values become 0; only then divide by the largest"
        product = np.maximum((maps * gradients).sum(axis=2), 0)
        if _alike(value, product):
            return "first take the mean of the gradients over all places"
        if _alike(value, np.maximum(maps.sum(axis=2), 0)):
            return "each map has a weight: the mean of its gradients"
        cut = np.maximum(gradients, 0).mean(axis=(0, 1))
        if _alike(value, (maps * cut).sum(axis=2)):
            return "cut off after the sum, not the gradients"
        return "it is wrong for maps of shape " + " x ".join(map(str, shape))
    maps, gradients = np.ones((3, 2, 4)), np.full((3, 2, 4), -1.0)
    value = numbers(call(cam, maps, gradients), (3, 2), "an array (3, 2)")
    if np.isnan(value).any():
        return "where nothing speaks for the class it divides 0 by 0"
    if value.any():
        return "where nothing speaks for the class it should be all zero"


def _alike(value, other):
    """Whether two maps are equal up to scale."""
    return np.allclose(value * other.max(), other * value.max()) and value.any()
