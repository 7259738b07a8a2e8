"""Which handwriting the notebooks get, and that each says what it is."""

import contextlib
import errno
import json
import os
import shutil
import struct
import subprocess
import sys
import textwrap
import time
import zipfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.__main__ import main
from helpers.files import COURSE, PARTIAL, CourseError
from helpers.handwriting import count_found, dataset, get, simulator, small_set
from helpers.handwriting.dataset import describe, find_real
from helpers.handwriting.strokes import CLASSES
from helpers.images import class_folders, load_folder

NAME = "simulated-handwriting-tiny"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The tiny simulated set, drawn once for all tests."""
    folder = tmp_path_factory.mktemp("drawn") / NAME
    return simulator.simulate(folder, "tiny", workers=1)


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    """An empty data folder with spaces and Chinese characters in its name."""
    for name in ("COURSE_CASIA", "COURSE_CHARACTERS", "COURSE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "my data 数据"
    folder.mkdir()
    monkeypatch.setenv("COURSE_DATA", str(folder))
    return folder


def copy_some(drawn, folder):
    """Copy the tables of a set and its first character: quicker than all of it."""
    for split in ("Train", "Test", "Poorly-written"):
        shutil.copytree(drawn / split / "人", folder / split / "人")
    for file in ("about.json", "planted-flaws.csv", "writers.csv"):
        shutil.copy(drawn / file, folder)


@pytest.fixture
def ready(data, drawn):
    """The data folder with (some of) the tiny set in it."""
    copy_some(drawn, data / NAME)
    return data / NAME


@pytest.fixture
def draws(monkeypatch, drawn):
    """The folders that `get` draws; a copy stands in for drawing."""
    folders = []

    def copy(folder, size):
        folders.append(folder)
        copy_some(drawn, folder)

    monkeypatch.setattr(dataset, "simulate", copy)
    return folders


def scans(folder, characters="人从丁", count=9):
    """A small stand-in for real scans, in the layout of the real set."""
    random = np.random.default_rng(7)
    for split in ("Train", "Test"):
        for character in characters:
            (folder / split / character).mkdir(parents=True)
            for n in range(1, count + 1):
                page = random.integers(0, 256, (9, 7), np.uint8)
                file = folder / split / character / f"{n}.png"
                Image.fromarray(page).save(file)
    return folder


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*.png"):
            archive.write(file, file.relative_to(folder.parent))
    return path


def sentence(caught):
    """The message of a CourseError: one line."""
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text, text
    return text


def names(folder):
    return sorted(p.name for p in folder.iterdir())


# --- Simulated ---------------------------------------------------------------------


def test_drawn_once_and_reused(data, drawn, monkeypatch, capsys):
    found = get("tiny")
    assert found.folder == data / NAME and names(data) == [NAME]
    assert simulator.checksum(found.folder) == simulator.checksum(drawn)
    assert (found.train, found.test) == (
        data / NAME / "Train",
        data / NAME / "Test",
    )
    assert found.poorly_written == data / NAME / "Poorly-written"
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(dataset, "simulate", None)  # would fail if called
    assert get("tiny") == found


def test_it_never_passes_for_casia(ready):
    found = get("tiny")
    assert found.real is False and found.label == "simulated"
    first, *rest = str(found).splitlines()
    assert first.startswith("Data: simulated") and "not CASIA" in first
    assert "real" not in first and "drawn by a program" in rest[0]
    about = json.loads((ready / "about.json").read_text(encoding="utf-8"))
    assert about["what"].startswith("simulated") and "real" not in str(about)
    assert "not CASIA" in about["what"]


@pytest.mark.parametrize("where", ["itself", "above", "as CASIA-Dataset"])
def test_it_is_refused_in_the_place_of_casia(ready, data, monkeypatch, where):
    if where == "as CASIA-Dataset":
        (ready / "about.json").unlink()
        ready.rename(data / "CASIA-Dataset")
    else:
        given = ready if where == "itself" else data
        monkeypatch.setenv("COURSE_CASIA", str(given))
    with pytest.raises(CourseError, match="holds simulated handwriting") as c:
        get()
    assert "not CASIA" in sentence(c)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[:40],
        lambda text: "[]",
        lambda text: text.replace('"recipe": 2', '"recipe": 1'),
        lambda text: text.replace('"seed": 2011', '"seed": 2012'),
        lambda text: text.replace('"tiny"', '"full"'),
        None,
    ],
)
def test_an_older_or_damaged_set_is_renamed(ready, draws, capsys, change):
    about = ready / "about.json"
    if change is None:
        about.unlink()
    else:
        text = about.read_text(encoding="utf-8")
        about.write_text(change(text), encoding="utf-8")
        assert about.read_text(encoding="utf-8") != text
    (ready / "mine.txt").touch()
    found = get("tiny")
    assert draws == [ready] and names(ready.parent) == [NAME, f"{NAME}-old-1"]
    assert (ready.parent / f"{NAME}-old-1" / "mine.txt").exists()
    assert not (found.folder / "mine.txt").exists()
    (line,) = capsys.readouterr().out.splitlines()
    assert NAME in line and f"renamed to {NAME}-old-1" in line
    get("tiny")
    assert draws == [ready] and capsys.readouterr().out == ""


def test_every_old_set_is_kept(ready, draws):
    for number in (1, 2, 3):
        (ready / "about.json").write_text(str(number), encoding="utf-8")
        get("tiny")
    for number in (1, 2, 3):
        old = ready.with_name(f"{NAME}-old-{number}") / "about.json"
        assert old.read_text(encoding="utf-8") == str(number)


def test_an_old_set_that_cannot_be_renamed(ready, draws, monkeypatch):
    (ready / "about.json").unlink()

    def deny(path, target):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "rename", deny)
    with pytest.raises(CourseError, match="could not be renamed") as caught:
        get("tiny")
    assert str(ready) in sentence(caught) and draws == []


def test_an_old_set_that_another_process_renamed(ready, draws, monkeypatch):
    (ready / "about.json").unlink()
    rename = Path.rename

    def late(path, target):
        rename(path, ready.with_name("theirs"))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", late)
    assert get("tiny").folder == ready and draws == [ready]


def test_leftovers_are_ignored_and_removed_when_stale(data, drawn):
    for folder in (data / f"{PARTIAL}0", data / f"{PARTIAL}1"):
        (folder / "Train" / "人").mkdir(parents=True)
        (folder / "about.json").write_text("{}", encoding="utf-8")
    os.utime(data / f"{PARTIAL}0", (0, 0))
    found = get("tiny")
    assert names(data) == [f"{PARTIAL}1", NAME]
    (found.train / f"{PARTIAL}2").mkdir()
    assert list(class_folders(found.train)) == sorted(CLASSES)


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_bare_copy_of_simulated_images_never_passes_for_casia(drawn, tmp_path, monkeypatch, form):
    """Not even without about.json: each image says of itself what it is."""
    copy = tmp_path / "copy" / "CASIA-Dataset"
    for split in ("Train", "Test"):
        shutil.copytree(drawn / split / "人", copy / split / "人")
    if form == "zip":
        shutil.make_archive(str(copy), "zip", copy.parent, copy.name)
        copy = copy.with_suffix(".zip")
    monkeypatch.setenv("COURSE_CASIA", str(copy))
    with pytest.raises(CourseError, match="simulated handwriting, not CASIA"):
        get()


@pytest.mark.parametrize("size", ["huge", "", None, 3])
def test_unknown_size(data, size):
    with pytest.raises(CourseError, match="default, full") as caught:
        get(size)
    assert repr(size) in sentence(caught) and names(data) == []


def test_a_data_folder_that_may_not_be_written(data, monkeypatch):
    """Simulated, because tests may run with the right to write everywhere."""

    def deny(path, *arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", deny)
    with pytest.raises(CourseError, match="cannot be written") as caught:
        get("tiny")
    assert str(data / NAME) in sentence(caught)
    assert "COURSE_DATA" in sentence(caught) and names(data) == []


def test_a_file_in_the_place_of_the_data_folder(data, monkeypatch):
    (data / "essay.txt").write_text("mine", encoding="utf-8")
    monkeypatch.setenv("COURSE_DATA", str(data / "essay.txt"))
    with pytest.raises(CourseError, match="is a file, not a folder") as caught:
        get("tiny")
    assert str(data / "essay.txt") in sentence(caught)


def start(code, folder, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(COURSE),
            "TQDM_DISABLE": "1",
            "PYTHONIOENCODING": "utf-8",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


AT_ONCE = """
    import sys, time
    from pathlib import Path
    from helpers import handwriting
    me, other = map(Path, sys.argv[1:])
    me.touch()
    while not other.exists():
        time.sleep(0.001)
    found = handwriting.get("tiny")
    print("FOLDER", found.folder)
"""


def test_two_processes_at_once_from_another_folder(data, drawn, tmp_path):
    flags = [tmp_path / "one", tmp_path / "two"]
    both = [start(AT_ONCE, tmp_path, *f) for f in (flags, flags[::-1])]
    for process in both:
        out, error = process.communicate(timeout=60)
        assert (process.returncode, error) == (0, "")
        assert out.splitlines()[-1] == f"FOLDER {data / NAME}"
    assert names(data) == [NAME]
    assert simulator.checksum(data / NAME) == simulator.checksum(drawn)
    assert names(data / NAME) == names(drawn)


def drawing(folder):
    """Is there an image below `folder`, which another process may be renaming?"""
    return any(name.endswith(".png") for _, _, files in os.walk(folder) for name in files)


def test_a_killed_run_leaves_no_half_set(data, drawn):
    """See test_simulator.py for other moments."""
    code = 'from helpers import handwriting; handwriting.get("tiny")'
    process = start(code, data)
    while process.poll() is None and not drawing(data):
        time.sleep(0.005)
    process.kill()
    process.wait()  # communicate() would wait for its workers, too
    if NAME in names(data):  # complete before we could kill it
        assert simulator.checksum(data / NAME) == simulator.checksum(drawn)
    assert simulator.checksum(get("tiny").folder) == simulator.checksum(drawn)
    assert names(data)[-1] == NAME


# --- Real --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["folder", "deeper folder", "zip"])
def test_scans_where_the_variable_points(tmp_path, monkeypatch, data, kind):
    source = scans(tmp_path / "from a friend" / "CASIA-Dataset")
    given = {
        "folder": source,
        "deeper folder": source.parent,
        "zip": tmp_path / "scans.zip",
    }[kind]
    if kind == "zip":
        zipped(source, given)
    monkeypatch.setenv("COURSE_CASIA", str(given))
    found = get("any size")
    assert found.real is True and found.label == "real CASIA"
    assert str(found) == f"Data: real CASIA scans, from {given.name}."
    assert found.poorly_written is None
    if kind != "zip":
        assert found.folder == source and names(data) == []
    for split in ("Train", "Test"):
        ours = load_folder(found.folder / split, cache=False)
        theirs = load_folder(source / split, cache=False)
        assert ours.names == theirs.names == sorted("人从丁")
        np.testing.assert_array_equal(ours.X, theirs.X)
    assert get().folder == found.folder  # a zip is unpacked once


@pytest.mark.parametrize("everything", ["", "all", " ALL"])
def test_gnt_files_give_the_courses_characters(tmp_path, monkeypatch, everything):
    monkeypatch.setenv("COURSE_CASIA", str(hwdb(tmp_path / "hwdb", "人丁从")))
    if everything:
        monkeypatch.setenv("COURSE_CHARACTERS", everything)
    found = get()
    assert found.real and found.label == "real CASIA"
    expected = "人丁从" if everything else "人从"
    assert list(class_folders(found.train)) == sorted(expected)


@pytest.mark.parametrize("said", ["none", "1"])
def test_which_characters_is_not_guessed(tmp_path, monkeypatch, said):
    monkeypatch.setenv("COURSE_CASIA", str(hwdb(tmp_path / "hwdb", "人")))
    monkeypatch.setenv("COURSE_CHARACTERS", said)
    with pytest.raises(
        CourseError, match=f"COURSE_CHARACTERS is '{said}': set it to all"
    ) as caught:
        get()
    sentence(caught)


def hwdb(folder, characters):
    """Official .gnt files with one scan of each character in each half."""
    for side in ("trn", "tst"):
        half = folder / f"HWDB1.1{side}_gnt"
        half.mkdir(parents=True)
        records = b"".join(
            struct.pack("<I2sHH", 10 + 12, c.encode("gbk"), 3, 4) + bytes(12) for c in characters
        )
        (half / "1001.gnt").write_bytes(records)
    return folder


@pytest.mark.parametrize(
    "train, test", [("train", "test"), ("CASIA-HWDB_Train/Train", "CASIA-HWDB_Test/Test")]
)
@pytest.mark.parametrize("zips", [False, True])
def test_the_folders_that_people_have(data, tmp_path, train, test, zips):
    scans(tmp_path / "a")
    for half, name in (("Train", train), ("Test", test)):
        (data / "casia-dataset" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a" / half).rename(data / "casia-dataset" / name)
    if zips:  # each folder in an archive of its own
        for folder in list((data / "casia-dataset").iterdir()):
            shutil.make_archive(str(folder), "zip", folder)
            shutil.rmtree(folder)
    found = get()
    assert found.real
    for folder in (found.train, found.test):
        assert load_folder(folder).names == ["丁", "人", "从"]
    assert small_set(found)[0].is_dir()


@pytest.mark.parametrize("first", ["._1.png", "0.png", "Thumbs.db"])
@pytest.mark.parametrize("simulated", [False, True])
def test_an_image_that_cannot_be_read_does_not_say_whose_the_scans_are(
    drawn, tmp_path, monkeypatch, capsys, first, simulated
):
    folder = scans(tmp_path / "CASIA")
    if simulated:
        for file in (folder / "Train").glob("*/*"):
            shutil.copy(drawn / "Train" / "人" / "1.png", file)
    for place in folder.glob("*/*"):
        (place / first).write_bytes(b"\0\5\x16\7" if first != "0.png" else b"")
    monkeypatch.setenv("COURSE_CASIA", str(folder))
    if simulated:
        with pytest.raises(CourseError, match="holds simulated handwriting"):
            get()
        return
    assert get().real
    assert main(["data"]) == 0
    images = 30 if first == "0.png" else 27  # an empty image is one, and damaged
    assert f"Train: {images} images" in capsys.readouterr().out
    if first == "0.png":
        with pytest.raises(CourseError, match="3 of 30 files .* is empty"):
            load_folder(get().train)
    else:
        assert len(load_folder(get().train).files) == 27


def test_scans_in_the_data_folder(data, drawn, tmp_path):
    copy_some(drawn, data / NAME)
    assert find_real() is None and not get("tiny").real
    zipped(scans(tmp_path / "set", "人"), data / "CASIA-Dataset.zip")
    assert find_real() == data / "CASIA-Dataset.zip"
    assert list(class_folders(get().train)) == ["人"]
    scans(data / "CASIA-Dataset", "从")
    assert find_real() == data / "CASIA-Dataset"
    found = get()
    assert found.real and found.folder == data / "CASIA-Dataset"
    assert str(found) == "Data: real CASIA scans, from CASIA-Dataset."


def test_the_variable_goes_before_the_data_folder(data, tmp_path, monkeypatch):
    scans(data / "CASIA-Dataset", "从")
    monkeypatch.setenv("COURSE_CASIA", str(scans(tmp_path / "other", "人")))
    assert get().folder == tmp_path / "other"


def test_nothing_where_the_variable_points(tmp_path, monkeypatch, data):
    monkeypatch.setenv("COURSE_CASIA", str(tmp_path / "nowhere"))
    for function in (get, find_real, describe):
        with pytest.raises(CourseError, match="does not exist") as caught:
            function()
        text = sentence(caught)
        assert "COURSE_CASIA" in text and str(tmp_path / "nowhere") in text
    assert names(data) == []  # nothing was simulated in its place


def test_a_folder_without_scans_is_not_replaced_in_silence(data):
    (data / "CASIA-Dataset").mkdir()
    with pytest.raises(CourseError, match="CASIA-Dataset") as caught:
        get("tiny")
    assert "holds no CASIA data" in sentence(caught)
    assert names(data) == ["CASIA-Dataset"]


def test_describe(data, ready):
    (text,) = describe()
    assert text.startswith("Handwriting: simulated") and "tiny" in text
    shutil.rmtree(ready)
    assert "drawn when first used" in describe()[0]
    scans(data / "CASIA-Dataset")
    (text,) = describe()
    assert text.startswith("Handwriting: real") and "CASIA-Dataset" in text


# --- The small set -----------------------------------------------------------------


def test_small_set_of_simulated_handwriting(data, drawn):
    ready = data / NAME
    shutil.copytree(drawn, ready)
    folder, what = small_set(get("tiny"))
    assert folder == ready / "Poorly-written"
    assert what == "simulated, poorly written by one hand"
    counts = [len(names(path)) for path in class_folders(folder).values()]
    assert counts == [7] * 55


@pytest.fixture
def real(data):
    scans(data / "CASIA-Dataset", "人从", count=12)
    return get()


def small_files(real):
    folder, what = small_set(real)
    assert what.startswith("real CASIA, first 7 test images")
    assert "stand-in" in what
    return {
        f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()
    }


def first_seven(real):
    return {
        f"{c}/{n}.png": (real.test / c / f"{n}.png").read_bytes()
        for c in "人从"
        for n in range(1, 8)
    }


def test_small_set_of_real_scans(real, data):
    for junk in (".DS_Store", "._1.png", "a.db"):
        (real.test / "人" / junk).touch()
    (real.test / "人" / "0").mkdir()
    assert small_files(real) == first_seven(real)
    assert list(data.rglob(f"{PARTIAL}*")) == []


def test_small_set_is_copied_once_and_again_after_a_change(real, monkeypatch):
    copied = []
    copy = shutil.copy

    def count(*arguments):
        copied.append(arguments)
        return copy(*arguments)

    monkeypatch.setattr(shutil, "copy", count)
    small_set(real)
    small_set(real)
    assert len(copied) == 14
    shutil.copy(real.test / "人" / "12.png", real.test / "人" / "3.png")
    os.utime(real.test / "人" / "3.png", (5, 5))
    assert small_files(real) == first_seven(real)


def test_small_set_complete_or_not_at_all(real, data, monkeypatch):
    copy = shutil.copy

    def fill(source, target):
        if source.name == "5.png":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return copy(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy", fill)
        with pytest.raises(CourseError, match="disk is full") as caught:
            small_set(real)
    sentence(caught)
    assert list((data / "cache").rglob("*.png")) == []
    assert small_files(real) == first_seven(real)


# --- Planted flaws -----------------------------------------------------------------


@pytest.fixture
def flaws(data, drawn, monkeypatch):
    """[(flaw, path)] of the whole tiny set in the data folder, in a session that is new."""
    shutil.copytree(drawn, data / NAME)
    monkeypatch.setattr(dataset, "_counted", defaultdict(list))
    return dataset.planted_flaws(get("tiny"))


def sound_scans(flaws, count=20, part="Train"):
    """Paths of scans that nothing is wrong with."""
    folder, bad = get("tiny").folder, {file for _, file in flaws}
    paths = [path.relative_to(folder).as_posix() for path in sorted(folder.glob(f"{part}/*/*.png"))]
    return [path for path in paths if path not in bad][:count]


def test_count_found(flaws):
    found = get("tiny")
    planted = Counter(flaw for flaw, _ in flaws)
    nothing = {flaw: (0, n) for flaw, n in planted.items()}
    everything = {flaw: (n, n) for flaw, n in planted.items()}
    files = [file for _, file in flaws]
    sound = sound_scans(flaws)
    assert count_found(found, sound) == nothing
    assert count_found(found, files + sound) == everything
    assert count_found(found, (Path(f) for f in files + sound)) == everything
    windows = [f.replace("/", "\\") for f in files + sound]
    assert count_found(found, windows) == everything
    flaw, file = flaws[0]
    one = count_found(found, [file, *sound[:17]])
    assert one == {**nothing, flaw: (1, planted[flaw])}


def test_flaws_are_not_told_file_by_file(flaws):
    found = get("tiny")
    for few in ([], ["Train/人/1.png"], ["Train/人/1.png"] * 20):
        with pytest.raises(CourseError, match="lists of 10 suspects or more") as caught:
            count_found(found, few)
        sentence(caught)


def test_a_list_is_not_filled_up_with_names_of_no_file_or_twice_the_same(flaws):
    """Nine of them and one file would say whether this one is flawed."""
    found, files = get("tiny"), [file for _, file in flaws]
    for name in ("Train/人/999.png", "nonsense", "Train/人", "Poorly-written/人/8.png"):
        with pytest.raises(CourseError, match="There is no file") as caught:
            count_found(found, [*sound_scans(flaws, 9), files[0], name])
        assert name in sentence(caught)
    with pytest.raises(CourseError, match="twice") as caught:
        count_found(found, [*sound_scans(flaws, 10), files[0], files[0]])
    assert files[0] in sentence(caught)


def test_lists_that_differ_in_a_few_names_are_not_counted(flaws):
    """Nine sound scans and one file, in a loop, would say of each file whether it is flawed."""
    found, sound = get("tiny"), sound_scans(flaws, 60)
    first = count_found(found, sound[:10])
    for near in (sound[:9] + [flaws[0][1]], sound[:11], sound[:12], sound[1:11]):
        with pytest.raises(CourseError, match="differ in [12] of their names") as caught:
            count_found(found, near)
        sentence(caught)
    assert count_found(found, sound[9::-1]) == first  # the same list, in another order
    for length in (13, 30, 60):
        count_found(found, sound[:length])
    told = 0
    for file in (file for _, file in flaws):
        with contextlib.suppress(CourseError):
            told += sum(here for here, _ in count_found(found, [*sound[:9], file]).values())
    assert told == 0


def test_a_session_counts_a_few_lists(flaws):
    """Whole other nines of sound scans do not help, either; a list that was counted is again."""
    found, sound = get("tiny"), sound_scans(flaws, 200) + sound_scans(flaws, 150, "Test")
    lists = [sound[10 * k : 10 * k + 10] for k in range(dataset.MOST_LISTS + 1)]
    assert len(lists[-1]) == 10
    counts = [count_found(found, names) for names in lists[:-1]]
    for _ in range(2):
        with pytest.raises(CourseError, match="different lists have been counted") as caught:
            count_found(found, lists[-1])
        sentence(caught)
    assert [count_found(found, names) for names in lists[:-1]] == counts


def test_nobody_has_listed_the_flaws_of_real_scans(real):
    with pytest.raises(CourseError, match="no list of flaws") as caught:
        count_found(real, ["Train/人/1.png"])
    sentence(caught)


# --- Writers ----------------------------------------------------------------------


def test_each_image_has_its_writer(drawn):
    """As planned; a copy has the writer of its original."""
    data = dataset.Handwriting(drawn, False, "")
    jobs, _ = simulator.plan(simulator.SIZES["tiny"], simulator.SEED)
    wrote = {place: writer for writer, images in jobs for place, *_ in images}
    alone = data.poorly_written  # by one hand: nobody to tell apart
    assert data.writers(alone, load_folder(alone, cache=False).files) is None
    for folder in (data.train, data.test):
        loaded = load_folder(folder, cache=False)
        writers = data.writers(folder, loaded.files)
        assert len(writers) == len(loaded.X)
        for file, number in zip(loaded.files, writers, strict=True):
            character, name = file.split("/")
            assert wrote[folder.name, character, int(name.removesuffix(".png"))] == number


def test_writers_of_real_scans_are_unknown(tmp_path):
    data = dataset.Handwriting(tmp_path, True, "")
    assert data.writers(data.train, ["人/1.png"]) is None


def test_an_image_without_a_writer_is_named(ready):
    data = dataset.Handwriting(ready, False, "")
    with pytest.raises(CourseError, match=r"no writer of Train/人/99\.png: delete .*tiny"):
        data.writers(data.train, ["人/1.png", "人/99.png"])
