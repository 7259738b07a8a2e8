"""What is drawn for each student in assignment 1: a rule, a picture, a mystery layer."""

import numpy as np

from helpers import convolution, photos

ASSIGNMENT = "1_pixels_and_kernels"

HEIGHT, WIDTH = 40, 48
"""Of the piece of a photo."""

DIFFERENCES = (
    [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    [[-2, -1, 0], [-1, 0, 1], [0, 1, 2]],
    [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]],
    [[0, 0, 0], [-1, 0, 1], [0, 0, 0]],
    [[0, -1, 0], [0, 0, 0], [0, 1, 0]],
)
"""Kernels that find an edge in one direction; their negatives find it in the other."""

OTHERS = (
    [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
    [[1, 2, 1], [2, 4, 2], [1, 2, 1]],
    [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    [[0, 0, 0], [0, 0, 0], [0, 0, 1]],
    [[0, 0, 0], [1, 0, 0], [0, 0, 0]],
)
"""Kernels that blur, sharpen, find spots or shift."""


def draw(draws):
    """Everything of assignment 1 that is drawn for a student.

    "_again": whether a mirrored row begins by repeating its last pixel; "_before": whether an
    odd row or column that "same" adds comes first. "rules" and "row" say both in words and
    numbers. "picture": a piece of a photo; "answers": what a Conv2D with two filters, "_kernel"
    and "_biases", makes of it.
    """
    again, before = bool(draws.whole(0, 1)), bool(draws.whole(0, 1))
    picture = _piece(draws)
    kernel = np.stack(
        [_weights(draws, DIFFERENCES, (-1, 1)), _weights(draws, OTHERS, (1,))], axis=-1
    )[:, :, None]
    biases = np.array([draws.whole(-40, 40) / 2 for _ in range(2)])
    answers = convolution.correlate(picture[:, :, None], kernel, biases)
    return {
        "rules": _rules(again, before),
        "row": [2, 1, 0, 0, 1, 2, 3, 3, 2, 1] if again else [3, 2, 1, 0, 1, 2, 3, 2, 1, 0],
        "picture": picture,
        "answers": answers.astype("float32"),
        "_again": again,
        "_before": before,
        "_kernel": kernel,
        "_biases": biases,
    }


def _rules(again, before):
    mirror = (
        "the row is mirrored, and its outermost pixel is repeated"
        if again
        else "the row is mirrored at the middle of its outermost pixel, which is not repeated"
    )
    odd = "before (above, on the left)" if before else "after (below, on the right)"
    return {
        "mirror": mirror,
        "odd": f'where "same" adds an odd number of pixels, the odd one comes {odd}',
    }


def _piece(draws):
    """A piece of the cat, grey, that is not plain: (HEIGHT, WIDTH) uint8."""
    photo = photos.load("cat").mean(axis=2)
    while True:
        top = draws.whole(0, photo.shape[0] - HEIGHT)
        left = draws.whole(0, photo.shape[1] - WIDTH)
        piece = photo[top : top + HEIGHT, left : left + WIDTH]
        if piece.std() > 25:
            return np.rint(piece).astype("uint8")


def _weights(draws, kernels, signs):
    """One of the kernels times a factor, in quarters, with one weight that is off."""
    kernel = np.array(draws.choose(kernels)) * draws.choose(signs) * draws.whole(1, 6) / 4
    place = draws.whole(0, 2), draws.whole(0, 2)
    kernel[place] += draws.choose((-0.5, -0.25, 0.25, 0.5))
    return kernel
