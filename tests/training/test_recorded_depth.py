"""data/recorded: what notebook 11 shows over five seeds, and the script that trained it."""

import inspect

import nbformat
import numpy as np
import pandas as pd
import pytest
from refresh_notebooks import NOTEBOOKS
from support import module_of

from helpers.files import COURSE
from helpers.scores import mean_interval

FOLDER = COURSE / "data" / "recorded"


@pytest.fixture(scope="module")
def recorded():
    return pd.read_csv(FOLDER / "depth.csv")


@pytest.fixture(scope="module")
def script():
    return module_of(FOLDER / "depth.py")


@pytest.fixture(scope="module")
def code():
    """The code of notebook 11."""
    (path,) = NOTEBOOKS.glob("11_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


@pytest.fixture(scope="module")
def ends(recorded):
    """(experiment, way, what) -> one number for each seed."""
    last = recorded.groupby(["experiment", "way", "seed"]).tail(1)
    last = last.sort_values("seed").set_index(["experiment", "way"])
    return lambda experiment, way, what="accuracy": last.loc[(experiment, way), what].to_numpy()


def test_every_network_has_every_seed_and_epoch(recorded, script):
    keys = set(recorded[["experiment", "way", "seed", "epoch"]].itertuples(index=False, name=None))
    wanted = set()
    for experiment, way in script.ways():
        every = 10 if experiment == "dropout" else 1
        epochs = range(every, script.EPOCHS[experiment] + 1, every)
        wanted |= {(experiment, way, s, e) for s in script.SEEDS for e in epochs}
    assert keys == wanted and len(recorded) == len(keys)


def test_data_card(recorded, script):
    card = (COURSE / "data" / "README.md").read_text(encoding="utf-8")
    trainings = recorded.groupby(["experiment", "way", "seed"]).ngroups
    kinds = len(script.ways())
    assert f"| Size | {trainings} trainings of {kinds} kinds" in card
    assert trainings == kinds * len(script.SEEDS)


def test_the_notebook_trains_the_same_networks(code, script):
    functions = "convolve", "block", "twenty", "with_dropout", "shaped", "compile_model"
    for name in functions:
        assert inspect.getsource(getattr(script, name)).strip() in code, name
    assert f"train_size={script.IMAGES['layers']}" in code
    steps = -(-script.IMAGES["layers"] // script.BATCH)
    assert f"compile_model(net, 3e-3, steps={script.EPOCHS['layers']} * {steps})" in code
    assert script.RATE == 3e-3
    assert f"epochs={script.EPOCHS['layers']}, batch_size={script.BATCH}" in code


def test_shapes_cost_the_same(script):
    """The blocks of `shape`: as many weights and multiplications in each."""
    assert len({depth * filters**2 for depth, filters in script.SHAPES.values()}) == 1


def test_the_script_trains_them_again(recorded, script):
    """Two epochs of the first one that learns; other machines come only near them."""
    experiment, way, seed = "layers", "residual", script.SEEDS[0]
    rows = recorded.query("experiment == @experiment and way == @way and seed == @seed")
    for epoch, loss, seen, _ in script.runs(experiment, way, seed, epochs=2):
        assert np.isnan(seen)
        assert loss == pytest.approx(rows.set_index("epoch").loc[epoch, "loss"], abs=0.15)


def test_the_live_run_is_among_the_recorded_ones(ends, script):
    """Notebook 11 trains one of these with another seed."""
    way = "residual, batch norm"
    *_, (epoch, _, seen, live) = script.runs("layers", way, max(script.SEEDS) + 1)
    assert epoch == script.EPOCHS["layers"]
    assert seen > 0.98 and abs(live - ends("layers", way).mean()) < 0.04


def test_what_the_notebook_says_in_words(ends, script):
    """Plain stands still, each remedy gets it to learn; depth is no good in itself."""
    assert ends("layers", "plain").max() < 0.15 and ends("layers", "plain", "loss").min() > 2.2
    for way in list(script.LAYERS)[1:]:
        assert ends("layers", way).min() > 0.7, way
    assert ends("dropout", "0.0", "training").min() > 0.99  # by heart
    wide, *_, deep = script.SHAPES
    assert mean_interval(ends("shape", deep) - ends("shape", wide))[1] < 0
