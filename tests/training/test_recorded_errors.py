"""data/recorded: what notebook 07 shows over several seeds, and the script that trained it."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from support import module_of

from helpers.files import COURSE

FOLDER = COURSE / "data" / "recorded"


@pytest.fixture(scope="module")
def script():
    return module_of(FOLDER / "errors.py")


@pytest.fixture(scope="module")
def tables(script):
    """The three tables: looks, counts of confidences, trainings with noise."""
    return [pd.read_csv(FOLDER / name) for name in script.FILES[:3]]


def card_of(script):
    return json.loads((FOLDER / script.FILES[3]).read_text(encoding="utf-8"))


def test_every_training_is_recorded_once(script, tables):
    looks, confidence, noise = tables
    for seed in script.SEEDS:
        assert tuple(looks.loc[looks["seed"] == seed, "epoch"]) == script.LOOKS
        assert tuple(noise.loc[noise["seed"] == seed, "way"]) == script.WAYS
    assert len(looks) == len(script.SEEDS) * len(script.LOOKS)
    assert len(noise) == len(script.SEEDS) * len(script.WAYS)
    assert len(confidence) == len(looks) * 2 * script.BINS
    images = confidence.groupby(["seed", "epoch"])["images"].sum()
    assert images.nunique() == 1  # each look is at the whole test set
    right = confidence[confidence["answer"] == "right"].groupby(["seed", "epoch"])["images"].sum()
    shares = (right / images).to_numpy()
    np.testing.assert_allclose(shares, looks.sort_values(["seed", "epoch"])["test"], atol=1e-3)


def test_they_are_small_and_have_a_card(script, tables):
    looks, _, noise = tables
    assert sum((FOLDER / name).stat().st_size for name in script.FILES) < 200_000
    card = card_of(script)
    trainings = looks["seed"].nunique() + len(noise)
    assert card["trainings"] == trainings
    seconds = looks.groupby("seed")["seconds"].max().sum() + noise["seconds"].sum()
    assert card["processor_seconds"] == pytest.approx(seconds, abs=1)
    data = (COURSE / "data" / "README.md").read_text(encoding="utf-8")
    assert f"| Size | {trainings} trainings: five seeds of six kinds |" in data


def test_the_notebooks_findings_are_in_them(tables):
    """What its prose says in words, whatever the seeds; its numbers are computed."""
    looks, _, noise = tables
    by_epoch = {column: looks.pivot(index="seed", columns="epoch", values=column)
                for column in ("train", "test", "wrong_over_90", "sure_wrong", "sure_right")}  # fmt: skip
    assert (by_epoch["train"][80] > 0.98).all()  # converged
    assert (by_epoch["test"][80] > by_epoch["test"][10]).all()  # surer, and no worse
    for column in ("wrong_over_90", "sure_wrong", "sure_right"):
        assert (by_epoch[column][80] > by_epoch[column][10] + 0.02).all(), column
    assert (looks["temperature"] > 1).all()
    assert (looks["test_nll_scaled"] < looks["test_nll"]).all()
    ways = noise.pivot(index="seed", columns="way", values="test")
    gain = ways.sub(ways["as is"], axis=0).mean()
    assert gain["suspects removed"] > 0.01 and gain["relabelled"] > 0.01
    assert gain["random removed"] < 0.01 < gain["labels as they were"]
    assert (noise["found"] > 0.7).all()


def test_what_exercise_1_shows_can_be_told_apart(tables):
    """The last bars after 10, 20 and 80 epochs, of the seeds together and of each."""
    wrong = tables[1][tables[1]["answer"] == "wrong"]
    for least, parts in ((0.1, [wrong]), (0.02, [one for _, one in wrong.groupby("seed")])):
        for part in parts:
            counts = part.groupby(["epoch", "from"])["images"].sum()
            last = counts.groupby("epoch").agg(lambda n: n.iloc[-1] / n.sum())
            assert last[10] + least < last[20] < last[80] - least


def test_it_is_the_handwriting_of_today(script):
    advice = "the handwriting has changed: run data/recorded/errors.py again"
    assert script.casia.load().digest == card_of(script)["handwriting"], advice


def test_suspects_and_scores_are_right(script):
    """On values that one can work out by hand."""
    F = np.eye(4)[[0, 0, 1, 1, 1]]
    doubt, read = script.suspicion(F, np.array([5, 5, 7, 7, 5]))
    assert doubt.argmax() == 4 and read[4] == 7 and (doubt[:4] <= 0).all()
    noisy, wrong = script.changed(np.arange(100) % 10, 0.2, 10, np.random.default_rng(1))
    assert wrong.sum() == 20 and ((noisy != np.arange(100) % 10) == wrong).all()
    sure, right = np.array([0.95, 0.95, 0.55, 0.45]), np.array([1, 0, 1, 0])
    assert script.calibration_error(sure, right) == pytest.approx((0.9 + 0.45 + 0.45) / 4)
    logits = np.log(np.array([[0.9, 0.1], [0.9, 0.1]]))
    best = script.temperature_of(np.repeat(logits, 50, axis=0), np.repeat([0, 0, 0, 1], 25))
    assert np.exp(script.log_softmax(logits, best))[0, 0] == pytest.approx(0.75, abs=1e-3)


def test_the_script_trains_it_again(script, tables, tmp_path):
    """The first epochs of one seed, in a process of its own; a second call trains nothing."""
    command = [sys.executable, FOLDER / "errors.py", "longer", "--seeds", "1"]
    command += ["--epochs", "10", "--to", tmp_path]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    (again,) = pd.read_csv(tmp_path / script.FILES[0]).to_dict("records")
    looks = tables[0]
    stored = looks[(looks["seed"] == 1) & (looks["epoch"] == 10)].iloc[0]
    for column in ("train", "val", "test"):
        assert again[column] == pytest.approx(stored[column], abs=0.05), column
    once_more = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.startswith("longer, seed 1") and once_more.stdout == ""
