"""Make the pictures that stand in for the explorers where no script runs.

    python tests/explorer_pictures.py

Each is a screenshot of the explorer itself, stored beside its JavaScript file with
the digest of that file, by which tests see a picture that is out of date.
"""

import hashlib
import io
import json
import sys

import numpy as np
from browser import opened, page_of, started
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from helpers import explorers
from helpers.files import write_file

WIDTH = 1000  # pixels of the page


def moon():
    """A grey image of 16x16: a crescent on black, lit from the left."""
    y, x = np.mgrid[:16, :16] - 7.5
    lit = (np.hypot(x, y) < 7) & (np.hypot(x - 4, y + 2) > 5)
    return np.where(lit, 255 - 12 * (x + 7.5), 0).astype(np.uint8)


START = {
    "kernel": {"images": {"moon": moon().tolist()}, "kernel": [[-1, 0, 1]] * 3},
    "arithmetic": {},
}
"""For each explorer, the settings that its picture shows."""


def source(name):
    """The explorer's JavaScript."""
    return (explorers.FOLDER / f"{name}.js").read_text(encoding="utf-8")


def digest(name):
    """What identifies the explorer's code, whatever ends its lines."""
    return hashlib.sha256(source(name).encode()).hexdigest()


def make(browser, name):
    """Store the explorer's picture, in 128 colours to keep notebooks small."""
    page_html = page_of(
        '<div id="root"></div><script type="module">'
        f"{source(name)}\nmount(root, {json.dumps(START[name])});</script>"
    )
    with opened(browser, page_html, width=WIDTH) as page:
        card = page.locator("#root > :not(style)")
        image = Image.open(io.BytesIO(card.screenshot())).convert("RGB")
    notes = PngInfo()
    notes.add_text("source", digest(name))
    with write_file(explorers.FOLDER / f"{name}.png") as path:
        image.quantize(128, dither=Image.Dither.NONE).save(
            path, format="PNG", optimize=True, pnginfo=notes
        )


if __name__ == "__main__":
    with started() as browser:
        if browser is None:
            sys.exit("There is no browser, or no playwright, to make pictures.")
        for name in START:
            make(browser, name)
            print(f"{name}.png is up to date.")
