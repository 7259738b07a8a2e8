"""data/recorded: what notebook 10 shows over five seeds, and the script that trained it."""

import pandas as pd
import pytest
from support import module_of

from helpers.files import COURSE

FOLDER = COURSE / "data" / "recorded"
KEYS = ["experiment", "way", "per_class", "seed"]


@pytest.fixture(scope="module")
def recorded():
    return pd.read_csv(FOLDER / "transfer.csv")


@pytest.fixture(scope="module")
def script():
    return module_of(FOLDER / "transfer.py")


def test_every_training_has_seeds(recorded, script):
    assert set(recorded["experiment"]) == set(script.EXPERIMENTS)
    for key, rows in recorded.groupby(KEYS[:-1]):
        assert sorted(rows["seed"]) == list(script.SEEDS), key
    assert recorded["accuracy"].between(0, 1).all()


def test_the_old_task_is_measured_where_the_base_could_forget_it(recorded):
    measured = recorded["old_accuracy"].notna()
    assert (measured == (recorded["experiment"] == "order")).all()


def test_data_card(recorded):
    card = (COURSE / "data" / "README.md").read_text(encoding="utf-8")
    assert f"| Size | {len(recorded)} trainings" in card


def test_the_script_trains_it_again(recorded, script):
    """Its first training; other machines come only near it."""
    *key, run = next(script.scratch(script.SEEDS))
    stored = recorded.set_index(KEYS)["accuracy"]
    assert run()[0] == pytest.approx(stored["scratch", *key], abs=0.1)


def test_what_the_notebook_says_in_words(recorded):
    """Where prose states a finding of the recorded trainings."""
    mean = recorded.groupby(KEYS[:-1])[["accuracy", "old_accuracy"]].mean()
    new, old = mean["accuracy"]["order"], mean["old_accuracy"]["order"]
    stages, fair = ("then everything", 1), ("at once, rate 0.001", 1)
    assert new[stages] > new[fair] + 0.3 and old[stages] > old[fair] + 0.2
    assert new["at once, rate 0.01", 1] < 0.1 and old["at once, rate 0.01", 1] < 0.1
    assert new["at once, rate 0.0002", 1] < 0.1 and old["at once, rate 0.0002", 1] > 0.8
    assert abs(new[stages] - new["head only", 1]) < 0.05
    varied = mean["accuracy"]["varied"]
    assert varied["mirrored", 2] < varied["as they are", 2] < varied["slightly", 2]
