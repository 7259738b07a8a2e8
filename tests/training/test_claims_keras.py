"""Our Poisson loss is Keras's."""

import pytest

from helpers import claims


def test_the_loss_is_that_of_keras():
    from helpers.quiet_keras import keras

    keras.utils.set_random_seed(4)
    some = claims.simulate(1_000, 6)
    X, y, exposure = claims.arrays(some)
    model = keras.Sequential([keras.Input((9,)), keras.layers.Dense(1, "exponential")])
    model.compile(loss="poisson")
    # 1,000 is no multiple of 300: batches of unequal size.
    loss = model.evaluate(X, y, sample_weight=exposure, batch_size=300, verbose=0)
    predicted = model.predict(X, verbose=0)
    ours = claims.poisson_loss(some, predicted)
    assert loss == pytest.approx(ours, abs=1e-6)
    assert ours == claims.poisson_loss(some, predicted[:, 0])
