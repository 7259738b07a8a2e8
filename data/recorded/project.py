"""Trains what notebook 15 shows over several seeds; run it from anywhere, it takes minutes:

    python data/recorded/project.py

It writes project.csv beside this file: one row for each training. The data are squares cut
out of sixteen real photos that scikit-image and scikit-learn bring; each seed divides them
anew into training, validation and test, no region in two parts.

`--seeds 1 --to FOLDER` repeats the first seed alone, elsewhere. What is in the file already
is not trained again: delete the file to start over.
"""

import argparse
import csv
import functools
import time
from pathlib import Path

import numpy as np
from skimage import data as bundled
from sklearn.datasets import load_sample_image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler

from helpers import imagenet, photos
from helpers.files import write_file
from helpers.quiet_keras import keras

FOLDER = Path(__file__).resolve().parent
COLUMNS = "way", "seed", "validation", "accuracy", "macro_f1", "seconds"
WAYS = "from scratch", "augmented", "frozen", "fine-tuned"
SEEDS = 1, 2, 3, 4, 5
SIDE, BATCH = 64, 32
STEPS = {"from scratch": 390, "augmented": 390, "fine-tuned": 78}
"""About 30 and 6 epochs: then nearly all training images are right."""

RATES = {"from scratch": 4e-3, "augmented": 4e-3, "fine-tuned": 3e-4}

layers = keras.layers

# --- Data -----------------------------------------------------------------------------

BUNDLED = {
    **{n: n for n in ("brick", "grass", "gravel", "coins", "page", "moon")},
    **{n: n for n in ("camera", "coffee", "astronaut", "rocket", "retina")},
    "cat": "chelsea",
    "galaxies": "hubble_deep_field",
    "tissue": "immunohistochemistry",
}


@functools.cache
def crops():
    """The squares, and groups of them that no split may tear: of one region, or copies."""
    pictures = {name: getattr(bundled, function)() for name, function in BUNDLED.items()}
    pictures["temple"] = load_sample_image("china.jpg")
    pictures["flower"] = load_sample_image("flower.jpg")
    data = photos.crops(pictures, SIDE)
    regions = np.array([file.rpartition("-")[0] for file in data.files])
    return data, photos.copies(data.X, regions)


def split(y, groups, seed, parts=(0.2, 0.25)):
    """(n,) 0: train, 1: validate, 2: test. No group is in two parts."""
    random = np.random.default_rng(seed)
    part_of = {}
    for c in np.unique(y):
        of_class = random.permutation(np.unique(groups[y == c]))
        n_val, n_test = (max(1, round(p * len(of_class))) for p in parts)
        for part, wanted in ((2, n_test), (1, n_val), (0, len(of_class))):
            # A group may hold several classes, and be drawn already.
            wanted -= sum(part_of.get(g) == part for g in of_class)
            free = [g for g in of_class if g not in part_of]
            part_of |= dict.fromkeys(free[: max(0, wanted)], part)
    return np.array([part_of[g] for g in groups])


# --- Networks -------------------------------------------------------------------------


def vary():
    """Changes that leave a piece of a photo a piece of that photo."""
    return keras.Sequential(
        [
            layers.RandomFlip("horizontal_and_vertical"),
            layers.RandomContrast(0.2),
            layers.RandomBrightness(0.1),
        ]
    )


def small_net(classes, side=SIDE, varied=False):
    """Four convolutions at half the resolution, from scratch: pixels 0 to 255 -> logits."""
    inputs = keras.Input((side, side, 3))
    x = layers.AveragePooling2D(2)(inputs)
    if varied:
        x = vary()(x)
    x = layers.Rescaling(1 / 128, offset=-127 / 128)(x)
    for filters in (16, 24, 48, 96):
        strides = 2 if filters == 16 else 1
        x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.MaxPooling2D()(x) if filters < 96 else x
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes)(x))


@functools.cache
def halves():
    """EfficientNet-Lite0, cut after block 11, and the weights of its upper half."""
    lite = imagenet.efficientnet_lite(
        0, include_top=False, input_shape=(SIDE, SIDE, 3), pooling="avg"
    )
    middle = lite.get_layer("block11").output
    upper = keras.Model(middle, lite.output)
    for layer in upper.layers:
        layer.trainable = not isinstance(layer, layers.BatchNormalization)
    return keras.Model(lite.input, middle), upper, upper.get_weights()


@functools.cache
def features():
    """Of all crops, from the middle of the network, (n, 4, 4, 112), and its end, (n, 1280)."""
    lower, upper, _ = halves()
    middle = lower.predict(imagenet.preprocess_input(crops()[0].X), verbose=0)
    return middle, upper.predict(middle, verbose=0)


def logistic(F, y):
    """A linear head on features, as scikit-learn fits it: kernel and biases for a Dense."""
    scaler, head = StandardScaler().fit(F), LogisticRegression(C=0.1, max_iter=300)
    head.fit(scaler.transform(F), y)
    scale = np.where(scaler.scale_ > 0, scaler.scale_, 1)
    kernel = head.coef_.T / scale[:, None]
    return kernel, head.intercept_ - scaler.mean_ @ kernel


# --- Training ---------------------------------------------------------------------------


@functools.cache
def compiled(way, classes, steps):
    """A network of this way with its loss, an optimizer, and the weights that it had at first.

    Compiling again for each seed would take as long as the training.
    """
    if way == "fine-tuned":
        upper = halves()[1]
        model = keras.Sequential([keras.Input(upper.input_shape[1:]), upper, layers.Dense(classes)])
    else:
        model = small_net(classes, varied=way == "augmented")
    falling = keras.optimizers.schedules.CosineDecay(RATES[way], steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(falling), loss)
    return model


def fit(model, start, X, y, steps, seed):
    """About so many steps from these weights, with an optimizer as good as new."""
    model.set_weights(start)
    model.optimizer.build(model.trainable_variables)
    for variable in model.optimizer.variables:  # Adam's all begin at 0
        variable.assign(np.zeros(variable.shape))
    keras.utils.set_random_seed(seed)
    epochs = max(1, round(steps / np.ceil(len(X) / BATCH)))
    model.fit(X, y, batch_size=BATCH, epochs=epochs, verbose=0)


def trained(way, X, y, chosen, seed, steps):
    """(n, classes): logits of all images, by a network trained on the chosen ones."""
    classes = int(y.max()) + 1
    if way in ("frozen", "fine-tuned"):
        maps, F = features()
        head = logistic(F[chosen], y[chosen])
        if way == "frozen":
            return F @ head[0] + head[1]
        start, inputs = [*halves()[2], *head], maps
    else:
        keras.utils.set_random_seed(seed)
        start, inputs = small_net(classes, varied=way == "augmented").get_weights(), X
    model = compiled(way, classes, steps)
    fit(model, start, inputs[chosen], y[chosen], steps, seed)
    return model.predict(inputs, batch_size=128, verbose=0)


# --- Scores -------------------------------------------------------------------------------


def scores(way, seed):
    """Accuracy on validation and on test, macro F1 on test, and processor seconds."""
    (X, y, *_), groups = crops()
    part = split(y, groups, seed)
    began = time.process_time()
    logits = trained(way, X, y, np.flatnonzero(part == 0), seed, STEPS.get(way))
    seconds = time.process_time() - began
    guesses = logits.argmax(axis=1)
    validation, accuracy = ((guesses == y)[part == k].mean() for k in (1, 2))
    macro = f1_score(y[part == 2], guesses[part == 2], average="macro")
    return validation, accuracy, macro, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="1 to 5 if not given")
    parser.add_argument("--to", type=Path, default=FOLDER, help="another folder")
    options = parser.parse_args()
    file = options.to / "project.csv"
    rows = []
    if file.exists():
        with file.open(encoding="utf-8", newline="") as stream:
            rows = [tuple(row.values()) for row in csv.DictReader(stream)]
    features()  # once, and no part of any training's seconds
    for seed in options.seeds:
        for way in WAYS:
            if any(row[:2] == (way, str(seed)) for row in rows):
                continue
            *three, seconds = scores(way, seed)
            rows.append((way, str(seed), *(f"{score:.4f}" for score in three), f"{seconds:.0f}"))
            print(*rows[-1], sep=", ", flush=True)
            with write_file(file) as partial, partial.open("w", encoding="utf-8") as stream:
                csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *sorted(rows)])


if __name__ == "__main__":
    main()
