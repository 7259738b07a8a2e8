"""Atomic writes, leftovers, and errors of one sentence."""

import errno
import os
import re
import shutil
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from support import ROOT

from helpers import files, handwriting, photos
from helpers.files import (
    COURSE,
    PARTIAL,
    STALE_AFTER,
    CourseError,
    cache_folder,
    data_folder,
    find_named,
    fold,
    is_junk,
    remove_stale,
    to_unpack,
    write_file,
    write_folder,
)


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def sentence(caught):
    """The message of a CourseError: one sentence or two, one line."""
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text, text
    return text


def fill(writer, path):
    """Write something complete with write_file or write_folder."""
    with writer(path) as partial:
        assert partial.parent == path.parent and not path.exists()
        content(writer, partial).write_text("new", encoding="utf-8")


def content(writer, path):
    """The file in which the test's text is."""
    return path / "inner" if writer is write_folder else path


both = pytest.mark.parametrize("writer", [write_file, write_folder])


@both
def test_success(tmp_path, writer):
    path = tmp_path / "a folder" / "数据" / "result"
    fill(writer, path)
    assert names(path.parent) == ["result"]
    assert content(writer, path).read_text(encoding="utf-8") == "new"


def test_a_file_replaces_the_old_one(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with write_file(path) as partial:
        partial.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
    assert path.read_text(encoding="utf-8") == "new"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_that_another_process_completed_stays(tmp_path):
    path = tmp_path / "set"
    with write_folder(path) as partial:
        (partial / "ours").touch()
        path.mkdir()
        (path / "theirs").touch()
    assert names(tmp_path) == ["set"] and names(path) == ["theirs"]


class Surprise(Exception):
    pass


@both
@pytest.mark.parametrize("error", [Surprise, KeyboardInterrupt])
def test_an_error_leaves_what_was_there(tmp_path, writer, error):
    path = tmp_path / "result"
    old = content(writer, path)
    old.parent.mkdir(exist_ok=True)
    old.write_text("old", encoding="utf-8")
    with pytest.raises(error), writer(path) as partial:
        content(writer, partial).write_text("new", encoding="utf-8")
        raise error
    assert names(tmp_path) == ["result"]
    assert old.read_text(encoding="utf-8") == "old"


@both
@pytest.mark.parametrize(
    "number, words",
    [
        (errno.ENOSPC, ["The disk is full", "Free some space"]),
        (errno.EDQUOT, ["The disk is full", "Free some space"]),
        (errno.EACCES, ["cannot be written", "permission", "COURSE_DATA"]),
        (errno.EPERM, ["cannot be written", "permission", "COURSE_DATA"]),
        (errno.EROFS, ["cannot be written", "permission", "COURSE_DATA"]),
        (errno.EIO, ["could not be written", "run this again"]),
    ],
)
def test_errors_of_the_system(tmp_path, writer, number, words):
    path = tmp_path / "result"
    with pytest.raises(CourseError) as caught, writer(path) as partial:
        content(writer, partial).write_text("half", encoding="utf-8")
        raise OSError(number, os.strerror(number))
    text = sentence(caught)
    assert all(word in text for word in [str(path), *words]), text
    assert names(tmp_path) == []


@both
def test_a_folder_that_cannot_be_made(tmp_path, writer, monkeypatch):
    """Simulated, because tests may run with the right to write everywhere."""

    def deny(path, *arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", deny)
    with (
        pytest.raises(CourseError, match="Permission denied") as caught,
        writer(tmp_path / "new" / "result"),
    ):
        pytest.fail("this must not run")
    assert str(tmp_path / "new" / "result") in sentence(caught)


@both
def test_a_leftover_that_cannot_be_removed_hides_no_error(tmp_path, writer, monkeypatch):
    def deny(path, *arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", deny)
        patch.setattr(os, "unlink", deny)
        with (
            pytest.raises(CourseError, match="disk is full"),
            writer(tmp_path / "result") as partial,
        ):
            content(writer, partial).touch()
            raise OSError(errno.ENOSPC, "No space left on device")


@both
@pytest.mark.parametrize("deeper", ["", "deeper"])
def test_a_file_where_a_folder_must_be(tmp_path, writer, deeper):
    occupied = tmp_path / "data"
    occupied.write_text("mine", encoding="utf-8")
    with (
        pytest.raises(CourseError) as caught,
        writer(occupied / deeper / "result"),
    ):
        pytest.fail("this must not run")
    assert f"{occupied} is a file, not a folder" in sentence(caught)
    assert occupied.read_text(encoding="utf-8") == "mine"
    assert names(tmp_path) == ["data"]


def test_a_target_of_the_other_kind_stays(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inner").touch()
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for writer, name in ((write_file, "folder"), (write_folder, "file")):
        with pytest.raises(CourseError) as caught, writer(tmp_path / name) as p:
            content(writer, p).touch()
        assert str(tmp_path / name) in sentence(caught)
    assert names(tmp_path) == ["file", "folder"]
    assert names(tmp_path / "folder") == ["inner"]
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


# --- What killed runs leave --------------------------------------------------------


def leftovers(folder, age):
    """A half-written file and folder, last touched `age` seconds ago."""
    then = time.time() - age
    for path in (folder / f"{PARTIAL}1-a.npz", folder / f"{PARTIAL}2"):
        if path.suffix:
            path.touch()
        else:
            (path / "Train").mkdir(parents=True)
            (path / "Train" / "1.png").touch()
        os.utime(path, (then, then))


@both
def test_stale_leftovers_are_removed_by_the_next_write(tmp_path, writer):
    leftovers(tmp_path, STALE_AFTER + 60)
    (tmp_path / "essay.txt").touch()
    os.utime(tmp_path / "essay.txt", (0, 0))
    fill(writer, tmp_path / "result")
    assert names(tmp_path) == ["essay.txt", "result"]


@both
def test_what_another_process_is_writing_stays(tmp_path, writer):
    leftovers(tmp_path, STALE_AFTER - 60)
    before = names(tmp_path)
    fill(writer, tmp_path / "result")
    assert names(tmp_path) == [*before, "result"]


def test_two_processes_may_remove_the_same_leftover(tmp_path, monkeypatch):
    leftovers(tmp_path, STALE_AFTER + 60)

    def gone(path, *arguments, **options):
        shutil.rmtree(tmp_path)
        raise FileNotFoundError(errno.ENOENT, "No such file", str(path))

    monkeypatch.setattr(Path, "stat", gone)
    remove_stale(tmp_path)  # must not raise
    monkeypatch.undo()
    assert not tmp_path.exists()


def test_windows_rename_is_tried_again(tmp_path, monkeypatch):
    """A virus scanner holds a new file for a moment."""
    refusals = [PermissionError(errno.EACCES, "in use")] * 2
    rename = Path.replace

    def busy(path, target):
        if refusals:
            raise refusals.pop()
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", busy)
    monkeypatch.setattr(files.sys, "platform", "win32")
    monkeypatch.setattr(files.time, "sleep", lambda seconds: None)
    fill(write_file, tmp_path / "result")
    assert names(tmp_path) == ["result"] and not refusals


# --- Places and messages -----------------------------------------------------------


def test_places(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.delenv("COURSE_CACHE", raising=False)
    assert data_folder() == COURSE / "data"
    assert cache_folder() == COURSE / "data" / "cache"
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "my data" / "数据"))
    assert data_folder() == tmp_path.resolve() / "my data" / "数据"
    assert cache_folder() == data_folder() / "cache"
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "fast"))
    assert cache_folder() == tmp_path / "fast"
    monkeypatch.setenv("COURSE_DATA", "~/course")
    assert data_folder() == (Path.home() / "course").resolve()


# --- Names -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *(".DS_Store", "._1.png", ".ipynb_checkpoints", ".Trash-1000", ".directory"),
        *("__MACOSX", "Icon\r", "Temporary Items", "Thumbs.db", "THUMBS.DB", "desktop.ini"),
        *("ehthumbs.db", "$RECYCLE.BIN", "System Volume Information", "lost+found"),
        *("@eaDir", "#recycle", "~$notes.docx", "1.png:Zone.Identifier", "__pycache__"),
        ".partial-ab-4.png",
    ],
)
def test_what_systems_leave_is_junk(name):
    assert is_junk(name)


@pytest.mark.parametrize(
    "name",
    [
        *("1.png", "人", "@", "#", "$", "~", "icon", "lost", "@home.jpg", "thumbs", "Train"),
        *("2.png.crdownload", "3.jpg.part", ".4.jpg.icloud"),  # no image, and worth a word
    ],
)
def test_what_people_make_is_no_junk(name):
    assert not is_junk(name)


def test_names_are_compared_without_case_width_and_composition():
    assert fold("Ｔｒａｉｎ ") == fold("TRAIN") == fold("train")
    assert fold(unicodedata.normalize("NFD", "Café")) == fold("café")
    assert fold("Train") != fold("Test")


def test_named_folders_and_archives(tmp_path):
    assert find_named(tmp_path / "nowhere", "My-Set") == ([], [])
    for name in ("my-set (10).zip", "MY-SET (2).ZIP", "my-set.zip", "my-set.zip.part", "other.zip"):
        (tmp_path / name).touch()
    (tmp_path / "my-SET").mkdir()
    (tmp_path / "my-set-more").mkdir()
    folders, archives = find_named(tmp_path, "My-Set")
    assert folders == [tmp_path / "my-SET"]
    assert [a.name for a in archives] == ["my-set.zip", "MY-SET (2).ZIP", "my-set (10).zip"]
    (tmp_path / "My-Set.zip").touch()
    if len(names(tmp_path)) == 8:  # not where upper and lower case are one
        assert find_named(tmp_path, "My-Set")[1][0].name == "My-Set.zip"


def test_archives_that_must_be_unpacked_are_named():
    assert to_unpack(["1.png", "a.gnt"]) == ""
    assert to_unpack(["1.png", "a.RAR", "b.tar.gz"]) == "unpack a.RAR, b.tar.gz first"
    assert "unalz" in to_unpack(["x/HWDB1.1trn_gnt.alz"])


def test_jupyter_shows_one_line(tmp_path):
    code = (
        "from helpers.files import write_file\n"
        "with write_file('result'):\n"
        "    raise OSError(28, 'No space left on device')\n"
    )
    process = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=nocolor", "-c", code],
        cwd=tmp_path,
        env={
            **os.environ,
            "IPYTHONDIR": str(tmp_path / "settings"),
            "PYTHONPATH": str(COURSE),
        },
        capture_output=True,
        text=True,
    )
    said = (process.stdout + process.stderr).strip()
    assert said.startswith("CourseError: The disk is full: result was not")
    assert "\n" not in said


# --- Variables -------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["{}", '"{}"', "'{}'", " {} ", ' "{} " '], ids=["plain", "double", "single", "", "all"]
)
def test_quotes_and_blanks_around_a_variable_do_not_count(typed, tmp_path, monkeypatch):
    """In Windows's command prompt, `set X="D:\\my scans"` makes them part of the value."""
    folder = tmp_path / "my scans"
    folder.mkdir()
    for name in ("COURSE_DATA", "COURSE_CACHE", "COURSE_CASIA", "COURSE_CATS_DOGS"):
        monkeypatch.setenv(name, typed.format(folder))
    found = data_folder(), cache_folder(), handwriting.dataset.find_real(), photos.find_set()
    assert found == (folder,) * 4
    monkeypatch.setenv("COURSE_CATS_DOGS", typed.format(""))
    assert photos.find_set() is None


def test_one_place_reads_the_course_s_variables():
    """COURSE_STUDENT is set by the grader, and what it says is taken as it is."""
    files = [path for path in (ROOT / "helpers").rglob("*.py") if "teaching" not in path.parts]
    reads = {
        path.name
        for path in files
        if re.search(r"os\.environ\b.*(COURSE_|\(variable)", path.read_text("utf-8"))
    }
    assert reads == {"students.py"}  # the others ask files.setting
