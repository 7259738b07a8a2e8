"""Make the pictures that stand in for the explorers where no script runs.

    python tests/browser/explorer_pictures.py

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

from helpers import explorers, photos, sprites
from helpers.files import write_file

WIDTH = 1000  # pixels of the page


def eye():
    """The cat's eye of notebook 02, 60x60 and grey."""
    blocks = photos.load("cat")[60:180, 110:230].reshape(60, 2, 60, 2, 3)
    return blocks.mean(axis=(1, 3, 4)).astype(np.uint8)


def start():
    """For each explorer, the settings of its call in notebooks 02, 03 and 04."""
    ghost = sprites.pixels("ghost").mean(axis=2).astype(np.uint8)
    return {
        "kernel": {
            "images": {"ghost": ghost.tolist(), "cat": eye().tolist()},
            "kernel": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
        },
        "arithmetic": {"size": 7, "kernel": 3, "padding": "same", "stride": 2},
        "builder": {"preset": "LeNet-5"},
    }


def digest(name):
    """What identifies the explorer's code, whatever ends its lines."""
    return hashlib.sha256(explorers.source(name).encode()).hexdigest()


def make(browser, name):
    """Store the explorer's picture, in 128 colours to keep notebooks small."""
    page_html = page_of(
        '<div id="root"></div><script type="module">'
        f"{explorers.source(name)}\nmount(root, {json.dumps(start()[name])});</script>"
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
        for name in start():
            make(browser, name)
            print(f"{name}.png is up to date.")
