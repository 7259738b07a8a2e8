"""Simulated motor claims, whose true frequencies are known: the data of notebook 08.

A frequency is a number of claims per year of insurance. As we know the true one of
each policy, we also know the best loss that any model can reach. No real insurer's
data is used: the formula of `simulate` is invented, with stronger effects than real
portfolios show, so that 10,000 policies are enough to see differences.
"""

import functools
import numbers

import numpy as np
import pandas as pd

from helpers.files import CourseError

REGIONS = {"A": 0.4, "B": 0.2, "C": 0.0, "D": -0.1, "E": -0.3, "F": -0.5}
"""What each region adds to the logarithm of the frequency."""

REGION_SHARES = (0.25, 0.20, 0.20, 0.15, 0.12, 0.08)
"""Of the policies, in the order of REGIONS."""

SIZES = {"train": 10_000, "validation": 10_000, "test": 20_000}
"""Policies in each of the `parts`."""

SEEDS = {"train": 81, "validation": 82, "test": 83}

SCALES = {
    "driver_age": (46, 16),
    "bonus_malus": (67, 20),
    "vehicle_power": (7, 1.4),
}
"""Rounded mean and standard deviation of each number, for `inputs`."""

INPUTS = (*SCALES, *(f"region_{letter}" for letter in REGIONS))
"""Names of the columns of `inputs`."""


def simulate(n, seed):
    """n policies as a DataFrame; the same n and seed give the same policies.

    exposure: years insured, in (0, 1]; whole days, 3 policies in 5 all year.
    driver_age: 18 to 90 years.
    bonus_malus: percent, 50 to 230. As in France, one starts at 100, a year without
    claims costs 5 percent less, a claim 25 percent more; older drivers have mostly
    driven for longer, so theirs is lower.
    vehicle_power: 4 to 12. region: A (city) to F (country).
    frequency: true claims per year, mostly 0.1 to 0.6 and always below 15.
    claims: drawn from a Poisson distribution with mean exposure * frequency.

    The formula, in which log is the natural logarithm:

        log frequency = -1.5
            + 1.3 exp(-(driver_age - 18) / 12)        the young
            + 2.5 (max(driver_age - 55, 0) / 35)^2    the old
            + log(bonus_malus / 100)
            + REGIONS[region]
            + max(40 - driver_age, 0) / 22 * (vehicle_power - 7) / 3

    The last line is an interaction: power matters below the age of 40 only.
    Raises CourseError if n is not positive or the seed is negative.
    """
    for name, value, least in (("n", n, 1), ("seed", seed, 0)):
        if not isinstance(value, numbers.Integral) or value < least:
            raise CourseError(f"{name} must be a whole number of at least {least}, not {value!r}.")
    random = np.random.default_rng(seed)
    all_year = random.random(n) < 0.6
    days = np.where(all_year, 365, random.integers(1, 365, n))
    age = (18 + 73 * random.beta(1.5, 2.3, n)).astype(int).clip(18, 90)
    years = np.floor((age - 17) * np.sqrt(random.random(n)))
    past_claims = random.poisson(0.1 * np.minimum(years, 15))
    bonus_malus = 100 * 0.95**years * 1.25**past_claims
    bonus_malus = bonus_malus.round().clip(50, 230).astype(int)
    power = 4 + random.binomial(8, 0.35, n)
    region = random.choice(len(REGIONS), n, p=REGION_SHARES)
    frequency = np.exp(
        -1.5
        + 1.3 * np.exp(-(age - 18) / 12)
        + 2.5 * (np.maximum(age - 55, 0) / 35) ** 2
        + np.log(bonus_malus / 100)
        + np.array(list(REGIONS.values()))[region]
        + np.maximum(40 - age, 0) / 22 * (power - 7) / 3
    )
    return pd.DataFrame(
        {
            "exposure": days / 365,
            "driver_age": age,
            "bonus_malus": bonus_malus,
            "vehicle_power": power,
            "region": np.array(list(REGIONS))[region],
            "frequency": frequency,
            "claims": random.poisson(days / 365 * frequency),
        }
    )


def parts():
    """{"train", "validation", "test": policies}, always the same, none shared."""
    # Copies: whoever changes a table does not change what the next call gives.
    return {part: policies.copy() for part, policies in _parts().items()}


@functools.cache
def _parts():
    """The `parts`, drawn once."""
    return {part: simulate(SIZES[part], SEEDS[part]) for part in SIZES}


def inputs(policies):
    """What a network gets of n policies: (n, 9) float32, columns named in INPUTS.

    Numbers are standardised with the constants in SCALES, not with the mean of these
    policies; regions are one-hot. Exposure is no input: it is a sample weight.
    Raises CourseError if a column is missing.
    """
    _require(policies, *SCALES, "region")
    columns = [(policies[name] - mean) / deviation for name, (mean, deviation) in SCALES.items()]
    columns += [policies["region"] == letter for letter in REGIONS]
    return np.stack(columns, axis=1).astype("float32")


def losses(policies, frequency):
    """The n terms whose mean is the `poisson_loss`, with what it says of them: (n,)."""
    _require(policies, "exposure", "claims")
    # Not (n, 1): with n claims that would make n * n differences.
    frequency = np.asarray(frequency, float).reshape(-1)
    if len(frequency) not in (1, len(policies)):
        raise CourseError(f"There are {len(policies)} policies, but {len(frequency)} frequencies.")
    if not (frequency > 0).all():
        raise CourseError("A frequency must be a number above 0.")
    exposure, claims = (policies[c].to_numpy() for c in ("exposure", "claims"))
    return exposure * frequency - claims * np.log(frequency)


def poisson_loss(policies, frequency):
    """Mean over policies of exposure * frequency - claims * log(frequency).

    frequency: predicted claims per year, (n,) or (n, 1) or one number for all.

    This is the negative log-likelihood of the claims, without the terms that do not
    depend on the prediction. Keras gives the same number to about 1e-6 with

        model.compile(loss="poisson")
        X, y, exposure = arrays(policies)
        model.evaluate(X, y, sample_weight=exposure)

    because Keras 3 multiplies each policy's frequency - claims / exposure *
    log(frequency) by its weight, and divides the sum by the number of policies, not
    by the sum of weights. It works in float32, and adds 1e-7 to the frequency
    before its logarithm.

    Raises CourseError if a column is missing, or a frequency not positive, or if
    there is another number of them than of policies.
    """
    return float(losses(policies, frequency).mean())


def best_loss(policies):
    """The `poisson_loss` of the true frequencies: on average nothing is better.

    On a finite sample luck can beat it slightly. On the 10,000 validation policies a
    good network's difference to it has a standard error of about 0.001 (see
    `excess_loss`), where the constant model's difference is about 0.05.
    Raises CourseError if a column is missing.
    """
    _require(policies, "frequency")
    return poisson_loss(policies, policies["frequency"])


def excess_loss(policies, frequency):
    """How far predictions are above `best_loss`, and the standard error of that.

    The error is that of a paired comparison: of the mean of the n differences.
    Raises CourseError as `poisson_loss` does.
    """
    _require(policies, "frequency")
    difference = losses(policies, frequency) - losses(policies, policies["frequency"])
    error = difference.std(ddof=1) / len(policies) ** 0.5
    return float(difference.mean()), float(error)


def _require(policies, *columns):
    """Raise CourseError if a column is not there."""
    for column in columns:
        if column not in policies:
            raise CourseError(
                f"The policies have no column {column!r}: "
                "take them from claims.simulate or claims.parts."
            )


def arrays(policies):
    """What `model.fit` and `model.evaluate` get of n policies: (X, y, sample_weight).

    X: the `inputs`, (n, 9). y: claims per year, (n,). sample_weight: exposure in
    years, (n,). All float32. Raises CourseError if a column is missing.
    """
    _require(policies, "exposure", "claims")
    exposure = policies["exposure"]
    per_year = policies["claims"] / exposure
    return (
        inputs(policies),
        per_year.to_numpy("float32"),
        exposure.to_numpy("float32"),
    )
