"""Figures of Keras models: importing Keras takes longer than all other tests of plots."""

import pytest

from helpers import plots
from helpers.quiet_keras import keras

layers = keras.layers


def test_volumes_of_a_keras_model():
    model = keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(6, 5, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.AveragePooling2D(2),
            layers.SeparableConv2D(8, 3, strides=2),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(10),
        ]
    )
    multiplications = 28**2 * 25 * 6 + 6**2 * (9 * 6 + 6 * 8) + 8 * 10
    assert plots.volumes(model, "A mixture").get_label() == (
        "A mixture: input 32x32x1, conv 5x5 28x28x6, average 2x2 stride 2 14x14x6, "
        "separable 3x3 stride 2 6x6x8, global average 8, dense 10; "
        f"{model.count_params():,} parameters, {multiplications:,} multiplications for one image."
    )
    start = keras.Input((8, 8, 4))
    branches = layers.Add()([layers.Conv2D(4, 3, padding="same")(start), start])
    with pytest.raises(ValueError, match="branches: 'add.*' has several inputs"):
        plots.volumes(keras.Model(start, branches))
    with pytest.raises(ValueError, match="not built"):
        plots.volumes(keras.Sequential([layers.Dense(3)]))
