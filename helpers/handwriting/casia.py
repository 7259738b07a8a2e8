"""Reads real CASIA-HWDB: folders, zip archives and official .gnt files.

CASIA may not be redistributed, so the course cannot carry it: whoever has it gives
it in one of three forms, and `import_casia` brings it to the layout that the
notebooks read::

    Train/<character>/<n>.png
    Test/<character>/<n>.png

What people have differs from it: `train` and `test`, `CASIA-HWDB_Train/Train` beside
`CASIA-HWDB_Test/Test`, two zip archives. The words in `images.PARTS` tell what is meant.

The .gnt layout is the one published with CASIA-HWDB 1.0 to 1.2 (Liu, Yin, Wang and
Wang, "CASIA Online and Offline Chinese Handwriting Databases", ICDAR 2011): records
without a file header, each of

    u32 size of the record in bytes, little-endian: 10 + width * height
    2 bytes, the character in GB2312/GBK; a one-byte symbol is followed by a 0
    u16 width, u16 height, in pixels, little-endian
    height * width bytes, row by row: 0 is black ink, 255 is white paper

Each file is by one writer, whose number its name begins with, as in `1001-c.gnt`.
"""

import csv
import json
import os
import re
import struct
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.archives import open_zip
from helpers.files import (
    CourseError,
    fold,
    is_junk,
    progress,
    reading,
    say,
    some,
    to_unpack,
    write_folder,
)
from helpers.images import class_name, is_image, left_out, part

SIDES = {"Train": ("trn", "train"), "Test": ("tst", "test")}
"""The two halves, and what a path of a .gnt file contains that belongs to each."""

LAYOUT = (
    "a folder with Train/<character>/<n>.png and Test/<character>/<n>.png, as in "
    "CASIA-Dataset/Train/人/1.png"
)

MAX_DEPTH = 5
"""How many levels down the folders of the two halves may lie."""

MAX_SIDE = 1000
"""Largest believable width or height of one character, in pixels."""

MAX_FILE = 5_000_000
"""Bytes; more than the image of any character has."""

SOURCE_RECORD = ".source.json"
"""File in an imported folder that says what it was imported from."""

WRITERS = "writers.csv"
"""File beside the two halves that says who wrote what: its columns are file, writer."""

_ONE_WRITER = re.compile(r"(\d+)-\w+")

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


def find_halves(folder) -> dict[str, Path]:
    """{"Train": its folder of characters, "Test": the other} at or below `folder`, or {}.

    Each must hold a folder of a character with an image in it, and be Train or Test by its
    own name or one above it. Those that lie closest together count, of such pairs the
    one nearest to `folder`. Folders that may not be listed are passed over, except
    `folder` itself. Raises CourseError for that, and where two pairs are as near.
    """
    folder = Path(folder)
    for found in _places(folder):
        if halves := _nearest(folder, found):
            return {side: folder.joinpath(*place) for side, place in halves.items()}
    return {}


def _places(folder):
    """Yield, level by level, the places of parts found so far: each has classes with images."""
    level, found = [()], []
    for depth in range(MAX_DEPTH + 1):
        below = []
        for place in level:
            here = folder.joinpath(*place)
            try:
                inside = _subfolders(here) if depth else _top(folder)
                if _side(place) and any(is_image(f.name) for c in inside for f in c.iterdir()):
                    found.append(place)
                    continue
            except OSError:
                continue
            below += [(*place, f.name) for f in inside]
        level = below
        yield found


def find_layout(folder) -> Path | None:
    """The folder at or below `folder` that both of `find_halves` lie in, or None."""
    halves = find_halves(folder)
    return Path(os.path.commonpath(halves.values())) if halves else None


def is_official(source) -> bool:
    """Would `import_casia` read .gnt files here, which hold thousands of characters?"""
    source = Path(source)
    if not source.is_dir():
        return source.suffix.lower() == ".gnt"
    return not find_halves(source) and bool(_gnt_files(source))


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

    1. a folder in the layout (see `find_halves`): nothing is copied, the folder that both
       halves lie in is returned, and `target` and `characters` play no part;
    2. a .zip of such a folder, or a folder of such .zip files, whose names count as those
       of folders: its images are copied byte for byte;
    3. a folder, searched with all its subfolders, of .gnt files (HWDB 1.0 to 1.2):
       each record becomes an 8-bit grey PNG, numbered from 1 for each character in
       the sorted order of the files, and `writers.csv` says who wrote each, if all
       names of files do. "trn" or "train", "tst" or "test" in a file's
       path, nearest to the file first, says which half it belongs to. One .gnt file
       is taken too, but a file holds one half only, which is refused.

    For 2 and 3, `characters` says which to keep (None: all); one that the source does
    not have is left out. `target` is written completely or not at all. If it already
    holds this very import, it is returned as it is; if it holds anything else,
    CourseError.
    """
    source, target, writers = Path(source), Path(target), []
    keep = None if characters is None else {folder_name(c) for c in characters}
    with reading(source):
        is_folder, exists = source.is_dir(), source.exists()
    if not exists:
        raise CourseError(f"{source} does not exist: check the path of the CASIA data.")
    if is_folder:
        layout = find_layout(source)
        if layout is not None:
            return layout
        files, zips = _gnt_files(source), _zip_files(source)
        if files:
            images = _gnt_images(_split(files, source), keep, writers)
        elif zips:
            files, images = zips, _zip_images(source, zips, keep)
        else:
            raise CourseError(f"{source} holds no CASIA data: {_missing(source)}.")
    elif source.suffix.lower() == ".gnt":
        files = [source]
        images = _gnt_images(_split(files, source.absolute().parent), keep, writers)
    elif source.suffix.lower() == ".zip":
        files = [source]
        images = _zip_images(source, files, keep)
    else:
        advice = to_unpack([source.name]) or (
            f"give {LAYOUT}, a zip of it, or a folder of .gnt files"
        )
        raise CourseError(f"{source} is neither a folder nor a .zip nor a .gnt file: {advice}.")
    record = _source_record(source, files, keep)
    with suppress(OSError):
        target.rmdir()  # an empty folder is no obstacle; anything else stays
    if target.exists():
        _require_same_import(target, record, source)
        return target
    with write_folder(target) as partial, closing(images):
        _write_images(images, partial, source)
        _write_writers(writers, partial)
        (partial / SOURCE_RECORD).write_text(record, encoding="utf-8")
    # Another process may have completed the target first: with the same data?
    _require_same_import(target, record, source)
    return target


# Folders


def _subfolders(folder):
    """Visible folders in `folder`, sorted."""
    return sorted(f for f in folder.iterdir() if not is_junk(f.name) and f.is_dir())


def _top(folder):
    """As `_subfolders`; CourseError where it may not be listed."""
    with reading(folder):
        return _subfolders(folder) if folder.is_dir() else []


def _side(place):
    """Train, Test or another part: what the names of a place say, the nearest first; or ""."""
    return next(filter(None, map(part, reversed(place))), "").title()


def _nearest(source, places):
    """{"Train": place, "Test": place} of the two that belong together, or {}.

    A place is a tuple of names of folders. Raises CourseError where that is not decided.
    """
    pairs, most = [], 100  # a folder for each image would give millions
    for train in [place for place in places if _side(place) == "Train"][:most]:
        for test in [place for place in places if _side(place) == "Test"][:most]:
            common = os.path.commonprefix([train, test])
            own = [place[len(common) :] for place in (train, test)]
            if [_side(place) for place in own] == ["Train", "Test"]:
                exact = fold(train[-1]) == "train" and fold(test[-1]) == "test"
                rank = len(own[0]) + len(own[1]), not exact, len(common)
                pairs.append((rank, {"Train": train, "Test": test}))
    nearest = [halves for rank, halves in pairs if rank == min(pairs, key=itemgetter(0))[0]]
    if len(nearest) > 1:
        listed = sorted({"/".join(place) for halves in nearest for place in halves.values()})
        raise CourseError(
            f"{source} holds more than one Train or Test ({some(listed)}): give a folder with one "
            "of each."
        )
    return nearest[0] if nearest else {}


def _missing(source):
    """What a folder without CASIA data holds in its place, and what is expected."""
    with reading(source):
        names = [path.relative_to(source).as_posix() for path in _walk(source)]
    if advice := to_unpack(sorted(names)):
        return advice
    *_, found = _places(source)
    known = [f"{_side(place)} in {'/'.join(place)}" for place in found]
    holds = f"it holds only {some(known)}; " if known else ""
    if not known and any(is_image(f.name) for c in _subfolders(source) for f in c.iterdir()):
        holds = "its folders of images are not in Train and Test; "
    return f"{holds}expected {LAYOUT}, or .gnt files (unpack downloaded archives first)"


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
                f"for in its {side} part (COURSE_CHARACTERS=all takes all that it holds)."
            )


def _write_writers(writers, folder):
    """Write (file, number of its writer) pairs, unless there are none or one is unknown."""
    if writers and all(number is not None for _, number in writers):
        with (folder / WRITERS).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("file", "writer"), *sorted(writers)])


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
    with reading(folder):
        found = [path for path in _walk(folder) if path.suffix.lower() == ".gnt"]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _walk(folder):
    """All files below a folder but junk."""

    def stop(error):
        raise error

    for parent, folders, names in os.walk(folder, onerror=stop):
        folders[:] = [name for name in folders if not is_junk(name)]
        yield from (Path(parent, name) for name in names if not is_junk(name))


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
        for name in map(fold, reversed(parts)):
            matches = [side for side, words in SIDES.items() if any(word in name for word in words)]
            if len(matches) == 1:
                sides[matches[0]].append(file)
                break
        else:
            raise CourseError(
                f"{file} is not known to be Train or Test: put it into a folder whose "
                "name contains trn or tst, as in HWDB1.1trn_gnt and HWDB1.1tst_gnt, or move it "
                "elsewhere."
            )
    for side, other in (("Train", "Test"), ("Test", "Train")):
        if not sides[side]:
            with reading(base):
                names = sorted(path.relative_to(base).as_posix() for path in _walk(base))
            advice = to_unpack(names) or (
                f"give a folder that also holds {side} .gnt files, in a folder whose name "
                f"contains {SIDES[side][0]}, as in HWDB1.1{SIDES[side][0]}_gnt"
            )
            raise CourseError(f"{base} gives only {other} images: {advice}.")
    return sides


def _gnt_images(sides, keep, writers):
    """Yield (Train|Test/<folder>/<n>.png, image) for .gnt files split into sides.

    Each name is appended to the list `writers`, with the writer's number or None.
    """
    with reading(sides["Train"][0]):
        total = sum(f.stat().st_size for files in sides.values() for f in files)
    with progress(total=total, unit="B", unit_scale=True, desc="CASIA") as bar:
        for side, files in sides.items():
            counts = Counter()
            for file in files:
                number = _ONE_WRITER.fullmatch(file.stem)
                for character, image, size in _gnt_records(file, keep):
                    if image is not None:
                        folder = folder_name(character)
                        counts[folder] += 1
                        name = f"{side}/{folder}/{counts[folder]}.png"
                        writers.append((name, number and int(number[1])))
                        yield name, image
                    bar.update(size)


# Zip archives


def _zip_files(folder):
    """The .zip files in a folder, sorted."""
    with reading(folder):
        found = [f for f in folder.iterdir() if f.suffix.lower() == ".zip" and not is_junk(f.name)]
    return sorted(found)


def _zip_images(source, paths, keep):
    """Yield (Train|Test/<folder>/<file>, bytes) for the images of zip archives.

    Of several, each counts as a folder of its own name.
    """
    with ExitStack() as stack:
        entries = {}
        for path in paths:
            names, read = stack.enter_context(open_zip(path, MAX_FILE))
            above = () if path == source else (path.stem,)
            entries |= {(*above, *name.split("/")): (read, name) for name in names}
        plan = _zip_plan(source, entries, keep)
        for name, (read, entry) in progress(plan.items(), unit=" images", desc="CASIA"):
            yield name, read(entry)


def _zip_plan(source, entries, keep):
    """{name to write: entry} of the images in the layout. `entries`: by their places."""
    places = {}  # of folders of characters: their files
    for names in entries:
        if len(names) > 2 and _side(names[:-2]):
            places.setdefault(names[:-2], []).append(names)
    halves = _nearest(
        source,
        [
            place
            for place, files in places.items()
            if any(is_image(names[-1]) for names in files)
            and not any(place[:length] in places for length in range(len(place)))
        ],
    )
    if not halves:
        hints = [to_unpack(sorted("/".join(names) for names in entries))]
        if any(names[-1].lower().endswith(".gnt") for names in entries):
            gnt = "it holds .gnt files: unpack it and give the unpacked folder"
            several = "its archives hold .gnt files: unpack them, each into a folder"
            hints.insert(0, several if source.is_dir() else gnt)
        elif known := sorted({_side(place) for place in places}):
            hints.insert(0, f"it holds only {some(known)}")
        raise CourseError(
            f"{'; '.join([f'{source} does not hold {LAYOUT}', *filter(None, hints)])}."
        )
    plan, seen, others = {}, set(), []
    for side, place in halves.items():
        for names in places[place]:
            character, file = names[-2:]
            name = f"{side}/{folder_name(class_name(character))}/{_safe_name(file)}"
            if keep is not None and name.split("/")[1] not in keep:
                continue
            if not is_image(file):
                others.append("/".join(names))
                continue
            if name.casefold() in seen:  # one file on Windows and macOS
                entry = entries[names][1]
                raise CourseError(f"{source} was not imported: it holds {entry!r} twice.")
            seen.add(name.casefold())
            plan[name] = entries[names]
    if others:
        say(left_out(others, source))
    return plan
