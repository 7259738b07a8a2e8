"""04, 09 and 10 on what they read where it is at hand: MNIST, ImageNet weights, photos."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from environments import published_environment
from notebook_tools import execute, lecture, text_of
from PIL import Image

from helpers import imagenet, photos


def alone(environment, folder):
    """An environment with a cache of its own: others watch what is added to theirs."""
    return environment | {"COURSE_CACHE": str(folder / "cache")}


def test_real_mnist(real_data, simulated, tmp_path):
    path = lecture("04")
    cache = tmp_path / "keras" / "datasets"
    cache.mkdir(parents=True)
    shutil.copy(real_data / "keras-home" / "datasets" / "mnist.npz", cache)
    environment = alone(simulated, tmp_path) | {"KERAS_HOME": str(cache.parent)}
    notebook = execute(path, tmp_path / "mnist.ipynb", environment)
    text = text_of(notebook)
    assert "Digits: real handwriting, MNIST, 60,000 training" in text
    assert "scikit-learn's digits" not in text
    assert "10,000 test images (MNIST)" in text


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
    """09 on a real MobileNet and real photos, beside a half-downloaded file."""
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
    path = lecture("09")
    notebook = execute(path, tmp_path / "out.ipynb", environment)
    text = text_of(notebook)
    assert "runs on MobileNet, alpha 0.25, ImageNet weights" in text
    right, among, of = (
        int(re.search(pattern, text).group(1))
        for pattern in (
            r"(\d+) of 12 right \(MobileNet 0.25, ImageNet weights",
            r"(\d+) of 12 among the first three",
            r"\d+ of (\d+) right",
        )
    )
    assert right >= 5 and among >= 8 and of == 12
    assert "right  zebra: zebra" in text
    # What the notebook quotes of this run is what it gives.
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))
    for photo, quoted in {
        "cat": "tabby 41",
        "coffee": "espresso 88",
        "camera": "tripod 82",
        "temple": "stupa 31",
        "rocket": "mosque 42",
        "coins": "typewriter_keyboard 70",
        "retina": "lampshade 35",
        "astronaut": "barbell 33",
    }.items():
        name, percent = quoted.split()
        found = re.search(rf" {photo} {name} (\d+)%", plain)
        assert found and abs(int(found[1]) - int(percent)) <= 2, photo
    for way, column, quoted in (
        ("right", 2, 54),
        ("0 to 255", 0, 0),
        ("0 to 255", 2, 26),
        ("0 to 1", 0, 71),
    ):
        row = re.search(rf" {way} ([\d.]+)% ([\d.]+)% ([\d.]+)%", plain)
        assert float(row[column + 1]) == pytest.approx(quoted, abs=2)
    for patch, quoted in (
        ("hottest", 0.19),
        ("contrast", 0.14),
        ("random", 0.08),
    ):
        fall = re.search(rf"{patch}(?: patch)? +probability falls by ([\d.]+)", text)
        assert float(fall[1]) == pytest.approx(quoted, abs=0.03)
    assert "Teachable Machine: cardboard, plastic, glass, metal" in text
    assert "course's network, simulated" not in text
    assert "mobilenet_1_0_224_tf.h5 was damaged" in text
    aside = models / "mobilenet_1_0_224_tf.h5.damaged"
    assert aside.read_bytes() == whole[: len(whole) // 2]


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
