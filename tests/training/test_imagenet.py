"""What is said of pretrained networks is what Keras does; weights are checked.

Keras settles on its folder when it is imported, so `models` sets that too.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import h5py
import numpy as np
import offline
import pytest

from helpers import imagenet
from helpers.files import CourseError

# A file for which no checksum is known: its numbers are counted.
NAME, NUMBERS = "mobilenet_5_0_224_tf_no_top.h5", 829_536
HALF = {"name": "MobileNet", "alpha": 0.5, "include_top": False}

MOBILENETS = [
    ("MobileNet", 0.25, 128),
    ("MobileNet", 0.5, 160),
    ("MobileNet", 0.75, 192),
    ("MobileNet", 1.0, 224),
    ("MobileNetV2", 0.35, 96),
    ("MobileNetV2", 0.5, 128),
    ("MobileNetV2", 0.75, 160),
    ("MobileNetV2", 1.0, 192),
    ("MobileNetV2", 1.3, 224),
    ("MobileNetV2", 1.4, 100),  # of no such size, so Keras takes those of 224
]
"""Every width and every size that has weights of its own."""


@pytest.fixture
def models(tmp_path, monkeypatch):
    """The empty folder where Keras looks for weights."""
    home = tmp_path / "keras 汉字"
    (home / "models").mkdir(parents=True)
    use(home, monkeypatch)
    monkeypatch.setattr(imagenet, "_asked", {})
    return home / "models"


def use(home, monkeypatch):
    """Make `home` Keras's folder, whether Keras has been imported or not."""
    monkeypatch.setenv("KERAS_HOME", str(home))
    if "keras.src.backend.config" in sys.modules:
        monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(home))


@pytest.fixture
def ask_keras(monkeypatch):
    """A function that builds a network as with weights="imagenet".

    It returns the network and what Keras would have downloaded: (name, address,
    checksum). Weights are neither loaded nor even filled with random numbers,
    which would take most of the time.
    """
    from helpers.quiet_keras import keras

    wanted = []

    def get_file(name, origin, cache_subdir, file_hash=None):
        assert cache_subdir == "models"
        wanted.append((name, origin, file_hash))

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    monkeypatch.setattr(keras.Model, "load_weights", lambda self, file: None)

    def ask(name, **options):
        with keras.StatelessScope(initialize_variables=False):
            network = getattr(keras.applications, name)(weights="imagenet", **options)
        return network, wanted.pop()

    yield ask
    keras.utils.clear_session()


def check_file(file, network, wanted):
    """`file` is what Keras wanted for `network`."""
    name, origin, checksum = wanted
    assert file.name == name
    assert origin.startswith(f"https://{imagenet._HOST}/")
    assert file.numbers == network.count_params()
    # Keras has no checksums of the MobileNets.
    assert checksum == file.digest or checksum is None and "mobile" in name


@pytest.mark.parametrize("name", imagenet.PUBLISHED)
@pytest.mark.filterwarnings("ignore:`input_shape` is undefined")
def test_the_table_is_what_keras_wants(name, ask_keras):
    from helpers.quiet_keras import keras

    for include_top in (True, False):
        network, wanted = ask_keras(name, include_top=include_top)
        file = imagenet._weights(name, 1.0, include_top, None)
        check_file(file, network, wanted)
        if include_top:
            side = imagenet.input_size(name)
            assert network.input_shape == (None, side, side, 3)
            assert network.count_params() == imagenet.PUBLISHED[name].parameters
            assert imagenet.megabytes(name) == pytest.approx(4 * network.count_params() / 1e6)
    of = getattr(keras.applications, imagenet.module(name))
    assert getattr(of, name) is getattr(keras.applications, name)
    # ResNet50 is found in two submodules; both have the same preprocessing.
    home = getattr(keras.applications, name).__module__
    assert of.preprocess_input is sys.modules[home].preprocess_input


@pytest.mark.parametrize(("name", "alpha", "size"), MOBILENETS)
@pytest.mark.filterwarnings("ignore:`input_shape` is undefined")
def test_the_mobilenets_by_alpha_and_size(name, alpha, size, ask_keras):
    for include_top in (True, False):
        if include_top and size == 100:  # only without the classifier
            size = 224
        network, wanted = ask_keras(
            name,
            alpha=alpha,
            input_shape=(size, size, 3),
            include_top=include_top,
        )
        check_file(imagenet._weights(name, alpha, include_top, size), network, wanted)


@pytest.mark.parametrize("name", imagenet.PUBLISHED)
def test_what_is_refused_is_refused_by_keras(name, ask_keras):
    smallest = imagenet._NETWORKS[name].smallest
    for include_top, side, words, of_keras in (
        (True, 100, "With its classifier", "`input_shape` should be"),
        (False, 1, f"{smallest} pixels or more", f"at least {smallest}x"),
    ):
        options = {"include_top": include_top}
        with pytest.raises(CourseError, match=words):
            imagenet.missing(name, size=side, **options)
        with pytest.raises(ValueError, match=of_keras):
            ask_keras(name, input_shape=(side, side, 3), **options)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "Mobilenet"}, "choose one of Xception"),
        ({"name": "VGG16", "alpha": 0.5}, "only with alpha=1.0"),
        ({"name": "MobileNet", "alpha": 0.35}, "0.25, 0.5, 0.75 or 1.0"),
        ({"name": "MobileNet", "size": "224"}, "not '224'"),
        ({"name": "MobileNet", "download": ["vgg"]}, "'vgg' is not a network"),
    ],
)
def test_what_does_not_exist_is_one_sentence(models, wrong, words):
    with pytest.raises(CourseError, match=words) as caught:
        imagenet.missing(**wrong)
    assert str(caught.value).count(". ") == 0


def test_class_names_are_the_file_that_keras_wants(monkeypatch):
    from helpers.quiet_keras import keras

    def get_file(name, origin, cache_subdir, file_hash):
        assert (name, file_hash) == imagenet._CLASSES[:2]
        assert origin.startswith(f"https://{imagenet._HOST}/")
        raise InterruptedError

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    monkeypatch.setattr("keras.src.applications.imagenet_utils.CLASS_INDEX", None)
    with pytest.raises(InterruptedError):
        keras.applications.vgg16.decode_predictions(np.zeros((1, 1000)))


@pytest.mark.parametrize("writable", [True, False])
def test_the_folder_is_where_keras_looks(models, monkeypatch, writable):
    from keras.src.utils import file_utils

    use(models.parent, monkeypatch)
    targets = []

    def urlretrieve(origin, target, report):
        targets.append(Path(target))
        raise InterruptedError

    monkeypatch.setattr(file_utils, "urlretrieve", urlretrieve)
    monkeypatch.setattr(os, "makedirs", lambda *_, **__: None)
    if not writable:
        refuse_writing(models.parent, monkeypatch)
    with pytest.raises(InterruptedError):
        file_utils.get_file("no-such-file", "https://x/y", cache_subdir="models")
    assert targets == [imagenet.folder() / "no-such-file"]
    assert (imagenet.folder() == models) is writable


def refuse_writing(folder, monkeypatch):
    """As for a user who may not write to `folder`: root may, whatever its mode."""
    real = os.access

    def access(path, mode):
        inside = Path(path).is_relative_to(folder)
        return real(path, mode) and not (inside and mode & os.W_OK)

    monkeypatch.setattr(os, "access", access)


def write_weights(file, value=0.0, numbers=NUMBERS):
    """An HDF5 file that holds as many numbers as a network."""
    with h5py.File(file, "w") as content:
        content["layer/kernel"] = np.full(numbers, value, "float32")


def test_absent_and_there(models):
    reason = imagenet.missing(**HALF)
    assert reason.startswith(f"MobileNet (alpha=0.5): {NAME} is missing; copy")
    assert "KERAS_HOME), or set DOWNLOAD in the notebook (3.3 MB)." in reason
    assert str(models) not in reason
    write_weights(models / NAME)
    assert imagenet.missing(**HALF) == ""


def test_two_missing_files_are_named_in_one_clause(models):
    reason = imagenet.missing("MobileNet", alpha=0.5)
    files = "mobilenet_5_0_224_tf.h5 and imagenet_class_index.json"
    assert f"{files} are missing; copy Keras's files to" in reason


def test_with_classifier_the_class_names_are_needed(models):
    write_weights(models / "mobilenet_5_0_224_tf.h5", numbers=1_342_536)
    reason = imagenet.missing("MobileNet", alpha=0.5)
    assert ": imagenet_class_index.json is missing" in reason
    (models / "imagenet_class_index.json").write_text("{}", encoding="utf-8")
    reason = imagenet.missing("MobileNet", alpha=0.5)
    assert "imagenet_class_index.json was damaged (its checksum" in reason


def spoil(file, how):
    """Write `file` damaged in the way `how`."""
    write_weights(
        file,
        np.nan if how == "not finite" else 0,
        NUMBERS - (how == "numbers where"),
    )
    content = bytearray(file.read_bytes())
    if how == "empty":
        content = b""
    elif how == "web page":
        content = b"\n<!DOCTYPE html><p>404"
    elif how == "not an HDF5":
        content = b"PK\3\4" + content
    elif how == "is incomplete":
        del content[-1000:]
    elif how == "a folder":
        file.unlink()
        file.mkdir()
        return
    file.write_bytes(content)
    minute_ago = time.time() - 60  # not just being downloaded
    os.utime(file, (minute_ago, minute_ago))


@pytest.mark.parametrize(
    "how",
    [
        "empty",
        "web page",
        "not an HDF5",
        "is incomplete",
        "numbers where",
        "not finite",
        "a folder",
    ],
)
def test_damaged_files_are_named_and_set_aside(models, how):
    for ending in (".damaged", ".damaged-2"):
        spoil(models / NAME, how)
        reason = imagenet.missing(**HALF)
        assert f"{NAME} was damaged (" in reason and how in reason
        assert f"now called {NAME}{ending};" in reason
        assert not (models / NAME).exists()
    assert len(list(models.iterdir())) == 2  # nothing was overwritten


def test_a_wrong_checksum(models):
    write_weights(models / "efficientnetb0_notop.h5", numbers=4_049_571)
    reason = imagenet.missing("EfficientNetB0", include_top=False)
    assert "efficientnetb0_notop.h5 was damaged (its checksum" in reason


def test_what_cannot_be_renamed_or_read_is_one_sentence(models, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    spoil(models / NAME, "empty")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        reason = imagenet.missing(**HALF, download=True)
    assert "cannot be renamed (Permission denied); delete" in reason
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        reason = imagenet.missing(**HALF, download=True)
    assert "cannot be read (Permission denied); give" in reason
    assert (models / NAME).exists()


def test_a_file_that_another_notebook_downloads_is_left_alone(models, monkeypatch):
    file = models / NAME
    file.write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setattr(imagenet.time, "sleep", lambda seconds: file.write_bytes(b"longer now"))
    assert "is being written; wait" in imagenet.missing(**HALF)
    assert file.exists()


def test_good_files_in_a_folder_that_keras_does_not_use(models, monkeypatch):
    write_weights(models / NAME)
    refuse_writing(models.parent, monkeypatch)
    reason = imagenet.missing(**HALF)
    assert f"{NAME} is in {models}, a folder that Keras cannot write" in reason
    assert f"copy Keras's file to {imagenet.folder()}" in reason
    assert "or set KERAS_HOME to a folder that you can write to" in reason


def test_a_folder_that_cannot_be_is_one_sentence(models):
    models.rmdir()
    models.write_text("a file", encoding="utf-8")
    reason = imagenet.missing(**HALF, download=True)
    assert f"Keras cannot keep files in {models}" in reason


def test_a_verified_file_is_not_read_again(models, monkeypatch):
    hashed = []

    def new(kind, **options):
        hashed.append(kind)
        return real(kind, **options)

    real = hashlib.new
    monkeypatch.setattr(imagenet.hashlib, "new", new)
    file = models / "efficientnetb0_notop.h5"
    write_weights(file)
    checksum = hashlib.md5(file.read_bytes()).hexdigest()
    monkeypatch.setitem(imagenet._CHECKSUMS, file.name, checksum)
    imagenet._known.cache_clear()
    for _ in range(3):
        assert imagenet.missing("EfficientNetB0", include_top=False) == ""
    assert hashed == ["md5"]
    write_weights(file, value=1.0)  # of the same size
    os.utime(file, (1e9, 1e9))
    assert "damaged" in imagenet.missing("EfficientNetB0", include_top=False)
    monkeypatch.undo()
    imagenet._known.cache_clear()


def test_a_checksum_that_takes_too_long_is_left_to_keras(models):
    file = models / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    write_weights(file)
    assert imagenet.damage(file, seconds=0) == ""  # complete, though not VGG16
    assert imagenet.damage(file) == "its checksum is wrong"
    file.write_bytes(file.read_bytes()[:-1000])
    assert imagenet.damage(file, seconds=0) == "it is incomplete"


def test_download_when_the_server_answers(models, monkeypatch, capsys):
    monkeypatch.setattr(imagenet, "_ask", lambda seconds: "")
    for download in (True, ["VGG16", "MobileNet"], {"MobileNet"}, "MobileNet"):
        assert imagenet.missing(**HALF, download=download) == ""
    for download in (False, None, ["VGG16"], "MobileNetV2"):
        assert "DOWNLOAD" in imagenet.missing(**HALF, download=download)
    assert capsys.readouterr().out == ""
    spoil(models / NAME, "empty")
    assert imagenet.missing(**HALF, download=True) == ""
    assert f"now called {NAME}.damaged" in capsys.readouterr().out


def test_no_network_is_asked_once_a_minute(models, monkeypatch):
    asked = []

    def getaddrinfo(*arguments, **options):
        asked.append(arguments)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for _ in range(2):
        reason = imagenet.missing(**HALF, download=True)
        assert "there is no network to download 3.3 MB" in reason
        assert "Name or service not known" in reason
    assert len(asked) == 1
    monkeypatch.setattr(imagenet, "_REMEMBERED", 0.0)
    imagenet.missing(**HALF, download=True)
    assert len(asked) == 2


def test_a_network_that_hangs_is_not_waited_for(models, monkeypatch):
    answer = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer.wait())
    try:
        reason = imagenet.missing(**HALF, download=True)
    finally:
        answer.set()
    assert "(storage.googleapis.com: no answer)" in reason


REALLY = """
import numpy as np
from helpers import imagenet
from helpers.quiet_keras import keras

assert imagenet.missing("MobileNet", alpha=0.25, size=224) == ""
assert imagenet.missing("MobileNet", alpha=0.25, include_top=False) == ""
assert imagenet.missing("MobileNetV2", alpha=0.35, include_top=False) == ""
network = keras.applications.MobileNet(alpha=0.25)
scores = network.predict(np.zeros((1, 224, 224, 3)), verbose=0)
keras.applications.MobileNet(alpha=0.25, include_top=False)
keras.applications.MobileNetV2(alpha=0.35, include_top=False)
print(len(keras.applications.mobilenet.decode_predictions(scores)[0]))
"""


def test_what_is_not_missing_really_works_offline(real_data, tmp_path):
    home = tmp_path / "keras 汉字"
    copy_real(real_data, home)
    command = [sys.executable, "-W", "ignore", "-c", REALLY]
    if offline.available():
        command = [sys.executable, offline.__file__, *command]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"KERAS_HOME": str(home)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.stdout == "5\n", done.stderr


def copy_real(real_data, home):
    """A copy of Keras's folder with real weights, to which one can write."""
    shutil.copytree(
        real_data / "keras-home" / "models",
        home / "models",
        copy_function=shutil.copyfile,
        dirs_exist_ok=True,
    )


def test_one_changed_byte_in_genuine_weights(real_data, models):
    copy_real(real_data, models.parent)
    assert imagenet.missing("MobileNet", alpha=0.25) == ""
    file = models / "mobilenet_2_5_224_tf.h5"
    content = bytearray(file.read_bytes())
    content[-100_000] ^= 1
    file.write_bytes(content)
    reason = imagenet.missing("MobileNet", alpha=0.25)
    assert "its checksum is wrong" in reason
    assert (models / f"{file.name}.damaged").read_bytes() == content


def test_accuracies_are_shares_and_top5_is_above_top1():
    for row in imagenet.PUBLISHED.values():
        assert 0.7 < row.top1 < 0.9
        assert row.top5 is None or row.top1 < row.top5 < 1
