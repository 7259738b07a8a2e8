"""Draws the scans of assignment 4, with planted flaws: data/assignments/scans.npz.

    python tests/assignment_cases/make_scans.py          draw, compare with the file
    python tests/assignment_cases/make_scans.py --write  draw and store

It prints which scans are flawed, as they stand in the hidden tests of the assignment.
It lies here, with the solutions, because whoever has it knows the truth.
"""

import sys
from typing import NamedTuple

import numpy as np

from helpers.assignments.data import (
    CARDS,
    KINDS,
    ON_A_CARD,
    SCANS,
    SHAPE,
    small,
)
from helpers.files import write_file
from helpers.handwriting.simulator import blank
from helpers.handwriting.writers import Writer

SEED = 40_417
WRITERS = 60
LEVELS = 17  # grey levels are multiples of this: 16 of them, a smaller file
TURNABLE = "人大本山白马"
"""Characters that look different upside down."""


class Pool(NamedTuple):
    """All scans, and what is wrong with them by their numbers."""

    X: np.ndarray
    y: np.ndarray
    planted: dict
    """{"blank", "upside down", "wrong label": numbers; "copies": pairs of numbers}"""


def draw():
    """The Pool."""
    random = np.random.default_rng(SEED)
    hands = [Writer(SEED, number, messiness=0.75) for number in range(WRITERS)]
    X = np.zeros((CARDS * ON_A_CARD, *SHAPE), np.uint8)
    y = random.integers(0, len(KINDS), len(X))
    for number, label in enumerate(y):
        hand = hands[random.integers(WRITERS)]
        # Another sample each time: never the same drawing twice.
        X[number] = small(hand.write(KINDS[label], sample=number))

    planted = {"blank": [], "upside down": [], "wrong label": [], "copies": []}
    for card in range(CARDS):
        places = card * ON_A_CARD + random.permutation(ON_A_CARD)
        places = iter(places.tolist())
        for _ in range(random.integers(1, 4)):
            number = next(places)
            X[number] = empty(random)
            planted["blank"].append(number)
        for _ in range(random.integers(2, 5)):
            number = next(places)
            others = [k for k in range(len(KINDS)) if k != y[number]]
            y[number] = random.choice(others)
            planted["wrong label"].append(number)
        for _ in range(random.integers(1, 4)):
            number = next(p for p in places if KINDS[y[p]] in TURNABLE)
            X[number] = X[number, ::-1, ::-1]
            planted["upside down"].append(number)
        for _ in range(random.integers(1, 4)):
            first, second = sorted((next(places), next(places)))
            X[second], y[second] = scanned_again(X[first], random), y[first]
            planted["copies"].append((first, second))
    X = (np.round(X / LEVELS) * LEVELS).astype(np.uint8)
    return Pool(X, y.astype(np.uint8), {k: sorted(v) for k, v in planted.items()})


def empty(random):
    """A scan without a character: dust, and on every second one a printed line."""
    page = blank(random)
    if random.random() < 0.5:
        line = random.integers(4, min(page.shape) - 4)
        grey = random.integers(60, 160)
        if random.random() < 0.5:
            page[line : line + 2] = grey
        else:
            page[:, line : line + 2] = grey
    return small(page)


def scanned_again(page, random):
    """The same scan with other brightness, moved by a pixel or not at all."""
    down, right = random.integers(-1, 2, 2)
    moved = np.full_like(page, 255)
    height, width = page.shape
    moved[max(down, 0) : height + down, max(right, 0) : width + right] = page[
        max(-down, 0) : height - down, max(-right, 0) : width - right
    ]
    ink = (255.0 - moved) * random.uniform(0.7, 1.2)
    noise = random.normal(0, 6, page.shape) * (ink > 0)
    return np.clip(255 - ink + noise, 0, 255).round().astype(np.uint8)


def main():
    pool = draw()
    for flaw, numbers in pool.planted.items():
        print(f"{flaw}: {numbers}")
    if "--write" in sys.argv:
        with write_file(SCANS) as partial, partial.open("wb") as file:
            np.savez_compressed(file, X=pool.X, y=pool.y)
        print(f"{SCANS.stat().st_size:,} bytes written")
        return
    with np.load(SCANS) as stored:
        same = all(np.array_equal(stored[name], getattr(pool, name)) for name in "Xy")
    print("The file holds the same." if same else "The file holds OTHER scans.")


if __name__ == "__main__":
    main()
