"""The photos of scikit-image and scikit-learn: the right ones, read rightly."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from helpers import photos
from helpers.files import CourseError


def test_every_photo_is_there():
    for name in photos.NAMES:
        array = photos.load(name)
        assert array.dtype == np.uint8
        assert array.ndim == 2 or array.shape[2:] == (3,), name
        assert min(array.shape[:2]) >= 300, name
        line = photos.credit(name)
        assert "\n" not in line
        assert any(word in line for word in ("CC", "public domain", "known"))


def test_pixels_are_those_of_the_packages():
    from skimage import data
    from sklearn.datasets import load_sample_image

    for name, function in (("cat", data.chelsea), ("camera", data.camera)):
        assert np.array_equal(photos.load(name), function())
    assert np.array_equal(photos.load("rocket"), data.rocket())
    assert np.array_equal(photos.load("temple"), load_sample_image("china.jpg"))


def test_the_packages_are_not_imported():
    code = (
        "import sys; from helpers import photos; photos.load('flower'); "
        "photos.load('cat'); print({'skimage', 'sklearn'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"


def test_an_unknown_name_is_named():
    with pytest.raises(
        CourseError, match="no photo 'dog'; there are cat, coff"
    ):
        photos.credit("dog")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(photos, "find_spec", lambda name: None)
    with pytest.raises(CourseError, match="pip install scikit-learn`"):
        photos.load("temple")


def test_missing_and_damaged_files_are_named(monkeypatch, tmp_path):
    spec = type("Spec", (), {"origin": str(tmp_path / "__init__.py")})
    monkeypatch.setattr(photos, "find_spec", lambda name: spec)
    reinstall = "--force-reinstall scikit-image`"
    with pytest.raises(CourseError, match=f"'cat' is missing .*{reinstall}"):
        photos.path("cat")
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "chelsea.png"
    Image.new("RGB", (300, 300)).save(file)
    assert photos.load("cat").shape == (300, 300, 3)
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(CourseError, match=f"cannot be read .*{reinstall}"):
        photos.load("cat")
