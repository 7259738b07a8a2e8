"""The simulated claims follow their formula."""

import hashlib
import math
import platform

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import PoissonRegressor
from support import ROOT

from helpers import claims
from helpers.files import CourseError


@pytest.fixture(scope="module")
def policies():
    """Enough of them to see small deviations."""
    return claims.simulate(100_000, 5)


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


def test_the_same_each_time(policies):
    again = claims.simulate(100_000, 5)
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


def test_one_frequency_for_all():
    two = pd.DataFrame({"exposure": [1, 0.5], "claims": [0, 2]})
    expected = (0.25 + 0.5 * 0.25 - 2 * math.log(0.25)) / 2
    assert claims.poisson_loss(two, 0.25) == pytest.approx(expected)
    assert claims.losses(two, 0.25).mean() == pytest.approx(expected)


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
