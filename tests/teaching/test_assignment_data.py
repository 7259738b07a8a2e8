"""Scans, costs and marks of the graded assignments 3 to 5 are what their texts say."""

import hashlib
import itertools
import re

import assignment_cases
import numpy as np
import pytest
from assignment_cases import make_scans
from assignment_cases.running import FOUND, read, run
from support import ROOT

from helpers.assignments import data
from helpers.convolution import multiplications
from helpers.files import CourseError

SOURCES = {path.stem[0]: path for path in FOUND}

# --- Assignment 3 ---------------------------------------------------------------


def test_training_set():
    X, y, writer = data.training_set()
    assert X.shape == (1200, 40, 30, 1) and X.dtype == np.uint8
    assert np.bincount(y).tolist() == [100] * 12
    assert np.bincount(writer).tolist() == [24] * 50
    assert X.max() == 255 and X.min() < 60


def test_other_seeds_are_other_people():
    once = data.written_by(range(2), 1, seed=5)
    kept = once.X.copy()
    once.X[:] = 0  # which must not change what others get
    again = data.written_by([0, 1], 1, seed=5)
    other = data.written_by(range(2), 1, seed=6)
    assert np.array_equal(kept, again.X)
    assert not np.array_equal(kept, other.X)


def sequential(*layers):
    from helpers.quiet_keras import keras

    return keras.Sequential([keras.Input((40, 30, 1)), *layers])


def test_cost():
    from helpers.quiet_keras import keras

    layers = keras.layers
    model = sequential(
        layers.RandomPerspective(),
        layers.Conv2D(8, (3, 5), strides=2, use_bias=False),
        layers.BatchNormalization(),
        layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
        sequential_inner(layers, (19, 13, 16)),
        layers.GlobalAveragePooling2D(),
        layers.Dense(12),
    )
    wanted = multiplications((19, 13, 8), (3, 5), 1)
    wanted += multiplications((19, 13, 16), 3, 1)
    wanted += multiplications((19, 13, 16), 5, 1)  # separable: each channel,
    wanted += multiplications((19, 13, 24), 1, 16)  # then across channels
    wanted += 24 * 12
    assert data.cost(model) == (model.count_params(), wanted)


def sequential_inner(layers, shape):
    from helpers.quiet_keras import keras

    inner = layers.SeparableConv2D(24, 5, padding="same")
    return keras.Sequential([keras.Input(shape), inner])


def test_cost_refuses_what_it_cannot_count():
    from helpers.quiet_keras import keras

    layers = keras.layers
    with pytest.raises(CourseError, match="Conv2DTranspose costs is not"):
        data.cost(sequential(layers.Conv2DTranspose(4, 3)))
    twice = layers.Dense(30)
    inputs = keras.Input((40, 30, 1))
    outputs = twice(twice(layers.Reshape((40, 30))(inputs)))
    with pytest.raises(CourseError, match="use each layer once"):
        data.cost(keras.Model(inputs, outputs))
    first = layers.Conv2D(4, 3, padding="same", data_format="channels_first")
    with pytest.raises(CourseError, match="channels first"):
        data.cost(sequential(first))
    free = keras.Input((None, None, 1))
    with pytest.raises(CourseError, match="begin the model with keras.Input"):
        data.cost(keras.Model(free, layers.Conv2D(4, 3)(free)))


def test_constants_cost_as_much_as_weights():
    """A layer's constants can be trained numbers: a dense layer without a weight."""
    from helpers.quiet_keras import keras

    layers = keras.layers
    weights, few = np.ones((40, 30, 1)), np.ones((1, 1, 3)).tolist()
    for layer, constants in (
        (layers.Rescaling(1 / 255), 0),
        (layers.Rescaling(few, offset=few), 0),
        (layers.Normalization(mean=[3.0], variance=[2.0]), 0),
        (layers.Rescaling(scale=weights.tolist()), 1200),
        (layers.Rescaling(1 / 255, offset=weights.tolist()), 1200),
        (layers.Normalization((1, 2, 3), mean=weights, variance=weights), 2400),
    ):
        assert data.cost(sequential(layer)) == (constants, constants)

    inputs = keras.Input((40, 30, 1))
    x = layers.Concatenate()([layers.Rescaling(1 / 255)(inputs) for _ in range(12)])
    flat = layers.Rescaling([0.5] * 14_400, offset=[0.1] * 14_400)(layers.Reshape((14_400,))(x))
    outputs = layers.GlobalAveragePooling2D()(layers.Reshape((40, 30, 12))(flat))
    inner = keras.Model(inputs, outputs)
    assert data.cost(inner).parameters == 28_800
    assert data.cost(keras.Sequential([keras.Input((40, 30, 1)), inner])).parameters == 28_800


def test_read():
    from helpers.quiet_keras import keras

    model = sequential(keras.layers.Flatten(), keras.layers.Dense(12))
    X = np.random.default_rng(1).integers(0, 256, (300, 40, 30, 1), "uint8")
    wanted = model.predict(X, verbose=0).argmax(axis=1)
    assert np.array_equal(data.read(model, X), wanted)
    other = sequential(keras.layers.Flatten(), keras.layers.Dense(11))
    with pytest.raises(AssertionError, match=r"gives \(300, 11\), not \(300, 12"):
        data.read(other, X)
    with pytest.raises(AssertionError, match="not a NoneType"):
        data.read(None, X)
    with pytest.raises(AssertionError, match="cannot read images of shape"):
        data.read(model, X[:, :39])


LECTURE = """
keras.utils.set_random_seed(1)
model = keras.Sequential(
    [
        keras.Input((40, 30, 1)),
        layers.Rescaling(1 / 255),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(4),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(12),
    ]
)
compile_model(model)
with reuse_training(seed=1):
    model.fit(X[train], y[train], epochs=30, batch_size=64)
"""
"""The first CNN of notebook 06 on these images."""


def test_the_lectures_network_earns_a_pass():
    changes = {"answer-model": assignment_cases.instead(LECTURE)}
    cells = {"budget", "better-than-logistic", "new-writers"}
    notebook = read(SOURCES["3"])
    marks, _ = run(notebook, cells, changes, show=False)
    assert marks["budget"] == 2 and marks["better-than-logistic"] == 4
    assert 7.5 <= marks["new-writers"] <= 12


# --- Assignment 4 ---------------------------------------------------------------


@pytest.fixture(scope="module")
def pool():
    return make_scans.draw()


@pytest.fixture(autouse=True)
def nobody_is_graded(monkeypatch):
    monkeypatch.delenv("COURSE_STUDENT", raising=False)


def test_the_file_holds_what_the_script_draws(pool):
    with np.load(data.SCANS) as stored:
        assert np.array_equal(stored["X"], pool.X)
        assert np.array_equal(stored["y"], pool.y)


def test_hidden_tests_know_the_truth(pool):
    tests = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in read(SOURCES["4"]).cells
        if "_truth" in cell.source
    }
    for name, flaw in (
        ("blank-marks", "blank"),
        ("upside-down-marks", "upside down"),
        ("wrong-labels-marks", "wrong label"),
        ("copies-marks", "copies"),
    ):
        words = re.search(r'_truth = """(.*?)"""', tests[name], re.DOTALL)[1]
        numbers = [int(word) for word in re.findall(r"\d+", words)]
        assert numbers == np.ravel(pool.planted[flaw]).tolist(), name


def test_the_card_is_right(pool):
    card = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(data.SCANS.read_bytes()).hexdigest() in card
    assert f"{len(pool.X):,} scans by {make_scans.WRITERS} simulated" in card
    assert f"on {data.CARDS} cards of {data.ON_A_CARD}" in card


@pytest.mark.parametrize("flaw", ["blank", "upside down", "wrong label"])
def test_lists_without_thought_earn_nothing(pool, flaw):
    random = np.random.default_rng(4)
    for number in range(40):
        mine = data.scan_numbers(f"student{number}")
        planted = {k for k, n in enumerate(mine) if n in pool.planted[flaw]}
        thoughtless = [
            range(600),
            [],
            *([k] for k in range(3)),
            range(0, 600, 9),
        ]
        thoughtless += [random.choice(600, n).tolist() for n in (10, 40, 300)]
        for listed in thoughtless:
            assert data.list_marks(set(listed), planted, 7, 0.75) == 0


def test_pairs_without_thought_earn_nothing(pool):
    mine = {n: k for k, n in enumerate(data.scan_numbers("demo"))}
    planted = data.as_pairs([(mine[a], mine[b]) for a, b in pool.planted["copies"] if a in mine])
    every = set(itertools.combinations(range(600), 2))
    assert data.list_marks(every, planted, 6, 0.95) == 0
    neighbours = {(k, k + 1) for k in range(599)}
    assert data.list_marks(neighbours, planted, 6, 0.95) == 0


def test_no_scan_has_two_flaws(pool):
    flawed = np.concatenate([np.ravel(v) for v in pool.planted.values()])
    assert len(set(flawed.tolist())) == len(flawed)


def test_every_student_has_other_scans_and_all_kinds_of_flaws(pool):
    everybody = [data.scan_numbers(f"student{n}") for n in range(40)]
    assert len({frozenset(numbers) for numbers in everybody}) == 40
    for numbers in everybody:
        assert len(set(numbers)) == 600
        mine = set(numbers)
        for flaw in ("blank", "upside down", "wrong label"):
            assert len(mine.intersection(pool.planted[flaw])) >= 12
        pairs = [len(mine.intersection(p)) for p in pool.planted["copies"]]
        assert pairs.count(2) >= 12
        assert 1 not in pairs  # a copy whose original somebody else has


def test_scan_numbers_are_the_same_everywhere():
    # A change here would change the assignment of a class that works on it.
    first = [265, 1409, 911, 610, 23]
    assert data.scan_numbers("demo")[:5] == first
    assert data.scan_numbers(" DEMO ")[:5] == first


def test_scans():
    X, y = data.scans("demo")
    assert X.shape == (600, 40, 30) and y.shape == (600,)
    assert set(y) == set(range(12))
    with pytest.raises(CourseError, match="is no student's id"):
        data.scans("")


def test_scans_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "SCANS", tmp_path / "scans.npz")
    with pytest.raises(CourseError, match="missing or damaged"):
        data.scans("demo")
    data.SCANS.write_bytes(b"no archive")
    with pytest.raises(CourseError, match="missing or damaged"):
        data.scans("demo")


def test_list_marks():
    planted = set(range(10))
    # F1 of 1, of 0.75 = 6 * 2 / 16, and of 0.4; the goal is 0.8.
    assert data.list_marks(planted, planted, 6, 0.8) == 6
    assert data.list_marks(set(range(6)), planted, 6, 0.8) == 5.0
    assert data.list_marks({0, 1, 2, 50, 51}, planted, 6, 0.8) == 0
    assert data.list_marks(set(range(600)), planted, 6, 0.8) == 0
    assert data.list_marks(set(), planted, 6, 0.8) == 0
    assert data.list_marks(set(), set(), 6, 0.8) == 0


def test_lists_and_pairs():
    assert data.as_places(np.array([3.0, 3.0, 0.0])) == {0, 3}
    assert data.as_pairs([(5, 2), np.array([2, 5]), [0, 599]]) == {
        (2, 5),
        (0, 599),
    }
    for bad in (
        None,
        3,
        "ab",
        [1.5],
        [(1, 2)],
        [None],
        [float("nan")],
        [float("inf")],
    ):
        with pytest.raises(AssertionError, match="a list of numbers"):
            data.as_places(bad)
    for bad in (None, [3, 4], [(3, 3)], [(1, 2, 3)], [()], ["ab"], [(1.5, 2)]):
        with pytest.raises(AssertionError, match="a list of pairs"):
            data.as_pairs(bad)
    for bad in ([-1], [600]):
        with pytest.raises(AssertionError, match="is not from 0 to 599"):
            data.as_places(bad)
    with pytest.raises(AssertionError, match="600 is not from 0 to 599"):
        data.as_pairs([(3, 600)])


# --- Assignment 5 ---------------------------------------------------------------


def test_fingerprints():
    images = np.random.default_rng(2).integers(0, 256, (4, 6, 5, 3), "uint8")
    images[3] = images[1]
    prints = data.fingerprints(images)
    assert len(set(prints)) == 3 and prints[1] == prints[3]
    assert data.fingerprints(images.astype("float32")) == prints
    assert data.fingerprints(images.reshape(4, 5, 6, 3))[0] != prints[0]
    assert all(re.fullmatch("[0-9a-f]{32}", text) for text in prints)
