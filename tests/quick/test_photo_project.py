"""What notebook 15 reads photos with: untidy folders, copies, crops, CIFAR-10."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image

from helpers import photos
from helpers.files import CourseError

RANDOM = np.random.default_rng(15)
HEIC = b"\0\0\0\x18ftypheic" + bytes(12)


def scene(seed, size=(90, 60)):
    """A photo with soft shapes, as photos have them."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def save(image, path, **settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **settings)


@pytest.fixture
def untidy(tmp_path):
    """A folder as people send it, with a space and a Chinese character in its name."""
    folder = tmp_path / "my photos 猫"
    for number in range(3):
        for name in ("cat", "猫狗"):
            save(scene(10 * number + len(name)), folder / name / f"{number}.jpg")
    held = Image.Exif()
    held[0x0112] = 6
    save(scene(3).rotate(90, expand=True), folder / "cat" / "phone.jpg", exif=held)
    save(scene(50).convert("CMYK"), folder / "cat" / "print.jpg")
    save(scene(0), folder / "cat" / "film.gif", save_all=True, append_images=[scene(1), scene(2)])
    deep = np.asarray(scene(70).convert("L")).astype("uint16") * 257
    save(Image.fromarray(deep), folder / "cat" / "scan.png")
    save(Image.fromarray(deep), folder / "cat" / "scan.tif")
    clear = scene(80).convert("RGBA")
    clear.putalpha(100)
    save(clear, folder / "cat" / "clear.png")
    (folder / "cat" / "live.HEIC").write_bytes(HEIC)
    (folder / "cat" / "renamed.jpg").write_bytes(HEIC)
    (folder / "cat" / "empty.png").write_bytes(b"")
    (folder / "cat" / "cut.jpg").write_bytes((folder / "cat" / "0.jpg").read_bytes()[:500])
    (folder / "cat" / "notes.txt").write_text("not a photo", encoding="utf-8")
    return folder


def test_an_untidy_folder_gets_one_sentence_for_each_file(untidy, capsys):
    before = {path: path.read_bytes() for path in untidy.rglob("*") if path.is_file()}
    data = photos.load_set(untidy, 32, forgiving=True)
    assert capsys.readouterr().out == ""  # the notebook prints the sentences
    said = {
        "cat/live.HEIC": "is an HEIC photo",
        "cat/renamed.jpg": "is an HEIC photo",
        "cat/empty.png": "is empty",
        "cat/cut.jpg": "is damaged",
        "cat/phone.jpg": "was turned upright",
        "cat/print.jpg": "is in CMYK",
        "cat/film.gif": "has 3 frames: the first one was taken",
        "cat/scan.png": "has 16 bits",
        "cat/scan.tif": "has 16 bits",
        "cat/clear.png": "is transparent",
        "1 file was left out of my photos 猫": "cat/notes.txt",
    }
    assert len(data.remarks) == len(said)
    for file, what in said.items():
        (sentence,) = [s for s in data.remarks if s.startswith(f"{file} ") or file in s[:40]]
        assert what in sentence and sentence.endswith(".") and "\n" not in sentence
        assert str(untidy.parent) not in sentence
    assert len(data.X) == len(data.y) == len(data.files) == 12
    assert data.names == ["cat", "猫狗"] and np.bincount(data.y).tolist() == [9, 3]
    assert {p: p.read_bytes() for p in untidy.rglob("*") if p.is_file()} == before


def test_pixels_are_right_whatever_the_file(untidy):
    data = photos.load_set(untidy, 32, forgiving=True)
    by_file = dict(zip(data.files, data.X.astype(int), strict=True))
    for file, seed in (("phone.jpg", 3), ("film.gif", 0), ("print.jpg", 50)):
        expected = photos.fit(np.array(scene(seed)), 32)
        assert np.abs(by_file[f"cat/{file}"] - expected).mean() < 12, file
    grey = photos.fit(np.array(scene(70).convert("L")), 32)
    for file in ("scan.png", "scan.tif"):
        assert np.abs(by_file[f"cat/{file}"] - grey).max() <= 2


def test_what_many_photos_have_is_said_once(tmp_path):
    held = Image.Exif()
    held[0x0112] = 3
    for name in ("a", "b"):
        for number in range(4):
            save(scene(number), tmp_path / name / f"{number}.jpg", exif=held)
    (sentence,) = photos.load_set(tmp_path, 16, forgiving=True).remarks
    assert sentence.startswith("a/0.jpg, a/1.jpg, a/2.jpg") and "each of these photos" in sentence
    assert photos.load_set(tmp_path, 16).remarks == ()


def test_a_class_without_a_photo_left_is_named(tmp_path):
    for name in "abc":
        save(scene(1), tmp_path / name / "1.jpg")
    (tmp_path / "b" / "1.jpg").write_bytes(b"nothing")
    data = photos.load_set(tmp_path, 16, forgiving=True)
    assert data.names == ["a", "c"] and data.y.tolist() == [0, 1]
    assert "The class b is left out: none of its photos can be read." in data.remarks
    (tmp_path / "a" / "1.jpg").write_bytes(HEIC)
    with pytest.raises(CourseError, match="2 of 3 files"):
        photos.load_set(tmp_path, 16, forgiving=True)


def test_a_set_elsewhere_by_its_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PHOTO_PROJECT", str(tmp_path))
    assert photos.find_set("photo-project") == tmp_path.resolve()


# --- Copies -----------------------------------------------------------------------


def changed(image, how):
    if how == "mirrored":
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if how == "smaller":
        return image.resize((45, 30))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=40)
    return Image.open(file)


@pytest.mark.parametrize("how", ["saved again", "smaller", "mirrored"])
def test_copies_are_found(how):
    scenes = [scene(seed) for seed in range(8)]
    X = [photos.fit(np.array(s.convert("RGB")), 48) for s in (*scenes, changed(scenes[5], how))]
    groups = photos.copies(np.stack(X))
    assert groups[8] == groups[5] and len({*groups}) == 8


def test_copies_of_copies_and_what_belongs_together():
    ramp = np.linspace(0, 200, 40 * 40 * 3).reshape(40, 40, 3)
    X = np.stack([ramp, ramp + 3, ramp + 6, 255 - ramp]).astype("uint8")
    assert photos.copies(X).tolist() == [0, 0, 0, 1]  # the first and the third by the second
    assert photos.copies(X, [0, 1, 2, 0]).tolist() == [0, 0, 0, 0]
    blank = np.zeros((3, 40, 40, 3), "uint8")
    blank[2] += 4  # another flat colour is another photo
    assert photos.copies(blank).tolist() == [0, 0, 1]


# --- Crops ------------------------------------------------------------------------


def test_no_pixel_is_in_two_blocks():
    """Each pixel holds the number of its block: no crop shows two."""
    rows, columns = np.indices((200, 290))
    photo = (16 * (rows // 90) + 32 * (columns // 90)).astype("uint8")
    data = photos.crops({"a": photo, "b": np.stack([photo] * 3, axis=-1)}, side=20)
    assert data.X.shape == (2 * 2 * 3 * 3, 20, 20, 3) and data.names == ["a", "b"]
    for x, file in zip(data.X, data.files, strict=True):
        name, _, place = file.partition("/")
        block, _, size = place.partition("-")
        row, column = block[1:].split("c")
        assert {*x.ravel()} == {16 * int(row) + 32 * int(column)}
        assert name in "ab" and size in ("40", "60", "90")
    assert np.array_equal(data.X, photos.crops({"a": photo, "b": photo}, side=20).X)


# --- CIFAR-10 ---------------------------------------------------------------------


@pytest.mark.parametrize("inner", ["cifar-10-batches-py-target/cifar-10-batches-py", None])
def test_cifar10_is_read_from_keras(inner, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert photos.cifar10(32, 3) is None
    file = tmp_path / "datasets" / (inner or "cifar-10-batches-py") / "data_batch_1"
    file.parent.mkdir(parents=True)
    rows = RANDOM.integers(0, 256, (50, 3072), np.uint8)
    batch = {b"labels": [i % 10 for i in range(50)], b"data": rows}
    file.write_bytes(pickle.dumps(batch, protocol=2))
    data = photos.cifar10(32, 3)
    assert data.X.shape == (30, 32, 32, 3) and data.names[:2] == ["airplane", "automobile"]
    assert np.bincount(data.y).tolist() == [3] * 10
    assert np.array_equal(data.X[0], rows[0].reshape(3, 32, 32).transpose(1, 2, 0))
    file.write_bytes(file.read_bytes()[:99])
    with pytest.raises(CourseError, match="data_batch_1 of CIFAR-10 .* is damaged"):
        photos.cifar10(32, 3)


def test_a_batch_runs_no_code(tmp_path, monkeypatch):
    class Evil:
        def __reduce__(self):
            return open, (str(tmp_path / "written"), "w")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    file = tmp_path / "datasets" / "cifar-10-batches-py" / "data_batch_1"
    file.parent.mkdir(parents=True)
    file.write_bytes(pickle.dumps({b"labels": Evil(), b"data": Evil()}))
    with pytest.raises(CourseError, match="it asks for"):
        photos.cifar10(32, 3)
    assert not (tmp_path / "written").exists()
