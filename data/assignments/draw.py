"""Draws the training images of assignment 3: characters.npz, beside this file.

    python data/assignments/draw.py            draw, compare with the file
    python data/assignments/draw.py --write    draw and store

Where the simulated writers have changed, raise VERSION in helpers/assignments/data.py, write
anew, and measure the goals of assignment 3 again.
"""

import sys

import numpy as np

from helpers.assignments import data
from helpers.files import write_file


def main():
    X, y, writer = data.draw_writers(tuple(range(data.WRITERS)), data.SAMPLES, data.SEED)
    arrays = {
        "X": X[..., 0],
        "y": y.astype(np.uint8),
        "writer": writer.astype(np.uint8),
        "version": np.array(data.VERSION),
    }
    if "--write" in sys.argv:
        with write_file(data.CHARACTERS) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **arrays)
        print(f"{data.CHARACTERS.stat().st_size:,} bytes written")
        return
    with np.load(data.CHARACTERS) as stored:
        same = all(np.array_equal(stored[name], array) for name, array in arrays.items())
    print("The file holds the same." if same else "The file holds OTHER images.")


if __name__ == "__main__":
    main()
