"""Photos: those of scikit-image and scikit-learn, the student's own, whole sets.

    photos.load("cat")             # nothing to download
    own, problems = photos.own()   # what lies in data/photos
    photos.fit(image, 224)         # a square, as a network wants it

    path = photos.find_set()             # cats and dogs in class folders, or None
    data = photos.load_set(path, 224)    # a folder or a zip archive of it
    data.X, data.y, data.names           # photos, class numbers, class names

    data = photos.crops({"cat": photos.load("cat"), ...})    # squares of its blocks
    photos.copies(data.X)                # groups of photos that are nearly the same

The files of the packages are read directly, without importing the packages, which
takes seconds. See data/README.md for where to put a set.
"""

import io
import os
import pickle
import re
import unicodedata
import warnings
from collections import defaultdict
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from helpers.archives import open_zip
from helpers.files import (
    CourseError,
    data_folder,
    find_named,
    fold,
    is_junk,
    keras_folder,
    natural_order,
    not_yours,
    progress,
    reading,
    say,
    setting,
    shown,
    some,
    to_unpack,
)
from helpers.images import (
    FORMATS,
    PNG_START,
    BadImage,
    class_name,
    decoding,
    is_image,
    left_out,
    on_paper,
    open_image,
    part,
    read_bytes,
    unusable,
    upright,
)

PACKAGES = {
    "scikit-image": ("skimage", "data"),
    "scikit-learn": ("sklearn", "datasets/images"),
}
"""{name for pip: (name for import, folder of its images)}."""


class Photo(NamedTuple):
    """A file of a package, and what that package says about it."""

    package: str
    file: str
    credit: str


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
    remarks: tuple = ()
    """Sentences on files that were left out or changed while reading: see `load_set`."""


PHOTOS = {
    "cat": Photo(
        "scikit-image",
        "chelsea.png",
        "Chelsea the cat, by Stefan van der Walt, CC0",
    ),
    "coffee": Photo(
        "scikit-image",
        "coffee.png",
        "Coffee cup, by Rachel Michetti, courtesy of Pikolo Espresso Bar, CC0",
    ),
    "rocket": Photo(
        "scikit-image",
        "rocket.jpg",
        "Launch of DSCOVR on Falcon 9, by SpaceX, public domain, "
        "https://www.flickr.com/photos/spacexphotos/16511594820",
    ),
    "astronaut": Photo(
        "scikit-image",
        "astronaut.png",
        "Eileen Collins, NASA Great Images database, public domain, https://flic.kr/p/r9qvLn",
    ),
    "camera": Photo(
        "scikit-image",
        "camera.png",
        "Gray-level camera image, by Lav Varshney, CC0",
    ),
    "retina": Photo(
        "scikit-image",
        "retina.jpg",
        "Human retina, Häggström, Mikael (2014), Medical gallery, CC0, "
        "https://commons.wikimedia.org/wiki/"
        "File:Fundus_photograph_of_normal_left_eye.jpg",
    ),
    "coins": Photo(
        "scikit-image",
        "coins.png",
        "Greek coins from Pompeii, Brooklyn Museum Collection, "
        "no known copyright restrictions, "
        "https://www.brooklynmuseum.org/opencollection/archives/image/51611",
    ),
    "temple": Photo(
        "scikit-learn",
        "china.jpg",
        "china.jpg, by danielbuechele, CC BY 2.0, "
        "https://www.flickr.com/photos/danielbuechele/6061409035",
    ),
    "flower": Photo(
        "scikit-learn",
        "flower.jpg",
        # The package names one photographer and links to the page of another.
        "flower.jpg, by danielbuechele or vultilion, CC BY 2.0, "
        "https://www.flickr.com/photos/vultilion/6056698931",
    ),
}

NAMES = tuple(PHOTOS)

LONGEST = 1024
"""Longer side, in pixels, of the student's photos once they are read."""

MAX_FILE = 200_000_000
"""Bytes; more than any photo has. Longer files (videos) are not read."""

MAX_DEPTH = 4
"""How many folders deep a photo of a set may lie: set/train/cat/1.jpg is three."""

SET_NEEDS = "at least two class folders with photos in them, as in cat/1.jpg and dog/1.jpg"

FITS = ("crop", "squash")

MOVING = ("GIF", "PNG", "WEBP", "TIFF")
"""Formats whose frames are a film or pages. Phones keep other things in a JPEG's frames."""

ORIENTATION = 0x0112
"""The number of EXIF's note on how the camera was held."""

CIFAR10 = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
"""Its classes in the order of their numbers: https://www.cs.toronto.edu/~kriz/cifar.html."""


def load(name):
    """The photo as an array uint8: (height, width, 3), or (height, width) if grey.

    Raises CourseError: see `path`; also where the file is damaged.
    """
    file = path(name)
    try:
        with Image.open(file) as image:
            grey = image.mode == "L"
            return np.array(image if grey else image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise CourseError(
            f"{file} cannot be read as an image: run "
            f"`python -m pip install --force-reinstall {PHOTOS[name].package}`."
        ) from error


def credit(name):
    """One line: what it shows, by whom, its licence, and where it is from.

    Sources: the docstrings of `skimage.data`, and sklearn/datasets/images/README.txt.
    Raises CourseError for an unknown name.
    """
    photo = _photo(name)
    return f"{photo.credit} (from {photo.package})"


def path(name):
    """The file of the photo, in the package that it comes with.

    Raises CourseError for an unknown name, and where the package or the file is
    missing.
    """
    photo = _photo(name)
    module, folder = PACKAGES[photo.package]
    spec = find_spec(module)  # does not import it
    if spec is None or spec.origin is None:
        raise CourseError(
            f"The photo {name!r} comes with the package {photo.package}, which is "
            f"not installed: run `python -m pip install {photo.package}`."
        )
    file = Path(spec.origin).parent / folder / photo.file
    if not file.is_file():
        raise CourseError(
            f"The photo {name!r} is missing from the package {photo.package}: run "
            f"`python -m pip install --force-reinstall {photo.package}`."
        )
    return file


def _photo(name):
    if name not in PHOTOS:
        raise CourseError(f"There is no photo {name!r}; there are {', '.join(NAMES)}.")
    return PHOTOS[name]


# --- The student's own photos ------------------------------------------------------


def own(folder=None, most=12):
    """The photos in `folder` (default: data/photos): ({name: array}, [sentences]).

    Arrays are uint8 (height, width, 3), the longer side at most LONGEST, upright as
    the camera held it, on white where transparent; of an animation, the first
    frame. They come in natural order of their file names (2.jpg before 10.jpg), the
    first `most` of them. Subfolders are not read. Each sentence names a file that
    could not be read, and why (the first `most`, then how many more), or says what else
    was left out, or where to put photos if there are none. Raises CourseError only if
    `most` is not a positive integer.
    """
    _check_positive(most, "most")
    # Said without the path before it, which would be stored in a notebook.
    called = shown(folder) if folder else "data/photos"
    if not folder:
        folders, _ = find_named(data_folder(), "photos")
        folder = folders[0] if folders else data_folder() / "photos"
    folder = Path(folder).expanduser()
    try:
        files = [file for file in folder.iterdir() if not is_junk(file.name) and not file.is_dir()]
    except FileNotFoundError:
        return {}, [
            f"There are no photos of your own: make the folder {called} and "
            "put JPEG or PNG files into it."
        ]
    except PermissionError:
        return {}, [not_yours(called)]
    except OSError as error:
        return {}, [
            f"{called} cannot be read as a folder "
            f"({error.strerror or error}): make it a folder and put photos into it."
        ]
    if not files:
        return {}, [
            f"{called} holds no photos: put JPEG or PNG files into it, not into folders inside it."
        ]
    found, sentences, left = {}, [], []
    for file in sorted(files, key=lambda file: natural_order(file.name)):
        name = unicodedata.normalize("NFC", shown(file.name))
        if len(found) == most:
            left.append(name)
            continue
        try:
            image = decode(_read_file(file), LONGEST)
        except BadImage as error:
            sentences.append(f"{name} {error}.")
            continue
        image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        found[name] = np.array(image)
    if len(sentences) > most:
        others = len(sentences) - most
        sentences[most:] = [f"And {others:,} more of the files in {called} cannot be read."]
    if left:
        sentences.append(f"Only the first {most} photos were read, without {some(left)}.")
    return found, sentences


def true_class(name):
    """The ImageNet class that a file name begins with, or None.

    `true_class("n02123045_tabby.JPEG")` is "n02123045": ImageNet names its files by
    WordNet ids, an n and eight digits.
    """
    match = re.match(r"n\d{8}(?![0-9A-Za-z])", Path(name).name)
    return match and match.group()


def fit(image, size, how="crop"):
    """A photo at the size of a network's input: uint8 (height, width, 3).

    `image` is uint8 (h, w, 3), or (h, w) or (h, w, 1) if grey; `size` is one integer
    or (height, width). "crop" scales until the photo covers the size and cuts its
    centre; "squash" keeps all of it and changes its proportions. Both use Pillow's
    bilinear filter, whose support grows when it shrinks an image (antialiasing).
    Raises CourseError for anything else.
    """
    height, width = _check_fit(size, how)
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    right = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if image.dtype != np.uint8 or not right or 0 in image.shape:
        raise CourseError(
            "fit takes one photo, uint8 (height, width, 3) or (height, width), not "
            f"{image.dtype} {image.shape}."
        )
    photo = Image.fromarray(image).convert("RGB")
    bilinear = Image.Resampling.BILINEAR
    if how == "crop":
        photo = ImageOps.fit(photo, (width, height), bilinear)
    else:
        photo = photo.resize((width, height), bilinear)
    return np.array(photo)


def _check_positive(number, what):
    """Raise CourseError unless `number`, called `what`, is one."""
    if not isinstance(number, (int, np.integer)) or number < 1:
        raise CourseError(f"{what} must be a positive integer, not {number!r}.")


def _check_fit(size, how):
    """`size` as (height, width); CourseError if it or `how` is not for `fit`."""
    if how not in FITS:
        raise CourseError(f"how is {how!r}; choose one of {', '.join(FITS)}.")
    sides = size if isinstance(size, (tuple, list)) else (size, size)
    if len(sides) != 2:
        raise CourseError(f"size is {size!r}; give one integer, or (height, width).")
    for side in sides:
        _check_positive(side, "each side of size")
    return tuple(sides)


# --- One photo of somebody's -------------------------------------------------------


def _read_file(path):
    """The bytes of a file. Raises BadImage, whose text completes a sentence."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise BadImage(
                f"has more than {MAX_FILE // 10**6} MB, which no photo needs: make "
                "it smaller or delete it"
            )
        return read_bytes(path)
    except OSError as error:
        raise BadImage(
            f"cannot be read ({error.strerror or error}): check its permissions"
        ) from error


def decode(data, at_least=None):
    """The photo in the bytes of a file: a Pillow image in mode RGB, upright.

    JPEG files may come at a half, a quarter or an eighth of their size, which is
    much faster, as long as both sides keep `at_least` pixels. Transparent pixels
    show white. Raises BadImage, whose text completes a sentence.
    """
    with decoding(), warnings.catch_warnings():
        # About metadata, mostly; sizes are checked by open_image.
        warnings.simplefilter("ignore")
        return on_paper(upright(open_image(data, at_least))).convert("RGB")


# --- Sets of photos, one folder per class ------------------------------------------


def find_set(name="cats-dogs") -> Path | None:
    """Where the set lies, or None: a folder or a zip archive, not yet looked into.

    In this order: where the environment variable COURSE_CATS_DOGS points, the folder
    `cats-dogs` in the data folder unless it is empty, the first `cats-dogs*.zip`
    there, in upper or lower case. Another `name` changes all three. Raises CourseError
    if the variable points to nothing.
    """
    variable = _variable(name)
    given = setting(variable)
    if given:
        path = Path(given).expanduser().resolve()
        if not path.exists():
            raise CourseError(
                f"{variable} points to {path}, which does not exist: correct it, or unset it."
            )
        return path
    folders, archives = find_named(data_folder(), name)
    with reading(data_folder()):
        full = [f for f in folders if not all(is_junk(entry.name) for entry in f.iterdir())]
    return next(iter(full + archives), None)


def missing_set(name="cats-dogs") -> str:
    """One sentence: what is missing and how to get it; "" if the set is found.

    Raises CourseError as `find_set` does.
    """
    if find_set(name) is not None:
        return ""
    with reading(data_folder()):
        lying = [file.name for file in data_folder().glob("*") if fold(file.name).startswith(name)]
    if advice := to_unpack(lying):
        return f"The photos in data/{name} cannot be read yet: {advice}, into data/{name}."
    return (
        f"There are no photos in data/{name}: put one folder per class there, "
        f"or set {_variable(name)} to such a folder or a zip archive of it."
    )


def load_set(path, size, how="crop", limit=None, forgiving=False) -> PhotoSet:
    """Load a folder or zip archive with one folder per class.

    Each photo is brought to `size` as by `fit`; with `limit`, the first so
    many of each class, in natural order of their names. The class folders may lie
    deeper, if there is one such place; of a set in parts (see `images.PARTS`), the part
    for training is loaded. What systems leave in folders is passed over; what else is no
    image by its name is left out, and a printed line says so. An archive is read in memory:
    nothing is unpacked to disk. Large JPEG files are decoded at a smaller scale, at least
    twice `size`. X takes n * height * width * 3 bytes. Raises CourseError, one sentence that names the
    files, for what cannot be used: of damaged photos, all of them.

    With `forgiving`, the others are loaded if photos of two classes are left. The sentences are
    in `remarks` and not printed: on each photo that was left out, and why, and on each that was
    changed while reading (see `peculiar`). No file is ever changed.
    """
    height, width = _check_fit(size, how)
    if limit is not None:
        _check_positive(limit, "limit")
    path = Path(path).expanduser()
    with _source(path) as (files, read):
        classes, others = _classes(path, files)
        names = sorted(classes, key=natural_order)
        chosen, counts = [], []
        for name in names:
            first = sorted(classes[name], key=natural_order)[:limit]
            chosen += first
            counts.append(len(first))
        try:
            X = np.empty((len(chosen), height, width, 3), np.uint8)
        except MemoryError:
            raise CourseError(
                f"The {len(chosen):,} photos of {shown(path)} at {height} x {width} "
                "do not fit into memory: load them smaller, or fewer with limit."
            ) from None
        with progress(chosen, desc=f"Loading {shown(path.name)}", unit=" photos") as bar:
            bad, good, changes = [], [], []
            for i, file in enumerate(bar):
                try:
                    content = read(file)
                    photo = decode(content, 2 * max(height, width))
                except BadImage as error:
                    bad.append((shown(file), error))
                else:
                    X[i] = fit(photo, (height, width), how)
                    good.append(i)
                    if forgiving:
                        changes += [(shown(file), change) for change in peculiar(content)]
    y = np.repeat(np.arange(len(names), dtype=np.int64), counts)
    if bad and not (forgiving and len(np.unique(y[good])) > 1):
        if len(bad) == 1:
            bad = [(f"{bad[0][0]} in {shown(path)}", bad[0][1])]
        raise unusable(bad, len(chosen), path)
    if others and not forgiving:
        say(left_out(others, path))
    if not forgiving:
        label = f"{len(chosen):,} photos, {shown(path.name)}"
        return PhotoSet(X, y, names, [shown(file) for file in chosen], label)
    kept, y = np.unique(y[good], return_inverse=True)
    remarks = [*(f"{file} {error}." for file, error in bad), *_remarks(changes)]
    if lost := [name for i, name in enumerate(names) if i not in kept]:
        remarks.append(f"The class {some(lost)} is left out: none of its photos can be read.")
    if others:
        remarks.append(left_out(others, path.name))
    return PhotoSet(
        X[good],
        y,
        [names[i] for i in kept],
        [shown(chosen[i]) for i in good],
        f"{len(good):,} photos, {shown(path.name)}",
        tuple(remarks),
    )


def peculiar(data):
    """What `decode` does to the photo in the bytes of a file, if more than usual: a list.

    Each completes a sentence that begins with the file's name.
    """
    changes = []
    with suppress(Exception), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        frames = getattr(image, "n_frames", 1) if image.format in MOVING else 1
        if frames > 1:
            changes.append(f"has {frames:,} frames: the first one was taken")
        if image.mode == "CMYK":
            changes.append("is in CMYK, for printing: as RGB its colours may be a little off")
        if image.mode[0] == "I" or (data.startswith(PNG_START) and data[24] == 16):
            changes.append("has 16 bits per channel: they were scaled to 8")
        if image.getexif().get(ORIENTATION, 1) != 1:
            changes.append("was turned upright, as the camera had noted")
        if image.has_transparency_data:
            changes.append("is transparent in places: these are white now")
    return changes


def _remarks(changes, most=5):
    """A sentence for each (file, change), or for all files with a change that many have."""
    files = defaultdict(list)
    for file, change in changes:
        files[change].append(file)
    for change, names in files.items():
        if len(names) <= most:
            yield from (f"{name} {change}." for name in names)
        else:
            yield f"{some(names, 3)}: each of these photos {change}."


def cifar10(size, limit):
    """The first `limit` photos of each class of CIFAR-10, where Keras has it; else None.

    Keras keeps it, unpacked, in its folder `datasets`. Only its first batch of 10,000
    training photos is read, and only what arrays need is unpickled. Returns a PhotoSet; raises
    CourseError where the file is damaged.
    """
    inner, name = "cifar-10-batches-py", "data_batch_1"
    places = [keras_folder() / "datasets" / f"{inner}-target", keras_folder() / "datasets"]
    file = next((p / inner / name for p in places if (p / inner / name).is_file()), None)
    if file is None:
        return None
    try:
        batch = _Batch(io.BytesIO(_read_file(file)), encoding="bytes").load()
        y = np.array(batch[b"labels"])
        X = batch[b"data"].reshape(len(y), 3, 32, 32).transpose(0, 2, 3, 1)
        chosen = np.concatenate([np.flatnonzero(y == c)[:limit] for c in range(10)])
        photos = np.stack([fit(photo, size) for photo in X[chosen]])
    except Exception as error:  # pickle raises many kinds on damaged bytes
        raise CourseError(
            f"{name} of CIFAR-10 in Keras's folder is damaged ({error}): delete the folder "
            f"{inner} there, and let Keras download it again."
        ) from error
    label = f"{len(chosen):,} photos, CIFAR-10"
    files = [f"{CIFAR10[y[i]]}/{i}" for i in chosen]
    return PhotoSet(photos, y[chosen].astype(np.int64), list(CIFAR10), files, label)


class _Batch(pickle.Unpickler):
    """Knows the names that arrays of bytes need, and refuses all others."""

    def find_class(self, module, name):
        known = {"_reconstruct", "ndarray", "dtype", "encode", "_frombuffer"}
        if name in known and module.partition(".")[0] in ("numpy", "_codecs"):
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


# --- Squares of a few photos, and copies among many -----------------------------------


def crops(pictures, side=64, block=90, sizes=(40, 60, 90), most=16, seed=1) -> PhotoSet:
    """Squares cut out of a few photos, to ask which photo a square is a piece of.

    pictures: {class name: uint8 (height, width) or (height, width, 3)}. Each is divided into
    blocks of `block` pixels, no two of which share a pixel; what is left over at its edges is
    not used. From each of at most `most` blocks, drawn at random, comes one square of
    each of `sizes`, at a random place of the block and brought to `side` as by `fit`. Their
    `files` say from where: "cat/r1c2-40" is 40 pixels of the block in row 1, column 2, so
    what comes before the last "-" is the block.
    """
    random = np.random.default_rng(seed)
    X, y, files = [], [], []
    for number, (name, photo) in enumerate(pictures.items()):
        rows, columns = (length // block for length in photo.shape[:2])
        chosen = random.permutation(rows * columns)[:most]
        for row, column in sorted(divmod(int(place), columns) for place in chosen):
            for size in sizes:
                top, left = random.integers(0, block - size + 1, 2)
                top, left = top + row * block, left + column * block
                X.append(fit(photo[top : top + size, left : left + size], side))
                y.append(number)
                files.append(f"{name}/r{row}c{column}-{size}")
    label = f"{len(X):,} crops of {len(pictures)} photos"
    return PhotoSet(np.stack(X), np.array(y, np.int64), list(pictures), files, label)


def copies(X, together=None, most=4.0):
    """(n,) numbers of groups: photos with the same number are nearly the same photo.

    X: (n, height, width, 3) uint8. Two photos are copies if their thumbnails of 16 x 16
    pixels, or that of one and the mirror image of the other, differ by at most `most` of 255
    levels in the mean, and by a quarter of their contrast (half a level will always do). So
    a photo that was saved again, or at another size, is found; one that was cropped or turned
    is not. What is a copy of a copy is in the group, too. together: (n,) what belongs
    together anyhow; photos that agree in it are in one group.
    """
    from scipy.sparse.csgraph import connected_components

    small = np.stack([fit(photo, 16) for photo in X]).astype(np.float32)
    rows, mirrored = (a.reshape(len(X), -1) for a in (small, small[:, :, ::-1]))
    contrast = np.abs(small - small.mean(axis=(1, 2), keepdims=True)).mean(axis=(1, 2, 3))
    limits = np.clip(contrast / 4, 0.5, most)
    near = np.empty((len(X), len(X)), bool)
    for i, row in enumerate(rows):  # one at a time: n x n x 768 numbers are too many
        apart = [np.abs(others - row).mean(axis=1) for others in (rows, mirrored)]
        near[i] = np.minimum(*apart) <= np.minimum(limits, limits[i])
        if together is not None:
            near[i] |= np.equal(together, together[i])
    return connected_components(near, directed=False)[1]


def _variable(name):
    return "COURSE_" + name.upper().replace("-", "_")


def _source(path):
    """A context: (relative names of all files but junk, function name -> bytes)."""
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise CourseError(
            f"There is no {shown(path)}: give a folder of class folders, or a zip archive of it."
        )
    return _archive(path)


@contextmanager
def _folder(path):
    with reading(path):
        files = list(_walk(path, ""))
    yield files, lambda file: _read_file(path / file)


def _walk(folder, prefix, depth=0):
    """Relative names of the files in and below a folder, but junk, in no order."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_junk(entry.name):
                continue
            if entry.is_dir():
                if depth < MAX_DEPTH:
                    inner = f"{prefix}{entry.name}/"
                    yield from _walk(entry.path, inner, depth + 1)
            else:
                yield prefix + entry.name


@contextmanager
def _archive(path):
    with open_zip(path, MAX_FILE) as (names, read):
        yield names, read


def _classes(path, files):
    """({class name: its photos}, what else lies there): where the class folders are."""
    places = defaultdict(lambda: defaultdict(list))
    for file in filter(_is_photo, files):
        *above, _ = file.split("/")
        if above:
            places["/".join(above[:-1])][class_name(shown(above[-1]))].append(file)
    sets = [place for place in places if len(places[place]) > 1]
    parts = {_part(place): place for place in sets}
    if len(sets) == len(parts) > 1 and "train" in parts and "" not in parts:
        sets = [parts["train"]]
    if len(sets) > 1:
        where = [shown(f"{path.name}/{s}".rstrip("/")) for s in sorted(sets)]
        raise CourseError(
            f"{shown(path)} holds class folders in more than one place "
            f"({some(where)}): give one of these folders (unpack an archive first)."
        )
    if not sets:
        raise CourseError(f"{shown(path)} holds {_found(files)}, but needs {SET_NEEDS}.")
    classes = places[sets[0]]
    if all(map(part, classes)):
        raise CourseError(
            f"{shown(path)} holds the parts of a data set ({some(sorted(classes))}) "
            f"with photos in them, but no classes: one part needs {SET_NEEDS}."
        )
    chosen = {file for photos in classes.values() for file in photos}
    folders = {file.rpartition("/")[0] for file in chosen}
    beside = [f for f in filter(_is_photo, files) if f.rpartition("/")[0] == sets[0]]
    depth = min(folders, key=len).count("/") + 1
    others = [file for file in files if "/".join(file.split("/")[:depth]) in folders]
    return classes, beside + [file for file in others if file not in chosen]


def _is_photo(file):
    return is_image(file.rpartition("/")[2])


def _part(place):
    """The part of a set that the names of the folders above a place say, the nearest first."""
    return next(filter(None, map(part, reversed(place.split("/")))), "")


def _found(files):
    """What there is instead of two classes, in words."""
    photos = list(filter(_is_photo, files))
    if not photos:
        packed = to_unpack(sorted(files))
        return f"no photos ({packed})" if packed else "no photos"
    folders = sorted({shown(file.rpartition("/")[0]) for file in photos} - {""})
    if not folders:
        return f"{len(photos):,} photos, in no class folder"
    return f"photos only in {some(folders)}"
