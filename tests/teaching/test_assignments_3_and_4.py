"""What assignments 3 and 4 say about networks, lists and writers is true."""

import numpy as np
import pytest
from support import ROOT, module_of

from helpers.assignments import data, scans
from helpers.files import CourseError


@pytest.fixture
def recorded():
    """The script that trained the networks of notebook 06."""
    return module_of(ROOT / "data" / "recorded" / "casia.py")


def test_the_better_network_of_06_is_over_the_budget(recorded):
    """ "Sixteen times the parameters and three times the multiplications"."""
    from helpers.quiet_keras import keras

    better = recorded.cnn(len(data.LOOK_ALIKES), **recorded.EXPERIMENTS["better CNN"].network)
    layers = [type(layer).from_config(layer.get_config()) for layer in better.layers]
    cost = data.cost(keras.Sequential([keras.Input((*data.SHAPE, 1)), *layers]))
    assert (round(cost.parameters / 5_000), round(cost.multiplications / 250_000)) == (16, 3)


def test_other_writers_are_noticed(monkeypatch):
    """A change of the simulated writers would be other scans than those handed out."""
    scans._check_writers.cache_clear()
    monkeypatch.setattr(scans, "SEED", data.SEED + 1)
    try:
        with pytest.raises(CourseError, match="have changed since the files"):
            scans._check_writers()
    finally:
        scans._check_writers.cache_clear()


def test_what_a_list_lacks():
    planted = set(range(10))
    assert scans.list_faults(planted, planted, 0.9) == (False, False)
    assert scans.list_faults(set(range(9)), planted, 0.9) == (False, False)
    assert scans.list_faults(set(range(20)), planted, 0.9) == (True, False)
    assert scans.list_faults(set(range(5)), planted, 0.9) == (False, True)
    assert scans.list_faults({1, 30}, planted, 0.9) == (True, True)


def test_multiplied_weights():
    from helpers.quiet_keras import keras

    def network(seed):
        keras.utils.set_random_seed(seed)
        layers = [keras.layers.Dense(4), keras.layers.BatchNormalization(), keras.layers.Dense(2)]
        return keras.Sequential([keras.Input((3,)), *layers])

    one, other = network(1), network(1)
    assert scans.multiplied(one, other)
    other.set_weights([1.3 * w for w in one.get_weights()])
    assert scans.multiplied(one, other)
    assert not scans.multiplied(one, network(2))
    changed = one.get_weights()
    changed[0] = changed[0] + 0.1 * np.roll(changed[0], 1, axis=0)
    other.set_weights(changed)
    assert not scans.multiplied(one, other)
