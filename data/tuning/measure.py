"""Trains the CNN of notebook 06 at every point of helpers.tuning_table.SPACE:

    python data/tuning/measure.py

It writes tuning_table.npz and tuning_table.json beside this file, and takes about 20
minutes of processor time. Stop it when you like: what is trained is in the cache
folder, and the same command goes on. Two processes of one thread each do the work, so
that the seconds of one point do not depend on another.

The data is simulated handwriting, never real scans, at half the size of notebook 06.
Writers, images and seed are fixed, so a point is one training: how much its accuracy
would vary with the seed is not in the table.

`--try` trains three points for one epoch, and keeps nothing unless told where.
"""

import argparse
import hashlib
import json
import platform
import shutil
import time
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from helpers import tuning_table
from helpers.files import cache_folder, write_file
from helpers.handwriting import simulator
from helpers.handwriting.strokes import CLASSES
from helpers.handwriting.writers import Writer

FOLDER = Path(__file__).resolve().parent
SEED = 8
EPOCHS = tuning_table.EPOCHS
PROCESSES = 2
WRITERS = {
    # Of the simulated default set; each writes each character once.
    "training": range(0, 20),
    "validation": range(20, 30),  # training writers there, set aside here
    "test": range(100_000, 100_020),  # test writers there too
}


@cache
def images(part):
    """X (n, 40, 30, 1) float32 in [0, 255], 255 paper, and y (n,), of one part.

    As the default data set has them before flaws are planted, at 80 x 60 as notebook
    06 loads them, then halved by means over 2 x 2 pixels.
    """
    messiness = simulator.SIZES["default"].messiness
    pages = [
        # As helpers.images scales an image file.
        Image.fromarray(writer.write(character)).resize((60, 80), Image.Resampling.LANCZOS)
        for writer in (Writer(simulator.SEED, number, messiness) for number in WRITERS[part])
        for character in CLASSES
    ]
    X = np.stack(pages).reshape(-1, 40, 2, 30, 2).mean((2, 4))
    y = np.tile(np.arange(len(CLASSES)), len(WRITERS[part]))
    return X.astype("float32")[..., None], y


def make_cnn(filters, units, dropout):
    """The layers of notebook 06, and dropout before the last one.

    The last pooling is 2, not 4, as the images are half as large; and ink is 1, not
    paper, with which ten epochs are enough.
    """
    from helpers.quiet_keras import keras

    layers = keras.layers
    convolution = {"padding": "same", "activation": "relu"}
    return keras.Sequential(
        [
            keras.Input((40, 30, 1)),
            layers.Rescaling(-1 / 255, offset=1),
            layers.Conv2D(filters, 3, **convolution),
            layers.MaxPooling2D(2),
            layers.Conv2D(2 * filters, 3, **convolution),
            layers.MaxPooling2D(2),
            layers.Conv2D(4 * filters, 3, **convolution),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(units, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(len(CLASSES)),  # logits
        ]
    )


def train(row, epochs=EPOCHS):
    """Train one point of the space: a dictionary of arrays, as `table` stacks them.

    Seconds are the processor's, of this process: validation is counted, and in the
    first epoch the building of the network and TensorFlow's tracing.
    """
    from helpers.quiet_keras import keras

    params = tuning_table.ROWS[row]
    X, y = images("training")
    validation = images("validation")
    keras.backend.clear_session()
    keras.utils.set_random_seed(SEED)
    clock = [time.process_time()]
    model = make_cnn(2 ** params["log2_filters"], params["units"], params["dropout"])
    model.compile(
        keras.optimizers.Adam(10 ** params["log10_rate"]),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(
        X,
        y,
        batch_size=params["batch_size"],
        epochs=epochs,
        validation_data=validation,
        validation_batch_size=len(validation[1]),
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda *_: clock.append(time.process_time())
            )
        ],
        verbose=0,
    ).history
    accuracy = np.array(history["val_accuracy"], np.float32)
    lost = ~np.isfinite(history["loss"])
    accuracy[lost] = 1 / len(CLASSES)  # chance
    return {
        "accuracy": accuracy,
        "seconds": np.diff(clock).astype(np.float32),
        "diverged": lost.any(),
        **{f"{part}_bits": right(model, part) for part in tuning_table.IMAGES},
    }


def right(model, part):
    """Which images of a part the model classifies correctly, as packed bits."""
    X, y = images(part)
    # Called, not predict(): that would trace the network once more.
    logits = np.asarray(model(X, training=False))
    return np.packbits(logits.argmax(1) == y)


@cache
def prepare():
    """In a worker, once: one thread, and what TensorFlow does only the first time."""
    # Before TensorFlow, whose log lines it stops.
    from helpers.quiet_keras import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.threading.set_intra_op_parallelism_threads(1)
    train(0, epochs=1)


def train_in_worker(row, epochs, file):
    """Train one point and write the result to a file."""
    prepare()
    result = train(row, epochs)
    with write_file(file) as partial, partial.open("wb") as stream:
        np.savez(stream, **result)


def table(rows, epochs, folder, processes):
    """Train what is not yet in `folder`: a dictionary of arrays, one row a point."""
    files = {row: folder / f"{row:03}.npz" for row in rows}
    jobs = [(r, epochs, f) for r, f in files.items() if not f.is_file()]
    bar = {"desc": "Training", "unit": "point", "total": len(rows)}
    with tqdm(initial=len(rows) - len(jobs), **bar) as shown:
        for _ in simulator.in_processes(train_in_worker, jobs, processes):
            shown.update()
    results = []
    for file in files.values():
        with np.load(file) as result:
            results.append(dict(result))
    return {name: np.stack([r[name] for r in results]) for name in results[0]}


def about(arrays, digest):
    """The record that goes beside the table."""
    from helpers.quiet_keras import keras

    backend = keras.backend.backend()
    return {
        "what": "the CNN of notebook 06 at every point of a space, trained on "
        "simulated handwriting, not CASIA",
        "made by": "python data/tuning/measure.py",
        "date": date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            backend: __import__(backend).__version__,
            "numpy": np.__version__,
        },
        "seed": SEED,
        "space": tuning_table.SPACE,
        "points": len(arrays["accuracy"]),
        "epochs": arrays["accuracy"].shape[1],
        "images": {part: len(images(part)[1]) for part in WRITERS},
        "writers": {part: len(numbers) for part, numbers in WRITERS.items()},
        "processor seconds": round(float(arrays["seconds"].sum())),
        "diverged": int(arrays["diverged"].sum()),
        "sha256": digest,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--try", dest="short", action="store_true")
    parser.add_argument("--to", type=Path, help="another folder for the result")
    options = parser.parse_args()
    rows, epochs, processes = range(len(tuning_table.ROWS)), EPOCHS, PROCESSES
    if options.short:
        rows, epochs, processes = rows[:: len(rows) // 3 + 1], 1, 1

    # Points of another space, script or simulator are never mixed with these.
    settings = json.dumps([tuning_table.SPACE, list(rows), epochs, SEED, simulator.RECIPE])
    source = Path(__file__).read_bytes() + settings.encode()
    name = f"cnn-table-{hashlib.sha256(source).hexdigest()[:12]}"
    kept = cache_folder() / name
    arrays = table(rows, epochs, kept, processes)
    to = options.to or (None if options.short else FOLDER)
    if to is None:
        print(json.dumps(about(arrays, None), indent=1))
    else:
        with write_file(to / "tuning_table.npz") as partial:
            with partial.open("wb") as stream:
                np.savez_compressed(stream, **arrays)
            digest = hashlib.sha256(partial.read_bytes()).hexdigest()
        text = json.dumps(about(arrays, digest), indent=1) + "\n"
        print(text)
        with write_file(to / "tuning_table.json") as partial:
            partial.write_text(text, encoding="utf-8")
    shutil.rmtree(kept, ignore_errors=True)


if __name__ == "__main__":
    # By its name, under which worker processes import it too.
    import measure

    measure.main()
