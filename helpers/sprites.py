"""Four 16x16 sprites, drawn below as text: change a letter and see.

`python -m helpers.sprites` writes them into data/sprites, the munchers as GIF with a
palette, the ghost as BMP: two formats that a program has to read rightly.
"""

from contextlib import suppress
from io import BytesIO

import numpy as np
from PIL import Image

from helpers.files import CourseError, data_folder, reading, write_file

SIZE = 16  # pixels, in height and width

COLORS = {
    ".": (0, 0, 0),  # black background
    "Y": (255, 255, 0),  # yellow
    "P": (255, 163, 177),  # pink
    "W": (255, 255, 255),  # white
    "B": (51, 0, 255),  # blue, for pupils
}
"""The red, green and blue of each letter."""

DRAWINGS = {
    "muncher_up": """
................
.....Y.....Y....
...YYY.....YY...
..YYYYW....YYY..
..YYYY....YYYY..
.YYYYYY...YYYYY.
.YYYYYY...YYYYY.
.YYWBYYY.YYYYYY.
.YYWWYYY.YYYYYY.
.YYYYYYYYYYYYYY.
.YYYYYYYYYYYYYY.
..YYYYYYYYYYYY..
..YYYYYYYYYYYY..
...YYYYYYYYYY...
.....YYYYYYY....
.......YY.......
""",
    "muncher_left": """
................
.....YYYYYY.....
...YYYYYYYYYY...
..YYYYYWWYYYYY..
..YYYYYBWYYYYY..
.YYYYYYYYYYYYYY.
...W.YYYYYYYYYY.
.......YYYYYYYYY
.........YYYYYYY
.......YYYYYYYY.
....YYYYYYYYYYY.
.YYYYYYYYYYYYYY.
..YYYYYYYYYYYY..
...YYYYYYYYYY...
.....YYYYYY.....
................
""",
    "muncher_right": """
................
.....YYYYYY.....
...YYYYYYYYYY...
..YYYYYWWYYYYY..
..YYYYYWBYYYYY..
.YYYYYYYYYYYYYY.
.YYYYYYYYYY.W...
YYYYYYYYY.......
YYYYYYY.........
.YYYYYYYY.......
.YYYYYYYYYYY....
.YYYYYYYYYYYYYY.
..YYYYYYYYYYYY..
...YYYYYYYYYY...
.....YYYYYY.....
................
""",
    "ghost": """
................
......PPPPP.....
....PPPPPPPPP...
...PPPPPPPPPPP..
...PWWWPPPWWWP..
...PWWBPPPWWBP..
...PWWBPPPWWBP..
...PWWWPPPWWWP..
P..PPPPPPPPPPP.P
PP.PPPPP.PPPPPPP
.PPPPPP...PPPPP.
..PPPPPP.PPPPP..
...PPPPPPPPPP...
....PPPPPPPP....
......PPPPP..P..
........PPPPP...
""",
}

NAMES = tuple(DRAWINGS)


def pixels(name):
    """The sprite `name` as an array (16, 16, 3) uint8.

    Raises CourseError for an unknown name, and for a drawing that is not 16 lines
    of 16 letters, each a key of COLORS.
    """
    indices = _indices(name)
    return np.array(list(COLORS.values()), "uint8")[indices]


def get():
    """{name: path} of the four files in data/sprites, written where they differ.

    A file that holds something else is replaced, and one printed line says so.
    """
    folder = data_folder() / "sprites"
    paths = {}
    for name in NAMES:
        suffix, content = _encoded(name)
        path = paths[name] = folder / f"{name}.{suffix}"
        with reading(path), suppress(FileNotFoundError, NotADirectoryError):
            if path.read_bytes() == content:
                continue
            print(f"{path.name} was damaged or out of date, and is replaced.")
        with write_file(path) as partial:
            partial.write_bytes(content)
    return paths


def _encoded(name):
    """(suffix, bytes) of the file of a sprite; the same bytes every time."""
    stream = BytesIO()
    if name == "ghost":
        Image.fromarray(pixels(name)).save(stream, "BMP")
        return "bmp", stream.getvalue()
    image = Image.fromarray(_indices(name).astype("uint8"), "P")
    image.putpalette([value for color in COLORS.values() for value in color])
    image.save(stream, "GIF")
    return "gif", stream.getvalue()


def _indices(name):
    """(16, 16) numbers of the colours of a sprite. Raises CourseError: see above."""
    if name not in DRAWINGS:
        raise CourseError(f"There is no sprite {name!r}; there are {', '.join(NAMES)}.")
    lines = DRAWINGS[name].split()
    whole = len(lines) == SIZE and all(len(line) == SIZE for line in lines)
    if not whole or not set("".join(lines)) <= set(COLORS):
        raise CourseError(
            f"The drawing of {name} in helpers/sprites.py is not {SIZE} lines of "
            f"{SIZE} letters, each one of {' '.join(COLORS)}: put it right."
        )
    letters = list(COLORS)
    return np.array([[letters.index(c) for c in line] for line in lines])


if __name__ == "__main__":
    for _path in get().values():
        print(_path)
