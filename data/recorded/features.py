"""Records what notebook 14 shows over five seeds; run it from anywhere:

    python data/recorded/features.py                    # every experiment
    python data/recorded/features.py race               # this one, the others stay

It trains classifiers on hand-crafted features, on the features of EfficientNet-Lite0 and
on pixels, and the CNN of notebook 06, and writes features.csv beside this file: one row for
each score. The data are the course's simulated handwriting, never real scans, and the 200
faces and non-faces of scikit-image, which are real photos.

`--seeds 1 --to FOLDER` repeats the first seed alone, elsewhere: the test does that. What is
in the file already is not trained again: delete the file to start over.
"""

import argparse
import csv
import functools
import itertools
import time
from pathlib import Path

import numpy as np
from skimage import data as photos
from skimage.feature import hog
from skimage.measure import moments_central, moments_normalized, perimeter
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import handwriting, imagenet
from helpers.files import write_file
from helpers.images import load_folder
from helpers.quiet_keras import keras

FOLDER = Path(__file__).resolve().parent
COLUMNS = "experiment", "data", "way", "per_class", "seed", "on", "accuracy"
SEEDS = (1, 2, 3, 4, 5)
EVERY = 5  # of the 55 characters, every fifth: 11
BATCH = 32

layers = keras.layers


# --- Features by hand -----------------------------------------------------------------
# Each takes an image (height, width), ink 1 and paper 0, and gives a few numbers. They and
# the CNN are word for word those of the notebook: a test compares them.


def area(ink):
    """The share of the image that is ink."""
    return [ink.mean()]


def outline(ink):
    """The length of the outline, in units of height plus width."""
    return [perimeter(ink > 0.5) / sum(ink.shape)]


def profiles(ink):
    sides = (ink.mean(axis=1), ink.mean(axis=0))  # of each row, each column
    return [b.mean() for side in sides for b in np.array_split(side, 8)]


def height(ink):
    black = ink > 0.5
    top = 1 - black.argmax(axis=0) / len(ink)  # the highest ink, from below
    top[~black.any(axis=0)] = 0
    return [band.mean() for band in np.array_split(top, 6)]


def diagonals(ink):
    down, right = (np.indices(ink.shape).T / ink.shape).T  # from 0 to 1
    both = (down + right, down - right + 1)
    sums = [np.histogram(d, 8, (0, 2), weights=ink)[0] for d in both]
    return np.ravel(sums) / ink.size


def moments(ink):
    """Seven numbers: the normalized central moments of order 2 and 3."""
    nu = moments_normalized(moments_central(ink.astype(float)), order=3)
    orders = [(p, q) for p in range(4) for q in range(4) if 2 <= p + q <= 3]
    values = np.nan_to_num([nu[order] for order in orders])  # 0 if no ink
    return np.clip(values, -2, 2)  # nearly blank scans would be huge


SETTINGS = dict(orientations=9, pixels_per_cell=(5, 5), cells_per_block=(1, 1))


def oriented(ink):
    return hog(ink, **SETTINGS)


SHAPE = {
    "area": area,
    "perimeter": outline,
    "profiles": profiles,
    "height": height,
    "diagonals": diagonals,
    "moments": moments,
}
BY_HAND = SHAPE | {"HOG": oriented}


def measure(images):
    """{group: (n, numbers)} of images (n, height, width)."""
    return {k: np.array([f(i) for i in images]) for k, f in BY_HAND.items()}


def table(groups, names):
    """Some groups side by side: one row of numbers for each image."""
    return np.hstack([groups[name] for name in names])


# --- The data -------------------------------------------------------------------------


def ink_of(X):
    """Images (n, 80, 60, 1) at half the resolution, ink 1 and paper 0."""
    return 1 - X.reshape(-1, 40, 2, 30, 2).mean(axis=(2, 4)).astype("float32") / 255


@functools.cache
def characters():
    """Every fifth character: ink and labels of the training and of the test writers."""
    data = handwriting.get("default")
    parts = []
    for folder in (data.train, data.test):
        X, y, _, _ = load_folder(folder)
        some = y % EVERY == 0
        parts += [ink_of(X[some]), y[some] // EVERY]
    return parts


@functools.cache
def faces():
    """200 photos of 25 x 25, dark 1 and light 0; labels, 1 for a face."""
    X = 1 - photos.lfw_subset().astype("float32")
    return X, np.repeat([1, 0], 100)


@functools.cache
def textures():
    """Thirty crops each of gravel, brick and grass: no faces, and full of detail."""
    random, crops = np.random.default_rng(14), []
    for photo in (photos.gravel(), photos.brick(), photos.grass()):
        for row, column in random.integers(0, 512 - 25, (30, 2)):
            crops.append(photo[row : row + 25, column : column + 25])
    return 1 - np.array(crops, "float32") / 255


@functools.cache
def of_lite0(which):
    """Block 11 of EfficientNet-Lite0, averaged, of a set of images."""
    size = (80, 80)
    base = imagenet.efficientnet_lite(0, include_top=False, input_shape=(*size, 3))
    middle = layers.GlobalAveragePooling2D()(base.get_layer("block11").output)
    see = keras.Model(base.input, middle)
    X = np.repeat(255 * (1 - images(which))[..., None], 3, axis=-1)
    X = keras.ops.convert_to_numpy(keras.ops.image.resize(X, size))
    return see.predict(imagenet.preprocess_input(X), verbose=0)


@functools.cache
def images(which):
    """A set of images: train, test, faces, textures, or half of test moved by 0 to 4 pixels."""
    if which.startswith("moved"):
        return moved(images("test")[::2], int(which[-1]))
    return {
        "train": lambda: characters()[0],
        "test": lambda: characters()[2],
        "faces": lambda: faces()[0],
        "textures": textures,
    }[which]()


def moved(X, by):
    """Images moved to the right and down by so many pixels, paper coming in."""
    out = np.zeros_like(X)
    out[:, by:, by:] = X[:, : X.shape[1] - by, : X.shape[2] - by]
    return out


@functools.cache
def by_hand(which):
    return measure(images(which))


def columns(which, kind):
    """One row of numbers for each image."""
    if kind == "Lite0":
        return of_lite0(which)
    if kind == "pixels":
        return images(which).reshape(len(images(which)), -1)
    groups = by_hand(which)
    names = {"shape": [*SHAPE], "all": [*BY_HAND]}.get(kind, [kind])
    return table(groups, names)


def draw(y, n, seed, rest=0):
    """Numbers of n images per class, and of `rest` others per class, drawn by the seed."""
    random = np.random.default_rng(seed)
    orders = [random.permutation(np.flatnonzero(y == c)) for c in np.unique(y)]
    tested = np.concatenate([order[:rest] for order in orders])
    return np.concatenate([order[rest : rest + n] for order in orders]), tested


# --- Classifiers ----------------------------------------------------------------------


def logistic(seed=0):
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))


def forest(seed):
    return RandomForestClassifier(100, random_state=seed)


def make_cnn(shape, classes):
    """The CNN of notebook 06, from its first convolution on."""
    relu = {"padding": "same", "activation": "relu"}
    return keras.Sequential(
        [
            keras.Input((*shape, 1)),
            layers.Conv2D(16, 3, **relu),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, **relu),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, **relu),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(classes),
        ]
    )


@functools.cache
def compiled(shape, classes, images):
    """(network, the number of its epochs): compiling takes longer than training."""
    batches = int(np.ceil(images / BATCH))
    epochs = int(np.ceil((100 + 6 * batches) / batches))
    model = make_cnn(shape, classes)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, epochs * batches)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.optimizer.build(model.trainable_variables)
    return model, epochs


def train_cnn(X, y, seed):
    """Trained from new weights by Adam, whose rate falls to 0, until it knows its images."""
    shape, classes = X.shape[1:], int(y.max()) + 1
    model, epochs = compiled(shape, classes, len(X))
    keras.utils.set_random_seed(seed)
    model.set_weights(make_cnn(shape, classes).get_weights())
    for variable in model.optimizer.variables:  # Adam's all begin at 0
        variable.assign(np.zeros(variable.shape))
    model.fit(X[..., None], y, batch_size=BATCH, epochs=epochs, verbose=0)
    return model


SIZES = {"characters": (1, 3, 10, 30, 90), "faces": (1, 3, 10, 30, 70)}
TABLES = {  # way: (columns, classifier)
    "perimeter, logistic": ("perimeter", logistic),
    "moments, logistic": ("moments", logistic),
    "shape, logistic": ("shape", logistic),
    "shape, forest": ("shape", forest),
    "HOG, logistic": ("HOG", logistic),
    "all, logistic": ("all", logistic),
    "all, forest": ("all", forest),
    "pixels, logistic": ("pixels", logistic),
    "Lite0, logistic": ("Lite0", logistic),
}


def train(way, part, rows, y, seed):
    """A function from (a set of images, their numbers) to classes, trained on these rows."""
    if way == "CNN":
        model = train_cnn(images(part)[rows], y, seed)

        def read(which, some=slice(None)):
            X = images(which)[some][..., None]
            X = np.array_split(X, 1 + len(X) // 256)
            return np.concatenate([model(x, training=False) for x in X]).argmax(axis=1)

    else:
        kind, make = TABLES[way]
        model = make(seed).fit(columns(part, kind)[rows], y)

        def read(which, some=slice(None)):
            return model.predict(columns(which, kind)[some])

    return read


# --- Experiments ------------------------------------------------------------------------
# Each yields (data, way, per class, seed, a function that returns [(on, accuracy), ...]).


def parts_of(name, n, seed):
    """(training part, its rows, labels), (test part, its rows, labels)."""
    if name == "characters":
        _, y, _, y_test = characters()
        rows, _ = draw(y, n, seed)
        return ("train", rows, y[rows]), ("test", np.arange(len(y_test)), y_test)
    y = faces()[1]
    rows, tested = draw(y, n, seed, rest=30)
    return ("faces", rows, y[rows]), ("faces", tested, y[tested])


MOVED = "moved 0", "moved 1", "moved 2", "moved 4"


def race(seeds):
    """Every way on few images and on many; on what else the trained ones are then tried."""
    for seed, (name, sizes) in itertools.product(seeds, SIZES.items()):
        for n, way in itertools.product(sizes, [*TABLES, "CNN"]):

            def run(name=name, n=n, seed=seed, way=way):
                (part, rows, y), (new, tested, y_new) = parts_of(name, n, seed)
                read = train(way, part, rows, y, seed)
                scores = [("test", np.mean(read(new, tested) == y_new))]
                if way == "CNN":
                    scores.append(("training images", np.mean(read(part, rows) == y)))
                if name == "characters" and n == 30 and not way.startswith("Lite0"):
                    scores += [(to, np.mean(read(to) == y_new[::2])) for to in MOVED]
                if name == "faces" and n == 70:
                    scores.append(("textures", np.mean(read("textures") == 0)))
                return scores

            yield name, way, n, seed, run


def matter(seeds):
    """Each group of numbers permuted among the test images, left out, and alone."""
    for name in SIZES:
        for seed in seeds:
            (part, rows, y), (new, tested, y_new) = parts_of(name, 30, seed)
            for names in ([*BY_HAND], [*SHAPE]):
                way = "all" if "HOG" in names else "shape"

                def run(part=part, rows=rows, y=y, new=new, tested=tested, y_new=y_new,
                        names=names, seed=seed):  # fmt: skip
                    known = {k: by_hand(part)[k][rows] for k in names}
                    test = {k: by_hand(new)[k][tested] for k in names}
                    model = logistic().fit(table(known, names), y)
                    scores = [("everything", model.score(table(test, names), y_new))]
                    random = np.random.default_rng(seed)
                    for group in names:
                        values = []
                        for _ in range(3):
                            mixed = test | {group: random.permutation(test[group])}
                            values.append(model.score(table(mixed, names), y_new))
                        scores.append((f"{group} permuted", np.mean(values)))
                        rest = [k for k in names if k != group]
                        less = logistic().fit(table(known, rest), y)
                        scores.append((f"{group} left out", less.score(table(test, rest), y_new)))
                        alone = logistic().fit(known[group], y)
                        scores.append((f"{group} alone", alone.score(test[group], y_new)))
                    return scores

                yield name, way, 30, seed, run


EXPERIMENTS = {f.__name__: f for f in (matter, race)}


def order_of(row):
    """By what was tried and how, then by the number of images and the seed."""
    return *row[:3], int(row[3]), int(row[4]), row[5]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiments", nargs="*", default=list(EXPERIMENTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="1 to 5 if not given")
    parser.add_argument("--to", type=Path, default=FOLDER, help="another folder")
    options = parser.parse_args()
    if handwriting.get("default").real:
        raise SystemExit("These scores are published: unset COURSE_CASIA to simulate handwriting.")
    file = options.to / "features.csv"
    rows = []
    if file.exists():
        with file.open(encoding="utf-8", newline="") as stream:
            rows = [tuple(row.values()) for row in csv.DictReader(stream)]
    for name in options.experiments:
        began = time.process_time()
        for *way, seed, run in EXPERIMENTS[name](options.seeds):
            key = name, *map(str, (*way, seed))
            if any(row[:5] == key for row in rows):
                continue
            rows += [(*key, on, f"{accuracy:.4f}") for on, accuracy in run()]
            print(*rows[-1], sep=", ", flush=True)
            with write_file(file) as partial, partial.open("w", encoding="utf-8") as stream:
                csv.writer(stream, lineterminator="\n").writerows(
                    [COLUMNS, *sorted(rows, key=order_of)]
                )
        print(f"{name}: {time.process_time() - began:.0f} processor seconds", flush=True)


if __name__ == "__main__":
    main()
