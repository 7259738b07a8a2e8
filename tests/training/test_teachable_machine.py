"""Teachable Machine's exports give the right numbers; hostile files do nothing."""

import json
import pickle
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

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
    with h5py.File(folder / tm.MODEL, "w") as file:
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["model_config"] = json.dumps(config or description())
        for name, value in weights().items():
            file[f"model_weights/{name}"] = value.astype("float32")
        change(file)
    (folder / tm.LABELS).write_text(labels, encoding="utf-8", newline="")
    return folder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "my export 汉字"


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """refused(path, ...): one sentence holds these words; nothing was written."""
    monkeypatch.chdir(tmp_path)

    def check(path, *words, names=tm.MODEL):
        before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
        with pytest.raises(CourseError) as caught:
            tm.load(path)
        text = str(caught.value)
        for word in (names, "cannot be used, because", *words):
            assert word in text, text
        assert text.isprintable() and len(text) < 600, text
        assert text.endswith("unpacked to.") and ". " not in text, text
        after = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
        assert after == before

    return check


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
        for name in (tm.MODEL, tm.LABELS):
            archive.write(folder / name, f"converted_keras/{name}")
    (folder / tm.MODEL).rename(folder / "fruit.h5")
    one, two = tm.load(packed), tm.load(str(folder / "fruit.h5"))
    assert one.labels == two.labels
    for a, b in zip(one.model.get_weights(), two.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_model_whose_first_sequential_has_no_entrance(folder):
    config = description()
    del config["config"]["layers"][0]
    assert tm.load(write(folder, config)).model.input_shape == (None, 8, 8, 3)


@pytest.mark.parametrize("text", ["\ufeff" + LABELS, LABELS.replace("\n", "\r\n"), LABELS.strip()])
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
    with h5py.File(real_data / "teachable-machine" / tm.MODEL) as file:
        for layer in model.layers:
            number = 3 if "dense_" in layer.name else 1
            names = [weight.name for weight in layer.weights]
            if "Depthwise" in type(layer).__name__:
                names = ["depthwise_kernel"]
            group = f"model_weights/sequential_{number}/{layer.name}"
            layer.set_weights([file[f"{group}/{name}:0"][()] for name in names])
    assert sample.model.count_params() == model.count_params()
    photos = sorted((real_data / "imagenet-samples").glob("*.JPEG"))
    pixels = [np.array(Image.open(photo).convert("RGB")) for photo in photos]
    x = np.concatenate([tm.prepare(image) for image in pixels])
    found = sample.model.predict(x, verbose=0)
    np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    bottle = [p.stem for p in photos].index("n04557648_water_bottle")
    assert sample.labels[found[bottle].argmax()] == "plastic"


def test_keras_itself_still_fails_on_the_real_export(real_data):
    """When this fails, the helper may not be needed any more."""
    with (
        pytest.raises(TypeError, match="'groups': 1"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        keras.models.load_model(real_data / "teachable-machine" / tm.MODEL)


def test_prepare_cuts_the_centre_and_scales():
    image = np.random.default_rng(0).integers(0, 256, (40, 100, 3), "uint8")
    x = tm.prepare(image, (40, 40))
    assert x.dtype == np.float32
    np.testing.assert_allclose(x[0], image[:, 30:70] / 127.5 - 1, atol=1e-6)
    tall = tm.prepare(image.transpose(1, 0, 2), (20, 40))  # h, w
    assert tall.shape == (1, 20, 40, 3)
    np.testing.assert_allclose(tall[0], image.transpose(1, 0, 2)[40:60] / 127.5 - 1, atol=1e-6)
    assert tm.prepare(np.full((9, 5, 1), 255, "uint8")).min() == 1
    assert tm.prepare(np.zeros((300, 500), "uint8")).max() == -1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4, 3), "float32"),
        np.zeros((4, 4, 4), "uint8"),
        np.zeros((1, 4, 4, 3), "uint8"),
        np.zeros((0, 4, 3), "uint8"),
        np.zeros(4, "uint8"),
    ],
)
def test_prepare_refuses_other_arrays(image):
    with pytest.raises(CourseError, match="uint8"):
        tm.prepare(image)


# --- hostile files


def test_a_lambda_is_not_run(folder, refused):
    """`refused` has gone to a folder of this test, and sees any new file."""
    harm = keras.layers.Lambda(lambda x: open("marker", "w").close())  # noqa: PTH123
    evil = one("Lambda", **harm.get_config() | {"name": "evil"})
    config = description()
    config["config"]["layers"].append(evil)
    write(folder, config)
    # The code is alive: where it is allowed, it runs.
    keras.layers.Lambda.from_config(evil["config"], safe_mode=False).call(1)
    Path("marker").unlink()
    refused(folder, "'evil'", "(Lambda of keras)", "nothing of it was run")


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("marker"),)


def test_a_pickle_is_not_run(folder, refused):
    data = pickle.dumps(Evil())
    pickle.loads(data)
    Path("marker").unlink()  # so the code is alive
    (write(folder) / tm.MODEL).write_bytes(data)
    refused(folder, "it is not HDF5")


def dense(config):
    """The last layer of the description."""
    return config["config"]["layers"][2]["config"]["layers"][3]


def first(config):
    return config["config"]["layers"][1]["config"]["layers"]


def body(config):
    """The layers of the inner network."""
    return first(config)[1]["config"]["layers"]


def set_in(layer, **config):
    layer["config"].update(config)


def cycle(config):
    body(config)[1]["inbound_nodes"] = [[["act", 0, 0, {}]]]


def twice(config):
    body(config)[4]["inbound_nodes"] *= 2


@pytest.mark.parametrize(
    "change, words",
    [
        (
            lambda c: dense(c).update(class_name="TFOpLambda"),
            "(TFOpLambda of keras)",
        ),
        (lambda c: dense(c).update(class_name="Den\x1b[2J\nse" * 99), "kind"),
        (lambda c: dense(c).update(class_name=["Dense"]), "unhashable"),
        (lambda c: dense(c).update(module="os.path"), "(Dense of os.path)"),
        (
            lambda c: dense(c).update(registered_name="Evil>Dense"),
            "(Evil>Dense",
        ),
        (
            lambda c: set_in(dense(c), activation="os.system"),
            "unusual settings",
        ),
        (
            lambda c: set_in(
                dense(c),
                activation={"class_name": "function", "config": "exec"},
            ),
            "'dense_2'",
        ),
        (lambda c: set_in(body(c)[7], name="relu"), "relu"),
        (lambda c: set_in(dense(c), units=10**12), "unusual settings"),
        (
            lambda c: set_in(dense(c), units=3),
            "kernel is (5, 2) instead of (5, 3)",
        ),
        (lambda c: dense(c)["config"].pop("units"), "'units'"),
        (
            lambda c: set_in(body(c)[1], padding=[9**4, 9**4]),
            "too large an output",
        ),
        (lambda c: set_in(body(c)[2], data_format="channels_first"), "'conv'"),
        (lambda c: set_in(body(c)[3], axis=[1]), "'norm'"),
        (lambda c: set_in(body(c)[5], groups=4), "'depthwise'"),
        (cycle, "'pad' follows no earlier layer"),
        (twice, "'relu' is used again"),
        (
            lambda c: set_in(c["config"]["layers"][0], batch_input_shape=[None, 10**9, 8, 3]),
            "not an RGB image",
        ),
        (lambda c: c["config"]["layers"].pop(), "belong to no layer"),
        (lambda c: first(c).pop(), "one number a class"),
        (lambda c: c.pop("config"), "'config'"),
    ],
)
def test_odd_descriptions(folder, refused, change, words):
    config = description()
    change(config)
    refused(write(folder, config), words)


def test_endless_nesting(folder, refused):
    deep = '{"class_name":"Sequential","config":{"layers":['
    shape = '{"class_name":"InputLayer","config":{"batch_input_shape":[1,8,8,3]}},'

    def nest(times):
        text = deep + shape + deep * (times - 1) + "]}}" * times
        return lambda file: file.attrs.__setitem__("model_config", text)

    for times in (2500, 9000):
        write(folder, change=nest(times))
        refused(folder, "nested too deeply")
    write(folder, change=nest(90_000))
    refused(folder, "too many layers")


KERNEL = "model_weights/second/dense_2/kernel:0"


def replaced(make):
    """Put something else in the place of a weight."""

    def change(file):
        del file[KERNEL]
        make(file)

    return change


def virtual(file):
    layout = h5py.VirtualLayout((5, 2), "float32")
    layout[:] = h5py.VirtualSource("other.h5", "x", (5, 2))
    file.create_virtual_dataset(KERNEL, layout)


def huge(file):  # declared, and never allocated
    space = h5py.h5s.create_simple((1 << 32, 1 << 32))
    group = file[KERNEL.rpartition("/")[0]].id
    h5py.h5d.create(group, b"kernel:0", h5py.h5t.IEEE_F32LE, space)


def external(file):
    file.create_dataset(KERNEL, (5, 2), "float32", external=[("other.bin", 0, 40)])


@pytest.mark.parametrize(
    "change, words",
    [
        (replaced(lambda f: None), "kernel is missing"),
        (
            replaced(lambda f: f.create_dataset(KERNEL, (5, 3), "float32")),
            "kernel is (5, 3) instead of (5, 2)",
        ),
        (replaced(huge), "larger than the file"),
        (replaced(external), "not stored as one plain array"),
        (replaced(virtual), "not stored as one plain array"),
        (
            replaced(
                lambda f: f.create_dataset(
                    KERNEL,
                    (1 << 40,),
                    "float32",
                    chunks=(9,),
                    compression="gzip",
                )
            ),
            "not stored as one plain array",
        ),
        (
            replaced(lambda f: f.__setitem__(KERNEL, h5py.ExternalLink("b.h5", "x"))),
            "is a link elsewhere",
        ),
        (
            replaced(lambda f: f.__setitem__(KERNEL, h5py.SoftLink("/a"))),
            "is a link elsewhere",
        ),
        (
            replaced(lambda f: f.create_dataset(KERNEL, (5, 2), "float64")),
            "not float32",
        ),
        (
            lambda f: f.__setitem__("model_weights/a/a", f["model_weights"]),
            "twice",
        ),
        (
            lambda f: f.__setitem__("model_weights/b/b", f.create_group("model_weights/b")),
            "hold themselves",
        ),
        (
            lambda f: f.create_dataset("model_weights/a/b/c", (1,), "float32"),
            "['b'] belong to no layer",
        ),
        (lambda f: f.pop("model_weights"), "no model_weights"),
        (lambda f: f.attrs.pop("model_config"), "no model_config"),
        (lambda f: f.attrs.create("model_config", [1, 2]), "no model_config"),
        (lambda f: f.attrs.modify("model_config", "{"), "JSONDecodeError"),
    ],
)
def test_odd_weights(folder, refused, change, words):
    refused(write(folder, change=change), words)


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.98])
def test_a_truncated_file(folder, refused, kept):
    file = write(folder) / tm.MODEL
    data = file.read_bytes()
    file.write_bytes(data[: int(kept * len(data)) if kept < 1 else kept])
    refused(folder, "read" if kept else "not HDF5")


def test_a_web_page_instead_of_the_model(folder, refused):
    write(folder)
    (folder / tm.MODEL).write_text("<!doctype html><title>Sign in</title>")
    refused(folder, "a web page, perhaps?")


def test_files_that_are_not_there_or_too_large(folder, refused, monkeypatch):
    refused(folder, "it is not there")
    refused(folder / "some.h5", "it is not there", names="some.h5")
    write(folder)
    (folder / tm.LABELS).unlink()
    refused(folder, "it is not there", names=tm.LABELS)
    monkeypatch.setattr(tm, "LARGEST", 1 << 10)
    refused(folder, "it exceeds")


@pytest.mark.parametrize(
    "labels, words",
    [
        ("0 a\n1 b\n2 c\n", "it has 3 names and the model 2 outputs"),
        ("0 a\n", "it has 1 names"),
        ("", 'line 1 is not "0 name"'),
        ("0 a\n2 b", 'line 2 is not "1 name"'),
        ("a\nb", 'line 1 is not "0 name"'),
        ("0 a\n\n1 b", 'line 2 is not "1 name"'),
        (b"0 a\n1 \xc6\xbb\xb9\xfb", "not UTF-8"),
    ],
)
def test_odd_labels(folder, refused, labels, words):
    write(folder)
    raw = labels if isinstance(labels, bytes) else labels.encode()
    (folder / tm.LABELS).write_bytes(raw)
    refused(folder, words, names=tm.LABELS)


def pack(file, content):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return file


@pytest.mark.parametrize(
    "names, words",
    [
        (["keras_model.h5", "labels.txt", "a/labels.txt"], "labels.txt twice"),
        (["model_unquant.tflite", "labels.txt"], "holds no keras_model.h5"),
        (["keras_model.h5"], "holds no labels.txt"),
    ],
)
def test_odd_zips(refused, tmp_path, names, words):
    file = pack(tmp_path / "converted_keras.zip", dict.fromkeys(names, ""))
    refused(file, words, names=file.name)


def test_zips_that_are_refused_before_they_are_read(tmp_path, monkeypatch):
    """In the words of helpers.archives; more of that in test_casia.py."""
    monkeypatch.setattr(tm, "LARGEST", 1 << 16)
    file = tmp_path / "converted_keras.zip"
    away = {"../keras_model.h5": "", "labels.txt": ""}
    large = {tm.MODEL: bytes(1 << 20), tm.LABELS: ""}
    for made, words in (
        (lambda: file.write_bytes(b"no zip"), "is not a complete zip archive"),
        (lambda: pack(file, away), "'../keras_model.h5' would be written outside"),
        (lambda: pack(file, large), "'keras_model.h5' is larger than"),
    ):
        made()
        with pytest.raises(CourseError, match=rf"converted_keras\.zip .*{words}"):
            tm.load(file)
