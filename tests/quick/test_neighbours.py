"""What the query page and a search for neighbours refuse, each in one sentence."""

import numpy as np
import pytest
from IPython.core.display import HTML

from helpers import explorers
from helpers.files import CourseError
from helpers.images import require_neighbours

IMAGES = np.zeros((6, 8, 6), np.uint8)
LABELS = ["cat", "cat", "cat", "dog", "dog", "dog"]
NEAR = {"pixels": (np.arange(6)[:, None] + [1, 2]) % 6}


@pytest.mark.parametrize(
    ("labels", "count", "message"),
    [
        ([], 5, "There are no images to search in"),
        (["cat"] * 12, 5, "All 12 images are of one class, so any neighbour is right"),
        (np.zeros(3, int), 5, "All 3 images are of one class"),
        (LABELS, 6, "There are 6 images, too few for 6 neighbours of each: give at least 7"),
        (np.arange(4), 20, "There are 4 images, too few for 20 neighbours"),
    ],
)
def test_too_little_to_search_in(labels, count, message):
    with pytest.raises(CourseError, match=message) as caught:
        require_neighbours(labels, count)
    assert str(caught.value).count(". ") == 0 and str(caught.value).endswith(".")


def test_enough_to_search_in():
    require_neighbours(LABELS, 5)
    require_neighbours(np.array([0, 1]), 1)


@pytest.mark.parametrize(
    ("images", "labels", "near", "start", "message"),
    [
        (IMAGES.astype(float), LABELS, NEAR, 0, "uint8, not float64"),
        (IMAGES[0], LABELS, NEAR, 0, r"of shape \(8, 6\)"),
        (np.zeros((6, 8, 6, 4), np.uint8), LABELS, NEAR, 0, r"\(6, 8, 6, 4\)"),
        (np.zeros((401, 2, 2), np.uint8), LABELS, NEAR, 0, "up to 400 images, not 401"),
        (IMAGES, LABELS[1:], NEAR, 0, "6 images and 5 labels"),
        (IMAGES[:0], [], {"pixels": np.zeros((0, 2), int)}, 0, "There are no images"),
        (IMAGES, ["cat"] * 6, NEAR, 0, "of one class"),
        (IMAGES, LABELS, NEAR["pixels"], 0, "neighbours by space"),
        (IMAGES, LABELS, {}, 0, "neighbours by space"),
        (IMAGES, LABELS, {"pixels": NEAR["pixels"][:3]}, 0, "should be 6 rows"),
        (IMAGES, LABELS, {"pixels": [[1], [2, 3]]}, 0, "differ in length"),
        (IMAGES, LABELS, {"pixels": NEAR["pixels"] / 2}, 0, "dtype float64"),
        (IMAGES, LABELS, {"pixels": NEAR["pixels"] + 3}, 0, "numbers from 0 to 5"),
        (IMAGES, LABELS, {"pixels": np.arange(6)[:, None]}, 0, "is its own neighbour"),
        (IMAGES, LABELS, {"pixels": np.zeros((6, 7), int)}, 0, "too few for 7 neighbours"),
        (IMAGES, LABELS, NEAR, 6, "no image 6"),
    ],
)
def test_what_the_page_refuses(images, labels, near, start, message):
    with pytest.raises(CourseError, match=message):
        explorers.query(images, labels, near, start)


@pytest.mark.parametrize("shape", [(6, 8, 6), (6, 8, 6, 1), (6, 120, 90, 3), (6, 80, 60, 1)])
def test_shapes(shape, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    explorers.query(np.zeros(shape, np.uint8), LABELS, NEAR)
    (html,) = shown
    assert isinstance(html, HTML)
    assert 'alt="The query page: the nearest of an image of the class cat, by pixels' in html.data
    assert html.data.count("data:image/jpeg;base64") == 2


def test_the_same_page_is_stored_the_same(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    for _ in range(2):
        explorers.query(IMAGES, LABELS, NEAR)
    assert shown[0].data == shown[1].data
