"""Intervals against values computed on their own."""

from decimal import Decimal, localcontext

import pytest

from helpers.scores import mean_interval, wilson_interval

Z95 = Decimal("1.959963984540054235524594430520551")
"""0.975 quantile of the standard normal distribution (tables; OEIS A220510)."""


def roots(successes, trials):
    """Wilson's limits as he defined them, to 30 digits.

    They are the proportions q that lie z standard errors from the observed p:
    (p - q)^2 = z^2 q (1 - q) / n, a quadratic equation in q.
    """
    with localcontext() as context:
        context.prec = 40
        n, p, z2 = Decimal(trials), Decimal(successes) / trials, Z95**2
        a, b, c = 1 + z2 / n, -(2 * p + z2 / n), p**2
        root = (b**2 - 4 * a * c).sqrt()
        return float((-b - root) / (2 * a)), float((-b + root) / (2 * a))


@pytest.mark.parametrize("trials", [1, 7, 10, 385, 7684])
def test_against_the_definition(trials):
    for successes in {0, 1, trials // 2, trials - 1, trials}:
        interval = wilson_interval(successes, trials)
        assert interval == pytest.approx(roots(successes, trials), abs=1e-12)


@pytest.mark.parametrize(
    "successes, trials, low, high",
    [
        (0, 7, 0.0000, 0.3543),
        (7, 7, 0.6457, 1.0000),
        (5, 10, 0.2366, 0.7634),
        # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_known_values(successes, trials, low, high):
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5.1e-5)


def test_confidence():
    # z = 1.6449 and 2.5758: p = 1/2, n = 10, half width z / (2 sqrt(n + z^2)).
    for confidence, z in ((0.90, 1.644853627), (0.99, 2.575829304)):
        half = z / (2 * (10 + z**2) ** 0.5)
        assert wilson_interval(5, 10, confidence) == pytest.approx(
            (0.5 - half, 0.5 + half), abs=1e-9
        )


def test_stays_between_0_and_1():
    for trials in range(1, 200):
        low, _ = wilson_interval(0, trials)
        _, high = wilson_interval(trials, trials)
        assert low >= 0 and high <= 1


@pytest.mark.parametrize("successes, trials", [(0, 0), (3, 2), (-1, 5), (1, -2)])
def test_impossible_counts(successes, trials):
    with pytest.raises(ValueError, match=f"{successes} successes in {trials}"):
        wilson_interval(successes, trials)


def test_mean_interval_against_tables():
    # 0.975 quantiles of Student's t: 2.776445 (4 degrees of freedom), 12.706205 (1).
    values = [0.91, 0.87, 0.93, 0.90, 0.89]
    mean = 0.90
    error = (sum((v - mean) ** 2 for v in values) / 4 / 5) ** 0.5
    expected = mean, mean - 2.776445 * error, mean + 2.776445 * error
    assert mean_interval(values) == pytest.approx(expected, abs=1e-7)
    expected = 2.0, 2.0 - 12.706205, 2.0 + 12.706205
    assert mean_interval([1, 3]) == pytest.approx(expected, abs=1e-5)


def test_mean_interval_of_equal_values():
    assert mean_interval([0.5, 0.5, 0.5]) == (0.5, 0.5, 0.5)


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="two or more"):
        mean_interval([0.5])
