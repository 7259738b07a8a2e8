"""Trains what notebook 10 shows over five seeds; run it from anywhere, it takes minutes:

    python data/recorded/transfer.py                    # every experiment
    python data/recorded/transfer.py scratch order   # these, the others stay as they are

It writes transfer.csv beside this file: one row for each training, with its accuracy on
new data and, where a base could forget, that on the base's own old task. The data are the
course's simulated handwriting.

`--seeds 1 --to FOLDER` repeats the first seed alone, elsewhere: the test does that. What is
in the file already is not trained again: delete the file to start over.
"""

import argparse
import csv
import functools
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from helpers import handwriting, imagenet
from helpers.files import COURSE, write_file
from helpers.handwriting import compounds
from helpers.images import load_folder
from helpers.quiet_keras import keras

FOLDER = Path(__file__).resolve().parent
COLUMNS = "experiment", "way", "per_class", "seed", "accuracy", "old_accuracy"
SEEDS = (1, 2, 3, 4, 5)

layers = keras.layers


# --- Training -------------------------------------------------------------------------


def compiled(model, rate, steps):
    """The model with Adam, whose rate falls from `rate` to 0 over so many steps."""
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def fit(model, weights, X, y, steps, seed, batch):
    """About so many steps from these weights, with an optimizer as good as new.


    Compiling again for each seed would take longer than the training.
    """
    model.set_weights(weights)
    model.optimizer.build(model.trainable_variables)
    for variable in model.optimizer.variables:  # Adam's all begin at 0
        variable.assign(np.zeros(variable.shape))
    keras.utils.set_random_seed(seed)
    epochs = max(1, round(steps / np.ceil(len(X) / batch)))
    model.fit(X, y, batch_size=batch, epochs=epochs, verbose=0)


def accuracy(model, X, y):
    guesses = model.predict(X, batch_size=128, verbose=0).argmax(axis=1)
    return float((guesses == y).mean())


def fresh_weights(build, seed):
    """The random weights with which `build()` begins."""
    keras.utils.set_random_seed(seed)
    return build().get_weights()


def unfreeze(base, prefixes=("",)):
    """Make the layers trainable whose names begin so, but for batch normalization."""
    for layer in base.layers:
        normalizes = isinstance(layer, layers.BatchNormalization)
        layer.trainable = layer.name.startswith(tuple(prefixes)) and not normalizes


def fit_head(F, y, rate, steps, seed):
    """Weights of a dense layer on features: its kernel, and its biases."""
    units = int(y.max()) + 1
    keras.utils.set_random_seed(seed)
    head = keras.Sequential([keras.Input((F.shape[1],)), layers.Dense(units)])
    weights = head.get_weights()
    fit(compiled(head, rate, steps), weights, F, y, steps, seed, 32)
    return head


# --- Networks -------------------------------------------------------------------------


def compounds_base():
    """The course's network for 300 compounds, and the same up to its features."""
    net = keras.saving.load_model(COURSE / "data" / "pretrained" / "compounds.keras")
    return net, keras.Model(net.input, net.get_layer("avg_pool").output)


def with_head(base, units, change=None, scaling=(1 / 127.5, -1)):
    """Pixels -> logits: a change at random if any, scaling, the base, a dense layer."""
    inputs = keras.Input(base.input_shape[1:])
    x = change(inputs) if change else inputs
    x = base(layers.Rescaling(*scaling)(x))
    return keras.Model(inputs, layers.Dense(units, name="head")(x))


# --- Experiments --------------------------------------------------------------------
# Each yields (way, per class, seed, (accuracy, old accuracy or "")), or in place of the last
# a function that trains and returns it.

PAPER = {"fill_mode": "constant", "fill_value": 255}
CHANGES = {
    "as they are": None,
    "slightly": [
        layers.RandomTranslation(0.05, 0.05, **PAPER),
        layers.RandomRotation(0.03, **PAPER),
        layers.RandomZoom((0, 0.2), **PAPER),
    ],
    "mirrored": [layers.RandomFlip("horizontal")],
}


@functools.cache
def poorly_written():
    """The 385 characters by one bad hand: images, class numbers."""
    folder, _ = handwriting.small_set(handwriting.get("default"))
    X, y, _, _ = load_folder(folder)
    return X, y


def split(y, per_class, seed):
    """Numbers of the images to train on, and of two others of each class."""
    random = np.random.default_rng(seed)
    order = [random.permutation(np.flatnonzero(y == c)) for c in np.unique(y)]
    train = np.concatenate([numbers[:per_class] for numbers in order])
    return train, np.concatenate([numbers[-2:] for numbers in order])


def from_scratch(way, per_class, steps, seeds, kind=None):
    """The layers of the compounds network with random weights, on 55 characters."""
    X, y = poorly_written()
    base = compounds_base()[1]

    def build():
        varied = keras.Sequential(kind) if kind else None
        return with_head(keras.models.clone_model(base), 55, varied)

    model = compiled(build(), 4e-3, steps)
    for seed in seeds:

        def run(seed=seed):
            train, test = split(y, per_class, seed)
            fit(model, fresh_weights(build, seed), X[train], y[train], steps, seed, 16)
            return accuracy(model, X[test], y[test]), ""

        yield way, per_class, seed, run


def scratch(seeds):
    for per_class, steps in {1: 80, 2: 100, 5: 120}.items():
        yield from from_scratch("from scratch", per_class, steps, seeds)


def varied(seeds):
    """Two images of each character, as they are and varied, four times as long."""
    for change, kind in CHANGES.items():
        yield from from_scratch(change, 2, 400, seeds, kind)


def tuned(seeds):
    """EfficientNet-Lite0 up to block 11 on the characters, from a head that is trained."""
    X, y = poorly_written()
    size = (96, 96)
    X = keras.ops.convert_to_numpy(keras.ops.image.resize(np.repeat(X, 3, axis=-1), size))
    whole = imagenet.efficientnet_lite(0, include_top=False, input_shape=(*size, 3))
    middle = layers.GlobalAveragePooling2D()(whole.get_layer("block11").output)
    base = keras.Model(whole.input, middle)
    F = base.predict(imagenet.preprocess_input(X), verbose=0)
    unfreeze(base, [f"block{n}_" for n in range(6, 12)])
    original = base.get_weights()
    model = with_head(base, 55, scaling=(1 / 128, -127 / 128))
    for per_class, steps in {1: 24, 2: 24, 5: 60}.items():
        compiled(model, 1e-4, steps)
        for seed in seeds:
            train, test = split(y, per_class, seed)
            start = original + logistic_head(F[train], y[train])
            model.set_weights(start)
            yield "head only", per_class, seed, (accuracy(model, X[test], y[test]), "")

            def run(start=start, train=train, test=test, steps=steps, seed=seed):
                fit(model, start, X[train], y[train], steps, seed, 16)
                return accuracy(model, X[test], y[test]), ""

            yield "fine-tuned", per_class, seed, run


def logistic_head(F, y):
    """Kernel and biases of logistic regression on standardised features."""
    scaler, head = StandardScaler().fit(F), LogisticRegression(max_iter=300)
    head.fit(scaler.transform(F), y)
    kernel = head.coef_.T / scaler.scale_[:, None]
    return [kernel, head.intercept_ - scaler.mean_ @ kernel]


def order(seeds):
    """One image of each character, by other writers: in stages, or everything at once."""
    data = handwriting.get("default")
    X, y, _, _ = load_folder(data.train)
    X_new, y_new, _, _ = load_folder(data.test)
    X_new, y_new = X_new[::10], y_new[::10]
    net, base = compounds_base()
    X_old, y_old = compounds.draw([3000])  # by a stranger to the base
    X_old = X_old / np.float32(127.5) - 1
    original = base.get_weights()
    few = {seed: split(y, 1, seed)[0] for seed in seeds}

    def scores(model):
        return accuracy(model, X_new, y_new), accuracy(net, X_old, y_old)

    def train(model, prefix, start, seed, steps):
        """`fit`, with these layers free: what is trainable counts when it begins."""
        unfreeze(base, [prefix])
        fit(model, start, X[few[seed]], y[few[seed]], steps, seed, 16)
        return scores(model)

    starts = {}
    plain = compiled(with_head(base, 55), 1e-2, 40)
    for seed in seeds:
        F = base.predict(X[few[seed]] / np.float32(127.5) - 1, verbose=0)
        head = fit_head(F, y[few[seed]], 1e-2, 150, seed)
        starts[seed] = original + head.get_weights()
        plain.set_weights(starts[seed])
        yield "head only", 1, seed, scores(plain)
    for rate in (1e-2, 1e-3, 2e-4):
        model = compiled(with_head(base, 55), rate, 40)
        for seed in seeds:
            base.set_weights(original)
            start = fresh_weights(lambda: with_head(base, 55), seed)
            yield f"at once, rate {rate:g}", 1, seed, train(model, "", start, seed, 40)
    last = compiled(with_head(base, 55), 1e-3, 20)
    everything = compiled(with_head(base, 55), 2e-4, 20)
    for seed in seeds:
        yield "then the last block", 1, seed, train(last, "block3", starts[seed], seed, 20)
        start = last.get_weights()
        yield "then everything", 1, seed, train(everything, "", start, seed, 20)


EXPERIMENTS = {f.__name__: f for f in (scratch, varied, tuned, order)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiments", nargs="*", default=list(EXPERIMENTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="1 to 5 if not given")
    parser.add_argument("--to", type=Path, default=FOLDER, help="another folder")
    options = parser.parse_args()
    file = options.to / "transfer.csv"
    rows = []
    if file.exists():
        with file.open(encoding="utf-8", newline="") as stream:
            rows = [tuple(row.values()) for row in csv.DictReader(stream)]
    for name in options.experiments:
        began = time.process_time()
        for *way, seed, result in EXPERIMENTS[name](options.seeds):
            key = name, *map(str, (*way, seed))
            if any(row[:4] == key for row in rows):
                continue
            score, old = result() if callable(result) else result
            rows.append((*key, f"{score:.4f}", old if old == "" else f"{old:.4f}"))
            print(*rows[-1], sep=", ", flush=True)
            with write_file(file) as partial, partial.open("w", encoding="utf-8") as stream:
                csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *sorted(rows)])
        print(f"{name}: {time.process_time() - began:.0f} processor seconds", flush=True)


if __name__ == "__main__":
    main()
