"""Answers to the exercises of notebook 01, tensors and pixels."""

import numpy as np
from PIL import Image

from exercise_cases import Case, cases
from helpers import photos, sprites


@cases("01.1")
def _(scans):
    image = photos.load("cat")
    pixel = image[120, 200]
    right = [pixel, tuple(pixel), pixel.tolist(), pixel.astype(float)]
    wrong = [
        (image[200, 120], "row comes first"),
        (pixel[::-1], "red comes first"),
        (image[-120, 200], "from the top"),
        (image[121, 201], "counted from 0"),
        (pixel / 255, "another pixel"),
        (pixel[0], "three numbers"),
    ]
    return Case({"image": image}, right, wrong)


@cases("01.2")
def _(scans):
    right = [(255, 140, 26), [0xFF, 0x8C, 0x1A], np.array([255, 140, 26])]
    right += [(0b11111111, 0b10001100, 0b00011010)]
    wrong = [
        ((26, 140, 255), "first byte is red"),
        ((255, 49, 88), "backwards"),
        ((11111111, 10001100, 11010), "what each of them is worth"),
        ((30, 20, 11), "16 times"),
        ((256, 140, 26), "green, blue is right so far"),
        ((1, 2, 3), "no value is right"),
        ("#FF8C1A", "three numbers"),
    ]
    return Case({}, right, wrong)


@cases("01.3")
def _(scans):
    right = [(44, 251, 254), [44, 251, 254], np.array([44, 251, 254], "uint8")]
    wrong = [
        ((300, -5, 510), "no room"),
        ((255, 0, 255), "wraps around"),
        ((45, 250, 255), "256 values"),
        ((44, 5, 254), "5 - 10 is not 5"),
        ((44, 251), "three numbers"),
    ]
    return Case({}, right, wrong)


@cases("01.4", is_function=True)
def _(scans):
    def brighten(image, amount):
        return np.clip(image.astype(int) + amount, 0, 255).astype("uint8")

    def with_floats(image, amount):
        return (image + float(amount)).clip(0, 255).astype("uint8")

    def capped_late(image, amount):
        return np.minimum(image.astype(int) + amount, 255).astype("uint8")

    wrong = [
        (lambda x, a: (x.astype(int) + a).astype("uint8"), "wraps around"),
        (lambda x, a: x + np.uint8(a % 256), "wraps around"),
        (lambda x, a: x.astype(int) + a, "clip them"),
        (lambda x, a: np.clip(x.astype(int) + a, 0, 255), "of dtype int"),
        (lambda x, a: brighten(x, a) / 255, "became 0.3"),
        (lambda x, a: brighten(x, abs(a)), "with -100 added"),
        (capped_late, "-100"),
        (lambda x, a: brighten(x, a)[0], "same shape"),
        (lambda x, a: x, "with 100 added became 0"),
        (np.zeros((2, 43, 2), "uint8"), "the function itself"),
    ]
    return Case({}, [brighten, with_floats], wrong)


@cases("01.5")
def _(scans):
    right = [2730, 2730.0, np.int64(2730), 8 * 2**30 // (512 * 512 * 3 * 4)]
    wrong = [
        (2731, "only whole photos"),
        (8 * 2**30 / (512 * 512 * 12), "only whole photos"),
        (10922, "4 bytes, not 1"),
        (8192, "three values"),
        (1365, "not 8"),
        (341, "32 bits"),
        (2543, "2**30"),
        (512 * 512 * 12, "divide"),
        ("2730", "one number"),
    ]
    return Case({}, right, wrong)


@cases("01.6", is_function=True)
def _(scans):
    def reshaped(b):
        return b.reshape(b.shape[0], b.shape[2], b.shape[3], b.shape[1])

    right = [
        lambda b: np.moveaxis(b, 1, -1),
        lambda b: b.transpose(0, 2, 3, 1),
        lambda b: np.stack([b[:, c] for c in range(b.shape[1])], axis=3),
    ]
    wrong = [
        (reshaped, "scrambled"),
        (lambda b: b.transpose(0, 3, 2, 1), "changed places"),
        (lambda b: np.moveaxis(b, 2, -1), "an array (2, 4, 5, 3)"),
        (lambda b: np.moveaxis(b[0], 0, -1), "an array (2, 4, 5, 3)"),
        (lambda b: np.moveaxis(b, 1, -1)[:, ::-1], "the pixels are not"),
        (np.zeros((2, 4, 5, 3)), "the function itself"),
    ]
    return Case({}, right, wrong)


@cases("01.7", is_function=True)
def _(scans):
    def to_float(image, paper=1.0, drop=False):
        scale = 1 if image.dtype.kind == "f" else np.iinfo(image.dtype).max
        image = (image / scale).astype("float32")
        if image.ndim == 2:
            image = image[:, :, None]
        if image.shape[2] == 1:
            image = np.repeat(image, 3, axis=2)
        if image.shape[2] == 4:
            alpha = image[:, :, 3:]
            image = image[:, :, :3]
            if not drop:
                image = alpha * image + (1 - alpha) * paper
        return image.astype("float32")

    def by_maximum(image):
        return to_float(image / max(image.max(), 1))

    def by_255(image):
        return to_float(image / 255 if image.dtype.kind != "f" else image)

    def always_255(image):
        return to_float(image / 255)

    wrong = [
        (by_maximum, "a dark uint8 image gave other values"),
        (by_255, "uint16 image (2, 3) gave values outside"),
        (always_255, "uint16 image (2, 3) gave values outside"),
        (lambda x: to_float(x, drop=True), "alpha was dropped"),
        (lambda x: to_float(x, paper=0), "paper is black"),
        (lambda x: to_float(x).astype("float64"), "of dtype float64"),
        (lambda x: 255 * to_float(x), "outside 0 to 1"),
        (lambda x: to_float(x)[:, :, :1], "an array (2, 3, 3)"),
        (lambda x: (x / 255).astype("float32"), "from a uint8 image (2, 3)"),
        (np.zeros((2, 3, 3)), "the function itself"),
    ]
    right = [to_float, lambda x: to_float(x.copy()).clip(0, 1)]
    return Case({}, right, wrong)


@cases("01.8")
def _(scans):
    batch = np.stack([sprites.pixels(name) for name in sprites.NAMES])
    up, left, right = batch[:3]
    accepted = [
        up[::-1],
        np.flipud(up),
        np.rot90(up, 2),
        np.rot90(right, -1),
        left.transpose(1, 0, 2)[::-1],
        up[::-1].tolist(),
    ]
    wrong = [
        (up, "still faces up"),
        (left[:, ::-1], "still faces right"),
        (right[:, ::-1], "still faces left"),
        (up[:, ::-1], "from left to right"),
        (up[:, :, ::-1], "still faces up"),
        (up[::-1, :, ::-1], "red and blue"),
        (batch[::-1][0], "not a muncher"),
        (up[::-1] / 255, "not a muncher"),
        (batch[:, ::-1], "shape (16, 16, 3)"),
    ]
    return Case({"batch": batch}, accepted, wrong)


@cases("01.9", is_function=True)
def _(scans):
    def bits(array):
        small = Image.fromarray(array).convert("L").resize((9, 8))
        values = np.asarray(small).astype(int)
        return values[:, 1:] > values[:, :-1]

    def close(a, b, most=10):
        return np.sum(bits(a) != bits(b)) <= most

    def same(a, b):
        return close(a, b) or close(a, b[:, ::-1])

    right = [same, lambda a, b: bool(same(a, b)), lambda a, b: same(b, a)]
    wrong = [
        (close, "the mirror image was not taken"),
        (lambda a, b: close(a, b) or close(a, b[::-1]), "mirror image was not"),
        (lambda a, b: same(a, b) or same(a, b[::-1]), "upside down was taken"),
        (lambda a, b: close(a, b[:, ::-1]), "the same photo was not"),
        (lambda a, b: close(a, b) or close(a, b[:, ::-1], 40), "was taken"),
        (lambda a, b: True, "another photo was taken"),
        (np.array_equal, "a brighter copy was not"),
        (lambda a, b: int(same(a, b)), "True or False"),
        (lambda a, b: bits(a) == bits(b), "True or False"),
        (True, "the function itself"),
    ]
    return Case({}, right, wrong)
