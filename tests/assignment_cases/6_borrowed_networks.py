"""Answers for assignment 6, borrowed networks."""

from assignment_cases import Case, changed, instead, returning, then

SLOW = True

NO_NETWORK = {"answer-build": instead("model = None"), "answer-train": instead("model = None")}
"""For cells that need none."""

NOT_TRAINED = {
    "answer-train": instead(
        """
        x, x_val = imagenet.preprocess_input(X), imagenet.preprocess_input(X_val)


        def compile_model(model, rate):
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(keras.optimizers.Adam(rate), loss)
        """
    )
}
"""A head of random numbers, for cells to which its accuracy does not matter."""

NOT_MEASURED = {"answer-measured": instead("as_fed, measured = {}, {}")}

NOT_TUNED = {"answer-tuned": instead("tuned = counts = None")}

ONE_EPOCH = changed("epochs=5", "epochs=1", "3e-5", "2e-4")
"""So that a single epoch moves kernels as far as five at the solution's rate."""


def tuned(*pairs):
    """An answer to 3.1 after one epoch, with texts replaced in it."""
    return {"answer-tuned": lambda source: changed(*pairs)(ONE_EPOCH(source))}


COPIED = """
base = new_base()
tuned = network(base)
tuned.set_weights(model.get_weights())
for layer in base.layers:
    layer.trainable = LAYERS
    for weight in layer.trainable_weights if layer.trainable else []:
        weight.assign(FACTOR * weight)
counts = tuple(
    sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    for network in (model, tuned)
)
"""
"""`model` once more, with kernels that nobody has trained."""


def copied(layers, factor):
    """An answer to 3.1 that has trained nothing."""
    code = COPIED.replace("LAYERS", layers).replace("FACTOR", str(factor))
    return {"answer-tuned": instead(code)}


TABLE = {
    "answer-table": instead(
        """
        prepare, random = imagenet.preprocess_input, np.random.default_rng(4)
        BLOCKS = ["block3", "block7", "block11", "head"]
        table = {
            task: {block: (random.random(5) / 9 + k / 5).tolist() for k, block in order}
            for task, order in (
                ("near", enumerate(BLOCKS)),
                ("far", enumerate(["head", "block11", "block3", "block7"])),
            )
        }
        """
    )
}
"""Numbers that nobody has measured, for the cell that computes with them."""

UP_TO_NAMES = NO_NETWORK
UP_TO_FED = NO_NETWORK
UP_TO_UNDO = NO_NETWORK | NOT_MEASURED
UP_TO_TABLE = NO_NETWORK | NOT_MEASURED | NOT_TUNED
UP_TO_GAIN = UP_TO_TABLE | TABLE
UP_TO_HEAT = NOT_TRAINED | NOT_MEASURED | NOT_TUNED | TABLE

LAST_BLOCKS = """layer.trainable = layer.name.startswith(
        ("block9", "block10", "block11")
    ) and not isinstance(layer, layers.BatchNormalization)"""

HELD = "layer.trainable = not isinstance(layer, layers.BatchNormalization)"


def fed(code):
    """An answer to 2.2 without its measurements, and code after it."""
    functions = "as_fed = {letter: ways[name] for letter, name in bugs.items()}\nmeasured = {}\n"
    return UP_TO_FED | {"answer-measured": instead(functions + code)}


def before(others, changes):
    """{what: answers} with other cells' changes, which do not matter here."""
    return {what: others | change for what, change in changes.items()}


def before_marks(others, changes):
    """{what: (answers, marks)} with other cells' changes."""
    return {what: (others | change, marks) for what, (change, marks) in changes.items()}


CASES = {
    "frozen": Case(
        right={
            "called in inference mode": {
                "answer-build": changed("base(inputs)", "base(inputs, training=False)")
            },
            "with dropout": {
                "answer-build": changed(
                    "layers.Dense(8)(x)", "layers.Dense(8)(layers.Dropout(0.2)(x))"
                )
            },
        },
        wrong={
            "not frozen": {"answer-build": changed("base.trainable = False", "")},
            "a softmax": {
                "answer-build": changed("layers.Dense(8)", 'layers.Dense(8, activation="softmax")')
            },
            "held in the call only": {
                "answer-build": changed(
                    *("base.trainable = False", "", "base(inputs)", "base(inputs, training=False)")
                )
            },
        },
    ),
    "head-accuracy": Case(
        right={
            "another rate": {"answer-train": changed("2e-2", "1e-2", "epochs=100", "epochs=150")},
        },
        wrong={
            "not trained": NOT_TRAINED,
            "trained on pixels that were not prepared": {
                "answer-train": changed("pooled.predict(x,", "pooled.predict(X,")
            },
        },
    ),
    "names": Case(
        right=before(
            UP_TO_NAMES,
            {
                "in another order": {
                    "answer-names": then("bugs = dict(sorted(bugs.items(), reverse=True))")
                }
            },
        ),
        wrong=before(
            UP_TO_NAMES,
            {
                "two exchanged": {
                    "answer-names": then('bugs["a"], bugs["b"] = bugs["b"], bugs["a"]')
                },
                "always the same": {"answer-names": then('bugs = dict.fromkeys("abc", "grey")')},
            },
        ),
        part={
            "one wrong": (
                UP_TO_NAMES
                | {
                    "answer-names": then(
                        'bugs["c"] = next(name for name in ways if name not in bugs.values())'
                    )
                },
                2,
            )
        },
    ),
    "as-fed": Case(
        right={
            "in float64": fed(
                "def wider(way):\n    return lambda X: way(X).astype(float)\n\n"
                "as_fed = {letter: wider(way) for letter, way in as_fed.items()}"
            )
        },
        wrong={
            "with the right preparation": fed('as_fed = dict.fromkeys("abc", prepare)'),
            "the crops that are known, whatever comes": fed(
                'as_fed = {letter: (lambda X, x=fed[letter]: x) for letter in "abc"}'
            ),
        },
        part={
            "what follows from a wrong name": (
                fed("as_fed['c'] = ways['negative' if bugs['c'] != 'negative' else 'grey']"),
                1,
            ),
            "one that cannot be called": (fed("as_fed['a'] = None"), 1),
        },
    ),
    "measured": Case(
        right=before(
            NOT_TRAINED,
            {
                "in float32": {
                    "answer-measured": then(
                        "measured = {name: np.float32(m) for name, m in measured.items()}"
                    )
                },
                "what follows from a wrong name": {
                    "answer-names": then('bugs["c"] = "negative"'),
                },
            },
        ),
        wrong=before(
            NOT_TRAINED,
            {
                "in per cent": {
                    "answer-measured": then(
                        "measured = {name: 100 * m for name, m in measured.items()}"
                    )
                },
                "the share that is wrong": {
                    "answer-measured": then(
                        "measured = {name: 1 - m for name, m in measured.items()}"
                    )
                },
            },
        ),
    ),
    "undo": Case(
        right=before(
            UP_TO_UNDO,
            {
                "lists": {
                    "answer-undo": then(
                        """
                        def listed(back):
                            return back and (lambda x: back(np.asarray(x)).tolist())

                        undo = {letter: listed(back) for letter, back in undo.items()}
                        """
                    )
                }
            },
        ),
        wrong=before(
            UP_TO_UNDO,
            {
                "nothing can be repaired": {"answer-undo": then('undo = dict.fromkeys("abc")')},
                "everything can": {
                    "answer-undo": then(
                        "undo = {k: back or (lambda x: x) for k, back in undo.items()}"
                    )
                },
            },
        ),
    ),
    "tuned-form": Case(
        right=before(
            NOT_TRAINED | NOT_MEASURED,
            {"the last blocks alone": tuned(HELD, LAST_BLOCKS)},
        ),
        wrong=before(
            NOT_TRAINED | NOT_MEASURED,
            {
                "batch normalisation not held": tuned(HELD, "layer.trainable = True"),
                "not compiled again": {
                    "answer-tuned": instead("tuned, counts = model, (904, 904)")
                },
                "a head of its own": tuned("tuned.set_weights(model.get_weights())", ""),
                "one kernel of a copy, hardly changed": copied(
                    'layer.name == "block9_narrower"', 1.00001
                ),
                "all kernels of a copy, hardly changed": copied(
                    "not isinstance(layer, layers.BatchNormalization)", 1.00001
                ),
                "a rate at which next to nothing moves": tuned("2e-4", "1e-6"),
            },
        ),
        part=before_marks(
            NOT_TRAINED | NOT_MEASURED,
            {
                "batch normalisation not held": (tuned(HELD, "layer.trainable = True"), 3),
                "a head of its own": (tuned("tuned.set_weights(model.get_weights())", ""), 3),
            },
        ),
    ),
    "tuned-accuracy": Case(
        right={"the last blocks alone": {"answer-tuned": changed(HELD, LAST_BLOCKS)}},
        wrong={
            "a rate that destroys it": NOT_MEASURED
            | {"answer-tuned": changed("3e-5", "1e-1", "epochs=5", "epochs=1")},
            "not tuned": NOT_MEASURED | {"answer-tuned": instead("tuned, counts = model, (0, 0)")},
            "a copy with one kernel changed": NOT_MEASURED
            | copied(
                "layer.name.startswith('block9_')",
                "(1.01 if layer.name == 'block9_narrower' else 1)",
            ),
        },
        part={
            "no worse than a model that was not trained": (
                NOT_TRAINED | NOT_MEASURED | {"answer-tuned": ONE_EPOCH},
                2,
            ),
        },
    ),
    "table": Case(
        right=before(
            UP_TO_TABLE,
            {
                "arrays": {
                    "answer-table": then(
                        "table = {t: {b: np.array(r, 'float32') for b, r in rows.items()}"
                        " for t, rows in table.items()}"
                    )
                }
            },
        ),
        wrong=before(
            UP_TO_TABLE,
            {
                "near and far exchanged": {
                    "answer-table": then('table = {"near": table["far"], "far": table["near"]}')
                },
                "one image of each class": {
                    "answer-table": changed("len(labels) // len(set(labels)) // 2", "1")
                },
            },
        ),
    ),
    "gain": Case(
        right=before(
            UP_TO_GAIN,
            {"an array": {"answer-gain": then("gain = np.array(gain)")}},
        ),
        wrong=before(
            UP_TO_GAIN,
            {
                "the other way round": {
                    "answer-gain": changed("(far_best, far_last)", "(far_last, far_best)")
                },
                "of photos": {
                    "answer-gain": changed(
                        'table["far"][best["far"]]', 'table["near"][best["near"]]'
                    )
                },
                "the worst block": {"answer-gain": changed("max(rows", "min(rows")},
            },
        ),
    ),
    "heat": Case(
        right=before(
            UP_TO_HEAT,
            {
                "from the weights of the head": {
                    "answer-cam": instead(
                        """
                        x = imagenet.preprocess_input(images)
                        maps = model.get_layer("base").predict(x, verbose=0)
                        columns = model.layers[-1].get_weights()[0].T[classes]
                        return np.maximum(np.einsum("nijk,nk->nij", maps, columns), 0)
                        """
                    )
                }
            },
        ),
        wrong=before(
            UP_TO_HEAT,
            {
                "of the answer, whatever is asked": {
                    "answer-cam": changed(
                        "logits = tf.gather(dense(pool(maps)), classes, axis=1, batch_dims=1)",
                        "logits = tf.reduce_max(dense(pool(maps)), axis=1)",
                    )
                },
                "the maps themselves": {
                    "answer-cam": returning("grad_cam", "np.ones_like(result)")
                },
            },
        ),
    ),
}
