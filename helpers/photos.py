"""Photos that come with scikit-image and scikit-learn: nothing to download.

The files of these packages are read directly, without importing the packages, which
takes seconds.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from helpers.files import CourseError

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
        "Eileen Collins, NASA Great Images database, public domain, "
        "https://flic.kr/p/r9qvLn",
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
        raise CourseError(
            f"There is no photo {name!r}; there are {', '.join(NAMES)}."
        )
    return PHOTOS[name]
