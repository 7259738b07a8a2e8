"""Answers for assignment 3, a character classifier."""

from assignment_cases import Case, changed, instead, returning, then, warning

SLOW = True

NO_NETWORKS = {
    "answer-logistic": instead("logistic = None"),
    "answer-model": instead("model = None"),
}
"""For cells that need none. Where training takes long, the first right and the first
wrong answer are quick ones: the course's grader tries these."""

QUICK_LOGISTIC = {"answer-logistic": changed("epochs=40", "epochs=1")}

READS_AS_LOGISTIC = {"answer-model": instead("model = logistic")}

UNTRAINED = instead(
    """
    keras.utils.set_random_seed(3)
    network = [layers.Flatten(), layers.Dense(12)]
    logistic = model = keras.Sequential([keras.Input((40, 30, 1)), *network])
    """
)

NOT_TRAINED = {
    "answer-logistic": instead("logistic = None"),
    "answer-model": UNTRAINED,
}

WITH_SOFTMAX = "{0} = keras.Sequential([{0}, layers.Softmax()])"

OVER_BUDGET = instead(
    """
    wide = [layers.Conv2D({filters}, 3, strides={strides}), layers.Flatten()]
    model = keras.Sequential(
        [keras.Input((40, 30, 1)), *wide, layers.Dense(12)]
    )
    """.replace("{filters}", "32").replace("{strides}", "1")
)

ONE_CLASS_ON = then(
    """
    last = model.layers[-1]
    last.set_weights([np.roll(w, 1, axis=-1) for w in last.get_weights()])
    """
)
"""Every reading is the next character's."""


def claims(text):
    """An answer to 3.2, for a network that takes no time."""
    return READS_AS_LOGISTIC | {"answer-claimed": instead(f"claimed = {text}")}


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
            "not trained yet": {"answer-logistic": UNTRAINED},
            "probabilities": {"answer-logistic": then(WITH_SOFTMAX.format("logistic"))},
            "a line on standard error": {
                "answer-logistic": then("import sys\nprint('done', file=sys.stderr)")
            },
        },
        wrong={
            "a hidden layer": {
                "answer-logistic": instead(
                    """
                    hidden = [layers.Flatten(), layers.Dense(8), layers.Dense(12)]
                    logistic = keras.Sequential(
                        [keras.Input((40, 30, 1)), *hidden]
                    )
                    """
                )
            },
            "no biases": {
                "answer-logistic": instead(
                    """
                    flat = [layers.Flatten(), layers.Dense(12, use_bias=False)]
                    logistic = keras.Sequential([keras.Input((40, 30, 1)), *flat])
                    """
                )
            },
            "the lecture's 55 classes": {
                "answer-logistic": instead(
                    """
                    flat = [layers.Flatten(), layers.Dense(55)]
                    logistic = keras.Sequential([keras.Input((40, 30, 1)), *flat])
                    """
                )
            },
        },
    ),
    "logistic-new-writers": Case(
        right={
            "probabilities": {"answer-logistic": then(WITH_SOFTMAX.format("logistic"))},
        },
        wrong={
            "not trained": {"answer-logistic": UNTRAINED},
            "shifted labels": {
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
    "budget": Case(
        right={
            "not trained yet": NOT_TRAINED,
            "probabilities": {"answer-model": then(WITH_SOFTMAX.format("model"))},
            "a functional model": {
                "answer-model": then(
                    """
                    inputs = keras.Input((40, 30, 1))
                    model = keras.Model(inputs, model(inputs))
                    """
                )
            },
        },
        wrong={
            "too many parameters": NO_NETWORKS | {"answer-model": OVER_BUDGET},
            "too many multiplications": NO_NETWORKS
            | {
                "answer-model": instead(
                    """
                    deep = [layers.Conv2D(32, 3), layers.Conv2D(32, 3)]
                    head = [layers.GlobalAveragePooling2D(), layers.Dense(12)]
                    model = keras.Sequential(
                        [keras.Input((40, 30, 1)), *deep, *head]
                    )
                    """
                )
            },
            "channels first, to be counted as less": NO_NETWORKS
            | {
                "answer-model": instead(
                    """
                    first = {"data_format": "channels_first"}
                    wide = layers.Conv2D(8, 9, padding="same", **first)
                    middle = layers.Conv2D(8, 9, padding="same", **first)
                    head = [layers.GlobalAveragePooling2D(), layers.Dense(12)]
                    turn = [layers.Permute((3, 1, 2)), wide, middle]
                    back = [layers.Permute((2, 3, 1))]
                    model = keras.Sequential(
                        [keras.Input((40, 30, 1)), *turn, *back, *head]
                    )
                    """
                )
            },
            "one output": NO_NETWORKS
            | {
                "answer-model": instead(
                    """
                    flat = [layers.Flatten(), layers.Dense(1)]
                    model = keras.Sequential([keras.Input((40, 30, 1)), *flat])
                    """
                )
            },
        },
    ),
    "better-than-logistic": Case(
        right={
            "five epochs, probabilities": QUICK_LOGISTIC
            | {
                "answer-model": lambda source: then(WITH_SOFTMAX.format("model"))(
                    changed("epochs, batch = 20", "epochs, batch = 5")(source)
                )
            },
        },
        wrong={
            "not trained": NOT_TRAINED,
            "it is logistic regression": READS_AS_LOGISTIC,
            "shifted labels": {"answer-model": ONE_CLASS_ON},
        },
    ),
    "new-writers": Case(
        right={
            "probabilities": QUICK_LOGISTIC | {"answer-model": then(WITH_SOFTMAX.format("model"))},
        },
        wrong={
            "not trained": NOT_TRAINED,
            "it is logistic regression": READS_AS_LOGISTIC,
            "shifted labels": {"answer-model": ONE_CLASS_ON},
            "over the budget": {"answer-model": OVER_BUDGET},
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
            "a list of float32": READS_AS_LOGISTIC
            | {"answer-claimed": then("claimed = [np.float32(end) for end in claimed]")},
            "an array": READS_AS_LOGISTIC | {"answer-claimed": then("claimed = np.array(claimed)")},
        },
        wrong={
            "anything": NOT_TRAINED | {"answer-claimed": instead("claimed = (0.0, 1.0)")},
            "too high": claims("(0.8, 0.95)"),
            "too low": claims("(0.0, 0.2)"),
            "in percent": claims("(30, 45)"),
            "turned around": claims("(0.45, 0.3)"),
        },
    ),
}
