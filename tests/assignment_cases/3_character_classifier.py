"""Answers for assignment 3, a character classifier."""

from assignment_cases import Case, changed, instead, returning, then, warning

SLOW = True

NO_NETWORKS = {
    "answer-logistic": instead("train, held_out = hold_out(writer, 12, seed=1)"),
    "answer-variants": instead("variants, table = {}, []"),
    "answer-model": instead("model = None"),
}
"""For cells that need none. Where training takes long, the first right and the first
wrong answer are quick ones: the course's grader tries these."""

QUICK_LOGISTIC = {"answer-logistic": changed("epochs=40", "epochs=1")}

SMALL = """
variants, table = {{}}, []
for seed in range({count}):
    keras.utils.set_random_seed(seed)
    small = [
        layers.Rescaling(-1 / 255, offset=1),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(12),
    ]
    network = keras.Sequential([keras.Input((40, 30, 1)), *small])
    compile_model(network, keras.optimizers.Adam(1e-2))
    with reuse_training(seed=seed):
        network.fit(X[train], y[train], epochs={epochs}, batch_size=64)
    name = f"seed {{seed}}"
    variants[name] = network
    share = (assignment_data.read(network, X[held_out]) == y[held_out]).mean()
    table.append({{"name": name, "changed": "the seed", "held_out": float(share)}})
"""

UNTRAINED = """
variants, table = {{}}, []
for seed in range({count}):
    keras.utils.set_random_seed(seed)
    small = [layers.AveragePooling2D(4), layers.Flatten(), layers.Dense(12)]
    network = keras.Sequential([keras.Input((40, 30, 1)), *small])
    name = f"seed {{seed}}"
    variants[name] = network
    share = (assignment_data.read(network, X[held_out]) == y[held_out]).mean()
    table.append({{"name": name, "changed": "the seed", "held_out": float(share)}})
"""


def small(code=SMALL, count=4, epochs=12, after=""):
    """Networks that take a second each, and change the table afterwards."""
    quick = NO_NETWORKS if code is UNTRAINED else QUICK_LOGISTIC
    made = {"answer-variants": instead(code.format(count=count, epochs=epochs) + after)}
    return {"answer-logistic": quick["answer-logistic"]} | made


FOUR = small(UNTRAINED)
"""Four networks that are not trained."""

ONE_UNTRAINED = small(UNTRAINED, 1) | {"answer-model": instead("model = variants['seed 0']")}

ONE_SMALL = small(count=1) | {"answer-model": instead("model = variants['seed 0']")}
"""It reads about half."""

LONGEST = QUICK_LOGISTIC | {
    "answer-variants": changed(
        "variants, table = {}, []", 'tried = {"longer": tried["longer"]}\nvariants, table = {}, []'
    )
}
"""The best alone."""

WITH_SOFTMAX = "{0} = keras.Sequential([{0}, layers.Softmax()])"

ONE_CLASS_ON = then(
    """
    last = model.layers[-1]
    last.set_weights([np.roll(w, 1, axis=-1) for w in last.get_weights()])
    """
)
"""Every reading is the next character's."""


def model(code):
    """A model made by this code, and no other network."""
    return NO_NETWORKS | {"answer-model": instead(code)}


def dense(name, stack):
    return f"{name} = keras.Sequential([keras.Input((40, 30, 1)), {stack}])"


CONSTANT = dense(
    "model",
    "layers.GlobalAveragePooling2D(), layers.Dense(12, kernel_initializer='zeros')",
)
"""A network that always says the same."""


def untrained_logistic(stack="layers.Flatten(), layers.Dense(12)"):
    return {"answer-logistic": instead(dense("logistic", stack))}


def claims(text):
    """An answer to 3.2 for the small network that reads about half."""
    return ONE_SMALL | {"answer-claimed": instead(text)}


NEAR = """
share = assignment_data.accuracy(model, assignment_data.new_writers(student))
claimed = {claimed}
"""
"""Claims by somebody who knows (in self-study anybody can)."""


def own(after="", before=None):
    """An answer to 3.3 for a network that takes a second."""
    change = then(after) if after else (lambda source: source)
    return (
        ONE_SMALL
        | {"answer-claimed": instead("claimed = (0.4, 0.6)")}
        | {"answer-own": before or change}
    )


CASES = {
    "hold-out-writers": Case(
        right={
            "lists": {
                "answer-hold-out": returning("hold_out", "[part.tolist() for part in result]")
            },
            "other order, other dtype": {
                "answer-hold-out": returning(
                    "hold_out",
                    "[part[::-1].astype('int32') for part in result]",
                )
            },
            "warns": {"answer-hold-out": warning("hold_out")},
        },
        wrong={
            "images instead of writers": {
                "answer-hold-out": instead(
                    """
                    order = np.random.default_rng(seed).permutation(len(writer))
                    return order[count:], order[:count]
                    """
                )
            },
            "the parts are swapped": {"answer-hold-out": returning("hold_out", "result[::-1]")},
            "truth values instead of indices": {
                "answer-hold-out": changed(
                    "np.flatnonzero(~held_out), np.flatnonzero(held_out)",
                    "~held_out, held_out",
                )
            },
            "writers are numbers from 0": {
                "answer-hold-out": changed("np.unique(writer)", "writer.max() + 1")
            },
        },
    ),
    "hold-out-random": Case(
        right={
            "another generator": {
                "answer-hold-out": changed(
                    "random = np.random.default_rng(seed)",
                    "random = np.random.RandomState(seed)",
                )
            },
            "Python's own": {
                "answer-hold-out": instead(
                    """
                    import random
                    known = sorted(set(writer.tolist()))
                    chosen = random.Random(seed).sample(known, count)
                    out = [k for k, w in enumerate(writer) if w in chosen]
                    return [k for k in range(len(writer)) if k not in out], out
                    """
                )
            },
        },
        wrong={
            "always the first": {
                "answer-hold-out": changed(
                    "random.choice(np.unique(writer), count, replace=False)",
                    "np.unique(writer)[:count]",
                )
            },
            "always the same": {"answer-hold-out": changed("rng(seed)", "rng(1)")},
            "never the same": {"answer-hold-out": changed("rng(seed)", "rng()")},
        },
    ),
    "logistic-form": Case(
        right={
            "not trained yet": untrained_logistic(),
            "probabilities": {"answer-logistic": then(WITH_SOFTMAX.format("logistic"))},
            "a line on standard error": {
                "answer-logistic": then("import sys\nprint('done', file=sys.stderr)")
            },
        },
        wrong={
            "a hidden layer": untrained_logistic(
                "layers.Flatten(), layers.Dense(8), layers.Dense(12)"
            ),
            "no biases": untrained_logistic("layers.Flatten(), layers.Dense(12, use_bias=False)"),
            "the lecture's 55 classes": untrained_logistic("layers.Flatten(), layers.Dense(55)"),
        },
    ),
    "logistic-new-writers": Case(
        right={"probabilities": {"answer-logistic": then(WITH_SOFTMAX.format("logistic"))}},
        wrong={
            "not trained": untrained_logistic(),
            "shifted labels, as another student's": {
                "answer-logistic": then(
                    """
                    last = logistic.layers[-1]
                    last.set_weights(
                        [np.roll(w, 1, axis=-1) for w in last.get_weights()]
                    )
                    """
                )
            },
        },
    ),
    "variants-form": Case(
        right={
            "not trained yet": FOUR,
            "five": small(UNTRAINED, 5),
        },
        wrong={
            "three": small(UNTRAINED, 3),
            "one of them over the budget": small(
                UNTRAINED,
                after="\n".join(
                    [
                        dense("wide", "layers.Flatten(), layers.Dense(12)"),
                        "variants['seed 0'] = wide",
                    ]
                ),
            ),
            "twice the same": small(UNTRAINED, after="variants['seed 1'] = variants['seed 0']"),
            "a row is missing": small(UNTRAINED, after="table = table[1:]"),
            "without what was changed": small(UNTRAINED, after="table[0]['changed'] = ''"),
        },
    ),
    "variants-true": Case(
        right={
            "four small ones": small(),
            "a fifth, that failed": small(
                after="\n".join(
                    [
                        dense("failed", "layers.GlobalAveragePooling2D(), layers.Dense(12)"),
                        "variants['failed'] = failed",
                        "share = assignment_data.read(failed, X[held_out]) == y[held_out]",
                        "row = {'name': 'failed', 'changed': 'all', 'held_out': share.mean()}",
                        "table.append(row)",
                    ]
                )
            ),
        },
        wrong={
            "not trained": FOUR,
            "trained on all images": small(SMALL.replace("X[train], y[train]", "X, y")),
            "accuracies of the training images": small(
                after="""
for row in table:
    share = assignment_data.read(variants[row["name"]], X[train]) == y[train]
    row["held_out"] = float(share.mean())
"""
            ),
            "typed in": small(after="for row in table:\n    row['held_out'] = 0.9"),
            "not all images of the writers": small(
                after="""
held_out = held_out[::2][:200]
for row in table:
    share = assignment_data.read(variants[row["name"]], X[held_out]) == y[held_out]
    row["held_out"] = float(share.mean())
"""
            ),
        },
    ),
    "budget": Case(
        right={
            "a small one": ONE_SMALL,
            "probabilities": ONE_SMALL
            | {
                "answer-model": instead(
                    "model = variants['seed 0']\n" + WITH_SOFTMAX.format("model")
                )
            },
            "a functional model": ONE_SMALL
            | {
                "answer-model": instead(
                    """
                    inputs = keras.Input((40, 30, 1))
                    model = keras.Model(inputs, variants["seed 0"](inputs))
                    """
                )
            },
        },
        wrong={
            "always the same": model(CONSTANT),
            "not trained": ONE_UNTRAINED,
            "too many parameters": model(dense("model", "layers.Flatten(), layers.Dense(12)")),
            "too many multiplications": model(
                dense(
                    "model",
                    "layers.Conv2D(8, 3), layers.Conv2D(8, 3), "
                    "layers.GlobalAveragePooling2D(), layers.Dense(12)",
                )
            ),
            "channels first, to be counted as less": model(
                dense(
                    "model",
                    "layers.Permute((3, 1, 2)), "
                    "layers.Conv2D(8, 5, padding='same', data_format='channels_first'), "
                    "layers.Permute((2, 3, 1)), "
                    "layers.GlobalAveragePooling2D(), layers.Dense(12)",
                )
            ),
            "one output": model(
                dense("model", "layers.AveragePooling2D(4), layers.Flatten(), layers.Dense(1)")
            ),
        },
    ),
    "new-writers": Case(
        right={
            "probabilities": LONGEST | {"answer-model": then(WITH_SOFTMAX.format("model"))},
        },
        wrong={
            "not trained": ONE_UNTRAINED,
            "logistic regression on small images": ONE_SMALL,
            "shifted labels, as another student's": LONGEST | {"answer-model": ONE_CLASS_ON},
            "over the budget": {
                "answer-variants": instead("variants, table = {}, []"),
                "answer-model": instead("model = logistic"),
            },
        },
    ),
    "over-writers": Case(
        right={
            "a list": NO_NETWORKS
            | {"answer-over-writers": returning("over_writers", "list(result)")},
            "float32": NO_NETWORKS
            | {"answer-over-writers": returning("over_writers", "np.array(result, 'float32')")},
            "warns": NO_NETWORKS | {"answer-over-writers": warning("over_writers")},
        },
        wrong={
            "each image is an experiment": NO_NETWORKS
            | {"answer-over-writers": instead("return mean_interval(right.astype(float))")},
            "a normal distribution": NO_NETWORKS
            | {
                "answer-over-writers": instead(
                    """
                    shares = [right[writer == w].mean() for w in np.unique(writer)]
                    spread = 1.96 * np.std(shares, ddof=1) / len(shares) ** 0.5
                    mean = np.mean(shares)
                    return mean, mean - spread, mean + spread
                    """
                )
            },
            "another order": NO_NETWORKS
            | {
                "answer-over-writers": returning(
                    "over_writers", "(result[1], result[0], result[2])"
                )
            },
        },
    ),
    "claimed": Case(
        right={
            "an array": claims(NEAR.format(claimed="np.array([share - 0.05, share + 0.05])")),
            "a list of float32": claims(
                NEAR.format(claimed="[np.float32(share - 0.02), np.float32(share + 0.1)]")
            ),
        },
        wrong={
            "of a network that always says the same": model(CONSTANT)
            | {"answer-claimed": instead("claimed = (1 / 12, 1 / 12)")},
            "anything": claims("claimed = (0.0, 1.0)"),
            "bold, and missed by 0.03": claims(NEAR.format(claimed="(share + 0.03, share + 0.04)")),
            "wide": claims(NEAR.format(claimed="(share - 0.2, share + 0.2)")),
            "in percent": claims("claimed = (30, 45)"),
            "turned around": claims("claimed = (0.45, 0.3)"),
        },
        part={
            "missed by 0.005": (
                claims(NEAR.format(claimed="(share + 0.005, share + 0.125)")),
                3,
            ),
        },
    ),
    "own-hand": Case(
        right={
            "lists": own("X_own, y_own = X_own.tolist(), y_own.tolist()"),
            "floats": own("X_own = X_own.astype('float32')"),
        },
        wrong={
            "of a network that always says the same": model(CONSTANT)
            | {"answer-claimed": instead("claimed = (0, 0.2)")},
            "nine": own("X_own, y_own = X_own[:9], y_own[:9]"),
            "from the training set": own(
                before=instead(
                    """
                    X_own, y_own = X[:12], y[:12]
                    own_right = int((assignment_data.read(model, X_own) == y_own).sum())
                    """
                )
            ),
            "white on black": own("X_own = 255 - X_own"),
            "the same ten times": own("X_own = np.repeat(X_own[:1], 10, axis=0)"),
            "another count": own("own_right = 11"),
        },
    ),
}
