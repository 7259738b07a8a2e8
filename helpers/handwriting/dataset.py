"""The handwriting data set: real CASIA-HWDB when it is at hand, else simulated.

    data = handwriting.get()      # finds real scans, or simulates writers once
    print(data)                   # says which of the two it is
    data.train, data.test         # folders with one folder of images per character

Both have the layout `{Train,Test}/<character>/<n>.png`. See data/README.md.
"""

import csv
import hashlib
import itertools
import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.files import (
    CourseError,
    cache_folder,
    data_folder,
    find_named,
    reading,
    setting,
    shown,
    write_folder,
)
from helpers.handwriting import casia
from helpers.handwriting.casia import WRITERS
from helpers.handwriting.simulator import (
    SEED,
    SIZES,
    is_current,
    is_simulated,
    simulate,
)
from helpers.handwriting.strokes import CLASSES
from helpers.images import class_folders, image_files

LEAST_SUSPECTS = 10
"""Of the list that `count_found` takes."""

LEAST_CHANGED, MOST_LISTS = 3, 20
"""By how many names two lists for `count_found` must differ, and how many different ones it
counts in one session: else their counts say which files are flawed. One name exchanged for
another is a difference of 2; a feature that is blurred a little more or less changes 4."""

_counted = defaultdict(list)
"""{table of planted flaws: the lists that `count_found` has counted in this session}."""


@dataclass(frozen=True)
class Handwriting:
    """Where a handwriting data set lies, and what it is."""

    folder: Path
    real: bool
    description: str
    halves: tuple[Path, Path] | None = None
    """Train and Test, if they are not in `folder` under these names."""

    @property
    def train(self) -> Path:
        return self.halves[0] if self.halves else self.folder / "Train"

    @property
    def test(self) -> Path:
        return self.halves[1] if self.halves else self.folder / "Test"

    @property
    def poorly_written(self) -> Path | None:
        """A small set by one other hand, where there is one."""
        folders, _ = find_named(self.folder, "Poorly-written")
        return folders[0] if folders else None

    def writers(self, folder, files) -> np.ndarray | None:
        """Who wrote each of the `files` of `folder`: (n,) numbers; None where nobody knows,
        or where one person wrote them all, so that writers cannot be told apart.

        folder, files: as `load_folder` takes and gives them. The numbers are those of
        `writers.csv` beside the parts, which simulated handwriting has, and scans that came
        as .gnt files.
        """
        table = self.folder / WRITERS
        if not table.is_file():
            return None
        with reading(table), table.open(encoding="utf-8", newline="") as file:
            writer = {row["file"]: int(row["writer"]) for row in csv.DictReader(file)}
        part = Path(folder).name
        try:
            wrote = np.array([writer[f"{part}/{file}"] for file in files])
            return wrote if len(set(wrote)) > 1 else None
        except KeyError as error:
            cure = "the table, and writers count as unknown"
            if not self.real:
                cure = f"{shown(self.folder)}, and it is drawn again"
            raise CourseError(
                f"{shown(table)} names no writer of {error.args[0]}: delete {cure}."
            ) from None

    @property
    def label(self) -> str:
        """For figure titles."""
        return "real CASIA" if self.real else "simulated"

    def __str__(self):
        return f"Data: {self.description}"


def get(size="default") -> Handwriting:
    """Find real CASIA scans, or simulate handwriting once and reuse it.

    Real scans are taken from where the environment variable COURSE_CASIA points
    (a folder, a zip of it, or a folder of .gnt files), else from `CASIA-Dataset` or
    `CASIA-Dataset*.zip` in the data folder. Archives and .gnt files are unpacked
    once; of .gnt files, only the course's 55 characters unless COURSE_CHARACTERS
    is "all", in upper or lower case. Without real scans, `size` ("default" or "full") says how many writers
    to simulate. Raises CourseError for data that cannot be used.
    """
    source = find_real()
    if source is not None:
        return _real(source)
    if size not in SIZES:
        raise CourseError(f"size is {size!r}; choose one of {', '.join(SIZES)}.")
    folder = data_folder() / f"simulated-handwriting-{size}"
    if not is_current(folder, size, SEED):
        _set_aside(folder)
        simulate(folder, size)
    writers = SIZES[size]
    return Handwriting(
        folder,
        False,
        f"simulated handwriting, {size} size, not CASIA.\n"
        f"{len(CLASSES)} characters by {writers.train_writers} training writers and "
        f"{writers.test_writers} test writers, drawn by a program.\n"
        "To use real scans instead, see data/README.md.",
    )


def find_real() -> Path | None:
    """Where real scans lie, or None. Raises CourseError if COURSE_CASIA is wrong."""
    given = setting("COURSE_CASIA")
    if given:
        source = Path(given).expanduser().resolve()
        with reading(source):
            there = source.exists()
        if not there:
            raise CourseError(
                f"COURSE_CASIA points to {source}, which does not exist. Correct it, "
                "or unset it to work with simulated handwriting."
            )
        return source
    folders, archives = find_named(data_folder(), "CASIA-Dataset")
    return next(iter(folders + archives), None)


def _real(source) -> Handwriting:
    # A folder or a zip was put together by hand: all its classes are wanted.
    # Official .gnt files hold thousands, of which the course needs its own.
    keep = CLASSES if not _everything() and casia.is_official(source) else None
    name = hashlib.sha256(f"{source} {keep}".encode()).hexdigest()[:12]
    folder = casia.import_casia(source, data_folder() / "casia-unpacked" / name, keep)
    halves = tuple(casia.find_halves(folder).values())
    if is_simulated(halves[0]):
        raise CourseError(
            f"{folder} holds simulated handwriting, not CASIA: put real scans "
            "there, or move it away and unset COURSE_CASIA to work with it."
        )
    return Handwriting(folder, True, f"real CASIA scans, from {source.name}.", halves)


def _everything():
    """Are all characters of .gnt files wanted? CourseError where that is not clear."""
    said = setting("COURSE_CHARACTERS")
    if said.lower() not in ("", "all"):
        raise CourseError(
            f"COURSE_CHARACTERS is {said!r}: set it to all for all characters that the .gnt files "
            "hold, or unset it for the course's 55."
        )
    return bool(said)


def small_set(data) -> tuple[Path, str]:
    """A small set, 7 images per character by another hand: (folder, what it is).

    The poorly written characters where the data set has them. For other scans the
    first 7 test images of each character stand in, copied once to the cache.
    """
    if data.poorly_written:
        return data.poorly_written, f"{data.label}, poorly written by one hand"
    chosen = {
        character: _first_scans(folder, 7) for character, folder in class_folders(data.test).items()
    }
    # The name changes with the scans, so that others are never mistaken for them.
    state = hashlib.sha256()
    for scan in itertools.chain.from_iterable(chosen.values()):
        stat = scan.stat()
        facts = (str(scan), stat.st_size, stat.st_mtime_ns)
        state.update(ascii(facts).encode())
    name = f"small-set-{state.hexdigest()[:12]}"
    folder = cache_folder() / name / "First-7-of-Test"
    with reading(folder):
        there = folder.is_dir()
    if not there:
        with write_folder(folder) as partial:
            for character, scans in chosen.items():
                (partial / character).mkdir()
                for scan in scans:
                    shutil.copy(scan, partial / character)
    return folder, f"{data.label}, first 7 test images per character (a stand-in)"


def _first_scans(folder, count):
    """The first images of a class folder, 2.png before 10.png."""
    return [folder / name for name in image_files(folder)[:count]]


def planted_flaws(data):
    """[(flaw, path relative to the data set)] of simulated handwriting, for checks alone.

    Raises CourseError for real scans, whose flaws nobody has listed.
    """
    table = data.folder / "planted-flaws.csv"
    if not table.is_file():
        raise CourseError(
            f"{data.folder.name} has no list of flaws: only the simulated "
            "handwriting has planted ones. Look at your suspects to judge them."
        )
    with table.open(encoding="utf-8", newline="") as file:
        return [(row["flaw"], row["file"]) for row in csv.DictReader(file)]


def count_found(data, suspects):
    """How many planted flaws are among `suspects`, without saying which.

    suspects: iterable of paths relative to the data set, as in "Train/人/7.png".
    Returns {flaw: (found, planted)}. Raises CourseError for real scans, and for lists whose
    counts would say which files are flawed: with fewer than LEAST_SUSPECTS names, with names
    of no file or twice the same, with all names but a few of an earlier list, and after
    MOST_LISTS different lists. The same list is counted again and again.
    """
    flaws = planted_flaws(data)
    listed = [str(s).replace("\\", "/") for s in suspects]
    chosen = frozenset(listed)
    if len(chosen) < LEAST_SUSPECTS:
        raise CourseError(
            f"Flaws are counted in lists of {LEAST_SUSPECTS} suspects or more, not of "
            f"{len(chosen)}: look at the images."
        )
    if len(chosen) < len(listed):
        twice = next(name for name in listed if listed.count(name) > 1)
        raise CourseError(f"{twice} is in the list twice: name each suspect once.")
    missing = [name for name in listed if not (data.folder / name).is_file()]
    if missing:
        raise CourseError(f"There is no file {missing[0]} in {data.folder.name}: correct its name.")
    _admit(chosen, _counted[data.folder / "planted-flaws.csv"])
    counts = defaultdict(lambda: [0, 0])
    for flaw, file in flaws:
        counts[flaw][0] += file in chosen
        counts[flaw][1] += 1
    return {flaw: tuple(pair) for flaw, pair in sorted(counts.items())}


def _admit(chosen, counted):
    """Append a list to those that were counted; CourseError if it would tell too much."""
    if chosen in counted:
        return
    for earlier in counted:
        if (differ := len(chosen ^ earlier)) < LEAST_CHANGED:
            raise CourseError(
                f"This list and an earlier one differ in {differ} of their names, and their counts "
                f"would tell which of these are flawed: change {LEAST_CHANGED} names or more."
            )
    if len(counted) == MOST_LISTS:
        raise CourseError(
            f"{MOST_LISTS} different lists have been counted, and more would tell which files "
            "are flawed: look at the images, or begin again with a new kernel."
        )
    counted.append(chosen)


def describe():
    """Which handwriting the notebooks will use: a list of plain sentences."""
    source = find_real()
    if source is not None:
        return [f"Handwriting: real CASIA scans, from {source}."]
    folders = {size: data_folder() / f"simulated-handwriting-{size}" for size in SIZES}
    ready = [size for size, folder in folders.items() if is_current(folder, size, SEED)]
    state = f"already drawn: {', '.join(ready)}" if ready else "drawn when first used"
    return [
        f"Handwriting: simulated writers ({state}). For real CASIA scans, put them "
        "into data/CASIA-Dataset or set COURSE_CASIA; data/README.md says where "
        "they come from."
    ]


def _set_aside(folder):
    """Rename what an older version of the course drew; nothing is deleted."""
    if not folder.exists():
        return
    number = 1
    while (old := folder.with_name(f"{folder.name}-old-{number}")).exists():
        number += 1
    try:
        folder.rename(old)
    except FileNotFoundError:
        return  # another process was quicker
    except OSError as error:
        raise CourseError(
            f"{folder} is incomplete or older and could not be renamed "
            f"({error.strerror or error}): rename it yourself, then run this again."
        ) from error
    print(f"{folder.name} was incomplete or older: renamed to {old.name}, drawn again.")
