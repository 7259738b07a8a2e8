"""Scores the feature spaces of five networks for notebook 13; run it from anywhere:

    python data/recorded/latent.py

It trains the better CNN of notebook 06 with five seeds, less than two minutes of processor
time each, and writes latent.csv beside this file: one row for each score of each network.
The data are the course's simulated handwriting, never real scans, split as in 06.

`--seeds 1 --to FOLDER` does the first seed alone, elsewhere: the test does that. Networks
that notebook 06, 13 or this script has trained before are taken from the cache.
"""

import argparse
import csv
from pathlib import Path

import casia  # beside this file: the data of notebook 06, split as there
import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.files import write_file
from helpers.quiet_keras import keras
from helpers.training import reuse_training

FOLDER = Path(__file__).resolve().parent
COLUMNS = "seed", "score", "value"
SEEDS = (1, 2, 3, 4, 5)

layers = keras.layers


def block(filters):
    """Convolution, batch normalisation, ReLU."""
    return [
        layers.Conv2D(filters, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
    ]


def make_better(classes):
    """The better CNN of notebook 06."""
    return keras.Sequential(
        [
            keras.Input((80, 60, 1)),
            layers.Rescaling(-1 / 255, offset=1),
            layers.AveragePooling2D(2),
            layers.RandomPerspective((1.0, 1.0), scale=0.3, fill_value=0.0),
            *block(16),
            layers.MaxPooling2D(2),
            *block(32),
            layers.MaxPooling2D(2),
            *block(64),
            layers.MaxPooling2D(2),
            *block(96),
            layers.GlobalAveragePooling2D(),
            layers.Dense(classes),
        ]
    )


def train(X, y, validation, classes, seed):
    """The network, trained as in notebook 06."""
    keras.utils.set_random_seed(seed)
    model = make_better(classes)
    steps = -(-len(X) // 128)
    falling = keras.optimizers.schedules.CosineDecay(
        4e-4, 19 * steps, warmup_target=4e-3, warmup_steps=steps
    )
    model.compile(
        optimizer=keras.optimizers.Adam(falling),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(5, "top5")],
    )
    with reuse_training(seed=seed):
        model.fit(X, y, epochs=20, batch_size=128, validation_data=validation, verbose=0)
    return model


def unit(F):
    return F / np.maximum(np.linalg.norm(F, axis=1, keepdims=True), 1e-9)


def ink(X):
    """Half the resolution, ink 1, paper 0, one row for each image."""
    return 1 - X.reshape(len(X), 40, 2, 30, 2).mean((2, 4)).reshape(len(X), -1) / 255


def probe(F, target, split_by, seed=1):
    """Accuracy of a linear classifier on groups that it has not seen."""
    groups = np.unique(split_by)
    half = np.random.default_rng(seed).permutation(groups)[: len(groups) // 2]
    seen = np.isin(split_by, half)
    head = make_pipeline(StandardScaler(), RidgeClassifier(alpha=10))
    return head.fit(F[seen], target[seen]).score(F[~seen], target[~seen])


def scores(model, X, y, X_test, y_test, writers):
    """Yield (score, value) of one network."""
    see = keras.Model(model.inputs, model.layers[-1].input)
    F, F_test = (see.predict(A, batch_size=512, verbose=0) for A in (X, X_test))
    logits = model.predict(X_test, batch_size=512, verbose=0)
    yield "classifier", (logits.argmax(1) == y_test).mean()
    for k in (1, 5):
        voters = KNeighborsClassifier(k, metric="cosine").fit(F, y)
        yield f"{k}-NN", voters.score(F_test, y_test)
    middles = np.stack([unit(F)[y == c].mean(axis=0) for c in np.unique(y)])
    yield "class means", ((unit(F_test) @ unit(middles).T).argmax(1) == y_test).mean()

    blocks = [layer for layer in model.layers if isinstance(layer, layers.ReLU)]
    means = [layers.GlobalAveragePooling2D()(layer.output) for layer in blocks]
    by_block = keras.Model(model.inputs, means).predict(X_test, batch_size=512, verbose=0)
    staged = {"pixels": ink(X_test)}
    staged |= {f"block {n}": F for n, F in enumerate(by_block, start=1)}
    for stage, F in staged.items():
        yield f"character, {stage}", probe(F, y_test, writers)
        yield f"writer, {stage}", probe(F, writers, y_test)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="1 to 5 if not given")
    parser.add_argument("--to", type=Path, default=FOLDER, help="another folder")
    options = parser.parse_args()
    data = casia.load()
    X, y = data.X[data.train], data.y[data.train]
    validation = data.X[data.val], data.y[data.val]
    rows = []
    for seed in options.seeds:
        model = train(X, y, validation, int(y.max()) + 1, seed)
        found = scores(model, X, y, data.X_test, data.y_test, data.writers_test)
        rows += [(seed, score, f"{value:.4f}") for score, value in found]
        print(*rows[-14:], sep="\n", flush=True)
        with (
            write_file(options.to / "latent.csv") as partial,
            partial.open("w", encoding="utf-8") as file,
        ):
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
