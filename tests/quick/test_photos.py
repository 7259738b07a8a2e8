"""Photos of the packages and the student's own: the right ones, read rightly."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from helpers import photos
from helpers.files import CourseError
from helpers.images import BadImage


def test_every_photo_is_there():
    for name in photos.NAMES:
        array = photos.load(name)
        assert array.dtype == np.uint8
        assert array.ndim == 2 or array.shape[2:] == (3,), name
        assert min(array.shape[:2]) >= 300, name
        line = photos.credit(name)
        assert "\n" not in line
        assert any(word in line for word in ("CC", "public domain", "known"))


def test_pixels_are_those_of_the_packages():
    from skimage import data
    from sklearn.datasets import load_sample_image

    for name, function in (("cat", data.chelsea), ("camera", data.camera)):
        assert np.array_equal(photos.load(name), function())
    assert np.array_equal(photos.load("rocket"), data.rocket())
    assert np.array_equal(photos.load("temple"), load_sample_image("china.jpg"))


def test_the_packages_are_not_imported():
    code = (
        "import sys; from helpers import photos; photos.load('flower'); "
        "photos.load('cat'); print({'skimage', 'sklearn'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"


def test_an_unknown_name_is_named():
    with pytest.raises(CourseError, match="no photo 'dog'; there are cat, coff"):
        photos.credit("dog")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(photos, "find_spec", lambda name: None)
    with pytest.raises(CourseError, match="pip install scikit-learn`"):
        photos.load("temple")


def test_missing_and_damaged_files_are_named(monkeypatch, tmp_path):
    spec = type("Spec", (), {"origin": str(tmp_path / "__init__.py")})
    monkeypatch.setattr(photos, "find_spec", lambda name: spec)
    reinstall = "--force-reinstall scikit-image`"
    with pytest.raises(CourseError, match=f"'cat' is missing .*{reinstall}"):
        photos.path("cat")
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "chelsea.png"
    Image.new("RGB", (300, 300)).save(file)
    assert photos.load("cat").shape == (300, 300, 3)
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(CourseError, match=f"cannot be read .*{reinstall}"):
        photos.load("cat")


# The student's own photos

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def halves(left=RED, right=BLUE, size=(64, 32)):
    """A photo whose left and right halves have one colour each."""
    photo = Image.new("RGB", size, left)
    photo.paste(right, (size[0] // 2, 0, *size))
    return photo


def smooth(width, height):
    """A photo with detail, but none as fine as a pixel."""
    coarse = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    bicubic = Image.Resampling.BICUBIC
    return Image.fromarray(coarse).resize((width, height), bicubic)


def jpeg(photo, **options):
    file = io.BytesIO()
    photo.save(file, "JPEG", **options)
    return file.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def close(pixel, colour, tolerance=6):
    return np.abs(np.subtract(pixel, colour, dtype=int)).max() <= tolerance


def test_own_photos_come_in_natural_order_with_their_names(tmp_path):
    names = [
        "2.jpg",
        "10.png",
        "a cup.webp",
        "my dog.bmp",
        "猫 1.gif",
        "花.tiff",
    ]
    for i, name in enumerate(reversed(names)):
        halves(size=(40 + i, 30)).save(tmp_path / name)
    for junk in (".DS_Store", "Thumbs.db", ".hidden.jpg"):
        (tmp_path / junk).write_bytes(b"no photo")
    (tmp_path / "folder").mkdir()
    found, sentences = photos.own(tmp_path)
    assert list(found) == names and sentences == []
    for i, image in enumerate(reversed(found.values())):
        assert image.dtype == np.uint8 and image.shape == (30, 40 + i, 3)
        assert close(image[15, 8], RED) and close(image[15, -8], BLUE)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_photos_are_upright(tmp_path, suffix):
    # 6: the camera was turned; the right side of the stored image is the bottom.
    halves().save(tmp_path / f"a.{suffix}", exif=turned(6))
    (image,) = photos.own(tmp_path)[0].values()
    assert image.shape == (64, 32, 3)
    assert close(image[8, 16], RED) and close(image[-8, 16], BLUE)


def test_a_damaged_note_on_orientation_spoils_no_photo():
    for exif in (b"Exif\0\0no TIFF", turned(6).tobytes()[:-9]):
        assert photos.decode(jpeg(halves(), exif=exif)).size == (64, 32)


def test_other_kinds_of_pixels(tmp_path):
    clear = halves().convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 32, 32))
    clear.save(tmp_path / "alpha.png")
    clear.save(tmp_path / "palette.gif")
    halves().convert("CMYK").save(tmp_path / "cmyk.jpg")
    Image.new("L", (4, 3), 100).save(tmp_path / "grey.png")
    deep = np.full((3, 4), 100 * 257, np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    first, second = halves(), halves(GREEN, GREEN)
    first.save(tmp_path / "two.gif", save_all=True, append_images=[second])
    # What many phones write: a JPEG with a second picture behind the first.
    first.save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=[second])
    found, sentences = photos.own(tmp_path)
    assert len(found) == 7 and sentences == []
    for name in ("alpha.png", "palette.gif"):
        assert close(found[name][16, 8], (255, 255, 255)), name
        assert close(found[name][16, -8], BLUE), name
    for name in ("cmyk.jpg", "two.gif", "phone.jpg"):
        assert close(found[name][16, 8], RED), name
        assert close(found[name][16, -8], BLUE), name
    for name in ("grey.png", "deep.png"):
        assert found[name].shape == (3, 4, 3) and (found[name] == 100).all()


def test_large_photos_are_reduced(tmp_path):
    large = smooth(4096, 3000)
    (tmp_path / "large.jpg").write_bytes(jpeg(large, quality=95))
    large.rotate(90, expand=True).save(tmp_path / "turned.png", compress_level=1)
    found, _ = photos.own(tmp_path)
    expected = np.array(large.resize((1024, 750), Image.Resampling.LANCZOS), int)
    assert np.abs(found["large.jpg"] - expected).max() < 12
    assert np.abs(np.rot90(found["turned.png"], 3) - expected).max() < 12


def test_jpeg_is_decoded_at_a_smaller_scale():
    data = jpeg(Image.new("RGB", (400, 300)))
    for at_least, size in ((None, (400, 300)), (151, (400, 300))):
        assert photos.decode(data, at_least).size == size
    assert photos.decode(data, 150).size == (200, 150)
    assert photos.decode(data, 70).size == (100, 75)


def test_each_bad_file_is_one_sentence_and_the_others_load(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100 * 100)
    monkeypatch.setattr(photos, "MAX_FILE", 10**6)
    good, png = jpeg(smooth(90, 90)), io.BytesIO()
    smooth(60, 60).save(png, "PNG")
    damaged = bytearray(png.getvalue())
    damaged[200] ^= 1
    bad = {
        "1 iPhone.HEIC": (b"\0\0\0\x18ftypheic" + bytes(99), "as JPEG"),
        "2 heis.jpg": (b"\0\0\0\x18ftypheis" + bytes(99), "is an HEIC photo"),
        "2 mif1.avif": (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif" + bytes(99), "an AVIF photo"),
        "2.jp2": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(99), "is a JPEG 2000 photo"),
        "2.jpg": (b"\0\0\0\x18ftypmif1" + bytes(99), "is an HEIC photo"),
        "2.MOV": (b"\0\0\0\x14ftypqt  " + bytes(99), "is a video"),
        "3.jpg": (good[:-300], "is damaged"),
        "4.png": (bytes(damaged), "checksum is wrong"),
        "5.jpg": (b"", "is empty"),
        "6.txt": ("笔记".encode(), "is not an image of a kind read here"),
        "7.jpg": (
            jpeg(Image.new("RGB", (101, 100))),
            "more than 10,000 pixels",
        ),
        "8.png": (
            jpeg(Image.new("RGB", (300, 300))),
            "more than 10,000 pixels",
        ),
        "9.mp4": (bytes(10**6 + 1), "more than 1 MB"),
    }
    for name, (data, _) in bad.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "99.jpg").write_bytes(good)
    found, sentences = photos.own(tmp_path, most=len(bad))
    assert list(found) == ["99.jpg"]
    assert len(sentences) == len(bad)
    for sentence, (name, (_, why)) in zip(sentences, bad.items(), strict=True):
        assert sentence.startswith(f"{name} ") and why in sentence
        assert "\n" not in sentence and sentence.endswith(".")


def test_of_many_bad_files_twelve_are_named(tmp_path):
    for i in range(300):
        (tmp_path / f"label_{i}.txt").write_text("cat")
    halves().save(tmp_path / "z.png")
    found, sentences = photos.own(tmp_path)
    assert list(found) == ["z.png"] and len(sentences) == 13
    assert sentences[11].startswith("label_11.txt is not an image")
    assert sentences[12] == f"And 288 more of the files in {tmp_path} cannot be read."


def test_a_photo_of_108_megapixels_is_decoded_at_an_eighth(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000 * 2000)
    (tmp_path / "a.jpg").write_bytes(jpeg(Image.new("RGB", (2600, 2100), RED)))
    (image,) = photos.own(tmp_path)[0].values()
    assert image.shape == (827, 1024, 3) and close(image[400, 500], RED)


def test_more_photos_than_wanted_are_named(tmp_path):
    for i in range(1, 12):
        halves().save(tmp_path / f"{i}.png")
    found, (sentence,) = photos.own(tmp_path, most=10)
    assert list(found) == [f"{i}.png" for i in range(1, 11)]
    assert sentence == "Only the first 10 photos were read, without 11.png."
    with pytest.raises(CourseError, match="most must be a positive integer"):
        photos.own(tmp_path, most=0)


def test_where_to_put_photos(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    folder = tmp_path.resolve() / "photos"
    found, (sentence,) = photos.own()
    assert found == {} and "make the folder data/photos" in sentence
    assert not folder.exists()
    folder.mkdir()
    (folder / ".DS_Store").touch()
    found, (sentence,) = photos.own()
    assert found == {} and "data/photos holds no photos" in sentence
    halves().save(folder / "a.png")
    assert list(photos.own()[0]) == ["a.png"]
    folder.rename(tmp_path / "Photos")
    assert list(photos.own()[0]) == ["a.png"]
    (tmp_path / "Photos").rename(folder)
    found, (sentence,) = photos.own(folder / "a.png")
    assert found == {} and "cannot be read as a folder" in sentence


def test_true_class():
    assert photos.true_class("n02123045_tabby.JPEG") == "n02123045"
    assert photos.true_class("n02123045.jpg") == "n02123045"
    for name in (
        "cat.jpg",
        "n0212304_a.jpg",
        "n021230456.jpg",
        "an02123045.jpg",
    ):
        assert photos.true_class(name) is None, name


# A photo at the size of a network


def test_crop_keeps_the_centre_and_squash_keeps_all():
    image = np.zeros((20, 60, 3), np.uint8)
    image[:, :20], image[:, 20:40], image[:, 40:] = RED, GREEN, BLUE
    crop = photos.fit(image, 10)
    assert crop.dtype == np.uint8 and crop.shape == (10, 10, 3)
    assert (crop[:, 1:-1] == GREEN).all()
    # The same as to scale the shorter side, then to cut.
    assert np.array_equal(crop, photos.fit(image, (10, 30))[:, 10:20])
    assert np.array_equal(photos.fit(image.swapaxes(0, 1), 10), crop.swapaxes(0, 1))
    squash = photos.fit(image, (10, 12), "squash")
    assert squash.shape == (10, 12, 3)
    assert [tuple(squash[5, x]) for x in (1, 6, 10)] == [RED, GREEN, BLUE]
    assert photos.fit(image, (10, 30)).shape == (10, 30, 3)
    assert np.array_equal(photos.fit(image, (10, 30)), photos.fit(image, (10, 30), "squash"))


def test_fit_smooths_when_it_shrinks():
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    small = photos.fit(board, 8)
    assert small.shape == (8, 8, 3)
    assert np.abs(small[1:-1, 1:-1].astype(int) - 127).max() <= 2
    assert np.array_equal(photos.fit(board[..., None], 8), small)


@pytest.mark.parametrize(
    "image, size, how, message",
    [
        (np.zeros((4, 4, 3)), 4, "crop", "not float64"),
        (np.zeros((4, 4, 4), np.uint8), 4, "crop", "4, 4, 4"),
        (np.zeros((2, 4, 4, 3), np.uint8), 4, "crop", "one photo"),
        (np.zeros((0, 4), np.uint8), 4, "crop", "one photo"),
        (np.zeros((4, 4), np.uint8), 4, "cut", "choose one of crop, squash"),
        (np.zeros((4, 4), np.uint8), 0, "crop", "positive integer, not 0"),
        (np.zeros((4, 4), np.uint8), (4, 4, 3), "crop", "or .height, width."),
    ],
)
def test_fit_refuses(image, size, how, message):
    with pytest.raises(CourseError, match=message):
        photos.fit(image, size, how)


def test_floating_point_pixels_are_refused():
    file = io.BytesIO()
    Image.new("F", (4, 4)).save(file, "TIFF")
    with pytest.raises(BadImage, match="floating-point"):
        photos.decode(file.getvalue())
