"""Two people, one course folder: what one may not read of the other is neither damaged nor old."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import ROOT

from helpers import handwriting, images, sprites
from helpers.files import COURSE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")

SECOND = """
import os, sys
from helpers import doctor, handwriting, images, photos, sprites
from helpers.files import CourseError, cache_folder, write_file

def tell(what, do):
    try:
        print(what, do())
    except CourseError as error:
        print(what, "CourseError", error)

def overwrite():
    for file in (cache_folder() / "images").glob("*.npz"):
        with write_file(file) as partial:
            partial.write_bytes(b"mine")

# Whatever is imported late: Python itself may lie where the second user may not look.
images.load_folder(sys.argv[1], cache=False)
sprites._encoded("ghost"), sprites._encoded("muncher_up")
if os.geteuid() == 0:
    os.setuid(65534)

tell("handwriting", lambda: handwriting.get("tiny").folder)
tell("doctor", lambda: [*doctor.check_handwriting()])
tell("load_folder", lambda: images.load_folder(sys.argv[1]).X.shape)
tell("sprites", sprites.get)
tell("photos", photos.own)
tell("overwrite", overwrite)
os.environ["COURSE_CASIA"] = os.environ["COURSE_DATA"] + "/photos/scans"
tell("casia", handwriting.get)
del os.environ["COURSE_CASIA"]
os.environ["COURSE_DATA"] += "/photos"
tell("data", handwriting.get)
"""


@pytest.fixture
def shared(monkeypatch):
    """A course's data folder that everybody may write into, not below pytest's private one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o777)
        monkeypatch.setenv("COURSE_DATA", str(path / "data"))
        monkeypatch.delenv("COURSE_CACHE", raising=False)
        monkeypatch.delenv("COURSE_CASIA", raising=False)
        yield path
        for place in [path, *path.rglob("*")]:
            place.chmod(0o777)


def second_user(*words):
    """What SECOND prints, which becomes a user without rights where it is not one."""
    done = subprocess.run(
        [sys.executable, "-c", SECOND, *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(COURSE)},
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_another_user_keeps_to_himself_stays_as_it_is(shared):
    scans, data = shared / "scans", shared / "data"
    (scans / "人").mkdir(parents=True)
    Image.fromarray(np.zeros((9, 9), "uint8")).save(scans / "人" / "1.png")
    (data / "photos").mkdir(parents=True)
    handwriting.get("tiny")
    images.load_folder(scans)
    (sprite, *_) = sprites.get().values()
    before = sorted(data.rglob("*"))
    (cached,) = data.glob("cache/images/*")
    for place in data.rglob("*"):
        place.chmod(0o777)
    for place in (data / "simulated-handwriting-tiny", cached, sprite, data / "photos"):
        place.chmod(0)
    data.chmod(0o777)

    said = second_user(scans).splitlines()
    simulated = data / "simulated-handwriting-tiny" / "about.json"
    for line, start in zip(
        said,
        (
            f"handwriting CourseError {simulated} cannot be read (Permission denied): it may",
            f"doctor CourseError {simulated} cannot be read (Permission denied)",
            f"The images are loaded, but were not cached: {cached} cannot be read",
            "load_folder (1, 80, 60, 1)",
            f"sprites CourseError {sprite} cannot be read (Permission denied)",
            "photos ({}, ['data/photos cannot be read (Permission denied)",
            f"overwrite CourseError {cached} cannot be read (Permission denied)",
            f"casia CourseError {data / 'photos' / 'scans'} cannot be read (Permission denied)",
            f"data CourseError {data / 'photos'} cannot be read (Permission denied)",
        ),
        strict=True,
    ):
        assert line.startswith(start)
    assert all("set COURSE_DATA to a folder of your own" in line for line in said if " (P" in line)
    for place in (data / "simulated-handwriting-tiny", data / "photos"):
        place.chmod(0o777)
    assert sorted(data.rglob("*")) == before
