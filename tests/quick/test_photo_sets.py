"""Sets of photos in class folders: found, loaded, refused with a clear sentence."""

import io
import unicodedata
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image

from helpers import photos
from helpers.files import CourseError


def photo(seed, size=(48, 36)):
    """The bytes of a small JPEG file."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
    file = io.BytesIO()
    image.resize(size).save(file, "JPEG")
    return file.getvalue()


CATS_DOGS = {
    f"{name}/{i}.jpg": photo(10 * c + i)
    for c, name in enumerate(("cat", "dog"))
    for i in (10, 2, 1)
}
ORDER = [f"{name}/{i}.jpg" for name in ("cat", "dog") for i in (1, 2, 10)]


def write_folder(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def write_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write(kind, tmp_path, files):
    if kind == "zip":
        return write_zip(tmp_path / "set.zip", files)
    return write_folder(tmp_path / "set", files)


def refused(path, *fragments, **options):
    """Loading fails with one sentence that holds the fragments; returns it."""
    with pytest.raises(CourseError) as caught:
        photos.load_set(path, 8, **options)
    message = str(caught.value)
    for fragment in (path, *fragments):
        assert str(fragment) in message
    assert "\n" not in message and message.endswith(".")
    return message


both = pytest.mark.parametrize("kind", ["folder", "zip"])


@both
def test_a_set_is_loaded(kind, tmp_path):
    path = write(kind, tmp_path, CATS_DOGS)
    data = photos.load_set(path, 24)
    assert data.X.shape == (6, 24, 24, 3) and data.X.dtype == np.uint8
    assert data.names == ["cat", "dog"] and data.files == ORDER
    assert data.y.dtype == np.int64 and data.y.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.label == f"6 photos, {path.name}"
    for image, file in zip(data.X, data.files, strict=True):
        whole = np.array(Image.open(io.BytesIO(CATS_DOGS[file])))
        assert np.array_equal(image, photos.fit(whole, 24))
    squashed = photos.load_set(path, (10, 20), "squash", limit=2)
    assert squashed.X.shape == (4, 10, 20, 3)
    assert squashed.files == [f for f in ORDER if "10" not in f]
    whole = np.array(Image.open(io.BytesIO(CATS_DOGS["dog/2.jpg"])))
    assert np.array_equal(squashed.X[3], photos.fit(whole, (10, 20), "squash"))


@both
def test_deeper_folders_junk_and_other_names(kind, tmp_path):
    cafe = unicodedata.normalize("NFD", "café")
    files = {
        f"my set/{cafe}/photo 1.jpg": photo(1),
        "my set/猫/一.PNG": photo(2),  # judged by its bytes
        "my set/猫/notes.txt": b"not counted",
        "my set/猫/Thumbs.db": b"junk",
        "my set/猫/.hidden.jpg": b"junk",
        "my set/overview.jpg": photo(3),
        "__MACOSX/my set/猫/._一.jpg": b"junk",
        ".DS_Store": b"junk",
    }
    data = photos.load_set(write(kind, tmp_path, files), 8)
    assert data.names == ["café", "猫"]
    assert unicodedata.normalize("NFC", data.files[0]) == "my set/café/photo 1.jpg"
    assert data.files[1:] == ["my set/猫/一.PNG"]


@both
def test_of_a_set_in_parts_train_is_loaded(kind, tmp_path):
    files = {
        f"set/{part}/{name}": data
        for part in ("validation", "train")
        for name, data in CATS_DOGS.items()
    }
    data = photos.load_set(write(kind, tmp_path, files), 8)
    assert data.files == [f"set/train/{name}" for name in ORDER]


@both
@pytest.mark.parametrize(
    "train, others",
    [
        ("train", ["valid", "test"]),
        ("training_set/training_set", ["test_set/test_set"]),
        ("seg_train/seg_train", ["seg_test/seg_test", "seg_dev"]),
        ("TRAIN", ["TEST"]),
    ],
)
def test_parts_by_other_names(kind, train, others, tmp_path):
    files = {f"{p}/{name}": data for p in (train, *others) for name, data in CATS_DOGS.items()}
    assert photos.load_set(write(kind, tmp_path, files), 8).files == [f"{train}/{n}" for n in ORDER]


@both
def test_what_is_left_out_is_counted(kind, tmp_path, capsys):
    files = CATS_DOGS | {"cat/3.jfif": photo(1), "readme.md": b"x", "dog/Thumbs.db": b"x"}
    path = write(kind, tmp_path, files)
    assert "cat/3.jfif" in photos.load_set(path, 8).files
    assert capsys.readouterr().out == ""
    more = {"cat/more/4.jpg": photo(2), "dog/5.jpg.part": b"x", "0.jpg": photo(3)}
    path = write(kind, tmp_path, files | more)
    assert len(photos.load_set(path, 8).files) == 7
    said = capsys.readouterr().out
    assert said.startswith(f"3 files were left out of {path}, ") and said.count("\n") == 1
    assert said.endswith(": 0.jpg, cat/more/4.jpg, dog/5.jpg.part.\n")


@both
def test_all_bad_photos_are_named_at_once(kind, tmp_path):
    """As in Kaggle's PetImages, where a run for each would take hours."""
    bad = {"cat/666.jpg": b"", "dog/11.jpg": photo(1)[:-200], "dog/12.jpg": b""}
    path = write(kind, tmp_path, CATS_DOGS | bad)
    refused(path, "3 of 9 files in ", "cat/666.jpg, dog/12.jpg, each of which is empty (0 bytes)")
    refused(path, "; dog/11.jpg is damaged (", "replace or delete them")


def test_a_zip_by_powershell_is_read(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in CATS_DOGS.items():
            info = zipfile.ZipInfo("placeholder")
            info.filename, info.create_system = "set\\" + name.replace("/", "\\"), 0
            archive.writestr(info, data)
    assert photos.load_set(path, 8).files == [f"set/{name}" for name in ORDER]


@pytest.mark.parametrize(
    "names, message",
    [
        ([], "holds no photos, but needs at least two class folders"),
        (["cats-dogs.zip"], "holds no photos (unpack cats-dogs.zip first), but needs"),
        (["readme.txt"], "holds no photos"),
        (["1.jpg", "2.jpg"], "holds 2 photos, in no class folder, but"),
        (["cat/1.jpg", "dog/readme.txt"], "holds photos only in cat, but"),
        (["a/cat/1.jpg", "b/dog/1.jpg"], "only in a/cat, b/dog, but"),
        (
            ["train/1.jpg", "test/1.jpg"],
            "the parts of a data set (test, train)",
        ),
        (
            ["a/cat/1.jpg", "a/dog/1.jpg", "b/cat/1.jpg", "b/dog/1.jpg"],
            "in more than one place (set/a, set/b)",
        ),
    ],
)
def test_what_is_not_a_set_is_said(names, message, tmp_path):
    (tmp_path / "set").mkdir()
    refused(write("folder", tmp_path, dict.fromkeys(names, photo(0))), message)


@both
@pytest.mark.parametrize(
    "name, data, why",
    [
        ("dog/11.jpg", b"", "is empty (0 bytes)"),
        ("dog/11.jpg", photo(1)[:-200], "is damaged"),
        ("dog/11.jpg", b"<html>", "is not an image"),
        ("dog/11.heic", b"\0\0\0\x18ftypheic" + bytes(9), "save it as JPEG"),
        ("dog/11.avif", b"\0\0\0\x18ftypavif" + bytes(9), "is an AVIF photo"),
    ],
)
def test_a_bad_photo_is_named(kind, name, data, why, tmp_path):
    path = write(kind, tmp_path, CATS_DOGS | {name: data})
    refused(path, f"{name} in ", why, "(the other 6 files can be read)")
    assert len(photos.load_set(path, 8, limit=3).X) == 6  # it is not reached


@pytest.mark.parametrize(
    "name",
    [
        "../cat/1.jpg",
        "/cat/1.jpg",
        "cat/../../1.jpg",
        "C:/cat/1.jpg",
    ],
)
def test_unsafe_names_in_an_archive_are_refused(name, tmp_path):
    path = write_zip(tmp_path / "a.zip", CATS_DOGS | {name: photo(1)})
    refused(path, repr(name), "outside its folder")


def test_an_entry_larger_than_a_photo_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(photos, "MAX_FILE", 10**5)
    files = CATS_DOGS | {"dog/bomb.jpg": bytes(10**5 + 1)}
    refused(write_zip(tmp_path / "a.zip", files), "dog/bomb.jpg", "larger than 0.1 MB")


def test_encrypted_and_repeated_entries_are_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", CATS_DOGS)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    refused(path, "cat/10.jpg", "is encrypted")
    path = write_zip(tmp_path / "b.zip", CATS_DOGS)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")  # it warns of what is done on purpose
        archive.writestr("dog/2.jpg", photo(1))
    refused(path, "dog/2.jpg", "is there twice")


def test_damaged_archives_are_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", CATS_DOGS)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "is not a complete zip archive")
    damaged = bytearray(whole)
    damaged[whole.index(b"dog/2.jpg") + 200] ^= 0xFF
    path.write_bytes(damaged)
    refused(path, "dog/2.jpg", "copy or download the archive again")


def test_wrong_arguments_are_refused(tmp_path):
    refused(tmp_path / "nothing", "There is no")
    path = write_folder(tmp_path / "set", CATS_DOGS)
    for arguments, message in (
        ((0,), "positive integer"),
        ((8, "cut"), "choose one of crop, squash"),
        ((8, "crop", 0), "limit must be a positive integer"),
    ):
        with pytest.raises(CourseError, match=message):
            photos.load_set(path, *arguments)


def test_where_a_set_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.delenv("COURSE_CATS_DOGS", raising=False)
    data = tmp_path.resolve()
    assert photos.find_set() is None
    sentence = photos.missing_set()
    assert "data/cats-dogs" in sentence and str(tmp_path) not in sentence
    assert "COURSE_CATS_DOGS" in sentence and sentence.endswith(".")
    write_zip(data / "cats-dogs-10.zip", CATS_DOGS)
    write_zip(data / "cats-dogs-2.zip", CATS_DOGS)
    assert photos.find_set() == data / "cats-dogs-2.zip"
    assert photos.missing_set() == ""
    (data / "cats-dogs").mkdir()
    (data / "cats-dogs" / ".DS_Store").touch()
    assert photos.find_set() == data / "cats-dogs-2.zip"
    write_folder(data / "cats-dogs" / "cats-dogs", CATS_DOGS)
    assert photos.find_set() == data / "cats-dogs"
    assert len(photos.load_set(photos.find_set(), 8).X) == 6
    (data / "cats-dogs").rename(data / "Cats-Dogs")
    assert photos.find_set() == data / "Cats-Dogs"
    given = write_zip(data / "mine.zip", CATS_DOGS)
    monkeypatch.setenv("COURSE_CATS_DOGS", str(given))
    assert photos.find_set() == given
    monkeypatch.setenv("COURSE_CATS_DOGS", str(data / "gone"))
    with pytest.raises(CourseError, match="COURSE_CATS_DOGS points to .*gone"):
        photos.missing_set()
    assert photos.find_set("flowers") is None
    assert "COURSE_FLOWERS" in photos.missing_set("flowers")
    (data / "flowers.rar").touch()
    assert "unpack flowers.rar first, into data/flowers." in photos.missing_set("flowers")
