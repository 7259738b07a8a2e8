"""Checks of notebook 04, pooling and the classic networks."""

import numpy as np

from helpers import convolution
from helpers.exercises.answers import exercise, network, numbers

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


def _names(layers):
    """The kinds of layers in a row, in words."""
    return ", ".join(type(layer).__name__ for layer in layers) or "no layers"


@exercise("04.4")
def _repaired(answer):
    model = network(answer, (28, 28, 1))
    shown_names = ("Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Flatten", "Dense")
    acting = ("ReLU", "LeakyReLU", "Activation")
    layers = [a for a in model.layers if type(a).__name__ not in (*acting, "InputLayer", "Dropout")]
    if tuple(type(layer).__name__ for layer in layers) != shown_names:
        return f"its layers are {_names(layers)}, not {', '.join(shown_names)}"
    first, pool, second, last_pool, _, dense = layers
    for name, layer in (("first", first), ("second", second)):
        if layer.filters != 32 or layer.kernel_size != (3, 3):
            return f"the {name} convolution does not have 32 filters of 3x3"
        after = model.layers[model.layers.index(layer) + 1]
        linear = layer.activation.__name__ == "linear" and type(after).__name__ not in acting
        if linear:
            return f"the {name} convolution has no activation"
    if pool.pool_size != (2, 2) or last_pool.pool_size != (2, 2):
        return "a pool is not 2x2"
    if dense.units != 10:
        return f"ten digits need ten logits, not {dense.units}"
    if dense.activation.__name__ != "linear":
        return f"logits have no activation, and the last layer has {dense.activation.__name__}"


@exercise("04.5")
def _average_as_convolution(answer):
    model = network(answer, (6, 6, 1))
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    if [type(layer).__name__ for layer in layers] != ["Conv2D"]:
        return f"it consists of {_names(layers)}: one Conv2D is wanted"
    if model.output_shape != (None, 3, 3, 1):
        return f"the output has the shape {model.output_shape[1:]}, not (3, 3, 1)"
    images = np.random.default_rng(45).normal(5, 3, (8, 6, 6, 1)).astype("float32")
    wanted = images.reshape(8, 3, 2, 3, 2).mean(axis=(2, 4))
    value = np.asarray(model(images))[..., 0]
    if np.allclose(value, wanted, rtol=1e-3, atol=1e-3):
        return None
    if np.allclose(value, 4 * wanted, rtol=1e-3, atol=1e-3):
        return "those are sums of four values, not means"
    if np.allclose(np.ptp(value - wanted), 0, atol=1e-3):
        return "all results are off by the same number: look at the bias"
    return "it does not give the means of squares of 2x2: print model.get_weights()"


BUDGET, GOAL = 20_000, 0.97
"""Parameters and accuracy of the open exercise 04.6."""


@exercise("04.6")
def _reads_digits(answer, *, X, y):
    model = network(answer, X.shape[1:])
    if not any(type(layer).__name__.endswith("Conv2D") for layer in model.layers):
        return f"its layers are {_names(model.layers)}: a CNN has a convolution"
    if model.count_params() > BUDGET:
        return f"it has {model.count_params():,} parameters, more than {BUDGET:,}"
    logits = model.predict(X, batch_size=500, verbose=0)
    if logits.shape != (len(X), 10):
        return f"for {len(X)} images it gives {logits.shape}: ten logits each are wanted"
    accuracy = (logits.argmax(axis=1) == y).mean()
    if accuracy < GOAL:
        return f"it reads {accuracy:.1%} of the test digits, and {GOAL:.0%} is the goal"
