"""How each exercise is tried: what test_exercises.py and test_exercises_keras.py share."""

import csv
import pickle
import re
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from exercise_cases import CASES, EXTRA, FUNCTIONS

from helpers import exercises, images
from helpers.exercises import check, verdict
from helpers.handwriting import Handwriting, simulator

nan, inf = float("nan"), float("inf")


class Scans(NamedTuple):
    """A tiny simulated set, with three additions at the end of X and files."""

    data: Handwriting
    X: np.ndarray  # (n, 80, 60, 1) uint8
    files: list
    flaws: dict  # flaw -> [[file, original]], as in planted-flaws.csv


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exercises") / "set"
    data = Handwriting(simulator.simulate(folder, "tiny"), False, "")
    flaws = {}
    table = folder / "planted-flaws.csv"
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            names = [row["file"], row["original"]]
            flaws.setdefault(row["flaw"], []).append(names)
    X, _, _, files = images.load_folder(data.train, cache=False)
    twin = files.index(flaws["duplicate"][0][0].removeprefix("Train/"))
    faint = (255 - (255 - X[:2].astype(int)) // 6).astype("uint8")
    return Scans(data, np.concatenate([X, faint, X[[twin]]]), [*files, *EXTRA], flaws)


def judge(number, answer, given):
    """`verdict`, which must change neither the answer nor what is given."""

    def state():
        def weights(values):  # a saved network holds the time of day
            return {k: getattr(v, "get_weights", lambda v=v: v)() for k, v in values.items()}

        plain = None if callable(answer) else answer
        if isinstance(plain, dict):
            plain = weights(plain)
        return pickle.dumps((weights(given), plain))

    before = state()
    result = verdict(number, answer, **given)
    assert state() == before, "the check changed something"
    return result


@pytest.fixture(autouse=True)
def nothing_solved(monkeypatch):
    """Each test begins like a fresh kernel."""
    monkeypatch.setattr(exercises, "_solved", set())


NONSENSE = [
    *(0, -1.5, True, nan, inf, -inf, 10**400, 1j, "", "nonsense", b"x"),
    *([], (), {}, set(), [nan], [nan, nan], [inf, inf], [None, None]),
    *([[1], [2, 3]], [[]], [[None]], {"a": 1}, object, range(3)),
    *(np.array([]), np.full((3, 3), nan), np.full((3, 3), inf)),
    *(np.array(["a"]), pd.DataFrame({"a": [1]})),
]

FAILURES = [
    ZeroDivisionError("division by zero"),
    NotImplementedError(),
    RecursionError("maximum recursion depth exceeded"),
    ValueError("a message\nof two lines"),
]


def fails(error):
    """A student's function that raises `error`."""

    def function(*_):
        # Lines are counted from `def`: this is the second,

        raise error  # this the fourth.

    return function


# --- The trials --------------------------------------------------------------------


def right_answers(number, scans, capsys):
    given, right, _ = CASES[number](scans)
    assert len(right) >= 2
    for position, answer in enumerate(right):
        result = judge(number, answer, given)
        assert result == ("right", ""), (position, result)


def likely_wrong_answers_and_their_reasons(number, scans, capsys):
    given, _, wrong = CASES[number](scans)
    assert len(wrong) >= 3
    for position, (answer, part) in enumerate(wrong):
        state, reason = judge(number, answer, given)
        assert state == "not yet", (position, state)
        assert part in reason, (position, reason)
        assert not re.match(r"it raised|line \d+ of", reason), (position, reason)


def no_answer(number, scans, capsys):
    given = CASES[number](scans).given
    answers = [None, ...]
    if number in FUNCTIONS:
        answers += [lambda *_: None, lambda *_: ...]
    for answer in answers:
        assert judge(number, answer, given) == ("no answer yet", "")


def nonsense_is_refused_in_one_line(number, scans, capsys):
    given = CASES[number](scans).given
    answers = list(NONSENSE)
    if number in FUNCTIONS:
        answers += [lambda *_, value=value: value for value in NONSENSE]
        answers += [lambda: 1, *map(fails, FAILURES)]
    for answer in answers:
        state, reason = judge(number, answer, given)
        assert state == "not yet" and reason, answer
        check(number, answer, **given)
        printed, error = capsys.readouterr()
        said, count = printed.rsplit(". ", 1)
        assert said == f"Exercise {number}: not yet: {reason}"
        assert re.fullmatch(r"0 of \d solved\.\n", count)
        assert len(printed) < 300 and not error


def functions_are_called_so(number, scans, capsys):
    """A network can be called, and is no function."""
    first = CASES[number](scans).right[0]
    assert (callable(first) and not hasattr(first, "weights")) == (number in FUNCTIONS)


def changing_the_arguments_fools_no_check(number, scans, capsys):
    """Where the answer is a function."""
    if number not in FUNCTIONS:
        return

    def spoiled(function):
        def call(*arguments):
            result = function(*arguments)
            if any(isinstance(argument, np.ndarray) for argument in arguments):
                result = pickle.loads(pickle.dumps(result))  # not a view of one
            for argument in arguments:
                if isinstance(argument, np.ndarray):
                    argument[...] = 0
            return result

        return call

    given, right, wrong = CASES[number](scans)
    for answer in right:
        assert judge(number, spoiled(answer), given) == ("right", "")
    for answer, part in wrong:
        if callable(answer):
            state, reason = judge(number, spoiled(answer), given)
            assert state == "not yet" and part in reason


TRIALS = (
    right_answers,
    likely_wrong_answers_and_their_reasons,
    no_answer,
    nonsense_is_refused_in_one_line,
    functions_are_called_so,
    changing_the_arguments_fools_no_check,
)
every_trial = pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.__name__)
