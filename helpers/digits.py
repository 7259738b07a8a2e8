"""Real handwritten digits: MNIST where Keras has it, scikit-learn's otherwise.

Both are returned in MNIST's form: 28x28 pixels, white on black, 0 to 255. Nothing is
downloaded unless asked for.
"""

import os
import socket
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from helpers.files import CourseError

SEED = 4
"""Of the split of scikit-learn's digits, which come in no order of writers."""

N_TEST = 600
"""Test images of scikit-learn's 1,797."""

MNIST_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
"""Training images of each digit in MNIST, by which the file is recognised.

Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits.
"""


class Digits(NamedTuple):
    """Images (n, 28, 28, 1) uint8 and labels (n,) int64, and where they are from."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    label: str  # for titles of figures
    source: str  # who made them, and why not MNIST

    def __str__(self):
        return (
            f"Digits: real handwriting, {self.label}, "
            f"{len(self.X_train):,} training and {len(self.X_test):,} test images.\n"
            f"{self.source}"
        )


def get(download=False):
    """MNIST if it is in Keras's cache, else scikit-learn's digits: a Digits.

    download: fetch MNIST (11 MB) with `keras.datasets.mnist` if it is not there.
    Whatever goes wrong with MNIST is said in the source of what is returned instead.
    """
    file = mnist_file()
    try:
        if download and not file.is_file():
            _download()
        return read_mnist(file)
    except CourseError as error:
        return _of_scikit_learn(str(error))


def mnist_file():
    """Where Keras keeps MNIST: in KERAS_HOME, or in .keras in the home folder."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home).expanduser() / "datasets" / "mnist.npz"


def read_mnist(file):
    """MNIST from Keras's file. Raises CourseError when that is missing or damaged.

    Read here and not by `load_data`, which deletes a file with another checksum
    (the same arrays packed again, say) even when it cannot fetch a new one.
    """
    if not file.is_file():
        raise CourseError(
            "MNIST is not on this machine, so scikit-learn's digits are used;\nto "
            "get MNIST (11 MB), call digits.get(download=True) once with a network."
        )
    try:
        with np.load(file, allow_pickle=False) as arrays:
            X_train, X_test = arrays["x_train"], arrays["x_test"]
            y_train, y_test = arrays["y_train"], arrays["y_test"]
        shapes = X_train.shape, y_train.shape, X_test.shape, y_test.shape
        known = ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,))
        complete = shapes == known and {X_train.dtype, X_test.dtype} == {np.dtype("uint8")}
        complete = complete and np.bincount(y_train).tolist() == MNIST_COUNTS
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        complete = False
    if not complete:
        raise CourseError(
            f"{file} is not MNIST, or damaged, so scikit-learn's digits are used; "
            "delete it, then call digits.get(download=True) once with a network."
        )
    return Digits(
        X_train[..., None],
        y_train.astype("int64"),
        X_test[..., None],
        y_test.astype("int64"),
        "MNIST",
        "By LeCun, Cortes and Burges, CC BY-SA 3.0.",
    )


def _download():
    """Have Keras fetch MNIST. Raises CourseError when there is no network."""
    try:  # at once: without a network Keras tries for long
        socket.create_connection(("storage.googleapis.com", 443), 3).close()
        from helpers.quiet_keras import keras

        keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception
        reason = " ".join(str(error).split())[:80]
        raise CourseError(
            f"MNIST could not be downloaded ({reason}), so scikit-learn's digits "
            "are used; try again with a network."
        ) from error


def _of_scikit_learn(why):
    """1,797 digits of 8x8 pixels, enlarged to 20x20 in a black frame of 4."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise CourseError(
            f"{why} And the package scikit-learn is not installed: run "
            "`python -m pip install -r requirements.txt`."
        ) from error
    small, labels = load_digits(return_X_y=True)
    X = np.zeros((len(small), 28, 28, 1), "uint8")
    for place, image in enumerate(small.reshape(-1, 8, 8)):
        grey = Image.fromarray((image * (255 / 16)).round().astype("uint8"))
        X[place, 4:24, 4:24, 0] = grey.resize((20, 20), Image.BICUBIC)
    order = np.random.default_rng(SEED).permutation(len(X))
    test, train = order[:N_TEST], order[N_TEST:]
    return Digits(
        X[train],
        labels[train].astype("int64"),
        X[test],
        labels[test].astype("int64"),
        "scikit-learn's digits",
        f"By Alpaydin and Kaynak, UCI repository, CC BY 4.0.\n{why}",
    )
