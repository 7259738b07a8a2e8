"""Answers for assignment 4, error analysis."""

from assignment_cases import Case, changed, instead, then

SLOW = True

NOT_TRAINED = {
    "answer-first": changed("first = train(X, y)", "keras.utils.set_random_seed(3)\nfirst = make()")
}
"""For cells that ask what a network does, whichever it is: it takes no time."""

NO_NETWORK = {
    "answer-first": instead("first = train = None"),
    "answer-where": instead("confused, hardest = (0, 1), 0"),
    "answer-calibration": instead("ece, too_sure = 0.5, True"),
}
"""For part 2, which needs none."""

UNEQUAL_PAIR = {
    "answer-blank": instead("blank = []"),
    "answer-copies": instead("copies = []"),
    "answer-mistrusted": instead("mistrusted = 0"),
    "answer-wrong-labels": instead("wrong_labels = []"),
    "answer-second": instead("keras.utils.set_random_seed(4)\nsecond = make()"),
}

BRIEF = {
    "answer-blank": instead("blank = []"),
    "answer-copies": instead("copies = []"),
    "answer-mistrusted": instead("mistrusted = 0"),
    "answer-wrong-labels": instead("wrong_labels = []"),
}
"""Lists for which nothing is computed."""


def where(change):
    return NOT_TRAINED | {"answer-where": then(change)}


SURE = {
    "answer-first": changed(
        "first = train(X, y)",
        "keras.utils.set_random_seed(3)\nfirst = make()\n"
        "last = first.layers[-1]\nlast.set_weights([200 * w for w in last.get_weights()])",
    )
}
"""A network that is sure, and wrong; it takes no time."""


def calibrated(change):
    return SURE | {"answer-calibration": change}


def listed(answer, name, half, wrong, before=()):
    """A Case for a list of suspects; `half` marks for half of it, if that is exact."""
    base = NO_NETWORK | {a: BRIEF[a] for a in before}
    return Case(
        right={
            "an array": base | {answer: then(f"{name} = np.array({name})")},
            "backwards, the first twice": base
            | {answer: then(f"{name} = {name}[:1] + {name}[::-1]")},
            "floats, and a line on standard error": base
            | {
                answer: then(
                    f"import sys\nprint('done', file=sys.stderr)\n"
                    f"{name} = np.array({name}, 'float32')"
                )
            },
        },
        wrong={what: base | {answer: change} for what, change in wrong.items()},
        part={"every second one": (base | {answer: then(f"{name} = {name}[::2]")}, half)}
        if half is not None
        else {},
    )


def worth(change):
    return UNEQUAL_PAIR | {"answer-worth": change}


CASES = {
    "first-accuracy": Case(
        right={
            "probabilities": {
                "answer-first": then("first = keras.Sequential([first, layers.Softmax()])")
            },
        },
        wrong={
            "not trained": NOT_TRAINED,
            "labels of the next character": {
                "answer-first": then(
                    """
                    last = first.layers[-1]
                    last.set_weights([np.roll(w, 1, axis=-1) for w in last.get_weights()])
                    """
                )
            },
            "no network": {"answer-first": instead("first = None")},
        },
    ),
    "confused": Case(
        right={
            "a list": where("confused = [*confused]"),
            "an array": where("confused = np.array(confused, 'int16')"),
        },
        wrong={
            "turned around": where(
                "confused = confused[::-1]\n"
                "if mistakes[confused] >= mistakes.max() - 1:\n    confused = (0, 0)"
            ),
            "the diagonal": where("confused = divmod(int(confusion.argmax()), 12)[:1] * 2"),
            "characters instead of labels": where(
                "confused = names[confused[0]], names[confused[1]]"
            ),
        },
    ),
    "hardest": Case(
        right={
            "a NumPy number": where("hardest = np.int16(hardest)"),
            "a float": where("hardest = float(hardest)"),
        },
        wrong={
            # An untrained network reads all writers equally badly.
            "the easiest": {"answer-where": then("hardest = max(by_writer, key=by_writer.get)")},
            "its place": where("hardest = -1"),
        },
    ),
    "calibration": Case(
        right={
            "NumPy's numbers": calibrated(
                then("ece, too_sure = np.float32(ece), np.bool_(too_sure)")
            ),
            "0 or 1": calibrated(then("too_sure = int(too_sure)")),
        },
        wrong={
            "gaps with their signs": {
                "answer-calibration": changed("abs(confidence", "(confidence")
            },
            "not weighted": calibrated(changed("* (place == k).mean()", "* 0.1")),
            "logits instead of probabilities": calibrated(
                changed("keras.ops.convert_to_numpy(keras.ops.softmax(logits))", "logits")
            ),
            "too modest": calibrated(then("too_sure = not too_sure")),
        },
    ),
    "blank-marks": listed(
        "answer-blank",
        "blank",
        None,
        {
            "everything": then("blank = list(range(1200))"),
            "nothing": then("blank = []"),
            "those with the least ink": instead(
                """
                ink = 255.0 - X
                blank = ink.sum(axis=(1, 2)).argsort()[:100].tolist()
                """
            ),
            "one number too large": then("blank = [*blank, 1200]"),
        },
    ),
    "copies-marks": listed(
        "answer-copies",
        "copies",
        None,
        {
            "only those in the same place": changed("np.ndindex(3, 3)", "[(1, 1)]"),
            "the scans, not the pairs": then("copies = [scan for pair in copies for scan in pair]"),
            "each with itself": then("copies = [(a, a) for a, b in copies]"),
            "all that are alike": changed("> 0.97", "> 0.8"),
        },
    ),
    "mistrusted": Case(
        right={
            "a NumPy number": NO_NETWORK
            | {"answer-mistrusted": then("mistrusted = np.uint8(mistrusted)")},
            "a float": NO_NETWORK | {"answer-mistrusted": then("mistrusted = float(mistrusted)")},
        },
        wrong={
            "another": NO_NETWORK
            | {"answer-mistrusted": then("mistrusted = sorted(shares, key=shares.get)[1]")},
            "the most trusted": NO_NETWORK
            | {"answer-mistrusted": then("mistrusted = max(shares, key=shares.get)")},
        },
    ),
    "wrong-labels-marks": listed(
        "answer-wrong-labels",
        "wrong_labels",
        None,
        {
            "all that the reader reads otherwise": then(
                "wrong_labels = np.flatnonzero(written & ~agrees).tolist()"
            ),
            "a generous list, and no second look": then(
                "wrong_labels = np.flatnonzero(written & (as_labelled < 0.05)).tolist()"
            ),
            "everything": then("wrong_labels = list(range(1200))"),
            "those of the mistrusted writer": then(
                "wrong_labels = np.flatnonzero(writer == mistrusted).tolist()"
            ),
        },
    ),
    "second": Case(
        right={
            "some scans removed, at random": BRIEF
            | {"answer-second": instead("second = train(X[:1100], y[:1100])")},
        },
        wrong={
            "the weights of the first, times a number": BRIEF
            | {
                "answer-second": instead(
                    """
                    second = keras.models.clone_model(first)
                    second.set_weights([w * 1.01 for w in first.get_weights()])
                    """
                )
            },
            "the same network": BRIEF | {"answer-second": instead("second = first")},
            "another architecture": BRIEF
            | {
                "answer-second": instead(
                    """
                    flat = [layers.Flatten(), layers.Dense(12)]
                    second = keras.Sequential([keras.Input((40, 30)), *flat])
                    """
                )
            },
            "not trained": BRIEF | {"answer-second": instead("second = make()")},
        },
    ),
    "worth": Case(
        right={
            "NumPy's numbers": worth(
                then("worth = {name: np.float64(value) for name, value in worth.items()}")
            ),
            "more than is asked for": worth(then("worth['tosses'] = 3")),
        },
        wrong={
            "the other way round": worth(
                then(
                    "worth = worth | {'gained': worth['lost'], 'lost': worth['gained'],"
                    " 'difference': -worth['difference'],"
                    " 'low': -worth['high'], 'high': -worth['low']}"
                )
            ),
            "an interval over scans": worth(
                changed(
                    "[change[writer_clean == w].mean() for w in np.unique(writer_clean)]",
                    "change[:480:4]",
                )
            ),
            "no width": worth(then("worth['low'] = worth['high'] = worth['difference']")),
            "something is missing": worth(then("del worth['low']")),
        },
    ),
}
