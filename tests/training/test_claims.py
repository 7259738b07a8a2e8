"""The simulated claims follow their formula; Keras's losses are what we say."""

import hashlib
import math
import os
import platform
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import optuna
import pandas as pd
import pytest
from sklearn.linear_model import PoissonRegressor
from support import ROOT

from helpers import claims
from helpers.files import CourseError

PARAMS = {
    "layers": 2,
    "activation": "tanh",
    "learning_rate": 0.004,
    "units_0": 20,
    "units_1": 5,
}


@pytest.fixture(scope="module")
def policies():
    """Enough of them to see small deviations."""
    return claims.simulate(100_000, 5)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Nothing has been trained, and nothing is forced to."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_LIVE", raising=False)
    return tmp_path / "cache"


# Policies --------------------------------------------------------------------


def test_the_formula(policies):
    young = policies.query("driver_age == 24 and region == 'B' and vehicle_power == 9").iloc[0]
    old = policies.query("driver_age == 76 and region == 'E'").iloc[0]
    # exp(-6 / 12) = 0.6065307, and 16 years below 40; (21 / 35)^2 = 0.36.
    log_young = -1.5 + 1.3 * 0.6065307 + math.log(young.bonus_malus / 100) + 0.2 + 16 / 22 * 2 / 3
    # exp(-58 / 12) = 0.0079600
    log_old = -1.5 + 1.3 * 0.0079600 + 2.5 * 0.36 + math.log(old.bonus_malus / 100) - 0.3
    assert math.log(young.frequency) == pytest.approx(log_young, abs=1e-6)
    assert math.log(old.frequency) == pytest.approx(log_old, abs=1e-6)


def test_claims_are_poisson(policies):
    mean = policies.exposure * policies.frequency
    deviation = policies.claims - mean
    # A Poisson variable has variance m, and (x - m)^2 has variance m + 2 m^2.
    assert abs(deviation.sum()) < 5 * mean.sum() ** 0.5
    surplus = (deviation**2 - mean).sum()
    assert abs(surplus) < 5 * (mean + 2 * mean**2).sum() ** 0.5


def test_columns_and_their_bounds(policies):
    bounds = {
        "exposure": (1 / 365, 1),
        "driver_age": (18, 90),
        "bonus_malus": (50, 230),
        "vehicle_power": (4, 12),
        "frequency": (0.05, 15),
    }
    for name, (low, high) in bounds.items():
        assert policies[name].between(low, high).all(), name
    shares = policies.region.value_counts(normalize=True)[list(claims.REGIONS)]
    assert shares.tolist() == pytest.approx(claims.REGION_SHARES, abs=0.01)
    assert (policies.exposure == 1).mean() == pytest.approx(0.6, abs=0.01)
    assert 0.2 < policies.frequency.mean() < 0.3
    # The older have driven for longer.
    age = pd.cut(policies.driver_age, [17, 25, 40, 90])
    levels = policies.groupby(age, observed=True).bonus_malus.mean()
    assert levels.is_monotonic_decreasing


def test_fast_and_the_same_each_time(policies):
    start = time.process_time()
    again = claims.simulate(100_000, 5)
    assert time.process_time() - start < 1
    pd.testing.assert_frame_equal(again, policies, check_exact=True)


def test_parts_have_other_policies():
    parts = claims.parts()
    assert {name: len(part) for name, part in parts.items()} == claims.SIZES
    first = {tuple(part.head(100).frequency) for part in parts.values()}
    assert len(first) == 3


def test_the_data_card():
    card = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    digest = hashlib.sha256()
    for name, part in claims.parts().items():
        assert f"{len(part):,} {name}" in card
        whole = part[["driver_age", "bonus_malus", "vehicle_power", "claims"]]
        digest.update(whole.to_numpy("<i8").tobytes())
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("the checksum on the card is that of Linux on x86-64")
    assert digest.hexdigest() in card


@pytest.mark.parametrize("n", [0, -3, 2.5, "10"])
def test_impossible_numbers_of_policies(n):
    with pytest.raises(CourseError, match="n must be a whole number of at le"):
        claims.simulate(n, 1)


def test_impossible_seed():
    with pytest.raises(CourseError, match="seed must .* at least 0, not -1"):
        claims.simulate(5, -1)


# Inputs and losses -----------------------------------------------------------


def test_inputs(policies):
    X = claims.inputs(policies)
    assert X.dtype == np.float32 and X.shape == (100_000, len(claims.INPUTS))
    column = dict(zip(claims.INPUTS, X.T, strict=True))
    for name, (mean, deviation) in claims.SCALES.items():
        # Standardised, but with constants: the same policy, the same numbers.
        assert abs(column[name].mean()) < 0.2
        assert column[name].std() == pytest.approx(1, abs=0.1)
        original = column[name].astype(float) * deviation + mean
        assert np.allclose(original, policies[name], atol=1e-4)
    for letter in claims.REGIONS:
        is_there = column[f"region_{letter}"] == 1
        assert np.array_equal(is_there, policies.region == letter)
    assert np.array_equal(claims.inputs(policies[:7]), X[:7])
    assert (X[:, 3:].sum(axis=1) == 1).all()


@pytest.mark.parametrize(
    "column, function",
    [
        ("region", claims.inputs),
        ("driver_age", claims.arrays),
        ("exposure", claims.arrays),
        ("claims", lambda table: claims.poisson_loss(table, 0.2)),
        ("frequency", claims.best_loss),
        ("frequency", lambda table: claims.excess_loss(table, 0.2)),
    ],
)
def test_missing_columns(column, function, policies):
    with pytest.raises(CourseError, match=f"no column '{column}'"):
        function(policies.drop(columns=column))


def test_the_loss_is_that_of_keras():
    from helpers.quiet_keras import keras

    keras.utils.set_random_seed(4)
    some = claims.simulate(1_000, 6)
    X, y, exposure = claims.arrays(some)
    model = keras.Sequential([keras.Input((9,)), keras.layers.Dense(1, "exponential")])
    model.compile(loss="poisson")
    # 1,000 is no multiple of 300: batches of unequal size.
    loss = model.evaluate(X, y, sample_weight=exposure, batch_size=300, verbose=0)
    predicted = model.predict(X, verbose=0)
    ours = claims.poisson_loss(some, predicted)
    assert loss == pytest.approx(ours, abs=1e-6)
    assert ours == claims.poisson_loss(some, predicted[:, 0])


def test_one_frequency_for_all():
    two = pd.DataFrame({"exposure": [1, 0.5], "claims": [0, 2]})
    expected = (0.25 + 0.5 * 0.25 - 2 * math.log(0.25)) / 2
    assert claims.poisson_loss(two, 0.25) == pytest.approx(expected)


@pytest.mark.parametrize(
    "frequency, message",
    [
        (0, "above 0"),
        (math.nan, "above 0"),
        ([0.1, 0.2], "3 policies, but 2 frequencies"),
    ],
)
def test_impossible_frequencies(frequency, message):
    with pytest.raises(CourseError, match=message):
        claims.poisson_loss(claims.simulate(3, 1), frequency)


def test_there_is_something_to_find_that_is_not_linear():
    parts = claims.parts()
    X, y, exposure = claims.arrays(parts["train"])
    linear = PoissonRegressor(alpha=1e-6, max_iter=1_000)
    linear.fit(X, y, sample_weight=exposure)
    for name in ("validation", "test"):
        part = parts[name]
        predicted = linear.predict(claims.inputs(part))
        constant = claims.excess_loss(part, np.average(y, weights=exposure))
        of_linear = claims.excess_loss(part, predicted)
        assert claims.poisson_loss(part, predicted) == pytest.approx(
            claims.best_loss(part) + of_linear[0]
        )
        # Several standard errors above the best, and well below the constant.
        assert of_linear[0] > 7 * of_linear[1]
        assert 0.4 < of_linear[0] / constant[0] < 0.7


# The objective ---------------------------------------------------------------


def test_the_space(monkeypatch):
    """Without training: thirty random trials, and the network of each."""
    history = SimpleNamespace(history={"val_loss": [0.5, 0.4]})
    monkeypatch.setattr("helpers.training.fit_or_load", lambda *a, **k: history)
    width = optuna.distributions.IntDistribution(4, 256, log=True)
    activations = ("relu", "leaky_relu", "tanh")
    space = {
        "layers": optuna.distributions.IntDistribution(1, 3),
        "activation": optuna.distributions.CategoricalDistribution(activations),
        "learning_rate": optuna.distributions.FloatDistribution(1e-4, 1e-2, log=True),
    }
    study = optuna.create_study(
        direction=claims.DIRECTION, sampler=optuna.samplers.RandomSampler(3)
    )
    depths = set()
    for _ in range(30):
        trial = study.ask()
        model, loss = claims.train(trial)
        study.tell(trial, loss)
        depths.add(trial.params["layers"])
        widths = [f"units_{i}" for i in range(trial.params["layers"])]
        assert loss == 0.4  # after the last epoch
        assert trial.distributions == space | dict.fromkeys(widths, width)
        *hidden, last = model.layers
        assert [layer.units for layer in hidden] == [trial.params[name] for name in widths]
        names = {layer.get_config()["activation"] for layer in hidden}
        assert names == {trial.params["activation"]}
        assert last.get_config()["activation"] == "exponential"
        rate = float(model.optimizer.learning_rate)
        assert rate == pytest.approx(trial.params["learning_rate"])
    assert depths == {1, 2, 3}


def test_a_setting_of_another_space():
    trial = optuna.trial.FixedTrial(PARAMS | {"activation": "sigmoid"})
    with pytest.raises(ValueError, match="sigmoid"):
        claims.objective(trial)


def test_the_objective_is_rebuilt_exactly(cache, tmp_path, monkeypatch):
    """From its parameters and number: in another process, and in plain Keras."""
    code = (
        "import optuna; from helpers import claims; "
        f"trial = optuna.trial.FixedTrial({PARAMS}, number=7); "
        "print(repr(claims.objective(trial)))"
    )
    elsewhere = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"COURSE_CACHE": str(tmp_path / "other")},
        cwd=ROOT,
    )
    with elsewhere:
        trial = optuna.trial.FixedTrial(PARAMS, number=7)
        loss = claims.objective(trial)
        monkeypatch.setattr("helpers.training._fit", None)
        assert claims.objective(trial) == loss  # trained once
        other = elsewhere.communicate(timeout=100)[0]
    assert float(other) == loss == in_plain_keras(number=7)
    best = claims.best_loss(claims.parts()["validation"])
    assert 0 < loss - best < 0.02


def in_plain_keras(number):
    """The validation loss for PARAMS, written without the module's functions."""
    from helpers.quiet_keras import keras

    parts = claims.parts()
    train, validation = parts["train"], parts["validation"]
    y = (train.claims / train.exposure).astype("float32")
    weight = train.exposure.astype("float32")
    keras.utils.set_random_seed(number)
    start = math.log(train.claims.sum() / train.exposure.sum())
    model = keras.Sequential(
        [
            keras.Input((9,)),
            keras.layers.Dense(PARAMS["units_0"], PARAMS["activation"]),
            keras.layers.Dense(PARAMS["units_1"], PARAMS["activation"]),
            keras.layers.Dense(
                1,
                "exponential",
                bias_initializer=keras.initializers.Constant(start),
            ),
        ]
    )
    model.compile(keras.optimizers.Adam(PARAMS["learning_rate"]), "poisson")
    keras.utils.set_random_seed(number)
    model.fit(
        claims.inputs(train),
        y.to_numpy(),
        sample_weight=weight.to_numpy(),
        epochs=10,
        batch_size=256,
        verbose=0,
    )
    return model.evaluate(
        claims.inputs(validation),
        (validation.claims / validation.exposure).to_numpy("float32"),
        sample_weight=validation.exposure.to_numpy("float32"),
        batch_size=256,
        verbose=0,
    )
