"""Loads folders of images into one array, fast, with a cache.

The pixels are those of the lecture's loop, file by file:

    np.asarray(Image.open(file).convert("L").resize((60, 80), Image.LANCZOS))

turned upright first where a note in the file says how the camera was held. Several
threads read large folders (Pillow computes without Python's lock), and the second time
all comes from one file in the cache.
"""

import array
import csv
import hashlib
import io
import json
import os
import re
import time
import unicodedata
import zlib
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngImageFile

from helpers.files import (
    CourseError,
    cache_folder,
    fold,
    is_junk,
    natural_order,
    progress,
    reading,
    say,
    shown,
    some,
    to_unpack,
    write_file,
)

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif"),
    *(".bmp", ".gif", ".tif", ".tiff", ".webp"),
)
"""How Pillow knows files of these FORMATS, in lower case."""

NOT_READ = (".avif", ".heic", ".heif", ".jp2", ".jxl")
"""Images too by their names: refused, not passed over."""

PNG_START = b"\x89PNG\r\n\x1a\n"
LABELS = "labels.csv"

PARTS = {
    "train": "train training trainset trn 训练 训练集",
    "test": "test testing testset tst 测试 测试集",
    "validation": "val valid validation valset dev devset 验证 验证集",
}
"""The parts of a data set, and the words for them in the names of folders."""

HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
"""What an HEIC file says of itself (ISO/IEC 23008-12), besides mif1, which AVIF says too."""

NOTES = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}
"""Where Pillow keeps what a file says of how the camera was held; TIFF has it elsewhere."""

NOT_PLAIN = {b"tRNS", b"acTL", b"eXIf", b"iTXt"}
"""Chunks of a PNG file that Pillow must look at: transparency, frames and such notes."""

RECIPE = 2
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

    Upright as the camera held it; transparent pixels show white paper; 16-bit values are
    scaled, not clipped. Raises CourseError when the file cannot be read or is not an image.
    """
    _check_size(height, width)
    path = on_disk(path)
    try:
        grey = _read(path, height, width)
    except BadImage as error:
        raise CourseError(f"{shown(path)} {error}.") from error
    return np.frombuffer(grey, np.uint8).reshape(height, width).copy()


def load_folder(folder, height=80, width=60, cache=True, workers=None) -> Images:
    """Load `folder/<class>/<image>` as one array, each image as by `read_image`.

    Classes come by sorted name, files within a class in natural order (2.png before
    10.png). Class names are the folders' names, or those that a `labels.csv` (columns
    folder,character; in `folder` or beside it) gives. What systems leave in folders is
    passed over; what else is no image by its name is left out, and a printed line says so.

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
        listing, others = {}, _images_beside(folder)
        for name, path in classes.items():
            listing[name], left = _image_files(path, with_stat=cache)
            others += [f"{path.name}/{entry}" for entry in left]
    if others:
        say(left_out(others, folder))
    if cache:
        fingerprint, newest = _fingerprint(classes, listing, labels)
        try:
            kept_fingerprint, images = cached.result()
            if kept_fingerprint == fingerprint:
                return images
        except (FileNotFoundError, PermissionError):
            pass  # nothing is kept yet, or by another user: `_write_cache` says so
        except ValueError:
            say(f"The cache file {kept.name} is damaged: reading the images again.")
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


def image_files(folder) -> list[str]:
    """Names of the images in one class folder, in natural order. Raises CourseError if none."""
    found, _ = _image_files(on_disk(folder), with_stat=False)
    return sorted((name for name, _ in found), key=natural_order)


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


def require_neighbours(labels, count) -> None:
    """Raise CourseError unless images with these labels can be searched for neighbours.

    Each must have `count` others, and a neighbour of another class must be possible.
    """
    labels = list(labels)
    if not labels:
        raise CourseError(
            "There are no images to search in: put images into the folder, or give another folder."
        )
    if len(set(labels)) == 1:
        raise CourseError(
            f"All {len(labels):,} images are of one class, so any neighbour is right: give images "
            "of at least two classes."
        )
    if len(labels) <= count:
        raise CourseError(
            f"There are {len(labels):,} images, too few for {count:,} neighbours of each: give at "
            f"least {count + 1:,} images, or ask for fewer neighbours."
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


def is_image(name) -> bool:
    """Is it an image by its name? Refused when read if it is one of NOT_READ."""
    return name.lower().endswith(SUFFIXES + NOT_READ) and not is_junk(name)


def part(name) -> str:
    """Which part of a data set the name of a folder says: a key of PARTS, or "".

    "train" for Train, TRAINING, training_set, seg_train, TrainImages and train2017.
    """
    words = re.findall(r"[^\W\d_]+", fold(re.sub("(?<=[a-z])(?=[A-Z])", " ", name)))
    found = [part for part, known in PARTS.items() if not set(known.split()).isdisjoint(words)]
    return found[0] if len(found) == 1 else ""


def class_name(name) -> str:
    """The class that the name of a folder spells: NFC, without spaces around it."""
    return unicodedata.normalize("NFC", name).strip() or name


def _class_name(name, path):
    """`class_name` of a folder on disk, UTF-8 whatever the locale."""
    try:
        return class_name(os.fsencode(name).decode("utf-8"))
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


def _images_beside(folder):
    """Names of images that lie beside the class folders, in no class."""
    with reading(folder), os.scandir(folder) as entries:
        return [entry.name for entry in entries if is_image(entry.name) and entry.is_file()]


def _splits(folders):
    """The train folder among `folders`, if they are the parts of a data set."""
    parts = [part(path.name) for path in folders]
    train = [path for path, said in zip(folders, parts, strict=True) if said == "train"]
    if train and (all(parts) or len({*parts} - {""}) > 1):  # beside Poorly-written, say
        return min(train, key=lambda path: len(path.name))
    return None


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
        advice = to_unpack(sorted(path.name for path in folder.iterdir())) or (
            "it should hold one folder for each class, with that class's images in it, as in "
            "Train/人/1.png"
        )
        raise CourseError(f"{shown(folder)} holds no class folders: {advice}.")
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
    """([(name, stat result or None) of each image], names of what else is there), unordered."""
    found, others, names = [], [], SUFFIXES + NOT_READ
    with reading(folder), os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if (
                name.lower().endswith(names)
                and (name[0] not in ".~" or not is_junk(name))  # all junk that can end so
                and not entry.is_dir()
            ):
                found.append((name, entry.stat() if with_stat else None))
            elif not is_junk(name):
                others.append(name)
    if not found:
        raise CourseError(
            f"The class folder {shown(folder)} holds no images "
            f"({' '.join(SUFFIXES)}){_instead(folder, sorted(others, key=natural_order))}."
        )
    return found, others


def _instead(folder, others):
    """What a class folder without images holds in their place, and what to do."""
    if not others:
        return ": put images into it, or delete the folder"
    inside = _subfolders(folder)
    if train := _splits(inside):
        return f": pass {shown(train)} to load a data set's training part"
    if inside:
        names = some([shown(path.name) for path in inside])
        return f", but folders ({names}): if these are the classes, pass {shown(folder)}"
    advice = to_unpack(others) or "save them as PNG or JPEG, or move this folder elsewhere"
    return f", but {some([shown(name) for name in others])}: {advice}"


def left_out(names, where) -> str:
    """One sentence on files (and folders) in `where` that are not read as images."""
    names = sorted(map(shown, names), key=natural_order)
    count = f"{len(names):,} files were" if len(names) > 1 else "1 file was"
    return (
        f"{count} left out of {shown(where)}, not being {' '.join(SUFFIXES)} straight in a class "
        f"folder: {some(names, 3)}."
    )


def unusable(bad, count, where):
    """A CourseError on all the files that are no images: bad = [(name, BadImage), ...].

    `count` files of the folder or archive `where` were read, the bad ones among them.
    """
    if len(bad) == 1:
        others = f" (the other {count - 1:,} files can be read)" if count > 1 else ""
        return CourseError(f"{bad[0][0]} {bad[0][1]}{others}.")
    reasons = defaultdict(list)
    for name, error in bad:
        reasons[str(error).partition(": ")[0]].append(name)
    listed = [
        f"{some(names, 20)}{', each of which' if len(names) > 1 else ''} {reason}"
        for reason, names in reasons.items()
    ]
    return CourseError(
        f"{len(bad):,} of {count:,} files in {shown(where)} cannot be used: {'; '.join(listed)}: "
        "replace or delete them."
    )


# --- All files of a folder ---------------------------------------------------------


def _read(path, height, width):
    """Grey bytes of one file. Raises BadImage, or CourseError where it cannot be read."""
    with reading(path):
        return grey_pixels(read_bytes(path), height, width)


def _read_all(folder, files, height, width, workers):
    """Pixels of all files, (n, height, width, 1) uint8, read by several threads."""
    try:
        X = np.empty((len(files), height, width, 1), np.uint8)
    except MemoryError:
        raise CourseError(
            f"The {len(files):,} images of {shown(folder)} at {height} x {width} do "
            "not fit into memory: load them smaller, or fewer."
        ) from None
    bad = []

    def read(start):
        """Fill X from `start` on; return how many files that were."""
        for i, file in enumerate(files[start : start + CHUNK], start):
            try:
                grey = _read(f"{folder}/{file}", height, width)
            except BadImage as error:
                bad.append((i, error))
                continue
            X[i] = np.frombuffer(grey, np.uint8).reshape(height, width, 1)
        return min(CHUNK, len(files) - start)

    from joblib import cpu_count  # here, because it takes 0.1 s

    pool = ThreadPoolExecutor(workers or min(cpu_count(), MAX_WORKERS))
    name = f"Loading {shown(folder.name)}"
    try:
        with progress(total=len(files), desc=name, unit=" images") as bar:
            # In order: of several files that cannot be read, the first is named.
            for count in pool.map(read, range(0, len(files), CHUNK)):
                bar.update(count)
    finally:
        pool.shutdown(cancel_futures=True)
    if bad:
        above = f"{folder}/" if len(bad) == 1 else ""
        named = [
            (shown(f"{above}{files[i]}"), error) for i, error in sorted(bad, key=itemgetter(0))
        ]
        raise unusable(named, len(files), folder)
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
        say(f"The images are loaded, but were not cached: {error}")


# --- One image file ----------------------------------------------------------------


def read_bytes(path):
    """The content of a file; unbuffered, since it is read in one piece."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (speed)
        return file.read(os.fstat(file.fileno()).st_size + 1)


def grey_pixels(data, height, width):
    """The image in the bytes `data` as `height * width` grey bytes, row by row.

    0 is black ink, 255 white paper. The image is turned upright and to grey (ITU-R 601
    luma, as Pillow's mode L), then resized with Pillow's LANCZOS filter. Transparent pixels
    show white paper; 16-bit values are divided by 257, so 65535 becomes 255.
    Raises BadImage.
    """
    with decoding():
        image = upright(open_image(data))
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
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImage(
            f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels, Pillow's limit for a "
            "safe image: make it smaller or delete it"
        ) from None
    except Exception as error:
        # Pillow's decoders raise almost anything on bad bytes.
        detail = str(error).strip(". ") or type(error).__name__
        raise BadImage(f"is damaged ({detail}): copy it again or delete it") from error


def open_image(data, at_least=None):
    """The image in the bytes `data`, as a rule not yet decoded; call it in `decoding`.

    A JPEG file comes at a half, a quarter or an eighth of its size, which is much faster,
    as long as both sides keep `at_least` pixels.
    """
    if not data:
        raise BadImage(
            "is empty (0 bytes), perhaps because it is still in a cloud: copy it again or delete it"
        )
    if data.startswith(PNG_START):
        image = _open_png(data)  # without `Image.open`, 8 % faster
    else:
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        except Image.UnidentifiedImageError:
            raise BadImage(_not_read(data)) from None
    if at_least:
        image.draft(None, (at_least, at_least))
    if _is_too_large(*image.size):
        raise Image.DecompressionBombError
    return image


def _not_read(data):
    """What these bytes are that Pillow was not asked to read, and what to do."""
    if data[4:8] == b"ftyp":  # ISO base media: brands of four bytes each, 12 to 15 left out
        length = min(int.from_bytes(data[:4], "big"), 200)
        brands = {data[8:12], *(data[i : i + 4] for i in range(16, length, 4))}
        if brands & {b"avif", b"avis"}:
            return "is an AVIF photo, which is not read here: save it as JPEG or PNG"
        if brands & {*HEIC_BRANDS, b"mif1", b"msf1"}:
            return (
                "is an HEIC photo, which is not read here: save it as JPEG (an iPhone takes "
                "JPEG if Settings, Camera, Formats is Most Compatible)"
            )
        return "is a video, not a photo: move it elsewhere"
    if data.startswith((b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")):
        return "is a JPEG 2000 photo, which is not read here: save it as JPEG or PNG"
    return (
        f"is not an image of a kind read here ({', '.join(FORMATS)}), whatever its "
        "name says: replace it or delete it"
    )


def upright(image):
    """The image as the camera held it, by a note in its file (EXIF or XMP); decoded.

    A damaged note spoils no pixels: it is passed over.
    """
    if image.format is None:  # of `_open_png`, which looked for notes
        return image
    image.load()
    if NOTES & image.info.keys() or image.format == "TIFF":
        with suppress(Exception):
            return ImageOps.exif_transpose(image)
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
    plain = plain and kinds.isdisjoint(NOT_PLAIN) and b"Raw profile type" not in data
    if plain and not _is_too_large(*size):
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
