"""Checks of notebook 02, kernels."""

import numpy as np

from helpers import convolution
from helpers.exercises.answers import call, exercise, numbers
from helpers.files import CourseError

PINK = (255, 163, 177)

STEP = np.repeat([[0, 0, 0, 0, 1, 1, 1, 1]], 8, axis=0)
PREWITT_GY = np.array([[-1, 0, 1]] * 3)

STAIRS = np.array(
    [
        [1, 1, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 1, 1],
        [0, 0, 1, 1, 0],
        [0, 1, 1, 0, 0],
    ]
)
FOUR_NEIGHBOURS = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])

SOBEL_GX = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
SOBEL_GY = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])


@exercise("02.1")
def _pink_detector(answer, pictures):
    weights = numbers(answer, (3,), "three weights, for red, green and blue")
    if not np.isfinite(weights).all():
        return "weights are finite numbers"
    pixels = np.concatenate([p.reshape(-1, 3) for p in pictures.values()])
    colours = np.unique(pixels, axis=0)
    others = colours[(colours != PINK).any(axis=1)]
    pink, values = np.dot(PINK, weights), others @ weights
    if not weights.any():
        return "with three zeros all colours come out the same"
    if pink <= values.max():
        colour = tuple(others[values.argmax()].tolist())
        return (
            f"the colour {colour} comes out at {values.max():.4g}, "
            f"and pink {PINK} at {pink:.4g}, which is not more"
        )


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
def _neighbours_by_hand(answer):
    what = "a 3x3 array, for a 3x3 kernel has 3x3 places in a 5x5 image"
    answer = numbers(answer, (3, 3), what)
    seen = convolution.patches(STAIRS, (3, 3))
    wanted = np.einsum("ijuv,uv->ij", seen, FOUR_NEIGHBOURS)
    if np.array_equal(answer, wanted + 8 * STAIRS[1:-1, 1:-1]):
        return "the weight in the centre is minus 4"
    if np.array_equal(answer, wanted + 4 * STAIRS[1:-1, 1:-1]):
        return "the centre counts too, with weight minus 4"
    if np.array_equal(answer, seen.sum((2, 3)) - 5 * STAIRS[1:-1, 1:-1]):
        return "the corners of the kernel are 0: four neighbours, not eight"
    return _first_difference(answer, wanted, seen)


@exercise("02.5")
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


@exercise("02.6")
def _gradient_magnitude(gradient_magnitude):
    random = np.random.default_rng(26)
    for shape in ((6, 9), (3, 3)):
        image = random.random(shape)
        gx = convolution.correlate(image, SOBEL_GX)
        gy = convolution.correlate(image, SOBEL_GY)
        prewitt = convolution.correlate(image, np.sign(SOBEL_GX)) ** 2
        prewitt = prewitt + convolution.correlate(image, PREWITT_GY) ** 2
        value = _result(gradient_magnitude, image, gx.shape, image)
        likely = [
            (gx**2 + gy**2, "take the square root of the sum"),
            (
                abs(gx) + abs(gy),
                "add the squares, and take the root of the sum",
            ),
            (gx + gy, "add the squares, and take the root of the sum"),
            (abs(gx), "the edges of Gy are missing"),
            (abs(gy), "the edges of Gx are missing"),
            (
                prewitt**0.5,
                "that is Prewitt's, not Sobel's: the middle counts 2",
            ),
        ]
        for wrong, reason in likely:
            if np.allclose(value, wrong):
                return reason
        wanted = np.hypot(gx, gy)
        if not np.allclose(value, wanted):
            return f"of an image of shape {shape}: " + _first_difference(value, wanted)


@exercise("02.7")
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


@exercise("02.8")
def _convolution(convolve):
    random = np.random.default_rng(28)
    for shape, kernel_shape in (((5, 7), (3, 3)), ((6, 4), (2, 3))):
        image, kernel = random.random(shape), random.random(kernel_shape)
        wanted = convolution.convolve(image, kernel)
        value = _result(convolve, image, wanted.shape, image, kernel)
        likely = [
            (kernel[::-1, ::-1], "that is a correlation: flip the kernel"),
            (kernel[::-1], "the kernel is flipped only left to right"),
            (kernel[:, ::-1], "the kernel is flipped only upside down"),
        ]
        for used, reason in likely:
            if np.allclose(value, convolution.convolve(image, used)):
                return reason
        if not np.allclose(value, wanted):
            return f"image {shape}, kernel {kernel_shape}: " + _first_difference(value, wanted)


def _result(function, image, shape, *arguments):
    """What a student's function makes of an image, an array of `shape`."""
    value = call(function, *arguments)
    try:
        return numbers(value, shape, f"an array of shape {shape}")
    except CourseError as error:
        if np.shape(value) != image.shape:
            raise
        raise CourseError(
            f"the result is as large as the image {image.shape}; without padding "
            f"the kernel has {shape} places"
        ) from error


def _first_difference(answer, wanted, seen=None):
    """Which places are wrong, and on what the kernel lies at the first; or None."""
    wrong = np.argwhere(~np.isclose(answer, wanted)).tolist()
    if not wrong:
        return None
    row, column = wrong[0]
    text = (
        f"{len(wrong)} of {wanted.size} places are wrong, the first at row {row}, "
        f"column {column} (counted from 0)"
    )
    if seen is not None:
        text += f", where the kernel lies on {seen[row, column].tolist()}"
    return text
