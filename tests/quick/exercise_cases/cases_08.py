"""Answers to the exercises of notebook 08, hyperparameter tuning."""

import statistics

import numpy as np

from exercise_cases import Case, cases


@cases("08.1")
def _(scans):
    right = [
        (51.2, 4, 1024, 59),
        [4**5 * 3 / 60, 4, 4**5, int(np.ceil(np.log(0.05) / np.log(0.95)))],
        np.array([51.2, 4, 1024, 59], "float32"),
    ]
    wrong = [
        ((3072, 4, 1024, 59), "minutes"),
        ((1024, 4, 1024, 59), "number of trainings"),
        ((31.25, 4, 625, 59), "5 to the power of 4"),
        ((1, 4, 20, 59), "every combination"),
        ((17.1, 4, 1024, 59), "count the combinations"),
        ((51.2, 1024, 1024, 59), "again and again"),
        ((51.2, 256, 1024, 59), "how often"),
        ((51.2, 1, 1024, 59), "one axis"),
        ((51.2, 4, 4, 59), "no list of values"),
        ((51.2, 4, 256, 59), "its own value"),
        ((51.2, 4, 1024, 20), "once on average"),
        ((51.2, 4, 1024, 58.4), "round up"),
        ((51.2, 4, 1024, 58), "all miss"),
        ((51.2, 4, 1024, 14), "all miss"),
        ((51.2, 4, 1024, 1), "all miss"),
        ((51.2, 4, 1024, float("nan")), "all miss"),
        ((51.2, 4, 1024, 60), "fewer"),
        ((51.2, 4, 1024), "four numbers"),
        ("51.2, 4, 1024, 59", "four numbers"),
    ]
    return Case({}, right, wrong)


@cases("08.2", is_function=True)
def _(scans):
    def right(u, low, high):
        return np.exp(np.log(low) + u * (np.log(high) - np.log(low)))

    def decimal(u, low, high):
        return 10 ** ((1 - u) * np.log10(low) + u * np.log10(high))

    def by_ratio(u, low, high):
        return (low * (high / low) ** u).astype("float32").tolist()

    def straight(u, low, high):
        return low + u * (high - low)

    def logs(u, low, high, log=np.log):
        return straight(u, log(low), log(high))

    wrong = [
        (straight, "not in its logarithm"),
        (logs, "still logarithms"),
        (lambda *a: logs(*a, np.log10), "still logarithms"),
        (lambda *a: np.exp(logs(*a, np.log10)), "belong together"),
        (lambda *a: 10 ** logs(*a), "belong together"),
        (lambda u, low, high: right(u, high, low), "exchanged"),
        (lambda *a: np.exp(straight(*a)), "no exponents yet"),
        (lambda *a: 10 ** straight(*a), "no exponents yet"),
        (lambda u, low, high: right(2 * u, low, high), "leaves the range"),
        (lambda u, low, high: 0 * u, "leaves the range"),
        (lambda u, low, high: u * np.nan, "leaves the range"),
        (lambda u, low, high: right(u**2, low, high), "u = 0.5 must give"),
        (
            lambda u, low, high: right(np.where(u > 0.6, 0.6, u), low, high),
            "is not",
        ),
        (lambda *a: right(*a).ravel()[:5], "an array of shape (9,)"),
        (lambda *a: right(*a).mean(), "an array of shape (9,)"),
        (np.zeros(9), "the function itself"),
    ]
    return Case({}, [right, decimal, by_ratio], wrong)


@cases("08.3", is_function=True)
def _(scans):
    def right(k, e, f):
        return (e * f - k * np.log(f)).mean()

    def with_loop(k, e, f):
        rows = list(zip(k, e, f, strict=True))
        return sum(e * f - k * np.log(f) for k, e, f in rows) / len(rows)

    def as_keras(k, e, f):
        """The target is claims a year, and the exposure is the weight."""
        return np.float32(np.mean(e * (f - k / e * np.log(f))))

    wrong = [
        (lambda k, e, f: right(k, 1, f), "exposure is missing"),
        (lambda k, e, f: (e * (f - k * np.log(f))).mean(), "first term"),
        (lambda k, e, f: right(k / e, e, f), "do not divide"),
        (lambda k, e, f: right(k / e, 1, f), "a week"),
        (lambda k, e, f: len(k) * right(k, e, f), "the sum"),
        (lambda k, e, f: right(k, e, f) / e.mean(), "not by the years"),
        (lambda k, e, f: -right(k, e, f), "wrong way round"),
        (lambda k, e, f: (e * f - k * np.log(e * f)).mean(), "without the"),
        (lambda k, e, f: (e * f - k * np.log10(f)).mean(), "np.log"),
        (lambda k, e, f: (e * f + k * np.log(f)).mean(), "subtracted"),
        (lambda k, e, f: (e * f - f * np.log(k)).mean(), "claims can be 0"),
        (lambda k, e, f: ((k - e * f) ** 2).mean(), "of 50 policies"),
        (lambda k, e, f: e * f - k * np.log(f), "one number"),
        (0.5, "the function itself"),
    ]
    return Case({}, [right, with_loop, as_keras], wrong)


@cases("08.4", is_function=True)
def _(scans):
    def suggest(trial, change="", rate=(1e-4, 1e-1), filters=8, first=0):
        """The space, or one with the mistake that `change` names."""
        choices = ["adam", "sgd"] + ["rmsprop"] * (change == "third optimizer")
        optimizer = trial.suggest_categorical("optimizer", choices)
        if change != "no rate":
            log = change != "linear rate"
            trial.suggest_float("learning_rate", *rate, log=log)
        momentum = change != "never momentum" and optimizer == "sgd"
        if momentum or change == "always momentum":
            trial.suggest_float("momentum", 0, 0.99)
        if change == "float blocks":
            blocks = int(trial.suggest_float("blocks", 1, 4))
        elif change == "chosen blocks":
            blocks = trial.suggest_categorical("blocks", [1, 2, 3, 4])
        else:
            blocks = trial.suggest_int("blocks", 1, 4 + (change == "5 blocks"))
        for k in range(first, first + (4 if change == "always 4" else blocks)):
            name = "filters" if change == "one name" else f"filters_{k}"
            if change == "chosen filters":
                trial.suggest_categorical(name, [8, 16, 24, 32, 40, 48, 56, 64])
            elif change == "logarithmic filters":
                trial.suggest_int(name, 8, 64, log=True)
            else:
                trial.suggest_int(name, 8, 64, step=filters)
        if change == "dropout":
            trial.suggest_float("dropout", 0, 0.5)
        return trial.params

    def by_hand(trial):
        found = {"blocks": trial.suggest_int("blocks", 1, 4)}
        for k in reversed(range(found["blocks"])):
            name = f"filters_{k}"
            found[name] = trial.suggest_int(name, 8, 64, step=8)
        found["optimizer"] = trial.suggest_categorical("optimizer", ("sgd", "adam"))
        if found["optimizer"] == "sgd":
            found["momentum"] = trial.suggest_float("momentum", 0.0, 0.99)
        found["learning_rate"] = trial.suggest_float("learning_rate", 1e-4, 0.1, log=True)
        return found

    def nothing_returned(trial):
        suggest(trial)

    changes = {
        "third optimizer": "nothing else",
        "no rate": "no parameter named 'learning_rate'",
        "linear rate": "9 of 10",
        "never momentum": "no parameter named 'momentum'",
        "always momentum": "Adam has no such momentum",
        "float blocks": "suggest_int",
        "chosen blocks": "no order",
        "5 blocks": "from 1 to 5, not from 1 to 4",
        "one name": "a name of its own",
        "always 4": "was not asked for",
        "chosen filters": "no order",
        "logarithmic filters": "not asked for on a logarithmic scale",
        "dropout": "'dropout' was not asked for",
    }
    wrong = [
        (lambda trial, change=change: suggest(trial, change), part)
        for change, part in changes.items()
    ]
    wrong += [
        (lambda t: suggest(t, rate=(1e-4, 1e-2)), "from 0.0001 to 0.01, not"),
        (lambda t: suggest(t, filters=1), "in steps of 8"),
        (lambda t: suggest(t, first=1), "counted from 0"),
        (lambda t: suggest(t)["blocks"], "return trial.params"),
        (lambda t: {**suggest(t), "blocks": 9}, "return trial.params"),
        (nothing_returned, "return trial.params"),
        (lambda t: t.params, "no parameter named 'optimizer'"),
        ({"optimizer": "adam"}, "the function itself"),
    ]
    return Case({}, [suggest, by_hand], wrong)


@cases("08.5", is_function=True)
def _(scans):
    def right(others, mine):
        return mine.max() < np.median(others[:, len(mine) - 1])

    def without_numpy(others, mine):
        at_this_epoch = [row[len(mine) - 1] for row in others.tolist()]
        return int(max(mine.tolist()) < statistics.median(at_this_epoch))

    wrong = [
        (lambda a, b: b[-1] < np.median(a[:, len(b) - 1]), "not its last"),
        (
            lambda a, b: b.max() < np.median(a[:, : len(b)].max(axis=1)),
            "not their best so far",
        ),
        (lambda a, b: b.max() < np.median(a[:, -1]), "unfair"),
        (lambda a, b: b.max() < np.median(a.max(axis=1)), "unfair"),
        (lambda a, b: b.max() < np.median(a[:, : len(b)]), "several epochs"),
        (lambda a, b: b.max() < np.median(a), "several epochs"),
        (lambda a, b: b.max() < np.median(a[:, len(b) - 2]), "column k - 1"),
        (lambda a, b: b.max() < np.median(a[:, len(b) % 8]), "column k - 1"),
        (lambda a, b: b.max() < a[:, len(b) - 1].mean(), "not their median"),
        (lambda a, b: b.max() < a[:, len(b) - 1].max(), "not their median"),
        (lambda a, b: b.max() <= np.median(a[:, len(b) - 1]), "equals"),
        (lambda a, b: b.max() > np.median(a[:, len(b) - 1]), "the good ones"),
        (lambda a, b: not right(a, b), "the good ones"),
        (
            lambda a, b: b.max() < statistics.median_high(a[:, len(b) - 1].tolist()),
            "the middle two",
        ),
        (
            lambda a, b: b.max() < statistics.median_low(a[:, len(b) - 1].tolist()),
            "the middle two",
        ),
        (lambda a, b: b[-1] < a[:, len(b) - 1].mean(), "the others' median is"),
        (lambda a, b: b.mean() < np.median(a[:, len(b) - 1]), "was pruned"),
        (lambda a, b: right(a, b) and len(b) < 4, "was not pruned"),
        (lambda a, b: False, "says False of every trial"),
        (lambda a, b: True, "says True of every trial"),
        (lambda a, b: np.median(a[:, len(b) - 1]), "True or False"),
        (lambda a, b: b < np.median(a[:, len(b) - 1]), "True or False"),
        (True, "the function itself"),
    ]
    return Case({}, [right, without_numpy, _optuna_prunes], wrong)


def _optuna_prunes(others, mine):
    """What Optuna's own MedianPruner says, without its warm-up."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    for curve in others:
        curve = dict(enumerate(curve))
        study.add_trial(optuna.trial.create_trial(value=curve[0], intermediate_values=curve))
    trial = optuna.trial.create_trial(
        state=optuna.trial.TrialState.RUNNING,
        intermediate_values=dict(enumerate(mine)),
    )
    pruner = optuna.pruners.MedianPruner(n_startup_trials=0)
    return pruner.prune(study, trial)


@cases("08.6")
def _(scans):
    right = [
        (208, 4096),
        [64 * 1 + 16 * 3 + 4 * 12 + 1 * 48, 64 * 64],
        np.array([208.0, 4096.0]),
    ]
    wrong = [
        ((4096, 208), "comes first"),
        ((256, 4096), "keeps its weights"),
        ((160, 4096), "the last trial"),
        ((85, 4096), "starts"),
        ((64, 4096), "first round"),
        ((100, 4096), "new epochs"),
        ((208, 64 * 85), "64 epochs in all"),
        ((208, 64), "to the end"),
        ((208, float("nan")), "to the end"),
        (208, "two numbers"),
        ((64, 48, 48, 48), "two numbers"),
    ]
    return Case({}, right, wrong)


@cases("08.7")
def _(scans):
    right = [{3, 5, 8, 9}, {3, 5, 8, 11}, [11, 8, 5, 3], (9, 8, 5, 3)]
    right += [np.array([3, 5, 8, 11]), {3.0, 5.0, 8.0, 9.0}, [3, 5, 5, 8, 9]]
    wrong = [
        ({3, 5, 8, 9, 11}, "do not fit together"),
        ({3, 5, 8}, "which trial"),
        ({5, 8, 9}, "3 of 4 are found: one range"),
        ({3, 8, 9}, "the same name"),
        ({3, 5, 11}, "must not choose"),
        (set(), "0 of 4"),
        ({3, 5, 8, 10}, "no code in line 10"),
        ({3, 5, 8, 15}, "no code in line 15"),
        ({3, 5, 8, 9, 2.5}, "no code in line 2.5"),
        ("3, 5, 8, 9", "a set of line numbers"),
        (["3", "5", "8", "9"], "a set of line numbers"),
        ({3: "log", 5: "name", 8: "test", 9: "sign"}, "a set of line numbers"),
        (8, "a set of line numbers"),
        ({3, 5, 8, 14}, "at the very end"),
    ]
    innocent = {1, 2, 4, 6, 7, 12, 13, 14}
    wrong += [({3, 5, 8, 9, k}, f"line {k} is right") for k in innocent]
    return Case({}, right, wrong)
