"""Answers for assignment 7, a study with a budget."""

from assignment_cases import Case, changed, instead, then

SLOW = True

MADE_UP = {
    "answer-train": instead(
        """
        random = np.random.default_rng(seed)
        top = 0.9 - 0.1 * abs(np.log10(params["learning_rate"]) + 2.3)
        top -= 0.1 / params["blocks"]
        curve = []
        for epoch in range(studies.EPOCHS):
            curve.append(float(top * (1 - 0.7 ** (epoch + 1)) + 0.03 * random.normal()))
            if report is not None:
                report(epoch, curve[-1])
        return None, curve
        """
    )
}
"""Curves that nobody has trained, for cells that look at the study alone."""

ONE_EPOCH = {"answer-train": changed("epochs=studies.EPOCHS", "epochs=1")}
"""Networks that are hardly trained, where their accuracy does not matter."""

NO_STUDY = {"answer-study": instead("study = None")}

GOOD = """
winner = {"learning_rate": 5e-3, "blocks": 1, "filters_0": 28}
winner |= {"end": "flatten", "dropout": 0.18}
"""

NO_WINNER = NO_STUDY | {"answer-winner": instead(f"{GOOD}\nwinner_seed = 5")}

NOT_COMPARED = {"answer-difference": instead("right = None")}

TWO_TRIALS = changed("n_trials=studies.TRIALS -", "n_trials=2 -")

SAMPLER = 'sampler=optuna.samplers.TPESampler(seed=given["sampler_seed"]),'


def before(others, changes):
    """{what: answers} with other cells' changes, which do not matter here."""
    return {what: others | change for what, change in changes.items()}


def one_network(params):
    """An answer to 3.1 with a single network, three times: 3.2 looks at no more."""
    code = f'models = {{"winner": 3 * [train({params}, given["fresh_seeds"][0])[0]]}}'
    return NO_WINNER | {"answer-difference": instead(code)}


TRAINED = '[train(params, seed)[0] for seed in given["fresh_seeds"]]'
BUILT = TRAINED.replace(
    "train(params, seed)[0]", "keras.models.clone_model(train(params, seed)[0])"
)


CASES = {
    "space-asked": Case(
        right={
            "a copy": {"answer-suggest": changed("return trial.params", "return {**trial.params}")},
        },
        wrong={
            "no logarithm": {"answer-suggest": changed('log=wanted["log"]', "log=False")},
            "three filters always": {
                "answer-suggest": changed('range(trial.params["blocks"])', "range(3)")
            },
            "the condition forgotten": {
                "answer-suggest": changed("if trial.params[switch] == needed:", "if needed:")
            },
        },
        part={
            "no logarithm": ({"answer-suggest": changed('log=wanted["log"]', "log=False")}, 3),
            "the condition forgotten": (
                {"answer-suggest": changed("if trial.params[switch] == needed:", "if needed:")},
                3,
            ),
            "one block more": (
                {
                    "answer-suggest": changed(
                        "(name, low, high)\n        else", "(name, low, high + 1)\n        else"
                    )
                },
                3,
            ),
        },
    ),
    "one-trial": Case(
        right={
            "validated in small batches": {
                "answer-train": changed("validation_batch_size=len(y_val)", "shuffle=True")
            },
        },
        wrong={
            "the accuracy in training": {
                "answer-train": changed(
                    'history.history["val_accuracy"]', 'history.history["accuracy"]'
                )
            },
            "the seed forgotten": {
                "answer-train": changed("keras.utils.set_random_seed(seed)", "pass")
            },
            "the same filters in each block": {
                "answer-train": changed('params[f"filters_{k}"]', 'params["filters_0"]')
            },
        },
    ),
    "study-form": Case(
        right=before(
            MADE_UP,
            {
                "a longer random start": {
                    "answer-study": changed(
                        SAMPLER,
                        'sampler=optuna.samplers.TPESampler(\n        seed=given["sampler_seed"],'
                        " n_startup_trials=12\n    ),",
                    )
                },
                "what follows from a forgotten logarithm": {
                    "answer-suggest": changed('log=wanted["log"]', "log=False")
                },
                "what follows from a forgotten condition": {
                    "answer-suggest": changed("if trial.params[switch] == needed:", "if needed:")
                },
            },
        ),
        wrong=before(
            MADE_UP,
            {
                "the sampler without its seed": {
                    "answer-study": changed(SAMPLER, "sampler=optuna.samplers.TPESampler(seed=0),")
                },
                "one seed for all": {
                    "answer-study": changed(
                        'given["first_seed"] + trial.number', 'given["first_seed"]'
                    )
                },
                "ten trials": {"answer-study": changed("n_trials=studies.TRIALS", "n_trials=10")},
                "another range than suggest has": {
                    "answer-study": changed(
                        "    params, seed = suggest(trial)",
                        '    trial.suggest_float("learning_rate", 1e-3, 5e-3, log=True)\n'
                        "    params, seed = suggest(trial)",
                    )
                },
                "one more name": {
                    "answer-study": changed(
                        "    params, seed = suggest(trial)",
                        "    params, seed = suggest(trial)",
                        "    trial.set_user_attr",
                        '    trial.suggest_int("units", 1, 9)\n    trial.set_user_attr',
                    )
                },
            },
        ),
    ),
    "study-pruned": Case(
        right=before(
            MADE_UP,
            {
                "another search, the same rule": {
                    "answer-study": changed(
                        SAMPLER, "sampler=optuna.samplers.RandomSampler(seed=3),"
                    )
                }
            },
        ),
        wrong=before(
            MADE_UP,
            {
                "nothing is pruned": {
                    "answer-study": changed("if trial.should_prune():", "if False:")
                },
                "from the first trial on": {
                    "answer-study": changed(
                        "n_startup_trials=studies.STARTUP", "n_startup_trials=1"
                    )
                },
                "three epochs too late": {
                    "answer-study": changed(
                        'n_warmup_steps=given["warmup"]', 'n_warmup_steps=given["warmup"] + 3'
                    )
                },
            },
        ),
    ),
    "winner": Case(
        right={"two trials": {"answer-study": TWO_TRIALS}},
        wrong={
            "the first trial": {
                "answer-study": TWO_TRIALS,
                "answer-winner": instead(
                    """
                    worst = min(study.trials, key=lambda trial: trial.value)
                    winner, winner_seed = worst.params, worst.user_attrs["seed"]
                    """
                ),
            },
            "values that were made up": {
                "answer-study": changed(
                    *("n_trials=studies.TRIALS -", "n_trials=2 -"),
                    *("return curve[-1]", "return curve[-1] + 0.3"),
                )
            },
        },
    ),
    "difference": Case(
        right=before(
            ONE_EPOCH | NO_WINNER,
            {
                "arrays": {"answer-difference": then("difference = np.array(difference)")},
                "lists": {
                    "answer-difference": then(
                        "right = {name: rows.tolist() for name, rows in right.items()}"
                    )
                },
            },
        ),
        wrong=before(
            ONE_EPOCH | NO_WINNER,
            {
                "images as the unit": {
                    "answer-difference": then("difference = mean_interval(gained)")
                },
                "the other way round": {
                    "answer-difference": then(
                        "difference = tuple(-value for value in np.array(difference)[[0, 2, 1]])"
                    )
                },
                "certain, whatever the interval says": {
                    "answer-difference": then(
                        'verdict = "cannot tell" if verdict == "better" else "better"'
                    )
                },
                "networks that nobody has trained": {"answer-difference": changed(TRAINED, BUILT)},
                "the first row three times": {
                    "answer-difference": changed("for m in some]", "for m in some[:1] * 3]")
                },
                "one seed thrice": {
                    "answer-difference": changed(
                        'for seed in given["fresh_seeds"]',
                        'for seed in given["fresh_seeds"][:1] * 3',
                    )
                },
                "another network than the winner": {
                    "answer-difference": changed(
                        '("winner", winner)', '("winner", winner | {"filters_0": 12})'
                    )
                },
                "another learning rate than the winner's": {
                    "answer-difference": changed(
                        '("winner", winner)', '("winner", winner | {"learning_rate": 3e-2})'
                    )
                },
            },
        ),
        part={
            "networks that nobody has trained": (
                ONE_EPOCH | NO_WINNER | {"answer-difference": changed(TRAINED, BUILT)},
                3,
            ),
        },
    ),
    "winner-accuracy": Case(
        right={"one seed thrice": one_network("winner")},
        wrong={
            "chosen by hand": one_network("winner | {'filters_0': 24}"),
            "not trained": one_network("winner")
            | {
                "answer-difference": instead(
                    """
                    network, _ = train(winner, 5)
                    models = {"winner": [keras.models.clone_model(network) for _ in range(3)]}
                    """
                )
            },
            "a rate far too low": one_network('winner | {"learning_rate": 1e-4}'),
            "a winner that is worse than the default": one_network("winner")
            | {
                "answer-winner": instead(f"{GOOD}\nwinner['learning_rate'] = 2e-4\nwinner_seed = 5")
            },
            "a winner outside the space": one_network("winner")
            | {"answer-winner": instead(f"{GOOD}\nwinner['filters_0'] = 64\nwinner_seed = 5")},
        },
    ),
    "shares": Case(
        right=before(
            MADE_UP | NOT_COMPARED,
            {
                "rounded": {
                    "answer-shares": then("shares = {k: round(v, 3) for k, v in shares.items()}")
                }
            },
        ),
        wrong=before(
            MADE_UP | NOT_COMPARED,
            {
                "all alike": {
                    "answer-shares": then("shares = dict.fromkeys(shares, 1 / len(shares))")
                },
                "the smallest": {"answer-shares": changed("max(shares", "min(shares")},
            },
        ),
    ),
}
