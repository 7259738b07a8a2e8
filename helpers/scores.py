"""Scores and intervals that several notebooks use."""

import math


def wilson_interval(successes, trials, confidence=0.95):
    """Wilson's interval for a proportion: (low, high), both within [0, 1].

    Unlike `p ± 1.96 * sqrt(p * (1 - p) / n)` it stays sensible for few trials and
    near 0 and 1. Source: E. B. Wilson (1927), JASA 22, 209-212.
    Raises ValueError unless 0 <= successes <= trials and trials > 0.
    """
    from statistics import NormalDist

    if trials <= 0 or not 0 <= successes <= trials:
        raise ValueError(
            f"{successes} successes in {trials} trials: there must be at least one "
            "trial, and between 0 and all of them can succeed."
        )
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p = successes / trials
    centre = p + z**2 / (2 * trials)
    spread = z * math.sqrt(p * (1 - p) / trials + z**2 / (4 * trials**2))
    scale = 1 + z**2 / trials
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def mean_interval(values, confidence=0.95):
    """Student's interval for the mean of repeated runs: (mean, low, high).

    Fit for a few runs that differ by their seed alone. Source: Student (1908),
    Biometrika 6, 1-25. Raises ValueError for fewer than two values.
    """
    from scipy import stats

    values = [float(value) for value in values]
    if len(values) < 2:
        raise ValueError(f"{len(values)} values say nothing about their spread: give two or more.")
    mean = sum(values) / len(values)
    if min(values) == max(values):  # SciPy answers nan
        return mean, mean, mean
    low, high = stats.t.interval(confidence, len(values) - 1, mean, stats.sem(values))
    return mean, float(low), float(high)
