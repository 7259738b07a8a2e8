"""What is drawn for graded assignments 6 and 7, and what their tests read and measure."""

import hashlib
import sqlite3

import numpy as np
import optuna
import pytest

from helpers import assignments, imagenet
from helpers.assignments import borrowed, studies


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """An empty working folder, and nothing said by a grader."""
    monkeypatch.chdir(tmp_path)
    for name in ("COURSE_STUDENT", "COURSE_SECRET"):
        monkeypatch.delenv(name, raising=False)


HANDED_OUT = {
    borrowed.ASSIGNMENT: (("X_far", "X_far_val"), "8d36992222ffeeee"),
    studies.ASSIGNMENT: (("X", "X_val", "X_new", "_X_hidden"), "2bda1140e5307657"),
}


@pytest.mark.parametrize("assignment", HANDED_OUT)
def test_students_get_what_they_got(assignment):
    names, wanted = HANDED_OUT[assignment]
    drawn = assignments.truth(assignment, "demo")
    found = hashlib.sha256(b"".join(drawn[name].tobytes() for name in names)).hexdigest()
    assert found.startswith(wanted), (
        f"The simulated writers of {assignment} are others now: what was handed out before has to be "
        "graded with the version that handed it out. Say so where you release, then put the new "
        "digest here."
    )


# --- Assignment 6 -------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for photos, _ in borrowed.PHOTOS for name in photos])
def test_every_photo_is_there_and_large_enough(name):
    image = borrowed.photo(name)
    assert image.dtype == np.uint8 and image.shape[2] == 3
    shares = np.diff(borrowed.BANDS)
    assert min(image.shape[0], *(shares * image.shape[1])) >= borrowed.SIDE


def prepare(X):
    return imagenet.preprocess_input(X)


PIPELINES = {  # name: (what it makes of crops, what undoes it or None); written anew
    "0 to 1": (lambda X: X / 255, lambda x: (x * 255 - 127) / 128),
    "blue first": (lambda X: prepare(X)[..., ::-1], lambda x: x[..., ::-1]),
    "upside down": (lambda X: np.flip(prepare(X), 1), lambda x: x[:, ::-1]),
    "negative": (lambda X: -prepare(X), lambda x: -x),
    "prepared twice": (lambda X: (prepare(X) - 127) / 128, lambda x: 128 * x + 127),
    "wrapped bytes": (
        lambda X: (X.astype(int) - 127) % 256 / 128,
        lambda x: ((128 * x + 127) % 256 - 127) / 128,
    ),
    "grey": (lambda X: prepare(X).mean(-1, keepdims=True) + np.zeros(3), None),
    "red only": (lambda X: prepare(X)[..., [0, 0, 0]], None),
    "cut off at 0": (lambda X: prepare(X).clip(0), None),
    "every fourth pixel": (lambda X: np.kron(prepare(X)[:, ::4, ::4], FOURS), None),
}
FOURS = np.ones((1, 4, 4, 1))


@pytest.mark.parametrize("who", ["ann", "bob", "cem", "dan", "zoe"])
def test_bugs_can_be_told_apart_and_undone(who):
    drawn = assignments.truth(borrowed.ASSIGNMENT, who)
    for letter, bug in drawn["_bugs"].items():
        for fed, crops in (
            (f"fed_{letter}", drawn["X_val"][borrowed.SHOWN]),
            (f"_fed_{letter}", drawn["_X_test"][borrowed.ASKED]),
        ):
            x, undo = drawn[fed], PIPELINES[bug][1]
            assert x.shape == crops.shape and x.dtype == np.float32
            fitting = [b for b, (do, _) in PIPELINES.items() if np.abs(do(crops) - x).max() < 0.02]
            assert fitting == [bug]
            assert (undo is None) == (letter == drawn["_lost"])
            if undo:
                np.testing.assert_allclose(undo(x), prepare(crops), atol=1e-4)
    shapes = {name: drawn[name].shape[0] for name in ("X", "X_val", "_X_test")}
    wanted = (count * borrowed.CLASSES for count in borrowed.COUNTS)
    assert list(shapes.values()) == list(wanted)


def test_no_pipeline_can_be_imported():
    """What students could call instead of answering stands in `draw`, and in hidden tests."""
    assert not {"BUGS", "as_fed", "heat", "scores_by_block"} & set(vars(borrowed))


def test_scaled():
    maps = np.array([[[0.0, 2.0], [1.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]])
    assert borrowed.scaled(maps).tolist() == [[[0, 0.5], [0.25, 1]], [[0, 0], [0, 0]]]


def test_close():
    borrowed.close(np.float32(0.5), 0.51, 0.02, "case")
    for wrong in (0.48, float("nan"), None):
        with pytest.raises(AssertionError, match="^case: "):
            borrowed.close(wrong, 0.51, 0.02, "case")


# --- Assignment 7 -------------------------------------------------------------------


def made_up(pruner, trials=20, seed=1):
    """A study of curves that nobody has trained, as plain data."""
    random = np.random.default_rng(seed)

    def objective(trial):
        top = trial.suggest_float("top", 0.3, 0.9)
        for epoch in range(studies.EPOCHS):
            value = top * (1 - 0.6 ** (epoch + 1)) + 0.05 * random.normal()
            trial.report(value, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.RandomSampler(seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    study.optimize(objective, n_trials=trials)
    return studies.plain(study)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("warmup", [1, 3])
def test_the_median_rule_is_optunas(seed, warmup):
    pruner = optuna.pruners.MedianPruner(studies.STARTUP, warmup)
    trials = made_up(pruner, seed=seed)
    assert any(trial["state"] == "PRUNED" for trial in trials)
    assert studies.wrongly_pruned(trials, warmup) == []
    assert studies.finished(trials) == 20


def test_other_rules_are_noticed():
    for pruner in (
        optuna.pruners.NopPruner(),
        optuna.pruners.MedianPruner(1, 1),
        optuna.pruners.PercentilePruner(80.0, studies.STARTUP, 1),
    ):
        assert studies.wrongly_pruned(made_up(pruner), 1)


SPACES = [assignments.truth(studies.ASSIGNMENT, name)["space"] for name in ("ann", "bob", "dan")]


@pytest.mark.parametrize("space", SPACES)
def test_what_is_expected_of_a_trial(space):
    *_, switch, last = space
    for choice, on in zip(space[switch]["choices"], (False, True), strict=True):
        wanted = studies.expected(space, {"blocks": 2, switch: choice})
        names = {"learning_rate", "blocks", "filters_0", "filters_1", switch}
        assert set(wanted) == names | ({last} if on else set())
        trial = {"number": 1, "params": {"blocks": 2, switch: choice}}
        trial["distributions"] = {name: dict(asked) for name, asked in wanted.items()}
        studies.asked_rightly(space, trial)
        trial["distributions"]["learning_rate"]["log"] = False
        with pytest.raises(AssertionError, match="learning_rate: log"):
            studies.asked_rightly(space, trial)
        del trial["distributions"]["filters_1"]
        with pytest.raises(AssertionError, match="trial 1 has"):
            studies.asked_rightly(space, trial)
        with pytest.raises(AssertionError, match="has no filters_1"):
            studies.asked_rightly(space, trial, ["filters"])


def test_a_study_in_a_file(tmp_path):
    study = optuna.create_study(study_name=studies.NAME, storage="sqlite:///study.db")
    study.optimize(lambda trial: trial.suggest_int("a", 1, 9, step=2), n_trials=3)
    found = studies.plain(studies.load((tmp_path / "study.db").read_bytes()))
    assert found == studies.plain(study)
    wanted = {"kind": "int", "low": 1, "high": 9, "log": False, "step": 2}
    assert found[0]["distributions"] == {"a": wanted}
    assert studies.best_of(found)["value"] == max(trial["value"] for trial in found)


def test_what_is_no_study(tmp_path):
    with sqlite3.connect(tmp_path / "empty.db") as file:
        file.execute("CREATE TABLE a (b)")
    for content in (b"", "text", None, (tmp_path / "empty.db").read_bytes()):
        with pytest.raises(AssertionError, match=r"^study\.db "):
            studies.load(content)


def test_no_writer_is_in_two_parts():
    drawn = assignments.truth(studies.ASSIGNMENT, "ann")
    parts = [set(drawn[name].tolist()) for name in ("writer", "writer_val", "writer_new")]
    parts.append(set(drawn["_writer_hidden"].tolist()))
    assert len(set().union(*parts)) == sum(map(len, parts))
    for part, (writers, samples) in studies.WRITERS.items():
        before = "_" if part == "_hidden" else ""
        assert drawn[f"{before}X{part}"].shape == (writers * 6 * samples, *studies.SHAPE, 1)


def test_by_writer():
    assert studies.by_writer([1, 0, 1, 1], [7, 7, 3, 3]).tolist() == [1.0, 0.5]


@pytest.mark.parametrize("space", SPACES)
def test_what_lies_in_a_space(space):
    *_, switch, last = space
    inside = {"learning_rate": 1e-3, "blocks": 1, "filters_0": 8}
    inside |= {switch: space[switch]["choices"][1], last: space[last]["high"]}
    studies.lies_in(space, inside)
    for wrong in (
        inside | {"learning_rate": 1e-5},
        inside | {"blocks": 2},
        inside | {switch: "other"},
        {name: value for name, value in inside.items() if name != last},
    ):
        with pytest.raises(AssertionError):
            studies.lies_in(space, wrong)


def test_what_no_trial_needs():
    space = SPACES[0]
    *_, switch, last = space
    params = {"blocks": 1, switch: space[switch]["choices"][0]}
    trial = {"number": 4, "params": params, "distributions": {"blocks": {"low": 0}}}
    studies.nothing_else(space, trial)
    studies.asked_alike(trial, [{"distributions": {}}, dict(trial)])
    with pytest.raises(AssertionError, match="trial 4"):
        studies.asked_alike(trial, [{"distributions": {"blocks": {"low": 1}}}])
    trial["distributions"][last] = {}
    with pytest.raises(AssertionError, match=f"trial 4 asks for {last}"):
        studies.nothing_else(space, trial)
