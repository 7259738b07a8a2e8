"""What is known of Keras's ImageNet networks without building them.

`missing` says, in less than three seconds and without importing Keras, whether
`weights="imagenet"` will work; the notebook then builds the network in plain Keras.

Source of the accuracies: the table at https://keras.io/api/applications/ (on the
ImageNet validation set, one crop an image), read in 2026. File names, checksums,
input sizes and numbers of parameters: Keras 3.15, which a test asks.
"""

import functools
import hashlib
import itertools
import os
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from helpers.files import CourseError


class Published(NamedTuple):
    """What is known of one network."""

    parameters: int  # with the classifier, counted with Keras 3.15
    top1: float  # accuracy, 0 to 1
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


class _Network(NamedTuple):
    """What Keras wants of one network, and where it takes the weights from."""

    module: str  # of keras.applications
    side: int  # of the input image in pixels, where nothing else is asked for
    smallest: int  # side that Keras accepts without the classifier
    without_top: int  # parameters without the classifier
    stem: str  # of the file; MobileNets: to be filled with alpha and side
    ending: str = "_notop"  # of the file without the classifier


_TF = "_weights_tf_dim_ordering_tf_kernels"

_NETWORKS = {
    "Xception": _Network("xception", 299, 71, 20_861_480, f"xception{_TF}"),
    "VGG16": _Network("vgg16", 224, 32, 14_714_688, f"vgg16{_TF}"),
    "VGG19": _Network("vgg19", 224, 32, 20_024_384, f"vgg19{_TF}"),
    "ResNet50": _Network("resnet", 224, 32, 23_587_712, f"resnet50{_TF}"),
    "ResNet50V2": _Network("resnet_v2", 224, 32, 23_564_800, f"resnet50v2{_TF}"),
    "ResNet152V2": _Network("resnet_v2", 224, 32, 58_331_648, f"resnet152v2{_TF}"),
    "InceptionV3": _Network("inception_v3", 299, 75, 21_802_784, f"inception_v3{_TF}"),
    "InceptionResNetV2": _Network(
        "inception_resnet_v2", 299, 75, 54_336_736, f"inception_resnet_v2{_TF}"
    ),
    "MobileNet": _Network("mobilenet", 224, 32, 3_228_864, "mobilenet_{}_{}_tf", "_no_top"),
    "MobileNetV2": _Network(
        "mobilenet_v2",
        224,
        32,
        2_257_984,
        f"mobilenet_v2{_TF}_{{}}_{{}}",
        "_no_top",
    ),
    "DenseNet121": _Network("densenet", 224, 32, 7_037_504, f"densenet121{_TF}"),
    "NASNetMobile": _Network("nasnet", 224, 32, 4_269_716, "nasnet_mobile", "_no_top"),
    "NASNetLarge": _Network("nasnet", 331, 32, 84_887_922, "nasnet_large", "_no_top"),
    "EfficientNetB0": _Network("efficientnet", 224, 32, 4_049_571, "efficientnetb0"),
    "EfficientNetB3": _Network("efficientnet", 300, 32, 10_783_535, "efficientnetb3"),
    "EfficientNetB7": _Network("efficientnet", 600, 32, 64_097_687, "efficientnetb7"),
    "EfficientNetV2S": _Network("efficientnet_v2", 384, 32, 20_331_360, "efficientnetv2-s"),
    "ConvNeXtBase": _Network("convnext", 224, 32, 87_566_464, "convnext_base"),
}
"""Of the networks in PUBLISHED."""


class _Width(NamedTuple):
    """One of the widths in which Keras has a MobileNet."""

    text: str  # in the file's name
    with_top: int  # parameters
    without_top: int


_WIDTHS = {
    "MobileNet": {
        0.25: _Width("2_5", 475_544, 218_544),
        0.5: _Width("5_0", 1_342_536, 829_536),
        0.75: _Width("7_5", 2_601_976, 1_832_976),
        1.0: _Width("1_0", 4_253_864, 3_228_864),
    },
    "MobileNetV2": {
        0.35: _Width("0.35", 1_691_208, 410_208),
        0.5: _Width("0.5", 1_987_224, 706_224),
        0.75: _Width("0.75", 2_663_064, 1_382_064),
        1.0: _Width("1.0", 3_538_984, 2_257_984),
        1.3: _Width("1.3", 5_431_048, 3_766_048),
        1.4: _Width("1.4", 6_156_712, 4_363_712),
    },
}
"""By alpha. Keras has no other network in several widths."""

_SIDES = {
    "MobileNet": (128, 160, 192, 224),
    "MobileNetV2": (96, 128, 160, 192, 224),
}
"""Input sides for which there are weights of their own."""

_CHECKSUMS = dict(
    line.split()[::-1]
    for line in """
0a58e3b7378bc2990ea3b43d5981f1f6 xception_weights_tf_dim_ordering_tf_kernels.h5
b0042744bf5b25fce3cb969f33bebb97 xception_weights_tf_dim_ordering_tf_kernels_notop.h5
64373286793e3c8b2b4e3219cbf3544b vgg16_weights_tf_dim_ordering_tf_kernels.h5
6d6bbae143d832006294945121d1f1fc vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5
cbe5617147190e668d6c5d5026f83318 vgg19_weights_tf_dim_ordering_tf_kernels.h5
253f8cb515780f3b799900260a226db6 vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5
2cb95161c43110f7111970584f804107 resnet50_weights_tf_dim_ordering_tf_kernels.h5
4d473c1dd8becc155b73f8504c6f6626 resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5
3ef43a0b657b3be2300d5770ece849e0 resnet50v2_weights_tf_dim_ordering_tf_kernels.h5
fac2f116257151a9d068a22e544a4917 resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5
a49b44d1979771252814e80f8ec446f9 resnet152v2_weights_tf_dim_ordering_tf_kernels.h5
ed17cf2e0169df9d443503ef94b23b33 resnet152v2_weights_tf_dim_ordering_tf_kernels_notop.h5
9a0d58056eeedaa3f26cb7ebd46da564 inception_v3_weights_tf_dim_ordering_tf_kernels.h5
bcbd6486424b2319ff4ef7d526e38f63 inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5
e693bd0210a403b3192acc6073ad2e96 inception_resnet_v2_weights_tf_dim_ordering_tf_kernels.h5
d19885ff4a710c122648d3b5c3b684e4 inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5
9d60b8095a5708f2dcce2bca79d332c7 densenet121_weights_tf_dim_ordering_tf_kernels.h5
30ee3e1110167f948a6b9946edeeb738 densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5
020fb642bf7360b370c678b08e0adf61 nasnet_mobile.h5
1ed92395b5b598bdda52abe5c0dbfd63 nasnet_mobile_no_top.h5
11577c9a518f0070763c2b964a382f17 nasnet_large.h5
d81d89dc07e6e56530c4e77faddd61b5 nasnet_large_no_top.h5
902e53a9f72be733fc0bcb005b3ebbac efficientnetb0.h5
50bc09e76180e00e4465e1a485ddc09d efficientnetb0_notop.h5
ffd1fdc53d0ce67064dc6a9c7960ede0 efficientnetb3.h5
af6d107764bb5b1abb91932881670226 efficientnetb3_notop.h5
8c03f828fec3ef71311cd463b6759d99 efficientnetb7.h5
cbcfe4450ddf6f3ad90b1b398090fe4a efficientnetb7_notop.h5
e1d88a8495beba45748fedd0cecbe016 efficientnetv2-s.h5
af0682fb74e8c54910f2d4393339c070 efficientnetv2-s_notop.h5
52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6 convnext_base.h5
40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45 convnext_base_notop.h5
c2c37ea517e94d9795004a39431a14cb imagenet_class_index.json
c75a67d6e134c34a1f74851703886602 mobilenet_2_5_224_tf.h5
ff6fc4f009a2287c3003156202c361af mobilenet_2_5_224_tf_no_top.h5
d91f0a22dbc9f00393446d4ac1c53c96 mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5
""".strip().splitlines()
)
"""{file: MD5 or, where longer, SHA-256} of each file for which there is one.

As in Keras; the last three, for which Keras has none, measured on genuine files.
"""


class _File(NamedTuple):
    """A file that Keras reads."""

    name: str
    digest: str  # MD5 or, where longer, SHA-256; "" where none is known
    numbers: int  # that it holds; None: not counted

    @property
    def megabytes(self):
        """4 bytes a number; the list of classes is far smaller than 0.1."""
        return max(0.1, 4 * (self.numbers or 0) / 1e6)


_LIST = "imagenet_class_index.json"
_CLASSES = _File(_LIST, _CHECKSUMS[_LIST], None)
"""The names of the 1,000 classes, for `decode_predictions`."""

_HOST = "storage.googleapis.com"
"""From where Keras downloads every one of these files."""

_SECONDS = 2.8
"""`missing` takes no longer, whatever happens."""

_READING = 2.0
"""Of these, for computing a checksum: a slow disk needs longer for the largest."""

_ASKING = 2.0
"""Of these, at most for asking whether the server answers."""

_REMEMBERED = 60.0
"""Seconds for which the server's answer is taken to hold."""

_HDF5 = b"\x89HDF\r\n\x1a\n"

_checked = {}  # path -> ((bytes, time of last change), what is wrong or "")
_asked = {}  # host -> (when, why it did not answer or "")


_CALLED = "Keras's folder (~/.keras/models, or models in KERAS_HOME)"


def input_size(name):
    """Side in pixels of the square images that the network was trained for."""
    return _network(name).side


def module(name):
    """The submodule of keras.applications with the network's `preprocess_input`."""
    return _network(name).module


def megabytes(name, alpha=1.0, include_top=True):
    """Size of the file of weights: 4 bytes a parameter, 1 MB = 1e6 bytes."""
    _refuse(name, alpha)
    return _weights(name, alpha, include_top, None).megabytes


def missing(name, alpha=1.0, include_top=True, size=None, download=False):
    """Why Keras cannot have a network's ImageNet weights: one sentence, or "".

    name: as in PUBLISHED. alpha: the width, of a MobileNet. size: side of the
    input (None: `input_size(name)`). download: whether Keras may download what is
    missing, or a list of the networks for which it may. With the classifier
    (include_top) the names of the classes are needed too.

    A damaged file is renamed (NAME.damaged, NAME.damaged-2, ...), never deleted.
    Takes less than three seconds. Raises CourseError where Keras has no such weights.
    """
    end = time.monotonic() + _SECONDS
    _refuse(name, alpha, include_top, size)
    may_download = _may_download(name, download)
    place, own = folder(), _home() / "models"
    label = name if alpha == 1 else f"{name} (alpha={alpha})"
    if not _can_exist(place):
        return (
            f"{label}: Keras cannot keep files in {place}; make that folder, or "
            "set KERAS_HOME to a folder of your own before Keras is imported."
        )

    files = [_weights(name, alpha, include_top, size)]
    files += [_CLASSES] if include_top else []
    lacking, told = [], []
    for file in files:
        what, remedy = _look(place / file.name)
        if remedy:
            return f"{label}: {file.name} {what}; {remedy}."
        if what:
            if own != place and _is_good(own / file.name):
                what = f"is in {own}, a folder that Keras cannot write to, and "
                what += "which it therefore does not use"
            lacking.append(file)
            told.append(f"{file.name} {what}")
    if not lacking:
        return ""
    if told == [f"{file.name} is missing" for file in lacking]:
        verb = "is" if len(lacking) == 1 else "are"
        told = [f"{' and '.join(file.name for file in lacking)} {verb} missing"]
    told = f"{label}: {' and '.join(told)}"
    much = f"{sum(file.megabytes for file in lacking):.1f} MB"
    # Not the path: it would be stored with a notebook's outputs.
    called = place if own != place else _CALLED
    copy = f"copy Keras's file{'s'[: len(lacking) - 1]} to {called}"
    if own != place:
        copy += ", or set KERAS_HOME to a folder that you can write to"
    if not may_download:
        return f"{told}; {copy}, or set DOWNLOAD in the notebook ({much})."
    if not os.access(_nearest(place), os.W_OK):
        return f"{told}, and Keras cannot write to {place}; {copy}."
    why = _no_answer(min(_ASKING, end - time.monotonic()))
    if why:
        return (
            f"{told}, and there is no network to download {much} "
            f"({_HOST}: {why}); {copy}, or try again with a network."
        )
    if "damaged" in told:  # no reason is returned, but files were renamed
        print(f"{told}; Keras downloads {much} again.")
    return ""


def folder():
    """Where Keras looks for weights, and puts them: a Path.

    `models` in KERAS_HOME, else in .keras in the home folder. Where it cannot
    write, Keras uses the system's folder of temporary files instead, even for files
    that are there. Source: keras/src/utils/file_utils.py, get_file.
    """
    home = _home()
    imported = "keras.src.backend.config" in sys.modules
    # Keras makes its folder when it is imported, and not afterwards.
    soon = not imported and _nearest(home) != home and _can_exist(home)
    if os.access(home, os.W_OK) or soon:
        return home / "models"
    shared = Path("/tmp")
    if not shared.is_dir():
        shared = Path(tempfile.gettempdir())
    return shared / ".keras" / "models"


def damage(file, seconds=_READING):
    """What is wrong with a file of Keras's, or "" if nothing is. It is only read.

    Known by its name. Where the checksum is not known, or takes more than
    `seconds`, the file must be complete inside (Keras computes the checksum again
    when it loads the file). Raises OSError when the file cannot be read.
    """
    if file.is_dir():
        return "it is a folder"
    status = file.stat()
    state = status.st_size, status.st_mtime_ns
    before, why = _checked.get(file, (None, ""))
    if before == state:
        return why
    known = _known().get(file.name, _File(file.name, "", None))
    with file.open("rb") as stream:
        start = stream.read(512)
        if not start:
            return "it is empty"
        if start.lstrip().startswith(b"<"):
            return "it is a web page"
        if file.suffix == ".h5" and not start.startswith(_HDF5):
            return "it is not an HDF5 file"
        stream.seek(0)
        digest = _digest(stream, known.digest, seconds)
    if digest and digest == known.digest:
        why = ""
    elif digest:
        why = "its checksum is wrong"
    else:
        why = _damage_inside(file, None if known.digest else known.numbers)
    if digest or not known.digest:
        _checked[file] = state, why
    return why


def _network(name):
    """The row of a network. Raises CourseError where the course knows none."""
    if name not in list(_NETWORKS):  # a list, as `name` may be unhashable
        raise CourseError(
            f"{name!r} is not a network of this course: choose one of {', '.join(_NETWORKS)}."
        )
    return _NETWORKS[name]


def _refuse(name, alpha, include_top=False, size=None):
    """Raise CourseError where Keras has no weights for what is asked for."""
    network = _network(name)
    alphas = list(_WIDTHS.get(name, [1.0]))
    if alpha not in alphas:
        raise CourseError(
            f"Keras has no ImageNet weights of {name} with alpha={alpha!r}, only "
            f"with alpha={_either(alphas)}."
        )
    if size is None:
        return
    sides = list(_SIDES.get(name, [network.side]))
    if include_top and size not in sides:
        raise CourseError(
            f"With its classifier (include_top=True), {name} takes images with a "
            f"side of {_either(sides)} pixels, not {size!r}."
        )
    if not isinstance(size, int) or size < network.smallest:
        raise CourseError(
            f"{name} takes images with a side of {network.smallest} pixels or more, not {size!r}."
        )


def _either(values):
    """1, 2 or 3."""
    *first, last = map(str, values)
    return f"{', '.join(first)} or {last}" if first else last


def _may_download(name, download):
    """Whether `download`, a bool or names of networks, allows it for `name`."""
    if isinstance(download, str):
        download = [download]
    if not isinstance(download, Iterable):
        return bool(download)
    names = list(download)
    for each in names:
        _network(each)  # a misspelt name would be overlooked otherwise
    return name in names


def _weights(name, alpha, include_top, size):
    """The file that Keras reads for this network."""
    network = _NETWORKS[name]
    stem = network.stem
    numbers = PUBLISHED[name].parameters if include_top else network.without_top
    if name in _WIDTHS:
        width = _WIDTHS[name][alpha]
        # Without the classifier Keras takes other sides too, and says so.
        stem = stem.format(width.text, size if size in _SIDES[name] else network.side)
        numbers = width.with_top if include_top else width.without_top
    file = f"{stem}{'' if include_top else network.ending}.h5"
    return _File(file, _CHECKSUMS.get(file, ""), numbers)


@functools.cache
def _known():
    """{file name: _File} of every file that Keras may read."""
    files = [_CLASSES]
    for name in _NETWORKS:
        choices = itertools.product(
            _WIDTHS.get(name, [1.0]), (True, False), _SIDES.get(name, [None])
        )
        files += [_weights(name, *choice) for choice in choices]
    return {file.name: file for file in files}


def _home():
    """Keras's own folder, which it settles on when it is imported."""
    config = sys.modules.get("keras.src.backend.config")
    if hasattr(config, "keras_home"):
        return Path(config.keras_home()).expanduser()
    if "KERAS_HOME" in os.environ:
        return Path(os.environ["KERAS_HOME"]).expanduser()
    user = Path("~").expanduser()
    return (user if os.access(user, os.W_OK) else Path("/tmp")) / ".keras"


def _nearest(path):
    """`path`, or the nearest path above it that exists."""
    above = (path, *path.absolute().parents)
    return next((p for p in above if os.access(p, os.F_OK)), path)


def _can_exist(path):
    """Whether the folder `path` is there or can be made."""
    nearest = _nearest(path)
    return nearest.is_dir() and (nearest == path or os.access(nearest, os.W_OK))


def _look(file):
    """(what is wrong with `file` or "", what to do first where that is needed).

    A damaged file is set aside.
    """
    try:
        if not file.exists():
            return "is missing", ""
        why = damage(file)
        if not why:
            return "", ""
        if _is_growing(file):
            return "is being written", "wait until that is done, and try again"
    except OSError as error:
        return (
            f"cannot be read ({error.strerror})",
            f"give yourself permission to read {file}",
        )
    try:
        kept = _set_aside(file)
    except OSError as error:
        return (
            f"is damaged ({why}) and cannot be renamed ({error.strerror})",
            f"delete {file}, and try again",
        )
    return f"was damaged ({why}) and is now called {kept.name}", ""


def _is_good(file):
    """Whether Keras could use `file`, if it looked there."""
    try:
        return file.exists() and not damage(file)
    except OSError:
        return False


def _is_growing(file):
    """Whether another program, a second notebook perhaps, is still writing it."""
    before = file.stat()
    if abs(time.time() - before.st_mtime) > 10:
        return False
    time.sleep(0.3)
    after = file.stat()
    return (before.st_size, before.st_mtime_ns) != (
        after.st_size,
        after.st_mtime_ns,
    )


def _set_aside(file):
    """Rename a damaged file to a name that is free; return that."""
    for attempt in itertools.count(1):
        ending = ".damaged" if attempt == 1 else f".damaged-{attempt}"
        target = file.with_name(file.name + ending)
        if not os.path.lexists(target):
            return file.rename(target)


def _digest(stream, like, seconds):
    """Checksum of `stream` of the kind of `like`; "" if that takes too long."""
    if not like:
        return ""
    kind = "md5" if len(like) == 32 else "sha256"
    digest = hashlib.new(kind, usedforsecurity=False)
    end = time.monotonic() + seconds
    while block := stream.read(2**20):
        digest.update(block)
        if len(block) == 2**20 and time.monotonic() > end:
            return ""
    return digest.hexdigest()


def _damage_inside(file, numbers):
    """What is wrong with the structure of an HDF5 file, or "".

    numbers: how many it must hold, all of them finite; None: only the structure
    is read. Nothing but arrays is read, so no code in the file can run.
    """
    import h5py
    import numpy as np

    arrays = []

    def collect(name, item):
        if isinstance(item, h5py.Dataset):
            arrays.append(item)

    try:
        # Not locked: some network drives refuse that, which is no damage.
        with h5py.File(file, "r", locking=False) as content:
            content.visititems(collect)
            if numbers is None:
                return ""
            count = sum(array.size for array in arrays)
            if count != numbers:
                return f"it holds {count:,} numbers where the network has {numbers:,}"
            if not all(np.isfinite(array[()]).all() for array in arrays):
                return "it holds numbers that are not finite"
    except Exception:  # h5py raises many kinds on damaged bytes
        return "it is incomplete"
    return ""


def _no_answer(seconds):
    """Why Keras's server cannot be reached, or ""; remembered for a minute.

    Asked as Keras downloads: through a proxy if there is one, and with
    certificates checked. In a thread, as looking up a name has no time limit.
    """
    when, why = _asked.get(_HOST, (None, ""))
    if when is not None and time.monotonic() - when < _REMEMBERED:
        return why
    answers = []
    thread = threading.Thread(target=lambda: answers.append(_ask(seconds)), daemon=True)
    thread.start()
    thread.join(seconds)
    why = answers[0] if answers else "no answer"
    _asked[_HOST] = time.monotonic(), why
    return why


def _ask(seconds):
    """Why the server does not answer, or ""."""
    request = urllib.request.Request(f"https://{_HOST}/", method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=seconds).close()
    except urllib.error.HTTPError:
        pass  # an answer too: there is nothing at this address
    except Exception as error:  # a broken proxy raises many kinds
        reason = getattr(error, "reason", error)
        return " ".join(str(reason).split())[:80] or "no answer"
    return ""
