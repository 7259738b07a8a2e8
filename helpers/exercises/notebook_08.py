"""Checks of notebook 08, hyperparameter tuning."""

from collections.abc import Mapping

import numpy as np

from helpers.exercises.answers import (
    NoAnswer,
    call,
    exercise,
    numbers,
    shown,
)
from helpers.files import CourseError


@exercise("08.1")
def _price_of_a_grid(answer):
    what = "four numbers, (a, b, c, d)"
    hours, grid, random, enough = numbers(answer, (4,), what)
    trainings = 4**5
    mistakes = {
        3 * trainings: "(a) those are minutes",
        trainings: "(a) that is the number of trainings: how long do they take?",
        3 * 5**4 / 60: "(a) each hyperparameter makes it 4 times as many, so it "
        "is not 5 to the power of 4",
        3 * 5 * 4 / 60: "(a) a grid tries every combination, not each value once",
    }
    for wrong, reason in mistakes.items():
        if np.isclose(hours, wrong):
            return reason
    if not np.isclose(hours, 3 * trainings / 60):
        return "(a) count the combinations, then the minutes, then the hours"
    if grid == trainings:
        return "(b) the grid comes back to the same few values again and again"
    if grid == trainings / 4:
        return "(b) that is how often the grid tries each of the values"
    if grid != 4:
        return "(b) look at the grid along the one axis that matters"
    if random == 4:
        return "(c) a random search has no list of values: each draw is a new one"
    if random != trainings:
        return "(c) each training draws its own value, from all of the range"
    needed, all_miss = 0, 1.0
    while all_miss > 0.05:
        needed, all_miss = needed + 1, 0.95 * all_miss
    if enough == 20:
        return (
            "(d) 20 trainings hit the best 5 % once on average, yet in 36 of 100 "
            "searches not at all"
        )
    if needed - 1 < enough < needed:
        return "(d) there is no part of a training: round up"
    if not enough >= needed:
        return "(d) so few all miss the best 5 % too often: when is 0.95**n at most 0.05?"
    if enough > needed:
        return "(d) that is enough, but fewer are enough too"


@exercise("08.2")
def _log_uniform(log_uniform):
    random = np.random.default_rng(82)
    for low, high, shape in ((1e-4, 1e-2, (9,)), (4.0, 256.0, (3, 5))):
        u = random.random(shape)
        u.flat[:2] = 0, 0.5
        value = call(log_uniform, u, low, high)
        value = numbers(value, shape, f"an array of shape {shape}, as u")
        ratio = high / low
        if np.allclose(value, low * ratio**u, rtol=1e-4, atol=0):
            continue
        natural = np.log(low) + u * np.log(ratio)
        decimal = np.log10(low) + u * np.log10(ratio)
        straight = low + u * (high - low)
        mistakes = {
            "that is uniform in the value itself, not in its logarithm": [straight],
            "those are still logarithms: the way back is missing": [
                natural,
                decimal,
            ],
            "np.log and np.exp belong together, and so do log10 and 10**": [
                np.exp(decimal),
                10**natural,
            ],
            "u = 0 must give low: the ends are exchanged": [high / ratio**u],
            "the ends are no exponents yet: take their logarithms first": [
                np.exp(straight),
                10**straight,
            ],
        }
        for reason, wrongs in mistakes.items():
            if any(np.allclose(value, w, rtol=1e-4, atol=0) for w in wrongs):
                return reason
        if not ((0.999 * low <= value) & (value <= 1.001 * high)).all():
            return f"it leaves the range from {low:g} to {high:g}"
        middle = np.sqrt(low * high)
        return (
            f"between {low:g} and {high:g}, u = 0.5 must give {middle:g}, and it "
            f"gave {value.flat[1]:.4g}"
            if not np.isclose(value.flat[1], middle, rtol=1e-4)
            else f"u = 0.5 is right, but u = {u.flat[2]:.2f} is not"
        )


@exercise("08.3")
def _poisson_loss(poisson_loss):
    random = np.random.default_rng(83)
    for n in (50, 80):
        exposure = random.uniform(0.1, 1, n)
        frequency = random.uniform(0.1, 3, n)
        claims = random.poisson(exposure * frequency)
        given = claims, exposure, frequency
        value = numbers(call(poisson_loss, *given), (), "one number")
        logs = np.log(frequency)
        each = exposure * frequency - claims * logs
        wanted = each.sum() / n
        if np.isclose(value, wanted, rtol=1e-4):
            continue
        mistakes = {
            "the exposure is missing: half a year brings half the claims": (
                (frequency - claims * logs).mean()
            ),
            "only the first term is multiplied by the exposure: the claims are "
            "counted, not claims a year": ((exposure * (frequency - claims * logs)).mean()),
            "the claims are already a number: do not divide them by the exposure": (
                exposure * frequency - claims / exposure * logs
            ).mean(),
            "claims a year need a weight: a policy of a week would count as much "
            "as one of a year": (frequency - claims / exposure * logs).mean(),
            "that is the sum: take the mean over the policies": each.sum(),
            "divide by the number of policies, not by the years": (each.sum() / exposure.sum()),
            "the sign is the wrong way round: the smaller the better": -wanted,
            "take the logarithm of the frequency, without the exposure": (
                each - claims * np.log(exposure)
            ).mean(),
            "take the natural logarithm, np.log": (
                exposure * frequency - claims * np.log10(frequency)
            ).mean(),
            "the second term is subtracted": ((exposure * frequency + claims * logs).mean()),
        }
        for reason, wrong in mistakes.items():
            if np.isclose(value, wrong, rtol=1e-4):
                return reason
        if not np.isfinite(value):
            return "take the logarithm of the frequency: claims can be 0"
        return f"of {n} policies it made {value:.4f}, not {wanted:.4f}"


@exercise("08.4")
def _define_by_run(space):
    import optuna  # here, since importing it takes a second

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        sampler = optuna.samplers.RandomSampler(seed=84)
        study = optuna.create_study(sampler=sampler)
    finally:
        optuna.logging.set_verbosity(verbosity)
    for _ in range(60):
        trial = study.ask()
        try:
            value = call(space, trial)
        except NoAnswer:
            if not trial.params:
                raise
            value = None
        if fault := _fault_of_ranges(trial) or _fault_of_names(trial.params):
            return fault
        if not isinstance(value, Mapping) or dict(value) != trial.params:
            return "all is suggested as it should be: now return trial.params"


def _fault_of_ranges(trial):
    """What is wrong with a parameter's kind, scale, steps or range."""
    from optuna import distributions as kinds

    wanted = {
        "learning_rate": kinds.FloatDistribution(1e-4, 1e-1, log=True),
        "blocks": kinds.IntDistribution(1, 4),
        "momentum": kinds.FloatDistribution(0.0, 0.99),
        "optimizer": kinds.CategoricalDistribution(("adam", "sgd")),
    }
    filters = kinds.IntDistribution(8, 64, step=8)
    wanted |= {f"filters_{k}": filters for k in range(4)}
    for name in sorted(set(trial.params) & set(wanted)):
        got, right = trial.distributions[name], wanted[name]
        if name == "optimizer":
            if set(getattr(got, "choices", ())) != set(right.choices):
                return "optimizer is one of 'adam' and 'sgd', and nothing else"
            continue
        if isinstance(got, kinds.CategoricalDistribution):
            return f"{name} is a number: among categories a sampler sees no order"
        if type(got) is not type(right):
            kind = "int" if isinstance(right, kinds.IntDistribution) else "float"
            return f"{name} is for suggest_{kind}"
        if right.log and not got.log:
            return (
                f"{name} is not on a logarithmic scale: 9 of 10 trials would go "
                "to the largest of its powers of ten"
            )
        if got.log and not right.log:
            return f"{name} was not asked for on a logarithmic scale"
        if got.step != right.step:
            steps = f"in steps of {right.step}" if right.step else "without steps"
            return f"{name} was asked for {steps}"
        if (got.low, got.high) != (right.low, right.high):
            return (
                f"{name} goes from {got.low:g} to {got.high:g}, not from "
                f"{right.low:g} to {right.high:g}"
            )


def _fault_of_names(params):
    """Which parameter is missing, or should not be there."""
    for name in ("optimizer", "learning_rate", "blocks"):
        if name not in params:
            return f"no parameter named {name!r} was suggested"
    if params["optimizer"] == "adam" and "momentum" in params:
        return "Adam has no such momentum: ask for it only where it is 'sgd'"
    if params["optimizer"] == "sgd" and "momentum" not in params:
        return "with 'sgd', no parameter named 'momentum' was suggested"
    if "filters" in params:
        return (
            "'filters' is one parameter with one value for all blocks: each "
            "block needs a name of its own"
        )
    blocks = params["blocks"]
    if "filters_0" not in params and f"filters_{blocks}" in params:
        return "blocks are counted from 0: the first is 'filters_0'"
    names = {f"filters_{k}" for k in range(blocks)}
    if missing := sorted(names - set(params)):
        return f"where blocks is {blocks}, no {missing[0]!r} was suggested"
    names |= {"optimizer", "learning_rate", "blocks", "momentum"}
    if extra := sorted(set(params) - names):
        return f"where blocks is {blocks}, {shown(extra[0])} was not asked for"


@exercise("08.5")
def _median_rule(prune):
    curves = list(_curves())
    found = []
    for others, mine in curves:
        value = call(prune, others, mine)
        value = numbers(value, (), "True or False")
        if value not in (0, 1):
            raise CourseError(f"it should be True or False, not {value:g}")
        found.append(bool(value))
    wanted = [_is_worse(others, mine) for others, mine in curves]
    if found == wanted:
        return None
    if len(set(found)) == 1:
        return f"it says {found[0]} of every trial"
    for reason, rule in _MISTAKES:
        if found == [bool(rule(*curve, _now(*curve))) for curve in curves]:
            return reason
    first = [a != b for a, b in zip(found, wanted, strict=True)].index(True)
    others, mine = curves[first]
    middle = np.median(_now(others, mine))
    verb = "was not" if wanted[first] else "was"
    return (
        f"a trial {verb} pruned after {len(mine)} epochs, with {max(mine):.3f} as "
        f"its best, where the others' median is {middle:.3f}"
    )


def _curves():
    """Pairs (others, mine) of learning curves: (n, epochs) and (k,).

    Accuracies are whole 64ths, as of 64 images: there are ties, and no rounding.
    """
    random = np.random.default_rng(85)
    epochs = 8
    rise = 1 - 0.7 ** np.arange(1, epochs + 1)
    for n in (4, 5, 6, 7) * 12:
        top = random.uniform(0.5, 0.9, (n + 1, 1))
        curves = top * rise + random.normal(0, 0.05, (n + 1, epochs))
        curves = np.round(64 * curves.clip(0, 1)) / 64
        k = random.integers(2, epochs)  # some are cut before the last epoch
        yield curves[1:], curves[0, :k]
    for k in (1, epochs):
        yield curves[1:], curves[0, :k]


def _now(others, mine):
    """(n,) what the others had when they were as old as this trial."""
    return others[:, len(mine) - 1]


def _is_worse(others, mine):
    """As Optuna's MedianPruner where larger is better, without NumPy's median."""
    now = sorted(_now(others, mine))
    half = len(now) // 2
    median = now[half] if len(now) % 2 else (now[half - 1] + now[half]) / 2
    return all(value < median for value in mine)


_SO_FAR = "take the others at this epoch, not their best so far"
_END = "that is what the others reached later: unfair to one in its first epochs"
_ALL = "take the others at this epoch alone, not at several epochs"
_COLUMN = "after k epochs the others' value is in column k - 1"
_GOOD = "it prunes the good ones: the larger the accuracy, the better"
_MIDDLE = "of an even number of values the median is the mean of the middle two"

_MISTAKES = [
    (
        "its best value so far counts, not its last one",
        lambda a, b, now: b[-1] < np.median(now),
    ),
    (_SO_FAR, lambda a, b, now: max(b) < np.median(a[:, : len(b)].max(axis=1))),
    (_END, lambda a, b, now: max(b) < np.median(a[:, -1])),
    (_END, lambda a, b, now: max(b) < np.median(a.max(axis=1))),
    (_ALL, lambda a, b, now: max(b) < np.median(a[:, : len(b)])),
    (_ALL, lambda a, b, now: max(b) < np.median(a)),
    (_COLUMN, lambda a, b, now: max(b) < np.median(a[:, len(b) - 2])),
    (_COLUMN, lambda a, b, now: max(b) < np.median(a[:, len(b) % a.shape[1]])),
    (
        "that is the mean of the others, not their median",
        lambda a, b, now: max(b) < now.mean(),
    ),
    (
        "that is the best of the others, not their median",
        lambda a, b, now: max(b) < max(now),
    ),
    (
        "a trial that equals the median is not worse",
        lambda a, b, now: max(b) <= np.median(now),
    ),
    (_GOOD, lambda a, b, now: max(b) > np.median(now)),
    (_GOOD, lambda a, b, now: max(b) >= np.median(now)),
    (_MIDDLE, lambda a, b, now: max(b) < sorted(now)[len(now) // 2]),
    (_MIDDLE, lambda a, b, now: max(b) < sorted(now)[(len(now) - 1) // 2]),
]
"""(reason, the rule of somebody who made this mistake), of others, mine, now."""


@exercise("08.6")
def _successive_halving(answer):
    halving, full = numbers(answer, (2,), "two numbers, (a, b)")
    rungs, at_rung = [1, 4, 16, 64], [64, 16, 4, 1]
    steps = np.diff([0, *rungs])
    wanted = np.dot(steps, at_rung)
    if halving == 64 * 64 and full == wanted:
        return "successive halving comes first"
    mistakes = {
        np.dot(rungs, at_rung): "(a) a trial that goes on keeps its weights: its "
        "first epochs are not trained again",
        wanted - steps[-1]: "(a) the last trial is trained to the end",
        sum(at_rung): "(a) those are starts and not epochs, or one trial only",
        64: "(a) that is the first round, or the winner alone: add all rounds",
    }
    for wrong, reason in mistakes.items():
        if halving == wrong:
            return reason
    if halving != wanted:
        return "(a) add, for each round, the trials in it times their new epochs"
    if full == 64 * sum(rungs):
        return "(b) a trial has 64 epochs in all"
    if full != 64 * 64:
        return "(b) each of the trials is trained to the end"


SAME_NAME, LINEAR, TEST, RETURN, DIRECTION = 5, 3, 8, 9, 11
"""Lines of the listing of exercise 08.7 with a mistake; one of the last two."""

FAULTS = {
    LINEAR: "one range spans powers of ten, and 9 of 10 random trials would go "
    "to the largest of them",
    SAME_NAME: "Optuna gives the same value to whatever has the same name",
    TEST: "with some data one must not choose",
}
"""{line: what a student who has not found it is told}, without its number."""

INNOCENT = {
    1: "an objective is a function of a trial",
    2: "each trial seeds itself with its own number, so it can be rebuilt",
    4: "from 1 to 3 layers is what was wanted",
    6: "it only builds the model",
    7: "training is what the training set is for",
    12: "any number of trials will do",
    13: "the winner is rebuilt from its parameters and number",
    14: "once, at the very end, is what the test set is for",
}
"""{line: why it is right}."""


@exercise("08.7")
def _four_mistakes(answer):
    what = "a set of line numbers, such as {1, 2}"
    if isinstance(answer, (str, bytes, Mapping)) or not np.iterable(answer):
        raise CourseError(f"it should be {what}, not {shown(answer)}")
    lines = list(answer)
    lines = set(numbers(lines, (len(lines),), what).tolist())
    known = {*FAULTS, *INNOCENT, RETURN, DIRECTION}
    if unknown := [line for line in lines if line not in known]:
        return f"there is no code in line {unknown[0]:g}"
    if innocent := sorted(lines & set(INNOCENT)):
        return f"line {innocent[0]:.0f} is right: {INNOCENT[innocent[0]]}"
    if {RETURN, DIRECTION} <= lines:
        return (
            f"lines {RETURN} and {DIRECTION} do not fit together: change one of "
            "the two, for with both changed they would not fit again"
        )
    for line, reason in FAULTS.items():
        if line not in lines:
            return f"{len(lines)} of 4 are found: {reason}"
    if not lines & {RETURN, DIRECTION}:
        return "3 of 4 are found: which trial would this study call its best?"
