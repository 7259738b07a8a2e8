"""Models from Google's Teachable Machine, in today's Keras.

Teachable Machine (Export Model, Tensorflow, Keras) hands out `converted_keras.zip` with
`keras_model.h5` and `labels.txt`, written for TensorFlow 2.4. Keras 3 fails on that file:
its `DepthwiseConv2D` takes no `groups` any more, and a Sequential that holds a whole network
is taken for a model with two outputs. So the model is built again here, layer by layer, as
one flat model with the file's own names, and the weights are copied into it.

Only the layers in FIELDS are built: the file comes from elsewhere, and a Lambda layer or an
object imported by its name would run code.
"""

import io
import json
import re
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import h5py

from helpers.archives import open_zip
from helpers.files import CourseError, is_junk, some, to_unpack

LARGEST = 64 << 20
"""Bytes that are read of a zip's entry. The widest MobileNetV2 has some 25 MB."""

CONV = "kernel_size strides padding dilation_rate activation use_bias"

FIELDS = {
    "Activation": "activation",
    "Add": "",
    "BatchNormalization": "epsilon center scale",
    "Conv2D": f"filters groups {CONV}",
    "Dense": "units activation use_bias",
    "DepthwiseConv2D": f"depth_multiplier {CONV}",
    "Dropout": "rate",
    "GlobalAveragePooling2D": "keepdims",
    "ReLU": "max_value negative_slope threshold",
    "ZeroPadding2D": "padding",
}
"""The layers that may be in a file, and those of their arguments that matter for predicting."""

OTHERS = {
    ".tm": "it is a project of Teachable Machine, not an export",
    "manifest.json": "it is a project of Teachable Machine, not an export",
    ".tflite": "it is an export for TensorFlow Lite",
    ".pb": "it is an export as SavedModel",
    ".bin": "it is an export for TensorFlow.js, or of sounds or poses",
}
"""{suffix of a file: what it says about where it lies}."""


class Export(NamedTuple):
    """What Teachable Machine trained."""

    model: object  # keras.Model: (n, h, w, 3) in [-1, 1] to (n, classes)
    labels: list  # names of the classes, in the order of the model's outputs


class _Refused(Exception):
    """Why a file is refused: a clause to come after "because"."""


def load(path):
    """The model and the labels that Teachable Machine exported: an Export.

    path: converted_keras.zip as downloaded, the folder that it was unpacked to, or the .h5
    in that folder. A model that was saved again with Keras 3 (.h5 or .keras) is loaded too,
    whatever its name, and labels of another name if they are the only text file. Raises
    CourseError, with the path and the reason, for anything else.
    """
    path = Path(path).expanduser()
    with _one_sentence(path), ExitStack() as stack:
        names, read = _files(path, stack)
        models = [name for name in names if name.lower().endswith((".h5", ".keras"))]
        if not models:
            known = [why for name in names for end, why in OTHERS.items() if name.endswith(end)]
            packed = to_unpack(names)
            none = f"there is no keras_model.h5{': ' * bool(packed)}{packed}"
            raise _Refused(known[0] if known else none)
        texts = [name for name in names if name.lower().endswith(".txt")]
        called = [name for name in texts if name.lower().split("/")[-1] == "labels.txt"] or texts
        if len(models) > 1 or len(called) != 1:
            several = f"there are several models ({some(models)})"
            raise _Refused(several if len(models) > 1 else "there is no labels.txt")
        labels = _labels(read(called[0]))
        model = _model(read(models[0]), Path(models[0]).suffix)
        if model.output_shape[1:] != (len(labels),):
            raise _Refused(
                f"labels.txt has {len(labels)} names and the model the output {model.output_shape}"
            )
    return Export(model, labels)


@contextmanager
def _one_sentence(path):
    """Whatever goes wrong inside becomes one sentence on this path."""
    try:
        yield
    except CourseError:  # of the zip archive: it is one already
        raise
    except Exception as error:  # h5py, json and Keras raise many kinds, some of a whole page
        why = f"it cannot be read ({str(error).split('. ')[0][:150].rstrip('.')})"
        if isinstance(error, _Refused):
            why = str(error)
        raise CourseError(
            f"{path} cannot be used, because {' '.join(why.split())}: choose Export Model, "
            "Tensorflow, Keras in an image project of Teachable Machine, and give the .zip, or "
            "the folder that it was unpacked to."
        ) from error


def _files(path, stack):
    """(names, function name -> bytes) of the files in a folder, in a zip or beside a file."""
    if path.suffix.lower() == ".tm":
        raise _Refused(OTHERS[".tm"])
    if path.suffix.lower() == ".zip":
        return stack.enter_context(open_zip(path, LARGEST))
    folder = path if path.is_dir() else path.parent
    files = _visible(folder)
    if not path.is_dir():  # one of several models, and its labels
        files = [file for file in files if file == path or file.suffix.lower() == ".txt"]
        if path not in files:
            raise _Refused("it is not there")
    elif not any(file.is_file() for file in files):  # an unpacked zip may be a folder in a folder
        files = [file for inner in files for file in _visible(inner)]
    names = sorted(file.relative_to(folder).as_posix() for file in files if file.is_file())
    return names, lambda name: (folder / name).read_bytes()


def _visible(folder):
    return [file for file in folder.iterdir() if not is_junk(file.name)]


def _labels(data):
    """["cardboard", ...] from lines such as "0 cardboard", numbered in order."""
    try:
        lines = re.split(r"\r\n?|\n", data.decode("utf-8-sig").strip())
    except UnicodeDecodeError as error:
        raise _Refused("labels.txt is not UTF-8 text") from error
    labels = [re.fullmatch(rf"{n}\s+(.+)", line.strip()) for n, line in enumerate(lines)]
    if None in labels:
        number = labels.index(None)
        raise _Refused(f'line {number + 1} of labels.txt is not "{number} name"')
    return [label[1] for label in labels]


def _model(data, suffix):
    """A Keras model from the bytes of a file."""
    from helpers.quiet_keras import keras

    if suffix.lower() == ".h5":
        with h5py.File(io.BytesIO(data), "r") as file:
            if "model_config" not in file.attrs:
                raise _Refused("its .h5 holds weights alone, without the model")
            if not str(file.attrs.get("keras_version", "")).startswith("3"):
                return _rebuilt(keras, json.loads(file.attrs["model_config"]), _weights(file))
    with tempfile.TemporaryDirectory() as folder:  # Keras reads files with a name
        file = Path(folder) / f"model{suffix.lower()}"
        file.write_bytes(data)
        return keras.saving.load_model(file, compile=False, safe_mode=True)


def _weights(file):
    """{(layer, weight): array} of an .h5 of Keras 2, wherever its groups are nested."""
    found = {}

    def collect(name, item):
        if isinstance(item, h5py.Dataset):
            *_, layer, weight = name.removesuffix(":0").split("/")
            found[layer, weight.removeprefix("depthwise_")] = item[()]

    file["model_weights"].visititems(collect)
    return found


def _rebuilt(keras, description, weights):
    """One flat model from the description of a nested one and its weights."""

    def apply(layer, tensors):
        """What `layer`, as described in the file, makes of a list of tensors."""
        kind, config = layer["class_name"], layer["config"]
        if kind == "Sequential":
            for part in config["layers"]:
                if part["class_name"] != "InputLayer":
                    tensors = [apply(part, tensors)]
            return tensors[0]
        if kind in ("Functional", "Model"):
            done = {}
            for part in config["layers"]:
                sources = [source for node in part["inbound_nodes"] for source, *_ in node]
                inputs = [done[source] for source in sources]
                done[part["name"]] = apply(part, inputs) if inputs else tensors[0]
            return done[config["output_layers"][0][0]]
        settings = {
            field: config[field] for field in FIELDS.get(kind, "").split() if field in config
        }
        if kind not in FIELDS or not isinstance(settings.get("activation", ""), str):
            raise _Refused(f"it holds a layer of the kind {kind}, which is not run")
        built = getattr(keras.layers, kind)(name=config["name"], **settings)
        output = built(tensors if kind == "Add" else tensors[0])
        built.set_weights([weights[config["name"], variable.name] for variable in built.weights])
        return output

    first = description
    while "layers" in first["config"]:
        first = first["config"]["layers"][0]
    shape = first["config"]["batch_input_shape"][1:]
    if shape[-1] != 3:
        raise _Refused(f"it takes inputs of the shape {shape}, which are no colour images")
    inputs = keras.Input(shape, name="image")
    return keras.Model(inputs, apply(description, [inputs]))
