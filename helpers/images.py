"""Loads folders of images into one array, fast, with a cache.

The pixels are those of the lecture's loop, file by file:

    np.asarray(Image.open(file).convert("L").resize((60, 80), Image.LANCZOS))

but several threads read large folders (Pillow computes without Python's lock), and the
second time all comes from one file in the cache.
"""

import array
import csv
import hashlib
import io
import json
import os
import sys
import time
import unicodedata
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from helpers.files import (
    CourseError,
    cache_folder,
    is_junk,
    natural_order,
    progress,
    reading,
    shown,
    some,
    write_file,
)

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
PNG_START = b"\x89PNG\r\n\x1a\n"
SPLITS = {"train", "test", "val", "validation"}
LABELS = "labels.csv"

RECIPE = 1
"""Raise this when the pixels of some file change: cached images are then re-read."""

CHUNK = 32
"""Files that one thread reads before it asks for more."""

MAX_WORKERS = 8

TICK = 0.02
"""Seconds; at least the step of a file system's time stamps."""


class BadImage(Exception):
    """Why bytes are not a usable image; completes a sentence that names the file."""


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
    change. `workers` is the number of threads; None chooses.
    Raises CourseError, one sentence, when anything is not as it must be.
    """
    _check_size(height, width)
    folder = on_disk(folder)
    classes, labels = _classes(folder)
    with ThreadPoolExecutor(1) as aside:
        if cache:
            # Read at once, while we look at the files; it is checked below.
            kept = _cache_file(folder, height, width)
            cached = aside.submit(_read_cache, kept, height, width)
        listing = {name: _image_files(path, with_stat=cache) for name, path in classes.items()}
    if cache:
        fingerprint, newest = _fingerprint(classes, listing, labels)
        try:
            kept_fingerprint, images = cached.result()
            if kept_fingerprint == fingerprint:
                return images
        except (FileNotFoundError, PermissionError):
            pass  # nothing is kept yet, or by another user: `_write_cache` says so
        except ValueError:
            _say(f"The cache file {kept.name} is damaged: reading the images again.")
        if 0 <= time.time() - newest < TICK:
            # So that a change made while we read gets another time stamp.
            time.sleep(TICK)

    files = [
        f"{path.name}/{file}"
        for name, path in classes.items()
        for file in sorted((file for file, _ in listing[name]), key=natural_order)
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
            f"only {who} has {some(sorted(only))}"
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


def _class_name(name, path):
    """The class that a folder's name spells: UTF-8 whatever the locale, and NFC."""
    try:
        return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8"))
    except UnicodeDecodeError:
        raise CourseError(
            f"The name of the class folder {shown(path)} is not UTF-8: rename it, or "
            "unpack the archive again with a tool that knows its encoding."
        ) from None


def _subfolders(folder):
    """Paths of the folders in `folder`, without hidden ones and junk."""
    with reading(folder):
        try:
            with os.scandir(folder) as entries:
                return [
                    folder / entry.name
                    for entry in entries
                    if not is_junk(entry.name) and entry.is_dir()
                ]
        except FileNotFoundError:
            raise CourseError(
                f"There is no folder {shown(folder)}: check its name and where it is."
            ) from None
        except NotADirectoryError:
            raise CourseError(
                f"{shown(folder)} is a file, not a folder: give the folder that holds the "
                "class folders (unpack it first if this is an archive)."
            ) from None


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
            f"{shown(folder)} holds the parts of a data set, not class folders: "
            f"pass {shown(train)}, and the other parts one by one."
        )
    if not folders:
        raise CourseError(
            f"{shown(folder)} holds no class folders: it should hold one folder for "
            "each class, with that class's images in it, as in Train/人/1.png."
        )
    characters, labels = _labels(folder, folders)
    classes = {}
    for path in folders:
        name = _class_name(path.name, path)
        name = characters[name] if characters else name
        if name in classes:
            raise CourseError(
                f"The class folders {shown(classes[name])} and {shown(path)} stand "
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
        with reading(path), suppress(FileNotFoundError):
            data = path.read_bytes()
            break
    else:
        return {}, b""
    characters = _read_labels(path, data)
    found = {_class_name(p.name, p) for p in folders}
    for what, names in (
        ("has no row for the folder", found - characters.keys()),
        ("names a folder that is missing:", characters.keys() - found),
    ):
        if names:
            raise CourseError(
                f"{shown(path)} does not fit the folders in {shown(folder)}; it "
                f"{what} {some(sorted(names))}: correct the table or the folders."
            )
    return characters, data


def _read_labels(path, data):
    """Folder name -> character, both NFC, from the bytes of the table at `path`."""
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        pairs = [(row["folder"].strip(), row["character"].strip()) for row in rows]
    except UnicodeDecodeError:
        raise CourseError(
            f"{shown(path)} is not UTF-8: save it as UTF-8, or delete it if the "
            "folders' names are the class names."
        ) from None
    except (KeyError, AttributeError, csv.Error):
        pairs = []
    if not pairs or not all(a and b for a, b in pairs):
        raise CourseError(
            f"{shown(path)} is not a table of labels: it must have the columns "
            "folder,character, and both in every row."
        )
    nfc = [[unicodedata.normalize("NFC", text) for text in pair] for pair in pairs]
    if len(characters := dict(nfc)) < len(pairs):
        raise CourseError(f"{shown(path)} names a folder twice: leave one row for each folder.")
    return characters


def _image_files(folder, with_stat):
    """(name, stat result or None) of each image in a class folder, in no order."""
    with reading(folder), os.scandir(folder) as entries:
        found = [
            (entry.name, entry.stat() if with_stat else None)
            for entry in entries
            if entry.name[0] != "."  # all of `is_junk` that can end so, and faster
            and entry.name.lower().endswith(SUFFIXES)
            and not entry.is_dir()
        ]
    if not found:
        train = _splits(_subfolders(folder))
        advice = (
            f"pass {shown(train)} to load a data set's training part"
            if train
            else "put images into it, or delete the folder"
        )
        raise CourseError(
            f"The class folder {shown(folder)} holds no images ({' '.join(SUFFIXES)}): {advice}."
        )
    return found


# --- All files of a folder ---------------------------------------------------------


def _read(path, height, width):
    """Grey bytes of one file, or CourseError."""
    try:
        with reading(path):
            return grey_pixels(read_bytes(path), height, width)
    except BadImage as error:
        raise CourseError(f"{shown(path)} {error}.") from error


def _read_all(folder, files, height, width, workers):
    """Pixels of all files, (n, height, width, 1) uint8, read by several threads."""
    try:
        X = np.empty((len(files), height, width, 1), np.uint8)
    except MemoryError:
        raise CourseError(
            f"The {len(files):,} images of {shown(folder)} at {height} x {width} do "
            "not fit into memory: load them smaller, or fewer."
        ) from None

    def read(start):
        """Fill X from `start` on; return how many files that were."""
        for i, file in enumerate(files[start : start + CHUNK], start):
            try:
                grey = _read(f"{folder}/{file}", height, width)
            except CourseError as error:
                raise CourseError(
                    f"{str(error).rstrip('.')} ({i:,} files were read before it)."
                ) from error
            X[i] = np.frombuffer(grey, np.uint8).reshape(height, width, 1)
        return min(CHUNK, len(files) - start)

    from joblib import cpu_count  # here, because it takes 0.1 s

    pool = ThreadPoolExecutor(workers or min(cpu_count(), MAX_WORKERS))
    name = f"Loading {shown(folder.name)}"
    try:
        with progress(total=len(files), desc=name, unit=" images") as bar:
            # In order: of several bad files, the first is named.
            for count in pool.map(read, range(0, len(files), CHUNK)):
                bar.update(count)
    finally:
        pool.shutdown(cancel_futures=True)
    return X


def _images(X, counts, names, files):
    y = np.repeat(np.arange(len(names), dtype=np.int64), counts)
    return Images(X, y, names, files)


# --- The cache ---------------------------------------------------------------------
# One .npz file for each folder and size; its parts have checksums, which NumPy compares.


def _fingerprint(classes, listing, labels):
    """What a cached load depends on, as a digest; and the newest time stamp (s)."""
    digest = hashlib.sha256(f"{RECIPE} {PIL.__version__}\0".encode())
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
    return cache_folder() / "images" / f"{key}-{height}x{width}.npz"


def _read_cache(path, height, width):
    """(fingerprint, Images) of a cache file; ValueError if damaged."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            about, X = json.loads(kept["about"].tobytes()), kept["X"]
            files = os.fsdecode(kept["files"].tobytes()).split("\0")
        images = _images(X, about["counts"], about["names"], files)
        if X.shape != (len(files), height, width, 1) or len(images.y) != len(files):
            raise ValueError("not one of ours")
        return about["fingerprint"], images
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # NumPy and zipfile raise nearly anything
        raise ValueError("damaged") from error


def _write_cache(path, fingerprint, images, counts):
    """Keep the images for the next time; if that fails, say so and go on."""
    about = {"fingerprint": fingerprint, "names": images.names, "counts": counts}
    texts = {
        "about": json.dumps(about).encode(),
        "files": os.fsencode("\0".join(images.files)),
    }
    arrays = {name: np.frombuffer(text, np.uint8) for name, text in texts.items()}
    try:
        with write_file(path) as partial, partial.open("wb") as file:
            np.savez(file, X=images.X, **arrays)
    except (CourseError, OSError) as error:
        _say(f"The images are loaded, but were not cached: {error}")


def _say(line):
    """Print, also where the terminal cannot show every character."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding))


# --- One image file ----------------------------------------------------------------


def read_bytes(path):
    """The content of a file; unbuffered, since it is read in one piece."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (speed)
        return file.read(os.fstat(file.fileno()).st_size + 1)


def grey_pixels(data, height, width):
    """The image in the bytes `data` as `height * width` grey bytes, row by row.

    0 is black ink, 255 white paper. The image is turned to grey (ITU-R 601 luma, as
    Pillow's mode L), then resized with Pillow's LANCZOS filter. Transparent pixels
    show white paper; 16-bit values are divided by 257, so 65535 becomes 255.
    Raises BadImage.
    """
    with decoding():
        image = open_image(data)
        if image.mode != "L" or "transparency" in image.info:
            image = on_paper(image).convert("L")
        return image.resize((width, height), Image.Resampling.LANCZOS).tobytes()


@contextmanager
def decoding():
    """Say what Pillow raises inside as a BadImage."""
    try:
        yield
    except BadImage:
        raise
    except Image.UnidentifiedImageError:
        raise BadImage(
            f"is not an image of a kind read here ({', '.join(FORMATS)}), whatever its "
            "name says: replace it or delete it"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImage(
            f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels, Pillow's limit for a "
            "safe image: make it smaller or delete it"
        ) from None
    except Exception as error:
        # Pillow's decoders raise almost anything on bad bytes.
        detail = str(error).strip(". ") or type(error).__name__
        raise BadImage(f"is damaged ({detail}): copy it again or delete it") from error


def open_image(data):
    """The image in the bytes `data`, as a rule not yet decoded; call it in `decoding`."""
    if not data:
        raise BadImage("is empty (0 bytes): copy it again or delete it")
    if data.startswith(PNG_START):
        image = _open_png(data)  # without `Image.open`, 8 % faster
    else:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    if _is_too_large(*image.size):
        raise Image.DecompressionBombError
    return image


def _is_too_large(width, height):
    return width * height > (Image.MAX_IMAGE_PIXELS or float("inf"))


def _open_png(data):
    """A PNG image, the checksum of every chunk compared.

    Pillow does not do that for pixels, and one changed bit in fifty loads without an
    error as other pixels. Since that takes the chunks apart anyway, the pixels of the
    commonest kind, 8-bit grey, go straight to Pillow's decoder: a quarter faster.
    """
    view, at, kinds, packed = memoryview(data), len(PNG_START), set(), []
    while b"IEND" not in kinds:
        end = at + 12 + int.from_bytes(view[at : at + 4], "big")
        if end > len(data):
            raise BadImage("is cut off before its end: copy it again or delete it")
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
            raise BadImage("is damaged (a checksum is wrong): copy it again or delete it")
        kinds.add(kind := data[at + 4 : at + 8])
        if kind == b"IDAT":
            packed.append(view[at + 8 : end - 4])
        at = end
    # The header: width, height, bits, kind of colour (0: grey), three more settings.
    size = int.from_bytes(view[16:20], "big"), int.from_bytes(view[20:24], "big")
    plain = data[12:16] == b"IHDR" and data[24:29] == b"\x08\0\0\0\0"
    if plain and not kinds & {b"tRNS", b"acTL"} and not _is_too_large(*size):
        return Image.frombytes("L", size, b"".join(packed), "zip", "L", 0)
    return PngImageFile(io.BytesIO(data))


def on_paper(image):
    """The image with 8 bits a channel, on white paper where it is transparent."""
    if image.mode.startswith("I"):
        return _eight_bits(image)
    if image.mode == "F":
        raise BadImage(
            "holds floating-point pixels, whose black and white are unknown: "
            "save it with 8 or 16 bits"
        )
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image.convert("RGBA"))
        return paper
    return image


def _eight_bits(image):
    """A 16-bit image (modes I;16 and I) in mode L: values 0..65535 become 0..255."""
    values = image.convert("I")
    low, high = values.getextrema()
    if low < 0 or high > 65535:
        raise BadImage(
            f"holds values from {low} to {high}, more than 16 bits: save it with 8 or 16 bits"
        )
    grey = values.point(lambda value: value * (1 / 257) + 0.5).convert("L")
    if "transparency" in image.info:
        table = [0] * 65536
        table[image.info["transparency"]] = 255
        grey.paste(255, mask=values.point(table, "L"))
    return grey
