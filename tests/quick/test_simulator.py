"""The simulated data set: the same bytes always, complete or absent, flaws true."""

import csv
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from scipy import ndimage

from helpers.files import COURSE, PARTIAL, CourseError, write_folder
from helpers.handwriting import simulator
from helpers.handwriting.simulator import (
    SECOND_HAND,
    SEED,
    SIZES,
    Size,
    checksum,
    folder_names,
    is_current,
    is_simulated,
    plan,
    simulate,
)
from helpers.handwriting.strokes import CLASSES, RARE
from helpers.handwriting.writers import Writer, glyph, smooth, variation
from helpers.images import load_folder

TINY = SIZES["tiny"]
FEW = "人从众大啖"
TEST_WRITERS = 100_000  # and above
FLAWS = {"wrong label", "blank", "duplicate", "duplicate of a training image"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The tiny set, drawn by this process alone."""
    return simulate(tmp_path_factory.mktemp("one") / "set", "tiny", workers=1)


@pytest.fixture(scope="module")
def flawed(tmp_path_factory):
    """A set of few files with many flaws, and its plan: (folder, jobs, flaws)."""
    size = Size(15, 2, 1, 0.93)
    folder = tmp_path_factory.mktemp("flawed") / "set"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SIZES, "flawed", size)
        simulate(folder, "flawed")
    return folder, *plan(size, SEED)


@pytest.fixture
def few(monkeypatch):
    """Only five characters, for what does not depend on their number."""
    monkeypatch.setattr(simulator, "CLASSES", FEW)


def tree(folder):
    """{relative path: bytes} of all files."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def pixels(file):
    return np.asarray(Image.open(file))


def drawn(jobs):
    """(writer, place, character, sample) of every image."""
    return [(writer, *image) for writer, images in jobs for image in images]


# --- The same bytes ----------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_same_bytes_on_any_number_of_processes(tiny, tmp_path, workers):
    simulate(tmp_path / "set", "tiny", workers=workers)
    assert tree(tmp_path / "set") == tree(tiny)


def test_same_bytes_where_workers_are_ended(few, tmp_path, monkeypatch):
    """The system may end one, for want of memory: this process then draws all."""
    usual = simulate(tmp_path / "usual", "tiny", workers=1)
    in_processes = simulator.in_processes

    def ended(function, jobs, workers):
        results = in_processes(function, jobs, 1)
        yield next(results)
        if workers > 1:
            raise BrokenProcessPool
        yield from results

    monkeypatch.setattr(simulator, "in_processes", ended)
    simulate(tmp_path / "set", "tiny", workers=2)
    assert tree(tmp_path / "set") == tree(usual)


def test_another_seed_differs(few, tiny, tmp_path):
    simulate(tmp_path / "set", "tiny", seed=SEED + 1, workers=1)
    ours, theirs = tree(tiny), tree(tmp_path / "set")
    same = [f for f in ours.keys() & theirs.keys() if ours[f] == theirs[f]]
    assert len(theirs) > 50 and not same
    assert is_current(tmp_path / "set", "tiny", SEED + 1)
    assert not is_current(tmp_path / "set", "tiny", SEED)


def test_checksum(tiny, tmp_path):
    shutil.copytree(tiny, tmp_path / "set")
    assert len(checksum(tiny)) == 64
    assert checksum(tmp_path / "set") == checksum(tiny)
    (tmp_path / "set" / "notes.txt").touch()
    assert checksum(tmp_path / "set") == checksum(tiny)
    scan = tmp_path / "set" / "Train" / "人" / "1.png"
    scan.rename(scan.with_name("99.png"))
    assert checksum(tmp_path / "set") != checksum(tiny)


def test_any_image_can_be_drawn_on_its_own():
    order = [Writer(SEED, 3).write(c, 1) for c in CLASSES]
    writer = Writer(SEED, 3)
    for character, page in reversed(list(zip(CLASSES, order, strict=True))):
        np.testing.assert_array_equal(writer.write(character, 1), page)
    assert not np.array_equal(writer.write("人", 2), order[0])
    with pytest.raises(KeyError):
        writer.write("A")


# --- Who writes what ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["default", "full"])
def test_who_writes_what(name):
    """Every writer every character, but rare ones: two writers in five."""
    size = SIZES[name]
    jobs, flaws = plan(size, SEED)
    extra = {place for _, place, original in flaws if original}
    written = Counter(
        (place[0], character) for _, place, character, _ in drawn(jobs) if place not in extra
    )
    for split, usual in (
        ("Train", size.train_writers * size.train_samples),
        ("Test", size.test_writers),
        ("Poorly-written", 7),
    ):
        blanks = written.pop((split, None), 0)
        assert (blanks > 0) == (split == "Train")
        for character in CLASSES:
            rare = character in RARE and split != "Poorly-written"
            expected = usual * 2 // 5 if rare else usual
            missing = expected - written[split, character]
            assert 0 <= missing <= blanks
            blanks -= missing
        assert blanks == 0  # each took the place of one character


@pytest.mark.parametrize("size", ["default", "full"])
def test_two_rare_classes_at_40_percent(size):
    jobs, _ = plan(SIZES[size], SEED)
    for split in ("Train", "Test"):
        labels = Counter(p[1] for _, p, *_ in drawn(jobs) if p[0] == split)
        usual = np.median([labels[c] for c in CLASSES])
        for character in CLASSES:
            share = labels[character] / usual
            if character in RARE:
                assert share == pytest.approx(0.4, abs=0.04)
            else:
                assert share == pytest.approx(1, abs=0.06)
    poor = Counter(p[1] for _, p, *_ in drawn(jobs) if p[0][0] == "P")
    assert poor == {character: 7 for character in CLASSES}


@pytest.mark.parametrize("size", SIZES)
def test_writers_of_the_parts_are_disjoint(size):
    jobs, flaws = plan(SIZES[size], SEED)
    leaks = {place for flaw, place, _ in flaws if "training" in flaw}
    writers = {split: set() for split in ("Train", "Test", "Poorly-written")}
    for writer, place, *_ in drawn(jobs):
        if place not in leaks:
            writers[place[0]].add(writer)
    assert writers["Train"] == set(range(SIZES[size].train_writers))
    assert len(writers["Test"]) == SIZES[size].test_writers
    assert min(writers["Test"]) >= TEST_WRITERS
    assert writers["Poorly-written"] == {SECOND_HAND}
    assert SECOND_HAND not in writers["Train"]
    for place in leaks:
        assert place[0] == "Test"


@pytest.mark.parametrize("size", SIZES)
def test_files_are_numbered_without_gaps(size):
    jobs, _ = plan(SIZES[size], SEED)
    numbers = {}
    for _, (split, label, number), *_ in drawn(jobs):
        numbers.setdefault((split, label), []).append(number)
    for found in numbers.values():
        assert sorted(found) == list(range(1, len(found) + 1))


# --- Files -------------------------------------------------------------------------


def test_layout(tiny):
    jobs, _ = plan(TINY, SEED)
    expected = {f"{s}/{c}/{n}.png" for _, (s, c, n), *_ in drawn(jobs)}
    found = tree(tiny).keys()
    assert found == expected | {"about.json", "planted-flaws.csv", "writers.csv"}
    assert {p.name for p in (tiny / "Train").iterdir()} == set(CLASSES)
    about = json.loads((tiny / "about.json").read_text(encoding="utf-8"))
    assert about["what"].startswith("simulated")
    assert "not CASIA" in about["what"] and about["images"] == len(expected)
    assert is_current(tiny, "tiny", SEED) and is_simulated(tiny)
    assert not is_current(tiny, "default", SEED)


def test_a_set_without_its_writers_is_not_current(tmp_path):
    """Older versions of the course drew such sets."""
    simulate(tmp_path / "set", "tiny", workers=1)
    (tmp_path / "set" / "writers.csv").unlink()
    assert not is_current(tmp_path / "set", "tiny", SEED)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"tiny"', "{}", '{"what": []}', "\udcff"])
def test_about_damaged(tmp_path, text):
    about = tmp_path / "about.json"
    about.write_text(text, encoding="utf-8", errors="surrogateescape")
    assert not is_current(tmp_path, "tiny", SEED)
    assert not is_simulated(tmp_path)


def test_pages_are_cropped_grey_scans(tiny):
    loaded = load_folder(tiny / "Test", cache=False)
    assert loaded.names == sorted(CLASSES)
    for file in loaded.files:
        with Image.open(tiny / "Test" / file) as image:
            assert image.mode == "L" and image.format == "PNG"
            page = np.asarray(image)
        ink = page < 255
        assert ink[0].any() and ink[-1].any()
        assert ink[:, 0].any() and ink[:, -1].any()


def test_ascii_layout_loads_as_the_usual_one(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(
        simulator,
        "folder_names",
        lambda _: {c: f"U{ord(c):X}" for c in CLASSES},
    )
    simulate(tmp_path / "set", "tiny", workers=1)
    found = [p.relative_to(tmp_path) for p in tmp_path.rglob("*")]
    assert all(str(path).isascii() for path in found)
    assert len(
        list(csv.DictReader((tmp_path / "set" / "labels.csv").open(encoding="utf-8")))
    ) == len(CLASSES)
    for split in ("Train", "Test", "Poorly-written"):
        usual = load_folder(tiny / split, cache=False)
        ascii_ = load_folder(tmp_path / "set" / split, cache=False)
        assert ascii_.names == usual.names
        np.testing.assert_array_equal(ascii_.y, usual.y)
        np.testing.assert_array_equal(ascii_.X, usual.X)
    with (tmp_path / "set" / "planted-flaws.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            assert (tmp_path / "set" / row["file"]).is_file()


def refuse_mkdir(path, *arguments, **options):
    raise UnicodeEncodeError("ascii", "人", 0, 1, "ordinal not in range")


def lose_name(path, *arguments, **options):
    os.mkdir(path.with_name("?"))  # noqa: PTH102 (Path.mkdir is this function)


@pytest.mark.skipif(sys.platform == "win32", reason="? cannot be in a name")
@pytest.mark.parametrize("mkdir", [refuse_mkdir, lose_name])
def test_folder_names_where_characters_are_not_kept(tmp_path, monkeypatch, mkdir):
    monkeypatch.setattr(Path, "mkdir", mkdir)
    names = folder_names(tmp_path)
    assert names["人"] == "U4EBA" and len(set(names.values())) == len(CLASSES)
    assert all(name.isascii() for name in names.values())


def test_folder_names_leave_nothing(tmp_path):
    assert folder_names(tmp_path) == {c: c for c in CLASSES}
    assert list(tmp_path.iterdir()) == []


# --- Planted flaws -----------------------------------------------------------------


def recorded(folder):
    with (folder / "planted-flaws.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_flaws_are_recorded(flawed):
    folder, _, flaws = flawed
    rows = [
        (
            flaw,
            "/".join(map(str, place)) + ".png",
            "/".join(map(str, original)) + ".png" if original else "",
        )
        for flaw, place, original in flaws
    ]
    assert [tuple(row.values()) for row in recorded(folder)] == rows
    counts = Counter(flaw for flaw, *_ in rows)
    train = len(list((folder / "Train").rglob("*.png")))
    assert counts.keys() == FLAWS
    assert 0.005 < counts.total() / train < 0.02


@pytest.mark.parametrize("size", SIZES)
def test_every_size_has_every_flaw(size):
    _, flaws = plan(SIZES[size], SEED)
    assert {flaw for flaw, *_ in flaws} == FLAWS


def test_duplicates_are_identical_and_there_are_no_others(flawed):
    folder, _, _ = flawed
    files = {name: data for name, data in tree(folder).items() if "/" in name}
    pairs = {
        frozenset((row["file"], row["original"])) for row in recorded(folder) if row["original"]
    }
    twins = {}
    for name, data in files.items():
        twins.setdefault(data, set()).add(name)
    assert {frozenset(t) for t in twins.values() if len(t) > 1} == pairs
    for row in recorded(folder):
        if row["flaw"] == "duplicate":
            assert row["file"].startswith("Train/")
        if row["flaw"] == "duplicate of a training image":
            assert row["file"].startswith("Test/")
        assert bool(row["original"]) == row["flaw"].startswith("duplicate")
        assert row["original"].startswith("Train/") or not row["original"]


@pytest.mark.parametrize("size", SIZES)
def test_no_image_is_drawn_twice_but_for_duplicates(size):
    """Two blank scans of one writer would be twins that nobody has recorded."""
    jobs, flaws = plan(SIZES[size], SEED)
    copies = {place for _, place, original in flaws if original}
    keys = Counter(
        (writer, character, sample)
        for writer, place, character, sample in drawn(jobs)
        if place not in copies
    )
    assert [key for key, count in keys.items() if count > 1] == []


def test_blanks_are_blank_and_nothing_else_is(flawed):
    folder, *_ = flawed
    blanks = {r["file"] for r in recorded(folder) if r["flaw"] == "blank"}
    for file in folder.rglob("*.png"):
        ink = (pixels(file) < 255).mean()
        name = file.relative_to(folder).as_posix()
        assert ink < 0.01 if name in blanks else ink > 0.05


def test_two_blanks_of_one_writer_differ(tmp_path):
    (tmp_path / "Train" / "人").mkdir(parents=True)
    images = [(("Train", "人", n), None, n) for n in (1, 2)]
    simulator._draw(tmp_path, {"人": "人"}, SEED, TINY, 92, images)
    one, two = tree(tmp_path).values()
    assert one != two


def test_wrong_labels_show_another_character(flawed):
    """Every image is what its writer draws for the planned character."""
    folder, jobs, flaws = flawed
    wrong = {place for flaw, place, _ in flaws if flaw == "wrong label"}
    blanks = {place for flaw, place, _ in flaws if flaw == "blank"}
    checked = 0
    for writer, place, character, sample in drawn(jobs):
        split, label, number = place
        assert (character is None) == (place in blanks)
        if character is not None:
            assert (character != label) == (place in wrong)
        if place in wrong:
            hand = Writer(SEED, writer, 0.93)
            found = pixels(folder / split / label / f"{number}.png")
            np.testing.assert_array_equal(found, hand.write(character, sample))
            assert not np.array_equal(found, hand.write(label, sample))
            checked += 1
    assert checked == len(wrong) > 5
    assert len(blanks) > 1


# --- Like real scans ---------------------------------------------------------------

REAL = {
    "width": (35, 55, 85),
    "height": (42, 71, 102),
    "ink": (0.17, 0.25, 0.38),
    "dark": (90, 116, 152),
}
"""5, 50 and 95 % of the real HWDB 1.1 sample: see data/README.md. `dark` is the grey level
that a quarter of a scan's ink is darker than."""


def test_sizes_and_ink_are_those_of_real_scans():
    pages = [
        hand.write(CLASSES[(7 * hand.key[1] + k) % len(CLASSES)], k % 2)
        for hand in (Writer(SEED, n, TINY.messiness) for n in range(60))
        for k in range(0, 55, 4)
    ]
    width = np.array([page.shape[1] for page in pages])
    height = np.array([page.shape[0] for page in pages])
    ink = np.array([(page < 255).mean() for page in pages])
    dark = np.array([np.percentile(page[page < 255], 25) for page in pages])
    measured = {"width": width, "height": height, "ink": ink, "dark": dark}
    for name, values in measured.items():
        low, median, high = np.percentile(values, (5, 50, 95))
        assert median == pytest.approx(REAL[name][1], rel=0.15), name
        assert (low, high) == pytest.approx(REAL[name][::2], rel=0.25), name
    assert np.median(height / width) == pytest.approx(1.29, rel=0.15)


def test_a_messier_hand_is_farther_from_the_model():
    """Messiness moves the strokes: three writers, drawn at three levels."""

    def difference(messiness):
        total = 0
        for number in (5, 6, 7):
            hand, neat = Writer(SEED, number, messiness), Writer(SEED, number, 0)
            for character in CLASSES:
                both = [
                    np.asarray(Image.fromarray(w.write(character)).resize((32, 32)))
                    for w in (hand, neat)
                ]
                total += np.abs(both[0].astype(int) - both[1]).mean()
        return total

    assert difference(0.3) < difference(0.93) < difference(1.6)


def test_every_form_can_be_drawn():
    writer = Writer(SEED, 5, 0)
    for character in CLASSES:
        forms = [glyph(character, k / 12) for k in range(12)]
        assert len({shape.points.tobytes() for shape in forms}) > 1, character
        for shape in forms:
            still = variation(np.random.default_rng(0), shape, 0, 0)
            writer.habits[character] = shape, still, np.zeros(len(shape.part))
            assert (writer.write(character) < 255).mean() > 0.05


def test_haste_links_strokes():
    """A hasty hand lifts the pen less often: fewer pieces of ink in the same form."""
    pieces = {}
    for cursiveness in (0, 1):
        hand = Writer(SEED, 5, 0, cursiveness)
        for character in CLASSES:
            shape = glyph(character)
            still = variation(np.random.default_rng(0), shape, 0, 0)
            hand.habits[character] = shape, still, np.zeros(len(shape.part))
        pieces[cursiveness] = sum(
            ndimage.label(hand.write(c) < 255, np.ones((3, 3)))[1] for c in CLASSES
        )
    assert pieces[1] < 0.8 * pieces[0]


def test_smoothing_rounds_corners_and_keeps_ends_and_lines():
    line = np.linspace([0, 5], [30, 20], 40)
    np.testing.assert_allclose(smooth(line, 2.0), line, atol=1e-9)
    corner = np.concatenate([np.arange(20.0), np.arange(20.0, -1, -1)])
    rounded = smooth(corner, 2.0)
    assert rounded[0] == pytest.approx(0) and rounded[-1] == pytest.approx(0)
    assert 17 < rounded.max() < 19


# --- Complete or absent ------------------------------------------------------------

KILL = """
    import os, signal, sys
    from pathlib import Path
    from PIL import Image
    from helpers.handwriting import simulator

    simulator.CLASSES = "人从众大啖"
    moment, size, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
    kill = getattr(signal, "SIGKILL", signal.SIGTERM)
    calls = 0

    def dying(function, last):
        def wrapper(*arguments, **options):
            global calls
            calls += 1
            if calls == last:
                os.kill(os.getpid(), kill)
            return function(*arguments, **options)
        return wrapper

    if moment == "names":
        simulator.folder_names = dying(simulator.folder_names, 1)
    elif moment == "about":
        simulator._about = dying(simulator._about, 1)
    elif moment == "rename":
        Path.replace = dying(Path.replace, 1)
    else:
        Image.Image.save = dying(Image.Image.save, int(moment))
    simulator.simulate("set", size, workers=workers)
"""


def start(folder, code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(COURSE), "TQDM_DISABLE": "1"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("moment", ["names", "1", "40", "about", "rename"])
def test_killed_at_some_moment(tmp_path, moment):
    process = start(tmp_path, KILL, moment, "tiny", 1)
    assert process.wait(60) != 0
    left = [p.name for p in tmp_path.iterdir()]
    assert len(left) == 1 and left[0].startswith(PARTIAL)


def workers_of(pid):
    """Worker processes of a process, without the trackers that live as long as it."""
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if "LokyProcess" in " ".join(child.cmdline())]


def writes_an_image(worker):
    with suppress(psutil.Error):
        return any(file.path.endswith(".png") for file in worker.open_files())
    return False


def start_drawing(folder):
    """A process whose two workers have both begun to draw the full size, and these workers."""
    process, seen = start(folder, KILL, "0", "full", 2), set()
    while process.poll() is None and len(seen) < 2:
        seen |= {worker for worker in workers_of(process.pid) if writes_an_image(worker)}
        time.sleep(0.002)
    return process, workers_of(process.pid)


def test_killed_while_workers_draw(tmp_path, few):
    """Nothing under the target's name, and the next run works."""
    process, workers = start_drawing(tmp_path)
    process.kill()
    process.wait()
    left = [p.name for p in tmp_path.iterdir()]
    assert len(left) == 1 and left[0].startswith(PARTIAL)
    simulate(tmp_path / "set", "tiny", workers=1)
    assert is_current(tmp_path / "set", "tiny", SEED)
    assert (tmp_path / left[0]).is_dir()  # another process may be writing it
    os.utime(tmp_path / left[0], (0, 0))
    with write_folder(tmp_path / "other"):
        pass
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other", "set"]
    # They would wait 5 seconds for work, then 30 for a word of the parent.
    for worker in workers:
        with suppress(psutil.NoSuchProcess):
            worker.kill()
    assert len(workers) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups with Ctrl-C")
def test_ctrl_c_in_a_terminal(tmp_path, few):
    """It reaches parent and workers: all end with one traceback, and nothing is left."""
    process, workers = start_drawing(tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate()
    assert error.count("Traceback") == 1 and "KeyboardInterrupt" in error
    assert len(workers) == 2 and psutil.wait_procs(workers, timeout=60)[1] == []
    assert list(tmp_path.iterdir()) == []


def test_a_script_without_a_main_guard_runs_once(tmp_path):
    code = """
        from helpers.handwriting import simulator

        print("once")
        simulator.simulate("drawn", "tiny", workers=2)
        print("done")
    """
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(COURSE), "TQDM_DISABLE": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.stdout.split(), done.stderr) == (["once", "done"], "")
    assert len(list((tmp_path / "drawn").rglob("*.png"))) > 700


def full_disk(self, path, **options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def test_disk_full(few, tmp_path, monkeypatch):
    save, calls = Image.Image.save, []

    def fill(self, path, **options):
        calls.append(path)
        (full_disk if len(calls) > 20 else save)(self, path, **options)

    monkeypatch.setattr(Image.Image, "save", fill)
    with pytest.raises(CourseError, match=r"^The disk is full: .*set.*\.$"):
        simulate(tmp_path / "set", "tiny", workers=1)
    assert len(calls) == 21 and list(tmp_path.iterdir()) == []


def full_in_worker(folder, names, seed, size, number, images):
    """Stands in for `simulator._draw` in a worker, which imports this module."""
    with pytest.MonkeyPatch.context() as patch:
        if number == 2:
            patch.setattr(Image.Image, "save", full_disk)
        return draw(folder, names, seed, size, number, images)


draw = simulator._draw


def test_disk_full_in_a_worker(few, tmp_path, monkeypatch):
    monkeypatch.setattr(simulator, "_draw", full_in_worker)
    with pytest.raises(CourseError, match=r"^The disk is full: .*set.*\.$"):
        simulate(tmp_path / "set", "tiny", workers=2)
    assert list(tmp_path.iterdir()) == []
    assert workers_of(os.getpid()) == []


@pytest.mark.filterwarnings("ignore:.* tasks")  # joblib tells what was given up
@pytest.mark.parametrize("workers", [1, 2])
def test_interrupted(few, tmp_path, monkeypatch, workers):
    class Bar:
        def __init__(self, **options):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def update(self, count):
            raise KeyboardInterrupt

    monkeypatch.setattr(simulator, "progress", Bar)
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "set", "tiny", workers=workers)
    assert list(tmp_path.iterdir()) == [] and workers_of(os.getpid()) == []


def test_a_folder_that_may_not_be_written(tmp_path, monkeypatch):
    """Simulated, because tests may run with the right to write everywhere."""

    def deny(path, *arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", deny)
    with pytest.raises(CourseError, match="cannot be written: Permission den"):
        simulate(tmp_path / "set", "tiny", workers=1)


# --- Time --------------------------------------------------------------------------


def test_progress(few, tmp_path, monkeypatch):
    """The bar says how many of how many images, and ends full."""
    bars = []

    class Bar:
        def __init__(self, total, desc, **options):
            self.total, self.desc, self.n = total, desc, 0
            bars.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def update(self, count):
            assert 0 < count < self.total
            self.n += count

    monkeypatch.setattr(simulator, "progress", Bar)
    simulate(tmp_path / "set", "tiny", workers=1)
    (bar,) = bars
    images = len(list((tmp_path / "set").rglob("*.png")))
    assert bar.n == bar.total == images and "handwriting" in bar.desc
