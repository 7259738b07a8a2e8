"""data/recorded: what notebook 04 shows over five seeds, and the script that trained it."""

import inspect

import nbformat
import pandas as pd
import pytest
from refresh_notebooks import NOTEBOOKS
from support import module_of

from helpers.files import COURSE

FOLDER = COURSE / "data" / "recorded"


@pytest.fixture(scope="module")
def recorded():
    return pd.read_csv(FOLDER / "pooling.csv")


@pytest.fixture(scope="module")
def script():
    return module_of(FOLDER / "pooling.py")


@pytest.fixture(scope="module")
def code():
    """The code of notebook 04."""
    (path,) = NOTEBOOKS.glob("04_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def test_every_network_has_every_seed_and_epoch(recorded, script):
    keys = set(recorded[["how", "seed", "epoch"]].itertuples(index=False, name=None))
    epochs = range(1, script.EPOCHS + 1)
    assert keys == {(h, s, e) for h in script.WAYS for s in script.SEEDS for e in epochs}
    assert len(recorded) == len(keys)


def test_data_card(recorded, script):
    card = (COURSE / "data" / "README.md").read_text(encoding="utf-8")
    trainings = recorded.groupby(["how", "seed"]).ngroups
    assert f"| Size | {trainings} trainings of {script.EPOCHS} epochs" in card


def test_they_have_converged(recorded, script):
    """The last quarter of the epochs changes next to nothing, and little is left to learn."""
    late = recorded[recorded["epoch"] > 0.75 * script.EPOCHS].groupby(["how", "seed"])
    for score in ("training", "accuracy", "changed"):
        assert (late[score].max() - late[score].min()).max() < 0.01, score
    assert late["training"].last().min() > 0.98


def test_the_notebook_trains_the_same_networks(code, script):
    assert inspect.getsource(script.small_cnn).strip() in code
    assert inspect.getsource(script.classes).strip() in code
    assert f'recorded["epoch"] == {script.EPOCHS}' in code
    assert f"epochs={script.EPOCHS}, batch_size={script.BATCH}" in code
    assert f"CosineDecay({script.RATE:.0e}".replace("e-0", "e-") in code


def test_the_script_trains_them_again(recorded, script):
    """Two epochs of the first one; other machines come only near them."""
    how, seed = script.WAYS[0], script.SEEDS[0]
    stored = recorded.query("how == @how and seed == @seed").set_index("epoch")
    for epoch, scores in enumerate(script.runs(how, seed, epochs=2), start=1):
        assert scores == pytest.approx(stored.loc[epoch, list(script.COLUMNS[3:])], abs=0.03)


def test_the_live_run_is_among_the_recorded_ones(recorded, script):
    """Notebook 04 trains one of these with another seed."""
    how, seed = "max pool 2", max(script.SEEDS) + 1
    *_, live = script.runs(how, seed)
    last = recorded[(recorded["how"] == how) & (recorded["epoch"] == script.EPOCHS)]
    for score, value in zip(script.COLUMNS[3:], live, strict=True):
        spread = last[score].max() - last[score].min()
        assert abs(value - last[score].mean()) < 2 * spread, score


def test_what_the_notebook_says_in_words(recorded, script):
    """Pooling makes a network less sensitive to shifts, never insensitive."""
    last = recorded[recorded["epoch"] == script.EPOCHS]
    changed = last.groupby("how")["changed"].mean()
    strided, pooled, overlapping = (changed[how] for how in script.WAYS)
    assert strided > 1.3 * pooled > 1.3 * overlapping > 0.02
