"""Teachable Machine's exports give the right numbers, or one sentence; none runs code."""

import json
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from helpers import photos
from helpers import teachable_machine as tm
from helpers.files import CourseError
from helpers.quiet_keras import keras

LABELS = "0 苹果 红\n1 green apple\n"


def one(kind, name, source=None, **config):
    """A layer as Teachable Machine describes it."""
    layer = {"class_name": kind, "config": {"name": name, **config}}
    if source is not None:
        sources = source.split()
        layer["inbound_nodes"] = [[[s, 0, 0, {}] for s in sources]]
    return layer | {"name": name}


def nested(kind, name, *layers, **config):
    return one(kind, name, layers=list(layers), **config)


def entrance(name, *shape):
    shape = {"batch_input_shape": [None, *shape]}
    return {**one("InputLayer", name, **shape), "inbound_nodes": []}


def description():
    """A small network, nested as in a true export, with each kind of layer."""
    conv = {"activation": "linear", "use_bias": False, "groups": 1}
    conv |= {"data_format": "channels_last", "dilation_rate": [1, 1]}
    initial = {"class_name": "Zeros", "config": {}}
    norm = {"axis": [3], "epsilon": 0.01, "beta_initializer": initial}
    body = nested(
        "Functional",
        "body",
        entrance("input_1", 8, 8, 3),
        one("ZeroPadding2D", "pad", "input_1", padding=[[0, 1], [0, 1]]),
        one(
            "Conv2D",
            "conv",
            "pad",
            **conv,
            filters=4,
            kernel_size=[3, 3],
            strides=[2, 2],
            padding="valid",
        ),
        one("BatchNormalization", "norm", "conv", **norm),
        one("ReLU", "relu", "norm", max_value=6.0, negative_slope=0.0),
        one(
            "DepthwiseConv2D",
            "depthwise",
            "relu",
            **conv,
            kernel_size=[3, 3],
            strides=[1, 1],
            padding="same",
            depth_multiplier=1,
        ),
        one("Add", "add", "relu depthwise"),
        one("Activation", "act", "add", activation="relu6"),
        input_layers=[["input_1", 0, 0]],
        output_layers=[["act", 0, 0]],
    )
    first = nested(
        "Sequential",
        "first",
        entrance("body_input", 8, 8, 3),
        body,
        one("GlobalAveragePooling2D", "pool"),
    )
    second = nested(
        "Sequential",
        "second",
        entrance("second_input", 4),
        one("Dense", "dense_1", units=5, activation="relu", use_bias=True),
        one("Dropout", "drop", rate=0.5),
        one("Dense", "dense_2", units=2, activation="softmax", use_bias=False),
    )
    return nested("Sequential", "all", entrance("x", 8, 8, 3), first, second)


SHAPES = {
    "first/conv/kernel:0": (3, 3, 3, 4),
    "first/norm/gamma:0": (4,),
    "first/norm/beta:0": (4,),
    "first/norm/moving_mean:0": (4,),
    "first/norm/moving_variance:0": (4,),
    "first/depthwise/depthwise_kernel:0": (3, 3, 4, 1),
    "second/dense_1/kernel:0": (4, 5),
    "second/dense_1/bias:0": (5,),
    "second/dense_2/kernel:0": (5, 2),
}


def weights():
    rng = np.random.default_rng(0)
    return {name: rng.uniform(0.1, 1, s) for name, s in SHAPES.items()}


def write(folder, config=None, labels=LABELS, change=lambda file: None):
    """An export in `folder`; change(h5py file) does harm to it."""
    folder.mkdir(exist_ok=True)
    with h5py.File(folder / "keras_model.h5", "w") as file:
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["model_config"] = json.dumps(config or description())
        for name, value in weights().items():
            file[f"model_weights/{name}"] = value.astype("float32")
        change(file)
    (folder / "labels.txt").write_text(labels, encoding="utf-8", newline="")
    return folder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "my export 汉字"


def refused(path, *words):
    """One sentence holds these words."""
    with pytest.raises(CourseError) as caught:
        tm.load(path)
    text = str(caught.value)
    for word in (str(path), "cannot be used, because", "Export Model, Tensorflow, Keras", *words):
        assert word in text, text
    assert text.endswith("unpacked to.") and ". " not in text, text


# --- what is right


def reference(x):
    """The same small network, written out with Keras's layers."""
    w, layers = weights(), keras.layers
    steps = [
        layers.ZeroPadding2D(((0, 1), (0, 1))),
        layers.Conv2D(4, 3, 2, use_bias=False),
        layers.BatchNormalization(epsilon=0.01),
        layers.ReLU(6),
    ]
    depthwise = layers.DepthwiseConv2D(3, padding="same", use_bias=False)
    head = [
        layers.GlobalAveragePooling2D(),
        layers.Dense(5, "relu"),
        layers.Dense(2, "softmax", use_bias=False),
    ]
    a = inputs = keras.Input((8, 8, 3))
    for layer in steps:
        a = layer(a)
    a = layers.ReLU(6)(a + depthwise(a))
    for layer in head:
        a = layer(a)
    values = iter(w.values())
    for layer in (*steps, depthwise, *head):
        layer.set_weights([next(values) for _ in layer.weights])
    return keras.Model(inputs, a).predict(x, verbose=0)


def test_a_small_export_gives_the_numbers_of_the_same_network(folder):
    model, labels = tm.load(write(folder))
    assert labels == ["苹果 红", "green apple"]
    assert model.input_shape == (None, 8, 8, 3)
    names = {layer.name for layer in model.layers}
    assert {"conv", "act", "pool", "dense_2"} < names  # flat, for notebooks
    x = np.random.default_rng(1).uniform(-1, 1, (5, 8, 8, 3)).astype("float32")
    found, wanted = model.predict(x, verbose=0), reference(x)
    assert np.ptp(wanted[:, 0]) > 1e-3  # the images are told apart
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_folder_file_and_zip_are_the_same(folder):
    write(folder)
    packed = folder.with_suffix(".ZIP")
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("keras_model.h5", "labels.txt"):
            archive.write(folder / name, f"converted_keras/{name}")
    (folder / "keras_model.h5").rename(folder / "fruit.h5")
    one, two = tm.load(packed), tm.load(str(folder / "fruit.h5"))
    assert one.labels == two.labels
    for a, b in zip(one.model.get_weights(), two.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_files_by_other_names(folder):
    """As in Google's own snippet, as Windows hides suffixes, and what systems add."""
    write(folder)
    (folder / "keras_model.h5").rename(folder / "keras_Model.h5")
    (folder / "labels.txt").rename(folder / "labels.txt.txt")
    (folder / "._keras_Model.h5").write_bytes(b"\0\5\x16\7")
    (folder / "Thumbs.db").touch()
    (folder / "my photos").mkdir()
    assert tm.load(folder).labels == tm.load(folder / "keras_Model.h5").labels
    inner = folder / "converted_keras"
    inner.mkdir()
    for file in ("keras_Model.h5", "labels.txt.txt"):
        (folder / file).rename(inner / file)
    assert tm.load(folder).labels == ["苹果 红", "green apple"]


@pytest.mark.parametrize(
    "files, why",
    [
        (["project.tm"], "it is a project of Teachable Machine"),
        (["manifest.json"], "it is a project of Teachable Machine"),
        (["converted_keras.zip"], "there is no keras_model.h5: unpack converted_keras.zip first"),
        (["a.h5", "b.keras", "labels.txt"], "there are several models (a.h5, b.keras)"),
        (["a.h5", "one.txt", "two.txt"], "there is no labels.txt"),
        (["a.h5"], "there is no labels.txt"),
    ],
)
def test_what_lies_there_instead_is_said(folder, files, why):
    folder.mkdir()
    for name in files:
        (folder / name).touch()
    refused(folder, why)


def test_a_model_whose_first_sequential_has_no_entrance(folder):
    config = description()
    del config["config"]["layers"][0]
    assert tm.load(write(folder, config)).model.input_shape == (None, 8, 8, 3)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + LABELS,
        LABELS.replace("\n", "\r\n"),
        LABELS.replace("\n", "\r"),
        LABELS.strip(),
    ],
)
def test_labels_from_other_editors(folder, text):
    assert tm.load(write(folder, labels=text)).labels == [
        "苹果 红",
        "green apple",
    ]


@pytest.fixture(scope="module")
def sample(real_data):
    return tm.load(real_data / "teachable-machine")


def test_the_real_export_gives_the_numbers_of_mobilenet(sample, real_data):
    """Keras's own MobileNetV2 with the file's weights, put in by name."""
    assert sample.labels == ["cardboard", "plastic", "glass", "metal"]
    base = keras.applications.MobileNetV2(
        (224, 224, 3), 0.35, include_top=False, weights=None, pooling="avg"
    )
    hidden = keras.layers.Dense(100, "relu", name="dense_Dense1")
    last = keras.layers.Dense(4, "softmax", use_bias=False, name="dense_Dense2")
    model = keras.Model(base.input, last(hidden(base.output)))
    with h5py.File(real_data / "teachable-machine" / "keras_model.h5") as file:
        for layer in model.layers:
            number = 3 if "dense_" in layer.name else 1
            names = [weight.name for weight in layer.weights]
            if "Depthwise" in type(layer).__name__:
                names = ["depthwise_kernel"]
            group = f"model_weights/sequential_{number}/{layer.name}"
            layer.set_weights([file[f"{group}/{name}:0"][()] for name in names])
    assert sample.model.count_params() == model.count_params()
    files = sorted((real_data / "imagenet-samples").glob("*.JPEG"))
    pixels = [np.array(Image.open(file).convert("RGB")) for file in files]
    x = np.stack([photos.fit(image, 224) for image in pixels]) / np.float32(127.5) - 1
    found = sample.model.predict(x, verbose=0)
    np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    bottle = [file.stem for file in files].index("n04557648_water_bottle")
    assert sample.labels[found[bottle].argmax()] == "plastic"


def test_keras_itself_still_fails_on_the_real_export(real_data):
    """When this fails, the helper may not be needed any more."""
    with (
        pytest.raises(TypeError, match="'groups': 1"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        keras.models.load_model(real_data / "teachable-machine" / "keras_model.h5")


# --- other versions and other files


def small_model():
    layers = keras.layers
    body = [layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(2, "softmax")]
    return keras.Sequential([keras.Input((8, 8, 3)), *body])


@pytest.mark.parametrize("name", ["keras_model.h5", "model.keras"])
@pytest.mark.filterwarnings("ignore:You are saving your model")
def test_a_model_saved_again_with_keras_3(folder, name):
    write(folder)
    (folder / "keras_model.h5").unlink()
    model = small_model()
    model.save(folder / name)
    x = np.ones((1, 8, 8, 3), "float32")
    found = tm.load(folder).model.predict(x, verbose=0)
    np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-6)


def test_a_name_in_other_letters(folder):
    """Google's own snippet writes it with a capital M."""
    write(folder)
    (folder / "keras_model.h5").rename(folder / "keras_Model.h5")
    (folder / "labels.txt").rename(folder / "Labels.txt")
    assert tm.load(folder).labels == tm.load(folder / "keras_Model.h5").labels


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["project.tm"], "it is a project of Teachable Machine"),
        (["model_unquant.tflite", "labels.txt"], "TensorFlow Lite"),
        (["saved_model.pb", "labels.txt"], "SavedModel"),
        (["model.json", "weights.bin", "metadata.json"], "TensorFlow.js, or of sounds or poses"),
        (["holiday.jpg"], "there is no keras_model.h5"),
        (["keras_model.h5"], "there is no labels.txt"),
        (["keras_model.h5", "other.h5", "labels.txt"], "there are several models"),
        (["keras_model.h5", "labels.txt"], "it cannot be read"),
    ],
)
def test_other_files_are_one_sentence(tmp_path, names, words):
    folder, packed = tmp_path / "export", tmp_path / "export.zip"
    folder.mkdir()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            (folder / name).write_bytes(b"0 x")
            archive.writestr(f"inside/{name}", b"0 x")
    refused(folder, words)
    refused(packed, words)


def test_a_project_or_nothing_is_one_sentence(tmp_path):
    refused(tmp_path / "project.tm", "it is a project")
    refused(tmp_path / "keras_model.h5", "it is not there")
    refused(tmp_path / "no folder" / "keras_model.h5", "it cannot be read")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (b"apple\npear\n", 'line 1 of labels.txt is not "0 name"'),
        (b"1 apple\n2 pear\n", 'line 1 of labels.txt is not "0 name"'),
        (b"0 apple\n\n1 pear\n", "line 2"),
        (b"0 apple\n", "labels.txt has 1 names and the model the output (None, 2)"),
        ("0 苹果\n1 梨\n".encode("gbk"), "labels.txt is not UTF-8 text"),
        ("0 苹果\n1 梨\n".encode("utf-16"), "labels.txt is not UTF-8 text"),
    ],
)
def test_odd_labels(folder, labels, words):
    (write(folder) / "labels.txt").write_bytes(labels)
    refused(folder, words)


@pytest.mark.parametrize("saved_again", [False, True])
@pytest.mark.filterwarnings("ignore:You are saving your model")
def test_a_lambda_is_not_run(folder, monkeypatch, tmp_path, saved_again):
    monkeypatch.chdir(tmp_path)
    harm = keras.layers.Lambda(lambda x: open("marker", "w").close())  # noqa: PTH123
    evil = one("Lambda", **harm.get_config() | {"name": "evil"})
    config = description()
    config["config"]["layers"].append(evil)
    write(folder, config)
    # The code is alive: where it is allowed, it runs.
    keras.layers.Lambda.from_config(evil["config"], safe_mode=False).call(1)
    Path("marker").unlink()
    if saved_again:
        model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Lambda(lambda x: x)])
        model.save(folder / "keras_model.h5")
        refused(folder, "cannot be read")
    else:
        refused(folder, "a layer of the kind Lambda, which is not run")
    assert not Path("marker").exists()


def last_dense(config):
    return config["config"]["layers"][2]["config"]["layers"][3]["config"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: last_dense(c).update(activation={"class_name": "exec"}), "Dense, which"),
        (lambda c: last_dense(c).update(activation="os.system"), "it cannot be read"),
        (lambda c: last_dense(c).update(units=3), "it cannot be read"),
        (lambda c: last_dense(c).update(name="other"), "it cannot be read"),
        (lambda c: c.pop("config"), "it cannot be read"),
        (
            lambda c: c["config"]["layers"][0]["config"].update(batch_input_shape=[None, 8, 8, 1]),
            "which are no colour images",
        ),
    ],
)
def test_odd_descriptions_are_one_sentence(folder, change, words):
    config = description()
    change(config)
    refused(write(folder, config), words)


def test_weights_alone_are_one_sentence(folder):
    write(folder, change=lambda file: file.attrs.pop("model_config"))
    refused(folder, "weights alone")
