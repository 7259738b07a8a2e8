"""What the graded assignments share: data that differ per student, and comparisons.

Each student's data follow from the student's id by SHA-256, so they are the same on
every system and in every version of Python. Test cells of the assignments compare
with `agree`, and count what was done with `counted`.
"""

import gc
import hashlib
import os
import sys
import threading
import unicodedata
from functools import partial

import numpy as np

from helpers.convolution import output_size, parameters
from helpers.files import CourseError

# Who, and what follows from it -------------------------------------------------


def owner(typed):
    """The id whose data count: that of COURSE_STUDENT when grading, else `typed`.

    The grader sets COURSE_STUDENT from the submission's folder, so another student's
    id in a notebook earns nothing. Spaces around an id and its case do not matter.
    Raises CourseError where there is no id.
    """
    name = os.environ.get("COURSE_STUDENT") or typed
    if not isinstance(name, str) or not name.strip(" ."):
        raise CourseError(
            f"{name!r} is no student's id: type yours as text, as it stands in the "
            'course\'s list, for instance student = "ab123".'
        )
    return same_id(name)


def same_id(name):
    """An id as it counts: without spaces around it, in small letters."""
    return unicodedata.normalize("NFC", name).strip().casefold()


class Draws:
    """Choices that follow from words (an assignment, a student), and only from them.

    Python's and NumPy's generators may change from version to version; this cannot.
    """

    def __init__(self, *words):
        self._text = "\n".join(words)
        self._count = 0

    def whole(self, low, high):
        """A whole number from `low` to `high`, both included."""
        self._count += 1
        text = f"{self._text}\n{self._count}".encode()
        number = int.from_bytes(hashlib.sha256(text).digest(), "big")
        return low + number % (high - low + 1)

    def choose(self, values):
        """One of `values`."""
        return values[self.whole(0, len(values) - 1)]

    def sample(self, values, count):
        """`count` different ones of `values`, in their order there."""
        left = list(range(len(values)))
        for _ in range(len(values) - count):
            left.pop(self.whole(0, len(left) - 1))
        return [values[place] for place in left]


# Assignment 2: each student's networks -----------------------------------------


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
    draws = Draws("2_arithmetic_of_networks", owner(student))
    return {
        "lenet": _lenet(draws),
        "alexnet": _alexnet(draws),
        "vgg": _vgg(draws),
    }


def _lenet(draws):
    side, channels = draws.whole(33, 47), draws.choose((1, 3))
    kernels = draws.choose(((5, 3), (3, 5), (7, 3), (7, 5)))
    first = draws.whole(5, 9)
    return {
        "input": [side, side, channels],
        "layers": [
            conv("conv1", first, kernels[0]),
            pool("pool1", 2, 2),
            conv("conv2", 2 * first + draws.whole(1, 5), kernels[1]),
            pool("pool2", 2, 2),
            dict(FLATTEN),
            dense("dense1", draws.whole(100, 130)),
            dense("dense2", draws.whole(60, 90)),
            dense("output", draws.whole(10, 26)),
        ],
    }


def _alexnet(draws):
    height = draws.whole(205, 249)
    width = height + draws.choose((-30, -22, -14, 14, 22, 30))
    kernel, stride = draws.choose(((11, 4), (9, 4), (11, 3), (7, 3), (9, 3)))
    widest = 32 * draws.whole(9, 13)
    hidden = 256 * draws.whole(8, 15)
    return {
        "input": [height, width, 3],
        "layers": [
            conv("conv1", 8 * draws.whole(8, 13), kernel, stride),
            pool("pool1", 3, 2),
            conv("conv2", 16 * draws.whole(11, 16), 5, 1, "same"),
            pool("pool2", 3, 2),
            conv("conv3", widest, 3, 1, "same"),
            conv("conv4", widest, 3, 1, "same"),
            conv("conv5", widest - 32 * draws.whole(1, 4), 3, 1, "same"),
            pool("pool3", 3, 2),
            dict(FLATTEN),
            dense("dense1", hidden),
            dense("dense2", hidden),
            dense("output", 100 * draws.whole(4, 10)),
        ],
    }


def _vgg(draws):
    height = 8 * draws.whole(17, 27)
    width = height + 8 * draws.choose((-3, -2, -1, 1, 2, 3))
    filters = 8 * draws.whole(5, 9)
    deep = draws.choose(((2, 2, 3, 3), (1, 2, 3, 4), (2, 2, 2, 4), (1, 3, 3, 3)))
    layers = []
    for block, count in enumerate(deep, start=1):
        for number in range(1, count + 1):
            name = f"block{block}_conv{number}"
            layers.append(conv(name, filters, 3, 1, "same"))
        layers.append(pool(f"block{block}_pool", 2, 2))
        filters = min(2 * filters, 512)
    layers += [dict(FLATTEN), dense("dense1", 128 * draws.whole(8, 16))]
    layers += [dense("output", 50 * draws.whole(3, 12))]
    return {"input": [height, width, 3], "layers": layers}


def broken_summary(student):
    """(network, rows): a network and its summary, in which four rows are wrong.

    A row is {"name", "output": [H, W, channels] or [units], "parameters"}. In each
    wrong row either the output or the parameters are wrong; rows do not depend on
    each other, so a mistake in one is not in the next.
    """
    draws = Draws("2_arithmetic_of_networks, summary", owner(student))
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
    draws = Draws("2_arithmetic_of_networks, lost", owner(student))
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


# Comparing and counting, in test cells -----------------------------------------


def agree(got, wanted, case):
    """Raise AssertionError, with a helpful sentence, unless both are equal.

    got: a student's number, array or list. wanted: a number or array. case: what
    was tried, the sentence's beginning. Whole numbers must be exact; others may
    differ by 1e-4 of the largest, as sums in float32 do. Dtypes do not matter.
    """
    wanted = np.asarray(wanted)
    if got is None:
        raise AssertionError(f"{case}: it is None; is a return missing?")
    try:
        values = np.asarray(got)
    except ValueError:  # rows of different lengths
        values = np.array(None)
    if values.dtype.kind not in "buif":
        what = "a number" if wanted.ndim == 0 else "an array of numbers"
        raise AssertionError(f"{case}: it should be {what}, not {type(got).__name__}")
    if values.shape != wanted.shape:
        raise AssertionError(f"{case}: the shape should be {wanted.shape}, not {values.shape}")
    values = values.astype(float)
    largest = np.abs(wanted).max(initial=0)
    exact = wanted.dtype.kind in "bui"
    # Turned around, so that NaN counts as wrong.
    wrong = ~(np.abs(values - wanted) <= (1e-3 if exact else 1e-4 * largest))
    if not wrong.any():
        return
    place = tuple(np.argwhere(wrong)[0].tolist())
    found = f"{values[place]:.10g} instead of {wanted[place]:.10g}"
    if place:
        found = (
            f"{wrong.sum()} of {wrong.size} values are wrong, the first at {list(place)}: {found}"
        )
    raise AssertionError(f"{case}: {found}")


MOST_STEPS = 200_000
"""Lines of Python after which a count ends: it slows a loop down."""


def counted(function, *arguments):
    """(result, steps, numbers): what a call gives, and what was done for it.

    steps: lines of Python that ran, in all functions that were called, NumPy's too; each
    turn of a loop or comprehension counts. numbers: how many numbers NumPy's own loops
    took from arrays among the arguments, and from what was made of these; an array that
    the function copies with `np.array` is not followed. Neither depends on the machine.

    Where a course is graded the function is a student's, in another process, and counts
    itself there: `counted_in_its_process`. Raises AssertionError after MOST_STEPS, and if
    the function switches the count off.
    """
    elsewhere = getattr(function, "counted_in_its_process", None)
    return (elsewhere or partial(counted_here, function))(*arguments)


def counted_here(function, *arguments):
    """`counted` in this process."""
    tally, follow = _followed()
    try:
        result, steps = _traced(function, *map(follow, arguments))
    except AssertionError:
        raise
    except Exception:  # perhaps it minds that these arrays are of another class
        result, steps = _traced(function, *arguments)
    if isinstance(result, np.ndarray):
        result = result.view(np.ndarray)
    return result, steps, tally["numbers"]


def _traced(function, *arguments):
    """(result, lines of Python that ran), without those of imports."""
    steps = importing = 0

    def count(frame, event, argument):
        nonlocal steps, importing
        if event == "call" and frame.f_code.co_name == "_find_and_load":
            importing += 1
            return ends
        steps += event == "line" and not importing
        if steps > MOST_STEPS:
            raise AssertionError(f"it runs more than {MOST_STEPS:,} lines of Python")
        return count

    def ends(frame, event, argument):
        nonlocal importing
        importing -= event == "return"
        return ends

    before, collecting = sys.gettrace(), gc.isenabled()
    gc.disable()  # what it runs at times of its own choice is not the function's
    threading.settrace(count)  # for threads that it starts
    sys.settrace(count)
    try:
        result = function(*arguments)
        if sys.gettrace() is not count:
            raise AssertionError("the function has switched off what counts its steps")
    finally:
        sys.settrace(before)
        threading.settrace(before)
        if collecting:
            gc.enable()
    return result, steps


def _followed():
    """(tally, follow): `follow(array)` is the array as one whose uses are counted."""
    tally = {"numbers": 0}

    class Followed(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *inputs, out=(), **named):
            if out:
                named["out"] = tuple(map(plain, out))
            inputs = [plain(value) for value in inputs]
            result = getattr(ufunc, method)(*inputs, **named)
            size = max(np.size(value) for value in (*inputs, result))
            if ufunc is np.matmul:
                size *= inputs[0].shape[-1]
            tally["numbers"] += size
            return out[0] if len(out) == 1 else again(result)

        def __array_function__(self, function, types, positional, named):
            tally["numbers"] += sum(v.size for v in positional if isinstance(v, Followed))
            return again(super().__array_function__(function, types, positional, named))

    def plain(value):
        return value.view(np.ndarray) if isinstance(value, Followed) else value

    def again(value):
        return value.view(Followed) if type(value) is np.ndarray else value

    return tally, again
