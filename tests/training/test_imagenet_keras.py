"""EfficientNet-Lite in Keras; and what is published of Keras's networks is true of Keras."""

import os
import subprocess
import sys

import numpy as np
import offline
import pytest
from support import ROOT

from helpers import imagenet, photos


@pytest.fixture(scope="module")
def lite0():
    return imagenet.efficientnet_lite(0)


def batch(names, size=224):
    return imagenet.preprocess_input([photos.fit(photos.load(name), size) for name in names])


def test_the_bundled_photos(lite0):
    """As stored: what notebook 09 shows."""
    found = imagenet.decode_predictions(lite0.predict(batch(photos.NAMES), verbose=0), top=1)
    answers = {name: (row[0][1], row[0][2]) for name, row in zip(photos.NAMES, found, strict=True)}
    assert {name: answer for name, (answer, _) in answers.items()} == {
        "cat": "Egyptian cat",
        "coffee": "espresso",
        "rocket": "missile",
        "astronaut": "bobsled",
        "camera": "tripod",
        "retina": "lampshade",
        "coins": "golf ball",
        "temple": "palace",
        "flower": "daisy",
    }
    assert answers["coffee"][1] == pytest.approx(0.944, abs=0.01)
    assert answers["camera"][1] == pytest.approx(0.941, abs=0.01)


def test_what_the_prose_of_notebook_09_says_of_nonsense_and_wrong_pixels(lite0):
    cat = photos.fit(photos.load("cat"), 224)
    stripes = np.broadcast_to((np.arange(224) // 16 % 2 * 255)[:, None], (224, 224, 3))
    odd = imagenet.preprocess_input([np.full((224, 224, 3), 127), stripes, cat[::-1]])
    grey, lines, turned = imagenet.decode_predictions(lite0.predict(odd, verbose=0), top=1)
    assert grey[0][2] < 0.02
    assert lines[0][1] == "radiator" and lines[0][2] > 0.2
    assert turned[0][1] == "Egyptian cat"
    pixels = np.stack([photos.fit(photos.load(name), 224) for name in photos.NAMES])
    right, small, raw = (
        lite0.predict(x.astype("float32"), verbose=0)
        for x in (imagenet.preprocess_input(pixels), pixels / 255, pixels)
    )
    same = [(p.argmax(1) == right.argmax(1)).mean() for p in (small, raw)]
    assert same[1] < 0.4 and 0.5 < same[0] < 0.9  # the dangerous one
    assert small.max(1).mean() > 0.7 * right.max(1).mean()


def test_with_and_without_top_of_any_size(lite0):
    x = batch(["cat", "coffee"], 96)
    settings = {"include_top": False, "input_shape": (96, 96, 3)}
    maps = imagenet.efficientnet_lite(0, **settings)
    means = imagenet.efficientnet_lite(0, pooling="avg", **settings)
    features = means.predict(x, verbose=0)
    assert maps.output_shape == (None, 3, 3, 1280) and features.shape == (2, 1280)
    assert np.allclose(maps.predict(x, verbose=0).mean((1, 2)), features, atol=1e-4)
    small = imagenet.efficientnet_lite(0, input_shape=(96, 96, 3))
    top = small.get_layer("predictions")
    logits = features @ top.kernel.numpy() + top.bias.numpy()
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(small.predict(x, verbose=0), p, atol=1e-4)
    for a, b in zip(lite0.weights, small.weights, strict=True):
        assert np.array_equal(a, b)


def test_features_are_the_same_on_two_runs():
    settings = {"include_top": False, "input_shape": (96, 96, 3), "pooling": "avg"}
    x = batch(photos.NAMES, 96)
    first, second = (
        imagenet.efficientnet_lite(0, **settings).predict(x, verbose=0) for _ in range(2)
    )
    assert first.std() > 0.1
    assert np.allclose(first, second, atol=1e-4)


def test_without_weights_it_is_random():
    first, second = (
        imagenet.efficientnet_lite(0, weights=None, input_shape=(32, 32, 3)) for _ in range(2)
    )
    assert not np.array_equal(first.weights[0], second.weights[0])


@pytest.mark.parametrize("name", imagenet.PUBLISHED)
@pytest.mark.filterwarnings("ignore:`input_shape` is undefined")
def test_parameters_of_keras(name):
    """Counted without filling the weights, which would take most of the time."""
    from helpers.quiet_keras import keras

    with keras.StatelessScope(initialize_variables=False):
        network = getattr(keras.applications, name)(weights=None)
    assert network.count_params() == imagenet.PUBLISHED[name].parameters
    keras.utils.clear_session()


REALLY = """
import numpy as np
from helpers import imagenet, photos
from helpers.quiet_keras import keras

assert imagenet.missing("mobilenet_2_5_224_tf.h5") == ""
network = keras.applications.MobileNet(alpha=0.25, weights="imagenet")
x = photos.fit(photos.load("coffee"), 224)[None].astype("float32")
scores = network.predict(keras.applications.mobilenet.preprocess_input(x), verbose=0)
keras.applications.MobileNet(alpha=0.25, include_top=False, weights="imagenet")
keras.applications.MobileNetV2(alpha=0.35, include_top=False, weights="imagenet")
print(keras.applications.mobilenet.decode_predictions(scores, top=1)[0][0][1])
print(imagenet.decode_predictions(scores, top=1)[0][0][1])
"""


@pytest.mark.filterwarnings("ignore:`input_shape` is undefined")
def test_keras_applications_unmodified_and_offline(real_data):
    """On Keras's own files: weights="imagenet" works, and the names are the same."""
    command = [sys.executable, "-W", "ignore", "-c", REALLY]
    if offline.available():
        command = [sys.executable, offline.__file__, *command]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"KERAS_HOME": str(real_data / "keras-home")},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.stdout.split() == ["espresso", "espresso"], done.stderr
