"""Draws the simulated handwriting data set: who writes what, and the files.

Deterministic: the bytes depend on the size and the seed only. Flaws are planted on
purpose and listed in `planted-flaws.csv`, for an exercise on finding bad data.
"""

import csv
import hashlib
import json
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tqdm import tqdm

from helpers.files import write_folder
from helpers.handwriting.strokes import CLASSES, RARE
from helpers.handwriting.writers import Writer
from helpers.parallel import cores, spread

SEED = 2011  # the year in which CASIA-HWDB was published
RECIPE = 1  # raised whenever the same seed would give other images
WHAT = "simulated handwriting, drawn by a program; not CASIA"
SECOND_HAND = 3000  # the writer of the poorly written characters
MESSY = 1.3  # and how messy that hand is


class Size(NamedTuple):
    """How much to simulate."""

    train_writers: int
    train_samples: int  # of each character by each writer
    test_writers: int  # none of them wrote for training
    messiness: float


SIZES = {
    "default": Size(50, 2, 40, 0.93),
    "full": Size(300, 2, 140, 0.93),
    "tiny": Size(5, 1, 3, 0.93),  # for tests
}


def simulate(folder, size="default", seed=SEED, workers=None):
    """Draw a whole data set into `folder`, or nothing at all.

    The bytes depend on `size` and `seed` only, not on the number of `workers`
    (processes; by default one a core). About 1,000 images a second on two cores.
    """
    workers = workers or cores()
    jobs, flaws = plan(SIZES[size], seed)
    with write_folder(folder) as partial:
        names = folder_names(partial)
        for split in ("Train", "Test", "Poorly-written"):
            for character in CLASSES:
                (partial / split / names[character]).mkdir(parents=True)
        if any(character != name for character, name in names.items()):
            rows = [(name, character) for character, name in names.items()]
            _write_csv(partial / "labels.csv", ("folder", "character"), rows)
        rows = [(f, _path(p, names), _path(o, names)) for f, p, o in flaws]
        _write_csv(partial / "planted-flaws.csv", ("flaw", "file", "original"), rows)

        total = sum(len(images) for _, images in jobs)
        arguments = [(partial, names, seed, SIZES[size], *job) for job in jobs]
        # Closed at once on an interruption: no worker may still be writing when
        # the folder is removed.
        with (
            closing(spread(_draw, arguments, workers)) as counts,
            tqdm(total=total, desc="Drawing handwriting", unit="image", delay=1) as bar,
        ):
            for drawn in counts:
                bar.update(drawn)
        about = _about(size, seed) | {"images": total}
        text = json.dumps(about, indent=1)
        (partial / "about.json").write_text(text, encoding="utf-8")
    return Path(folder)


def _draw(folder, names, seed, size, number, images):
    """Write one writer's images; return their number."""
    if number == SECOND_HAND:
        writer = Writer(seed, number, MESSY, cursiveness=0.9)
    else:
        writer = Writer(seed, number, size.messiness)
    for place, character, sample in images:
        if character is None:
            page = blank(np.random.default_rng([seed, number, sample]))
        else:
            page = writer.write(character, sample)
        path = folder / _path(place, names)
        Image.fromarray(page).save(path, compress_level=1, pnginfo=_signature())
    return len(images)


def _signature():
    """What each image says of itself, so that a copy cannot pass for CASIA."""
    text = PngInfo()
    text.add_text("Source", WHAT)
    return text


def blank(random):
    """A scan on which nothing was written: paper with a few specks of dust."""
    page = np.full(random.integers(50, 90, 2), 255, np.uint8)
    for _ in range(random.integers(0, 4)):
        y, x = random.integers(0, np.array(page.shape) - 2)
        page[y : y + 2, x : x + 2] = random.integers(150, 230)
    return page


def plan(size, seed):
    """What is drawn where: ([(writer, [(place, character, sample)])], flaws).

    A place is (split, class, number). Flaws are planted in about one training
    image in a hundred (wrong labels, blank scans, duplicates), and a few test
    images are duplicates of training images: [(flaw, place, place of the
    original or None)]. A `character` of None stands for a blank scan.
    """
    random = np.random.default_rng([seed, RECIPE])
    splits = {
        "Train": (range(size.train_writers), size.train_samples),
        "Test": (range(100_000, 100_000 + size.test_writers), 1),
        "Poorly-written": ([SECOND_HAND], 7),
    }
    # [split, class, writer, character, sample, flaw, index of the original]
    images = []
    for split, (writers, samples) in splits.items():
        for position, writer in enumerate(writers):
            for character in CLASSES:
                # Two writers in five write the rare characters.
                scarce = character in RARE and split != "Poorly-written"
                if scarce and position * 2 % 5 >= 2:
                    continue
                for sample in range(samples):
                    images.append([split, character, writer, character, sample, "", None])

    train = [i for i, image in enumerate(images) if image[0] == "Train"]
    count = len(train)
    wrong, blanks, twins, leaks = (
        max(1, round(count * share)) for share in (0.005, 0.0015, 0.003, 0.0008)
    )
    chosen = random.permutation(train)[: wrong + blanks + twins + leaks].tolist()
    for i in chosen[:wrong]:
        others = [c for c in CLASSES if c != images[i][3]]
        images[i][1], images[i][5] = (
            others[random.integers(len(others))],
            "wrong label",
        )
    scans = set()
    for i in chosen[wrong : wrong + blanks]:
        images[i][3], images[i][5] = None, "blank"
        while (images[i][2], images[i][4]) in scans:
            images[i][4] += 1  # or two blanks of one writer would be twins
        scans.add((images[i][2], images[i][4]))
    for k, i in enumerate(chosen[wrong + blanks :]):
        copy = list(images[i])
        copy[5], copy[6] = "duplicate", i
        if k >= twins:
            copy[0], copy[5] = "Test", "duplicate of a training image"
        images.append(copy)

    # Files are numbered in random order, so that a number gives nothing away.
    numbers = defaultdict(list)
    for i, (split, label, *_) in enumerate(images):
        numbers[split, label].append(i)
    places = {}
    for (split, label), members in numbers.items():
        for number, i in enumerate(random.permutation(members).tolist(), start=1):
            places[i] = (split, label, number)

    jobs, flaws = defaultdict(list), []
    for i, (_, _, writer, character, sample, flaw, original) in enumerate(images):
        jobs[writer].append((places[i], character, sample))
        if flaw:
            flaws.append((flaw, places[i], places.get(original)))
    return list(jobs.items()), sorted(flaws, key=lambda f: (f[0], f[1]))


def _path(place, names):
    """`Train/人/7.png` for the place ("Train", "人", 7)."""
    if place is None:
        return ""
    split, character, number = place
    return f"{split}/{names[character]}/{number}.png"


def folder_names(parent):
    """Folder name of each class: the character, or ASCII where that cannot be.

    Tries in `parent`, which nobody else may be using, whether the system keeps a
    folder named 人 under that name.
    """
    trial = Path(parent) / "人"
    try:
        trial.mkdir()
        kept = [p.name for p in trial.parent.iterdir()]
        trial.rmdir()
    except (OSError, UnicodeError):
        kept = []
    if trial.name in kept:
        return {character: character for character in CLASSES}
    return {character: f"U{ord(character):04X}" for character in CLASSES}


def checksum(folder):
    """SHA-256 over the names and bytes of all images below `folder`, as text."""
    folder, state = Path(folder), hashlib.sha256()
    for file in sorted(folder.rglob("*.png"), key=lambda f: f.relative_to(folder)):
        state.update(file.relative_to(folder).as_posix().encode())
        state.update(file.read_bytes())
    return state.hexdigest()


def _about(size, seed):
    return {
        "what": WHAT,
        "size": size,
        "writers": list(SIZES[size]),
        "seed": seed,
        "recipe": RECIPE,
    }


def is_current(folder, size, seed):
    """Does `folder` hold what `simulate` would draw now?"""
    expected = _about(size, seed)
    return _about_in(folder).items() >= expected.items()


def is_simulated(folder):
    """Was what lies in `folder`, or a copy of it, drawn by this module?

    Every image says so of itself (see `_signature`); the first one is asked.
    """
    for file in Path(folder).glob("Train/*/*.png"):
        with Image.open(file) as image:
            return image.info.get("Source") == WHAT
    return False


def _about_in(folder):
    """What about.json says; {} where it is missing or damaged."""
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def _write_csv(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
