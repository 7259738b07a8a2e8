"""Checks of notebook 11, what makes deep networks train."""

import numpy as np

from helpers.exercises.answers import call, exercise, network, numbers, shown
from helpers.files import CourseError


@exercise("11.1")
def _count_a_residual_block(answer):
    first, second, projection = 9 * 24 * 48, 9 * 48 * 48, 24 * 48
    norms = 2 * 2 * 48  # scales and shifts of two, and as many moving numbers
    trained = first + second + projection + 48 + norms
    what = "three numbers, (trained, not trained, multiplications)"
    a, b, c = numbers(answer, (3,), what)
    if a == trained - 48:
        return "the projection has biases"
    if a == trained + 2 * 48:
        return "the two 3x3 convolutions have no biases: normalization has its shift"
    if a == trained - projection - 48:
        return "the shortcut has a convolution, too"
    if a == trained + norms:
        return "moving means and variances are not trained"
    if a == trained - norms:
        return "normalization trains a scale and a shift for each channel"
    if a == trained + 8 * projection:
        return "the projection is a 1x1 convolution"
    if a != trained:
        return "(a) is two 3x3 convolutions, two normalizations and a projection"
    if b != norms:
        return "(b): each normalization keeps a moving mean and a moving variance per channel"
    places = 8 * 8
    if c == 256 * (first + second + projection):
        return "a stride of 2 halves the image in both directions: 8 x 8 places"
    if c == 256 * (first + projection) + places * second:
        return "with a stride of 2 a kernel is used once for each place of its output"
    if c == places * (first + second):
        return "the shortcut multiplies, too"
    if c != places * (first + second + projection):
        return "(c): each weight of a kernel is used once at each place of the output"


@exercise("11.2")
def _training_and_inference_by_hand(answer):
    what = "four numbers, (training, moving mean, inference, dropout)"
    training, moving, inference, dropped = numbers(answer, (4,), what)
    if np.isclose(training, 3 * 2 / 4 + 1):
        return "(a): divide by the standard deviation, not by the variance"
    if np.isclose(training, 3 * (6 - 2) / 2 + 1):
        return "(a): in training the mean is the batch's own"
    if np.isclose(training, 1):
        return "(a): scale and shift are still to be applied"
    if not np.isclose(training, 4):
        return "(a): subtract the batch's mean, divide by its deviation, then scale and shift"
    if np.isclose(moving, 0.1 * 2 + 0.9 * 4):
        return "(b): momentum is the share of the old mean"
    if not np.isclose(moving, 2.2):
        return "(b): 0.9 of the old moving mean, and 0.1 of the batch's"
    if np.isclose(inference, 4):
        return "(c): inference does not look at the batch"
    if np.isclose(inference, 3 * (6 - 2) / 2 + 1):
        return "(c): the moving mean has moved in (b)"
    if not np.isclose(inference, 3 * (6 - 2.2) / 2 + 1):
        return "(c): the moving mean and variance take the place of the batch's"
    if np.isclose(dropped, 6):
        return "(d): what is kept grows, so that the mean stays"
    if np.isclose(dropped, 24):
        return "(d): divide by the probability to be kept, not by that to be dropped"
    if not np.isclose(dropped, 8):
        return "(d): what is kept is divided by 1 - p"


def _outcome(call, maps):
    """What a model makes of maps, in inference."""
    return np.asarray(call(maps, training=False))


@exercise("11.3")
def _a_shortcut_that_sees_everything(shrink):
    from helpers.quiet_keras import keras

    layers, filters = keras.layers, 10
    keras.utils.set_random_seed(113)
    inputs = keras.Input((8, 8, 6))
    out = call(shrink, inputs, filters)
    if not isinstance(out, keras.KerasTensor):
        raise CourseError(f"it should return maps, as `block` does, not {shown(out)}")
    if tuple(out.shape) != (None, 4, 4, filters):
        return f"from maps of 8 x 8 x 6 and 10 filters come {out.shape[1:]}, not (4, 4, 10)"
    model = keras.Model(inputs, out)
    convolutions = [x for x in model.layers if type(x) is layers.Conv2D]
    large = [x for x in convolutions if x.kernel_size == (3, 3)]
    thin = [x for x in convolutions if x.kernel_size == (1, 1)]
    if not any(isinstance(x, layers.Add) for x in model.layers):
        return "nothing is added: where is the shortcut?"
    if len(large) != 2:
        return f"it has {len(large)} convolutions of 3x3, not two"
    if len(thin) != 1:
        return f"it has {len(thin)} convolutions of 1x1, not one"
    if thin[0].strides != (1, 1):
        return "with a stride the 1x1 convolution sees one value in four: average first"
    if sum(isinstance(x, layers.BatchNormalization) for x in model.layers) < 2:
        return "each 3x3 convolution is followed by batch normalization"
    X = np.random.default_rng(113).normal(size=(3, 8, 8, 6)).astype("float32")
    alive = _outcome(model, X)
    for x in large:
        x.set_weights([np.zeros_like(w) for w in x.get_weights()])
    value = _outcome(model, X)  # the shortcut alone
    kernel = np.asarray(thin[0].kernel)[0, 0]
    mean = X.reshape(3, 4, 2, 4, 2, 6).mean(axis=(2, 4)) @ kernel
    largest = X.reshape(3, 4, 2, 4, 2, 6).max(axis=(2, 4)) @ kernel
    if np.allclose(value, np.maximum(mean, 0), atol=2e-2):
        if np.allclose(alive, value, atol=1e-4):
            return "what the 3x3 convolutions find does not reach the sum"
        return None
    if np.allclose(value, mean, atol=2e-2):
        return "the block is v1: a ReLU comes after the sum"
    if np.allclose(value, np.maximum(largest, 0), atol=2e-2):
        return "average 2x2 squares; this takes their largest value"
    return "with zeros in its 3x3 convolutions it should be ReLU of the 1x1 of the averages"


@exercise("11.4")
def _fold_normalization_into_the_convolution(folded):
    from helpers.quiet_keras import keras

    layers = keras.layers
    random = np.random.default_rng(114)
    X = random.normal(size=(2, 9, 9, 3)).astype("float32")
    for stride, bias in ((1, False), (2, True)):
        conv = layers.Conv2D(4, 3, stride, "same", use_bias=bias)
        norm = layers.BatchNormalization(epsilon=0.02)
        norm(conv(X))
        conv.set_weights([random.normal(size=w.shape) for w in conv.get_weights()])
        norm.set_weights([random.uniform(0.1, 2, 4) for _ in range(4)])
        before = [w.copy() for w in conv.get_weights() + norm.get_weights()]
        one = call(folded, conv, norm)
        if not isinstance(one, layers.Conv2D):
            raise CourseError(f"it should return a layer, a Conv2D, not {shown(one)}")
        after = conv.get_weights() + norm.get_weights()
        if one is conv or any((a != b).any() for a, b in zip(before, after, strict=True)):
            return "leave the two layers as they are, and return a new one"
        if not one.built:
            return "the new layer has no weights yet: build it, then set them"
        right = np.asarray(norm(conv(X), training=False))
        value = np.asarray(one(X))
        if value.shape != right.shape:
            return f"it gives {value.shape[1:]}, not {right.shape[1:]}: stride and padding stay"
        if np.allclose(value, right, atol=1e-3):
            continue
        if not one.use_bias:
            return "the new layer needs a bias: the shift of the normalization goes there"
        gamma, beta, mean, variance = norm.get_weights()
        kernel, own = np.asarray(conv.kernel), np.asarray(conv.bias) if bias else 0
        found, shift = (np.asarray(w) for w in (one.kernel, one.bias))
        scale = gamma / np.sqrt(variance + norm.epsilon)
        if np.allclose(found, kernel, atol=1e-5):
            return "the kernel is as it was: each filter is scaled, too"
        if np.allclose(found, kernel * gamma / (variance + norm.epsilon), atol=1e-4):
            return "divide by the standard deviation, not by the variance"
        if np.allclose(found, kernel * gamma / variance**0.5, atol=1e-4):
            return "`norm.epsilon` is added to the variance before the root"
        if not np.allclose(found, kernel * scale, atol=1e-4):
            return "each filter is multiplied by gamma / sqrt(variance + epsilon)"
        if bias and np.allclose(shift, beta - mean * scale, atol=1e-4):
            return "the convolution's own bias is lost: it is scaled, too"
        if bias and np.allclose(shift, beta + own - mean * scale, atol=1e-4):
            return "the convolution's own bias is scaled, too"
        if np.allclose(shift, beta, atol=1e-4):
            return "the mean is subtracted before the scaling: the bias must make up for it"
        return "it does not give what norm(conv(x)) gives in inference"
    return None


DEEP, SMALL, TO_BEAT = 20, 30_000, 0.95


@exercise("11.5")
def _deep_and_small(answer, *, X, y):
    from helpers.quiet_keras import keras

    layers = keras.layers
    model = network(answer, (14, 14, 1))
    if model.output_shape != (None, 10):
        return f"it gives {model.output_shape[1:]}, not ten logits"
    wide = [
        x
        for x in model.layers
        if isinstance(x, layers.Dense)
        or "Conv2D" in type(x).__name__
        and max(getattr(x, "kernel_size", (1,))) > 1
    ]
    if len(wide) < DEEP:
        return f"{len(wide)} layers count; at least {DEEP} are asked for (1x1 does not count)"
    if model.count_params() > SMALL:
        return f"it has {model.count_params():,} parameters, more than {SMALL:,}"
    guesses = model.predict(X, verbose=0).argmax(axis=1)
    share = np.mean(guesses == np.asarray(y))
    if share < TO_BEAT:
        return f"it reads {share:.1%} of the test digits; {TO_BEAT:.0%} are asked for"
    return None
