"""Trains what notebook 06 shows over five seeds; run it from anywhere, on one processor:

    python data/recorded/casia.py                    # every experiment, about an hour
    python data/recorded/casia.py logistic "CNN"     # these, the others stay as they are

It writes three files beside this one: casia_runs.csv, one row for each training;
casia_curves.csv, one row for each of its epochs; and casia.json, which says how they were
made. The data are the course's simulated handwriting, never real scans, split as in 06.

A training that is in the files is not repeated, unless the handwriting has changed since:
then all of them are. Delete the files to start over. `--seeds 1 --epochs 2 --to FOLDER` trains
the first two epochs of one seed, elsewhere: the test does that, and compares.
"""

import argparse
import csv
import hashlib
import json
import platform
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import GroupShuffleSplit

from helpers import handwriting
from helpers.files import write_file
from helpers.images import load_folder
from helpers.quiet_keras import keras

FOLDER = Path(__file__).resolve().parent
SEEDS = (1, 2, 3, 4, 5)
BATCH = 128
PATIENCE = 15  # epochs without a better validation accuracy
AT_MOST = 150  # epochs with early stopping
FALLING = 20  # epochs in which the rate falls to 0

layers = keras.layers


# --- Data -----------------------------------------------------------------------------


class Data(NamedTuple):
    X: np.ndarray
    y: np.ndarray
    writers: np.ndarray
    train: np.ndarray  # numbers of images in X
    val: np.ndarray  # by other writers than `train`
    X_test: np.ndarray
    y_test: np.ndarray
    writers_test: np.ndarray
    digest: str


def load():
    """The data of notebook 06, split by writer as there."""
    data = handwriting.get("default")
    if data.real:
        raise SystemExit("These runs are published: unset COURSE_CASIA to simulate handwriting.")
    X, y, _, files = load_folder(data.train)
    X_test, y_test, _, files_test = load_folder(data.test)
    writers = data.writers(data.train, files)
    cut = GroupShuffleSplit(1, test_size=0.2, random_state=1)
    random = np.random.default_rng(seed=1)
    train, val = map(random.permutation, next(cut.split(X, y, groups=writers)))
    digest = hashlib.sha256(X.tobytes() + y.tobytes() + X_test.tobytes() + y_test.tobytes())
    writers_test = data.writers(data.test, files_test)
    return Data(X, y, writers, train, val, X_test, y_test, writers_test, digest.hexdigest())


def permuted(X):
    """Images whose pixels, at half the resolution, are in another order: one for all."""
    n = len(X)
    order = np.random.default_rng(seed=4).permutation(40 * 30)
    half = X.reshape(n, 40, 2, 30, 2).mean((2, 4)).reshape(n, -1)[:, order]
    return half.reshape(n, 40, 30, 1).repeat(2, axis=1).repeat(2, axis=2).astype("float32")


def of_writers(data, count, seed):
    """Training images of so many writers, repeated, so that an epoch has as many steps as
    one with all of them."""
    numbers = np.unique(data.writers[data.train])
    chosen = np.random.default_rng(seed).permutation(numbers)[:count]
    few = data.train[np.isin(data.writers[data.train], chosen)]
    return np.tile(few, round(len(numbers) / count))


# --- Networks -------------------------------------------------------------------------


def logistic_regression(classes):
    """As in the lecture, at full resolution."""
    return keras.Sequential(
        [
            keras.Input((80, 60, 1)),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(classes),
        ]
    )


def block(filters, normal):
    if not normal:
        return [layers.Conv2D(filters, 3, padding="same", activation="relu")]
    return [
        layers.Conv2D(filters, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
    ]


def cnn(classes, ink=True, normal=False, varied=False, pooled=False):
    """The lecture's layers at half the resolution, and what may be changed in them."""
    vary = [layers.RandomPerspective((1.0, 1.0), scale=0.3, fill_value=0.0)]
    head = [layers.Flatten(), layers.Dense(64, activation="relu")]
    if pooled:
        head = [*block(96, normal), layers.GlobalAveragePooling2D()]
    return keras.Sequential(
        [
            keras.Input((80, 60, 1)),
            layers.Rescaling(-1 / 255, offset=1) if ink else layers.Rescaling(1 / 255),
            layers.AveragePooling2D(2),
            *(vary if varied else []),
            *block(16, normal),
            layers.MaxPooling2D(2),
            *block(32, normal),
            layers.MaxPooling2D(2),
            *block(64, normal),
            layers.MaxPooling2D(2),
            *head,
            layers.Dense(classes),
        ]
    )


class Experiment(NamedTuple):
    network: dict | None  # arguments of `cnn`; None: logistic regression
    rate: float = 3e-3
    falls: bool = False  # to 0 in FALLING epochs; else early stopping
    permuted: bool = False
    writers: int | None = None  # how many; None: all


EXPERIMENTS = {
    "logistic": Experiment(None, 1e-3),
    "CNN": Experiment({}),
    "CNN, permuted pixels": Experiment({}, permuted=True),
    # From the lecture's network to the better one, each with what stands before it.
    "half resolution": Experiment({"ink": False}, 1e-3),
    "ink = 1": Experiment({}, 1e-3),
    "falling rate": Experiment({}, 4e-3, True),
    "batch normalisation": Experiment({"normal": True}, 4e-3, True),
    "augmentation": Experiment({"normal": True, "varied": True}, 4e-3, True),
    "better CNN": Experiment({"normal": True, "varied": True, "pooled": True}, 4e-3, True),
    "CNN, 5 writers": Experiment({}, writers=5),
    "CNN, 10 writers": Experiment({}, writers=10),
    "CNN, 20 writers": Experiment({}, writers=20),
}


# --- Training -------------------------------------------------------------------------


class ProcessorSeconds(keras.callbacks.Callback):
    """Processor seconds from the start to the end of each epoch, validation included."""

    def on_train_begin(self, logs=None):
        self.start, self.seconds = time.process_time(), []

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.process_time() - self.start)


def fit(experiment, data, seed, most=None):
    """(trained network, its history, ProcessorSeconds); `most` epochs at the most."""
    what = EXPERIMENTS[experiment]
    part = of_writers(data, what.writers, seed) if what.writers else data.train
    change = permuted if what.permuted else np.asarray
    keras.utils.set_random_seed(seed)
    classes = int(data.y.max()) + 1
    model = logistic_regression(classes) if what.network is None else cnn(classes, **what.network)
    steps = -(-len(part) // BATCH)
    rate = what.rate
    if what.falls:
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 10, (FALLING - 1) * steps, warmup_target=rate, warmup_steps=steps
        )
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(5, name="top5")],
    )
    clock = ProcessorSeconds()
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_accuracy", patience=PATIENCE, restore_best_weights=True
    )
    epochs = FALLING if what.falls else AT_MOST
    history = model.fit(
        change(data.X[part]),
        data.y[part],
        validation_data=(change(data.X[data.val]), data.y[data.val]),
        epochs=min(epochs, most or epochs),
        batch_size=BATCH,
        callbacks=[clock] if what.falls else [clock, stopping],
        verbose=0,
    )
    return model, history, clock


def train(experiment, data, seed, most=None):
    """(scores of the training, [one row for each epoch]); `most` epochs at the most."""
    model, history, clock = fit(experiment, data, seed, most)
    change = permuted if EXPERIMENTS[experiment].permuted else np.asarray
    scores = {"parameters": model.count_params(), "epochs": len(history.epoch)}
    scores["seconds"] = round(clock.seconds[-1], 1)
    parts = {
        "train": (data.X[data.train], data.y[data.train]),
        "val": (data.X[data.val], data.y[data.val]),
        "test": (data.X_test, data.y_test),
    }
    for name, (X, y) in parts.items():
        _, scores[name], top5 = model.evaluate(change(X), y, batch_size=512, verbose=0)
    scores["test_top5"] = top5
    curves = [
        {"epoch": epoch + 1, "seconds": clock.seconds[epoch]}
        | {name: history.history[name][epoch] for name in CURVES}
        for epoch in history.epoch
    ]
    return scores, curves


CURVES = "accuracy", "loss", "val_accuracy", "val_loss"


# --- Files ----------------------------------------------------------------------------


def read_rows(file):
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_rows(file, rows):
    def order(row):
        return list(EXPERIMENTS).index(row["experiment"]), int(row["seed"])

    with write_file(file) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=order))  # epochs stay in their order


def rounded(row):
    return {k: f"{v:.4f}" if isinstance(v, float) else str(v) for k, v in row.items()}


def processor():
    """Its name where the system tells it."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def write_card(file, digest, runs):
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    same = before.get("handwriting") == digest
    cores = {f"one core of {processor()}", *(before["processor"].split("; ") if same else ())}
    card = {
        "what": "trainings of notebook 06 on simulated handwriting, not on CASIA",
        "command": "python data/recorded/casia.py",
        "date": date.today().isoformat(),
        "versions": {name: version(name) for name in ("keras", "tensorflow", "numpy")},
        "processor": "; ".join(sorted(cores)),
        "processor_seconds": round(sum(float(run["seconds"]) for run in runs)),
        "trainings": len(runs),
        "handwriting": digest,
    }
    with write_file(file) as partial:
        partial.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiments", nargs="*", default=list(EXPERIMENTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="1 to 5 else")
    parser.add_argument("--epochs", type=int, help="stop after so many")
    parser.add_argument("--to", type=Path, default=FOLDER, help="another folder")
    options = parser.parse_args()
    import tensorflow as tf  # after Keras, which keeps it quiet

    # One thread: the same numbers on machines with more or fewer cores.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    data = load()
    files = [options.to / name for name in ("casia_runs.csv", "casia_curves.csv", "casia.json")]
    runs, curves = read_rows(files[0]), read_rows(files[1])
    if runs and json.loads(files[2].read_text(encoding="utf-8"))["handwriting"] != data.digest:
        print("The handwriting has changed: everything is trained again.")
        runs, curves = [], []
    for seed in options.seeds:
        for experiment in options.experiments:
            key = {"experiment": experiment, "seed": str(seed)}
            if any(key.items() <= run.items() for run in runs):
                continue
            scores, epochs = train(experiment, data, seed, options.epochs)
            runs.append(rounded(key | scores))
            curves += [rounded(key | epoch) for epoch in epochs]
            write_rows(files[1], curves)
            write_rows(files[0], runs)
            write_card(files[2], data.digest, runs)
            print(*runs[-1].values(), sep=", ", flush=True)


if __name__ == "__main__":
    main()
