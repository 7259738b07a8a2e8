"""Draws the simulated handwriting data set: who writes what, and the files.

Deterministic: the bytes depend on the size and the seed only. Flaws are planted on
purpose and listed in `planted-flaws.csv`, for an exercise on finding bad data;
`writers.csv` says who wrote which image.
"""

import csv
import hashlib
import json
import os
import signal
from collections import defaultdict
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from joblib import Parallel, cpu_count, delayed
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from helpers.files import is_junk, progress, reading, write_folder
from helpers.handwriting.casia import WRITERS
from helpers.handwriting.strokes import CLASSES, RARE
from helpers.handwriting.writers import Writer
from helpers.images import is_image

SEED = 2011  # the year in which CASIA-HWDB was published
RECIPE = 2  # raised whenever the same seed would give other images
WHAT = "simulated handwriting, drawn by a program; not CASIA"
SECOND_HAND = 3000  # the writer of the poorly written characters
MESSY, UNSTEADY = 1.5, 3.0  # and how messy that hand is, and how much it varies


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
    jobs, flaws = plan(SIZES[size], seed)
    try:
        with write_folder(folder) as partial:
            names = _write_tables(partial, jobs, flaws)
            arguments = [(partial, names, seed, SIZES[size], *job) for job in jobs]
            total = sum(len(images) for _, images in jobs)
            # Closed at once on an interruption: no worker may still be writing when
            # the folder is removed.
            with (
                closing(in_processes(_draw, arguments, workers)) as counts,
                progress(total=total, desc="Drawing handwriting", unit="image") as bar,
            ):
                for drawn in counts:
                    bar.update(drawn)
            text = json.dumps(_about(size, seed) | {"images": total}, indent=1)
            (partial / "about.json").write_text(text, encoding="utf-8")
    except BrokenProcessPool:  # the system ended a worker, perhaps for want of memory
        return simulate(folder, size, seed, workers=1)
    return Path(folder)


def in_processes(function, jobs, workers=None):
    """Yield function(*job) for each job, in order, computed by worker processes.

    function: importable. workers: how many; None: one a core; 1 or a system without
    processes: this process computes. Close the generator when it is not used up.
    """
    parallel = Parallel(
        workers or cpu_count(),
        return_as="generator",
        batch_size=1,
        idle_worker_timeout=5,  # s; workers whose parent was killed wait no longer
        initializer=_leave_interrupts_to_the_parent,
    )
    return parallel(delayed(function)(*job) for job in jobs)


def _leave_interrupts_to_the_parent():
    """In a worker: Ctrl-C reaches it too, and it would add a traceback of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_tables(folder, jobs, flaws):
    """Make the class folders and the tables in `folder`; {class: name of its folder}."""
    names = folder_names(folder)
    for split in ("Train", "Test", "Poorly-written"):
        for character in CLASSES:
            (folder / split / names[character]).mkdir(parents=True)
    if any(character != name for character, name in names.items()):
        rows = [(name, character) for character, name in names.items()]
        _write_csv(folder / "labels.csv", ("folder", "character"), rows)
    rows = [(f, _path(p, names), _path(o, names)) for f, p, o in flaws]
    _write_csv(folder / "planted-flaws.csv", ("flaw", "file", "original"), rows)
    rows = [(_path(place, names), writer) for writer, images in jobs for place, *_ in images]
    _write_csv(folder / WRITERS, ("file", "writer"), sorted(rows))
    return names


def _draw(folder, names, seed, size, number, images):
    """Write one writer's images; return their number."""
    if number == SECOND_HAND:
        writer = Writer(seed, number, MESSY, cursiveness=0.9, unsteadiness=UNSTEADY)
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


@dataclass
class _Drawing:
    """One image that is to be drawn, and what is wrong with it on purpose."""

    split: str
    label: str  # the class folder that it goes into
    writer: int
    character: str | None  # what is drawn; None for a blank scan
    sample: int
    flaw: str = ""
    original: int | None = None  # place in the list of the image that this one repeats


def plan(size, seed):
    """What is drawn where: ([(writer, [(place, character, sample)])], flaws).

    A place is (split, class, number). Flaws are planted in about one training
    image in a hundred (wrong labels, blank scans, duplicates), and a few test
    images are duplicates of training images: [(flaw, place, place of the
    original or None)]. A `character` of None stands for a blank scan.
    """
    random = np.random.default_rng([seed, RECIPE])
    images = _all_images(size)
    _plant_flaws(images, random)
    places = _places(images, random)
    jobs, flaws = defaultdict(list), []
    for image, place in zip(images, places, strict=True):
        jobs[image.writer].append((place, image.character, image.sample))
        if image.flaw:
            original = None if image.original is None else places[image.original]
            flaws.append((image.flaw, place, original))
    return list(jobs.items()), sorted(flaws, key=lambda f: (f[0], f[1]))


def _all_images(size):
    """Who writes what: a list of _Drawing, without flaws."""
    splits = {
        "Train": (range(size.train_writers), size.train_samples),
        "Test": (range(100_000, 100_000 + size.test_writers), 1),
        "Poorly-written": ([SECOND_HAND], 7),
    }
    images = []
    for split, (writers, samples) in splits.items():
        for position, writer in enumerate(writers):
            for character in CLASSES:
                # Two writers in five write the rare characters.
                scarce = character in RARE and split != "Poorly-written"
                if scarce and position * 2 % 5 >= 2:
                    continue
                for sample in range(samples):
                    images.append(_Drawing(split, character, writer, character, sample))
    return images


def _plant_flaws(images, random):
    """Give some training images flaws, and append duplicates of others."""
    train = [i for i, image in enumerate(images) if image.split == "Train"]
    wrong, blanks, twins, leaks = (
        max(1, round(len(train) * share)) for share in (0.005, 0.0015, 0.003, 0.0008)
    )
    chosen = random.permutation(train)[: wrong + blanks + twins + leaks].tolist()
    for image in (images[i] for i in chosen[:wrong]):
        others = [c for c in CLASSES if c != image.character]
        image.label, image.flaw = others[random.integers(len(others))], "wrong label"
    scans = set()
    for image in (images[i] for i in chosen[wrong : wrong + blanks]):
        image.character, image.flaw = None, "blank"
        while (image.writer, image.sample) in scans:
            image.sample += 1  # or two blanks of one writer would be twins
        scans.add((image.writer, image.sample))
    for k, i in enumerate(chosen[wrong + blanks :]):
        copy = replace(images[i], flaw="duplicate", original=i)
        if k >= twins:
            copy.split, copy.flaw = "Test", "duplicate of a training image"
        images.append(copy)


def _places(images, random):
    """(split, class, number) of each image.

    Files are numbered in random order, so that a number gives nothing away.
    """
    members = defaultdict(list)
    for i, image in enumerate(images):
        members[image.split, image.label].append(i)
    places = {}
    for (split, label), group in members.items():
        for number, i in enumerate(random.permutation(group).tolist(), start=1):
            places[i] = (split, label, number)
    return [places[i] for i in range(len(images))]


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
    return _about_in(folder).items() >= expected.items() and (folder / WRITERS).is_file()


def is_simulated(folder):
    """Was what lies in `folder`, or a copy of it, drawn by this module?

    Every image says so of itself (see `_signature`); the first one that can be read is asked.
    """
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_junk(name))
        for name in sorted(filter(is_image, names)):
            with suppress(Exception), Image.open(Path(parent, name)) as image:
                return image.info.get("Source") == WHAT
    return False


def _about_in(folder):
    """What about.json says; {} where it is missing or damaged.

    Raises CourseError where it may not be read: then it is neither.
    """
    path = folder / "about.json"
    try:
        with reading(path), suppress(FileNotFoundError, NotADirectoryError):
            about = json.loads(path.read_text(encoding="utf-8"))
            return about if isinstance(about, dict) else {}
    except ValueError:
        pass
    return {}


def _write_csv(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
