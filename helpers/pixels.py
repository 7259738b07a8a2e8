"""One image file as grey pixels of one size: the lecture's recipe.

This module imports Pillow and nothing else, so that a worker process (see
`images`) is ready in a fraction of a second and needs neither NumPy nor the
notebook that started it.
"""

import io
import marshal
import os
import signal
import sys
import zlib

from PIL import Image
from PIL.PngImagePlugin import PngImageFile

RECIPE = 1
"""Raise this when the pixels of some file change: cached images are then re-read."""

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
READY = "ready"
PNG_START = b"\x89PNG\r\n\x1a\n"


class BadImage(Exception):
    """Why bytes are not a usable image; completes a sentence that names the file."""


def pixels(data, height, width):
    """The image in the bytes `data` as `height * width` grey bytes, row by row.

    0 is black ink, 255 white paper. The image is turned to grey (ITU-R 601 luma, as
    Pillow's mode L), then resized with Pillow's LANCZOS filter. Transparent pixels
    show white paper; 16-bit values are divided by 257, so 65535 becomes 255.
    Raises BadImage.
    """
    if not data:
        raise BadImage("is empty (0 bytes): copy it again or delete it")
    try:
        image = _open(data)
        if image.width * image.height > (Image.MAX_IMAGE_PIXELS or float("inf")):
            raise Image.DecompressionBombError
        grey = _grey(image)
        return grey.resize((width, height), Image.Resampling.LANCZOS).tobytes()
    except BadImage:
        raise
    except Image.UnidentifiedImageError:
        raise BadImage(
            "is not an image that Pillow can read, whatever its name says: replace it or delete it"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImage(
            f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels, Pillow's limit for a "
            "safe image: make it smaller or delete it"
        ) from None
    except Exception as error:
        # Pillow's decoders raise almost anything on bad bytes.
        detail = str(error).strip(". ") or type(error).__name__
        raise BadImage(f"is damaged ({detail}): copy it again or delete it") from error


def serve():
    """Read files for another process until its pipe closes.

    Standard input brings (height, width), then lists of paths as bytes; each list is
    answered on standard output with the pixels of its files, one after the other. A
    shorter answer means that the next file was bad: the asker reads that one itself.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the asker stops its workers
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    height, width = marshal.load(requests)
    marshal.dump(READY, answers)
    answers.flush()
    while True:
        try:
            paths = marshal.load(requests)
        except EOFError:
            return
        done = []
        try:
            for path in paths:
                done.append(pixels(read_bytes(path), height, width))
        except (BadImage, OSError):
            pass  # the answer is short, which says it
        marshal.dump(b"".join(done), answers)
        answers.flush()


def read_bytes(path):
    """The content of a file; unbuffered, since it is read in one piece."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (speed; bytes paths)
        return file.read(os.fstat(file.fileno()).st_size + 1)


def _open(data):
    """The image in `data`, not yet decoded; PNG without `Image.open`, 8 % faster."""
    if not data.startswith(PNG_START):
        return Image.open(io.BytesIO(data), formats=FORMATS)
    _check_png(data)
    return PngImageFile(io.BytesIO(data))


def _check_png(data):
    """Compare the checksum of every chunk, which Pillow does not do for pixels.

    Without this, one changed bit in fifty loads without an error as other pixels.
    """
    view, at = memoryview(data), len(PNG_START)
    while True:
        end = at + 12 + int.from_bytes(view[at : at + 4], "big")
        if end > len(data):
            raise BadImage("is cut off before its end: copy it again or delete it")
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
            raise BadImage("is damaged (a checksum is wrong): copy it again or delete it")
        if view[at + 4 : at + 8] == b"IEND":
            return
        at = end


def _grey(image):
    """The image in mode L, on white paper where it is transparent."""
    if image.mode == "L" and "transparency" not in image.info:
        return image  # the common case
    return on_paper(image).convert("L")


def on_paper(image):
    """The image with 8 bits a channel, on white paper where it is transparent."""
    if image.mode.startswith("I"):
        return _eight_bits(image)
    if image.mode == "F":
        raise BadImage(
            "holds floating-point pixels, whose black and white are unknown: "
            "save it with 8 or 16 bits"
        )
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image.convert("RGBA"))
        return paper
    return image


def _eight_bits(image):
    """A 16-bit image (modes I;16 and I) in mode L: values 0..65535 become 0..255."""
    values = image.convert("I")
    low, high = values.getextrema()
    if low < 0 or high > 65535:
        raise BadImage(
            f"holds values from {low} to {high}, more than 16 bits: save it with 8 or 16 bits"
        )
    grey = values.point(lambda value: value * (1 / 257) + 0.5).convert("L")
    if "transparency" in image.info:
        table = [0] * 65536
        table[image.info["transparency"]] = 255
        grey.paste(255, mask=values.point(table, "L"))
    return grey
