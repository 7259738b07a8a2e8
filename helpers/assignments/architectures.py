"""Each student's networks for assignment 2, as plain data, and what they compute.

And what tests ask of a student's own Keras models: `chain` and `products` in assignment 2,
`labels_of`, `same_layers` and `own_weights` in assignment 5.
"""

import numpy as np

from helpers.assignments.students import mine
from helpers.convolution import output_size, parameters

ASSIGNMENT = "2_arithmetic_of_networks"


def conv(name, filters, kernel, stride=1, padding="valid"):
    """A convolutional layer as plain data; it has biases."""
    return {
        "name": name,
        "kind": "conv",
        "kernel": kernel,
        "stride": stride,
        "padding": padding,
        "filters": filters,
    }


def pool(name, kernel, stride):
    """A pooling layer without padding, as plain data."""
    return {
        "name": name,
        "kind": "pool",
        "kernel": kernel,
        "stride": stride,
        "padding": "valid",
    }


def dense(name, units):
    """A dense layer as plain data; it has biases."""
    return {"name": name, "kind": "dense", "units": units}


FLATTEN = {"name": "flatten", "kind": "flatten"}


def networks(student):
    """{"lenet", "alexnet", "vgg": {"input": [H, W, channels], "layers": [...]}}.

    Relatives of LeNet-5, AlexNet and VGG16 whose sizes differ from student to
    student. A layer is a dictionary, see `conv`, `pool`, `dense` and FLATTEN.
    """
    return mine(ASSIGNMENT, student)["networks"]


def draw(draws):
    """Everything of assignment 2 that is drawn for a student."""
    networks = {"lenet": _lenet(draws), "alexnet": _alexnet(draws), "vgg": _vgg(draws)}
    network, summary = _broken(draws)
    lost_input, lost_summary = _lost(draws)
    return {
        "networks": networks,
        "network": network,
        "summary": summary,
        "lost_input": lost_input,
        "lost_summary": lost_summary,
        "far": _far(draws),
        "cheap": _cheap(draws),
    }


def _lenet(draws):
    side, first = draws.whole(37, 61), draws.whole(5, 12)
    stride, padding = draws.choose(((1, "valid"), (1, "same"), (2, "same")))
    pools = draws.choose(((2, 2), (3, 2))), draws.choose(((2, 2), (3, 2), (3, 3)))
    last = draws.choose((3, 5)), 1, draws.choose(("valid", "same"))
    return {
        "input": [side, side + draws.choose((-4, -2, 2, 4)), draws.choose((1, 3))],
        "layers": [
            conv("conv1", first, draws.choose((3, 5, 7)), stride, padding),
            pool("pool1", *pools[0]),
            conv("conv2", 2 * first + draws.whole(1, 5), *last),
            pool("pool2", *pools[1]),
            dict(FLATTEN),
            dense("dense1", draws.whole(100, 130)),
            dense("dense2", draws.whole(60, 90)),
            dense("output", draws.whole(10, 26)),
        ],
    }


def _alexnet(draws):
    height = draws.whole(205, 249)
    width = height + draws.choose((-30, -22, -14, 14, 22, 30))
    kernel, stride = draws.choose(((11, 4), (9, 4), (7, 4), (11, 3), (9, 3), (7, 3)))
    pools = [draws.choose(((3, 2), (2, 2))) for _ in range(3)]
    third, fourth = 16 * draws.whole(18, 26), 16 * draws.whole(18, 26)
    hidden = 256 * draws.whole(8, 15)
    return {
        "input": [height, width, 3],
        "layers": [
            conv("conv1", 8 * draws.whole(8, 13), kernel, stride),
            pool("pool1", *pools[0]),
            conv("conv2", 16 * draws.whole(11, 16), draws.choose((3, 5)), 1, "same"),
            pool("pool2", *pools[1]),
            conv("conv3", third, 3, 1, "same"),
            conv("squeeze", 8 * draws.whole(7, 15), 1, 1, "same"),
            conv("conv4", fourth, draws.choose((3, 5)), 1, "same"),
            pool("pool3", *pools[2]),
            dict(FLATTEN),
            dense("dense1", hidden),
            dense("dense2", 128 * draws.whole(8, 24)),
            dense("output", 100 * draws.whole(4, 10)),
        ],
    }


def _vgg(draws):
    height = 8 * draws.whole(17, 27)
    width = height + 8 * draws.choose((-3, -2, -1, 1, 2, 3))
    filters = 8 * draws.whole(5, 9)
    deep = draws.choose(((2, 2, 3, 3), (1, 2, 3, 4), (2, 2, 2, 4), (1, 3, 3, 3)))
    first, overlaps = draws.choose((3, 5)), draws.whole(1, 4)
    layers = []
    for block, count in enumerate(deep, start=1):
        for number in range(1, count + 1):
            name = f"block{block}_conv{number}"
            kernel = first if block == 1 else 3
            layers.append(conv(name, filters, kernel, 1, "same"))
        layers.append(pool(f"block{block}_pool", 3 if block == overlaps else 2, 2))
        filters = min(2 * filters, 512)
    layers += [dict(FLATTEN), dense("dense1", 128 * draws.whole(8, 16))]
    layers += [dense("output", 50 * draws.whole(3, 12))]
    return {"input": [height, width, 3], "layers": layers}


def _far(draws):
    """What a network must see, and may cost: for the first design."""
    height = 8 * draws.whole(12, 18)
    return {
        "input": [height, height + 8 * draws.choose((-3, -2, 2, 3)), draws.choose((1, 2, 3))],
        "rows": draws.whole(46, 79),
        "parameters": 250 * draws.whole(24, 36),
        "filters": draws.whole(12, 20),
        "places": height // 8,
    }


def _cheap(draws):
    """A layer, and the share of its multiplications that its replacement may need."""
    channels, filters = 8 * draws.whole(9, 16), 8 * draws.whole(9, 16)
    kernel, percent = draws.choose((3, 5)), draws.whole(28, 45)
    alone = kernel**2 * channels * filters
    widest = int(percent / 100 * alone / (channels + kernel**2 * filters))
    return {
        "input": [draws.whole(14, 28), draws.whole(29, 40), channels],
        "layer": conv("costly", filters, kernel, 1, "same"),
        "percent": percent,
        "least": max(widest - draws.whole(2, 6), 4),
    }


def broken_summary(student):
    """(network, rows): a network and its summary, in which four rows are wrong.

    A row is {"name", "output": [H, W, channels] or [units], "parameters"}. In each
    wrong row either the output or the parameters are wrong; rows do not depend on
    each other, so a mistake in one is not in the next.
    """
    drawn = mine(ASSIGNMENT, student)
    return drawn["network"], drawn["summary"]


def _broken(draws):
    height = draws.whole(61, 95)
    first = 4 * draws.whole(4, 9)
    network = {
        "input": [height, height + draws.choose((-9, -7, 7, 9)), 3],
        "layers": [
            conv("conv1", first, draws.choose((5, 7)), 2, "same"),
            conv("conv2", first + 8, 3),
            pool("pool1", 3, 2),
            conv("conv3", 2 * first, 5, 1, "same"),
            conv("conv4", 2 * first + 4, 3, 2),
            pool("pool2", 2, 2),
            dict(FLATTEN),
            dense("dense1", draws.whole(50, 99)),
            dense("output", draws.whole(11, 30)),
        ],
    }
    rows, inputs = [], {}
    volume = network["input"]
    for layer in network["layers"]:
        inputs[layer["name"]] = volume
        volume, count = computed(volume, layer)
        rows.append({"name": layer["name"], "output": volume, "parameters": count})
    mistakes = {
        "conv1": _rounded_down,
        "conv2": _one_channel,
        "pool1": _rounded_up,
        "conv3": _no_bias,
        "conv4": _rounded_up,
        "pool2": _pooled_channels,
        "dense1": _no_bias,
        "output": _no_bias,
    }
    # One mistake of each half at least, so that nobody has only missing biases.
    wrong = draws.sample(["conv1", "conv2", "pool1", "conv4"], 2)
    wrong += draws.sample(["conv3", "pool2", "dense1", "output"], 2)
    layers = {layer["name"]: layer for layer in network["layers"]}
    for row in rows:
        name = row["name"]
        if name in wrong:
            mistakes[name](row, inputs[name], layers[name])
    return network, rows


def computed(volume, layer):
    """(output, parameters) of a layer whose input is `volume`."""
    if layer["kind"] == "flatten":
        return [int(np.prod(volume))], 0
    if layer["kind"] == "dense":
        return [layer["units"]], volume[0] * layer["units"] + layer["units"]
    *sides, channels = volume
    k, stride, padding = layer["kernel"], layer["stride"], layer["padding"]
    sides = [output_size(n, k, padding, stride=stride) for n in sides]
    if layer["kind"] == "pool":
        return [*sides, channels], 0
    count = parameters(k, channels, layer["filters"])
    return [*sides, layer["filters"]], count


def chain(model, kernel=None, pool=None, step=None):
    """The layers with a kernel of a Sequential model: [(kernel, stride, dilation)] per axis.

    kernel, pool: the largest that a convolution and a pooling layer may have, along one
    axis; step: the largest stride and dilation. Returns (rows, columns). Raises
    AssertionError, one sentence, for another kind of model or layer, or for one that is
    larger.
    """
    if type(model).__name__ != "Sequential":
        raise AssertionError(f"a keras.Sequential is needed, not a {type(model).__name__}")
    axes = [], []
    for layer in model.layers:
        kind, about = type(layer).__name__, layer.get_config()
        if kind not in ("Conv2D", "MaxPooling2D", "AveragePooling2D", *WITHOUT_KERNEL):
            raise AssertionError(f"a layer {kind} is not allowed here")
        if kind in WITHOUT_KERNEL:
            continue
        size = about.get("kernel_size") or about["pool_size"]
        largest = kernel if kind == "Conv2D" else pool
        dilations = about.get("dilation_rate") or (1, 1)
        if largest is not None and max(size) > largest:
            raise AssertionError(f"a layer {kind} of {size[0]} x {size[1]} is too large here")
        if step is not None and max(*about["strides"], *dilations) > step:
            raise AssertionError(f"a stride or dilation of a layer {kind} is above {step}")
        for axis in (0, 1):
            axes[axis].append((size[axis], about["strides"][axis], dilations[axis]))
    return axes


WITHOUT_KERNEL = ("InputLayer", "ReLU", "LeakyReLU", "Activation", "BatchNormalization", "Dropout")


def products(model):
    """The multiplications of a model's Conv2D layers for one image."""
    return sum(
        int(np.prod(layer.output.shape[1:3])) * int(np.prod(layer.kernel.shape))
        for layer in model.layers
        if type(layer).__name__ == "Conv2D"
    )


def labels_of(model, images, classes):
    """The class with the largest output of a Keras model for each image: (n,) int.

    images: (n, ...), as they are; classes: how many outputs there are for an image. Raises
    AssertionError, one sentence, where it is no Keras model, or gives something else.
    """
    if not hasattr(model, "get_config"):
        raise AssertionError(f"a Keras model is needed, not a {type(model).__name__}")
    images, outputs = np.asarray(images).astype("float32"), []
    # Called, not `predict`, which would compile a function for each new model.
    for first in range(0, len(images), 50):
        try:
            outputs.append(np.asarray(model(images[first : first + 50], training=False)))
        except (ValueError, TypeError) as error:
            shape = ", ".join(map(str, images.shape[1:]))
            raise AssertionError(f"the model cannot read images (n, {shape})") from error
    outputs = np.concatenate(outputs)
    if outputs.shape != (len(images), classes):
        raise AssertionError(
            f"for {len(images)} images the model gives {outputs.shape}, not "
            f"{(len(images), classes)}: a number for each class"
        )
    return outputs.argmax(axis=1)


def kinds_of(model):
    """The kinds of a Keras model's layers, in order, with those of models inside it."""
    kinds = []
    for layer in model.layers:
        kinds += kinds_of(layer) if hasattr(layer, "layers") else [type(layer).__name__]
    return kinds


def same_layers(first, second):
    """Have two Keras models layers of the same kinds, and weights of the same shapes?"""
    shapes = [[array.shape for array in model.get_weights()] for model in (first, second)]
    return kinds_of(first) == kinds_of(second) and shapes[0] == shapes[1]


def own_weights(first, second):
    """Has a kernel of two models with the same layers changed by a tenth of its size?

    Two seeds draw other kernels. Those of a frozen base are the same, and do not matter.
    """
    norm = np.linalg.norm
    return any(
        norm(one - two) > 0.1 * max(norm(one), norm(two))
        for one, two in zip(first.get_weights(), second.get_weights(), strict=True)
        if one.ndim > 1
    )


def _rounded_down(row, volume, layer):
    """A size of "same" padding as if nothing were added."""
    k, stride = layer["kernel"], layer["stride"]
    row["output"] = [
        *((n - k) // stride + 1 for n in volume[:2]),
        row["output"][2],
    ]


def _rounded_up(row, volume, layer):
    """One place too many, in the height."""
    row["output"] = [row["output"][0] + 1, *row["output"][1:]]


def _one_channel(row, volume, layer):
    """The filters reach through one channel only."""
    row["parameters"] = parameters(layer["kernel"], 1, layer["filters"])


def _no_bias(row, volume, layer):
    row["parameters"] -= row["output"][-1]


def _pooled_channels(row, volume, layer):
    """The channels are halved too."""
    row["output"] = [*row["output"][:2], row["output"][2] // 2]


def lost_layers(student):
    """The input, and the summary of a network of which only the summary is left.

    Returns ([H, W, channels], rows), rows as those of `broken_summary`. All layers
    are convolutional, with "same" padding and biases.
    """
    drawn = mine(ASSIGNMENT, student)
    return drawn["lost_input"], drawn["lost_summary"]


def _lost(draws):
    volume = [draws.whole(90, 130), draws.whole(131, 170), 3]
    given, rows = volume, []
    strides = draws.choose(((2, 1, 3, 1), (3, 1, 2, 1), (1, 2, 1, 3)))
    for number, stride in enumerate(strides, start=1):
        layer = conv(
            f"layer{number}",
            draws.whole(9, 40),
            draws.choose((1, 3, 5, 7)),
            stride,
            "same",
        )
        volume, count = computed(volume, layer)
        rows.append({"name": layer["name"], "output": volume, "parameters": count})
    return given, rows
