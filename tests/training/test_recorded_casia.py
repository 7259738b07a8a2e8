"""data/recorded: what notebook 06 shows over five seeds, and the script that trained it."""

import json
import re
import subprocess
import sys

import nbformat
import numpy as np
import pandas as pd
import pytest
from notebook_tools import lecture, text_of
from support import module_of

from helpers.files import COURSE

FOLDER = COURSE / "data" / "recorded"
FILES = [FOLDER / name for name in ("casia_runs.csv", "casia_curves.csv", "casia.json")]


@pytest.fixture(scope="module")
def runs():
    return pd.read_csv(FILES[0])


@pytest.fixture(scope="module")
def curves():
    return pd.read_csv(FILES[1])


@pytest.fixture(scope="module")
def script():
    return module_of(FOLDER / "casia.py")


def test_every_experiment_is_recorded_once_for_each_seed(runs, curves, script):
    planned = {(name, seed) for name in script.EXPERIMENTS for seed in script.SEEDS}
    assert set(runs[["experiment", "seed"]].itertuples(index=False, name=None)) == planned
    assert not runs.duplicated(["experiment", "seed"]).any()
    epochs = curves.groupby(["experiment", "seed"])["epoch"].agg(["max", "size"])
    stated = runs.set_index(["experiment", "seed"])["epochs"].sort_index()
    assert (epochs["max"] == stated).all() and (epochs["size"] == stated).all()


def test_they_are_small_and_have_a_card(runs):
    assert sum(file.stat().st_size for file in FILES) < 1_000_000
    card = json.loads(FILES[2].read_text(encoding="utf-8"))
    assert card["trainings"] == len(runs)
    assert card["processor_seconds"] == pytest.approx(runs["seconds"].sum(), abs=1)
    data = (COURSE / "data" / "README.md").read_text(encoding="utf-8")
    assert f"| Size | {len(runs)} trainings of 12 kinds" in data


def test_training_stopped_when_nothing_rose(runs, curves, script):
    """Early stopping fired, or the rate had fallen to 0; nothing was cut off."""
    for (name, _), one in curves.groupby(["experiment", "seed"]):
        what = script.EXPERIMENTS[name]
        if what.falls:
            assert len(one) == script.FALLING
        else:
            best = one["val_accuracy"].to_numpy().argmax() + 1
            assert len(one) == best + script.PATIENCE
            assert len(one) < script.AT_MOST


def test_the_notebooks_findings_are_in_them(runs):
    """What its prose says in words, whatever the seeds; its numbers are computed."""
    parameters = runs.groupby("experiment")["parameters"].max()
    assert parameters["better CNN"] < parameters["CNN"] == 88_375 < parameters["logistic"]
    test = runs.groupby("experiment")["test"].agg(["min", "max"])
    low, high = test["min"], test["max"]
    assert low["CNN"] > high["logistic"] + 0.15
    assert high["CNN, permuted pixels"] < high["logistic"] + 0.05
    assert low["better CNN"] > high["CNN"] + 0.03
    assert low["CNN, 20 writers"] > high["CNN, 5 writers"]
    permuted = runs[runs["experiment"] == "CNN, permuted pixels"]
    assert (permuted["train"] > 0.5).all()  # it has trained


def test_the_notebooks_live_run_is_like_them(runs):
    """What 06 has stored: trained with more threads, so not to the digit."""
    text = text_of(nbformat.read(lecture("06"), as_version=4))
    for name in ("CNN", "better CNN"):
        (live,) = re.findall(rf"^test accuracy, {name} +([\d.]+)", text, re.MULTILINE)
        recorded = runs.loc[runs["experiment"] == name, "test"]
        width = recorded.max() - recorded.min()
        assert recorded.min() - width / 2 < float(live) < recorded.max() + width / 2, name


def test_it_is_the_handwriting_of_today(script):
    card = json.loads(FILES[2].read_text(encoding="utf-8"))
    advice = "the handwriting has changed: run data/recorded/casia.py again"
    assert script.load().digest == card["handwriting"], advice


def test_permuting_keeps_every_pixel(script):
    X = np.random.default_rng(1).integers(0, 256, (3, 80, 60, 1), np.uint8)
    one = script.permuted(X)
    assert one.shape == X.shape
    half = X.reshape(3, 40, 2, 30, 2).mean((2, 4)).reshape(3, -1)
    np.testing.assert_allclose(np.sort(one[:, ::2, ::2].reshape(3, -1)), np.sort(half), rtol=1e-6)
    np.testing.assert_array_equal(one[:, ::2, ::2], one[:, 1::2, 1::2])


def test_the_script_trains_it_again(runs, curves, tmp_path):
    """The first epochs of one seed, in a process of its own; a second call trains nothing."""
    command = [sys.executable, FOLDER / "casia.py", "logistic", "better CNN", "--seeds", "1"]
    command += ["--epochs", "2", "--to", tmp_path]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    again = pd.read_csv(tmp_path / "casia_curves.csv").set_index(["experiment", "seed", "epoch"])
    stored = curves.set_index(["experiment", "seed", "epoch"])
    assert len(again) == 4
    for column in ("accuracy", "val_accuracy"):
        difference = (again[column] - stored.loc[again.index, column]).abs()
        assert difference.max() < 0.05, column  # other processors round differently
    once_more = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert "logistic, 1" in done.stdout and once_more.stdout == ""
