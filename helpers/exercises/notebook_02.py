"""Checks of notebook 02, kernels."""

import numpy as np

from helpers import convolution
from helpers.exercises.answers import call, exercise, numbers
from helpers.files import CourseError

PINK = (255, 163, 177)

STEP = np.repeat([[0, 0, 0, 0, 1, 1, 1, 1]], 8, axis=0)
PREWITT_GY = np.array([[-1, 0, 1]] * 3)

NOISE = 25  # grey values, in exercise 02.8
UNSEEN = ("camera", "astronaut")


@exercise("02.1")
def _shift(answer):
    answer = numbers(answer, (3, 3), "a 3x3 kernel")
    if answer[1, 0] == 1 and np.count_nonzero(answer) == 1:
        return None
    if np.count_nonzero(answer) != 1 or answer.max() != 1:
        return "each new pixel is a copy of one old one: one weight 1, eight 0"
    row, column = np.argwhere(answer == 1)[0].tolist()
    if (row, column) == (1, 1):
        return "that kernel leaves the image where it is"
    down = {0: "down", 1: "", 2: "up"}[row]
    right = {0: "to the right", 1: "", 2: "to the left"}[column]
    moves = " and ".join(part for part in (down, right) if part)
    flipped = " (a layer does not flip its kernel)" if column == 2 else ""
    return f"that moves the image {moves}{flipped}"


@exercise("02.2")
def _flip_a_kernel(answer, kernel):
    answer = numbers(answer, kernel.shape, "an array as large as the kernel")
    likely = [
        (kernel, "that is the kernel as it was"),
        (kernel[::-1], "it is upside down; now also left to right"),
        (kernel[:, ::-1], "it is mirrored left to right; now also upside down"),
        (kernel.T, "rows and columns are swapped, which is no flip"),
        (
            kernel[::-1, ::-1].T,
            "it is flipped, but rows and columns are swapped",
        ),
        (np.rot90(kernel), "that is a quarter turn; a flip is half a turn"),
        (np.rot90(kernel, -1), "that is a quarter turn; a flip is half a turn"),
    ]
    for wrong, reason in likely:
        if np.array_equal(answer, wrong):
            return reason
    return _first_difference(answer, convolution.flip(kernel))


@exercise("02.3")
def _prewitt_by_hand(answer):
    what = "a 6x6 array, for a 3x3 kernel has 6x6 places in an 8x8 image"
    answer = numbers(answer, (6, 6), what)
    wanted = convolution.correlate(STEP, PREWITT_GY)
    if np.array_equal(answer, -wanted):
        return "the signs are those of a flipped kernel: right minus left"
    if np.array_equal(answer, wanted / 3):
        return "the kernel has three rows: add the products of all of them"
    if np.array_equal(answer, wanted.T):
        return "that is an edge from left to right; this one runs up and down"
    if not answer.any():
        return "somewhere the kernel lies on the edge, half on 0 and half on 1"
    return _first_difference(answer, wanted)


@exercise("02.4")
def _weights_of_filters(answer):
    answer = numbers(answer, (), "one number")
    if answer == 5 * 5 * 7 * 12:
        return "each of the 12 filters also has a bias"
    if answer == 5 * 5 * 7 * 12 + 1:
        return "each of the 12 filters has a bias of its own"
    if answer == (5 * 5 + 1) * 12 or answer == 5 * 5 * 12:
        return "a filter has weights for each of the 7 channels"
    if answer == (5 * 5 + 1) * 7 * 12:
        return "a filter has one bias in all, not one for each channel"
    if answer == 5 * 5 * 7 + 1:
        return "that is one filter, and there are 12"
    if answer != (5 * 5 * 7 + 1) * 12:
        return "a filter has height x width x channels weights and one bias"


@exercise("02.5")
def _pink_detector(pink_detector):
    from helpers import sprites

    layer = _conv2d(call(pink_detector))
    if layer.filters != 1 or layer.kernel_size != (1, 1):
        return f"the layer has {layer.filters} filters of {layer.kernel_size}: take one of (1, 1)"
    pictures = np.stack([sprites.pixels(name) for name in sprites.NAMES])
    maps = _output(layer, pictures)[..., 0]
    for colour in np.unique(pictures.reshape(-1, 3), axis=0):
        value = maps[(pictures == colour).all(axis=-1)][0]
        named = tuple(colour.tolist())
        if named == PINK and not value > 0:
            return f"pink {PINK} gives {value:.4g}, which is not positive"
        if named != PINK and value < 0:
            return f"the colour {named} gives {value:.4g}, which ReLU would turn into 0"
        if named != PINK and value != 0:
            return f"the colour {named} gives {value:.4g}, and not 0"


@exercise("02.6")
def _convolving_layer(convolving_layer):
    random = np.random.default_rng(26)
    for shape, kernel_shape in (((5, 7), (3, 3)), ((6, 4), (2, 3))):
        image, kernel = random.random(shape), random.random(kernel_shape)
        layer = _conv2d(call(convolving_layer, kernel))
        likely = [
            (kernel[::-1, ::-1], "that is a correlation: flip the kernel"),
            (kernel[::-1], "the kernel is flipped only left to right"),
            (kernel[:, ::-1], "the kernel is flipped only upside down"),
        ]
        reason = _as_one(layer, image, kernel, likely)
        if reason:
            return f"image {shape}, kernel {kernel_shape}: {reason}"


@exercise("02.7")
def _both_at_once(both_at_once):
    random = np.random.default_rng(27)
    image = random.random((9, 8))
    first, second = random.random((2, 3, 3))
    layer = _conv2d(call(both_at_once, first, second))
    if layer.kernel_size == (3, 3):
        return "a result of both layers depends on 5x5 pixels, and your kernel has 3x3"
    # Two correlations one after the other: by the convolution of their kernels.
    both = convolution.convolve(first, second, padding="full")
    correlated = convolution.correlate(first, second, padding="full")
    likely = [
        (both, "the kernel comes out flipped: Keras correlates"),
        (correlated[::-1, ::-1], "you correlated the kernels: convolve them"),
        (correlated, "you correlated the kernels: convolve them"),
    ]
    return _as_one(layer, image, both[::-1, ::-1], likely)


@exercise("02.8")
def _denoiser(denoiser):
    from helpers import photos

    model = call(denoiser)
    gaussian = np.outer([1, 2, 1], [1, 2, 1]) / 16
    errors, gauss = [], []
    for seed, name in enumerate(UNSEEN):
        photo = photos.load(name).astype("float32")
        photo = photo if photo.ndim == 2 else photo.mean(axis=2)
        noise = np.random.default_rng(seed).normal(0, NOISE, photo.shape)
        noisy = (photo + noise).astype("float32")
        result = _output(model, noisy[None, :, :, None])
        if result.ndim != 4 or result.shape[0] != 1 or result.shape[3] != 1:
            return f"one photo in, one out: (1, h, w, 1), and not {result.shape}"
        lost = np.subtract(photo.shape, result.shape[1:3])
        if (lost < 0).any() or (lost % 2).any() or (lost > 40).any():
            return f"from {photo.shape} pixels you make {result.shape[1:3]}, and none are enlarged"
        errors.append(_error(result[0, :, :, 0], photo))
        gauss.append(_error(convolution.correlate(noisy, gaussian), photo))
    if not np.mean(errors) < 0.99 * np.mean(gauss):  # NaN is not less
        return (
            f"the mean squared error is {np.mean(errors):.1f}, and that of the Gaussian blur "
            f"{np.mean(gauss):.1f}: beat it by 1 %. The noise alone is {NOISE**2}"
        )


def _error(result, photo):
    """Mean squared error of the pixels that a result without padding has kept."""
    top, left = np.subtract(photo.shape, result.shape) // 2
    inside = photo[top : top + result.shape[0], left : left + result.shape[1]]
    return np.mean((result - inside) ** 2)


def _conv2d(layer):
    """The Conv2D layer that a student's function returned; CourseError for anything else."""
    # Whoever has built a layer has imported Keras; others need not wait for it.
    if type(layer).__name__ != "Conv2D" or not type(layer).__module__.startswith("keras."):
        raise CourseError(f"return a Conv2D layer, and not a {type(layer).__name__}")
    return layer


def _output(model, images):
    """What a layer or model makes of images (n, h, w, c), as an array of float64."""
    if not type(model).__module__.startswith("keras."):
        raise CourseError(f"return a model of Keras, and not a {type(model).__name__}")
    try:
        result = np.asarray(model(images.astype("float32")))
    except (ValueError, TypeError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise CourseError(f"images of shape {images.shape} do not fit: {first_line}") from error
    return result.astype(float)


def _as_one(layer, image, kernel, likely):
    """What is wrong with a layer that should convolve an image with a kernel, or None.

    likely: (kernel, reason) of wrong kernels.
    """
    wanted = convolution.convolve(image, kernel)
    result = _output(layer, image[None, :, :, None])
    if layer.filters != 1:
        return f"the layer has {layer.filters} filters: take one"
    if result.shape[1:3] == image.shape:
        return f'the result is as large as the image, {image.shape}: padding is "same"'
    if result.shape[1:3] != wanted.shape:
        return f"the result has {result.shape[1:3]} places, and should have {wanted.shape}"
    value = result[0, :, :, 0]
    for used, reason in likely:
        if np.allclose(value, convolution.convolve(image, used), atol=1e-4):
            return reason
    if not np.allclose(value, wanted, atol=1e-4):
        return _first_difference(value, wanted)


def _first_difference(answer, wanted):
    """Which places are wrong, in words; or None."""
    wrong = np.argwhere(~np.isclose(answer, wanted)).tolist()
    if not wrong:
        return None
    row, column = wrong[0]
    return (
        f"{len(wrong)} of {wanted.size} places are wrong, the first at row {row}, "
        f"column {column} (counted from 0)"
    )
