"""Keras finds Sobel's kernel from several starts, as notebook 02 says."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from helpers import photos
from helpers.quiet_keras import keras

SOBEL_GX = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_way_down_leads_to_one_kernel(seed):
    blocks = photos.load("cat")[60:180, 110:230].reshape(60, 2, 60, 2, 3)
    eye = blocks.mean(axis=(1, 3)).mean(axis=2)
    X = sliding_window_view(eye / 255, (3, 3)).reshape(-1, 3, 3, 1)
    y = np.sum(X[:, :, :, 0] * SOBEL_GX, axis=(1, 2)).reshape(-1, 1, 1, 1)
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.layers.Conv2D(1, 3, use_bias=False)])
    model.compile(optimizer=keras.optimizers.Adam(0.03), loss="mse")
    history = model.fit(X, y, epochs=10, verbose=0)
    losses = history.history["loss"]
    assert losses[-1] < losses[0] / 100
    found = model.get_weights()[0][:, :, 0, 0]
    assert np.abs(found - SOBEL_GX).max() < 0.5
    assert np.array_equal(found.round(), SOBEL_GX)
