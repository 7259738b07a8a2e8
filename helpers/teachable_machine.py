"""Models from Google's Teachable Machine, in today's Keras.

Teachable Machine (Export Model, Tensorflow, Keras) hands out `converted_keras.zip`
with `keras_model.h5` and `labels.txt`, written for TensorFlow 2.4. With Keras 3,
`keras.models.load_model` fails on that file twice:

1. "Unrecognized keyword arguments passed to DepthwiseConv2D: {'groups': 1}": the
   file gives an argument that this layer no longer takes.
2. Without that argument, "functional_4 expects 1 named input(s) ..., but it received
   2 input tensors": the model is a Sequential of two Sequentials, the first of which
   holds a whole MobileNetV2, and is taken for a model with two outputs.

So the model is built anew here, layer by layer, and the weights are copied over. The
nesting goes: the result is one flat model, its layers named as in the file.

Nothing in the file is ever run. It is read into memory with h5py alone, as numbers
and JSON. Only layers, arguments and words on the lists below reach Keras: no Lambda,
no pickle, no custom object, no import by name. Links in the file, and data kept
outside of it, are refused. Nothing is unpacked or written.
"""

import io
import json
import math
import re
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from PIL import Image, ImageOps

from helpers.archives import open_zip
from helpers.files import CourseError

MODEL, LABELS = "keras_model.h5", "labels.txt"

LARGEST = 64 << 20
"""Bytes in a file. The sample has 2.5 MB, the widest MobileNetV2 some 25 MB."""

FIELDS = {
    "Activation": "activation",
    "Add": "",
    "BatchNormalization": "epsilon center scale",
    "Conv2D": "filters kernel_size strides padding dilation_rate groups activation use_bias",
    "Dense": "units activation use_bias",
    "DepthwiseConv2D": "kernel_size strides padding dilation_rate depth_multiplier activation use_bias",
    "Dropout": "rate",
    "GlobalAveragePooling2D": "keepdims",
    "ReLU": "max_value negative_slope threshold",
    "ZeroPadding2D": "padding",
}
"""The layers that may be in a file, and which of their arguments are used.

The others (initialisers, regularisers, constraints) matter in training only.
"""

NESTED = {"Sequential", "Functional", "Model"}

WORDS = {"valid", "same", "linear", "relu", "relu6", "softmax"}
"""The strings that an argument may have: paddings and activations."""

SWITCHES = {"bias": "use_bias", "gamma": "scale", "beta": "center"}
"""Weights that a layer has unless the argument named here is false."""


class Export(NamedTuple):
    """What Teachable Machine trained."""

    model: object  # keras.Model: (n, h, w, 3) in [-1, 1] to (n, classes)
    labels: list  # names of the classes, in the order of the model's outputs


class _Refused(Exception):
    """Why a file is refused: a clause to come after "because"."""


def load(path):
    """The model and the labels that Teachable Machine exported: an Export.

    path: the folder with keras_model.h5 and labels.txt; the .h5 file with labels.txt
    beside it; or converted_keras.zip as downloaded.
    Raises CourseError, with the file's name and the reason, when a file is missing,
    damaged, too large, or not such an export.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() == ".zip" and not path.is_dir():
        content = _read_zip(path)
        model_file, labels_file = f"{MODEL} in {path}", f"{LABELS} in {path}"
    else:
        folder = path.is_dir() or not path.suffix
        model_file = path / MODEL if folder else path
        labels_file = model_file.with_name(LABELS)
        content = {}
        for name, file in ((MODEL, model_file), (LABELS, labels_file)):
            with _speaking_of(file):
                content[name] = _read(file)
    with _speaking_of(model_file):
        config, weights = _read_model(content[MODEL])
    with _speaking_of(labels_file):
        labels = _read_labels(content[LABELS])
    from helpers.quiet_keras import keras

    with _speaking_of(model_file):
        model = _Rebuilding(keras, weights).model(config)
    with _speaking_of(labels_file):
        n_outputs = model.output_shape[-1]
        _need(
            len(labels) == n_outputs,
            f"it has {len(labels)} names and the model {n_outputs} outputs",
        )
    return Export(model, labels)


def prepare(image, size=(224, 224)):
    """One image as the model wants it: float32 (1, h, w, 3) in [-1, 1].

    image: uint8 (H, W, 3), or grey (H, W) or (H, W, 1). size: (h, w), the model's
    `input_shape[1:3]`. As in Teachable Machine's own sample code, the largest centred
    piece of the right shape is cut out, resized (Lanczos), divided by 127.5, less 1.
    Raises CourseError for any other array.
    """
    image = np.asarray(image)
    pixels = image[..., 0] if image.shape[2:] == (1,) else image
    known = pixels.ndim == 2 or pixels.shape[2:] == (3,)
    if not known or not image.size or image.dtype != np.uint8:
        raise CourseError(
            "An image must be uint8 of shape (H, W, 3) or (H, W), not "
            f"{image.dtype} of shape {image.shape}: give the pixels of one image "
            "as they were read, before any scaling."
        )
    picture = ImageOps.fit(
        Image.fromarray(pixels).convert("RGB"),
        (size[1], size[0]),
        Image.Resampling.LANCZOS,
    )
    return np.asarray(picture, "float32")[None] / 127.5 - 1


@contextmanager
def _speaking_of(file):
    """Whatever goes wrong inside becomes one sentence on this file."""
    try:
        yield
    except Exception as error:  # h5py, zipfile, json and Keras raise many kinds
        why = f"it cannot be read ({_brief(error)})"
        if isinstance(error, _Refused):
            why = str(error)
        elif isinstance(error, FileNotFoundError):
            why = "it is not there"
        elif isinstance(error, RecursionError):
            why = "its layers are nested too deeply"
        # A hostile name may hold line breaks, or codes that act on a terminal.
        why = "".join(c if c.isprintable() else " " for c in why)
        raise CourseError(
            f"{file} cannot be used, because {' '.join(why.split())}: export the "
            "model again from Teachable Machine (Export Model, Tensorflow, Keras) "
            "and give the .zip, or the folder that it was unpacked to."
        ) from error


def _brief(error):
    """What went wrong; of what a library says, which may be a page, the beginning."""
    if isinstance(error, _Refused):
        return str(error)
    text = str(error).split(". ")[0][:150].rstrip(".")
    return f"{type(error).__name__}: {text}"


def _need(true, why):
    if not true:
        raise _Refused(why)


def _read(file):
    _need(file.stat().st_size <= LARGEST, f"it exceeds {LARGEST >> 20} MB")
    return file.read_bytes()


def _read_zip(path):
    """{name: bytes} of the two files in the zip; nothing is unpacked to the disk."""
    content = {}
    with open_zip(path, LARGEST) as (entries, read):
        for name in (MODEL, LABELS):
            found = [entry for entry in entries if entry.split("/")[-1] == name]
            with _speaking_of(path):
                _need(found, f"it holds no {name}")
                _need(len(found) == 1, f"it holds {name} twice")
            content[name] = read(found[0])
    return content


def _read_labels(data):
    """["cardboard", ...] from lines such as "0 cardboard", numbered in order."""
    try:
        lines = data.decode("utf-8-sig").strip().split("\n")
    except UnicodeDecodeError as error:
        raise _Refused("it is not UTF-8 text") from error
    labels = []
    for number, line in enumerate(lines):
        match = re.fullmatch(rf"{number}\s+(.+)", line.strip())
        _need(match, f'its line {number + 1} is not "{number} name"')
        labels.append(match[1])
    return labels


def _read_model(data):
    """The model's description and {(layer, weight): array} from the bytes of an .h5.

    No array is made before it is known that all of them lie in these bytes, so that
    they cannot be larger than the file.
    """
    signature = b"\x89HDF\r\n\x1a\n"
    _need(data.startswith(signature), "it is not HDF5 (a web page, perhaps?)")
    with h5py.File(io.BytesIO(data), "r") as file:
        config = file.attrs.get("model_config")
        config = config.decode() if isinstance(config, bytes) else config
        _need(isinstance(config, str), "it has no model_config")
        _need(len(config) < 1 << 19, "it describes too many layers")
        found = {}
        for path, dataset in _datasets(file):
            _need(path[-2:] not in found, f"it holds {path[-2]!r:.60} twice")
            found[path[-2:]] = dataset
        size = sum(4 * math.prod(weight.shape) for weight in found.values())
        _need(size <= len(data), "its weights claim to be larger than the file")
        arrays = {name: weight[()] for name, weight in found.items()}
    return json.loads(config), arrays


def _datasets(file):
    """Yield (path, dataset) for all below model_weights: plain float32 arrays."""
    todo, n_links = [(file, ())], 0
    while todo:
        group, path = todo.pop()
        for name in group if path else ["model_weights"]:
            n_links += 1  # some 400 in a true export
            _need(n_links < 5000, "its groups are too many, or hold themselves")
            link, what = group.get(name, getlink=True), f"{name!r:.60} in it"
            _need(link is not None, "it has no model_weights")
            _need(isinstance(link, h5py.HardLink), f"{what} is a link elsewhere")
            item, here = group[name], (*path, name.removesuffix(":0"))
            if isinstance(item, h5py.Group):
                todo.append((item, here))
                continue
            weight = isinstance(item, h5py.Dataset) and len(here) >= 3
            _need(weight, f"{what} is not a weight of a layer")
            layout = item.id.get_create_plist().get_layout()
            plain = layout == h5py.h5d.CONTIGUOUS and not item.external
            _need(plain, f"{what} is not stored as one plain array inside of it")
            _need(item.dtype == np.float32, f"{what} is not float32")
            yield here, item


class _Rebuilding:
    """Builds one flat keras.Model from a description and its weights."""

    def __init__(self, keras, weights):
        self.keras = keras
        self.weights = weights  # {(layer, weight): array}; taken out when used

    def model(self, config):
        inputs = self.keras.Input(_input_shape(config), name="image")
        outputs = self.apply(config, [inputs])
        _need(len(outputs.shape) == 2, "it does not end with one number a class")
        unused = sorted({layer for layer, _ in self.weights})
        _need(not unused, f"its weights {unused!r:.60} belong to no layer")
        return self.keras.Model(inputs, outputs)

    def apply(self, layer, tensors):
        """What `layer`, as described in the file, makes of a list of tensors."""
        kind, config = layer["class_name"], layer["config"]
        what = f"its layer {layer.get('name') or config.get('name')!r:.60}"
        module = layer.get("module") or "keras"
        registered = layer.get("registered_name") or kind
        keras_own = module.split(".")[0] == "keras" and registered == kind
        _need(
            keras_own and (kind in FIELDS or kind in NESTED),
            f"{what} is of a kind that Teachable Machine does not export "
            f"({registered!s:.60} of {module:.60}), and nothing of it was run",
        )
        _need(kind == "Add" or len(tensors) == 1, f"{what} has several inputs")
        if kind == "Sequential":
            for part in config["layers"]:
                if part["class_name"] != "InputLayer":
                    tensors = [self.apply(part, tensors)]
            return tensors[0]
        if kind in NESTED:
            return self.apply_graph(config, *tensors)
        try:
            return self.apply_one(kind, config, tensors)
        except Exception as error:  # Keras and its backend raise many kinds
            raise _Refused(f"{what} ({kind}) cannot be built ({_brief(error)})") from error

    def apply_graph(self, config, tensor):
        """Layers that name the layers whose outputs they take: `inbound_nodes`."""
        done = {}
        for layer in config["layers"]:
            name = layer["name"]
            if layer["class_name"] == "InputLayer":
                _need(not done, "its network has several inputs")
                done[name] = tensor
                continue
            nodes = layer["inbound_nodes"]
            _need(len(nodes) == 1, f"its layer {name!r:.60} is used again")
            node = nodes[0]
            for source, *rest in node:
                earlier = source in done and rest == [0, 0, {}]
                _need(earlier, f"its layer {name!r:.60} follows no earlier layer")
            done[name] = self.apply(layer, [done[source] for source, *_ in node])
        ((output, *_),) = config["output_layers"]
        return done[output]

    def apply_one(self, kind, config, tensors):
        """One layer with its weights, called on the tensors."""
        fields = FIELDS[kind].split()
        arguments = {name: config[name] for name in fields if name in config}
        plain = all(map(_plain, arguments.values()))
        plain &= config.get("data_format") in (None, "channels_last")
        # Keras 3 does not take `groups` here, and 1 is what it does anyway.
        plain &= kind == "Conv2D" or config.get("groups", 1) == 1
        # The last axis is normalised. TensorFlow 2 puts its number into a list.
        last = len(tensors[0].shape) - 1
        plain &= config.get("axis", -1) in (-1, last, [-1], [last])
        _need(plain, "unusual settings")
        values = []
        shapes = _shapes(kind, tensors[0].shape[-1], arguments)
        for weight, shape in shapes.items():
            if arguments.get(SWITCHES.get(weight), True):
                value = self.weights.pop((config["name"], weight), None)
                _need(value is not None, f"its {weight} is missing")
                is_not = f"its {weight} is {value.shape} instead of {shape}"
                _need(value.shape == shape, is_not)
                values.append(value)
        layer = getattr(self.keras.layers, kind)(name=config["name"], **arguments)
        output = layer(tensors if kind == "Add" else tensors[0])
        _need(math.prod(output.shape[1:]) < 1 << 24, "too large an output")
        layer.set_weights(values)
        return output


def _plain(value):
    """Is it a small number, a known word, None, or a short list of such?"""
    if isinstance(value, list):
        return len(value) <= 2 and all(map(_plain, value))
    if isinstance(value, str):
        return value in WORDS
    return value is None or abs(value) <= 65536  # false for NaN


def _shapes(kind, channels, config):
    """{weight: shape} of a layer, named as in the file, in the order Keras sets them.

    Known before the layer is built, so that Keras makes nothing that the file has not.
    """
    if kind == "BatchNormalization":
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        return dict.fromkeys(names, (channels,))
    if kind == "Dense":
        n = config["units"]
        return {"kernel": (channels, n), "bias": (n,)}
    if kind == "Conv2D":
        n, depth = config["filters"], channels // config.get("groups", 1)
        return {"kernel": (*config["kernel_size"], depth, n), "bias": (n,)}
    if kind == "DepthwiseConv2D":
        n = config.get("depth_multiplier", 1)
        kernel = (*config["kernel_size"], channels, n)
        return {"depthwise_kernel": kernel, "bias": (channels * n,)}
    return {}


def _input_shape(config):
    """(h, w, 3), stated by the first layer, however deep it is nested."""
    while "batch_input_shape" not in config["config"]:
        config = config["config"]["layers"][0]
    _, *shape = config["config"]["batch_input_shape"]
    rgb = len(shape) == 3 and shape[2] == 3
    rgb = rgb and all(1 <= n <= 1024 for n in shape)
    _need(rgb, f"its input is {shape!s:.60}, not an RGB image")
    return tuple(shape)
