"""Convolution, pooling and their arithmetic, written as the formulas read.

An image is an array (height, width) or (height, width, channels), a kernel is
(kh, kw), (kh, kw, channels) for a filter over several channels, or (kh, kw, channels,
filters) for a layer of them: the same order of axes as in Keras, without the batch.
Whole numbers stay whole (int64, so bytes do not wrap around). Mistakes raise
CourseError, which names both shapes.

Source of the size formulas: V. Dumoulin and F. Visin (2016), A guide to convolution
arithmetic for deep learning, arXiv:1603.07285.
"""

import math
import textwrap

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers.files import CourseError

EDGES = {
    "zero": "constant",
    "reflect": "reflect",  # mirrored, without repeating the edge
    "replicate": "edge",
    "circular": "wrap",
}
"""What padding puts beyond the edge, and NumPy's name for it."""


# Arithmetic, for one axis ------------------------------------------------------


def footprint(k, dilation=1):
    """Pixels that a kernel of size `k` spans: d(k - 1) + 1."""
    _whole("the kernel size", k, least=1)
    _whole("the dilation", dilation, least=1)
    return dilation * (k - 1) + 1


def padding_of(n, k, padding="valid", *, stride=1, dilation=1):
    """(before, after): the pixels added on the two sides of an axis of `n` pixels.

    padding: "valid" adds none; "same" adds what makes the output ceil(n / stride)
        long, with the odd pixel after, as Keras does; "full" adds all that still
        overlaps with the image; a whole number adds as many on both sides.
    """
    span = footprint(k, dilation)
    _whole("the image size", n, least=1)
    _whole("the stride", stride, least=1)
    if not isinstance(padding, str):
        _whole("the padding", padding, least=0)
        return padding, padding
    if padding == "valid":
        return 0, 0
    if padding == "full":
        return span - 1, span - 1
    if padding == "same":
        total = max((math.ceil(n / stride) - 1) * stride + span - n, 0)
        return total // 2, total - total // 2
    raise CourseError(
        f'There is no padding {padding!r}: give "valid", "same", "full" or a whole number.'
    )


def output_size(n, k, padding="valid", *, stride=1, dilation=1):
    """Places of the kernel along an axis: floor((n + 2p - d(k - 1) - 1) / s) + 1."""
    before, after = padding_of(n, k, padding, stride=stride, dilation=dilation)
    span = footprint(k, dilation)
    padded = n + before + after
    if padded < span:
        spread = f", spread to {span} by dilation {dilation}," * (dilation > 1)
        room = f"{n} pixels" + f" padded to {padded}" * (padded > n)
        raise CourseError(
            f"A kernel of size {k}{spread} does not fit into {room}: take a smaller "
            "kernel, or more padding."
        )
    return (padded - span) // stride + 1


def centred_padding(k, dilation=1):
    """The padding on each side that keeps the size at stride 1: d(k - 1) / 2.

    Raises CourseError where that is not whole: an even kernel has no centre pixel.
    """
    span = footprint(k, dilation)
    if span % 2 == 0:
        raise CourseError(
            f"A kernel of even size {k} has no centre pixel, so no equal padding "
            f'keeps the size: take an odd kernel, or "same", which adds '
            f"{(span - 1) // 2} before and {span // 2} after."
        )
    return (span - 1) // 2


def refused_by_keras(*, stride=1, dilation=1):
    """Why Keras's Conv2D refuses this combination, or None."""
    if stride > 1 and dilation > 1:
        return "Keras refuses a stride above 1 together with a dilation above 1"


def receptive_field(layers):
    """Input pixels along an axis that one value after `layers` spans.

    layers: (kernel size, stride, dilation) of each, first layer first. Source:
    A. Araujo, W. Norris, J. Sim (2019), Computing receptive fields of convolutional
    neural networks, Distill.
    """
    size, step = 1, 1  # step: input pixels between neighbouring values
    try:
        layers = [(k, stride, dilation) for k, stride, dilation in layers]
    except (TypeError, ValueError):
        raise CourseError(
            "Each layer must be three numbers, (kernel size, stride, dilation), "
            f"not {_short(layers)}."
        ) from None
    for k, stride, dilation in layers:
        _whole("the stride", stride, least=1)
        size += (footprint(k, dilation) - 1) * step
        step *= stride
    return size


def parameters(kernel, channels, filters, bias=True):
    """Weights of a convolutional layer: (kh * kw * channels) * filters + filters.

    kernel: the size k of a square one, or (kh, kw). Without `bias`, no last term.
    """
    if isinstance(kernel, tuple | list):
        kh, kw = _pair(kernel, "the kernel size")
    else:
        kh = kw = kernel
    for what, number in (
        ("the kernel height", kh),
        ("the kernel width", kw),
        ("the number of channels", channels),
        ("the number of filters", filters),
    ):
        _whole(what, number, least=1)
    return kh * kw * channels * filters + filters * bool(bias)


def multiplications(output_shape, kernel, channels):
    """Multiplications of a layer for one image: one for each weight at each place.

    output_shape: (height, width, filters) of what comes out.
    """
    try:
        height, width, filters = output_shape
    except (TypeError, ValueError):
        raise CourseError(
            "The output shape must be three numbers, (height, width, filters), "
            f"not {_short(output_shape)}."
        ) from None
    _whole("the output height", height, least=1)
    _whole("the output width", width, least=1)
    return height * width * parameters(kernel, channels, filters, bias=False)


# On arrays ---------------------------------------------------------------------


def pad(image, amounts, edge="zero"):
    """Add pixels around `image`: a number, or ((top, bottom), (left, right)).

    edge: "zero", "reflect", "replicate" or "circular".
    """
    image = _image(image)
    if edge not in list(EDGES):
        raise CourseError(f"There is no edge {edge!r}; there are {', '.join(EDGES)}.")
    if not isinstance(amounts, tuple | list | np.ndarray):
        amounts = ((amounts, amounts), (amounts, amounts))
    amounts = [_pair(sides, "the padding of an axis") for sides in _pair(amounts, "the padding")]
    for side, (before, after), n in zip(("height", "width"), amounts, image.shape, strict=False):
        _whole("the padding", before, least=0)
        _whole("the padding", after, least=0)
        most = {"reflect": n - 1, "circular": n}.get(edge, math.inf)
        if max(before, after) > most:
            raise CourseError(
                f"{edge.capitalize()} padding of {max(before, after)} needs more "
                f"pixels than the image has: its shape is {image.shape}, and its "
                f"{side} allows at most {most}."
            )
    everywhere = [*amounts, *[(0, 0)] * (image.ndim - 2)]
    return np.pad(image, everywhere, mode=EDGES[edge])


def patches(image, kernel_size, padding="valid", *, stride=1, dilation=1, edge="zero"):
    """What the kernel sees at each place: (places down, places across, kh, kw).

    For an image with channels, these come last: (..., kh, kw, channels).
    """
    image = _image(image)
    kh, kw = _pair(kernel_size, "the kernel size")
    settings = {"stride": stride, "dilation": dilation}
    try:
        for n, k in zip(image.shape[:2], (kh, kw), strict=True):
            output_size(n, k, padding, **settings)
    except CourseError as error:
        raise CourseError(
            f"Image of shape {image.shape}, kernel of shape {_short((kh, kw))}: {error}"
        ) from None
    amounts = [
        padding_of(n, k, padding, **settings)
        for n, k in zip(image.shape[:2], (kh, kw), strict=True)
    ]
    spans = footprint(kh, dilation), footprint(kw, dilation)
    windows = sliding_window_view(pad(image, amounts, edge), spans, axis=(0, 1))
    windows = windows[::stride, ::stride]  # (down, across, [channels,] spans)
    windows = windows[..., ::dilation, ::dilation]
    return windows if image.ndim == 2 else np.moveaxis(windows, 2, -1)


def correlate(
    image,
    kernel,
    bias=0,
    padding="valid",
    *,
    stride=1,
    dilation=1,
    edge="zero",
):
    """The sum of weight times pixel at each place, plus the bias: a Keras layer.

    Shapes in and out, first without channels, then one filter, then several:
    (H, W) and (kh, kw) give (H', W'); (H, W, c) and (kh, kw, c) give (H', W');
    (H, W, c) and (kh, kw, c, n), with a bias of shape (n,), give (H', W', n).
    """
    image, kernel = _image(image), _kernel(kernel)
    given = image.shape
    if kernel.ndim > 2 and image.ndim == 2:
        image = image[:, :, None]
    if kernel.ndim == 2 and image.shape[2:] == (1,):
        image = image[:, :, 0]
    channels = kernel.shape[2] if kernel.ndim > 2 else None
    if image.shape[2:] != kernel.shape[2:3]:
        has = "one channel" if channels is None else f"{channels} channels"
        raise CourseError(
            f"The kernel of shape {kernel.shape} has {has}, but the image of shape "
            f"{given} has {image.shape[2]}: a filter has as many channels as "
            "its input."
        )
    bias = _numbers(bias, "A bias")
    if bias.shape not in ((), kernel.shape[3:]):
        raise CourseError(
            f"The kernel of shape {kernel.shape} needs one bias for each filter: "
            f"one number or an array of shape {kernel.shape[3:]}, not one of shape "
            f"{bias.shape}."
        )
    seen = patches(
        image,
        kernel.shape[:2],
        padding,
        stride=stride,
        dilation=dilation,
        edge=edge,
    )
    letters = "uvcn"[: kernel.ndim]
    seen_letters = letters[:3]
    formula = f"ij{seen_letters},{letters}->ij{letters[3:]}"
    # A Python number, unlike an array of rank 0, leaves float32 as it is.
    bias = _wide(bias) if bias.ndim else bias.item()
    return np.einsum(formula, _wide(seen), _wide(kernel)) + bias


def convolve(image, kernel, bias=0, padding="valid", **settings):
    """`correlate` with the kernel flipped in both axes: sum of w(u, v) I(r-u, c-v).

    Raises CourseError for "same" padding with an even kernel: flipping moves its
    odd pixel to the other side, and libraries disagree on which side that is.
    """
    kernel = _kernel(kernel)
    if padding == "same" and 0 in (kernel.shape[0] % 2, kernel.shape[1] % 2):
        raise CourseError(
            f"A kernel of even size, here of shape {kernel.shape}, has no centre "
            'pixel, so libraries disagree on its "same" convolution: take an odd '
            "kernel, or say how many pixels to pad."
        )
    return correlate(image, flip(kernel), bias, padding, **settings)


def flip(kernel):
    """The kernel turned upside down and left to right."""
    return _kernel(kernel)[::-1, ::-1]


def dilate(kernel, dilation):
    """The kernel with `dilation - 1` zeros between its weights."""
    kernel = _kernel(kernel)
    spans = [footprint(k, dilation) for k in kernel.shape[:2]]
    spread = np.zeros((*spans, *kernel.shape[2:]), kernel.dtype)
    spread[::dilation, ::dilation] = kernel
    return spread


def pool(image, size=2, how="max", padding="valid", *, stride=None):
    """The largest or the average value under each window; channels stay apart.

    image: (H, W) or (H, W, channels). The stride is the size unless said. "same"
    padding adds no values: neither largest nor average takes it into account.
    """
    image = _image(image)
    _whole("the pool size", size, least=1)
    stride = size if stride is None else stride
    if how not in ("max", "average"):
        raise CourseError(f'Pool with how="max" or "average", not {how!r}.')
    if padding not in ("valid", "same"):
        raise CourseError(f'Pooling pads "valid" or "same", as in Keras, not {padding!r}.')
    axes = (2, 3)  # of the windows
    seen = patches(_wide(image), (size, size), padding, stride=stride)
    inside = patches(np.ones(image.shape, bool), (size, size), padding, stride=stride)
    if how == "average":
        counts = inside.sum(axes, dtype=seen.dtype)  # float32 stays float32
        return (seen * inside).sum(axes) / counts
    lowest = seen.min(initial=0)  # below or equal to every value
    return np.where(inside, seen, lowest).max(axes)


# What the arguments must be ----------------------------------------------------


def _whole(what, number, least):
    """Raise CourseError unless `number` is a whole number of at least `least`."""
    whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
    if not whole or number < least:
        raise CourseError(
            f"{what.capitalize()} must be a whole number of at least {least}, not {_short(number)}."
        )


def _pair(value, what):
    """`value` as a tuple of two. Raises CourseError if it is anything else."""
    try:
        first, second = value
    except (TypeError, ValueError):
        raise CourseError(
            f"{what.capitalize()} must be two numbers, not {_short(value)}."
        ) from None
    return first, second


def _short(value):
    """`value` on one line, cut where it is long, for a message."""
    return textwrap.shorten(repr(value), 60, placeholder=" ...")


def _numbers(value, what):
    """`value` as an array of real numbers. Raises CourseError for other dtypes."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise CourseError(
            f"{what} needs rows of the same length, not a list of rows of different lengths."
        ) from None
    if array.dtype.kind not in "buif":
        raise CourseError(
            f"{what} is an array of real numbers, not of dtype {array.dtype} (shape {array.shape})."
        )
    return array


def _image(image):
    """`image` as an array of rank 2 or 3. Raises CourseError for anything else."""
    image = _numbers(image, "An image")
    if image.ndim == 4:
        raise CourseError(
            f"An array of shape {image.shape} has rank 4, a batch: give one image, "
            "for instance X[0]."
        )
    if image.ndim not in (2, 3) or 0 in image.shape:
        raise CourseError(
            "An image has the shape (height, width) or (height, width, channels), "
            f"none of them 0; this array has the shape {image.shape}."
        )
    return image


def _kernel(kernel):
    """`kernel` as an array of rank 2 to 4. Raises CourseError for anything else."""
    kernel = _numbers(kernel, "A kernel")
    if not 2 <= kernel.ndim <= 4 or 0 in kernel.shape:
        raise CourseError(
            "A kernel has the shape (height, width), (height, width, channels) or "
            f"(height, width, channels, filters), not {kernel.shape}."
        )
    return kernel


def _wide(array):
    """Whole numbers as int64, so that sums of bytes do not wrap around."""
    return array.astype(np.int64) if array.dtype.kind in "bui" else array
