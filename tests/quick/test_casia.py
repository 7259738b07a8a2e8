"""helpers/handwriting/casia.py: real CASIA from folders, zip archives and .gnt files."""

import errno
import os
import random
import shutil
import struct
import subprocess
import sys
import unicodedata
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import ROOT

from helpers.files import CourseError
from helpers.handwriting import casia
from helpers.handwriting.casia import (
    WRITERS,
    find_halves,
    find_layout,
    folder_name,
    import_casia,
    is_official,
    read_gnt,
)

# Building blocks


def bitmap(height=7, width=5, seed=0):
    random_state = np.random.default_rng(seed)
    return random_state.integers(0, 256, (height, width), dtype=np.uint8)


def gnt_record(character, image):
    height, width = image.shape
    code = character.encode("gbk").ljust(2, b"\0")
    size = 10 + height * width
    return struct.pack("<I2sHH", size, code, width, height) + image.tobytes()


def write_gnt(path, samples):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(gnt_record(c, image) for c, image in samples))
    return path


def write_layout(folder, characters="人木", sides=("Train", "Test"), count=2):
    for side in sides:
        for character in characters:
            parent = folder / side / folder_name(character)
            parent.mkdir(parents=True)
            for n in range(1, count + 1):
                Image.fromarray(bitmap(seed=n)).save(parent / f"{n}.png")
    return folder


PNG = b"\x89PNG not decoded here: the import copies bytes"


def layout_entries(characters="人木", root="CASIA-Dataset/"):
    """(name, content) pairs, each content different."""
    return [
        (f"{root}{side}/{c}/{n}.png", PNG + f"{side}{c}{n}".encode())
        for side in ("Train", "Test")
        for c in characters
        for n in (1, 2)
    ]


def write_zip(path, entries, method=zipfile.ZIP_DEFLATED):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # duplicate names, on purpose
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in entries:
                archive.writestr(name, content)
    return path


def raw_names(path, names):
    """Replace placeholder names in a zip by raw bytes of the same length, no flag."""
    data = path.read_bytes()
    for placeholder, raw in names.items():
        assert len(placeholder) == len(raw) and data.count(placeholder) == 2
        data = data.replace(placeholder, raw)
    path.write_bytes(data)
    return path


def tree(folder):
    """{relative name: bytes} of all images below a folder."""
    return {
        unicodedata.normalize("NFC", p.relative_to(folder).as_posix()): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name != casia.SOURCE_RECORD
    }


@pytest.fixture
def refuses(tmp_path):
    """Check that an import fails with one sentence and leaves nothing behind."""

    def check(source, *fragments, **options):
        out = tmp_path / "out"
        with pytest.raises(CourseError) as caught:
            import_casia(source, out / "CASIA", **options)
        message = str(caught.value)
        for fragment in fragments:
            assert str(fragment) in message
        assert "\n" not in message and message.endswith(".")
        assert not out.exists() or list(out.iterdir()) == []
        return message

    return check


# Names of folders


@pytest.mark.parametrize(
    "character, name",
    [
        ("人", "人"),
        ("a", "a"),
        ("7", "7"),
        ("？", "？"),
        ("?", "U+003F"),
        ("/", "U+002F"),
        ("\\", "U+005C"),
        (":", "U+003A"),
        (".", "U+002E"),
        (" ", "U+0020"),
        ("\x07", "U+0007"),
        ("\ufa0c", unicodedata.normalize("NFC", "\ufa0c")),
        ("e\u0301", "\u00e9"),
        ("ab.", "abU+002E"),
    ],
)
def test_folder_name(character, name):
    assert folder_name(character) == name


def test_no_two_symbols_share_a_folder_where_case_does_not_count():
    symbols = [chr(code) for code in range(32, 127)]
    names = [folder_name(symbol).casefold() for symbol in symbols]
    assert len(set(names)) == len(symbols)
    assert not set("".join(names)) & set('<>:"/\\|?*')


# Folders in the layout


def test_find_layout_at_and_below(tmp_path):
    layout = write_layout(tmp_path / "a" / "b" / "CASIA-Dataset")
    assert find_layout(layout) == layout
    assert find_layout(tmp_path) == layout


def test_find_layout_takes_the_nearest(tmp_path):
    write_layout(tmp_path / "a" / "deep")
    near = write_layout(tmp_path / "z")
    assert find_layout(tmp_path) == near


def test_find_layout_is_bounded(tmp_path):
    deepest = tmp_path.joinpath(*["d"] * (casia.MAX_DEPTH - 1))
    write_layout(deepest / "d")
    assert find_layout(tmp_path) is None
    write_layout(deepest)
    assert find_layout(tmp_path) == deepest


def test_find_layout_wants_characters_with_images(tmp_path):
    assert find_layout(tmp_path / "absent") is None
    write_layout(tmp_path, sides=["Train"])
    (tmp_path / "Test" / "人").mkdir(parents=True)
    (tmp_path / "Test" / "人" / ".DS_Store").touch()
    assert find_layout(tmp_path) is None
    shutil.copy(tmp_path / "Train" / "人" / "1.png", tmp_path / "Test" / "人")
    assert find_layout(tmp_path) == tmp_path


def test_find_layout_ignores_junk_and_half_written(tmp_path):
    write_layout(tmp_path / ".partial-0123")
    write_layout(tmp_path / "__MACOSX")
    assert find_layout(tmp_path) is None


KAGGLE = ["CASIA-HWDB_Train/Train", "CASIA-HWDB_Test/Test"]


@pytest.mark.parametrize(
    "train, test",
    [
        KAGGLE,
        ("train", "test"),
        ("TRAIN", "TEST"),
        ("Training", "Testing"),
        ("HWDB1.1trn", "HWDB1.1tst"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("archive/Train", "archive (1)/Test"),
        ("训练集", "测试集"),
        ("Train/images", "Test/images"),
    ],
)
@pytest.mark.parametrize("form", ["folder", "zip", "zip by PowerShell"])
def test_halves_are_known_by_their_names(tmp_path, train, test, form):
    images = {f"{half}/{c}/1.png": PNG + c.encode() for half in (train, test) for c in "人木"}
    images |= {f"{train}/人/2.png": PNG, "docs/pictures/page.png": PNG, "cover.png": PNG}
    source = tmp_path / "my scans"
    if form == "folder":
        for name, content in images.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(content)
        halves = find_halves(import_casia(source, tmp_path / "out"))
        assert halves == {"Train": source / train, "Test": source / test}
        assert not (tmp_path / "out").exists()
    else:
        pack = backslash_zip if "PowerShell" in form else write_zip
        target = import_casia(pack(source.with_suffix(".zip"), images.items()), tmp_path / "out")
        assert set(tree(target)) == {
            *("Train/人/1.png", "Train/人/2.png", "Train/木/1.png"),
            *("Test/人/1.png", "Test/木/1.png"),
        }


def backslash_zip(path, entries):
    r"""A zip as PowerShell 5 packs it: made on Windows, with \ between folders."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries:
            info = zipfile.ZipInfo("placeholder")
            info.filename, info.create_system = name.replace("/", "\\"), 0
            info.flag_bits |= 0x800
            archive.writestr(info, content)
        info.filename = "an empty folder\\"
        archive.writestr(info, b"")
    return path


@pytest.mark.parametrize("names", [["Train.zip", "Test.zip"], ["HWDB_Train.ZIP", "HWDB_Test.zip"]])
@pytest.mark.parametrize("inside", ["", "Train/", "CASIA/"])
def test_two_zips_side_by_side(tmp_path, names, inside):
    (tmp_path / "in").mkdir()
    for number, name in enumerate(names):
        top = inside.replace("Train", "Test") if number else inside
        entries = [
            (f"{top}{c}/{n}.png", PNG + f"{number}{c}{n}".encode()) for c in "人木" for n in "12"
        ]
        write_zip(tmp_path / "in" / name, entries)
    target = import_casia(tmp_path / "in", tmp_path / "out")
    assert tree(target) == {
        f"{half}/{c}/{n}.png": PNG + f"{number}{c}{n}".encode()
        for number, half in enumerate(("Train", "Test"))
        for c in "人木"
        for n in "12"
    }
    assert not is_official(tmp_path / "in")
    assert import_casia(tmp_path / "in", target) == target  # it is there
    write_gnt(tmp_path / "in" / "trn" / "1.gnt", [("人", bitmap())])
    assert is_official(tmp_path / "in")


def test_halves_that_belong_together_go_before_nearer_ones(tmp_path):
    write_layout(tmp_path, sides=["Train"])
    whole = write_layout(tmp_path / "copy" / "CASIA")
    assert find_layout(tmp_path) == whole
    write_layout(tmp_path, sides=["Test"])
    assert find_layout(tmp_path) == tmp_path
    for half in ("Test small", "Train more"):
        shutil.copytree(tmp_path / "Test", tmp_path / half)
    assert find_halves(tmp_path)["Test"] == tmp_path / "Test"


def test_halves_that_are_not_decided(tmp_path, refuses):
    for version in ("HWDB1.0", "HWDB1.1"):
        write_layout(tmp_path / "in" / version)
    refuses(tmp_path / "in", "more than one", "HWDB1.0/Test", "HWDB1.1/Train", "one of each")


def test_one_half_alone_is_named(tmp_path, refuses):
    write_layout(tmp_path / "in" / "deep", sides=["Train"])
    refuses(tmp_path / "in", "only Train in deep/Train", "expected")
    refuses(tmp_path / "in" / "deep" / "Train", "are not in Train and Test")
    entries = [entry for entry in layout_entries() if "Test" in entry[0]]
    refuses(write_zip(tmp_path / "a.zip", entries), "it holds only Test")


def test_spaces_around_names_in_a_zip_do_not_count(tmp_path):
    source = write_zip(tmp_path / "a.zip", [("Train /人 /1.png", PNG), ("Test/人/1.png", PNG)])
    assert set(tree(import_casia(source, tmp_path / "out"))) == {"Train/人/1.png", "Test/人/1.png"}


def test_what_is_left_out_of_a_zip_is_said(tmp_path, capsys):
    more = [("CASIA-Dataset/Train/人/notes.txt", b"x"), ("CASIA-Dataset/Train/人/3.jfif", PNG)]
    target = import_casia(write_zip(tmp_path / "a.zip", layout_entries() + more), tmp_path / "out")
    assert "Train/人/3.jfif" in tree(target)
    said = capsys.readouterr().out
    assert said.startswith("1 file was left out") and "Train/人/notes.txt" in said


def test_folder_in_the_layout_is_used_as_it_is(tmp_path):
    layout = write_layout(tmp_path / "CASIA-Dataset")
    before = tree(tmp_path)
    assert import_casia(tmp_path, tmp_path / "target", characters="犬") == layout
    assert tree(tmp_path) == before
    assert not (tmp_path / "target").exists()


def test_folder_without_data(tmp_path, refuses):
    empty = tmp_path / "nothing here"
    empty.mkdir()
    refuses(empty, empty, "Train/<character>/<n>.png", ".gnt", "unpack")


def test_source_of_no_known_kind(tmp_path, refuses):
    refuses(tmp_path / "absent.zip", "absent.zip", "does not exist")
    (tmp_path / "notes.txt").write_text("no data", encoding="utf-8")
    refuses(tmp_path / "notes.txt", "notes.txt", "neither")


# .gnt: reading


def test_gnt_round_trip_over_random_sizes(tmp_path):
    rng = random.Random(1)
    symbols = "人从众大夫天口太囡啖a?7·—ＡΩ"
    for trial in range(20):
        samples = [
            (
                rng.choice(symbols),
                bitmap(rng.randint(1, 90), rng.randint(1, 90), seed=trial * 100 + n),
            )
            for n in range(rng.randint(1, 12))
        ]
        read = list(read_gnt(write_gnt(tmp_path / "x.gnt", samples)))
        assert [c for c, _ in read] == [c for c, _ in samples]
        for (_, image), (_, expected) in zip(read, samples, strict=True):
            assert image.dtype == np.uint8
            assert image.flags.writeable
            np.testing.assert_array_equal(image, expected)


def test_gnt_extreme_sizes(tmp_path):
    images = [bitmap(1, casia.MAX_SIDE), bitmap(casia.MAX_SIDE, 1)]
    path = write_gnt(tmp_path / "x.gnt", [("人", image) for image in images])
    assert [i.shape for _, i in read_gnt(str(path))] == [(1, 1000), (1000, 1)]


GOOD = gnt_record("木", bitmap())


@pytest.mark.parametrize(
    "third, what",
    [
        (GOOD[:5], "is cut off"),
        (GOOD[:10], "is cut off"),
        (GOOD[:-1], "is cut off"),
        (
            struct.pack("<I2sHH", 46, b"\xc8\xcb", 5, 7) + b"x" * 36,
            "impossible size",
        ),
        (struct.pack("<I2sHH", 10, b"\xc8\xcb", 0, 7), "impossible size"),
        (struct.pack("<I2sHH", 10, b"\xc8\xcb", 5, 0), "impossible size"),
        (
            struct.pack("<I2sHH", 10 + 1001, b"\xc8\xcb", 1001, 1) + b"x" * 1001,
            "impossible size",
        ),
        (
            struct.pack("<I2sHH", 11, b"\xff\xff", 1, 1) + b"x",
            "character code (0xFFFF)",
        ),
        (
            struct.pack("<I2sHH", 11, b"\0\0", 1, 1) + b"x",
            "character code (0x0000)",
        ),
        (
            struct.pack("<I2sHH", 11, b"ab", 1, 1) + b"x",
            "character code (0x6162)",
        ),
    ],
)
def test_gnt_damage_is_named(tmp_path, refuses, third, what):
    """Two good records, then a bad one: told with its number and byte offset."""
    path = tmp_path / "in" / "HWDB1.1trn_gnt" / "1001-c.gnt"
    write_gnt(path, [("人", bitmap(3, 3)), ("木", bitmap())])
    start = path.stat().st_size
    assert len(list(read_gnt(path))) == 2
    path.write_bytes(path.read_bytes() + third)
    with pytest.raises(CourseError) as caught:
        list(read_gnt(path))
    for fragment in (path, "record 3", f"byte {start}", what):
        assert str(fragment) in str(caught.value)
    write_gnt(tmp_path / "in" / "HWDB1.1tst_gnt" / "1.gnt", [("人", bitmap())])
    refuses(tmp_path / "in", path, "record 3", f"byte {start}", what)
    # A character that is stepped over is checked as well.
    refuses(tmp_path / "in", path, "record 3", characters="人")


def test_gnt_empty_or_absent(tmp_path):
    (tmp_path / "x.gnt").touch()
    with pytest.raises(CourseError, match=r"x\.gnt is damaged: record 1.*empty"):
        list(read_gnt(tmp_path / "x.gnt"))
    with pytest.raises(CourseError, match=r"y\.gnt cannot be read"):
        list(read_gnt(tmp_path / "y.gnt"))


def test_gnt_random_damage_never_ends_in_a_traceback(tmp_path):
    good = b"".join(gnt_record("人木a"[n % 3], bitmap(6, 6, n)) for n in range(6))
    rng = random.Random(2)
    refused = 0
    for _ in range(300):
        data = bytearray(good)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        (tmp_path / "x.gnt").write_bytes(data[: rng.randint(1, len(data))])
        try:
            list(read_gnt(tmp_path / "x.gnt"))
        except CourseError:
            refused += 1
    assert refused > 200


# .gnt: importing


def write_hwdb(folder, train="HWDB1.1trn_gnt", test="HWDB1.1tst_gnt"):
    """Two training writers and a test writer; 人 twice in a file."""
    images = iter(bitmap(4 + n, 3, seed=n) for n in range(20))
    for name, text in (
        (f"{train}/1002-c", "木?"),
        (f"{train}/1001-c", "人木人"),
    ):
        write_gnt(folder / f"{name}.gnt", [(c, next(images)) for c in text])
    write_gnt(folder / f"{test}/1241-c.GNT", [(c, next(images)) for c in "人木"])
    return folder


def test_gnt_import(tmp_path):
    source = write_hwdb(tmp_path / "in")
    (source / "HWDB1.1trn_gnt" / "._1001-c.gnt").write_bytes(b"left by macOS")
    target = tmp_path / "CASIA-Dataset"
    assert import_casia(str(source), str(target)) == target
    images = {
        name: np.asarray(Image.open(target / name))
        for name in tree(target)  # numbers follow the sorted order of the files
        if name != WRITERS
    }
    expected = {
        "Train/人/1.png": bitmap(6, 3, seed=2),
        "Train/人/2.png": bitmap(8, 3, seed=4),
        "Train/木/1.png": bitmap(7, 3, seed=3),
        "Train/木/2.png": bitmap(4, 3, seed=0),
        "Train/U+003F/1.png": bitmap(5, 3, seed=1),
        "Test/人/1.png": bitmap(9, 3, seed=5),
        "Test/木/1.png": bitmap(10, 3, seed=6),
    }
    assert set(images) == set(expected)
    for name, image in expected.items():
        np.testing.assert_array_equal(images[name], image)
        assert Image.open(target / name).mode == "L"
    assert find_layout(tmp_path) == target
    assert sorted((target / WRITERS).read_text(encoding="utf-8").split()) == sorted(
        ["file,writer", "Test/人/1.png,1241", "Test/木/1.png,1241"]
        + [f"Train/{file}.png,1001" for file in ("人/1", "人/2", "木/1")]
        + [f"Train/{file}.png,1002" for file in ("木/2", "U+003F/1")]
    )


def test_writers_are_unknown_where_one_name_does_not_tell(tmp_path):
    source = write_hwdb(tmp_path / "in")
    (source / "HWDB1.1trn_gnt" / "1002-c.gnt").rename(source / "HWDB1.1trn_gnt" / "all.gnt")
    assert WRITERS not in tree(import_casia(source, tmp_path / "out"))


def test_gnt_numbers_follow_the_sorted_files(tmp_path):
    writers = list(range(1001, 1031))
    random.Random(4).shuffle(writers)
    for writer in writers:
        image = bitmap(writer - 1000, 3)
        write_gnt(tmp_path / "in" / "trn" / f"{writer}.gnt", [("人", image)])
    write_gnt(tmp_path / "in" / "tst" / "1.gnt", [("人", bitmap())])
    folder = import_casia(tmp_path / "in", tmp_path / "out") / "Train" / "人"
    assert [Image.open(folder / f"{n}.png").height for n in range(1, 31)] == list(range(1, 31))


def test_gnt_import_of_some_characters(tmp_path):
    source = write_hwdb(tmp_path / "in")
    whole = tree(import_casia(source, tmp_path / "whole"))
    part = tree(import_casia(source, tmp_path / "part", characters=["木", "犬"]))
    table = part.pop(WRITERS).decode()
    assert set(table.split()) < set(whole[WRITERS].decode().split())
    assert part == {name: data for name, data in whole.items() if "木" in name}
    assert len(part) == 3


@pytest.mark.parametrize(
    "train, test",
    [
        ("Gnt1.0TrainPart1", "Gnt1.0Test"),
        ("Train/writers", "Test/writers"),
        ("train-and-test/TRN", "train-and-test/TST"),
        ("trn/trn-and-tst", "tst/trn-and-tst"),  # decided one level up
        ("contest/trn", "contest/set1"),  # "contest" contains "test"
    ],
)
def test_gnt_sides_from_names(tmp_path, train, test):
    source = write_hwdb(tmp_path / "in", train, test)
    target = import_casia(source, tmp_path / "out")
    assert len(tree(target / "Train")) == 5
    assert len(tree(target / "Test")) == 2


def test_gnt_side_not_decided(tmp_path, refuses):
    # tmp_path itself contains "test": what is above the source must not count.
    source = write_hwdb(tmp_path / "in", "writers", "HWDB1.1tst_gnt")
    refuses(source, "1001-c.gnt", "HWDB1.1trn_gnt")


def test_gnt_one_side_only(tmp_path, refuses):
    source = write_hwdb(tmp_path / "in", "trn/a", "trn/b")
    refuses(source, source, "only Train", "tst", "HWDB1.1tst_gnt")
    shutil.rmtree(source)
    source = write_hwdb(tmp_path / "in", "HWDB1.1tst_gnt", "tst/b")
    refuses(source, source, "only Test", "trn", "HWDB1.1trn_gnt")
    one = source / "HWDB1.1tst_gnt" / "1001-c.gnt"
    refuses(one, one.parent, "only Test", "HWDB1.1trn_gnt")


def test_halves_that_are_still_packed(tmp_path, refuses):
    """HWDB1.1trn_gnt.zip holds an .alz, which no common tool unpacks."""
    source = write_hwdb(tmp_path / "in", "HWDB1.1tst_gnt", "tst/b")
    (source / "HWDB1.1trn_gnt").mkdir()
    (source / "HWDB1.1trn_gnt" / "HWDB1.1trn_gnt.alz").touch()
    refuses(source, "only Test", "unpack HWDB1.1trn_gnt/HWDB1.1trn_gnt.alz first", "unalz")
    other = tmp_path / "zips"
    other.mkdir()
    write_zip(other / "HWDB1.1tst_gnt.zip", [("1241-c.gnt", GOOD)])
    write_zip(other / "HWDB1.1trn_gnt.zip", [("HWDB1.1trn_gnt.alz", b"ALZ")])
    refuses(other, "its archives hold .gnt files", "HWDB1.1trn_gnt.alz first", "unalz")
    (tmp_path / "rar").mkdir()
    (tmp_path / "rar" / "CASIA.rar").touch()
    refuses(tmp_path / "rar", "holds no CASIA data: unpack CASIA.rar first")
    refuses(tmp_path / "rar" / "CASIA.rar", "unpack CASIA.rar first")


def test_what_a_disk_keeps_for_itself_is_not_looked_into(tmp_path, monkeypatch):
    source = write_hwdb(tmp_path / "in")
    closed = source / "lost+found"
    closed.mkdir()
    scandir = os.scandir

    def deny(path="."):
        if Path(path) == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", deny)
    assert len(tree(import_casia(source, tmp_path / "out"))) == 8  # with the table of writers


def test_gnt_no_such_character(tmp_path, refuses):
    source = write_hwdb(tmp_path / "in")
    refuses(source, "none of the characters asked for", characters="犬")
    refuses(source, "in its Test part", characters="?")  # in Train only
    refuses(source, "none of the characters asked for", characters=[])


# Zip archives: reading


def test_zip_is_copied_byte_for_byte(tmp_path):
    entries = layout_entries()
    junk = [
        ("__MACOSX/CASIA-Dataset/Train/人/._1.png", b"x"),
        (".trash/Train/人/1.png", b"x"),
        (".trash/Test/人/1.png", b"x"),
        ("CASIA-Dataset/Train/人/.DS_Store", b"x"),
        ("CASIA-Dataset/Train/人/Thumbs.db", b"x"),
        ("CASIA-Dataset/Train/人/notes.txt", b"x"),
        ("CASIA-Dataset/readme.txt", b"x"),
        ("CASIA-Dataset/Train/", b""),
        ("CASIA-Dataset/sheet.png", b"x"),
    ]
    source = write_zip(tmp_path / "casia.zip", junk + entries)
    target = tmp_path / "a" / "target"
    assert import_casia(source, target) == target
    assert tree(target) == {
        name.removeprefix("CASIA-Dataset/"): content for name, content in entries
    }
    part = import_casia(source, tmp_path / "b", characters="木")
    assert set(tree(part)) == {n for n in tree(target) if "木" in n}


@pytest.mark.parametrize("root", ["", "./", "my data/2024/CASIA-Dataset/"])
def test_zip_layout_at_any_depth(tmp_path, root):
    far = [(f"far/{root}deeper/{name}", b"x") for name, _ in layout_entries("犬", "")]
    source = write_zip(tmp_path / "casia.zip", far + layout_entries(root=root))
    target = import_casia(source, tmp_path / "out")
    assert set(tree(target)) == {name for name, _ in layout_entries(root="")}


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_zip_names_without_flag(tmp_path, encoding):
    """The GBK bytes of 太 and 木 alone are valid UTF-8 by chance: 人 settles it."""
    characters = "太木人"
    raw = {c: c.encode(encoding) for c in characters}
    stand_in = {c: chr(ord("0") + i) * len(raw[c]) for i, c in enumerate(characters)}
    entries, names = [], {}
    for side in ("Train", "Test"):
        for c in characters:
            entries.append((f"{side}/{stand_in[c]}/1.png", side.encode() + raw[c]))
            names[f"{side}/{stand_in[c]}/".encode()] = f"{side}/".encode() + raw[c] + b"/"
    source = raw_names(write_zip(tmp_path / "casia.zip", entries), names)
    target = import_casia(source, tmp_path / "out")
    assert tree(target) == {
        f"{side}/{c}/1.png": side.encode() + raw[c]
        for side in ("Train", "Test")
        for c in characters
    }


def test_zip_gbk_name_with_a_backslash_byte(tmp_path):
    """The second byte of a GBK character may be that of a backslash."""
    raw = "乗".encode("gbk")
    assert raw[1:] == b"\\"
    entries = [("Train/00/1.png", b"a"), ("Test/00/1.png", b"b")]
    source = raw_names(
        write_zip(tmp_path / "casia.zip", entries),
        {
            b"Train/00/": b"Train/" + raw + b"/",
            b"Test/00/": b"Test/" + raw + b"/",
        },
    )
    target = import_casia(source, tmp_path / "out")
    assert set(tree(target)) == {"Train/乗/1.png", "Test/乗/1.png"}


def test_zip_name_in_no_known_encoding(tmp_path, refuses):
    source = write_zip(tmp_path / "casia.zip", layout_entries("ab", ""))
    raw_names(source, {b"Train/a/2": b"Train/\xff/2"})
    refuses(source, source, "neither UTF-8 nor GBK")


def test_zip_names_in_decomposed_form(tmp_path):
    entries = layout_entries(["e\u0301"], "")
    source = write_zip(tmp_path / "casia.zip", entries)
    target = import_casia(source, tmp_path / "out", characters=["\u00e9"])
    assert [p.name for p in (target / "Train").iterdir()] == ["\u00e9"]


# Zip archives: what is refused


@pytest.mark.parametrize(
    "name",
    [
        "../Train/人/1.png",
        "CASIA-Dataset/Train/../../../人/1.png",
        "/Train/人/1.png",
        "C:/Train/人/1.png",
        "c:Train/人/1.png",
        "..\\..\\1.png",
        "\\Train\\人\\1.png",
        "c:\\Train\\人\\1.png",
        "../readme.txt",
    ],
)
@pytest.mark.parametrize("system", [0, 3])
def test_zip_slip(tmp_path, refuses, name, system):
    source = write_zip(tmp_path / "casia.zip", layout_entries())
    import_casia(source, tmp_path / "good")
    with zipfile.ZipFile(source, "a") as archive:
        info = zipfile.ZipInfo("placeholder")
        info.filename = name  # past ZipInfo's own cleaning, on any system
        info.create_system = system
        archive.writestr(info, b"x")
    refuses(source, source, repr(name), "outside its folder")
    assert {p.name for p in tmp_path.iterdir()} <= {"casia.zip", "good", "out"}


def test_zip_with_a_backslash_in_a_name_of_linux(tmp_path, refuses):
    """There it belongs to the name; on Windows it would end a folder's."""
    source = write_zip(tmp_path / "casia.zip", layout_entries())
    with zipfile.ZipFile(source, "a") as archive:
        info = zipfile.ZipInfo("placeholder")
        info.filename, info.create_system = "Train\\人\\1.png", 3
        archive.writestr(info, b"x")
    refuses(source, repr("Train\\人\\1.png"), "has a backslash in its name: unpack it")


def test_zip_symbolic_link(tmp_path, refuses):
    source = write_zip(tmp_path / "casia.zip", layout_entries())
    with zipfile.ZipFile(source, "a") as archive:
        info = zipfile.ZipInfo("CASIA-Dataset/Train/人/3.png")
        info.create_system = 3
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    refuses(source, source, "Train/人/3.png", "is a link")


def patched_entry(path, name, **fields):
    """Overwrite fields of the central and the local header of the last entry."""
    offsets = {  # name: (in the central header, in the local header, format)
        "flags": (8, 6, "<H"),
        "method": (10, 8, "<H"),
        "crc": (16, 14, "<I"),
        "packed": (20, 18, "<I"),
        "size": (24, 22, "<I"),
    }
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(name)
    data = bytearray(path.read_bytes())
    central = data.rindex(name.encode()) - 46
    assert data[central : central + 4] == b"PK\1\2"
    for field, value in fields.items():
        in_central, in_local, form = offsets[field]
        struct.pack_into(form, data, central + in_central, value)
        struct.pack_into(form, data, info.header_offset + in_local, value)
    path.write_bytes(data)


LAST = "CASIA-Dataset/Test/木/2.png"


def test_zip_encrypted(tmp_path, refuses):
    source = write_zip(tmp_path / "casia.zip", layout_entries())
    patched_entry(source, LAST, flags=0x801)
    refuses(source, source, LAST, "is encrypted")


def test_zip_unknown_method(tmp_path, refuses):
    source = write_zip(tmp_path / "casia.zip", layout_entries(), zipfile.ZIP_LZMA)
    refuses(source, source, "packed in a rare way")
    assert import_casia(
        write_zip(tmp_path / "stored.zip", layout_entries(), zipfile.ZIP_STORED),
        tmp_path / "good",
    ).is_dir()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("change", [-1, 1, 1000])
def test_zip_wrong_declared_size(tmp_path, refuses, method, change):
    source = write_zip(tmp_path / "casia.zip", layout_entries(), method)
    content = dict(layout_entries())[LAST]
    patched_entry(source, LAST, size=len(content) + change)
    refuses(source, source, LAST)


def test_zip_short_entry_with_a_right_checksum(tmp_path, refuses):
    """The checksum holds, so only the comparison of sizes can tell."""
    source = write_zip(tmp_path / "casia.zip", layout_entries())
    patched_entry(source, LAST, size=10_000)
    refuses(source, source, LAST, "size that it states")


def test_zip_bad_checksum(tmp_path, refuses):
    source = write_zip(tmp_path / "casia.zip", layout_entries())
    patched_entry(source, LAST, crc=1)
    refuses(source, source, LAST, "is damaged")


def test_zip_bomb_by_size(tmp_path, refuses):
    name = "CASIA-Dataset/Train/人/9.png"
    noise = random.Random(0).randbytes(casia.MAX_FILE + 1)
    for data, fits in ((noise[:-1], True), (noise, False)):
        source = tmp_path / f"{fits}.zip"
        write_zip(source, [*layout_entries(), (name, data)], zipfile.ZIP_STORED)
        if fits:
            import_casia(source, tmp_path / "good")
        else:
            refuses(source, source, name, "larger than")


@pytest.mark.parametrize(
    "name",
    [
        LAST,
        LAST.replace("png", "PNG"),  # one file on Windows and macOS
        LAST.replace("Test/", "Test//"),
    ],
)
def test_zip_duplicate(tmp_path, refuses, name):
    source = write_zip(tmp_path / "casia.zip", [*layout_entries(), (name, b"again")])
    refuses(source, source, repr(name), "twice")


def test_zip_that_is_none_or_truncated(tmp_path, refuses):
    source = write_zip(tmp_path / "casia.zip", layout_entries())
    data = source.read_bytes()
    for broken in (
        b"",
        b"<html>404</html>",
        data[: len(data) // 2],
        data[:-30],
    ):
        source.write_bytes(broken)
        refuses(source, source, "not a complete zip archive")


def test_zip_without_the_layout(tmp_path, refuses):
    source = tmp_path / "casia.zip"
    train_only = [e for e in layout_entries() if "Train" in e[0]]
    for entries in ([], [("人/1.png", PNG)], train_only):
        refuses(write_zip(source, entries), source, "Train/<character>/<n>.png")
    write_zip(source, [("HWDB1.1trn_gnt/1001-c.gnt", GOOD)])
    refuses(source, source, ".gnt files: unpack it")
    write_zip(source, [("CASIA-Dataset.zip", b"PK")])
    refuses(source, source, "unpack CASIA-Dataset.zip first")


def test_zip_no_such_character(tmp_path, refuses):
    source = write_zip(tmp_path / "casia.zip", layout_entries())
    refuses(source, source, "none of the characters asked for", characters="犬")


def test_zip_random_damage_never_ends_in_a_traceback(tmp_path):
    source = write_zip(tmp_path / "casia.zip", layout_entries())
    good = source.read_bytes()
    rng = random.Random(3)
    refused = 0
    for trial in range(200):
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        source.write_bytes(data)
        target = tmp_path / "out" / str(trial)
        try:
            import_casia(source, target)
        except CourseError:
            refused += 1
            assert not target.exists()
        shutil.rmtree(target, ignore_errors=True)
    assert refused > 100
    assert list((tmp_path / "out").iterdir()) == []


# Complete or not at all


def sources(tmp_path):
    return [
        write_hwdb(tmp_path / "in"),
        write_zip(tmp_path / "casia.zip", layout_entries()),
    ]


def test_disk_full(tmp_path, refuses, monkeypatch):
    def fill_after(function, calls):
        def wrapper(*arguments, **options):
            nonlocal calls
            calls -= 1
            if calls < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return function(*arguments, **options)

        return wrapper

    for source, owner, name in zip(
        sources(tmp_path),
        (Image.Image, Path),
        ("save", "write_bytes"),
        strict=True,
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fill_after(getattr(owner, name), 3))
            refuses(source, "disk is full", tmp_path / "out" / "CASIA")
        import_casia(source, tmp_path / "out" / "CASIA")
        shutil.rmtree(tmp_path / "out")


def test_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupt)
    source = write_zip(tmp_path / "casia.zip", layout_entries())
    with pytest.raises(KeyboardInterrupt):
        import_casia(source, tmp_path / "out" / "CASIA")
    assert list((tmp_path / "out").iterdir()) == []


def test_unreadable_source(tmp_path, refuses, monkeypatch):
    """Simulated, because tests may run with the right to read everything."""
    gnt, archive = sources(tmp_path)

    def deny(function, forbidden):
        def wrapper(path, *arguments, **options):
            if Path(path) == forbidden:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return function(path, *arguments, **options)

        return wrapper

    writer = gnt / "HWDB1.1tst_gnt" / "1241-c.GNT"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", deny(Path.open, writer))
        refuses(gnt, writer, "cannot be read", "permission")
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", deny(os.scandir, gnt / "HWDB1.1tst_gnt"))
        refuses(gnt, gnt / "HWDB1.1tst_gnt", "cannot be read")
    with monkeypatch.context() as patch:
        patch.setattr(casia, "_subfolders", deny(casia._subfolders, gnt))
        refuses(gnt, gnt, "cannot be read")
    with monkeypatch.context() as patch:
        patch.setattr(zipfile, "ZipFile", deny(zipfile.ZipFile, archive))
        refuses(archive, archive, "cannot be read")


def test_an_import_that_is_there_is_not_made_again(tmp_path, monkeypatch):
    for number, source in enumerate(sources(tmp_path)):
        target = import_casia(source, tmp_path / f"out{number}", characters="人木")
        with monkeypatch.context() as patch:
            patch.setattr(casia, "_write_images", None)  # would fail if called
            assert import_casia(source, target, characters="木人") == target


def test_another_import_is_not_mistaken_for_this_one(tmp_path):
    source = write_zip(tmp_path / "casia.zip", layout_entries())
    target = import_casia(source, tmp_path / "out", characters="人")
    before = tree(target)
    with pytest.raises(CourseError, match="already exists"):
        import_casia(source, target)
    other = write_zip(tmp_path / "other.zip", layout_entries("人犬"))
    with pytest.raises(CourseError, match="already exists"):
        import_casia(other, target, characters="人")
    assert tree(target) == before


def test_what_the_target_holds_stays(tmp_path):
    source = write_zip(tmp_path / "casia.zip", layout_entries())
    occupied = tmp_path / "work"
    occupied.mkdir()
    (occupied / "essay.txt").write_text("mine", encoding="utf-8")
    for target in (occupied, occupied / "essay.txt"):
        with pytest.raises(CourseError, match="already exists"):
            import_casia(source, target)
    assert (occupied / "essay.txt").read_text(encoding="utf-8") == "mine"
    (tmp_path / "empty").mkdir()
    assert len(tree(import_casia(source, tmp_path / "empty"))) == 8


IMPORT = """
import sys, time
from pathlib import Path
from helpers.handwriting.casia import import_casia
source, target, me, other = map(Path, sys.argv[1:])
me.touch()
while not other.exists():
    time.sleep(0.001)
print(import_casia(source, target) == target)
"""


def course_process(code, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_two_imports_at_once(tmp_path):
    entries = layout_entries("人木犬太大天") + [
        (f"CASIA-Dataset/Train/人/{n}.png", b"%d" % n) for n in range(10, 400)
    ]
    source = write_zip(tmp_path / "casia.zip", entries)
    target = tmp_path / "out" / "CASIA"
    flags = [tmp_path / "one", tmp_path / "two"]
    both = [course_process(IMPORT, source, target, *pair) for pair in (flags, flags[::-1])]
    for process in both:
        out, error = process.communicate(timeout=60)
        assert (process.returncode, out.strip()) == (0, b"True"), error.decode()
    assert [p.name for p in target.parent.iterdir()] == ["CASIA"]
    assert tree(target) == {
        name.removeprefix("CASIA-Dataset/"): content for name, content in entries
    }


def test_python_that_cannot_name_a_folder_so(tmp_path):
    """With an ASCII locale and UTF-8 mode off: one sentence, not a traceback."""
    source = write_zip(tmp_path / "casia.zip", layout_entries())
    code = (
        "import sys\n"
        "from helpers.handwriting.casia import import_casia\n"
        "try:\n    import_casia(*sys.argv[1:])\n"
        "except Exception as error:\n    print(type(error).__name__, ascii(error))\n"
        "else:\n    print('imported')\n"
        "print(sys.getfilesystemencoding())\n"
    )
    settings = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    process = course_process(code, source, tmp_path / "out" / "CASIA", **settings)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error.decode(errors="replace")
    said, encoding = out.decode().splitlines()
    if encoding == "utf-8":  # Windows and macOS name folders so in any locale
        assert said == "imported"
    else:
        assert said.startswith("CourseError") and "PYTHONUTF8=1" in said
        assert list((tmp_path / "out").iterdir()) == []


def test_import_of_helpers_does_not_import_keras():
    code = (
        "import sys, helpers.handwriting.casia\n"
        "print({'keras', 'tensorflow', 'torch'} & set(sys.modules))"
    )
    out, error = course_process(code).communicate(timeout=60)
    assert out.strip() == b"set()", error.decode()
