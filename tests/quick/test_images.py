"""The loader: pixels, order, names, cache, threads, errors."""

import builtins
import errno
import io
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import unicodedata
import zipfile

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from helpers import images
from helpers.files import COURSE, CourseError
from helpers.images import (
    Images,
    class_folders,
    load_folder,
    read_image,
    require_same_classes,
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache folder"))
    return tmp_path / "cache folder" / "images"


def scan(seed, mode="L"):
    """A small random image, smooth enough to look like a scan."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(20, 90)), int(rng.integers(20, 90))
    channels = [
        Image.fromarray(rng.integers(0, 256, (7, 5), np.uint8)).resize(size)
        for _ in range(len(Image.new(mode, (1, 1)).getbands()))
    ]
    return Image.merge(mode, channels)


def save(image, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def make(folder, **classes):
    """A folder with so many images for each class."""
    for c, (name, count) in enumerate(classes.items()):
        for i in range(1, count + 1):
            save(scan(1000 * c + i), folder / name / f"{i}.png")
    return folder


def lecture(path, height=80, width=60):
    """The lecture's recipe."""
    image = Image.open(path).convert("L").resize((width, height), Image.LANCZOS)
    return np.asarray(image)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """1,500 small files in three classes."""
    folder = tmp_path_factory.mktemp("many")
    for i in range(1500):
        save(scan(i), folder / "人从众"[i % 3] / f"{i}.png")
    return folder


def sentence(caught):
    """The message of a CourseError: one sentence, one line."""
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text, text
    return text


# --- Pixels ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "P", "CMYK"])
@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tif", "jpg", "webp"])
def test_pixels_are_those_of_the_lecture(tmp_path, mode, suffix):
    image = scan(3, "RGB").convert(mode)
    if mode == "CMYK" and suffix not in ("tif", "jpg"):
        image = image.convert("RGB")
    if suffix == "jpg" and mode == "P":
        image = image.convert("L")
    path = save(image, tmp_path / f"a.{suffix}")
    grey = read_image(path)
    assert grey.shape == (80, 60) and grey.dtype == np.uint8 and grey.flags.writeable
    np.testing.assert_array_equal(grey, lecture(path))
    np.testing.assert_array_equal(read_image(path, 9, 7), lecture(path, 9, 7))


def test_pixels_of_a_folder_are_those_of_the_lecture(many):
    loaded = load_folder(many, cache=False)
    expected = np.stack([lecture(many / file) for file in loaded.files])
    np.testing.assert_array_equal(loaded.X[..., 0], expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_show_white_paper(tmp_path, mode):
    ink = Image.new("RGBA", (60, 80), (0, 0, 0, 0))
    ink.paste((0, 0, 0, 255), (20, 20, 40, 60))
    if mode == "P":
        image = Image.new("P", (60, 80), 0)
        image.putpalette([0, 0, 0, 0, 0, 0])
        image.paste(1, (20, 20, 40, 60))
        image.save(tmp_path / "a.png", transparency=0)
    else:
        ink.convert(mode).save(tmp_path / "a.png")
    grey = read_image(tmp_path / "a.png")
    assert grey[0, 0] == 255 and grey[40, 30] == 0
    assert lecture(tmp_path / "a.png")[0, 0] == 0  # what this guards against


@pytest.mark.parametrize("mode, key", [("L", 7), ("RGB", (7, 7, 7)), ("1", 0)])
def test_a_transparent_colour_shows_white_paper(tmp_path, mode, key):
    image = Image.new(mode, (60, 80), key)
    image.save(tmp_path / "a.png", transparency=key)
    assert (read_image(tmp_path / "a.png") == 255).all()


def test_half_transparent_ink_is_half_grey(tmp_path):
    save(Image.new("RGBA", (9, 9), (0, 0, 0, 128)), tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png") == 127).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_opaque_alpha_changes_nothing(tmp_path, mode):
    image = scan(5, "RGB").convert(mode)
    path = save(image, tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(path), lecture(path))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path, suffix):
    eight = np.asarray(scan(4))
    path = save(Image.fromarray(eight.astype(np.uint16) * 257), tmp_path / f"a.{suffix}")
    same = save(Image.fromarray(eight), tmp_path / "b.png")
    np.testing.assert_array_equal(read_image(path), lecture(same))
    values = np.array([[0, 128, 129, 32768, 65406, 65407, 65535]], np.uint16)
    path = save(Image.fromarray(values), tmp_path / f"c.{suffix}")
    assert read_image(path, 1, 7).tolist() == [[0, 0, 1, 128, 254, 255, 255]]


def test_thirty_two_bit_integers_within_sixteen_bits_are_scaled(tmp_path):
    path = tmp_path / "a.tif"
    save(Image.fromarray(np.full((8, 6), 65535, np.int32)), path)
    assert Image.open(path).mode == "I" and (read_image(path) == 255).all()


def test_sixteen_bit_transparency_shows_white_paper(tmp_path):
    values = np.zeros((80, 60), np.uint16)
    values[:, :30] = 300
    Image.fromarray(values).save(tmp_path / "a.png", transparency=300)
    grey = read_image(tmp_path / "a.png")
    assert grey[40, 10] == 255 and grey[40, 50] == 0


def bar_on_top(mode="L"):
    """White, with a black bar on top; and EXIF of a camera that was held on its side."""
    image = Image.new(mode, (60, 80), "white")
    image.paste("black", (0, 0, 60, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # the right side of the stored image is its bottom
    return image, image.rotate(90, expand=True), exif.tobytes()


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("suffix", ["jpg", "jfif", "png", "tif", "webp"])
def test_photos_are_upright(tmp_path, mode, suffix):
    upright, stored, exif = bar_on_top(mode)
    form = {"format": "JPEG"} if suffix == "jfif" else {}
    save(stored, tmp_path / "d" / "a" / f"1.{suffix}", exif=exif, **form)
    save(upright, tmp_path / "d" / "a" / "2.png")
    turned, plain = load_folder(tmp_path / "d").X.astype(int)
    assert np.abs(turned - plain).max() < 30  # JPEG is not exact
    assert plain[5].max() == 0 and plain[70].min() == 255
    assert read_image(tmp_path / "d" / "a" / f"1.{suffix}")[70].min() > 200


@pytest.mark.parametrize("chunk", ["XML:com.adobe.xmp", "Raw profile type exif"])
def test_other_notes_in_png_turn_it_too(tmp_path, chunk):
    _, stored, exif = bar_on_top()
    notes = PngInfo()
    if chunk.startswith("XML"):
        notes.add_itxt(chunk, '<x:xmpmeta tiff:Orientation="6"/>')
    else:
        data = exif.removeprefix(b"Exif\0\0")
        notes.add_text(chunk, f"\nexif\n{len(data):8}\n{data.hex()}\n")
    path = save(stored, tmp_path / "a.png", pnginfo=notes)
    assert read_image(path)[5].max() < 20 and read_image(path)[70].min() > 200


def test_a_damaged_note_spoils_no_pixels(tmp_path):
    image = scan(5)
    path = save(image, tmp_path / "a.png", exif=b"Exif\0\0no TIFF")
    np.testing.assert_array_equal(read_image(path), lecture(path))


def test_the_suffixes_are_those_of_pillow():
    Image.init()
    known = {suffix for suffix, form in Image.EXTENSION.items() if form in images.FORMATS}
    assert set(images.SUFFIXES) == known
    assert not known & set(images.NOT_READ)


# --- Order, names, layout ----------------------------------------------------------


def test_order_names_and_labels(tmp_path):
    make(tmp_path / "d", 口=11, 人=2)
    loaded = load_folder(tmp_path / "d")
    assert loaded.names == ["人", "口"]
    assert loaded.files[:4] == ["人/1.png", "人/2.png", "口/1.png", "口/2.png"]
    assert loaded.files[-2:] == ["口/10.png", "口/11.png"]
    assert loaded.y.dtype == np.int64 and loaded.y.tolist() == [0] * 2 + [1] * 11
    assert loaded.X.shape == (13, 80, 60, 1) and loaded.X.dtype == np.uint8
    for x, file in zip(loaded.X, loaded.files, strict=True):
        np.testing.assert_array_equal(x[..., 0], lecture(tmp_path / "d" / file))


def test_any_case_of_suffix_counts_and_junk_does_not(tmp_path):
    folder = make(tmp_path / "d", a=1)
    save(scan(7), folder / "a" / "2.PNG")
    save(scan(8), folder / "a" / "3.Jpeg")
    for junk in (
        "Thumbs.db",
        ".DS_Store",
        "._1.png",
        ".partial-ab-4.png",
        "x.txt",
    ):
        (folder / "a" / junk).write_bytes(b"junk")
    (folder / "a" / "folder.png").mkdir()
    for junk in (".ipynb_checkpoints", "__MACOSX", ".partial-cd"):
        (folder / junk).mkdir()
    (folder / "desktop.ini").write_bytes(b"junk")
    assert load_folder(folder).files == ["a/1.png", "a/2.PNG", "a/3.Jpeg"]
    assert images.image_files(folder / "a") == ["1.png", "2.PNG", "3.Jpeg"]
    assert list(class_folders(folder)) == ["a"]


def test_what_is_left_out_is_counted_and_junk_is_not(tmp_path, capsys):
    folder = make(tmp_path / "d", a=2, b=1)
    (folder / "b" / "Thumbs.db").touch()
    load_folder(folder)
    assert capsys.readouterr().out == ""
    (folder / "b" / "2.png.crdownload").touch()
    load_folder(folder)
    assert capsys.readouterr().out == (
        f"1 file was left out of {folder}, not being {' '.join(images.SUFFIXES)} straight in a "
        "class folder: b/2.png.crdownload.\n"
    )
    for name in ("1.txt", "2.xyz", "10.txt"):
        (folder / "a" / name).touch()
    make(folder / "a", more=1)
    for _ in range(2):  # the second time from the cache
        assert len(load_folder(folder).files) == 3
        said = capsys.readouterr().out
        assert said.startswith("5 files were left out") and said.count("\n") == 1
        assert said.endswith("a/1.txt, a/2.xyz, a/10.txt and 2 others.\n")
    save(scan(1), folder / "0.png")  # an image in no class
    (folder / "about.json").touch()
    load_folder(folder)
    assert "6 files were left out" in (said := capsys.readouterr().out) and "0.png, a/1" in said


@pytest.mark.parametrize(
    "name, what",
    [
        ("Train", "train"),
        ("TRAINING", "train"),
        ("training_set", "train"),
        ("seg_train", "train"),
        ("train2017", "train"),
        ("TrainImages", "train"),
        ("CASIA-HWDB_Train", "train"),
        ("HWDB1.1trn_gnt", "train"),
        ("Ｔｒａｉｎ", "train"),
        ("训练集", "train"),
        ("Test", "test"),
        ("test1", "test"),
        ("testing", "test"),
        ("val", "validation"),
        ("valid", "validation"),
        ("dev", "validation"),
        ("contest", ""),
        ("trains", ""),
        ("value", ""),
        ("device", ""),
        ("train-and-test", ""),
        ("人", ""),
    ],
)
def test_parts_of_a_data_set_by_their_names(name, what):
    assert images.part(name) == what


def test_spaces_around_the_name_of_a_class_do_not_count(tmp_path):
    if sys.platform == "win32":
        pytest.skip("Windows drops them itself")
    make(tmp_path / "d", **{"人 ": 1, "\u3000口": 1})
    assert load_folder(tmp_path / "d").names == ["人", "口"]


@pytest.mark.parametrize("beside", [True, False])
def test_labels_give_the_characters(tmp_path, beside):
    folder = make(tmp_path / "d" / "Train", c01=1, c02=2)
    table = (folder.parent if beside else folder) / "labels.csv"
    table.write_text("folder,character\nc01,日\nc02,人\n", encoding="utf-8-sig")
    loaded = load_folder(folder)
    assert loaded.names == ["人", "日"]
    assert loaded.files == ["c02/1.png", "c02/2.png", "c01/1.png"]
    assert class_folders(folder) == {"人": folder / "c02", "日": folder / "c01"}


def test_names_are_composed(tmp_path):
    decomposed = unicodedata.normalize("NFD", "é")
    make(tmp_path / "d", **{decomposed: 1})
    loaded = load_folder(tmp_path / "d")
    assert loaded.names == ["é"]
    assert (tmp_path / "d" / loaded.files[0]).is_file()


def test_paths_with_spaces_and_chinese_from_any_directory(tmp_path, monkeypatch):
    folder = make(tmp_path / "my 数据 set", 人=2)
    monkeypatch.chdir(folder.parent)
    absolute = load_folder(folder, cache=False)
    relative = load_folder("my 数据 set", cache=False)
    np.testing.assert_array_equal(absolute.X, relative.X)
    monkeypatch.chdir(folder)
    assert load_folder(".").files == absolute.files


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no C locale for files")
def test_without_a_utf8_locale(tmp_path):
    folder = make(tmp_path / "my 数据", 人=2, 口=1)
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys
            from helpers.images import load_folder, read_image
            for cache in (False, True, True):
                for folder in ({str(folder)!r}, sys.argv[1]):
                    loaded = load_folder(folder, cache=cache, workers=2)
                    print(ascii(loaded.names), loaded.X.sum())
            read_image(sys.argv[1] + "/" + loaded.files[0])
            read_image({str(folder / "人" / "1.png")!r})
            (open(sys.argv[1] + "/" + loaded.files[0], "wb")).close()
            try:
                load_folder(sys.argv[1])
            except Exception as error:
                print(type(error).__name__, ascii(str(error)))
            """
        ),
        encoding="utf-8",
    )
    total = load_folder(folder).X.sum()
    done = run_python([script, folder], LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    lines = done.splitlines()
    assert lines[:6] == [f"{ascii(['人', '口'])} {total}"] * 6
    assert lines[6].startswith("CourseError") and ascii("人/1.png")[1:-1] in lines[6]


def run_python(arguments, **environment):
    """Output of a fresh Python that can import `helpers`; fails on a bad exit."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(COURSE), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- Threads -----------------------------------------------------------------------


def test_one_two_and_four_workers_give_the_same(many):
    one, two, four = (load_folder(many, cache=False, workers=n) for n in (1, 2, 4))
    for other in (two, four):
        np.testing.assert_array_equal(one.X, other.X)
        np.testing.assert_array_equal(one.y, other.y)
        assert one.names == other.names and one.files == other.files


def test_several_threads_read(many, monkeypatch):
    """Each waits until the other has begun, so that one alone would never end."""
    both, names = threading.Barrier(2), set()
    read = images.read_bytes

    def meeting(path):
        if threading.current_thread().name not in names:
            names.add(threading.current_thread().name)
            both.wait()
        return read(path)

    monkeypatch.setattr(images, "read_bytes", meeting)
    load_folder(many, cache=False, workers=2)
    assert len(names) == 2


def test_an_interruption_leaves_nothing(many, monkeypatch, own_cache):
    class Bar:
        def __init__(self, **options):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def update(self, count):
            raise KeyboardInterrupt

    calls = []
    read = images.read_bytes
    monkeypatch.setattr(images, "read_bytes", lambda path: calls.append(path) or read(path))
    monkeypatch.setattr(images, "progress", Bar)
    threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        load_folder(many, workers=2)
    assert threading.active_count() == threads
    assert len(calls) < 1500  # what had not begun was given up
    assert not own_cache.exists()


# --- The cache ---------------------------------------------------------------------


@pytest.fixture
def small(tmp_path):
    return make(tmp_path / "small", a=3, b=2)


@pytest.fixture
def reads(monkeypatch):
    """Number of loads that read image files rather than the cache."""
    count = []
    read_all = images._read_all
    monkeypatch.setattr(images, "_read_all", lambda *args: count.append(1) or read_all(*args))
    return count


def test_the_second_time_comes_from_the_cache(small, reads, own_cache):
    first, second = load_folder(small), load_folder(small)
    assert len(reads) == 1 and len(list(own_cache.iterdir())) == 1
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert second.X.dtype == np.uint8 and second.y.dtype == np.int64
    second.X[0] = 0  # a copy of one's own, not a view of the file
    np.testing.assert_array_equal(load_folder(small).X, first.X)
    load_folder(small, 40, 30)
    assert len(reads) == 2 and len(list(own_cache.iterdir())) == 2
    assert load_folder(small, cache=False).files == first.files and len(reads) == 3


def change_pixels_keep_size_and_time(folder):
    path = folder / "a" / "2.png"
    before = path.stat()
    data = path.read_bytes()
    path.write_bytes(bytes(reversed(data)))
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: save(scan(99), d / "a" / "2.png"),
        lambda d: save(scan(99), d / "a" / "4.png"),
        lambda d: (d / "a" / "2.png").unlink(),
        lambda d: (d / "a" / "2.png").rename(d / "a" / "7.png"),
        lambda d: (d / "a").rename(d / "c"),
        lambda d: (d / "a" / "3.png").rename(d / "b" / "3.png"),
        lambda d: os.utime(d / "a" / "2.png", (1, 1)),
        lambda d: shutil.copytree(d / "a", d / "c"),
        lambda d: (d / "labels.csv").write_text("folder,character\na,x\nb,y\n"),
        pytest.param(
            change_pixels_keep_size_and_time,
            marks=pytest.mark.skipif(
                sys.platform == "win32",
                reason="Windows keeps no time of change",
            ),
        ),
    ],
    ids=[
        *("changed", "added", "removed", "renamed", "class-renamed", "moved"),
        *("touched", "class-added", "labels", "same-size-and-time"),
    ],
)
def test_any_change_is_noticed(small, reads, own_cache, change):
    load_folder(small)
    change(small)
    again = load_folder(small)
    assert len(reads) == 2
    fresh = load_folder(small, cache=False)
    np.testing.assert_array_equal(again.X, fresh.X)
    assert again.files == fresh.files and again.names == fresh.names
    load_folder(small)
    assert len(reads) == 3  # the one without a cache: the new one is in the cache
    assert len(list(own_cache.iterdir())) == 1  # replaced, not accumulated


@pytest.mark.parametrize("what", ["Pillow", "recipe"])
def test_another_pillow_or_recipe_reads_again(small, reads, monkeypatch, what):
    load_folder(small)
    if what == "Pillow":
        monkeypatch.setattr("PIL.__version__", "0.0.1")
    else:
        monkeypatch.setattr(images, "RECIPE", -1)
    load_folder(small)
    assert len(reads) == 2


def flip(at):
    """Change one byte."""

    def damage(data):
        changed = bytearray(data)
        changed[at] ^= 1
        return bytes(changed)

    return damage


def swap(old, new):
    """Change some bytes, which must be there."""

    def damage(data):
        assert old in data
        return data.replace(old, new)

    return damage


def another_npz(data):
    """A sound file, but not one of the course."""
    file = io.BytesIO()
    np.savez(file, X=np.zeros((5, 80, 60, 1), np.uint8))
    return file.getvalue()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:20],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: b"something else entirely " * 9,
        another_npz,
        flip(0),
        swap(b'"names"', b'"nomes"'),
        swap(b"a/2.png", b"a/4.png"),
        flip(5000),
    ],
    ids=[
        *("empty", "short", "half", "cut", "foreign", "foreign npz"),
        *("start", "about", "path", "pixel"),
    ],
)
def test_a_damaged_cache_is_rebuilt(small, reads, own_cache, capsys, damage):
    first = load_folder(small)
    (kept,) = own_cache.iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    capsys.readouterr()
    again = load_folder(small)
    assert len(reads) == 2
    assert capsys.readouterr().out == (
        f"The cache file {kept.name} is damaged: reading the images again.\n"
    )
    np.testing.assert_array_equal(again.X, first.X)
    load_folder(small)
    assert len(reads) == 2 and capsys.readouterr().out == ""


def test_no_changed_byte_of_the_cache_passes_as_another_image(small, own_cache):
    first = load_folder(small)
    (kept,) = own_cache.iterdir()
    good = kept.read_bytes()
    rng = np.random.default_rng(0)
    for at in (*rng.integers(0, len(good), 60), *range(0, 160, 4), *range(-400, 0, 5)):
        kept.write_bytes(flip(int(at))(good))
        again = load_folder(small)  # read anew, where the change does harm
        np.testing.assert_array_equal(again.X, first.X)
        assert again[2:] == first[2:] and again.y.tolist() == first.y.tolist()


def test_a_cache_that_cannot_be_written_does_not_matter(small, own_cache, monkeypatch, capsys):
    def full(path, *args, **kwargs):
        if ".partial-" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        return open_(path, *args, **kwargs)

    open_ = io.open
    monkeypatch.setattr(io, "open", full)
    assert len(load_folder(small).files) == 5
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "disk is full" in out
    assert list(own_cache.iterdir()) == []


def test_a_cache_folder_that_is_a_file_does_not_matter(small, tmp_path, capsys):
    (tmp_path / "cache folder").write_text("in the way")
    assert len(load_folder(small).files) == 5
    assert "were not cached" in capsys.readouterr().out


# --- Errors ------------------------------------------------------------------------


def refused(folder, *words, **kwargs):
    """load_folder must refuse with one sentence that holds all these words."""
    with pytest.raises(CourseError) as caught:
        load_folder(folder, **kwargs)
    text = sentence(caught)
    for word in words:
        assert str(word) in text, text


def test_folder_missing(tmp_path):
    refused(tmp_path / "nowhere", "no folder", tmp_path / "nowhere")


def test_a_file_for_a_folder(tmp_path):
    (tmp_path / "data.zip").write_bytes(b"PK")
    refused(tmp_path / "data.zip", "is a file", "data.zip", "unpack")


def test_no_class_folders(tmp_path):
    save(scan(1), tmp_path / "d" / "1.png")
    refused(tmp_path / "d", tmp_path / "d", "no class folders", "Train/人/1.png")


def test_train_and_test_given_together(tmp_path):
    folder = make(tmp_path / "CASIA" / "Train", a=1).parent
    make(folder / "Test", a=1)
    refused(folder, "pass", folder / "Train")
    refused(tmp_path / "CASIA", "pass", folder / "Train")
    refused(tmp_path, "pass", folder / "Train")
    assert len(load_folder(folder / "Train").files) == 1


@pytest.mark.parametrize(
    "parts",
    [
        ["train", "valid", "test"],
        ["Training", "Testing"],
        ["training_set", "test_set"],
        ["train", "dev"],
        ["Train", "Test", "Poorly-written", "docs"],
    ],
)
def test_parts_by_other_names(tmp_path, parts):
    for part in parts:
        make(tmp_path / "d" / part, a=1)
    refused(tmp_path / "d", "parts of a data set", f"pass {tmp_path / 'd' / parts[0]}")


def test_a_class_folder_that_holds_folders_is_not_to_be_deleted(tmp_path):
    folder = make(tmp_path / "d", a=1)
    make(folder / "part two", 人=1, 口=1)
    with pytest.raises(CourseError) as caught:
        load_folder(folder)
    text = sentence(caught)
    assert "delete" not in text and f"pass {folder / 'part two'}" in text
    assert "but folders (人, 口)" in text or "but folders (口, 人)" in text


def test_a_class_folder_that_holds_other_files_is_not_to_be_deleted(tmp_path):
    folder = make(tmp_path / "d", a=1)
    (folder / "b").mkdir()
    (folder / "b" / "1.svg").touch()
    with pytest.raises(CourseError) as caught:
        load_folder(folder)
    assert "but 1.svg: save them as PNG" in sentence(caught)
    assert "delete" not in str(caught.value)
    (folder / "b" / "photos.7z").touch()
    refused(folder, "unpack photos.7z first")
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "casia.rar").touch()
    refused(tmp_path / "packed", "no class folders", "unpack casia.rar first")


@pytest.mark.parametrize("cache", [True, False])
def test_empty_class_folder(small, cache):
    (small / "empty").mkdir()
    (small / "empty" / "notes.txt").write_text("no image")
    refused(small, small / "empty", "no images", cache=cache)


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda path: path.write_bytes(b""), "empty (0 bytes)"),
        (lambda path: path.write_bytes(b"\0\0\0\x18ftypheis" + bytes(9)), "HEIC photo"),
        (lambda path: path.write_text("not a picture"), "not an image"),
        (lambda path: path.write_bytes(path.read_bytes()[:-60]), "cut off"),
        (lambda path: path.write_bytes(path.read_bytes()[:30]), "cut off"),
        (
            lambda path: path.write_bytes(flip(-20)(path.read_bytes())),
            "damaged",
        ),
        (
            lambda path: path.write_bytes(path.read_bytes()[:8] + b"x" * 99),
            "cut off",
        ),
    ],
    ids=["empty", "HEIC", "text", "cut", "short", "flipped", "garbage"],
)
def test_bad_files(small, spoil, words):
    bad = small / "b" / "1.png"
    spoil(bad)
    refused(small, bad, words, "(the other 4 files can be read)")
    with pytest.raises(CourseError) as caught:
        read_image(bad)
    assert str(bad) in sentence(caught) and words in str(caught.value)


@pytest.mark.parametrize("suffix", ["jpg", "gif", "bmp", "tif", "webp"])
def test_a_cut_file_of_another_format(tmp_path, suffix):
    path = save(scan(2), tmp_path / f"a.{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CourseError, match="damaged|not an image") as caught:
        read_image(path)
    assert str(path) in sentence(caught)


def test_no_changed_bit_passes_as_other_pixels(tmp_path):
    path = save(scan(6, "RGB"), tmp_path / "a.png")
    data, expected = path.read_bytes(), read_image(path)
    rng = np.random.default_rng(0)
    for at in rng.integers(8, len(data), 300):
        path.write_bytes(flip(int(at))(data))
        try:
            np.testing.assert_array_equal(read_image(path), expected)
        except CourseError:
            continue


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_all_bad_files_are_named_at_once_in_order(tmp_path, many, workers, own_cache):
    folder = tmp_path / "d"
    shutil.copytree(many / "人", folder / "人")
    for number in (600, 603, 1497):  # the folder holds 0, 3, 6, ...
        (folder / "人" / f"{number}.png").write_text("not an image")
    (folder / "人" / "1200.png").write_bytes(b"")
    refused(
        folder,
        f"4 of 500 files in {folder} cannot be used: ",
        "人/600.png, 人/603.png, 人/1497.png, each of which is not an image",
        "; 人/1200.png is empty (0 bytes)",
        workers=workers,
    )
    assert not own_cache.exists()


def test_of_many_bad_files_twenty_are_named(tmp_path):
    folder = make(tmp_path / "d", a=30)
    for file in (folder / "a").iterdir():
        file.write_bytes(b"")
    refused(folder, "30 of 30 files", "a/1.png, a/2.png", "a/20.png and 10 others, each")


def test_a_slow_thread_with_an_earlier_bad_file_goes_first(tmp_path, many, monkeypatch):
    """One thread meets the second bad file while another is at the first."""
    folder = tmp_path / "d"
    shutil.copytree(many / "人", folder / "人")
    bad = [folder / "人" / f"{number}.png" for number in (0, 300)]
    for file in bad:
        file.write_text("not an image")
    second = threading.Event()
    read = images.read_bytes

    def later(path):
        if path == str(bad[0]):
            second.wait()
        if path == str(bad[1]):
            second.set()
        return read(path)

    monkeypatch.setattr(images, "read_bytes", later)
    refused(folder, "人/0.png, 人/300.png, each", cache=False, workers=2)


def test_pixels_that_cannot_be_scaled(tmp_path):
    path = save(Image.new("F", (9, 9), 0.5), tmp_path / "a.tif")
    with pytest.raises(CourseError, match="floating-point"):
        read_image(path)
    path = save(Image.new("I", (9, 9), 70000), tmp_path / "b.tif")
    with pytest.raises(CourseError, match="70000"):
        read_image(path)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("suffix", ["png", "bmp"])
@pytest.mark.parametrize("side", [10, 12])
def test_an_image_too_large_to_be_safe(tmp_path, monkeypatch, side, suffix):
    """Above Pillow's limit (here 60), where it warns, and above twice that."""
    path = save(Image.new("L", (side, side)), tmp_path / f"a.{suffix}")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)
    with pytest.raises(CourseError, match="more than 60 pixels") as caught:
        read_image(path)
    assert str(path) in sentence(caught)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert read_image(path).max() == 0


def test_a_file_that_may_not_be_read(small, monkeypatch):
    bad = small / "a" / "2.png"
    open_ = builtins.open

    def guarded(path, *args, **kwargs):
        if str(path) == str(bad):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return open_(path, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", guarded)
    refused(small, bad, "Permission denied", "permissions")
    with pytest.raises(CourseError, match="Permission denied"):
        read_image(bad)


@pytest.mark.parametrize("inner", [True, False])
def test_a_folder_that_may_not_be_read(small, monkeypatch, inner):
    bad = small / "a" if inner else small
    scandir = os.scandir

    def guarded(path):
        if str(path) == str(bad):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    refused(small, bad, "Permission denied", "permissions")


def test_a_missing_file(tmp_path):
    with pytest.raises(CourseError, match="a.png cannot be read"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    "one, other",
    [("\u00e9", "e\u0301"), ("\u6a02", "\uf914")],
    ids=["composed", "compatibility ideograph"],
)
def test_one_name_in_two_unicode_forms(tmp_path, one, other):
    folder = make(tmp_path / "d", **{one: 1})
    make(folder, **{other: 1})
    if len(list(folder.iterdir())) == 1:
        pytest.skip("this file system holds the two names to be one")
    refused(folder, folder, "one class", ascii(one), ascii(other))


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode here")
def test_a_name_that_is_not_utf8(tmp_path):
    make(tmp_path / "d", **{os.fsdecode("人".encode("gbk")): 1})
    refused(tmp_path / "d", tmp_path / "d", "not UTF-8")


@pytest.mark.parametrize(
    "table, words",
    [
        ("folder,character\na,x\n", "no row for the folder b"),
        ("folder,character\na,x\nb,y\nc,z\n", "a folder that is missing: c"),
        ("folder,character\na,x\nb,x\n", "one class, x"),
        ("folder,character\na,x\nb,y\nb,z\n", "twice"),
        ("folder,character\na,x\nb,\n", "both in every row"),
        ("folder,character\na,x\nb\n", "both in every row"),
        ("name;label\na;x\n", "columns folder,character"),
        ("", "columns folder,character"),
    ],
)
def test_labels_that_do_not_fit(small, table, words):
    (small / "labels.csv").write_text(table, encoding="utf-8")
    refused(small, small, words)


def test_labels_that_are_not_utf8(small):
    (small / "labels.csv").write_bytes("folder,character\na,人\nb,口\n".encode("gbk"))
    refused(small, small / "labels.csv", "not UTF-8")


@pytest.mark.parametrize("size", [{"height": 0}, {"width": -3}, {"width": 2.5}])
def test_sizes_that_make_no_sense(small, size):
    refused(small, "must be a positive integer", **size)


def test_same_classes():
    def some(*names):
        return Images(np.empty(0), np.empty(0), list(names), [])

    require_same_classes(Train=some("a", "b"), Test=some("a", "b"), Poor=["a", "b"])
    with pytest.raises(CourseError) as caught:
        require_same_classes(Train=some("a", "b"), Test=["b", "c", "d"])
    text = sentence(caught)
    assert "only Train has a" in text and "only Test has c, d" in text
    with pytest.raises(CourseError, match="Train and Poor .* order"):
        require_same_classes(Train=["a", "b"], Test=["a", "b"], Poor=["b", "a"])


# --- Real scans --------------------------------------------------------------------


def test_real_scans(real_data, tmp_path):
    with zipfile.ZipFile(real_data / "casia-hwdb11-sample.zip") as archive:
        members = [m for m in archive.namelist() if "/Test/" in m][:400]
        archive.extractall(tmp_path, members)
    folder = tmp_path / "CASIA-Dataset" / "Test"
    loaded = load_folder(folder, workers=2)
    assert len(loaded.files) == len(members) and len(loaded.names) >= 6
    expected = np.stack([lecture(folder / file) for file in loaded.files])
    np.testing.assert_array_equal(loaded.X[..., 0], expected)
    np.testing.assert_array_equal(load_folder(folder).X, loaded.X)
