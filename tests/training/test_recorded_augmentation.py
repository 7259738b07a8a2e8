"""data/recorded: what notebook 12 shows over five seeds, and the script that trained it."""

import inspect
import itertools

import nbformat
import numpy as np
import pandas as pd
import pytest
from refresh_notebooks import NOTEBOOKS
from support import module_of

from helpers.files import COURSE

FOLDER = COURSE / "data" / "recorded"
KEYS = ["experiment", "way", "per_class", "rate", "seed"]


@pytest.fixture(scope="module")
def recorded():
    return pd.read_csv(FOLDER / "augmentation.csv")


@pytest.fixture(scope="module")
def script():
    return module_of(FOLDER / "augmentation.py")


@pytest.fixture(scope="module")
def code():
    """The code of notebook 12."""
    (path,) = NOTEBOOKS.glob("12_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


@pytest.fixture(scope="module")
def mean(recorded):
    """A function: the mean accuracy over seeds."""
    means = recorded.groupby([*KEYS[:-2], "on"])["accuracy"].mean()
    return lambda *key: means[key]


def test_every_training_is_recorded_once_with_every_seed(recorded, script):
    assert not recorded.duplicated([*KEYS, "on"]).any()
    assert recorded["accuracy"].between(0, 1).all()
    found = set(recorded[KEYS].astype(object).fillna("").itertuples(index=False, name=None))
    planned = {
        (name, *way)
        for name, experiment in script.EXPERIMENTS.items()
        for *way, _ in experiment(script.SEEDS)
    }
    assert found == planned


def test_data_card(recorded):
    card = (COURSE / "data" / "README.md").read_text(encoding="utf-8")
    assert f"| Size | {recorded.groupby(KEYS, dropna=False).ngroups} trainings" in card


def test_they_have_converged(recorded, mean):
    """As they are, all training images are right; twice as many steps change little."""
    trained = recorded[recorded["on"] == "training"]
    assert (
        trained[trained["way"] == "as they are"].groupby("experiment")["accuracy"].mean().min()
        > 0.97
    )
    for way in ("as they are", "varied"):
        kinds = recorded.query("experiment == 'kinds' and way == @way and rate == 0.01")
        short = kinds[kinds["on"] == "test"]["accuracy"].mean()
        assert abs(mean("longer", way, 20, "test") - short) < 0.015


def test_the_notebook_uses_the_same_networks_and_images(code, script):
    for function in (script.small_cnn, script.slightly, script.some_of_each, script.disturbed):
        assert inspect.getsource(function).strip() in code
    for split in ("test_size=1000", "random_state=4", "CosineDecay(1e-2, 400)"):
        assert split in code
    assert script.STEPS == 400 and script.BATCH == 32


def test_the_script_trains_them_again(recorded, script):
    """Its first training; other machines come only near it."""
    *key, run = next(script.EXPERIMENTS["counts"](script.SEEDS))
    stored = recorded.set_index([*KEYS, "on"])["accuracy"]
    for on, accuracy in run().items():
        assert accuracy == pytest.approx(stored["counts", *key, on], abs=0.1)


def test_mixed_labels_go_with_mixed_images(script):
    """Images of a single value, so that a mixed image tells its shares."""
    y = np.eye(10, dtype="float32")[np.arange(32) % 10]
    X = np.full((32, 28, 28, 1), y.argmax(axis=1)[:, None, None, None], "float32")
    for way in ("mixup", "CutMix"):
        images, labels = script.apply(script.WAYS[way](), X, y)
        shares = np.asarray(labels) @ np.arange(10)
        assert np.asarray(images).mean(axis=(1, 2, 3)) == pytest.approx(shares, abs=0.7)


def test_what_the_notebook_says_in_words(recorded, mean):
    """Where prose states a finding of the recorded trainings."""

    def gain(experiment, per_class, varied="varied"):
        pair = (mean(experiment, way, per_class, "test") for way in (varied, "as they are"))
        return np.subtract(*pair)

    # The fewer images, the more small variations are worth; a base leaves little to gain.
    assert gain("counts", 5) > gain("counts", 50) > gain("ranges", 100) > 0
    base = [gain("base", n, "photos, varied") for n in (2, 5, 20)]
    assert max(base) < gain("counts", 5) / 2 and np.abs(base[1:]).max() < 0.02
    scratch = recorded.query("experiment == 'scratch' and per_class == 5 and on == 'test'")
    scratch = scratch.groupby(["way", "rate"])["accuracy"].mean()
    assert scratch["photos, varied"].min() > scratch["as they are"].max() + 0.03
    assert mean("base", "as they are", 5, "test") > scratch.max() + 0.2

    # Turned by any angle, a 6 loses most and a 1 nothing; the images are not learnt by then.
    def kind(way, on):
        rows = recorded.query("experiment == 'kinds' and way == @way and on == @on")
        return rows.groupby("rate")["accuracy"].mean().max()

    turned = "turned by any angle"
    lost = [kind("as they are", f"digit {d}") - kind(turned, f"digit {d}") for d in range(10)]
    assert np.argmax(lost) == 6 and lost[1] < 0
    assert kind(turned, "training") < 0.95 < 0.99 < kind("mirrored", "training")

    # What imitates writing helps most; each way was best at the rate of the slow ones.
    assert min(kind(way, "test") for way in ("varied", "elastic")) > 0.02 + max(
        kind(way, "test") for way in ("mixup", "CutMix", "erased", "mirrored")
    )
    rates = recorded.query("experiment == 'kinds' and on == 'validation'")
    best = rates.groupby(["way", "rate"])["accuracy"].mean().unstack().idxmax(axis=1)
    assert set(best) == {0.01}

    # Averaging over copies harms a network that has never seen any.
    assert kind("as they are", "mean of 16") < kind("as they are", "test") - 0.03
    for way in ("as they are", "varied"):
        assert kind(way, "mean of 1") < kind(way, "test") - 0.03

    # Rare digits: varying beats weights and resampling alone.
    def rare(way):
        return np.mean([mean("rare", way, 100, f"digit {digit}") for digit in (3, 5, 8)])

    alone = rare("class weights"), rare("resampled")
    assert rare("as they are") < min(alone) and max(alone) < rare("resampled and varied")

    # Varying the place costs robustness against noise and backgrounds.
    for state in ("noise", "background"):
        place, plain = (mean("ranges", way, 100, state) for way in ("varied", "as they are"))
        assert place < plain - 0.03

    # Robust where it was trained, and not far beyond.
    ways = "as they are", "varied", "turned by up to 30 degrees"
    at = [mean("ranges", way, 100, "turned by 30") for way in ways]
    assert at == sorted(at)
    for way, angle in itertools.product(ways, (-90, 90)):
        assert mean("ranges", way, 100, f"turned by {angle}") < 0.4

    # Noise buys noise.
    assert mean("ranges", "noise", 100, "noise") > mean("ranges", "varied", 100, "noise") + 0.1
    for state in ("background", "second digit"):
        assert mean("ranges", "varied", 100, state) < mean("ranges", "varied", 100, "clean") - 0.1


def test_rand_augment_draws_two_of_eleven_changes():
    """As the notebook says."""
    from helpers.quiet_keras import keras

    layer = keras.layers.RandAugment()
    assert layer.num_ops == 2 and len(layer._AUGMENT_LAYERS) == 11
    assert layer.random_rotation.factor[1] == 0.5
