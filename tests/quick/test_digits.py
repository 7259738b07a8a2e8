"""Digits: MNIST where Keras has it, scikit-learn's otherwise, never a traceback."""

import shutil
import socket
import sys

import numpy as np
import pytest

from helpers import digits


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    """An empty folder where Keras would keep its data."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras 汉字"))
    return tmp_path / "keras 汉字"


def check_form(data):
    for X, y in ((data.X_train, data.y_train), (data.X_test, data.y_test)):
        assert X.dtype == np.uint8 and X.shape == (len(y), 28, 28, 1)
        assert y.dtype == np.int64 and set(y) == set(range(10))
        assert X.min() == 0 and X.max() == 255
        assert not X[:, :3].any() and not X[:, :, -1:].any()  # black border


def test_scikit_learn_without_mnist(keras_home):
    data = digits.get()
    check_form(data)
    assert len(data.X_train) + len(data.X_test) == 1797
    assert data.label == "scikit-learn's digits" in str(data)
    assert "MNIST is not on this machine" in str(data)
    assert "digits.get(download=True)" in str(data)


def test_the_split_is_the_same_each_time_and_shares_no_image(keras_home):
    one, two = digits.get(), digits.get()
    assert all(np.array_equal(a, b) for a, b in zip(one[:4], two[:4], strict=True))
    train = {image.tobytes() for image in one.X_train}
    assert not any(image.tobytes() in train for image in one.X_test)


def test_an_enlarged_digit_still_looks_like_it(keras_home):
    from sklearn.datasets import load_digits

    small = load_digits().images
    data = digits.get()
    order = np.random.default_rng(digits.SEED).permutation(len(small))
    for place in range(20):
        wide = data.X_test[place, 4:24, 4:24, 0].reshape(20, 20) / 255 * 16
        # The mean over each quarter of the picture is kept by enlarging.
        quarters = wide.reshape(2, 10, 2, 10).mean(axis=(1, 3))
        wanted = small[order[place]].reshape(2, 4, 2, 4).mean(axis=(1, 3))
        assert np.allclose(quarters, wanted, atol=0.8)


def test_mnist_of_keras(keras_home, real_data):
    file = digits.mnist_file()
    file.parent.mkdir(parents=True)
    shutil.copy(real_data / "keras-home" / "datasets" / "mnist.npz", file)
    data = digits.get()
    # Its digits are not all framed in black, so the form is checked by hand.
    assert data.X_train.shape == (60000, 28, 28, 1)
    assert data.X_test.shape == (10000, 28, 28, 1)
    assert data.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.label == "MNIST" in str(data)
    assert "scikit-learn" not in str(data)


@pytest.mark.parametrize("damage", ["truncated", "other arrays", "text", "swap"])
def test_damaged_mnist_is_named_and_left_alone(keras_home, damage):
    file = digits.mnist_file()
    file.parent.mkdir(parents=True)
    if damage == "text":
        file.write_text("<html>404</html>", encoding="utf-8")
    else:
        y = np.repeat(np.arange(10), digits.MNIST_COUNTS).astype("uint8")
        n = 60000 if damage != "other arrays" else 59999
        np.savez_compressed(
            file,
            x_train=np.zeros((n, 28, 28), "uint8"),
            y_train=y[:n] if damage != "swap" else y[::-1] // 2,
            x_test=np.zeros((10000, 28, 28), "uint8"),
            y_test=np.zeros(10000, "uint8"),
        )
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:-2000])
    before = file.read_bytes()
    data = digits.get()
    assert data.label == "scikit-learn's digits"
    assert f"{file} is not MNIST, or damaged" in str(data)
    assert file.read_bytes() == before


def test_no_network_is_one_sentence(keras_home, monkeypatch):
    def no_route(address, timeout):
        assert timeout <= 3
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", no_route)
    data = digits.get(download=True)
    assert data.label == "scikit-learn's digits"
    assert "MNIST could not be downloaded (Network is unreachable)" in str(data)


def test_missing_scikit_learn_is_one_sentence(keras_home, monkeypatch):
    from helpers.files import CourseError

    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(CourseError, match="scikit-learn is not installed"):
        digits.get()
