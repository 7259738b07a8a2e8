"""helpers/tuning_table.py and data/tuning: the table, what is said of it, its searches."""

import hashlib
import json
import shutil
import sys

import numpy as np
import optuna
import pytest

from helpers import tuning_table
from helpers.files import COURSE, CourseError

FOLDER = COURSE / "data" / "tuning"
NAMES = ("tuning_table.npz", "tuning_table.json")


def record(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


@pytest.fixture
def scripts(monkeypatch):
    """The two scripts' folder can be imported from."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


# --- The table and its record ----------------------------------------------------


def test_record():
    about, table = record("tuning_table.json"), tuning_table.load()
    content = (FOLDER / "tuning_table.npz").read_bytes()
    assert about["sha256"] == hashlib.sha256(content).hexdigest()
    assert about["points"] == len(tuning_table.ROWS) == len(table.accuracy)
    assert about["epochs"] == tuning_table.EPOCHS == table.accuracy.shape[1]
    assert about["processor seconds"] == round(float(table.seconds.sum()))
    assert about["diverged"] == table.diverged.sum()
    assert len(content) <= 300_000
    card = (COURSE / "data" / "README.md").read_text(encoding="utf-8")
    assert about["sha256"] in card
    assert f"{about['points']} points" in card
    assert f"{about['images']['training']:,} training images" in card


def test_arrays_agree():
    """The last accuracy is that of the stored images, and times are real ones."""
    table = tuning_table.load()
    fine = ~table.diverged
    for part, count in tuning_table.IMAGES.items():
        assert getattr(table, part).shape == (len(tuning_table.ROWS), count)
        assert record("tuning_table.json")["images"][part] == count
    np.testing.assert_allclose(table.validation.mean(1)[fine], table.accuracy[fine, -1], atol=0.005)
    assert abs((table.test.mean(1) - table.accuracy[:, -1])[fine]).max() < 0.15
    assert table.seconds.min() > 0.01
    with pytest.raises(ValueError, match="read-only"):
        table.accuracy[0, 0] = 1


def test_the_space_is_worth_searching():
    final = tuning_table.load().accuracy[:, -1]
    assert final.max() > np.median(final) + 0.1
    assert final.min() < 0.1


def test_parts_are_by_different_writers(scripts):
    import measure

    hands = list(measure.WRITERS.values())
    assert len(set().union(*hands)) == sum(map(len, hands))
    about = record("tuning_table.json")
    assert about["writers"] == {p: len(w) for p, w in measure.WRITERS.items()}
    assert (about["seed"], about["space"]) == (measure.SEED, tuning_table.SPACE)


def test_training_goes_on_where_it_was_stopped(scripts, tmp_path, monkeypatch):
    import measure

    trained = []

    def train_here(row, epochs, file):
        trained.append(row)
        np.savez(file, accuracy=np.full(epochs, row, np.float32))
        if row == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(measure, "train_in_worker", train_here)
    with pytest.raises(KeyboardInterrupt):
        measure.table(range(3), 2, tmp_path, 1)
    arrays = measure.table(range(3), 2, tmp_path, 1)
    assert trained == [0, 1, 2]
    assert arrays["accuracy"].tolist() == [[0, 0], [1, 1], [2, 2]]


@pytest.mark.parametrize("damage", ["missing", "cut", "changed", "no record"])
def test_damaged_table(tmp_path, damage):
    for name in NAMES:
        shutil.copy(FOLDER / name, tmp_path)
    table, about = (tmp_path / name for name in NAMES)
    assert tuning_table.load(tmp_path)
    tuning_table.load.cache_clear()
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 1
    {
        "missing": table.unlink,
        "cut": lambda: table.write_bytes(content[:1000]),
        "changed": lambda: table.write_bytes(content),
        "no record": lambda: about.write_text("{"),
    }[damage]()
    with pytest.raises(CourseError) as error:
        tuning_table.load(tmp_path)
    message = str(error.value)
    assert "measure.py" in message and "\n" not in message


# --- The objective ---------------------------------------------------------------


@pytest.fixture(scope="module")
def best():
    """The best point's row."""
    return int(tuning_table.load().accuracy[:, -1].argmax())


def test_index_finds_every_row():
    rows = [tuning_table.index(params) for params in tuning_table.ROWS]
    assert rows == list(range(len(tuning_table.ROWS)))


@pytest.mark.parametrize(
    "change, said",
    [
        ({"log10_rate": -2.9}, "log10_rate = -2.9 was not measured"),
        ({"units": "many"}, "units = 'many'"),
        ({"momentum": 0.9}, "momentum"),
    ],
)
def test_index_refuses_what_is_not_in_the_space(change, said):
    with pytest.raises(CourseError, match=said):
        tuning_table.index(tuning_table.ROWS[0] | change)


def test_objective_is_the_table(best):
    table = tuning_table.load()
    study = optuna.create_study(direction=tuning_table.DIRECTION, pruner=optuna.pruners.NopPruner())
    study.enqueue_trial(tuning_table.ROWS[best])
    study.optimize(tuning_table.objective, n_trials=1)
    (trial,) = study.trials
    assert trial.params == tuning_table.ROWS[best]
    assert trial.value == table.accuracy[best, -1]
    assert trial.user_attrs["seconds"] == pytest.approx(table.seconds[best].sum())
    assert trial.intermediate_values == {
        epoch: value for epoch, value in enumerate(table.accuracy[best], 1)
    }


class AfterThree(optuna.pruners.BasePruner):
    """Prunes whatever has been trained for three epochs."""

    def prune(self, study, trial):
        return trial.last_step >= 3


def test_pruned_trial_costs_what_was_trained(best):
    study = optuna.create_study(direction=tuning_table.DIRECTION, pruner=AfterThree())
    study.enqueue_trial(tuning_table.ROWS[best])
    study.optimize(tuning_table.objective, n_trials=1)
    (trial,) = study.trials
    assert trial.state == optuna.trial.TrialState.PRUNED
    cost = tuning_table.load().seconds[best, :3].sum()
    assert trial.user_attrs["seconds"] == pytest.approx(cost)
    assert tuning_table.best_row(study) is None


# --- Searches --------------------------------------------------------------------


def test_search_stays_within_its_budget():
    budget = 8 * tuning_table.full_training()
    sampler = optuna.samplers.RandomSampler
    study = tuning_table.run(sampler(seed=3), None, budget)
    spent = np.cumsum([t.user_attrs["seconds"] for t in study.trials])
    assert spent[-2] < budget <= spent[-1]
    values = [trial.value for trial in study.trials]
    for count in range(1, len(values) + 1):
        row = tuning_table.best_row(study, spent[count - 1] + 1e-6)
        assert tuning_table.load().accuracy[row, -1] == max(values[:count])
    assert tuning_table.best_row(study, spent[0] / 2) is None
    with pytest.raises(CourseError, match="never"):
        tuning_table.run(sampler(), None, float("inf"))


def test_a_pruner_makes_room_for_more_trials():
    budget = 20 * tuning_table.full_training()
    counts = [
        len(tuning_table.run(optuna.samplers.RandomSampler(seed=1), p, budget).trials)
        for p in (None, optuna.pruners.MedianPruner())
    ]
    assert counts[1] > 1.2 * counts[0]


@pytest.mark.parametrize("pruner", ["none", "median", "Hyperband"])
@pytest.mark.parametrize("sampler", ["random", "TPE"])
def test_a_recorded_search_is_repeated_exactly(scripts, sampler, pruner):
    import compare

    searches = record("comparison.json")["searches"]
    wanted = next(row for row in searches if (row["sampler"], row["pruner"]) == (sampler, pruner))
    assert compare.one_search(sampler, pruner, wanted["seed"]) == wanted


def test_comparison_record():
    about = record("comparison.json")
    table = tuning_table.load()
    assert about["sha256 of the table"] == record("tuning_table.json")["sha256"]
    assert about["versions"]["torch"] and about["versions"]["optuna"]
    best = table.accuracy[:, -1].max()
    seeds = {}
    for row in about["searches"]:
        key = row["sampler"], row["pruner"]
        seeds.setdefault(key, set()).add(row["seed"])
        for place, winner in enumerate(row["winner"]):
            if winner is None:
                continue
            value = table.accuracy[winner, -1]
            assert row["validation"][place] == pytest.approx(value, abs=1e-4)
            assert row["regret"][place] == pytest.approx(best - value, abs=1e-4)
            assert row["test"][place] == pytest.approx(table.test[winner].mean(), abs=1e-4)
    assert len(seeds) == 12
    for (sampler, _), found in seeds.items():
        assert len(found) == about["seeds"][sampler] >= 20


def test_searches_that_need_pytorch_are_kept_only_for_the_same_table(scripts):
    import compare

    rows, torch = compare.recorded(record("tuning_table.json")["sha256"])
    assert {row["sampler"] for row in rows} == {compare.GP} and torch
    assert compare.recorded("another") is None


def test_what_notebook_08_says_of_the_comparison():
    """Where prose states a finding of the recorded searches, on the writers of the test set."""
    searches = json.loads((COURSE / "data" / "tuning" / "comparison.json").read_text("utf-8"))
    found = {}
    for row in searches["searches"]:
        found.setdefault((row["sampler"], row["pruner"]), []).append(row["test"][-1])
    gain = {
        kind: 100 * (np.mean(tests) - np.mean(found["random", "none"]))
        for kind, tests in found.items()
    }
    for sampler in ("TPE", "Gaussian process"):  # those that learn
        assert 1 < gain[sampler, "none"] < 3.5, sampler
        assert gain[sampler, "median"] < gain[sampler, "none"] + 0.5, sampler
    assert 0 < gain["random", "median"] < 1.5
    assert gain["Gaussian process", "median"] < gain["Gaussian process", "none"] - 1
