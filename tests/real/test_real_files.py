"""The readers on files from outside: CASIA in its own format and as a zip, photos."""

import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from helpers import images, photos
from helpers.files import CourseError
from helpers.handwriting.casia import SOURCE_RECORD, import_casia, read_gnt


@pytest.fixture(scope="module")
def whole(real_data, tmp_path_factory):
    """The folder of the whole sample, imported."""
    folder = tmp_path_factory.mktemp("whole")
    yield import_casia(real_data / "casia-hwdb11-sample.zip", folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "name, count, characters",
    [
        ("hwdb11tst_100chars_x1.gnt", 100, None),
        ("hwdb11tst_ren_cong_dong_zhu.gnt", 239, "人从东主"),
    ],
)
def test_real_gnt(real_data, tmp_path, name, count, characters):
    samples = list(read_gnt(real_data / name))
    assert len(samples) == count
    if characters:
        assert {c for c, _ in samples} == set(characters)
    for _, image in samples:
        assert image.max() == 255  # white paper
        assert image.min() < 128  # ink
    source = tmp_path / "in"
    for folder in ("HWDB1.1trn_gnt", "HWDB1.1tst_gnt"):
        (source / folder).mkdir(parents=True)
        shutil.copy(real_data / name, source / folder / "1001-c.gnt")
    target = import_casia(source, tmp_path / "out")
    assert len(list(target.rglob("*.png"))) == 2 * count
    character, image = samples[0]
    written = np.asarray(Image.open(target / "Test" / character / "1.png"))
    np.testing.assert_array_equal(written, image)


def test_real_gnt_cut_short(real_data, tmp_path):
    data = (real_data / "hwdb11tst_100chars_x1.gnt").read_bytes()
    cut = tmp_path / "cut.gnt"
    cut.write_bytes(data[: len(data) // 2])
    with pytest.raises(CourseError, match=r"cut\.gnt is damaged: record \d+, at byte"):
        list(read_gnt(cut))


def test_real_zip(real_data, whole, tmp_path):
    assert len(list(whole.rglob("*.png"))) == 16_437
    for side in ("Train", "Test"):
        assert len(list((whole / side).iterdir())) == 55
    source = real_data / "casia-hwdb11-sample.zip"
    part = import_casia(source, tmp_path / "part", characters="人从")
    written = {
        path.relative_to(part).as_posix(): path.read_bytes()
        for path in part.rglob("*")
        if path.is_file() and path.name != SOURCE_RECORD
    }
    with zipfile.ZipFile(source) as archive:
        assert written == {
            name.removeprefix("CASIA-Dataset/"): archive.read(name)
            for name in archive.namelist()
            if name.split("/")[2] in "人从"
        }


def test_no_real_scan_counts_as_blank(whole):
    for split in ("Train", "Test"):
        X, *_ = images.load_folder(whole / split, cache=False)
        assert len(X) > 3000
        assert (X < 230).mean(axis=(1, 2, 3)).min() > 0.02  # as notebook 05 measures ink


def test_a_zip_of_photos(real_data):
    path = real_data / "photos" / "cats-dogs-sample.zip"
    data = photos.load_set(path, 224)
    assert data.X.shape == (400, 224, 224, 3)
    assert data.names == ["cat", "dog"]
    assert np.bincount(data.y).tolist() == [200, 200]
    assert data.files[:2] == ["cats-dogs/cat/001.jpg", "cats-dogs/cat/002.jpg"]
    assert data.label == "400 photos, cats-dogs-sample.zip"
    for i, file in enumerate(data.files):
        assert file.split("/")[1] == data.names[data.y[i]]
    assert len({image.tobytes() for image in data.X}) > 390  # they differ
