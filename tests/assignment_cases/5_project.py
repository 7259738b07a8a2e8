"""Answers for assignment 5, the project."""

from assignment_cases import Case, instead, then

SLOW = True

QUICK = {
    "answer-by-hand": instead(
        """
        from sklearn.linear_model import RidgeClassifier
        rows = X_train.reshape(len(X_train), -1).astype(float)
        ridge = RidgeClassifier().fit(rows, y_train)

        def by_hand(images):
            return ridge.predict(np.reshape(images, (len(images), -1)).astype(float))
        """
    ),
    "answer-networks": instead(
        """
        def trained(seed, filters=8):
            keras.utils.set_random_seed(seed)
            first = [
                keras.Input((16, 16)),
                layers.Reshape((16, 16, 1)),
                layers.Rescaling(1 / 255),
                layers.Conv2D(filters, 3, strides=2, activation="relu"),
                layers.Flatten(),
            ]
            body, head = keras.Sequential(first), layers.Dense(len(classes))
            rows = np.asarray(body(X_train.astype("float32")), float)
            rows = np.c_[rows, np.ones(len(rows))]
            square = rows.T @ rows + 0.1 * np.eye(rows.shape[1])
            found = np.linalg.solve(square, rows.T @ np.eye(len(classes))[y_train])
            network = keras.Sequential([*first, head])
            head.set_weights([found[:-1], found[-1]])
            return network

        networks = [trained(seed) for seed in (1, 2, 3)]
        """
    ),
}
"""Ways that take no time, for cells to which it does not matter what they are: the networks'
convolutions are left as they were drawn, and their last layer is solved for."""

LOOKS_UP = """
known = dict(zip(test_prints, y_test.tolist()))

def {name}(images):
    return np.array([known.get(p, 0) for p in assignment_data.fingerprints(images)])
"""
"""No classifier: it knows the test images by their fingerprints."""


def way(answer, name, quick=None, right=None, wrong=None):
    """A Case for a function that reads images, `name` in the cell `answer`.

    right, wrong: more answers, {what: code after the solution}.
    """
    before = {k: v for k, v in (quick or {}).items() if k != answer}
    first = (quick or {}).get(answer, lambda source: source)

    def case(code):
        return before | {answer: lambda source: then(code)(first(source))}

    def changed_to(expression):
        return case(
            f"""
            before_{name} = {name}

            def {name}(images):
                return {expression.format(f"before_{name}(images)")}
            """
        )

    return Case(
        right={
            "a list": changed_to("{}.tolist()"),
            "bytes": changed_to("{}.astype('uint8')"),
            **{what: case(code) for what, code in (right or {}).items()},
        },
        wrong={
            "always the same": changed_to("{} * 0"),
            "names of classes": changed_to("np.array(classes)[{}]"),
            "one number for each class": changed_to("np.eye(10)[{}]"),
            "a class that there is not": changed_to("{} + 10"),
            "the truth, looked up": case(LOOKS_UP.format(name=name)),
            "the labels in their order": case(f"def {name}(images): return y_test[:len(images)]"),
            **{what: case(code) for what, code in (wrong or {}).items()},
        },
    )


def networks(code):
    """The quick networks, and more code after them."""
    quick = QUICK["answer-networks"]
    return QUICK | {"answer-networks": lambda source: then(code)(quick(source))}


def readings(change):
    return QUICK | {"answer-readings": change}


def comparison(change):
    return QUICK | {"answer-comparison": change}


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
    "baseline-reads": way("answer-baseline", "baseline"),
    "by-hand-reads": way(
        "answer-by-hand",
        "by_hand",
        {"answer-by-hand": QUICK["answer-by-hand"]},
        right={"without a baseline": "def baseline(images): raise NotImplementedError"},
        wrong={
            "the baseline once more": "by_hand = baseline",
            "the baseline in other words": "def by_hand(images): return baseline(images).tolist()",
        },
    ),
    "networks-read": Case(
        right={
            "more than three": networks("networks.append(trained(4))"),
            "a base in the network": networks(
                """
                first = networks[0]
                networks[0] = keras.Sequential(
                    [keras.Input((16, 16)), keras.Sequential(first.layers[:-1]), first.layers[-1]]
                )
                """
            ),
        },
        wrong={
            "nearest neighbours": networks("networks = [baseline] * 3"),
            "functions of networks": networks(
                "networks = [lambda images: labels_of(trained(1), images, 10)] * 3"
            ),
            "not trained": networks(
                "networks[0].layers[-1].set_weights([np.zeros((392, 10)), np.ones(10)])"
            ),
            "no convolution": networks(
                """
                weights = ridge.coef_.T / 9, ridge.intercept_
                networks[0] = keras.Sequential(
                    [keras.Input((16, 16)), layers.Flatten(), layers.Dense(10)]
                )
                networks[0].set_weights(weights)
                """
            ),
            "an output too many": networks(
                "networks[0] = keras.Sequential([*networks[0].layers, layers.Dense(11)])"
            ),
            "names of networks": networks("networks = ['a', 'b', 'c']"),
        },
    ),
    "three-seeds": Case(
        right={
            "a tuple": networks("networks = tuple(networks)"),
            "four": networks("networks.append(trained(4))"),
        },
        wrong={
            "two": networks("networks.pop()"),
            "three functions": networks("networks = [by_hand] * 3"),
        },
        part={
            "one network three times": (networks("networks = networks[:1] * 3"), 1),
            "one seed three times": (networks("networks = [trained(1) for _ in range(3)]"), 1),
            "copies with a little noise": (
                networks(
                    """
                    for network in networks[1:]:
                        network.set_weights([1.001 * w for w in networks[0].get_weights()])
                    """
                ),
                1,
            ),
            "another number of filters": (networks("networks[2] = trained(3, filters=6)"), 1),
            "the third is not trained": (
                networks("networks[2].layers[-1].set_weights([np.zeros((392, 10)), np.ones(10)])"),
                2,
            ),
        },
    ),
    "readings-true": Case(
        right={
            "lists": readings(
                then(
                    """
                    readings = {
                        "baseline": readings["baseline"].tolist(),
                        "by_hand": readings["by_hand"].tolist(),
                        "networks": tuple(r.tolist() for r in readings["networks"]),
                    }
                    """
                )
            ),
            "more than is asked for": readings(then("readings['trials'] = 12")),
        },
        wrong={
            "of another way": readings(then("readings['networks'] = [readings['by_hand']] * 3")),
            "by hand, improved": readings(then("readings['by_hand'] = readings['baseline']")),
            "only one network": readings(then("readings['networks'] = readings['networks'][:1]")),
        },
    ),
    "comparison": Case(
        right={
            "NumPy's numbers": comparison(
                then("comparison['low'] = np.float32(comparison['low'] - 1e-5)")
            ),
            "another interval, by resampling": comparison(
                then(
                    """
                    random, change = np.random.default_rng(1), network_right - hand_right
                    means = [
                        random.choice(change, len(change)).mean() for _ in range(2000)
                    ]
                    low, high = np.quantile(means, [0.025, 0.975])
                    follows = "network" if low > 0 else "by hand" if high < 0 else "tie"
                    comparison |= {"low": low, "high": high, "verdict": follows}
                    """
                )
            ),
        },
        wrong={
            "a verdict against the interval": comparison(
                then("comparison['verdict'] = 'network' if comparison['low'] <= 0 else 'tie'")
            ),
            "no width": comparison(
                then("comparison['low'] = comparison['high'] = comparison['difference']")
            ),
            "anything": comparison(
                then("comparison |= {'low': -1.0, 'high': 1.0, 'verdict': 'tie'}")
            ),
            "the other way round": comparison(
                then("comparison['difference'] = 0.3\ncomparison['high'] = 0.4")
            ),
        },
    ),
}
