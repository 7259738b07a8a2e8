"""Pretrains the course's own network; run it from anywhere, it takes minutes:

    python data/pretrained/pretrain.py

It writes compounds.keras and compounds.json beside this file. The network tells 300
compound characters apart (helpers/handwriting/compounds.py), none of which is among the 55
characters of the course. Notebooks 09 and 10 use it where there are no ImageNet
weights. Like many networks of `keras.applications` it expects values in [-1, 1] and
ends with `avg_pool` and a softmax named `predictions`.

`--try` trains for one epoch on 3 writers, and keeps nothing unless told where.
"""

import argparse
import hashlib
import json
import platform
import time
from datetime import date
from pathlib import Path

import numpy as np

from helpers.files import write_file
from helpers.handwriting import compounds
from helpers.quiet_keras import keras

FOLDER = Path(__file__).resolve().parent
SEED = 9
EPOCHS = 10
BATCH = 128
TRAINING = range(0, 150)  # writers; nobody else's compounds are learnt from
VALIDATION = range(1000, 1010)
TEST = range(2000, 2020)

layers = keras.layers


def network():
    """Images (80, 60, 1) with values in [-1, 1] -> 300 probabilities."""
    inputs = keras.Input((80, 60, 1), name="image")
    x = block(layers.Conv2D, inputs, 32, "stem", strides=2)
    x = block(layers.SeparableConv2D, x, 64, "block1")
    x = layers.MaxPooling2D(name="pool1")(x)
    x = block(layers.SeparableConv2D, x, 128, "block2a")
    x = block(layers.SeparableConv2D, x, 128, "block2b")
    x = layers.MaxPooling2D(name="pool2")(x)
    x = block(layers.SeparableConv2D, x, 256, "block3a")
    x = block(layers.SeparableConv2D, x, 256, "block3b")
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    outputs = layers.Dense(compounds.COUNT, activation="softmax", name="predictions")(x)
    return keras.Model(inputs, outputs, name="compounds")


def block(convolution, x, filters, name, **settings):
    """Convolution, batch normalization, ReLU."""
    x = convolution(
        filters,
        3,
        padding="same",
        use_bias=False,
        name=f"{name}_conv",
        **settings,
    )(x)
    # The default momentum, 0.99, is for longer trainings than this one.
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def trainer(net, steps):
    """The network behind augmentation and dropout, compiled."""
    # Functional models share layers, so what trains here trains `net`.
    inputs = keras.Input((80, 60, 1))
    x = layers.RandomPerspective((1.0, 1.0), scale=0.3, fill_value=255)(inputs)
    x = layers.Rescaling(1 / 127.5, offset=-1)(x)
    features = keras.Model(net.input, net.get_layer("avg_pool").output)
    x = layers.Dropout(0.2)(features(x))
    model = keras.Model(inputs, net.get_layer("predictions")(x))
    rate = keras.optimizers.schedules.CosineDecay(
        1e-4, steps, warmup_target=4e-3, warmup_steps=steps // 20
    )
    model.compile(
        keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(5)],
    )
    return model


def digest(net):
    """SHA-256 of all weights, in order."""
    state = hashlib.sha256()
    for weight in net.get_weights():
        state.update(np.ascontiguousarray(weight).tobytes())
    return state.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--try", dest="short", action="store_true")
    parser.add_argument("--to", type=Path, help="another folder for the result")
    options = parser.parse_args()
    training, epochs = (range(3), 1) if options.short else (TRAINING, EPOCHS)

    X, y = compounds.draw(training)
    keras.utils.set_random_seed(SEED)
    net = network()
    model = trainer(net, len(X) // BATCH * epochs)
    began = time.perf_counter()
    model.fit(
        X,
        y,
        batch_size=BATCH,
        epochs=epochs,
        validation_data=compounds.draw(VALIDATION[:3]),
        verbose=2,
    )
    seconds = time.perf_counter() - began
    # Looked at last: no choice above was made with the test writers.
    scores = {
        part: model.evaluate(*compounds.draw(writers), verbose=0)[1:]
        for part, writers in (("validation", VALIDATION), ("test", TEST))
    }
    about = {
        "what": "trained on simulated compound characters, not CASIA",
        "made by": "python data/pretrained/pretrain.py",
        "date": date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            keras.backend.backend(): __import__(keras.backend.backend()).__version__,
            "numpy": np.__version__,
        },
        "seed": SEED,
        "classes": compounds.COUNT,
        "training images": len(X),
        "training writers": len(training),
        "epochs": epochs,
        "seconds": round(seconds),
        "parameters": net.count_params(),
        "accuracy": {p: round(float(s[0]), 4) for p, s in scores.items()},
        "top-5 accuracy": {p: round(float(s[1]), 4) for p, s in scores.items()},
        "validation writers": len(VALIDATION),
        "test writers": len(TEST),
        "sha256 of the weights": digest(net),
    }
    print(json.dumps(about, indent=1))
    if options.short and options.to is None:
        return
    folder = options.to or FOLDER
    with write_file(folder / "compounds.keras") as partial:
        # Keras insists on the suffix.
        named = partial.with_name("partial.keras")
        net.save(named)
        named.replace(partial)
    with write_file(folder / "compounds.json") as partial:
        text = json.dumps(about, indent=1) + "\n"
        partial.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
