"""Answers to the exercises of notebook 11, what makes deep networks train."""

import numpy as np

from exercise_cases import Case, cases


@cases("11.1")
def _(scans):
    right = [(32496, 192, 2064384), [32496.0, 192.0, 2064384.0], np.array([32496, 192, 2064384])]
    wrong = [
        ((32448, 192, 2064384), "projection has biases"),
        ((32592, 192, 2064384), "normalization has its shift"),
        ((31296, 192, 2064384), "a convolution, too"),
        ((32688, 0, 2064384), "are not trained"),
        ((32304, 192, 2064384), "a scale and a shift"),
        ((41712, 192, 2064384), "1x1 convolution"),
        ((1, 192, 2064384), "two 3x3 convolutions"),
        ((32496, 96, 2064384), "a moving mean and a moving variance"),
        ((32496, 192, 8257536), "8 x 8 places"),
        ((32496, 192, 4276224), "each place of its output"),
        ((32496, 192, 1990656), "the shortcut multiplies"),
        ((32496, 192, 32256), "each weight of a kernel"),
        ((32496, 192), "three numbers"),
        (32496, "three numbers"),
    ]
    return Case({}, right, wrong)


@cases("11.2")
def _(scans):
    right = [(4, 2.2, 6.7, 8), [4.0, 2.2, 6.7, 8.0], np.array([4, 2.2, 6.7, 8])]
    wrong = [
        ((2.5, 2.2, 6.7, 8), "not by the variance"),
        ((7, 2.2, 6.7, 8), "the batch's own"),
        ((1, 2.2, 6.7, 8), "still to be applied"),
        ((5, 2.2, 6.7, 8), "then scale and shift"),
        ((4, 3.8, 6.7, 8), "share of the old"),
        ((4, 4, 6.7, 8), "0.9 of the old"),
        ((4, 2.2, 4, 8), "does not look at the batch"),
        ((4, 2.2, 7, 8), "has moved"),
        ((4, 2.2, 1, 8), "take the place"),
        ((4, 2.2, 6.7, 6), "what is kept grows"),
        ((4, 2.2, 6.7, 24), "to be kept"),
        ((4, 2.2, 6.7, 0), "divided by 1 - p"),
        ((4, 2.2, 6.7), "four numbers"),
    ]
    return Case({}, right, wrong)


@cases("11.3", is_function=True, with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    layers = keras.layers

    def right(
        x,
        filters,
        stride=2,
        norm=True,
        relu=True,
        pool=layers.AveragePooling2D,
        step=1,
        join=True,
        sizes=(3, 3),
        lost=False,
    ):
        y = x
        for number, size in enumerate(sizes):
            y = layers.Conv2D(filters, size, 1 if number else stride, "same", use_bias=not norm)(y)
            y = layers.BatchNormalization()(y) if norm else y
            y = y if number else layers.ReLU()(y)
        short = layers.Conv2D(filters, 1, step)(pool(2)(x) if step == 1 else x)
        if join:
            y = layers.Add()([0 * y if lost else y, short])
        return layers.ReLU()(y) if relu else y

    def with_norm(x, filters):
        """A normalization in the shortcut, too, and ReLU as an activation."""
        y = layers.Conv2D(filters, 3, 2, padding="same")(x)
        y = layers.Activation("relu")(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
        short = layers.Conv2D(filters, 1, use_bias=False)(layers.AveragePooling2D(2)(x))
        short = layers.BatchNormalization()(short)
        return layers.Activation("relu")(layers.add([short, y]))

    def like(**named):
        return lambda x, filters: right(x, filters, **named)

    def whole(x, filters):
        return keras.Model(x, right(x, filters))

    wrong = [
        (like(step=2), "one value in four"),
        (like(norm=False), "batch normalization"),
        (like(relu=False), "ReLU comes after"),
        (like(pool=layers.MaxPooling2D), "largest value"),
        (like(join=False), "nothing is added"),
        (like(sizes=(3,)), "1 convolutions of 3x3"),
        (like(sizes=(3, 1)), "1 convolutions of 3x3"),
        (like(lost=True), "does not reach the sum"),
        (lambda x, filters: right(x, 6), "come (4, 4, 6)"),
        (lambda x, filters: x, "come (8, 8, 6)"),
        (whole, "it should return maps"),
        (7, "the function itself"),
    ]
    return Case({}, [right, with_norm], wrong)


@cases("11.4", is_function=True, with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    layers = keras.layers

    def right(conv, norm, root=0.5, epsilon=None, keep=1.0, scaled=True, mean_too=True, **other):
        gamma, beta, mean, variance = norm.get_weights()
        epsilon = norm.epsilon if epsilon is None else epsilon
        scale = gamma / (variance + epsilon) ** root
        kernel = np.asarray(conv.kernel)
        bias = np.asarray(conv.bias) if conv.use_bias else np.zeros_like(beta)
        how = {"strides": conv.strides, "padding": conv.padding} | other
        one = layers.Conv2D(conv.filters, conv.kernel_size, **how)
        one.build((None, None, None, kernel.shape[2]))
        shift = beta + (keep * bias - mean_too * mean) * scale
        weights = [kernel * scale if scaled else kernel, shift]
        one.set_weights(weights[: len(one.get_weights())])
        return one

    def by_config(conv, norm):
        gamma, beta, mean, variance = norm.get_weights()
        scale = gamma / np.sqrt(variance + norm.epsilon)
        one = layers.Conv2D.from_config(conv.get_config() | {"use_bias": True, "name": "one"})
        kernel, *bias = conv.get_weights()
        one.build((None, None, None, kernel.shape[2]))
        one.set_weights([kernel * scale, beta + (sum(bias) - mean) * scale])
        return one

    def unscaled_bias(conv, norm):
        one = right(conv, norm, keep=0)
        if conv.use_bias:
            one.bias.assign_add(conv.bias)
        return one

    def in_place(conv, norm):
        kernel, *bias = conv.get_weights()
        conv.set_weights([2 * kernel, *bias])
        return conv

    def like(**named):
        return lambda conv, norm: right(conv, norm, **named)

    wrong = [
        (like(root=1), "not by the variance"),
        (like(epsilon=0), "before the root"),
        (like(keep=0), "is lost"),
        (unscaled_bias, "own bias is scaled"),
        (like(scaled=False), "the kernel is as it was"),
        (like(mean_too=False), "make up for it"),
        (like(strides=1), "stride and padding stay"),
        (like(padding="valid"), "stride and padding stay"),
        (like(use_bias=False), "needs a bias"),
        (like(root=0.25), "each filter is multiplied"),
        (lambda conv, norm: layers.Conv2D(4, 3, padding="same"), "no weights yet"),
        (lambda conv, norm: conv, "leave the two layers"),
        (in_place, "leave the two layers"),
        (lambda conv, norm: norm, "a Conv2D"),
        ("conv", "the function itself"),
    ]
    return Case({}, [right, by_config], wrong)


@cases("11.5", with_keras=True)
def _(scans):
    from helpers.quiet_keras import keras

    layers = keras.layers
    keras.utils.set_random_seed(115)

    def reader(depth=19, filters=6, units=10, size=3, shape=(14, 14, 1)):
        x = inputs = keras.Input(shape)
        for _ in range(depth):
            y = layers.BatchNormalization()(layers.Conv2D(filters, size, padding="same")(x))
            x = layers.ReLU()(y)
        x = layers.GlobalAveragePooling2D()(x)
        return keras.Model(inputs, layers.Dense(units)(x))

    def copy(model, sign):
        other = keras.models.clone_model(model)
        other.set_weights(model.get_weights())
        head = other.layers[-1]
        head.set_weights([sign * w for w in head.get_weights()])
        return other

    right = reader()
    X = np.random.default_rng(115).random((40, 14, 14, 1), "float32")
    y = np.asarray(right(X)).argmax(axis=1)  # untrained, and right by definition
    wrong = [
        (reader(depth=18), "19 layers count"),
        (reader(size=1), "1 layers count"),
        (reader(filters=16), "more than 30,000"),
        (reader(units=9), "not ten logits"),
        (reader(shape=(28, 28, 1)), "not (14, 14, 1)"),
        (copy(right, -1), "of the test digits"),
        (0.95, "the model itself"),
    ]
    return Case({"X": X, "y": y}, [right, copy(right, 2)], wrong)
