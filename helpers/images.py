"""Loads folders of images into one array, fast, with a cache.

The pixels are those of the lecture's loop, file by file:

    np.asarray(Image.open(file).convert("L").resize((60, 80), Image.LANCZOS))

but large folders are read by several processes at once, and the second time all
comes from one file in the cache. Workers are fresh Python processes that import
nothing but Pillow (see `pixels`), so they are safe in notebooks and in scripts
without a `__main__` guard; where they cannot start, this process reads all.
"""

import array
import csv
import hashlib
import io
import json
import marshal
import os
import re
import struct
import subprocess
import sys
import threading
import time
import unicodedata
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL
from tqdm import tqdm

from helpers import pixels
from helpers.files import COURSE, CourseError, cache_folder, write_file
from helpers.parallel import cores

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
JUNK = {"__MACOSX", "__pycache__", "$RECYCLE.BIN", "System Volume Information"}
SPLITS = {"train", "test", "val", "validation"}
LABELS = "labels.csv"
DIGITS = re.compile(r"(\d+)")

CHUNK = 64
"""Files that one process reads before it asks for more."""

FILES_A_WORKER = 1000
"""Another process pays off only for so many files: starting it costs about 0.1 s."""

MAX_WORKERS = 8

TICK = 0.02
"""Seconds; at least the step of a file system's time stamps."""


class Images(NamedTuple):
    """All images of a folder. `X[i]` is the file `files[i]` of class `names[y[i]]`."""

    X: np.ndarray
    """(n, height, width, 1) uint8: 0 is black ink, 255 white paper."""
    y: np.ndarray
    """(n,) int64: index into `names`."""
    names: list[str]
    """Class names, sorted, in Unicode's composed form (NFC)."""
    files: list[str]
    """Path of each image relative to the folder, with `/`, in the order of X."""


def read_image(path, height=80, width=60) -> np.ndarray:
    """One image file as a (height, width) uint8 array, in grey.

    Transparent pixels show white paper; 16-bit values are scaled, not clipped.
    Raises CourseError when the file cannot be read or is not an image.
    """
    _check_size(height, width)
    grey = _read(on_disk(path), height, width)
    return np.frombuffer(grey, np.uint8).reshape(height, width).copy()


def load_folder(folder, height=80, width=60, cache=True, workers=None) -> Images:
    """Load `folder/<class>/<image>` as one array, each image as by `read_image`.

    Classes come by sorted name, files within a class in natural order (2.png before
    10.png). Class names are the folders' names, or those that a `labels.csv` (columns
    folder,character; in `folder` or beside it) gives. Hidden files and files that are
    not images by their names are left out.

    With `cache`, the result is kept in the course's cache folder, and used as long as
    no file is added, removed, renamed or changed: judged by names, sizes, and times of
    change. `workers` is the number of processes, this one included; None chooses.
    Raises CourseError, one sentence, when anything is not as it must be.
    """
    _check_size(height, width)
    folder = on_disk(folder)
    classes, labels = _classes(folder)
    with ThreadPoolExecutor(1) as aside:
        if cache:
            # Read at once, while we look at the files; it is checked below.
            kept = _cache_file(folder, height, width)
            reading = aside.submit(_read_cache, kept, height, width)
        listing = {name: _image_files(path, with_stat=cache) for name, path in classes.items()}
    if cache:
        fingerprint, newest = _fingerprint(classes, listing, labels)
        try:
            kept_fingerprint, images = reading.result()
            if kept_fingerprint == fingerprint:
                return images
        except FileNotFoundError:
            pass  # nothing is kept yet
        except (OSError, ValueError):
            _say(f"The cache file {kept.name} is damaged: reading the images again.")
        if 0 <= time.time() - newest < TICK:
            # So that a change made while we read gets another time stamp.
            time.sleep(TICK)

    files = [
        f"{path.name}/{file}"
        for name, path in classes.items()
        for file in sorted((file for file, _ in listing[name]), key=_natural)
    ]
    X = _read_all(folder, files, height, width, workers)
    counts = [len(entries) for entries in listing.values()]
    images = _images(X, counts, list(classes), files)
    if cache:
        _write_cache(kept, fingerprint, images, counts)
    return images


def class_folders(folder) -> dict[str, Path]:
    """The class folders in `folder`: class name -> path, sorted by class name.

    Raises CourseError when there are none, when two have the same name, or when a
    `labels.csv` does not fit them.
    """
    return _classes(on_disk(folder))[0]


def require_same_classes(**named) -> None:
    """Raise CourseError unless all have the same class names in the same order.

    `require_same_classes(Train=train, Test=test)`, with Images or lists of names.
    Only then does a number in `y` mean the same class everywhere.
    """
    lists = {
        what: list(given.names if isinstance(given, Images) else given)
        for what, given in named.items()
    }
    for what, names in list(lists.items())[1:]:
        first, expected = next(iter(lists.items()))
        if names == expected:
            continue
        differences = [
            f"only {who} has {_some(sorted(only))}"
            for who, only in (
                (first, set(expected) - set(names)),
                (what, set(names) - set(expected)),
            )
            if only
        ] or ["their order or number differs"]
        raise CourseError(
            f"{first} and {what} do not have the same classes "
            f"({'; '.join(differences)}): give both the same class folders."
        )


# --- Folders and names -------------------------------------------------------------


def _check_size(height, width):
    for what, value in (("height", height), ("width", width)):
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise CourseError(f"{what} must be a positive integer, not {value!r}.")


def on_disk(path):
    """An absolute path as this system spells it.

    Under a locale that is not UTF-8, Python lists 人 as escaped bytes and cannot open
    a path that spells it out.
    """
    path = os.fspath(path)
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        path = os.fsdecode(path.encode("utf-8"))
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 (keeps links)


def _shown(path):
    """A path as text that can be printed."""
    return os.fsencode(Path(path)).decode("utf-8", "replace")


def _class_name(name, path):
    """The class that a folder's name spells: UTF-8 whatever the locale, and NFC."""
    try:
        return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8"))
    except UnicodeDecodeError:
        raise CourseError(
            f"The name of the class folder {_shown(path)} is not UTF-8: rename it, or "
            "unpack the archive again with a tool that knows its encoding."
        ) from None


def _some(names, most=5):
    """The first few names, and how many others."""
    others = f" and {len(names) - most} others" if len(names) > most else ""
    return ", ".join(names[:most]) + others


def _natural(name):
    """Sort key by which 2.png comes before 10.png."""
    parts = DIGITS.split(name)
    return [int(p) if i % 2 else p.casefold() for i, p in enumerate(parts)], name


def _unreadable(path, error):
    return CourseError(
        f"{_shown(path)} cannot be read ({error.strerror or error}): check its name "
        "and its permissions, then run this again."
    )


def _subfolders(folder):
    """Paths of the folders in `folder`, without hidden ones and desktop junk."""
    try:
        with os.scandir(folder) as entries:
            return [
                folder / entry.name
                for entry in entries
                if entry.name[0] != "." and entry.name not in JUNK and entry.is_dir()
            ]
    except FileNotFoundError:
        raise CourseError(
            f"There is no folder {_shown(folder)}: check its name and where it is."
        ) from None
    except NotADirectoryError:
        raise CourseError(
            f"{_shown(folder)} is a file, not a folder: give the folder that holds the "
            "class folders (unpack it first if this is an archive)."
        ) from None
    except OSError as error:
        raise _unreadable(folder, error) from error


def _splits(folders):
    """The train folder among `folders`, if they are the parts of a data set."""
    names = {path.name.casefold(): path for path in folders}
    return names.get("train") if names.keys() <= SPLITS else None


def _classes(folder):
    """Class name -> path, sorted by name; and the bytes of labels.csv, or b""."""
    folders = _subfolders(folder)
    train = _splits(folders)
    if train:
        raise CourseError(
            f"{_shown(folder)} holds the parts of a data set, not class folders: "
            f"pass {_shown(train)}, and the other parts one by one."
        )
    if not folders:
        raise CourseError(
            f"{_shown(folder)} holds no class folders: it should hold one folder for "
            "each class, with that class's images in it, as in Train/人/1.png."
        )
    characters, labels = _labels(folder, folders)
    classes = {}
    for path in folders:
        name = _class_name(path.name, path)
        name = characters[name] if characters else name
        if name in classes:
            raise CourseError(
                f"The class folders {_shown(classes[name])} and {_shown(path)} stand "
                f"for one class, {name} ({ascii(classes[name].name)} and "
                f"{ascii(path.name)}): move all images into one of them and delete "
                "the other."
            )
        classes[name] = path
    return dict(sorted(classes.items())), labels


def _labels(folder, folders):
    """Folder name -> character from labels.csv; and the bytes of that file.

    ({}, b"") when neither `folder` nor its parent holds one.
    """
    for path in (folder / LABELS, folder.parent / LABELS):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unreadable(path, error) from error
        try:
            rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
            pairs = [(row["folder"].strip(), row["character"].strip()) for row in rows]
        except UnicodeDecodeError:
            raise CourseError(
                f"{_shown(path)} is not UTF-8: save it as UTF-8, or delete it if the "
                "folders' names are the class names."
            ) from None
        except (KeyError, AttributeError, csv.Error):
            pairs = []
        if not pairs or not all(a and b for a, b in pairs):
            raise CourseError(
                f"{_shown(path)} is not a table of labels: it must have the columns "
                "folder,character, and both in every row."
            )
        characters = {
            unicodedata.normalize("NFC", a): unicodedata.normalize("NFC", b) for a, b in pairs
        }
        if len(characters) < len(pairs):
            raise CourseError(
                f"{_shown(path)} names a folder twice: leave one row for each folder."
            )
        found = {_class_name(p.name, p) for p in folders}
        for what, names in (
            ("has no row for the folder", sorted(found - characters.keys())),
            (
                "names a folder that is missing:",
                sorted(characters.keys() - found),
            ),
        ):
            if names:
                raise CourseError(
                    f"{_shown(path)} does not fit the folders in {_shown(folder)}; it "
                    f"{what} {_some(names)}: correct the table or the folders."
                )
        return characters, data
    return {}, b""


def _image_files(folder, with_stat):
    """(name, stat result or None) of each image in a class folder, in no order."""
    try:
        with os.scandir(folder) as entries:
            found = [
                (entry.name, entry.stat() if with_stat else None)
                for entry in entries
                if entry.name[0] != "."
                and entry.name.lower().endswith(SUFFIXES)
                and not entry.is_dir()
            ]
    except OSError as error:
        raise _unreadable(error.filename or folder, error) from error
    if not found:
        train = _splits(_subfolders(folder))
        advice = (
            f"pass {_shown(train)} to load a data set's training part"
            if train
            else "put images into it, or delete the folder"
        )
        raise CourseError(
            f"The class folder {_shown(folder)} holds no images ({' '.join(SUFFIXES)}): {advice}."
        )
    return found


# --- Reading -----------------------------------------------------------------------


def _read(path, height, width):
    """Grey bytes of one file, or CourseError."""
    try:
        return pixels.pixels(pixels.read_bytes(path), height, width)
    except pixels.BadImage as error:
        raise CourseError(f"{_shown(path)} {error}.") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _read_all(folder, files, height, width, workers):
    """Pixels of all files, (n, height, width, 1) uint8, read by several processes."""
    try:
        X = np.empty((len(files), height, width, 1), np.uint8)
    except MemoryError:
        raise CourseError(
            f"The {len(files):,} images of {_shown(folder)} at {height} x {width} do "
            "not fit into memory: load them smaller, or fewer."
        ) from None
    if workers is None:
        workers = min(cores(), MAX_WORKERS, 1 + len(files) // FILES_A_WORKER)
    job = _Job(folder, files, X)
    processes, threads = [], []
    try:
        for _ in range(workers - 1):
            process = _start_worker()
            if process is None:
                break
            processes.append(process)
            threads.append(threading.Thread(target=job.feed, args=(process,), daemon=True))
            threads[-1].start()
        name = f"Loading {_shown(folder.name)}"
        with tqdm(total=len(files), desc=name, unit=" images", delay=1) as bar:
            job.read_here(bar)
            for process in processes:
                if process not in job.ready:
                    process.kill()  # all is done before it has started
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.1)
                    job.show(bar)
            job.read_again()
            job.show(bar)
    finally:
        job.stop = True
        for process in processes:
            process.kill()
        for thread in threads:
            thread.join()
        for process in processes:
            process.communicate()
    return X


def _start_worker():
    """A Python process that runs `pixels.serve`, or None where none can start.

    Not multiprocessing: its "spawn" runs the user's script again, and its "fork"
    copies a TensorFlow whose threads are running.
    """
    python = Path(sys.executable or "")
    is_python = python.name.lower().startswith("python")
    if getattr(sys, "frozen", False) or not is_python:
        return None  # Python inside another program: do not start that again
    paths = [str(COURSE), *(path for path in sys.path if isinstance(path, str))]
    code = "import sys; sys.path[:] = sys.argv[1:]; import helpers.pixels as p; p.serve()"
    try:
        return subprocess.Popen(
            [python, "-I", "-S", "-c", code, *paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, ValueError):
        return None


class _Job:
    """The files of one load in chunks, taken in order by whoever is free.

    A chunk that a worker cannot finish (it died, or a file is bad) is read again by
    this process, in order; so the first bad file is named, whoever met one first.
    """

    def __init__(self, folder, files, X):
        self.folder, self.files, self.X = folder, files, X
        self.height, self.width = X.shape[1:3]
        self.todo = deque(range(0, len(files), CHUNK))
        self.done, self.again, self.ready = [], [], set()
        self.stop = False

    def take(self):
        """Index of the first file of the next chunk; None if nothing is left."""
        try:
            return None if self.stop else self.todo.popleft()
        except IndexError:
            return None

    def paths(self, start):
        return [f"{self.folder}/{file}" for file in self.files[start : start + CHUNK]]

    def store(self, start, grey):
        """Put a chunk's bytes where they belong; ValueError if some are missing."""
        block = self.X[start : start + CHUNK]
        block[...] = np.frombuffer(grey, np.uint8).reshape(block.shape)
        self.done.append(start)

    def read(self, start):
        """Read one chunk in this process."""
        grey = []
        for i, path in enumerate(self.paths(start), start):
            try:
                grey.append(_read(path, self.height, self.width))
            except CourseError as error:
                raise CourseError(
                    f"{str(error).rstrip('.')} ({i:,} files were read before it)."
                ) from error
        self.store(start, b"".join(grey))

    def read_here(self, bar):
        """Read chunks in this process until none is left or a file is bad."""
        while (start := self.take()) is not None:
            try:
                self.read(start)
            except CourseError:
                self.again.append(start)
                self.stop = True
            self.show(bar)

    def read_again(self):
        """Read what is left, in order; raises CourseError at the first bad file."""
        for start in sorted([*self.again, *self.todo]):
            self.read(start)

    def feed(self, process):
        """Let a worker process read chunks until none is left (runs in a thread)."""
        start = None
        try:
            self.send(process, (self.height, self.width))
            if marshal.load(process.stdout) != pixels.READY:
                return
            self.ready.add(process)
            while (start := self.take()) is not None:
                self.send(process, [os.fsencode(path) for path in self.paths(start)])
                grey = marshal.load(process.stdout)
                if len(grey) < self.X[start : start + CHUNK].nbytes:
                    self.stop = True  # a bad file: the load is going to fail
                self.store(start, grey)
        except (OSError, EOFError, ValueError, TypeError):
            if start is not None:
                self.again.append(start)

    @staticmethod
    def send(process, message):
        marshal.dump(message, process.stdin)
        process.stdin.flush()

    def show(self, bar):
        bar.update(min(len(self.done) * CHUNK, len(self.files)) - bar.n)


def _images(X, counts, names, files):
    y = np.repeat(np.arange(len(names), dtype=np.int64), counts)
    return Images(X, y, names, files)


# --- The cache ---------------------------------------------------------------------
# One file for each folder and size: START, then the header (JSON: fingerprint, class
# names, counts), then the paths, then the pixels.

START = struct.Struct("<16sIQQQ")
"""Magic, CRC-32 of all that follows, bytes of header, of paths and of pixels."""

MAGIC = b"course images 1\n"


def _fingerprint(classes, listing, labels):
    """What a cached load depends on, as a digest; and the newest time stamp (s)."""
    digest = hashlib.sha256(f"{pixels.RECIPE} {PIL.__version__}\0".encode())
    digest.update(labels)
    newest = 0
    for name, path in classes.items():
        entries = sorted(listing[name])
        times = [s.st_mtime_ns for _, s in entries]
        if os.name != "nt":  # there, st_ctime is the time of creation
            times += [s.st_ctime_ns for _, s in entries]
        newest = max(newest, *times)
        names = [path.name, *(file for file, _ in entries)]
        sizes = [s.st_size for _, s in entries]
        digest.update(b"\0\0" + os.fsencode("\0".join(names)) + b"\0\0")
        digest.update(array.array("q", sizes + times).tobytes())
    return digest.hexdigest(), newest / 1e9


def _cache_file(folder, height, width):
    key = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:20]
    return cache_folder() / "images" / f"{key}-{height}x{width}.bin"


def _read_cache(path, height, width):
    """(fingerprint, Images) of a cache file; OSError or ValueError if damaged."""
    with path.open("rb") as file:
        start = file.read(START.size)
        if len(start) < START.size:
            raise ValueError("cut off")
        magic, crc, *lengths = START.unpack(start)
        size = os.fstat(file.fileno()).st_size
        if magic != MAGIC or size != START.size + sum(lengths):
            raise ValueError("not one of ours, or cut off")
        header, paths = file.read(lengths[0]), file.read(lengths[1])
        flat = np.empty(lengths[2], np.uint8)
        file.readinto(flat)
    if zlib.crc32(flat, zlib.crc32(paths, zlib.crc32(header))) != crc:
        raise ValueError("changed")
    about = json.loads(header)
    X = flat.reshape(-1, height, width, 1)
    files = os.fsdecode(paths).split("\0")
    images = _images(X, about["counts"], about["names"], files)
    return about["fingerprint"], images


def _write_cache(path, fingerprint, images, counts):
    """Keep the images for the next time; if that fails, say so and go on."""
    about = {
        "fingerprint": fingerprint,
        "names": images.names,
        "counts": counts,
    }
    header, paths = (
        json.dumps(about).encode(),
        os.fsencode("\0".join(images.files)),
    )
    flat = images.X.reshape(-1)
    crc = zlib.crc32(flat, zlib.crc32(paths, zlib.crc32(header)))
    try:
        with write_file(path) as partial, Path(partial).open("wb") as file:
            file.write(START.pack(MAGIC, crc, len(header), len(paths), flat.nbytes))
            file.write(header)
            file.write(paths)
            file.write(flat)
    except (CourseError, OSError) as error:
        _say(f"The images are loaded, but were not cached: {error}")


def _say(line):
    """Print, also where the terminal cannot show every character."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding))
