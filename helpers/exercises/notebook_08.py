"""Checks of notebook 08, hyperparameter tuning."""

import math
from collections.abc import Mapping
from itertools import combinations

import numpy as np

from helpers.exercises.answers import (
    NoAnswer,
    call,
    exercise,
    numbers,
    shown,
)
from helpers.files import CourseError
from helpers.scores import mean_interval


@exercise("08.1")
def _price_of_a_grid(answer):
    what = "four numbers, (a, b, c, d)"
    hours, grid, random, enough = numbers(answer, (4,), what)
    trainings = 4**5
    mistakes = {
        3 * trainings: "(a) those are minutes",
        trainings: "(a) that is the number of trainings: how long do they take?",
        3 * 5**4 / 60: "(a) each hyperparameter makes it 4 times as many, not 5 times",
        3 * 5 * 4 / 60: "(a) a grid tries every combination, not each value once",
    }
    for wrong, reason in mistakes.items():
        if np.isclose(hours, wrong):
            return reason
    if not np.isclose(hours, 3 * trainings / 60):
        return "(a) count the combinations, then the minutes, then the hours"
    if grid == trainings:
        return "(b) the grid comes back to the same few values again and again"
    if grid != 4:
        return "(b) look at the grid along the one axis that matters"
    if random == 4:
        return "(c) a random search has no list of values: each draw is a new one"
    if random != trainings:
        return "(c) each training draws its own value, from all of the range"
    needed = math.ceil(math.log(0.05) / math.log(0.95))
    if enough == 20:
        return (
            "(d) 20 trainings hit the best 5 % once on average, yet in 36 of 100 "
            "searches not at all"
        )
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
        ratio, natural = high / low, np.log(low) + u * np.log(high / low)
        if np.allclose(value, low * ratio**u, rtol=1e-4, atol=0):
            continue
        mistakes = {
            "that is uniform in the value itself, not in its logarithm": low + u * (high - low),
            "those are still logarithms: the way back is missing": natural,
            "np.log and np.exp belong together, and so do log10 and 10**": 10**natural,
            "u = 0 must give low: the ends are exchanged": high / ratio**u,
        }
        for reason, wrong in mistakes.items():
            if np.allclose(value, wrong, rtol=1e-4, atol=0):
                return reason
        return (
            f"between {low:g} and {high:g}, u = 0.5 must give {np.sqrt(low * high):g}, "
            f"and it gave {value.flat[1]:.4g}"
            if not np.isclose(value.flat[1], np.sqrt(low * high), rtol=1e-4)
            else f"u = 0.5 is right, but u = {u.flat[2]:.2f} is not"
        )


@exercise("08.3")
def _define_by_run(space):
    import optuna  # here, since importing it takes a second

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=84))
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


class _Watched:
    """Stands in for a trial; a pruner says True once epoch `stop` is reported."""

    def __init__(self, stop):
        self.stop, self.reported, self.asked = stop, {}, False

    def report(self, value, step):
        self.reported[int(step)] = float(value)

    def should_prune(self):
        self.asked = True
        return self.stop is not None and max(self.reported, default=-1) >= self.stop


@exercise("08.4")
def _report_and_prune(watch):
    import optuna  # here, since importing it takes a second

    for stop, curve in ((None, [0.6, 0.5, 0.45, 0.47]), (2, [0.6, 0.5, 0.55, 0.4, 0.3])):
        trial, value, pruned = _Watched(stop), None, False
        try:
            value = call(watch, trial, np.array(curve))
        except optuna.TrialPruned:
            pruned = True
        except NoAnswer:
            if not trial.reported and not trial.asked:
                raise
        if fault := _fault_of_reports(trial, curve, pruned):
            return fault
        if not pruned and numbers(value, (), "one number") != min(curve):
            return "return the best loss, the smallest, not another one"


def _fault_of_reports(trial, curve, pruned):
    """What is wrong with the calls of `report` and `should_prune`."""
    if not trial.reported:
        return "nothing was reported: call trial.report(loss, epoch) in each epoch"
    if 0 not in trial.reported:
        return "epochs are counted from 0 here"
    if any(curve[k : k + 1] != [value] for k, value in trial.reported.items()):
        return "report the loss of each epoch itself, with its own number"
    if not trial.asked:
        return "trial.should_prune() was never asked: a report alone stops nothing"
    if trial.stop is None and pruned:
        return "it stopped although should_prune() said False"
    if trial.stop is not None and not pruned:
        return "should_prune() said True: end the trial with raise optuna.TrialPruned"
    last = len(curve) - 1 if trial.stop is None else trial.stop
    if max(trial.reported) != last or len(trial.reported) != last + 1:
        return (
            f"epochs {', '.join(map(str, trial.reported))} were reported, and it should be "
            f"each from 0 to {last}: report, then ask, in each epoch"
        )


SAME_NAME, LINEAR, TEST, RETURN, DIRECTION = 5, 3, 8, 9, 11
"""Lines of the listing of exercise 08.5 with a mistake; one of the last two."""

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


@exercise("08.5")
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


SEEDS, TRIALS = 5, 5
"""Of exercise 08.6: trainings of each network, and finished trials at the least."""

VERDICTS = ("better", "worse", "cannot tell")


@exercise("08.6")
def _own_study(answer):
    keys = {"study", "default", "mine", "verdict"}
    if not isinstance(answer, Mapping) or set(answer) != keys:
        raise CourseError('it should be a dictionary with "study", "default", "mine", "verdict"')
    if fault := _fault_of_study(answer["study"]):
        return fault
    losses = {}
    for name in ("default", "mine"):
        if fault := _fault_of_predictions(name, answer[name], losses):
            return fault
    if answer["verdict"] not in VERDICTS:
        return f"the verdict is one of {', '.join(VERDICTS)}, not {shown(answer['verdict'])}"
    gain = losses["default"] - losses["mine"]
    _, *seeds = mean_interval(gain.mean(axis=1))
    mean, *policies = mean_interval(gain.mean(axis=0))
    lows, highs = zip(seeds, policies, strict=True)
    verdict = "better" if min(lows) > 0 else "worse" if max(highs) < 0 else "cannot tell"
    found = (
        f"yours gains {mean:+.1f} points, {seeds[0]:+.1f} to {seeds[1]:+.1f} over seeds and "
        f"{policies[0]:+.1f} to {policies[1]:+.1f} over policies"
    )
    if answer["verdict"] != verdict:
        return f"{shown(answer['verdict'])} is not what the numbers say: {found}"
    if verdict != "better":
        return f"an honest report, but the default is not beaten: {found}"


def _fault_of_study(study):
    """What is wrong with a study of exercise 08.6."""
    import optuna

    if not isinstance(study, optuna.Study):
        return f"the study should be an Optuna study, not {shown(study)}"
    if study.direction != optuna.study.StudyDirection.MINIMIZE:
        return "your study maximizes: the smaller a loss, the better"
    states = [optuna.trial.TrialState.COMPLETE]
    finished = len(study.get_trials(deepcopy=False, states=states))
    if finished < TRIALS:
        return f"your study has {finished} finished trials: let it have {TRIALS} or more"


def _fault_of_predictions(name, predicted, losses):
    """What is wrong with predictions for the test policies; else `losses` gets theirs.

    They are in percent of the way from the true frequencies to one for all, as in the
    notebook: {name: (SEEDS, policies)}.
    """
    from helpers import claims

    parts = claims.parts()
    test, train = parts["test"], parts["train"]
    shape = (SEEDS, len(test))
    what = f'"{name}" with one row of {len(test):,} frequencies for each of {SEEDS} seeds'
    try:
        predicted = np.squeeze(np.asarray(predicted, float))
    except (TypeError, ValueError):
        raise CourseError(f"it should have {what}") from None
    predicted = numbers(predicted, shape, what)
    if not ((predicted > 0) & np.isfinite(predicted)).all():
        return f'"{name}" has frequencies that are not positive numbers'
    if any(np.array_equal(one, other) for one, other in combinations(predicted, 2)):
        return f'two rows of "{name}" are equal: train with {SEEDS} different seeds'
    best = claims.losses(test, test["frequency"])
    same_for_all = train["claims"].sum() / train["exposure"].sum()
    scale = 100 / (claims.poisson_loss(test, same_for_all) - best.mean())
    losses[name] = np.array([scale * (claims.losses(test, row) - best) for row in predicted])
    excess = losses[name].mean()
    if name == "default" and not 3 < excess < 25:
        return f"the default has {excess:.0f} % of excess loss, which the notebook's has not"
    if name == "mine" and math.isclose(excess, losses["default"].mean()):
        return '"mine" and "default" are the same predictions'
