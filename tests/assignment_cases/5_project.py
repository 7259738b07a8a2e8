"""Answers for assignment 5, the project: its form only."""

from assignment_cases import Case, changed, instead, returning, then

FAKED = {
    "answer-features": instead(
        """
        places = np.arange(len(y_test))
        features_read = np.where(places % 20 == 0, (y_test + 1) % 10, y_test)
        """
    ),
    "answer-network": instead(
        """
        places = np.arange(len(y_test))
        network_read = np.where(places % 9 == 0, (y_test + 1) % 10, y_test)
        """
    ),
}
"""Readings that take no time, for cells to which it does not matter whose they are."""


def way(answer, name):
    """A Case for the labels that one way gives to the test images."""
    before = {} if answer == "answer-features" else FAKED
    return Case(
        right={
            "a list": before | {answer: after(answer, f"{name}.tolist()", name)},
            "bytes": before | {answer: after(answer, f"{name}.astype('uint8')", name)},
        },
        wrong={
            "always the same": before | {answer: after(answer, "np.zeros(len(y_test), int)", name)},
            "names of classes": before
            | {answer: after(answer, f"np.array(classes)[{name}]", name)},
            "one number for each class": before
            | {answer: after(answer, f"np.eye(10)[{name}]", name)},
            "a class that there is not": before | {answer: after(answer, f"{name} + 1", name)},
            "the truth": before | {answer: after(answer, "y_test", name)},
        },
    )


def with_wrong(case, wrong):
    """A Case with more wrong answers."""
    return case._replace(wrong=case.wrong | wrong)


def after(answer, expression, name):
    """The faked answer, then another value for its variable."""
    return lambda source: then(f"{name} = {expression}")(FAKED[answer](source))


def results(change):
    return FAKED | {"answer-results": change}


WRITE = "\nPath('results.json').write_text(json.dumps(results))"

LIGHT = False

CASES = {
    "data-form": Case(
        right={
            "lists": {"answer-data": then("y_train, y_test = y_train.tolist(), y_test.tolist()")},
            "small whole numbers, classes in a tuple": {
                "answer-data": then("y_train, classes = y_train.astype('int8'), tuple(classes)")
            },
            "a line on standard error": {
                "answer-data": then("import sys\nprint('done', file=sys.stderr)")
            },
        },
        wrong={
            "few test images": {"answer-data": then("y_test = y_test[:99]")},
            "classes as numbers": {"answer-data": then("classes = [*range(10)]")},
            "a class is not tested": {"answer-data": then("y_test = y_test[y_test != 4]")},
            "labels as fractions": {"answer-data": then("y_test = y_test / 10")},
            "labels as vectors": {"answer-data": then("y_train = np.eye(10)[y_train]")},
        },
    ),
    "kept-apart": Case(
        right={
            "tuples": {
                "answer-apart": then(
                    "train_prints, test_prints = map(tuple, (train_prints, test_prints))"
                )
            },
            "an array": {"answer-apart": then("train_prints = np.array(train_prints)")},
        },
        wrong={
            "a test image was trained on": {"answer-data": then("X_test[7] = X_train[3]")},
            "a training image is there twice": {"answer-data": then("X_train[7] = X_train[3]")},
            "the numbers of the images": {
                "answer-apart": then("train_prints = [str(k) for k in range(len(X_train))]")
            },
            "only a part": {"answer-apart": then("test_prints = test_prints[:100]")},
            "typed in": {
                "answer-apart": then("train_prints = [f'{k:032d}' for k in range(len(X_train))]")
            },
            "in another order": {"answer-apart": then("test_prints = test_prints[::-1]")},
            "before what was done to the images": {
                "answer-apart": then("X_test = X_test[:, ::-1]")
            },
        },
    ),
    "features-form": way("answer-features", "features_read"),
    "network-form": with_wrong(
        way("answer-network", "network_read"),
        {
            "that of the features": FAKED
            | {"answer-network": after("answer-network", "features_read.copy()", "network_read")}
        },
    ),
    "results-stored": Case(
        right={
            "more than is asked for": results(then(f"results['seconds'] = 12{WRITE}")),
            "floats of six digits": results(
                returning(
                    "stored_results",
                    "{k: {n: round(v, 6) for n, v in w.items()} for k, w in result.items()}",
                )
            ),
        },
        wrong={
            "not stored": results(
                changed(
                    'Path("results.json").write_text(json.dumps(results), encoding="utf-8")',
                    "print(json.dumps(results))",
                )
            ),
            "stored too early": results(then("results['network']['accuracy'] += 0.01")),
            "one way only": results(then(f"del results['network']{WRITE}")),
            "without an interval": results(then(f"del results['network']['low']{WRITE}")),
        },
    ),
    "results-true": Case(
        right={
            "NumPy's numbers": results(
                then(
                    "results = {k: {n: np.float64(v) for n, v in w.items()}"
                    " for k, w in results.items()}"
                )
            ),
            "a normal distribution's interval": results(
                then(
                    """
                    for row in results.values():
                        p = row["accuracy"]
                        spread = 1.96 * (p * (1 - p) / len(y_test)) ** 0.5
                        row |= {"low": p - spread, "high": p + spread}
                    """
                )
            ),
        },
        wrong={
            "in percent": results(
                then(
                    """
                    for row in results.values():
                        for name in row:
                            row[name] *= 100
                    """
                )
            ),
            "an accuracy of 1, typed in": results(
                then("results['network'] = {'accuracy': 1.0, 'low': 0.99, 'high': 1.0}")
            ),
            "the ways are swapped": results(
                then(
                    "results['features'], results['network'] = "
                    "results['network'], results['features']"
                )
            ),
            "no width": results(
                then("results['network'] |= dict.fromkeys(('low', 'high'), 0.889)")
            ),
            "anything between": results(then("results['features'] |= {'low': 0.0, 'high': 1.0}")),
        },
    ),
}
