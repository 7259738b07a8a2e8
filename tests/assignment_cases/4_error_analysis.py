"""Answers for assignment 4, error analysis."""

from assignment_cases import Case, changed, instead, returning, then, warning

ARRAY = "np.array(result, 'float32')"


def listed(answer, name, half, wrong):
    """A Case for a list of suspects; `half` marks for half of it, if that is exact."""
    return Case(
        right={
            "an array": {answer: then(f"{name} = np.array({name})")},
            "backwards, the first twice": {answer: then(f"{name} = {name}[:1] + {name}[::-1]")},
            "floats, and a line on standard error": {
                answer: then(
                    f"import sys\nprint('done', file=sys.stderr)\n"
                    f"{name} = np.array({name}, 'float32')"
                )
            },
        },
        wrong={what: {answer: change} for what, change in wrong.items()},
        part={"every second one": ({answer: then(f"{name} = {name}[::2]")}, half)} if half else {},
    )


NO_LISTS = {
    "answer-blank": instead("blank = []"),
    "answer-copies": instead("copies = []"),
    "answer-upside-down": instead("upside_down = []"),
    "answer-wrong-labels": instead("wrong_labels = []"),
}


def without_lists(right, wrong):
    """A Case for a cell that needs no lists of suspects, which take seconds."""
    right, wrong = (
        {what: NO_LISTS | changes for what, changes in group.items()} for group in (right, wrong)
    )
    return Case(right, wrong)


LIGHT = False

CASES = {
    "scores-plain": Case(
        right={
            "an array of float32": {"answer-scores": returning("scores", ARRAY)},
            "warns": {"answer-scores": warning("scores")},
        },
        wrong={
            "precision and recall swapped": {
                "answer-scores": returning("scores", "(result[1], result[0], result[2])")
            },
            "the plain mean": {
                "answer-scores": returning("scores", "(*result[:2], (result[0] + result[1]) / 2)")
            },
            "arrays take pairs apart": {
                "answer-scores": changed(
                    "set(listed), set(flawed)",
                    "set(np.ravel([*listed])), set(np.ravel([*flawed]))",
                )
            },
        },
    ),
    "scores-edges": Case(
        right={"a list": {"answer-scores": returning("scores", "list(result)")}},
        wrong={
            "divides by nothing": {"answer-scores": changed("max(len(listed), 1)", "len(listed)")},
            "counts what is listed twice": {
                "answer-scores": changed(
                    "max(len(listed), 1)",
                    "max(number, 1)",
                    "listed, flawed = set",
                    "number = len(listed)\n    listed, flawed = set",
                )
            },
        },
    ),
    "best-length-plain": Case(
        right={
            "a NumPy number": {"answer-best-length": returning("best_length", "np.int16(result)")},
            "with a loop": {
                "answer-best-length": instead(
                    """
                    best, length, right = 0, 0, 0
                    for k, flaw in enumerate(flawed, start=1):
                        right += bool(flaw)
                        if 2 * right / (k + total) > best:
                            best, length = 2 * right / (k + total), k
                    return length
                    """
                )
            },
            "warns": {"answer-best-length": warning("best_length")},
        },
        wrong={
            "the number of flawed": {
                "answer-best-length": instead("return int(min(total, len(flawed)))")
            },
            "counts from 0": {
                "answer-best-length": changed("int(lengths[f1.argmax()])", "int(f1.argmax())")
            },
            "precision alone": {"answer-best-length": changed("(lengths + total)", "lengths")},
            "up to the last flawed one": {
                "answer-best-length": instead(
                    "return int(np.max(np.flatnonzero(flawed), initial=-1)) + 1"
                )
            },
        },
    ),
    "best-length-edges": Case(
        right={"a float": {"answer-best-length": returning("best_length", "float(result)")}},
        wrong={
            "the longest of several": {
                "answer-best-length": changed(
                    "lengths[f1.argmax()]", "lengths[::-1][f1[::-1].argmax()]"
                )
            },
            "one, where none is flawed": {
                "answer-best-length": changed(" if any(flawed) else 0", "")
            },
        },
    ),
    "blank-marks": listed(
        "answer-blank",
        "blank",
        2,
        {
            "everything": then("blank = list(range(600))"),
            "nothing": then("blank = []"),
            "those with the least ink": instead(
                """
                ink = 255.0 - X
                blank = ink.sum(axis=(1, 2)).argsort()[:100].tolist()
                """
            ),
            "one number too large": then("blank = [*blank, 600]"),
            "a scan of the file": then(
                "blank = [assignment_data.scan_numbers('demo')[k] for k in blank]"
            ),
        },
    ),
    "copies-marks": listed(
        "answer-copies",
        "copies",
        3,
        {
            "only those in the same place": changed("np.ndindex(3, 3)", "[(1, 1)]"),
            "the scans, not the pairs": then("copies = [scan for pair in copies for scan in pair]"),
            "each with itself": then("copies = [(a, a) for a, b in copies]"),
            "all that are alike": changed("> 0.97", "> 0.7"),
        },
    ),
    "upside-down-marks": listed(
        "answer-upside-down",
        "upside_down",
        3,
        {
            "characters that look the same, too": changed("written & turnable & (", "written & ("),
            "all that could be turned": then("upside_down = np.flatnonzero(turnable).tolist()"),
            "whatever is hard to read": changed("(as_turned > 0.5)", "(as_labelled < 0.5)"),
        },
    ),
    "wrong-labels-marks": listed(
        "answer-wrong-labels",
        "wrong_labels",
        None,
        {
            "all that the reader reads otherwise": changed("< 0.005", "< 0.5"),
            "everything": then("wrong_labels = list(range(600))"),
            "those upside down": then("wrong_labels = upside_down"),
        },
    ),
    "sign-test-plain": without_lists(
        right={
            "float32": {"answer-sign-test": returning("sign_test", "np.float32(result)")},
            "SciPy": {
                "answer-sign-test": instead(
                    """
                    from scipy import stats
                    gained = int((second & ~first).sum())
                    tosses = int((second ^ first).sum())
                    return stats.binomtest(gained, tosses).pvalue if tosses else 1
                    """
                )
            },
            "warns": {"answer-sign-test": warning("sign_test")},
        },
        wrong={
            "one side only": {"answer-sign-test": changed("min(2 * ways", "min(ways")},
            "all images count": {
                "answer-sign-test": changed("gained + lost, min", "len(first), min")
            },
            "without the outcome itself": {
                "answer-sign-test": changed("range(fewer + 1)", "range(fewer)")
            },
        },
    ),
    "sign-test-edges": without_lists(
        right={"in an array": {"answer-sign-test": returning("sign_test", "np.array(result)")}},
        wrong={
            "more than one": {
                "answer-sign-test": changed(
                    "min(2 * ways / 2**tosses, 1.0)", "2 * ways / 2**tosses"
                )
            },
            "floats overflow": {"answer-sign-test": changed("2 * ways /", "2.0 * ways /")},
        },
    ),
}
