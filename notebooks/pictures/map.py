"""Make the pictures of the start page: one for each lecture, from its stored figures.

    python notebooks/pictures/map.py

Each is a part of a figure that the notebook stores, 320 x 200 pixels. Run it again when
such a figure has changed, and look at what it has cut out.
"""

import base64
import io
from pathlib import Path

import nbformat
from PIL import Image, ImageOps

from helpers.files import write_file

NOTEBOOKS = Path(__file__).resolve().parents[1]
SIZE = 320, 200

FIGURES = {
    "01": ("astronaut: whole", (0.25, 0.19, 0.5, 0.71)),
    "02": ("temple; its roofs", (0, 0.34, 0.49, 1)),
    "03": ("cup of coffee with a grid of dots", (0, 0.1, 0.47, 0.9)),
    "04": ("portrait pooled three times", (0, 0.08, 0.5, 0.6)),
    "05": ("random training images with their labels", (0, 0.07, 0.45, 0.64)),
    "06": ("blurred shapes of the characters", (0, 0.1, 0.33, 0.52)),
    "07": ("misread test images", (0, 0.07, 0.375, 0.57)),
    "08": ("A map of the loss", (0.08, 0.08, 0.88, 0.9)),
    "09": ("heat maps of the evidence", (0.22, 0.3, 0.68, 0.98)),
    "10": ("Twelve crops", (0, 0.14, 0.51, 1)),
    "11": ("Residual blocks of both", (0, 0.38, 0.5, 0.98)),
    "12": ("mixed by mixup", (0, 0.12, 0.56, 1)),
    "13": ("one has islands by colour", (0.44, 0.16, 0.87, 1)),
    "14": ("gradients as a star", (0.32, 0.12, 0.68, 1)),
    "15": ("most confident mistakes first", (0, 0.12, 0.3, 1)),
}
"""By lecture: words of the alternative text of the figure that stands for it, and the part
of it that is shown: left, top, right and bottom, as shares of width and height."""


def figures(notebook):
    """(alternative text, bytes) of each figure that a notebook stores."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            for kind in {"image/png", "image/jpeg"} & set(
                output.get("data", {})
            ):
                alt = output.metadata.get(kind, {}).get("alt", "")
                yield alt, base64.b64decode(output.data[kind])


def picture(notebook, words, part):
    """A part of the figure with these words in its text (else of the last), as SIZE."""
    found = sorted(figures(notebook), key=lambda one: words in one[0])
    image = Image.open(io.BytesIO(found[-1][1])).convert("RGB")
    box = [
        round(share * side)
        for share, side in zip(part, image.size * 2, strict=True)
    ]
    return ImageOps.fit(image.crop(box), SIZE, Image.Resampling.LANCZOS)


def main():
    for number, (words, part) in FIGURES.items():
        (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
        small = picture(
            nbformat.read(path, as_version=4), words, part
        ).quantize(64)
        target = NOTEBOOKS / "pictures" / "map" / f"{number}.png"
        with write_file(target) as partial:
            small.save(partial, format="PNG", optimize=True)
        print(target.name, target.stat().st_size // 1000, "kB")


if __name__ == "__main__":
    main()
