"""Checks of notebook 09, pretrained ImageNet models."""

import difflib
import functools

import numpy as np

from helpers import imagenet
from helpers.exercises.answers import call, exercise, numbers, shown
from helpers.files import CourseError

MEANS = np.array([103.939, 116.779, 123.68])
"""Of ImageNet's blue, green and red, as Caffe's models were trained with."""


@exercise("09.1")
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


@exercise("09.2")
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


def _model(answer):
    """The answer, if it is a Keras model."""
    from helpers.quiet_keras import keras

    if not isinstance(answer, keras.Model):
        raise CourseError(f"give a keras.Model, not {shown(answer)}")
    return answer


@functools.cache
def _block10():
    """The feature maps of Lite0's block10 for photos of 96x96 pixels: a model."""
    from helpers.quiet_keras import keras

    base = imagenet.efficientnet_lite(0, include_top=False, input_shape=(96, 96, 3))
    return keras.Model(base.input, base.get_layer("block10").output)


@exercise("09.3")
def _half_way_up(answer):
    model, block10 = _model(answer), _block10()
    if model.input_shape != block10.input_shape:
        return f"it takes {model.input_shape}, and base takes {block10.input_shape}"
    if model.output_shape == block10.output_shape:
        return "those are the maps themselves: pool them"
    if model.output_shape != (None, block10.output_shape[-1]):
        return f"its output is {model.output_shape}, not one number per channel of block10"
    x = np.random.default_rng(93).uniform(-1, 1, (2, 96, 96, 3)).astype("float32")
    values = block10.predict(x, verbose=0)
    found = model.predict(x, verbose=0)
    if np.allclose(found, values.max(axis=(1, 2)), atol=1e-4):
        return "those are the largest values of the maps, not their means"
    if not np.allclose(found, values.mean(axis=(1, 2)), atol=1e-4):
        return "its numbers are not the means of block10: is it another layer, or another base?"


@exercise("09.4")
def _head(answer):
    model = _model(answer)
    if model.input_shape[1:] != (96, 96, 3):
        return f"it takes {model.input_shape[1:]}, not photos of 96x96 pixels"
    if model.output_shape != (None, 10):
        return f"its output is {model.output_shape}, not ten probabilities"
    to_train = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    if to_train == 3 * 3 * 1280 * 10 + 10:
        return 'flattened maps need nine times as many weights: use pooling="avg"'
    if to_train == 0:
        return "nothing would be trained: only the base is frozen, not the whole model"
    if to_train > 1e6:
        return f"{to_train:,} numbers would be trained: the base is not frozen"
    if to_train != 1280 * 10 + 10:
        return f"{to_train:,} numbers would be trained, where one Dense layer has 12,810"
    stems = [w for w in model.weights if w.shape == (3, 3, 3, 32)]
    if not stems or not np.array_equal(stems[0], imagenet.lite_weights(0)[0]):
        return "the base is not Lite0 as trained on ImageNet"
    ones = np.zeros((1, 96, 96, 3), "float32")
    if not np.isclose(model.predict(ones, verbose=0).sum(), 1, atol=1e-3):
        return "ten probabilities add up to 1: the last layer needs a softmax"
    if not model.compiled or not model.loss:
        return "it is not compiled with a loss yet"


@exercise("09.5")
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


@exercise("09.6")
def _fool_it(shows, guesses):
    """shows: {photo: class}; guesses: {photo: the first five answers}."""
    words = [name for _, name in imagenet.class_names()]
    if not isinstance(shows, dict) or len(shows) < 3:
        return "give a dictionary with three photos or more"
    for photo, word in shows.items():
        if photo not in guesses:
            return f"there is no photo {shown(photo)}: there are {', '.join(guesses)}"
        if word not in words:
            near = difflib.get_close_matches(str(word), words, 3)
            meant = f"; is it {' or '.join(near)}" if near else ""
            return f"{shown(word)} is not one of the 1,000 classes{meant}"
    right = [photo for photo, word in shows.items() if guesses[photo][0][1] == word]
    if not right:
        return "it gets none of them right, so it was not fooled: begin with an easy one"
    if len(right) == len(shows):
        return f"it gets all {len(right)} right: now fool it"
