"""Photos that the page of notebook 09 sends are saved whole, or refused in one sentence."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from helpers import photos
from helpers.explorers import camera
from helpers.files import CourseError


def data_url(image, form="JPEG"):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, form)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return tmp_path


def test_photos_are_numbered_and_read_as_ones_own(data):
    image = np.full((30, 40, 3), 200, np.uint8)
    names = [camera.save(data_url(image)).name for _ in range(2)]
    assert names == ["mine-1.jpg", "mine-2.jpg"]
    own, problems = photos.own()
    assert [*own] == names and not problems
    assert np.abs(own["mine-1.jpg"].astype(int) - 200).max() < 3


@pytest.mark.parametrize("photo", ["", "data:,", "data:image/jpeg;base64,!!", "base64,AAAA"])
def test_what_is_no_photo_is_one_sentence(data, photo):
    with pytest.raises(CourseError, match="no whole photo: try again"):
        camera.save(photo)
    half = data_url(np.random.default_rng(0).integers(0, 256, (90, 90, 3), "uint8"))[:-4000]
    with pytest.raises(CourseError, match="no whole photo"):
        camera.save(half)
    assert not (data / "photos").exists()


def test_the_page_is_told_what_became_of_its_photo(data):
    widget = camera._widget()
    widget.photo = data_url(np.zeros((9, 9, 3), np.uint8))
    assert widget.said == "Saved as mine-1.jpg: now run the next cell."
    widget.photo = "nonsense"
    assert widget.said == "The page sent no whole photo: try again."
