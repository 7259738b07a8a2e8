"""Seconds an epoch of the lecture's CNN: plain `fit` against other settings.

    python tests/benchmarks/bench_training.py

All variants train the same network on the same 4,317 images with the same batches.
Random pixels would do as well: the time does not depend on what is learned.
"""

import statistics
import time

import numpy as np

from helpers.quiet_keras import keras

IMAGES, CLASSES, BATCH = 4317, 55, 128


def make_cnn():
    layers = keras.layers
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((80, 60, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(4),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(CLASSES),
        ]
    )


def compiled(**settings):
    model = make_cnn()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], **settings)
    return model


def run(repeats=3):
    """Rows (what, seconds of plain fit, seconds of the variant, note): medians."""
    import tensorflow as tf

    random = np.random.default_rng(0)
    X = random.integers(0, 256, (IMAGES, 80, 60, 1), dtype=np.uint8)
    y = random.integers(0, CLASSES, IMAGES)
    as_float = X.astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices((as_float, y)).cache()
    dataset = dataset.shuffle(IMAGES).batch(BATCH).prefetch(2)
    variants = {
        "plain fit, uint8 images": (compiled(), (X, y)),
        "float32 images": (compiled(), (as_float, y)),
        "tf.data, cached, prefetched": (compiled(), (dataset,)),
        "steps_per_execution=8": (compiled(steps_per_execution=8), (X, y)),
    }
    seconds = {what: [] for what in variants}
    for repeat in range(repeats + 1):
        for what, (model, data) in variants.items():
            batch = {} if len(data) == 1 else {"batch_size": BATCH}
            start = time.perf_counter()
            model.fit(*data, epochs=1, verbose=0, **batch)
            if repeat:  # the first epoch also builds the graph
                seconds[what].append(time.perf_counter() - start)
    medians = {what: statistics.median(t) for what, t in seconds.items()}
    reference = medians.pop("plain fit, uint8 images")
    note = f"an epoch of the lecture's CNN, {IMAGES:,} images"
    return [(what, reference, ours, note) for what, ours in medians.items()]


if __name__ == "__main__":
    for what, reference, ours, note in run():
        print(f"{what}: {reference:.2f} s -> {ours:.2f} s ({note})")
