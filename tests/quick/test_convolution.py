"""Convolution and its arithmetic against SciPy, counting and known figures.

Random images and kernels hold small whole numbers: a wrong sum is wrong by 1 or more,
so no tolerance can hide it. Random cases are the same in every run; Keras is compared in
tests/training/test_convolution_keras.py.
"""

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from random_images import ODD, SIDES, STEPS, cases, images, layers_of_filters
from scipy import ndimage, signal

from helpers.convolution import (
    centred_padding,
    convolve,
    correlate,
    dilate,
    flip,
    footprint,
    multiplications,
    output_size,
    pad,
    padding_of,
    parameters,
    patches,
    pool,
    receptive_field,
)
from helpers.files import CourseError


def refusal(call, *arguments, **settings):
    """The message of the CourseError that a call raises: one sentence, one line."""
    with pytest.raises(CourseError) as caught:
        call(*arguments, **settings)
    message = str(caught.value)
    assert re.fullmatch(r"[A-Z][^\n]*\.", message), message
    assert ". " not in message
    return message


# Against SciPy -----------------------------------------------------------------


def by_scipy(function, image, kernel, bias, mode, boundary):
    """Several channels and filters from SciPy's function for one of each."""
    filters = []
    for number, b in enumerate(bias):
        maps = [
            function(image[..., c], kernel[..., c, number], mode, boundary)
            for c in range(image.shape[2])
        ]
        filters.append(sum(maps) + b)
    return np.stack(filters, axis=-1)


PAIRS = st.sampled_from([(correlate, signal.correlate2d), (convolve, signal.convolve2d)])
BOUNDARIES = st.sampled_from([("zero", "fill"), ("circular", "wrap")])


@cases(200)
@given(
    layers_of_filters(SIDES),
    PAIRS,
    BOUNDARIES,
    st.sampled_from(["valid", "full"]),
    STEPS,
    STEPS,
)
def test_scipy(arrays, functions, edges, padding, stride, dilation):
    image, kernel, bias = arrays
    (ours, theirs), (edge, boundary) = functions, edges
    spread = dilate(kernel, dilation)

    def result():
        return ours(*arrays, padding, stride=stride, dilation=dilation, edge=edge)

    larger = [k - n for k, n in zip(spread.shape[:2], image.shape[:2], strict=True)]
    if padding == "valid" and max(larger) > 0:
        assert "does not fit" in refusal(result)
    elif padding == "full" and edge == "circular" and max(larger) > 1:
        assert "Circular padding" in refusal(result)  # twice around the image
    else:
        expected = by_scipy(theirs, image, spread, bias, padding, boundary)
        assert_array_equal(result(), expected[::stride, ::stride])


@cases(100)
@given(layers_of_filters(ODD), PAIRS, STEPS)
def test_scipy_same(arrays, functions, dilation):
    image, kernel, bias = arrays
    ours, theirs = functions
    spread = dilate(kernel, dilation)
    expected = by_scipy(theirs, image, spread, bias, "same", "fill")
    assert_array_equal(ours(*arrays, "same", dilation=dilation), expected)


@cases(150)
@given(
    images((st.integers(1, 6), st.integers(1, 6))),
    images((ODD, ODD)),
    st.sampled_from(["zero", "reflect", "replicate", "circular"]),
)
def test_edges(image, kernel, edge):
    mode = {
        "zero": "constant",
        "reflect": "mirror",
        "replicate": "nearest",
        "circular": "grid-wrap",
    }[edge]
    most = {"reflect": -1, "circular": 0}.get(edge, 9) + np.array(image.shape)
    if (np.array(kernel.shape) // 2 > most).any():
        message = refusal(correlate, image, kernel, 0, "same", edge=edge)
        assert f"{edge.capitalize()} padding of" in message
        assert str(image.shape) in message
    else:
        assert_array_equal(
            correlate(image, kernel, 0, "same", edge=edge),
            ndimage.correlate(image, kernel, mode=mode),
        )


# Against counting --------------------------------------------------------------


def test_sizes_against_counting():
    for n, k, p, stride, dilation in product(
        range(1, 9), range(1, 6), range(4), range(1, 5), range(1, 4)
    ):
        steps = {"stride": stride, "dilation": dilation}
        last = dilation * (k - 1)  # from a kernel's first pixel to its last
        assert footprint(k, dilation) == len(range(last + 1))
        assert padding_of(n, k, p, **steps) == (p, p)
        places = [x for x in range(0, n + 2 * p, stride) if x + last < n + 2 * p]
        if places:
            assert output_size(n, k, p, **steps) == len(places)
        else:
            assert "does not fit" in refusal(output_size, n, k, p, **steps)
        overlap = [x for x in range(-last, n, stride)]
        assert output_size(n, k, "full", **steps) == len(overlap)


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_centred_padding(k, dilation):
    before, after = padding_of(20, k, "same", dilation=dilation)
    if before == after:
        assert centred_padding(k, dilation) == before
        assert output_size(20, k, before, dilation=dilation) == 20
    else:
        message = refusal(centred_padding, k, dilation)
        assert f"even size {k}" in message
        assert f"{before} before and {after} after" in message


@cases(100)
@given(st.lists(st.tuples(STEPS, st.integers(1, 2), st.integers(1, 2)), max_size=4))
def test_receptive_field(stack):
    """Change one input pixel at a time: which ones move the first value?"""
    n = 64  # more than the largest stack here sees: 1 + 4 * (1 + 2 + 4 + 8)
    values = np.eye(n, dtype=int)[:, None, :]  # channel i changes pixel i alone
    for k, stride, dilation in stack:
        kernel = np.ones((k, 1, 1, 1), int) * np.eye(n, dtype=int)
        values = correlate(values, kernel, stride=stride, dilation=dilation)
    moved = np.flatnonzero(values[0, 0])
    assert moved[0] == 0
    assert receptive_field(stack) == moved[-1] + 1


@cases(50)
@given(layers_of_filters(st.integers(1, 3)), STEPS)
def test_multiplications(arrays, stride):
    """With ones everywhere, each multiplication adds 1."""
    image, kernel, _ = (np.ones_like(array) for array in arrays)
    maps = correlate(image, kernel, 0, "full", stride=stride, edge="replicate")
    assert maps.sum() == multiplications(maps.shape, kernel.shape[:2], kernel.shape[2])


@cases(50)
@given(images((st.just(9), st.just(8), STEPS)), STEPS, STEPS, STEPS, STEPS)
def test_patches(image, kh, kw, stride, dilation):
    seen = patches(image, (kh, kw), stride=stride, dilation=dilation)
    for i, j in product(range(seen.shape[0]), range(seen.shape[1])):
        rows = i * stride + dilation * np.arange(kh)
        columns = j * stride + dilation * np.arange(kw)
        assert_array_equal(seen[i, j], image[np.ix_(rows, columns)])
    grey = patches(image[:, :, 0], (kh, kw), stride=stride, dilation=dilation)
    assert_array_equal(grey, seen[..., 0])


# Known figures -----------------------------------------------------------------

ROWS_OF_6 = [
    [102, 13, 0, 30, 97, 102],
    [13, 11, 12, 101, 0, 63],
    [3, 17, 19, 4, 100, 13],
    [97, 19, 3, 2, 16, 104],
    [102, 12, 2, 101, 0, 3],
    [0, 2, 3, 3, 7, 5],
]
ROWS_OF_4 = [[3, 2, -3, 2], [1, 6, 20, 5], [4, -13, 2, 6], [-2, 3, 9, 3]]


def test_kernels_by_hand():
    step = np.repeat([[0] * 4 + [1] * 4], 8, axis=0)
    prewitt = [[-1, 0, 1]] * 3
    assert correlate(step, prewitt).tolist() == [[0, 0, 3, 3, 0, 0]] * 6
    assert convolve(step, prewitt).tolist() == [[0, 0, -3, -3, 0, 0]] * 6
    image = [
        [1, 1, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 1, 1],
        [0, 0, 1, 1, 0],
        [0, 1, 1, 0, 0],
    ]
    cross = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    expected = [[4, 3, 4], [2, 4, 3], [2, 3, 4]]
    assert correlate(image, cross).tolist() == expected
    assert flip([[1, 2], [3, 4]]).tolist() == [[4, 3], [2, 1]]
    assert dilate([[1, 2], [3, 4]], 3).tolist() == ([[1, 0, 0, 2], [0] * 4, [0] * 4, [3, 0, 0, 4]])


def test_padding_by_hand():
    # Where the 3x3 kernel hangs over the corner, only four numbers are left.
    box = np.ones((3, 3), int)
    corner = 102 + 13 + 13 + 11
    assert correlate(ROWS_OF_6, box).shape == (4, 4)
    assert correlate(ROWS_OF_6, box, 0, 1).shape == (6, 6)
    assert correlate(ROWS_OF_6, box, 0, "same")[0, 0] == corner
    assert correlate(ROWS_OF_6, box, 0, 2).shape == (8, 8)
    assert correlate(ROWS_OF_6, box, 0, "full")[:2, :2].tolist() == (
        [[102, 102 + 13], [102 + 13, corner]]
    )
    assert correlate(ROWS_OF_6, box, stride=3).shape == (2, 2)
    assert pad([[1, 2, 3]], ((0, 1), (2, 1)), "replicate").tolist() == ([[1, 1, 1, 2, 3, 3]] * 2)
    assert pad([[1, 2, 3]], ((0, 0), (2, 1)), "reflect").tolist() == ([[3, 2, 1, 2, 3, 2]])
    # "same" with an odd number of pixels to add: the last one comes after.
    assert padding_of(6, 3, "same", stride=2) == (0, 1)
    assert padding_of(5, 4, "same") == (1, 2)
    assert padding_of(5, 1, "same", stride=3) == (0, 0)


def test_pooling_by_hand():
    average, largest = pool(ROWS_OF_4, 2, "average"), pool(ROWS_OF_4)
    assert average.tolist() == [[3, 6], [-2, 5]]
    assert largest.tolist() == [[6, 20], [4, 9]]
    # Padding takes no part: not as zeros, and not in the number averaged.
    dark = [[-8, -6, -4]]
    assert pool(dark, 2, "max", "same").tolist() == [[-6, -4]]
    assert pool(dark, 2, "average", "same").tolist() == [[-7, -4]]
    photo = np.zeros((446, 450, 3), np.uint8)
    for shape in (223, 225, 3), (111, 112, 3), (55, 56, 3):
        photo = pool(photo)
        assert photo.shape == shape
    maps = correlate(ROWS_OF_6, np.ones((3, 3, 1, 3)), np.zeros(3), "same")
    assert (maps.shape, pool(maps).shape) == ((6, 6, 3), (3, 3, 3))


def test_layers_by_hand():
    assert correlate(np.ones((8, 8, 6)), np.ones((3, 3, 6, 4))).shape == (
        6,
        6,
        4,
    )
    assert parameters(3, 3, 1, bias=False) == 27
    assert parameters(1, 300, 175) == 52_675
    assert parameters(5, 3, 2) == 152
    assert receptive_field([(3, 1, 1)] * 3) == 7
    assert receptive_field([(7, 1, 1)]) == 7
    assert receptive_field([]) == 1
    assert 3 * parameters(3, 1, 1, bias=False) == 27
    assert parameters(7, 1, 1, bias=False) == 49
    lenet = [
        parameters(5, 1, 6),
        parameters(5, 6, 16),
        parameters(5, 16, 120),
        parameters(1, 120, 84),
        parameters(1, 84, 10),
    ]
    assert lenet == [156, 2_416, 48_120, 10_164, 850]
    assert sum(lenet) == 61_706
    assert multiplications((28, 28, 6), 5, 1) == 28 * 28 * 6 * 25


def test_sizes_of_alexnet():
    n, sizes = 227, []
    for k, padding, stride in [
        (11, 0, 4),
        (3, 0, 2),
        (5, 2, 1),
        (3, 0, 2),
        (3, 1, 1),
        (3, 1, 1),
        (3, 1, 1),
        (3, 0, 2),
    ]:
        n = output_size(n, k, padding, stride=stride)
        sizes.append(n)
    assert sizes == [55, 27, 27, 13, 13, 13, 13, 6]


# Dtypes and ranks --------------------------------------------------------------


def test_bytes_do_not_wrap():
    yellow = np.array([[[255, 255, 0]]], np.uint8)
    assert correlate(yellow, [[[1, 1, -1]]]).tolist() == [[510]]
    white = np.full((2, 2), 255, np.uint8)
    ones = np.ones((2, 2), np.uint8)
    assert correlate(white, ones, np.uint8(5)).tolist() == [[1025]]
    assert pool(white, 2, "average").tolist() == [[255]]
    assert correlate(ones > 0, ones > 0, True).tolist() == [[5]]
    assert pool(ones > 0, 2, "average").tolist() == [[1]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_keep_their_dtype(dtype):
    image, kernel = np.ones((4, 4), dtype), np.ones((3, 3), dtype)
    results = [
        correlate(image, kernel),
        correlate(image, kernel, 0.5),
        convolve(image, kernel, padding="same"),
        pool(image, 3, "max", "same"),
        pool(image, 3, "average", "same"),
        pad(image, 1),
        dilate(kernel, 2),
    ]
    assert [result.dtype for result in results] == [dtype] * len(results)


def test_a_bias_keeps_its_fraction():
    assert correlate([[1]], [[2]], 0.5).tolist() == [[2.5]]
    assert correlate([[1]], [[[[2, 3]]]], [0.5, 1]).tolist() == [[[2.5, 4]]]


def test_ranks():
    image, kernel = np.arange(16).reshape(4, 4), np.arange(6).reshape(2, 3)
    expected = correlate(image, kernel)
    assert expected.shape == (3, 2)
    grey, thick = image[:, :, None], kernel[:, :, None]
    assert_array_equal(correlate(grey, kernel), expected)
    assert_array_equal(correlate(image, thick), expected)
    assert_array_equal(correlate(grey, thick), expected)
    one = correlate(image, thick[..., None])
    assert_array_equal(one, expected[:, :, None])


# What is refused ---------------------------------------------------------------

IMAGE, KERNEL = np.ones((5, 5)), np.ones((3, 3))
PHOTO, FILTERS = np.ones((5, 5, 3)), np.ones((3, 3, 3, 2))

TAKE_WHOLE_NUMBERS = {
    "footprint": lambda x: footprint(x),
    "footprint, dilation": lambda x: footprint(3, x),
    "output_size": lambda x: output_size(x, 3),
    "output_size, kernel": lambda x: output_size(9, x),
    "output_size, stride": lambda x: output_size(9, 3, stride=x),
    "centred_padding": lambda x: centred_padding(x),
    "receptive_field, kernel": lambda x: receptive_field([(x, 1, 1)]),
    "receptive_field, stride": lambda x: receptive_field([(3, x, 1)]),
    "receptive_field, dilation": lambda x: receptive_field([(3, 1, x)]),
    "parameters, kernel": lambda x: parameters((3, x), 1, 1),
    "parameters, channels": lambda x: parameters(3, x, 1),
    "parameters, filters": lambda x: parameters(3, 1, x),
    "multiplications": lambda x: multiplications((2, x, 1), 3, 1),
    "patches": lambda x: patches(IMAGE, (3, x)),
    "correlate, stride": lambda x: correlate(IMAGE, KERNEL, stride=x),
    "correlate, dilation": lambda x: correlate(IMAGE, KERNEL, dilation=x),
    "dilate": lambda x: dilate(KERNEL, x),
    "pool": lambda x: pool(IMAGE, x),
}


@pytest.mark.parametrize("name", TAKE_WHOLE_NUMBERS)
def test_not_a_whole_number(name):
    for wrong in (0, -1, 2.0, True, "3", None, (3, 3), IMAGE, 1j):
        message = refusal(TAKE_WHOLE_NUMBERS[name], wrong)
        assert "must be a whole number of at least 1" in message


NOT_AN_ARRAY = {
    "words": "a photo",
    "strings": [["1", "2"]],
    "objects": [[None, {}]],
    "complex": [[1j]],
    "ragged": [[1], [2, 3]],
    "nothing": None,
    "a number": 3,
    "a row": [1, 2, 3],
    "empty": [],
    "empty rows": [[], []],
    "no channels": np.ones((5, 5, 0)),
    "rank 5": np.ones((1, 1, 5, 5, 1)),
}


@pytest.mark.parametrize("wrong", NOT_AN_ARRAY.values(), ids=list(NOT_AN_ARRAY))
def test_not_an_array(wrong):
    for call in (
        lambda: correlate(wrong, KERNEL),
        lambda: convolve(wrong, KERNEL),
        lambda: patches(wrong, (3, 3)),
        lambda: pad(wrong, 1),
        lambda: pool(wrong),
    ):
        assert refusal(call).startswith("An image ")
    for call in (
        lambda: correlate(IMAGE, wrong),
        lambda: convolve(IMAGE, wrong),
        lambda: flip(wrong),
        lambda: dilate(wrong, 2),
    ):
        assert refusal(call).startswith("A kernel ")


def test_a_batch_is_not_an_image():
    for call in correlate, convolve:
        message = refusal(call, PHOTO[None], KERNEL)
        assert "(1, 5, 5, 3)" in message and "batch" in message
    assert "batch" in refusal(pool, PHOTO[None])


WRONG = [  # the call, and what its message must name, in this order
    (lambda: correlate(IMAGE, np.ones((3, 6))), "(5, 5)", "(3, 6)", "fit"),
    (
        lambda: correlate(PHOTO, FILTERS, [0, 0], dilation=3),
        "(5, 5, 3)",
        "(3, 3)",
        "size 3, spread to 7 by dilation 3",
    ),
    (lambda: pool(IMAGE, 6), "(5, 5)", "(6, 6)", "fit"),
    (lambda: output_size(4, 3, dilation=2), "spread to 5", "4 pixels"),
    (lambda: output_size(4, 5), "size 5", "4 pixels"),
    (lambda: correlate(PHOTO, KERNEL), "(3, 3)", "(5, 5, 3)", "channels"),
    (
        lambda: correlate(IMAGE, FILTERS),
        "(3, 3, 3, 2)",
        "image of shape (5, 5) ",
    ),
    (
        lambda: correlate(PHOTO[:, :, :2], FILTERS),
        "(3, 3, 3, 2)",
        "3 channels",
        "(5, 5, 2) has 2",
    ),
    (lambda: correlate(PHOTO, FILTERS, [1, 2, 3]), "(3, 3, 3, 2)", "(3,)"),
    (lambda: correlate(IMAGE, KERNEL, [1, 2]), "(3, 3)", "bias", "(2,)"),
    (lambda: correlate(IMAGE, KERNEL, "1"), "bias", "numbers"),
    (lambda: correlate(IMAGE, KERNEL, padding="vaild"), "'vaild'", '"valid"'),
    (lambda: correlate(IMAGE, KERNEL, padding=-1), "padding", "-1"),
    (lambda: correlate(IMAGE, KERNEL, padding=1.0), "padding", "1.0"),
    (lambda: correlate(IMAGE, KERNEL, padding=(1, 1)), "padding", "(1, 1)"),
    (lambda: correlate(IMAGE, KERNEL, edge="mirror"), "'mirror'", "reflect"),
    (lambda: pad(IMAGE, ((0, 0), (0, 5)), "reflect"), "(5, 5)", "width", "4"),
    (lambda: pad(IMAGE, ((6, 0), (0, 0)), "circular"), "(5, 5)", "height", "5"),
    (lambda: pad(IMAGE, -1), "padding", "-1"),
    (lambda: pad(IMAGE, "same"), "padding", "'same'"),
    (lambda: pad(IMAGE, (1, 1)), "padding", "not 1"),
    (lambda: pad(IMAGE, ((1, 1),)), "padding", "((1, 1),)"),
    (lambda: pad(IMAGE, ((1, 1), (1,))), "padding", "(1,)"),
    (lambda: pad(IMAGE, 1, ["zero"]), "edge", "['zero']"),
    (lambda: pool(IMAGE, 2, stride=0), "stride", "not 0"),
    (lambda: pool(IMAGE, 2, "mean"), "average", "'mean'"),
    (lambda: pool(IMAGE, 2, "max", "full"), '"same"', "'full'"),
    (lambda: pool(IMAGE, 2, "max", 1), '"same"', "not 1"),
    (lambda: patches(IMAGE, 3), "kernel size", "3"),
    (lambda: patches(IMAGE, (3, 3, 3)), "kernel size", "(3, 3, 3)"),
    (lambda: parameters((3, 3, 3), 1, 1), "kernel size", "(3, 3, 3)"),
    (lambda: multiplications((4, 4), 3, 1), "output", "(4, 4)"),
    (lambda: receptive_field([3, 3]), "dilation", "[3, 3]"),
    (lambda: receptive_field([(3, 1)]), "dilation", "[(3, 1)]"),
    (lambda: receptive_field(3), "dilation", "3"),
]


@pytest.mark.parametrize(
    "call, names",
    [(call, names) for call, *names in WRONG],
    ids=[" ".join(names) for _, *names in WRONG],
)
def test_messages(call, names):
    assert re.search(".*".join(map(re.escape, names)), refusal(call))


@pytest.mark.parametrize("shape", [(2, 2), (2, 3), (3, 4), (3, 2, 1)])
def test_convolve_refuses_an_even_kernel_with_same(shape):
    message = refusal(convolve, IMAGE, np.ones(shape), padding="same")
    assert "even size" in message
    assert 'or "same"' not in message  # that is what the reader gave
    assert correlate(IMAGE, np.ones(shape), padding="same").shape == (5, 5)
