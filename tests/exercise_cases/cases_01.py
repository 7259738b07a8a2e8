"""Answers to the exercises of notebook 01, tensors and pixels."""

import numpy as np

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


@cases("01.5", is_function=True)
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


@cases("01.6", is_function=True)
def _(scans):
    def to_float(image, bits, paper=1.0, drop=False):
        scale = 1 if bits is None else 2**bits - 1
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

    def by_maximum(image, bits):
        return to_float(image / max(image.max(), 1), None)

    def by_dtype(image, bits):
        kind = image.dtype
        return to_float(image / (1 if kind.kind == "f" else np.iinfo(kind).max), None)

    def by_255(image, bits):
        return to_float(image, bits and 8)

    wrong = [
        (by_maximum, "a dark uint8 image gave other values"),
        (by_dtype, "nearly black: its greatest number is 4,095"),
        (by_255, "uint16 image (2, 3) of 16 bits gave values outside"),
        (lambda x, b: to_float(x / 255, None), "gave values outside"),
        (lambda x, b: to_float(x, b, drop=True), "alpha was dropped"),
        (lambda x, b: to_float(x, b, paper=0), "paper is black"),
        (lambda x, b: to_float(x, b).astype("float64"), "of dtype float64"),
        (lambda x, b: 255 * to_float(x, b), "outside 0 to 1"),
        (lambda x, b: to_float(x, b)[:, :, :1], "an array (2, 3, 3)"),
        (lambda x, b: (x / 255).astype("float32"), "from a uint8 image (2, 3)"),
        (np.zeros((2, 3, 3)), "the function itself"),
    ]
    right = [to_float, lambda x, b: to_float(x.copy(), b).clip(0, 1)]
    return Case({}, right, wrong)


@cases("01.7")
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


@cases("01.8", is_function=True)
def _(scans):
    def added(photo, change):
        return np.clip(photo.astype(int) + change, 0, 255).astype("uint8")

    def stripes(photo, most=20):
        place = np.arange(photo.shape[1]) * 9 // photo.shape[1]
        return added(photo, np.where(place % 2, -most, most)[:, None])

    def ramp(photo):
        return added(photo, np.linspace(20, -20, photo.shape[1]).astype(int)[:, None])

    wrong = [
        (lambda photo: photo, "0.0 of 64 bits"),
        (lambda photo: added(photo, 20), "of 64 bits flip on average"),
        (ramp, "of 64 bits flip on average"),
        (lambda photo: stripes(photo, 21), "changes by 21, more than 20"),
        (lambda photo: photo + np.uint8(20), "wraps around"),
        (lambda photo: photo[:, ::-1], "more than 20"),
        (lambda photo: stripes(photo).astype(float), "float64; both"),
        (lambda photo: stripes(photo)[::2], "both should stay"),
        (np.zeros((300, 451, 3), "uint8"), "the function itself"),
    ]
    return Case({}, [stripes, lambda photo: stripes(photo).copy()], wrong)
