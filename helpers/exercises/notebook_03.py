"""Checks of notebook 03, padding and stride."""

import math

import numpy as np

from helpers.convolution import centred_padding, output_size, pad
from helpers.exercises.answers import exercise, network, numbers
from helpers.files import CourseError

LETTERS = "abcdef"


def _first_wrong(got, wanted):
    """The position and value of the first number that is wrong, or None."""
    for position, (value, right) in enumerate(zip(got, wanted, strict=True)):
        if value != right:
            return position, value
    return None


@exercise("03.1")
def _output_sizes_by_hand(answer):
    cases = [  # n, k, padding, stride, dilation
        (32, 5, "valid", 1, 1),
        (32, 5, "full", 1, 1),
        (28, 3, "same", 2, 1),
        (10, 3, "valid", 3, 1),
        (224, 7, 3, 2, 1),
        (20, 3, "valid", 1, 4),
    ]
    wanted = [output_size(n, k, padding, stride=s, dilation=d) for n, k, padding, s, d in cases]
    got = numbers(answer, (6,), "six numbers")
    if (wrong := _first_wrong(got, wanted)) is None:
        return None
    position, value = wrong
    n, k, padding, s, d = cases[position]
    letter = f"({LETTERS[position]})"
    if not float(value).is_integer():
        return f"{letter} a size is a whole number: round down, then add 1"
    if value == n - k + 1 and d > 1:
        return f"{letter} dilation {d} spreads the kernel over more than {k} pixels"
    if value == wanted[position] - 1:
        return f"{letter} one more: the first place takes no step"
    if value == n and s > 1:
        return f'{letter} "same" keeps the size at stride 1, and here it is {s}'
    return f"{letter} is not {value:g}: put it into the formula"


@exercise("03.2")
def _padding_that_keeps_the_size(answer):
    cases = [(3, 1), (7, 1), (3, 4), (5, 2)]
    wanted = [centred_padding(k, d) for k, d in cases]
    got = numbers(answer, (4,), "four numbers")
    if np.array_equal(got, 2 * np.array(wanted)):
        return "that is both sides together: padding p is added on each side"
    if (wrong := _first_wrong(got, wanted)) is None:
        return None
    position, value = wrong
    k, d = cases[position]
    case = f"({LETTERS[position]})"
    if d > 1 and value == (k - 1) / 2:
        return f"{case} dilation {d} makes the kernel span more than {k} pixels"
    return f"{case} padding {value:g} changes the size: solve 2p = d(k - 1)"


@exercise("03.3")
def _count_parameters(answer):
    wanted = [
        3 * 5 * 16 * 32 + 32,
        64 * 10 + 10,
        7 * 7 * 3 * 64,
        3 * 3 * 32 + 32 * 64 + 64,
    ]
    mistakes = [
        {
            3 * 5 * 16 * 32: "each of the 32 filters has a bias",
            3 * 5 * 32 + 32: "each filter reaches through all 16 channels",
            3 * 5 * 16 + 1: "that is one filter, and there are 32",
        },
        {
            64 * 10: "each of the 10 filters has a bias",
            10 + 10: "a 1x1 filter has a weight for each of the 64 channels",
        },
        {
            7 * 7 * 3 * 64 + 64: "use_bias=False leaves out the biases",
            7 * 7 * 64: "each filter reaches through all 3 channels",
        },
        {
            3 * 3 * 32 * 64 + 64: "that is a plain convolution",
            3 * 3 * 32 + 32 * 64: "the 64 filters of the second part have biases",
            3 * 3 * 32 + 32 + 32 * 64 + 64: ("in Keras the first part has no biases of its own"),
            3 * 3 + 32 * 64 + 64: "each of the 32 channels has its own 3x3 filter",
        },
    ]
    got = numbers(answer, (4,), "four numbers")
    if (wrong := _first_wrong(got, wanted)) is None:
        return None
    position, value = wrong
    reason = mistakes[position].get(value, "count the weights of one filter first")
    return f"({LETTERS[position]}) {reason}"


@exercise("03.4")
def _pad_by_hand(answer):
    image = np.arange(1, 10).reshape(3, 3)
    edges = ("reflect", "replicate", "circular")
    rows = {edge: pad(image, 1, edge)[0] for edge in edges}
    mirrored = np.pad(image, 1, "symmetric")[0]  # repeats the edge
    got = numbers(answer, (3, 5), "three rows of five numbers")
    for row, (name, wanted) in zip(got, rows.items(), strict=True):
        if np.array_equal(row, wanted):
            continue
        if name == "reflect" and np.array_equal(row, mirrored):
            return "reflect: the edge is the mirror, and is not repeated"
        for other, values in rows.items():
            if np.array_equal(row, values):
                return f"the row for {name} is the one for {other}"
        if np.array_equal(row[1:-1], wanted[1:-1]):
            return f"{name}: the middle is right, the corners are not"
        return f"{name}: the row above 1 2 3 is not {row[1]:g} {row[2]:g} {row[3]:g}"
    return None


CONVOLUTIONS = "Conv2D", "DepthwiseConv2D", "SeparableConv2D"

SCORE = 1_000_000
"""Multiplications: what the open exercise 03.7 asks to stay below."""


def _convolutions(model, kinds):
    """The layers of a Sequential model; CourseError if one is of another kind."""
    layers = list(model.layers)
    if type(model).__name__ != "Sequential":
        raise CourseError("take keras.Sequential, one layer after the other")
    for layer in layers:
        if type(layer).__name__ not in kinds:
            raise CourseError(f"a layer is {type(layer).__name__}; take {' or '.join(kinds)}")
    return layers


def _wrong_output(model, wanted):
    """What is wrong with the shape that comes out, or None."""
    if model.output_shape != (None, *wanted):
        return f"the output has the shape {model.output_shape[1:]}, not {wanted}"
    return None


def _field(layers, axis):
    """The input pixels along an axis that one value sees, counted from the first one."""
    seen, step = {0}, 1
    for layer in layers:
        apart = step * layer.dilation_rate[axis]
        seen = {at + apart * tap for at in seen for tap in range(layer.kernel_size[axis])}
        step *= layer.strides[axis]
    return seen


def _wrong_field(layers, least, most=math.inf):
    """What is wrong with the receptive field, which is to be `least` to `most` pixels, or None."""
    fields = [_field(layers, axis) for axis in (0, 1)]
    sizes = [max(field) + 1 for field in fields]
    if not least <= min(sizes) <= max(sizes) <= most:
        bound = "" if most == least else "at least "
        return f"a value sees {sizes[0]} x {sizes[1]}, not {bound}{least} x {least}"
    unseen = 1 - len(fields[0]) * len(fields[1]) / math.prod(sizes)
    if unseen:
        return f"a value sees {sizes[0]} x {sizes[1]} with gaps: {unseen:.0%} of it is never read"
    return None


def _multiplications(layers):
    """Of one image: each weight of a kernel is used once at each place of the output."""
    total = 0
    for layer in layers:
        kernels = [weight.shape for weight in layer.weights if len(weight.shape) > 1]
        total += math.prod(layer.output.shape[1:3]) * sum(map(math.prod, kernels))
    return total


@exercise("03.5")
def _given_shape(answer):
    model = network(answer, (64, 64, 3))
    layers = _convolutions(model, ["Conv2D"])
    if len(layers) != 3:
        return f"it has {len(layers)} layers, not three"
    for number, layer in enumerate(layers, 1):
        if layer.kernel_size != (3, 3):
            return f"layer {number} has a kernel of {layer.kernel_size}, not 3x3"
        if layer.padding != "valid" or layer.dilation_rate != (1, 1):
            return f'layer {number}: only strides may be chosen, with padding="valid"'
    return _wrong_output(model, (8, 8, 24))


@exercise("03.6")
def _given_field(answer):
    model = network(answer, (32, 32, 16))
    layers = _convolutions(model, CONVOLUTIONS)
    wrong = _wrong_output(model, (32, 32, 16)) or _wrong_field(layers, 9, 9)
    if wrong is None and model.count_params() > 5000:
        return f"it has {model.count_params():,} parameters, more than 5,000"
    return wrong


@exercise("03.7")
def _few_multiplications(answer):
    model = network(answer, (96, 96, 3))
    layers = _convolutions(model, CONVOLUTIONS)
    greatest = max(max(layer.kernel_size) for layer in layers)
    if greatest > 5:
        return f"a kernel of size {greatest} is too large: at most 5 x 5"
    wrong = _wrong_output(model, (6, 6, 64)) or _wrong_field(layers, 48)
    if wrong is None and (needed := _multiplications(layers)) >= SCORE:
        return f"it needs {needed:,} multiplications: the score to beat is {SCORE:,}"
    return wrong
