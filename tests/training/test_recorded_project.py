"""data/recorded: what notebook 15 shows over several seeds, and the script that trained it."""

import ast
import inspect

import nbformat
import numpy as np
import pandas as pd
import pytest
from refresh_notebooks import NOTEBOOKS
from support import module_of

from helpers.files import COURSE
from helpers.scores import wilson_interval

FOLDER = COURSE / "data" / "recorded"


@pytest.fixture(scope="module")
def recorded():
    return pd.read_csv(FOLDER / "project.csv")


@pytest.fixture(scope="module")
def script():
    return module_of(FOLDER / "project.py")


@pytest.fixture(scope="module")
def code():
    """The code of notebook 15."""
    (path,) = NOTEBOOKS.glob("15_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def test_every_training_is_recorded_once(recorded, script):
    """The script goes on where it was stopped: of each way there are the first seeds."""
    assert tuple(recorded.columns) == script.COLUMNS
    found = recorded.groupby("way")["seed"].apply(sorted)
    assert {*found.index} == {*script.WAYS}
    for way, seeds in found.items():
        assert tuple(seeds) == script.SEEDS[: len(seeds)], way
    scores = recorded[["validation", "accuracy", "macro_f1"]]
    assert ((scores >= 0) & (scores <= 1)).all(axis=None)


def test_data_card(recorded):
    card = (COURSE / "data" / "README.md").read_text(encoding="utf-8")
    section = card.partition("## Recorded trainings of notebook 15")[2].partition("\n## ")[0]
    assert f"| Size | {len(recorded)} trainings" in section


def test_the_parts_share_no_region(script):
    """Nor a copy: each group is in one part, for each seed."""
    (X, y, names, files, _, _), groups = script.crops()
    regions = np.array([file.rpartition("-")[0] for file in files])
    assert len(names) == 16 and len(X) == len(groups)
    for seed in script.SEEDS:
        part = script.split(y, groups, seed)
        for torn in (regions, groups):
            assert all(len({*part[torn == g]}) == 1 for g in np.unique(torn))
        for c in range(16):
            assert {*part[y == c]} == {0, 1, 2}


def test_groups_that_hold_several_classes(script):
    """Places, say, each with all classes: whole groups still, and each class in each part."""
    y = np.repeat([0, 1, 2], 20)
    places = np.tile(np.arange(5), 12)
    places[y == 2] += 3  # shares two of its places with the others
    for seed in range(5):
        part = script.split(y, places, seed)
        assert all(len({*part[places == g]}) == 1 for g in np.unique(places))
        for c in (0, 1, 2):
            assert {*part[y == c]} == {0, 1, 2}


def test_interval_where_all_are_right(code):
    """Groups drawn again would never differ: an interval of no width would be a lie."""
    (function,) = (n for n in ast.parse(code).body if getattr(n, "name", "") == "by_groups")
    names = {"np": np, "wilson_interval": wilson_interval}
    exec(ast.unparse(function), names)
    groups = np.repeat(np.arange(4), 3)
    assert names["by_groups"](np.ones(12, bool), groups) == pytest.approx(wilson_interval(4, 4))
    assert names["by_groups"](np.zeros(12, bool), groups) == pytest.approx(wilson_interval(0, 4))
    low, high = names["by_groups"](groups > 0, groups)
    assert low < 0.75 < high


def test_the_script_trains_it_again(recorded, script):
    """The first training of each way that is quick; other machines come only near it."""
    stored = recorded.set_index(["way", "seed"])["accuracy"]
    for way, near in (("from scratch", 0.12), ("frozen", 0.03)):
        _, accuracy, *_ = script.scores(way, 1)
        assert accuracy == pytest.approx(stored[way, 1], abs=near), way


def test_script_and_notebook_are_about_the_same(script, code):
    """Data, split and rates: what both state."""
    for name in (*script.BUNDLED.values(), "china.jpg", "flower.jpg"):
        assert f'"{name}"' in code or f"bundled.{name}()" in code
    (X, *_), _ = script.crops()
    assert "photos.crops(PICTURES, side=64)" in code and X.shape[1] == 64
    assert inspect.getsource(script.split).strip() in code
    assert f"round({script.STEPS['augmented']} / batches)" in code
    assert f"round({script.STEPS['fine-tuned']} / batches)" in code
    assert f"compile_model(net, {script.RATES['augmented']:g}" in code.replace("4e-3", "0.004")
    assert f"compile_model(tuned, {script.RATES['fine-tuned']:g}" in code.replace("3e-4", "0.0003")
    assert '"block11"' in code


def test_what_the_notebook_says_in_words(recorded):
    """On these crops a base is worth much."""
    mean = recorded.groupby("way")["accuracy"].mean()
    assert mean["frozen"] > max(mean["augmented"], mean["from scratch"]) + 0.05
