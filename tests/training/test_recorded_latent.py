"""data/recorded: the scores of notebook 13 over five networks, and the script that made them."""

import pandas as pd
import pytest
from notebook_tools import run_python

from helpers.files import COURSE

FOLDER = COURSE / "data" / "recorded"
SEEDS = [1, 2, 3, 4, 5]


@pytest.fixture(scope="module")
def recorded():
    return pd.read_csv(FOLDER / "latent.csv")


def test_every_score_has_seeds(recorded):
    for score, rows in recorded.groupby("score"):
        assert sorted(rows["seed"]) == SEEDS, score
    assert recorded["value"].between(0, 1).all()


def test_data_card(recorded):
    card = (COURSE / "data" / "README.md").read_text(encoding="utf-8")
    assert f"| Size | {len(recorded)} scores" in card


def test_the_script_scores_the_first_network_again(recorded, simulated, tmp_path):
    """Trained by notebook 06 or 13 if these ran before; other machines come only near it."""
    done = run_python(FOLDER / "latent.py", "--seeds", 1, "--to", tmp_path, environment=simulated)
    assert done.returncode == 0, done.stdout
    again = pd.read_csv(tmp_path / "latent.csv").set_index("score")["value"]
    stored = recorded[recorded["seed"] == 1].set_index("score")["value"]
    assert set(again.index) == set(stored.index)
    for score, value in stored.items():
        assert again[score] == pytest.approx(value, abs=0.06), score


def test_what_the_notebook_says_in_words(recorded):
    """Where prose states a finding of the recorded scores."""
    mean = recorded.groupby("score")["value"].mean()
    # "Neighbours and class means come close to the classifier."
    for rule in ("1-NN", "5-NN", "class means"):
        assert abs(mean[rule] - mean["classifier"]) < 0.03
    # "Early blocks describe strokes, which tell hands apart. Later ones keep characters."
    writer = [mean[f"writer, block {n}"] for n in range(1, 5)]
    character = [mean[f"character, block {n}"] for n in range(1, 5)]
    assert character == sorted(character)
    assert max(writer[:2]) > 1.5 * writer[-1] and writer[-1] > 2 / 40
    assert min(writer[:2]) > mean["writer, pixels"]
