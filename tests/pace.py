"""How slow this machine is: `slowness()`, 1.0 where it is as quick as budgets suppose.

Budgets are seconds on two quiet cores on which the lecture's CNN trains on 25,764
images in 26 s, so that an image costs 2 ms of a core. The same network is trained here
on a few images, in a process of its own with one thread; what it computed is compared.
    python tests/pace.py        prints the processor seconds an image
"""

import subprocess
import sys
import time

SUPPOSED = 2 * 26 / 25_764  # processor seconds an image
IMAGES = 1600
COMMAND = [sys.executable, __file__]


def seconds_per_image():
    """Train the network of notebook 06 for an epoch; processor seconds an image."""
    import numpy as np

    from helpers.quiet_keras import keras

    layers = keras.layers
    keras.utils.set_random_seed(0)
    X = np.random.rand(IMAGES, 80, 60, 1).astype("float32")
    y = np.random.randint(0, 100, IMAGES)
    model = keras.Sequential([keras.Input(X.shape[1:])])
    for filters, size in ((16, 2), (32, 2), (64, 4)):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(size))
    model.add(layers.Flatten())
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dense(100))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    model.fit(X[:128], y[:128], batch_size=128, verbose=0)  # compiles
    began = time.process_time()
    model.fit(X, y, batch_size=128, verbose=0)
    return (time.process_time() - began) / IMAGES


def slowness(environment):
    """How many times the supposed seconds a training takes here; 1 at least.

    environment: that of notebooks, a dictionary.
    """
    process = subprocess.run(
        COMMAND,
        env=environment | {"TF_NUM_INTRAOP_THREADS": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return max(1.0, float(process.stdout) / SUPPOSED)


if __name__ == "__main__":
    print(seconds_per_image())
