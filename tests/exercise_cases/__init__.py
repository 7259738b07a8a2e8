"""Right and wrong answers for every exercise, one module a notebook.

`CASES` holds, for each exercise, right answers in several forms and likely wrong
ones, each with a part of the reason that the student must be given. exercise_trials.py
says how they are tried.
"""

import pkgutil
from importlib import import_module
from typing import NamedTuple


class Case(NamedTuple):
    """What one exercise is tried with."""

    given: dict  # the named arguments of `check`
    right: list  # answers
    wrong: list  # (answer, part of the reason)


CASES = {}
FUNCTIONS = []
"""Numbers of the exercises whose answer is a function."""

WITH_KERAS = []
"""Numbers of the exercises whose answers need Keras: not in tests/quick, for it is slow."""

EXTRA = ["faint/1.png", "faint/2.png", "triplet/1.png"]
"""Files added to the scans: two in faint ink, a second copy of a duplicate."""


def cases(number, is_function=False, with_keras=False):
    """Register a function of the scans (see exercise_trials.py) that returns a Case."""

    def register(function):
        CASES[number] = function
        if is_function:
            FUNCTIONS.append(number)
        if with_keras:
            WITH_KERAS.append(number)
        return function

    return register


for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
