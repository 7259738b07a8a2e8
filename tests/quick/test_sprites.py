"""The sprites: colours, files, repairs, and drawings that somebody spoiled."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from helpers import sprites
from helpers.files import CourseError


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))


def colors(name):
    return {tuple(map(int, c)) for c in sprites.pixels(name).reshape(-1, 3)}


def test_colors_are_those_of_the_syllabus():
    black, white, pupil = (0, 0, 0), (255, 255, 255), (51, 0, 255)
    assert colors("ghost") == {black, white, pupil, (255, 163, 177)}
    for name in ("muncher_up", "muncher_left", "muncher_right"):
        assert colors(name) == {black, white, pupil, (255, 255, 0)}


def test_munchers_are_one_creature_turned():
    right = sprites.pixels("muncher_right")
    assert np.array_equal(right[:, ::-1], sprites.pixels("muncher_left"))
    assert np.array_equal(np.rot90(right), sprites.pixels("muncher_up"))


def test_files_hold_the_pixels():
    paths = sprites.get()
    assert tuple(paths) == sprites.NAMES
    for name, path in paths.items():
        with Image.open(path) as image:
            form = ("BMP", "RGB") if name == "ghost" else ("GIF", "P")
            assert (image.format, image.mode) == form
            array = np.asarray(image.convert("RGB"))
        assert array.dtype == np.uint8
        assert np.array_equal(array, sprites.pixels(name))


def test_good_files_stay_and_damaged_ones_are_replaced(capsys):
    paths = sprites.get()
    assert capsys.readouterr().out == ""
    content = {path: path.read_bytes() for path in paths.values()}
    paths["ghost"].write_bytes(content[paths["ghost"]][:100])
    before = paths["muncher_up"].stat().st_mtime_ns
    sprites.get()
    assert paths["muncher_up"].stat().st_mtime_ns == before
    assert {p: p.read_bytes() for p in paths.values()} == content
    assert capsys.readouterr().out == ("ghost.bmp was damaged or out of date, and is replaced.\n")
    assert sorted(paths["ghost"].parent.iterdir()) == sorted(paths.values())


def test_an_unknown_name_is_named():
    with pytest.raises(CourseError, match="no sprite 'pacman'; there are munch"):
        sprites.pixels("pacman")


@pytest.mark.parametrize("change", [("P", "p"), ("P", ""), ("P", "PP")])
def test_a_spoiled_drawing_is_named(monkeypatch, change):
    drawing = sprites.DRAWINGS["ghost"].replace(*change, 1)
    monkeypatch.setitem(sprites.DRAWINGS, "ghost", drawing)
    with pytest.raises(CourseError, match="drawing of ghost .* 16 lines"):
        sprites.get()


def test_as_a_program(tmp_path):
    command = [sys.executable, "-m", "helpers.sprites"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.split() == [str(p) for p in sprites.get().values()]
    assert not result.stderr
