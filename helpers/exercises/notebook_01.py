"""Checks of notebook 01, tensors and pixels."""

import numpy as np
from PIL import Image

from helpers.exercises.answers import call, exercise, numbers
from helpers.files import CourseError


@exercise("01.1")
def _pixel_of_the_cat(answer, image):
    answer = numbers(answer, (3,), "three numbers, (red, green, blue)")
    wanted = image[120, 200]
    if (answer == wanted).all():
        return
    if (answer == wanted[::-1]).all():
        return "these are blue, green and red: red comes first"
    if (answer == image[200, 120]).all():
        return "that is the pixel 200 from the top: the row comes first"
    if (answer == image[-120, 200]).all():
        return "that is 120 from the bottom: rows count from the top"
    return "that is another pixel: row 120, column 200, both counted from 0"


@exercise("01.2")
def _bits_to_color(answer):
    answer = numbers(answer, (3,), "three numbers, (red, green, blue)")
    wanted = np.array([255, 140, 26])
    if (answer == wanted).all():
        return
    if (answer == wanted[::-1]).all():
        return "the first byte is red"
    if (answer == [255, 0b00110001, 0b01011000]).all():
        return "you read the bits backwards: the first is worth 128"
    if (answer == [11111111, 10001100, 11010]).all():
        return "these are the bits: add up what each of them is worth"
    if (answer == [30, 20, 11]).all():
        return "the first digit of two counts 16 times"
    right = ", ".join(
        color for color, hit in zip(("red", "green", "blue"), answer == wanted, strict=True) if hit
    )
    return (
        f"{right or 'no value'} is right so far: add 128, 64, 32, 16, 8, 4, 2 "
        "and 1 where the bit is 1"
    )


@exercise("01.3")
def _wrap_around(answer):
    answer = numbers(answer, (3,), "three numbers")
    if (answer == [300, -5, 510]).all():
        return "a byte has no room for 300, -5 and 510"
    if (answer == [255, 0, 255]).all():
        return "a byte does not stop at its ends, it wraps around"
    if (answer == [45, 250, 255]).all():
        return "there are 256 values, not 255"
    sums = ("200 + 100", "5 - 10", "2 x 255")
    for text, value, wanted in zip(sums, answer, (44, 251, 254), strict=True):
        if value != wanted:
            return f"{text} is not {value:.5g}: add or subtract 256"


@exercise("01.4")
def _brighten(brighten):
    image = np.arange(0, 256, 3, dtype="uint8").reshape(2, 43)
    image = np.stack([image, image[::-1]], axis=2)
    for amount in (100, 0, -100, 255, 300, -300):
        result = np.asarray(call(brighten, image, amount))
        value = numbers(result, image.shape, "an image of the same shape")
        free = image.astype(int) + amount
        wanted = np.clip(free, 0, 255)
        if np.array_equal(value, free % 256) and (free != wanted).any():
            return f"adding {amount} still wraps around"
        if np.array_equal(value, free) and (free != wanted).any():
            return f"after adding {amount}, values leave 0 to 255: clip them"
        if not np.array_equal(value, wanted):
            wrong = np.flatnonzero((value != wanted).ravel())[0]
            return (
                f"{image.flat[wrong]} with {amount} added became "
                f"{value.flat[wrong]:.4g}, not {wanted.flat[wrong]}"
            )
        if result.dtype != np.uint8:
            return f"the values are right, but of dtype {result.dtype}"


@exercise("01.5")
def _to_channels_last(to_channels_last):
    for shape in ((2, 3, 4, 5), (3, 2, 6, 4)):
        batch = np.arange(np.prod(shape)).reshape(shape)
        n, channels, height, width = shape
        wanted = (n, height, width, channels)
        result = np.asarray(call(to_channels_last, batch))
        if result.shape == (n, width, height, channels):
            return "height and width have changed places"
        value = numbers(result, wanted, f"from {shape} an array {wanted}")
        if np.array_equal(value, batch.reshape(wanted)):
            return "the shape is right, but the pixels are scrambled"
        if any((value[..., c] != batch[:, c]).any() for c in range(channels)):
            return "the shape is right, but the pixels are not"


@exercise("01.6")
def _to_float(to_float):
    bytes_ = np.array([[0, 51, 255], [102, 204, 1]], "uint8")  # (2, 3)
    color = np.stack([bytes_, bytes_[::-1], 255 - bytes_], axis=2)
    alpha = np.array([[0, 255, 51], [255, 102, 0]], "uint8")
    share = alpha[:, :, None] / 255
    on_white = share * (color / 255) + 1 - share
    grey = np.repeat(bytes_[:, :, None] / 255, 3, axis=2)
    dark = np.zeros((2, 3), "uint8")
    xray = np.array([[0, 819, 4095], [1638, 3276, 16]], "uint16")
    cases = [  # what it is, the image, its bits, what should come out
        ("a uint8 image (2, 3, 3)", color, 8, color / 255),
        ("a dark uint8 image", color // 255, 8, color // 255 / 255),
        ("a uint8 image (2, 3)", bytes_, 8, grey),
        ("a uint8 image (2, 3, 1)", bytes_[:, :, None], 8, grey),
        ("a black image", dark, 8, np.repeat(dark[:, :, None], 3, axis=2)),
        ("a uint16 image (2, 3) of 16 bits", bytes_.astype("uint16") * 257, 16, grey),
        ("a uint16 image (2, 3) of 12 bits", xray, 12, np.stack([xray / 4095] * 3, axis=2)),
        ("a float64 image in [0, 1]", color / 255, None, color / 255),
        ("a uint8 image with alpha", np.dstack([color, alpha]), 8, on_white),
        ("a float image with alpha", np.dstack([color / 255, share]), None, on_white),
    ]
    for what, image, bits, wanted in cases:
        result = np.asarray(call(to_float, image, bits))
        shape = f"from {what} an array (2, 3, 3)"
        value = numbers(result, (2, 3, 3), shape)
        if not np.allclose(value, wanted, atol=1e-4):
            if not (value.min() >= 0 and value.max() <= 1):
                return f"{what} gave values outside 0 to 1"
            if "12 bits" in what and np.allclose(value, wanted * 4095 / 65535, atol=1e-4):
                return f"{what} came out nearly black: its greatest number is 4,095"
            if "alpha" in what and np.allclose(value, image[:, :, :3] / image.max()):
                return "alpha was dropped: put the image on white paper"
            if "alpha" in what and np.allclose(value, on_white - (1 - share)):
                return "the paper is black: white is 1, not 0"
            return f"{what} gave other values than it should"
        if result.dtype != np.float32:
            return f"the values are right, but of dtype {result.dtype}"


@exercise("01.7")
def _muncher_down(answer, batch):
    answer = numbers(answer, (16, 16, 3), "an image of shape (16, 16, 3)")
    up, left, right = batch[:3]
    # Mirrored or turned: both look down.
    if any(np.array_equal(answer, m) for m in (up[::-1], np.rot90(up, 2))):
        return
    for image, way in ((up, "up"), (left, "left"), (right, "right")):
        if any(np.array_equal(answer, m) for m in (image, image[:, :, ::-1])):
            return f"this one still faces {way}"
    if np.array_equal(answer, up[:, ::-1]):
        return "that is a mirror image from left to right: it still faces up"
    if np.array_equal(answer[..., ::-1], up[::-1]):
        return "it faces down, but red and blue have changed places"
    return "this is not a muncher that faces down"


GREATEST_CHANGE = 20  # of a value, in exercise 01.8
SCORE_TO_BEAT = 20  # flipped bits of 64


@exercise("01.8")
def _disguise(disguise):
    from helpers import photos  # reads photos' files: not at the top, where all checks wait

    flips = []
    for name in ("cat", "coffee", "rocket", "astronaut", "temple", "flower"):
        photo = photos.load(name)
        result = np.asarray(call(disguise, photo))
        if result.shape != photo.shape or result.dtype != np.uint8:
            raise CourseError(
                f"from {photo.shape} uint8 you made {result.shape} {result.dtype}; both "
                "should stay as they are"
            )
        change = np.abs(result.astype(int) - photo).max()
        if change > GREATEST_CHANGE:
            wrapped = ": clip at 0 and 255, or it wraps around" if change > 128 else ""
            return (
                f"a value of the {name} changes by {change}, more than {GREATEST_CHANGE}{wrapped}"
            )
        flips.append(np.sum(_fingerprint(result) != _fingerprint(photo)))
    if np.mean(flips) <= SCORE_TO_BEAT:
        return f"{np.mean(flips):.1f} of 64 bits flip on average, not more than {SCORE_TO_BEAT}"


def _fingerprint(photo):
    """The 64 bits (8, 8) of notebook 01: is a place brighter than its left neighbour?"""
    values = np.asarray(Image.fromarray(photo).convert("L").resize((9, 8))).astype(int)
    return values[:, 1:] > values[:, :-1]
