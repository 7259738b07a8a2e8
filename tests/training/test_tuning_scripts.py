"""The scripts of data/tuning make such files as are stored there: they train again."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from helpers import tuning_table
from helpers.files import COURSE

FOLDER = COURSE / "data" / "tuning"
NAMES = ("tuning_table.npz", "tuning_table.json")


def record(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


@pytest.fixture
def scripts(monkeypatch):
    """The scripts' folder can be imported from."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def run_script(name, *arguments):
    return subprocess.run(
        [sys.executable, str(FOLDER / name), *arguments],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONUTF8": "1"},
    )


def test_one_point_trained_again(scripts, tmp_path):
    """In a process of one thread, as it was recorded: on that machine, the same to the digit.

    Another one rounds otherwise. Early epochs hardly show it; late ones stray, most of all
    the last of the fastest learners, and their mean much less.
    """
    import measure

    recorded = tuning_table.load().accuracy
    quick = [
        row
        for row, params in enumerate(tuning_table.ROWS)
        if params["log2_filters"] == 2 and params["batch_size"] == 128
    ]
    row = max(quick, key=lambda r: recorded[r, -1])
    again = measure.table([row], tuning_table.EPOCHS, tmp_path, measure.PROCESSES)["accuracy"]
    assert recorded[row, -1] > 0.25
    assert again.shape == (1, tuning_table.EPOCHS)
    # With other seeds, the early epochs are 0.07 to 0.1 away.
    np.testing.assert_allclose(again[0, :4], recorded[row, :4], atol=0.03)
    assert again[0, -5:].mean() == pytest.approx(recorded[row, -5:].mean(), abs=0.05)


def test_a_lost_training_counts_as_chance(scripts, monkeypatch):
    import measure

    hopeless = tuning_table.ROWS[0] | {"log10_rate": 30.0}
    monkeypatch.setattr(tuning_table, "ROWS", (hopeless,))
    lost = measure.train(0, epochs=1)
    assert lost["diverged"] and lost["accuracy"] == pytest.approx(1 / 55)


def test_the_script_makes_such_files(tmp_path):
    before = [(FOLDER / name).read_bytes() for name in NAMES]
    done = run_script("measure.py", "--try", "--to", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert before == [(FOLDER / name).read_bytes() for name in NAMES]
    made = json.loads((tmp_path / NAMES[1]).read_text(encoding="utf-8"))
    about = record(NAMES[1])
    assert made.keys() == about.keys()
    assert (made["points"], made["epochs"]) == (3, 1)
    for name in ("what", "made by", "seed", "space", "images", "writers"):
        assert made[name] == about[name]
    with np.load(tmp_path / NAMES[0]) as new, np.load(FOLDER / NAMES[0]) as old:
        assert set(new.files) == set(old.files)
        # The first epoch of a training is the same, however many follow.
        rows = slice(None, None, len(tuning_table.ROWS) // 3 + 1)
        np.testing.assert_allclose(new["accuracy"][:, 0], old["accuracy"][rows, 0], atol=0.02)


def test_comparison_script(tmp_path):
    before = (FOLDER / "comparison.json").read_bytes()
    done = run_script("compare.py", "--try", "--to", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (FOLDER / "comparison.json").read_bytes() == before
    path = tmp_path / "comparison.json"
    made = json.loads(path.read_text(encoding="utf-8"))
    assert made.keys() == record("comparison.json").keys()
    short = [row for row in made["searches"] if row["sampler"] != "Gaussian process"]
    assert len(short) == 18
    assert {len(row["winner"]) for row in short} == {1}
