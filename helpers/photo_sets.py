"""Sets of photos, one folder a class, as arrays: cats against dogs, or your own.

    path = photo_sets.find()             # where it lies, or None
    data = photo_sets.load(path, 224)    # a folder or a zip archive of it
    data.X, data.y, data.names           # photos, class numbers, class names

See data/README.md for where to put such a set.
"""

import os
import unicodedata
import zipfile
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from helpers import photos
from helpers.files import CourseError, data_folder
from helpers.handwriting import casia
from helpers.images import SPLITS, SUFFIXES, _natural, _shown, _some
from helpers.pixels import BadImage

IMAGES = (*SUFFIXES, ".heic", ".heif")
"""What counts as a photo by its name. HEIC is refused when read, not passed over."""

MAX_DEPTH = 4
"""How many folders deep a photo may lie: set/train/cat/1.jpg is three."""

EXPECTED = "at least two class folders with photos in them, as in cat/1.jpg and dog/1.jpg"


class PhotoSet(NamedTuple):
    """Photos of one size. `X[i]` is the file `files[i]` of class `names[y[i]]`."""

    X: np.ndarray
    """(n, height, width, 3) uint8."""
    y: np.ndarray
    """(n,) int64: index into `names`."""
    names: list[str]
    """Class names in natural order."""
    files: list[str]
    """Path of each photo in the folder or archive, with `/`, in the order of X."""
    label: str
    """For figure titles: how many photos, from where."""


def find(name="cats-dogs") -> Path | None:
    """Where the set lies, or None: a folder or a zip archive, not yet looked into.

    In this order: where the environment variable COURSE_CATS_DOGS points, the folder
    `cats-dogs` in the data folder unless it is empty, the first `cats-dogs*.zip`
    there. Another `name` changes all three. Raises CourseError if the variable
    points to nothing.
    """
    variable = _variable(name)
    given = os.environ.get(variable)
    if given:
        path = Path(given).expanduser().resolve()
        if not path.exists():
            raise CourseError(
                f"{variable} points to {path}, which does not exist: correct it, or unset it."
            )
        return path
    folder = data_folder() / name
    with casia._reading(folder):
        if folder.is_dir() and not all(photos.is_junk(entry.name) for entry in folder.iterdir()):
            return folder
        archives = data_folder().glob(f"{name}*.zip")
        return min(archives, key=lambda a: _natural(a.name), default=None)


def missing(name="cats-dogs") -> str:
    """One sentence: what is missing and how to get it; "" if the set is found.

    Raises CourseError as `find` does.
    """
    if find(name) is not None:
        return ""
    return (
        f"There are no photos in data/{name}, so the characters "
        "stay the only data of this notebook; to add photos, put one folder a class "
        "there, such as cat and dog (of your own, or of a set like Kaggle's Dogs vs. "
        f"Cats), or set {_variable(name)} to such a folder or a zip of it."
    )


def load(path, size, how="crop", limit=None) -> PhotoSet:
    """Load a folder or zip archive with one folder a class.

    Each photo is brought to `size` as by `photos.fit`; with `limit`, the first so
    many of each class, in natural order of their names. The class folders may lie
    deeper, if there is one such place; of a set in parts, its part `train` is
    loaded. An archive is read in memory: nothing is unpacked to disk. Large JPEG
    files are decoded at a smaller scale, at least twice `size`. X takes
    n * height * width * 3 bytes. Raises CourseError, one sentence that names the
    file, for what cannot be used.
    """
    height, width = photos.check_fit(size, how)
    if limit is not None:
        photos.check_positive(limit, "limit")
    path = Path(path).expanduser()
    with _source(path) as (files, read):
        classes = _classes(path, files)
        names = sorted(classes, key=_natural)
        chosen, counts = [], []
        for name in names:
            first = sorted(classes[name], key=_natural)[:limit]
            chosen += first
            counts.append(len(first))
        try:
            X = np.empty((len(chosen), height, width, 3), np.uint8)
        except MemoryError:
            raise CourseError(
                f"The {len(chosen):,} photos of {_shown(path)} at {height} x {width} "
                "do not fit into memory: load them smaller, or fewer with limit."
            ) from None
        with tqdm(chosen, desc=f"Loading {_shown(path.name)}", unit=" photos", delay=1) as bar:
            for i, file in enumerate(bar):
                try:
                    photo = photos.decode(read(file), 2 * max(height, width))
                except BadImage as error:
                    raise CourseError(
                        f"{_text(file)} in {_shown(path)} {error} ({i:,} photos "
                        "were read before it)."
                    ) from error
                X[i] = photos.fit(photo, (height, width), how)
    y = np.repeat(np.arange(len(names), dtype=np.int64), counts)
    label = f"{len(chosen):,} photos, {_shown(path.name)}"
    return PhotoSet(X, y, names, [_text(file) for file in chosen], label)


def _text(name):
    """A relative name as text that can be printed, with `/` on every system."""
    return os.fsencode(name).decode("utf-8", "replace")


def _variable(name):
    return "COURSE_" + name.upper().replace("-", "_")


# --- Folders and archives ----------------------------------------------------------


def _source(path):
    """A context: (relative names of all photos, function name -> bytes)."""
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise CourseError(
            f"There is no {_shown(path)}: give a folder of class folders, or a zip archive of it."
        )
    return _archive(path)


@contextmanager
def _folder(path):
    with casia._reading(path):
        files = list(_walk(path, ""))
    yield files, lambda file: photos.read_file(path / file)


def _walk(folder, prefix, depth=0):
    """Relative names of the photos in and below a folder, in no order."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if photos.is_junk(entry.name):
                continue
            if entry.is_dir():
                if depth < MAX_DEPTH:
                    inner = f"{prefix}{entry.name}/"
                    yield from _walk(entry.path, inner, depth + 1)
            elif entry.name.lower().endswith(IMAGES):
                yield prefix + entry.name


@contextmanager
def _archive(path):
    try:
        with casia._reading(path):
            archive = zipfile.ZipFile(path)
    except casia._ZIP_ERRORS as error:
        raise CourseError(
            f"{_shown(path)} is not a complete zip archive ({error}): copy or "
            "download it again, or give a folder."
        ) from error
    with archive:
        entries = _entries(path, archive)

        def read(file):
            try:
                with (
                    casia._reading(path),
                    archive.open(entries[file]) as opened,
                ):
                    return opened.read()  # never more than the declared size
            except casia._ZIP_ERRORS as error:
                raise BadImage("is damaged: copy or download the archive again") from error

        yield entries, read


def _entries(path, archive):
    """{name: ZipInfo} of the photos; CourseError for what no honest archive holds."""
    infos = archive.infolist()
    entries = {}
    for name, info in zip(casia._entry_names(path, infos), infos, strict=True):
        parts = casia._checked_parts(path, name, info)
        if any(map(photos.is_junk, parts)) or not name.lower().endswith(IMAGES):
            continue
        if "/".join(parts) in entries:
            raise casia._refused(path, name, "is there twice")
        if info.file_size > photos.MAX_FILE:
            raise casia._refused(path, name, "unpacks to more than a photo is")
        entries["/".join(parts)] = info
    return entries


def _classes(path, files):
    """{class name: its files}, from the place where the class folders are."""
    places = defaultdict(lambda: defaultdict(list))
    for file in files:
        *above, _ = file.split("/")
        if above:
            name = unicodedata.normalize("NFC", _text(above[-1]))
            places["/".join(above[:-1])][name].append(file)
    sets = [place for place in places if len(places[place]) > 1]
    parts = {place.split("/")[-1].casefold(): place for place in sets}
    if len(sets) == len(parts) > 1 and "train" in parts and parts.keys() <= SPLITS:
        sets = [parts["train"]]
    if len(sets) > 1:
        where = [_text(f"{path.name}/{s}".rstrip("/")) for s in sorted(sets)]
        raise CourseError(
            f"{_shown(path)} holds class folders in more than one place "
            f"({_some(where)}): give one of these folders (unpack an archive first)."
        )
    if not sets:
        raise CourseError(f"{_shown(path)} holds {_found(files)}, but needs {EXPECTED}.")
    classes = places[sets[0]]
    if {name.casefold() for name in classes} <= SPLITS:
        raise CourseError(
            f"{_shown(path)} holds the parts of a data set ({_some(sorted(classes))}) "
            f"with photos in them, but no classes: one part needs {EXPECTED}."
        )
    return classes


def _found(files):
    """What there is instead of two classes, in words."""
    if not files:
        return "no photos"
    folders = sorted({_text(file.rpartition("/")[0]) for file in files} - {""})
    if not folders:
        return f"{len(files):,} photos, in no class folder"
    return f"photos only in {_some(folders)}"
