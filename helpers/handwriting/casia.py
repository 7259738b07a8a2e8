"""Reads real CASIA-HWDB: folders, zip archives and official .gnt files.

CASIA may not be redistributed, so the course cannot carry it: whoever has it gives
it in one of three forms, and `import_casia` brings it to the layout that the
notebooks read::

    Train/<character>/<n>.png
    Test/<character>/<n>.png

The .gnt layout is the one published with CASIA-HWDB 1.0 to 1.2 (Liu, Yin, Wang and
Wang, "CASIA Online and Offline Chinese Handwriting Databases", ICDAR 2011): records
without a file header, each of

    u32 size of the record in bytes, little-endian: 10 + width * height
    2 bytes, the character in GB2312/GBK; a one-byte symbol is followed by a 0
    u16 width, u16 height, in pixels, little-endian
    height * width bytes, row by row: 0 is black ink, 255 is white paper
"""

import json
import os
import struct
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.archives import open_zip
from helpers.files import CourseError, is_junk, progress, reading, write_folder
from helpers.images import SUFFIXES

SIDES = {"Train": ("trn", "train"), "Test": ("tst", "test")}
"""The two halves, and what a path of a .gnt file contains that belongs to each."""

LAYOUT = (
    "a folder with Train/<character>/<n>.png and Test/<character>/<n>.png, as in "
    "CASIA-Dataset/Train/人/1.png"
)

MAX_DEPTH = 5
"""How many levels of folders `find_layout` looks at, the given one included."""

MAX_SIDE = 1000
"""Largest believable width or height of one character, in pixels."""

MAX_FILE = 5_000_000
"""Bytes; more than the image of any character has."""

SOURCE_RECORD = ".source.json"
"""File in an imported folder that says what it was imported from."""

_HEADER = struct.Struct("<I2sHH")


@lru_cache(maxsize=10_000)
def folder_name(character) -> str:
    """The name of a character's folder: the character itself (NFC) where possible.

    What Windows cannot use in a name (<>:"/\\|?*, control characters, "." or a space
    at the end) is written as U+XXXX. So is a single upper-case letter: Windows and
    macOS would put "A" and "a" into one folder.
    """
    name = unicodedata.normalize("NFC", character)
    if len(name) == 1 and name != name.lower():
        return _code(name)
    return _safe_name(name)


def find_layout(folder) -> Path | None:
    """The folder at or below `folder` that holds Train/ and Test/, or None.

    Each of the two must hold at least one character's folder with an image in it.
    The nearest such folder counts, at most MAX_DEPTH - 1 levels down. Folders that
    may not be listed are passed over, except `folder` itself (CourseError).
    """
    folder = Path(folder)
    with reading(folder):
        if not folder.is_dir():
            return None
        level = _subfolders(folder)
    if _is_layout(folder):
        return folder
    for _ in range(MAX_DEPTH - 1):
        below = []
        for candidate in level:
            if _is_layout(candidate):
                return candidate
            with suppress(OSError):
                below += _subfolders(candidate)
        level = below
    return None


def read_gnt(path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (character, image) for each record of a .gnt file, in its order.

    An image is a uint8 array (height, width), 0 black ink, 255 white paper. Raises
    CourseError with the number of the record and its byte offset when the file is
    cut short or damaged.
    """
    path = Path(path)
    for character, image, _ in _gnt_records(path):
        yield character, image


def import_casia(source, target, characters: Iterable[str] | None = None) -> Path:
    """Bring real CASIA data into the course's layout; return the folder that has it.

    `source` is one of

    1. a folder in the layout, at any depth: nothing is copied, the folder that holds
       Train and Test is returned, and `target` and `characters` play no part;
    2. a .zip of such a folder: its images are copied byte for byte;
    3. a folder, searched with all its subfolders, of .gnt files (HWDB 1.0 to 1.2):
       each record becomes an 8-bit grey PNG, numbered from 1 for each character in
       the sorted order of the files. "trn" or "train", "tst" or "test" in a file's
       path, nearest to the file first, says which half it belongs to. One .gnt file
       is taken too, but a file holds one half only, which is refused.

    For 2 and 3, `characters` says which to keep (None: all); one that the source does
    not have is left out. `target` is written completely or not at all. If it already
    holds this very import, it is returned as it is; if it holds anything else,
    CourseError.
    """
    source, target = Path(source), Path(target)
    keep = None if characters is None else {folder_name(c) for c in characters}
    with reading(source):
        is_folder, exists = source.is_dir(), source.exists()
    if not exists:
        raise CourseError(f"{source} does not exist: check the path of the CASIA data.")
    if is_folder:
        layout = find_layout(source)
        if layout is not None:
            return layout
        files = _gnt_files(source)
        if not files:
            raise CourseError(
                f"{source} holds no CASIA data: expected {LAYOUT}, or .gnt files "
                "(unpack downloaded archives first)."
            )
        images = _gnt_images(_split(files, source), keep)
    elif source.suffix.lower() == ".gnt":
        files = [source]
        images = _gnt_images(_split(files, source.absolute().parent), keep)
    elif source.suffix.lower() == ".zip":
        files = [source]
        images = _zip_images(source, keep)
    else:
        raise CourseError(
            f"{source} is neither a folder nor a .zip nor a .gnt file: give {LAYOUT}, "
            "a zip of it, or a folder of .gnt files."
        )
    record = _source_record(source, files, keep)
    with suppress(OSError):
        target.rmdir()  # an empty folder is no obstacle; anything else stays
    if target.exists():
        _require_same_import(target, record, source)
        return target
    with write_folder(target) as partial, closing(images):
        _write_images(images, partial, source)
        (partial / SOURCE_RECORD).write_text(record, encoding="utf-8")
    # Another process may have completed the target first: with the same data?
    _require_same_import(target, record, source)
    return target


# Folders


def _subfolders(folder):
    """Visible folders in `folder`, sorted."""
    return sorted(f for f in folder.iterdir() if not is_junk(f.name) and f.is_dir())


def _is_layout(folder):
    sides = [folder / side for side in SIDES]
    with suppress(OSError):
        if not all(side.is_dir() for side in sides):
            return False
        return all(
            any(_is_image(f.name) for c in _subfolders(side) for f in c.iterdir()) for side in sides
        )
    return False


def _is_image(name):
    return not is_junk(name) and name.lower().endswith(SUFFIXES)


def _code(character):
    return f"U+{ord(character):04X}"


def _safe_name(name):
    """`name` in NFC, without what Windows cannot use in the name of a file."""
    name = unicodedata.normalize("NFC", name)
    name = "".join(
        _code(c) if c in '<>:"/\\|?*' or unicodedata.category(c) in ("Cc", "Cs") else c
        for c in name
    )
    if name.endswith((".", " ")):
        name = name[:-1] + _code(name[-1])
    return name


# Reading and writing


def _write_images(images, folder, source):
    """Write (name relative to `folder`, bytes or array) pairs; both sides must occur.

    OSErrors are left to `write_folder`, which explains them.
    """
    made, sides = set(), set()
    for name, content in images:
        path = folder / name
        try:
            if path.parent not in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.add(path.parent)
                sides.add(path.parent.parent.name)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                Image.fromarray(content).save(path, format="PNG")
        except UnicodeEncodeError as error:
            raise CourseError(
                f"Python cannot write the name {ascii(name)} here: set the environment "
                "variable PYTHONUTF8=1 and run this again."
            ) from error
    for side in SIDES:
        if side not in sides:
            raise CourseError(
                f"{source} was not imported: it holds none of the characters asked "
                f"for in its {side} part."
            )


def _source_record(source, files, keep):
    """What identifies an import: its files (name, bytes, ns of change), its filter."""
    with reading(source):
        stats = [(f, f.stat()) for f in files]
    base = source if source.is_dir() else source.parent
    return json.dumps(
        {
            "files": [[f.relative_to(base).as_posix(), s.st_size, s.st_mtime_ns] for f, s in stats],
            "characters": None if keep is None else sorted(keep),
        }
    )


def _require_same_import(target, record, source):
    try:
        found = (target / SOURCE_RECORD).read_text(encoding="utf-8")
    except (OSError, ValueError):
        found = None
    if found != record:
        raise CourseError(
            f"{target} already exists and holds something else than this import of "
            f"{source}: rename or delete it, then run this again."
        )


# .gnt files


def _gnt_records(path, keep=None):
    """Yield (character, image, bytes of the record) for each record of a .gnt file.

    With `keep`, a set of folder names, the image of any other character is None: its
    bitmap is stepped over, not read.
    """

    def damaged(what):
        return CourseError(
            f"{path} is damaged: record {number}, at byte {offset}, {what}; copy or "
            "download the file again."
        )

    with reading(path), path.open("rb", buffering=2**20) as file:
        total = os.fstat(file.fileno()).st_size
        number, offset = 1, 0
        if total == 0:
            raise damaged("is missing, because the file is empty")
        while offset < total:
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                raise damaged("is cut off")
            size, code, width, height = _HEADER.unpack(header)
            if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE) or (
                size != _HEADER.size + width * height
            ):
                raise damaged(f"has an impossible size ({width} x {height} pixels in {size} bytes)")
            character = _decode(code)
            if character is None:
                raise damaged(f"has an unknown character code (0x{code.hex().upper()})")
            if offset + size > total:
                raise damaged("is cut off")
            image = None
            if keep is None or folder_name(character) in keep:
                image = np.empty((height, width), np.uint8)
                if file.readinto(image) != image.size:
                    raise damaged("is cut off")
            else:
                file.seek(width * height, os.SEEK_CUR)
            yield character, image, size
            number, offset = number + 1, offset + size


@lru_cache(maxsize=10_000)
def _decode(code):
    """The character of a two-byte tag, None when it is none."""
    with suppress(UnicodeDecodeError):
        character = code.removesuffix(b"\0").decode("gbk")
        if len(character) == 1 and character.isprintable():
            return character
    return None


def _gnt_files(folder):
    """All .gnt files below `folder`, sorted by their path relative to it."""

    def stop(error):
        raise error

    found = []
    with reading(folder):
        for parent, folders, names in os.walk(folder, onerror=stop):
            folders[:] = [name for name in folders if not is_junk(name)]
            found += [
                Path(parent, name)
                for name in names
                if name.lower().endswith(".gnt") and not is_junk(name)
            ]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _split(files, base):
    """{"Train": files, "Test": files}, decided by the names of files and folders.

    Only `base` and what is below it count: a home folder called "latest" says nothing.
    """
    sides = {side: [] for side in SIDES}
    for file in files:
        parts = (
            base.absolute().name,
            *file.absolute().relative_to(base.absolute()).parts,
        )
        for part in reversed(parts):
            matches = [
                side for side, words in SIDES.items() if any(word in part.lower() for word in words)
            ]
            if len(matches) == 1:
                sides[matches[0]].append(file)
                break
        else:
            raise CourseError(
                f"{file} is not known to be Train or Test: put it into a folder whose "
                "name contains trn or tst, as in HWDB1.1trn_gnt and HWDB1.1tst_gnt."
            )
    for side, other in (("Train", "Test"), ("Test", "Train")):
        if not sides[side]:
            raise CourseError(
                f"{base} gives only {other} images: give a folder that also holds "
                f"{side} .gnt files, in a folder whose name contains "
                f"{SIDES[side][0]}, as in HWDB1.1{SIDES[side][0]}_gnt."
            )
    return sides


def _gnt_images(sides, keep):
    """Yield (Train|Test/<folder>/<n>.png, image) for .gnt files split into sides."""
    with reading(sides["Train"][0]):
        total = sum(f.stat().st_size for files in sides.values() for f in files)
    with progress(total=total, unit="B", unit_scale=True, desc="CASIA") as bar:
        for side, files in sides.items():
            counts = Counter()
            for file in files:
                for character, image, size in _gnt_records(file, keep):
                    if image is not None:
                        name = folder_name(character)
                        counts[name] += 1
                        yield f"{side}/{name}/{counts[name]}.png", image
                    bar.update(size)


# Zip archives


def _zip_images(path, keep):
    """Yield (Train|Test/<folder>/<file>, bytes) for the images of a zip archive."""
    with open_zip(path, MAX_FILE) as (entries, read):
        plan = _zip_plan(path, entries, keep)
        for name, entry in progress(plan.items(), unit=" images", desc="CASIA"):
            yield name, read(entry)


def _zip_plan(path, entries, keep):
    """{name to write: name in the archive} of the images in the layout."""
    candidates = {}  # folder that holds Train or Test: {side: images in it}
    for entry in filter(_is_image, entries):
        *root, side, character, file = ("", "", *entry.split("/"))
        if side in SIDES:
            sides = candidates.setdefault(tuple(root), {side: [] for side in SIDES})
            sides[side].append((f"{side}/{folder_name(character)}/{_safe_name(file)}", entry))
    complete = [root for root, sides in candidates.items() if all(sides.values())]
    if not complete:
        hint = ""
        if any(entry.lower().endswith(".gnt") for entry in entries):
            hint = "; it holds .gnt files: unpack it and give the unpacked folder"
        raise CourseError(f"{path} does not hold {LAYOUT}{hint}.")
    sides = candidates[min(complete, key=lambda root: (len(root), root))]
    plan, seen = {}, set()
    for name, entry in [image for side in SIDES for image in sides[side]]:
        if keep is not None and name.split("/")[1] not in keep:
            continue
        if name.casefold() in seen:  # one file on Windows and macOS
            raise CourseError(f"{path} was not imported: it holds {entry!r} twice.")
        seen.add(name.casefold())
        plan[name] = entry
    return plan
