"""Trains what notebook 07 shows over five seeds; run it from anywhere, on one processor:

    python data/recorded/errors.py                  # both experiments, about 20 minutes
    python data/recorded/errors.py longer           # this one, the other stays as it is

`longer` trains the CNN of notebook 06 for 80 epochs, nothing else changed, and looks at it
after 10, 20, 40 and 80: how sure it is of its right and wrong answers. `noise` gives a tenth of
the training images another label and trains on all of them, without the suspects, without as
many at random, with the suspects relabelled, and with the labels as they were before.

It writes four files beside this one: errors_epochs.csv, one row for each look;
errors_confidence.csv, the counts of its confidences; errors_noise.csv, one row for each
training with noise; and errors.json, which says how they were made. The data are the course's
simulated handwriting, never real scans, split as in notebook 06.

A training that is in the files is not repeated, unless the handwriting has changed since:
then all of them are. `--seeds 1 --epochs 10 --to FOLDER` trains the first ten epochs of one
seed, elsewhere: the test does that, and compares.
"""

import argparse
import csv
import json
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

import casia  # beside this file: what both recordings read and write alike
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import minimize_scalar

from helpers.files import write_file
from helpers.quiet_keras import keras

FOLDER = Path(__file__).resolve().parent
EXPERIMENTS = ("longer", "noise")
SEEDS = (1, 2, 3, 4, 5)
BATCH = 128
LOOKS = (10, 20, 40, 80)  # epochs after which the network is looked at
BINS = 20  # of equal width, for counts of confidences
NOISE = 0.1  # share of training labels that are changed
FALLING = 12  # epochs in which the rate falls to 0, with changed labels
WAYS = ("labels as they were", "as is", "random removed", "suspects removed", "relabelled")


# --- Suspects, as in notebook 07 --------------------------------------------------------


def features(X):
    """Blurred to a quarter of the resolution, rows of length 1: (n, 300)."""
    soft = gaussian_filter(255.0 - X[..., 0], (0, 4, 4))[:, ::4, ::4].reshape(len(X), -1)
    return soft / np.linalg.norm(soft, axis=1, keepdims=True).clip(1e-9)


def suspicion(F, y):
    """(how much nearer the nearest image with another label is than that with the same,
    the label of the former) for each image."""
    likeness = F @ F.T
    np.fill_diagonal(likeness, -1)
    same = y[:, None] == y[None, :]
    others = np.where(same, -1, likeness)
    return others.max(axis=1) - np.where(same, likeness, -1).max(axis=1), y[others.argmax(axis=1)]


# --- Networks ---------------------------------------------------------------------------


def compiled(classes, seed, rate):
    keras.utils.set_random_seed(seed)
    model = casia.cnn(classes)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


def log_softmax(logits, temperature=1.0):
    z = logits / temperature
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def nll(logits, labels, temperature=1.0):
    """Mean negative log-likelihood of the labels."""
    return -log_softmax(logits, temperature)[np.arange(len(labels)), labels].mean()


def temperature_of(logits, labels):
    """The temperature at which the labels are likeliest."""
    found = minimize_scalar(lambda t: nll(logits, labels, t), bounds=(0.2, 20), method="bounded")
    return float(found.x)


def calibration_error(confidence, right, bins=10):
    """Mean gap between confidence and share right, over bins of equal width."""
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(right))


# --- What is recorded -------------------------------------------------------------------


class Looks(keras.callbacks.Callback):
    """Rows for the two tables on confidence, after some of the epochs."""

    def __init__(self, data, epochs):
        super().__init__()
        self.data, self.epochs = data, epochs
        self.start, self.rows, self.counts = time.process_time(), [], []

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 not in self.epochs:
            return
        d = self.data
        parts = {"train": d.train, "val": d.val}
        logits = {
            part: self.model.predict(d.X[which], batch_size=512, verbose=0)
            for part, which in parts.items()
        }
        logits["test"] = self.model.predict(d.X_test, batch_size=512, verbose=0)
        labels = {"train": d.y[d.train], "val": d.y[d.val], "test": d.y_test}
        row = {"epoch": epoch + 1, "seconds": time.process_time() - self.start}
        for part, z in logits.items():
            row[part] = float((z.argmax(axis=1) == labels[part]).mean())
            row[f"{part}_nll"] = float(nll(z, labels[part]))
        test, right = logits["test"], logits["test"].argmax(axis=1) == d.y_test
        row["temperature"] = temperature_of(logits["val"], labels["val"])
        for name, t in (("ece", 1.0), ("ece_scaled", row["temperature"])):
            sure = np.exp(log_softmax(test, t)).max(axis=1)
            row[name] = calibration_error(sure, right)
        row["test_nll_scaled"] = float(nll(test, d.y_test, row["temperature"]))
        sure = np.exp(log_softmax(test)).max(axis=1)
        row["sure_right"], row["sure_wrong"] = float(sure[right].mean()), float(sure[~right].mean())
        row["wrong_over_90"] = float((sure[~right] > 0.9).mean())
        self.rows.append(row)
        for kind, chosen in (("right", right), ("wrong", ~right)):
            counts, edges = np.histogram(sure[chosen], bins=BINS, range=(0, 1))
            for count, low in zip(counts, edges, strict=False):
                place = {"epoch": epoch + 1, "answer": kind, "from": float(low)}
                self.counts.append(place | {"images": int(count)})


def longer(data, seed, most=None):
    """(rows of errors_epochs.csv, rows of errors_confidence.csv) of one training."""
    last = min(LOOKS[-1], most or LOOKS[-1])
    model = compiled(int(data.y.max()) + 1, seed, 3e-3)
    looks = Looks(data, {*LOOKS, last})
    model.fit(
        data.X[data.train],
        data.y[data.train],
        epochs=last,
        batch_size=BATCH,
        callbacks=[looks],
        verbose=0,
    )
    return looks.rows, looks.counts


def changed(y, share, classes, random):
    """(labels of which a share is another one now, which of them are)."""
    wrong = np.zeros(len(y), bool)
    wrong[random.permutation(len(y))[: round(share * len(y))]] = True
    return np.where(wrong, (y + random.integers(1, classes, len(y))) % classes, y), wrong


def noise(data, seed, most=None):
    """Rows of errors_noise.csv: one training in each of the WAYS."""
    X, before = data.X[data.train], data.y[data.train]
    classes = int(data.y.max()) + 1
    random = np.random.default_rng(seed)
    noisy, wrong = changed(before, NOISE, classes, random)
    doubt, read = suspicion(features(X), noisy)
    suspects = doubt.argsort()[::-1][: wrong.sum()]
    at_random = random.permutation(len(X))[: wrong.sum()]
    relabelled = noisy.copy()
    relabelled[suspects] = read[suspects]
    everything = np.arange(len(X))
    ways = {
        "labels as they were": (everything, before),
        "as is": (everything, noisy),
        "random removed": (np.setdiff1d(everything, at_random), noisy),
        "suspects removed": (np.setdiff1d(everything, suspects), noisy),
        "relabelled": (everything, relabelled),
    }
    rows = []
    for way, (kept, labels) in ways.items():
        start = time.process_time()
        steps = FALLING * -(-len(kept) // BATCH)
        model = compiled(classes, seed, keras.optimizers.schedules.CosineDecay(3e-3, steps))
        epochs = min(FALLING, most or FALLING)
        model.fit(X[kept], labels[kept], epochs=epochs, batch_size=BATCH, verbose=0)
        z = model.predict(data.X_test, batch_size=512, verbose=0)
        rows.append(
            {
                "way": way,
                "noise": 0.0 if way == "labels as they were" else NOISE,
                "images": len(kept),
                "wrong": int((labels[kept] != before[kept]).sum()),
                "found": float(wrong[suspects].mean()),
                "test": float((z.argmax(axis=1) == data.y_test).mean()),
                "seconds": time.process_time() - start,
            }
        )
    return rows


# --- Files ------------------------------------------------------------------------------


def write_rows(file, rows):
    with write_file(file) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: int(row["seed"])))  # else as they are


def rounded(seed, rows):
    return [{"seed": str(seed)} | casia.rounded(row) for row in rows]


def write_card(file, digest, epochs, noise):
    last = {row["seed"]: row["seconds"] for row in epochs}  # of the last look
    seconds = sum(map(float, [*last.values(), *(row["seconds"] for row in noise)]))
    card = {
        "what": "trainings of notebook 07 on simulated handwriting, not on CASIA",
        "command": "python data/recorded/errors.py",
        "date": date.today().isoformat(),
        "versions": {name: version(name) for name in ("keras", "tensorflow", "numpy")},
        "processor": f"one core of {casia.processor()}",
        "processor_seconds": round(seconds),
        "trainings": len(last) + len(noise),
        "handwriting": digest,
    }
    with write_file(file) as partial:
        partial.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


FILES = "errors_epochs.csv", "errors_confidence.csv", "errors_noise.csv", "errors.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiments", nargs="*", default=list(EXPERIMENTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="1 2 3 4 5 else")
    parser.add_argument("--epochs", type=int, help="stop after so many")
    parser.add_argument("--to", type=Path, default=FOLDER, help="another folder")
    options = parser.parse_args()
    import tensorflow as tf  # after Keras, which keeps it quiet

    # One thread: the same numbers on machines with more or fewer cores.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    data = casia.load()
    *tables, card = [options.to / name for name in FILES]
    epochs, confidence, noisy = map(casia.read_rows, tables)
    there = card.exists() and json.loads(card.read_text(encoding="utf-8"))["handwriting"]
    if there and there != data.digest:
        print("The handwriting has changed: everything is trained again.")
        epochs, confidence, noisy = [], [], []
    for seed in options.seeds:
        for experiment in options.experiments:
            known = epochs if experiment == "longer" else noisy
            if any(row["seed"] == str(seed) for row in known):
                continue
            if experiment == "longer":
                rows, counts = longer(data, seed, options.epochs)
                epochs += rounded(seed, rows)
                confidence += rounded(seed, counts)
                write_rows(tables[1], confidence)
                write_rows(tables[0], epochs)
            else:
                noisy += rounded(seed, noise(data, seed, options.epochs))
                write_rows(tables[2], noisy)
            write_card(card, data.digest, epochs, noisy)
            print(f"{experiment}, seed {seed}", flush=True)


if __name__ == "__main__":
    main()
