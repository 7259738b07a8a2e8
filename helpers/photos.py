"""Photos: those of scikit-image and scikit-learn, and the student's own.

    photos.load("cat")             # nothing to download
    own, problems = photos.own()   # what lies in data/photos
    photos.fit(image, 224)         # a square, as a network wants it

The files of the packages are read directly, without importing the packages, which
takes seconds.
"""

import re
import unicodedata
import warnings
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from helpers import pixels
from helpers.files import CourseError, data_folder
from helpers.images import _natural, _shown, _some

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

JUNK = {"thumbs.db", "desktop.ini", "__macosx"}
"""What desktops leave in folders and archives, in lower case."""

HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"}
"""Bytes 8 to 12 of an HEIC file, after `ftyp` (ISO/IEC 23008-12)."""

FITS = ("crop", "squash")


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


# --- The student's own photos ------------------------------------------------------


def own(folder=None, most=12):
    """The photos in `folder` (default: data/photos): ({name: array}, [sentences]).

    Arrays are uint8 (height, width, 3), the longer side at most LONGEST, upright as
    the camera held it, on white where transparent; of an animation, the first
    frame. They come in natural order of their file names (2.jpg before 10.jpg), the
    first `most` of them. Subfolders are not read. Each sentence names a file that
    could not be read, and why, or says what else was left out, or where to put
    photos if there are none. Raises CourseError only if `most` is not a positive
    integer.
    """
    check_positive(most, "most")
    # Said without the path before it, which would be stored in a notebook.
    called = _shown(folder) if folder else "data/photos"
    folder = Path(folder or data_folder() / "photos").expanduser()
    try:
        files = [file for file in folder.iterdir() if not is_junk(file.name) and not file.is_dir()]
    except FileNotFoundError:
        return {}, [
            f"There are no photos of your own: make the folder {called} and "
            "put JPEG or PNG files into it."
        ]
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
    for file in sorted(files, key=lambda file: _natural(file.name)):
        name = unicodedata.normalize("NFC", _shown(file.name))
        if len(found) == most:
            left.append(name)
            continue
        try:
            image = decode(read_file(file), LONGEST)
        except pixels.BadImage as error:
            sentences.append(f"{name} {error}.")
            continue
        image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        found[name] = np.array(image)
    if left:
        sentences.append(f"Only the first {most} photos were read, without {_some(left)}.")
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
    height, width = check_fit(size, how)
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


# --- For this module and photo_sets ------------------------------------------------


def check_positive(number, what):
    """Raise CourseError unless `number`, called `what`, is one."""
    if not isinstance(number, (int, np.integer)) or number < 1:
        raise CourseError(f"{what} must be a positive integer, not {number!r}.")


def check_fit(size, how):
    """`size` as (height, width); CourseError if it or `how` is not for `fit`."""
    if how not in FITS:
        raise CourseError(f"how is {how!r}; choose one of {', '.join(FITS)}.")
    sides = size if isinstance(size, (tuple, list)) else (size, size)
    if len(sides) != 2:
        raise CourseError(f"size is {size!r}; give one integer, or (height, width).")
    for side in sides:
        check_positive(side, "each side of size")
    return tuple(sides)


def is_junk(name):
    """Is this a hidden file, or one that a desktop left behind?"""
    return name.startswith(".") or name.lower() in JUNK


def read_file(path):
    """The bytes of a file. Raises pixels.BadImage, whose text completes a sentence."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise pixels.BadImage(
                f"has more than {MAX_FILE // 10**6} MB, which no photo needs: make "
                "it smaller or delete it"
            )
        return pixels.read_bytes(path)
    except OSError as error:
        raise pixels.BadImage(
            f"cannot be read ({error.strerror or error}): check its permissions"
        ) from error


def decode(data, at_least=None):
    """The photo in the bytes of a file: a Pillow image in mode RGB, upright.

    JPEG files may come at a half, a quarter or an eighth of their size, which is
    much faster, as long as both sides keep `at_least` pixels. Transparent pixels
    show white. Raises pixels.BadImage, whose text completes a sentence.
    """
    if not data:
        raise pixels.BadImage("is empty (0 bytes): copy it again or delete it")
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS:
        raise pixels.BadImage(
            "is an HEIC photo, which Pillow cannot read: save it as JPEG (an iPhone "
            "takes JPEG if Settings, Camera, Formats is Most Compatible)"
        )
    try:
        with warnings.catch_warnings():
            # About metadata, mostly; sizes are checked below.
            warnings.simplefilter("ignore")
            return _decoded(data, at_least)
    except pixels.BadImage:
        raise
    except Image.UnidentifiedImageError:
        raise pixels.BadImage(
            f"is not an image of a kind read here ({', '.join(pixels.FORMATS)}), "
            "whatever its name says: replace it or delete it"
        ) from None
    except Image.DecompressionBombError:
        raise pixels.BadImage(
            f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels, Pillow's limit for a "
            "safe image: make it smaller or delete it"
        ) from None
    except Exception as error:
        # Pillow's decoders raise almost anything on bad bytes.
        detail = str(error).strip(". ") or type(error).__name__
        raise pixels.BadImage(f"is damaged ({detail}): copy it again or delete it") from error


def _decoded(data, at_least):
    image = pixels._open(data)
    if image.width * image.height > (Image.MAX_IMAGE_PIXELS or float("inf")):
        raise Image.DecompressionBombError
    if at_least:
        image.draft(None, (at_least, at_least))
    image.load()
    with suppress(Exception):  # a damaged note on orientation spoils no pixels
        image = ImageOps.exif_transpose(image)
    return pixels.on_paper(image).convert("RGB")


def _photo(name):
    if name not in PHOTOS:
        raise CourseError(f"There is no photo {name!r}; there are {', '.join(NAMES)}.")
    return PHOTOS[name]
