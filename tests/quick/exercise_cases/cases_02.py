"""Answers to the exercises of notebook 02, kernels."""

import numpy as np
from scipy.signal import convolve2d, correlate2d

from exercise_cases import Case, cases

nan = float("nan")


@cases("02.1")
def _(scans):
    colours = [(0, 0, 0), (255, 255, 0), (255, 163, 177), (51, 0, 255)]
    colours += [(255, 255, 255)]
    pictures = {"all": np.array([colours], np.uint8)}
    right = [[1, -1, 0], (2, -2, 1), np.array([0.5, -0.6, 0]), [9, -9, 1]]
    wrong = [
        ([1, 1, -1], "(255, 255, 0) comes out at 510, and pink"),
        ([1, 0, 1], "(255, 255, 255) comes out at 510"),
        ([255, 163, 177], "(255, 255, 255)"),
        ([1, -1, 1], "(51, 0, 255)"),
        ([-1, -1, -1], "(0, 0, 0)"),
        ([0, 0, 0], "the same"),
        ([1, nan, 0], "finite"),
        ([1, -1], "three weights"),
        ("1, -1, 0", "three weights"),
    ]
    return Case({"pictures": pictures}, right, wrong)


@cases("02.2")
def _(scans):
    kernel = np.array([[0, 1, 2], [0, 0, 5], [3, 0, 0]])
    right = [[[0, 0, 3], [5, 0, 0], [2, 1, 0]], np.flip(kernel)]
    right += [np.rot90(kernel, 2).astype(float)]
    wrong = [
        (kernel, "as it was"),
        (np.flipud(kernel), "now also left to right"),
        (np.fliplr(kernel), "now also upside down"),
        (kernel.T, "no flip"),
        (np.flip(kernel).T, "but rows and columns are swapped"),
        (np.rot90(kernel), "quarter turn"),
        ([[0, 0, 3], [5, 0, 0], [1, 2, 0]], "2 of 9 places are wrong"),
        (-kernel, "9 places are wrong"),
        ([2, 1, 0], "as large as the kernel"),
    ]
    return Case({"kernel": kernel}, right, wrong)


@cases("02.3")
def _(scans):
    row = [0, 0, 3, 3, 0, 0]
    right = [[row] * 6, np.array([row] * 6), np.tile(row, (6, 1)) * 1.0]
    wrong = [
        (np.array([row] * 8), "6x6 places"),
        (row, "6x6 places"),
        ([[0, 0, -3, -3, 0, 0]] * 6, "flipped"),
        ([[0, 0, 1, 1, 0, 0]] * 6, "three rows"),
        (np.array([row] * 6).T, "up and down"),
        (np.zeros((6, 6)), "half on 0"),
        ([[0, 0, 0, 3, 0, 0]] * 6, "6 of 36 places are wrong"),
        ([[0, 0, 3, nan, 0, 0]] * 6, "6 of 36 places are wrong"),
    ]
    return Case({}, right, wrong)


@cases("02.4")
def _(scans):
    wanted = np.array([[-2, 0, -2], [2, -1, 0], [2, -1, -2]])
    centres = np.array([[1, 1, 1], [0, 1, 1], [0, 1, 1]])
    one_off = wanted.copy()
    one_off[1, 2] = 1
    right = [wanted, wanted.tolist(), wanted.astype("float32")]
    wrong = [
        (wanted + 8 * centres, "minus 4"),
        (wanted + 4 * centres, "the centre counts"),
        ([[1, 2, 1], [4, 2, 2], [4, 1, 1]], "not eight"),
        (
            one_off,
            "row 1, column 2 (counted from 0), where the kernel lies on "
            "[[1, 1, 0], [1, 1, 1], [1, 1, 0]]",
        ),
        (wanted.T, "places are wrong"),
        (np.zeros((5, 5)), "3x3 places"),
    ]
    return Case({}, right, wrong)


@cases("02.5")
def _(scans):
    def one(row, column, value=1):
        kernel = np.zeros((3, 3))
        kernel[row, column] = value
        return kernel

    right = [one(1, 0), [[0, 0, 0], [1, 0, 0], [0, 0, 0]], one(1, 0) > 0]
    wrong = [
        (one(1, 2), "to the left (a layer does not flip"),
        (one(1, 1), "where it is"),
        (one(0, 1), "moves the image down"),
        (one(2, 1), "moves the image up"),
        (one(0, 0), "down and to the right"),
        (one(1, 0, -1), "one weight 1"),
        (np.full((3, 3), 1 / 9), "one weight 1"),
        ([1, 0, 0], "a 3x3 kernel"),
    ]
    return Case({}, right, wrong)


GX = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
GY = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])


@cases("02.6", is_function=True)
def _(scans):
    def slopes(image, mode="valid", gx=GX, gy=GY):
        gx, gy = (correlate2d(image, kernel, mode) for kernel in (gx, gy))
        return gx, gy

    def right(image):
        return np.hypot(*slopes(image))

    def flipped(image):
        gx, gy = slopes(image, gx=-GX, gy=-GY)
        return np.sqrt(gx**2 + gy**2)

    def prewitt(image):
        return np.hypot(*slopes(image, gx=np.sign(GX), gy=np.sign(GY)))

    wrong = [
        (lambda i: sum(slope**2 for slope in slopes(i)), "square root"),
        (lambda i: sum(map(abs, slopes(i))), "add the squares"),
        (lambda i: sum(slopes(i)), "add the squares"),
        (lambda i: abs(slopes(i)[0]), "Gy are missing"),
        (lambda i: abs(slopes(i)[1]), "Gx are missing"),
        (prewitt, "Prewitt's"),
        (lambda i: np.hypot(*slopes(i, "same")), "as large as the image"),
        (lambda i: right(i).max(), "not one number"),
        (lambda i: np.round(right(i)), "places are wrong"),
        (np.zeros((3, 3)), "the function itself"),
    ]
    return Case({}, [right, flipped, lambda i: right(i).tolist()], wrong)


@cases("02.7")
def _(scans):
    right = [2112, 2112.0, np.int64(2112), (5 * 5 * 7 + 1) * 12]
    wrong = [
        (2100, "also has a bias"),
        (2101, "of its own"),
        (312, "each of the 7 channels"),
        (300, "each of the 7 channels"),
        (2184, "one bias in all"),
        (176, "one filter"),
        (175, "height x width x channels"),
        ("2112", "one number"),
    ]
    return Case({}, right, wrong)


@cases("02.8", is_function=True)
def _(scans):
    def with_loops(image, kernel):
        flipped = kernel[::-1, ::-1]
        height, width = kernel.shape
        result = np.zeros(np.subtract(image.shape, kernel.shape) + 1)
        for row, column in np.ndindex(result.shape):
            patch = image[row : row + height, column : column + width]
            result[row, column] = (patch * flipped).sum()
        return result

    def scipys(image, kernel):
        return convolve2d(image, kernel, mode="valid")

    def square_only(image, kernel):
        size = len(kernel)
        result = np.zeros(np.subtract(image.shape, size) + 1)
        for row, column in np.ndindex(result.shape):
            patch = image[row : row + size, column : column + size]
            result[row, column] = (patch * np.flip(kernel)[:, :size]).sum()
        return result

    wrong = [
        (lambda i, k: correlate2d(i, k, "valid"), "that is a correlation"),
        (lambda i, k: scipys(i, np.fliplr(k)), "only upside down"),
        (lambda i, k: scipys(i, np.flipud(k)), "only left to right"),
        (lambda i, k: convolve2d(i, k, "same"), "as large as the image"),
        (lambda i, k: convolve2d(i, k), "an array of shape (3, 5)"),
        (lambda i, k: scipys(i, k).astype(int), "places are wrong"),
        (square_only, "shape (5, 2), not an array of shape (5, 3)"),
        (lambda i, k: scipys(i, k).sum(), "not one number"),
        (np.zeros((3, 5)), "the function itself"),
    ]
    return Case({}, [with_loops, scipys], wrong)
