"""Answers to the exercises of notebook 08, hyperparameter tuning."""

import numpy as np

from exercise_cases import Case, cases
from helpers import claims


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
        ((31.25, 4, 625, 59), "not 5 times"),
        ((1, 4, 20, 59), "every combination"),
        ((17.1, 4, 1024, 59), "count the combinations"),
        ((51.2, 1024, 1024, 59), "again and again"),
        ((51.2, 256, 1024, 59), "one axis"),
        ((51.2, 1, 1024, 59), "one axis"),
        ((51.2, 4, 4, 59), "no list of values"),
        ((51.2, 4, 256, 59), "its own value"),
        ((51.2, 4, 1024, 20), "once on average"),
        ((51.2, 4, 1024, 58.4), "all miss"),
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
        (lambda *a: 10 ** logs(*a), "belong together"),
        (lambda u, low, high: right(u, high, low), "exchanged"),
        (lambda u, low, high: 0 * u, "u = 0.5 must give"),
        (lambda u, low, high: u * np.nan, "u = 0.5 must give"),
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


@cases("08.4", is_function=True)
def _(scans):
    import optuna

    def right(trial, curve):
        for epoch, loss in enumerate(curve):
            trial.report(loss, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return min(curve)

    def by_index(trial, curve):
        best = float("inf")
        for epoch in range(len(curve)):
            best = min(best, float(curve[epoch]))
            trial.report(curve[epoch], epoch)
            if trial.should_prune():
                raise optuna.exceptions.TrialPruned(f"after {epoch}")
        return best

    def changed(first=0, ask=True, stop=True, best=False, give=min):
        def watch(trial, curve):
            for epoch, loss in enumerate(curve):
                trial.report(min(curve[: epoch + 1]) if best else loss, epoch + first)
                if ask and trial.should_prune() and stop:
                    raise optuna.TrialPruned
            return give(curve)

        return watch

    def returns_where_it_should_raise(trial, curve):
        for epoch, loss in enumerate(curve):
            trial.report(loss, epoch)
            if trial.should_prune():
                return None
        return min(curve)

    def gives_up_at_once(trial, curve):
        trial.report(curve[0], 0)
        trial.should_prune()
        raise optuna.TrialPruned

    def only_the_end(trial, curve):
        trial.report(curve[0], 0)
        trial.report(curve[-1], len(curve) - 1)
        if trial.should_prune():
            raise optuna.TrialPruned
        return min(curve)

    wrong = [
        (lambda trial, curve: min(curve), "nothing was reported"),
        (changed(first=1), "counted from 0"),
        (changed(best=True), "itself"),
        (changed(ask=False), "never asked"),
        (changed(stop=False), "raise optuna.TrialPruned"),
        (returns_where_it_should_raise, "raise optuna.TrialPruned"),
        (gives_up_at_once, "said False"),
        (only_the_end, "each from 0 to 3"),
        (changed(give=lambda curve: curve[-1]), "the best loss"),
        (changed(give=max), "the best loss"),
        (changed(give=list), "one number"),
        (0.45, "the function itself"),
    ]
    return Case({}, [right, by_index], wrong)


@cases("08.5")
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


@cases("08.6")
def _(scans):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def searched(trials=6, **settings):
        study = optuna.create_study(**settings)
        for k in range(trials):
            study.tell(study.ask(), 0.45 + k / 1000)
        return study

    true = claims.parts()["test"]["frequency"].to_numpy()
    random = np.random.default_rng(86)

    def runs(noise, spread=0.02):
        """Five predictions that are off by about this share, each a little differently."""
        off = random.normal(0, noise, len(true))
        return np.array([true * np.exp(off + random.normal(0, spread, len(true))) for _ in "12345"])

    study, default, mine = searched(), runs(0.3), runs(0.2)
    good = {"study": study, "default": default, "mine": mine, "verdict": "better"}
    right = [good, good | {"mine": [row[:, None].astype("float32") for row in mine]}]
    equal = np.array([mine[0]] * 5)
    wrong = [
        (good | {"verdict": "worse"}, "not what the numbers say"),
        (good | {"verdict": "BETTER"}, "one of better, worse, cannot tell"),
        (good | {"mine": runs(0.5), "verdict": "worse"}, "not beaten"),
        (good | {"mine": runs(0.5)}, "not what the numbers say"),
        (good | {"mine": default * random.uniform(0.999, 1.001, len(true))}, "not what the"),
        (good | {"mine": default}, "the same predictions"),
        (good | {"mine": equal}, "different seeds"),
        (good | {"default": runs(0.9)}, "which the notebook's has not"),
        (good | {"mine": -mine}, "not positive"),
        (good | {"mine": mine[:3]}, "one row of 20,000 frequencies for each of 5 seeds"),
        (good | {"mine": mine.mean(axis=1)}, "one row"),
        (good | {"mine": "my predictions"}, "one row"),
        (good | {"study": searched(3)}, "3 finished trials"),
        (good | {"study": searched(direction="maximize")}, "maximizes"),
        (good | {"study": 0.44}, "an Optuna study"),
        ({"study": study, "verdict": "better"}, "a dictionary"),
        ((study, default, mine, "better"), "a dictionary"),
    ]
    return Case({}, right, wrong)
