"""Scans, costs and marks of the graded assignments 3 to 5 are what their texts say."""

import hashlib
import itertools
import re

import assignment_cases
import numpy as np
import pytest
from assignment_cases.running import FOUND, read, run
from support import ROOT

from helpers.assignments import data, mine, scans, truth
from helpers.convolution import multiplications
from helpers.files import CourseError

SOURCES = {path.stem[0]: path for path in FOUND}

# --- Assignment 3 ---------------------------------------------------------------


def test_training_set():
    X, y, writer = data.training_set("demo")
    assert X.shape == (1200, 40, 30, 1) and X.dtype == np.uint8
    assert np.bincount(y).tolist() == [100] * 12
    assert np.bincount(writer).tolist() == [24] * 50
    assert X.max() == 255 and X.min() < 60


def test_the_training_images_are_those_of_todays_writers():
    """A change of the simulated writers is another task: raise VERSION, measure the goals."""
    again = data.draw_writers(range(50), data.SAMPLES, data.SEED)
    X, _, writer = data.training_set("demo")
    assert np.array_equal(X, again.X) and np.array_equal(writer, again.writer)
    card = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(data.CHARACTERS.read_bytes()).hexdigest() in card


def test_each_student_has_another_order(monkeypatch):
    orders = {data.names_of(f"student{n}") for n in range(40)}
    assert len(orders) == 40 and {"".join(sorted(o)) for o in orders} == {
        "".join(sorted(data.LOOK_ALIKES))
    }
    one, two = data.training_set("ann"), data.training_set("bob")
    assert np.array_equal(one.X, two.X) and not np.array_equal(one.y, two.y)
    kinds = [[data.names_of(s)[k] for k in part.y] for s, part in (("ann", one), ("bob", two))]
    assert kinds[0] == kinds[1]


def test_new_writers_follow_from_the_secret(monkeypatch):
    monkeypatch.delenv("COURSE_SECRET", raising=False)
    X, y, writer = data.new_writers("demo")
    kept = X.copy()
    X[:] = 0  # which must not change what others get
    assert np.array_equal(data.new_writers("ann").X, kept)
    assert len(set(writer)) == 80 and np.bincount(y).tolist() == [80] * 12
    monkeypatch.setenv("COURSE_SECRET", "a teacher's")
    assert not np.array_equal(data.new_writers("demo").X, kept)


def test_other_versions_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "CHARACTERS", tmp_path / "characters.npz")
    data._stored.cache_clear()
    try:
        with pytest.raises(CourseError, match="missing or damaged"):
            data.training_set("demo")
        empty = np.zeros((1, 40, 30), "uint8")
        np.savez(data.CHARACTERS, X=empty, y=[0], writer=[0], version=1)
        with pytest.raises(CourseError, match="is version 1, and this course is version 2"):
            data.training_set("demo")
        np.savez(data.CHARACTERS, X=empty, y=[0], writer=[0], version=data.VERSION)
        with pytest.raises(CourseError, match="have changed since the images"):
            data._drawn.__wrapped__((0,), 1, 5)
    finally:
        data._stored.cache_clear()


def test_interval_score():
    assert data.interval_score(0.4, 0.5, 0.45) == pytest.approx(0.1)
    assert data.interval_score(0.4, 0.5, 0.51) == pytest.approx(0.5)
    assert data.interval_score(0.4, 0.5, 0.39) == pytest.approx(0.5)


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


NARROW = """
tried = {"narrow": ("", lambda: trained(narrow(), 12, 5e-3))}
variants, table = {}, []
"""
"""The first CNN of notebook 06, made narrow enough."""


def test_the_lectures_network_earns_a_pass(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the notebook writes its network
    changes = {
        "answer-variants": assignment_cases.changed("variants, table = {}, []", NARROW.strip())
    }
    notebook = read(SOURCES["3"])
    marks, _ = run(notebook, {"budget", "new-writers"}, changes, show=False)
    assert marks["budget"] == 2
    assert 3 <= marks["new-writers"] <= 8


# --- Assignment 4 ---------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn():
    return {name: truth("4_error_analysis", name) for name in ("demo", "ann")}


@pytest.fixture(autouse=True)
def nobody_is_graded(monkeypatch):
    monkeypatch.delenv("COURSE_STUDENT", raising=False)
    monkeypatch.delenv("COURSE_SECRET", raising=False)


def test_scans(drawn):
    X, y, writer = scans.scans("demo")
    assert X.shape == (1200, 40, 30) and set(y) == set(range(12))
    assert np.bincount(np.unique(writer, return_inverse=True)[1]).sum() == 1200
    clean, new = scans.clean_scans("demo"), scans.hidden_scans(drawn["demo"])
    people = [set(part.writer.tolist()) for part in (scans.scans("demo"), clean, new)]
    assert [len(p) for p in people] == [25, 20, 20]
    assert not (people[0] & people[1] or people[0] & people[2] or people[1] & people[2])
    with pytest.raises(CourseError, match="is no student's id"):
        scans.scans("")


def test_students_share_no_scan(drawn):
    """But for blank ones: a speck of dust may lie in the same corner."""
    one, two = ({x.tobytes() for x in d["X"] if x.min() < 128} for d in drawn.values())
    assert len(one) > 1000 and not one & two


def test_what_is_given_tells_no_truth():
    given = mine("4_error_analysis", "demo")
    assert set(given) == {f"{n}{e}" for n in ("X", "y", "writer") for e in ("", "_clean")}


def test_flaws_are_what_they_are_called(drawn):
    for flaws in drawn.values():
        pairs = [tuple(pair) for pair in flaws["_copies"]]
        several = [*flaws["_blank"], *flaws["_wrong_labels"], *itertools.chain(*pairs)]
        assert len(set(several)) == len(several), "a scan has one flaw at most"
        assert 20 <= len(flaws["_blank"]) <= 30 and 20 <= len(pairs) <= 30
        X, y, writer = flaws["X"], flaws["y"], flaws["writer"]
        assert all(y[a] == y[b] and writer[a] == writer[b] for a, b in pairs)
        bad = np.isin(np.arange(1200), flaws["_wrong_labels"])
        assert bad[writer == flaws["_mistrusted"]].sum() == 32
        assert max(bad[writer == w].mean() for w in set(writer) - {flaws["_mistrusted"]}) < 0.3
        empty = (X[flaws["_blank"]] < 215).mean(axis=(1, 2))
        assert empty.max() < 0.15
        # All other labels are right: each writer has written each character four times.
        assert 0.05 < bad.mean() < 0.15


@pytest.mark.parametrize("flaw", ["_blank", "_wrong_labels"])
def test_lists_without_thought_earn_nothing(drawn, flaw):
    random = np.random.default_rng(4)
    planted = set(drawn["demo"][flaw])
    thoughtless = [range(1200), [], *([k] for k in range(3)), range(0, 1200, 9)]
    thoughtless += [random.choice(1200, n).tolist() for n in (10, 100, 600)]
    for listed in thoughtless:
        assert scans.list_marks(set(listed), planted, 7, 0.85) == 0


def test_pairs_without_thought_earn_nothing(drawn):
    planted = scans.as_pairs(drawn["demo"]["_copies"], 1200)
    neighbours = {(k, k + 1) for k in range(1199)}
    assert scans.list_marks(neighbours, planted, 6, 0.95) == 0


def test_list_marks():
    planted = set(range(10))
    # F1 of 1, of 0.75 = 6 * 2 / 16, and of 0.4; the goal is 0.8.
    assert scans.list_marks(planted, planted, 6, 0.8) == 6
    assert scans.list_marks(set(range(6)), planted, 6, 0.8) == 5.0
    assert scans.list_marks({0, 1, 2, 50, 51}, planted, 6, 0.8) == 0
    assert scans.list_marks(set(range(600)), planted, 6, 0.8) == 0
    assert scans.list_marks(set(), planted, 6, 0.8) == 0
    assert scans.list_marks(set(), set(), 6, 0.8) == 0


def test_lists_and_pairs():
    assert scans.as_places(np.array([3.0, 3.0, 0.0]), 600) == {0, 3}
    assert scans.as_pairs([(5, 2), np.array([2, 5]), [0, 599]], 600) == {(2, 5), (0, 599)}
    for bad in (None, 3, "ab", [1.5], [(1, 2)], [None], [float("nan")], [float("inf")]):
        with pytest.raises(AssertionError, match="a list of numbers"):
            scans.as_places(bad, 600)
    for bad in (None, [3, 4], [(3, 3)], [(1, 2, 3)], [()], ["ab"], [(1.5, 2)]):
        with pytest.raises(AssertionError, match="a list of pairs"):
            scans.as_pairs(bad, 600)
    for bad in ([-1], [600]):
        with pytest.raises(AssertionError, match="is not from 0 to 599"):
            scans.as_places(bad, 600)
    with pytest.raises(AssertionError, match="600 is not from 0 to 599"):
        scans.as_pairs([(3, 600)], 600)


def test_calibration():
    logits = np.log([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    ece, said, share = scans.ece_of(logits, np.array([0, 1, 1, 0]))
    assert (said, share) == (pytest.approx(0.8), 0.5)
    assert ece == pytest.approx((2 * 0.4 + 0.4 + 0.8) / 4)


def test_outputs_and_kinds():
    from helpers.quiet_keras import keras

    def flat(units):
        dense = keras.layers.Dense(units)
        return keras.Sequential([keras.Input((40, 30)), keras.layers.Flatten(), dense])

    X = scans.clean_scans("demo").X
    assert scans.outputs(flat(12), X).shape == (480, 12)
    with pytest.raises(AssertionError, match=r"gives \(480, 11\), not"):
        scans.outputs(flat(11), X)
    with pytest.raises(AssertionError, match="not a NoneType"):
        scans.outputs(None, X)
    assert scans.same_kind(flat(12), flat(12)) and not scans.same_kind(flat(12), flat(11))


# --- Assignment 5 ---------------------------------------------------------------


def test_fingerprints():
    images = np.random.default_rng(2).integers(0, 256, (4, 6, 5, 3), "uint8")
    images[3] = images[1]
    prints = data.fingerprints(images)
    assert len(set(prints)) == 3 and prints[1] == prints[3]
    assert data.fingerprints(images.astype("float32")) == prints
    assert data.fingerprints(images.reshape(4, 5, 6, 3))[0] != prints[0]
    assert all(re.fullmatch("[0-9a-f]{32}", text) for text in prints)


def test_noisy():
    images = np.random.default_rng(2).integers(0, 256, (4, 6, 5, 3), "uint8")
    changed = data.noisy(images)
    assert changed.dtype == images.dtype and changed.shape == images.shape
    assert 0 < np.abs(changed.astype(int) - images).max() < 20
    assert 0 < np.abs(data.noisy(images / 255) - images / 255).max() < 0.1
