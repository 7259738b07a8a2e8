"""Self-checks of the exercises: `check("05.1", answer, ...)` prints a verdict.

A check works its answer out from what it is given, by its own way, so it holds for
simulated and for real data. Solutions are in notebooks/solutions; the tests prove
that each check accepts right answers and refuses likely wrong ones. The checks of
each notebook have a module of their own, `notebook_NN`, which is imported when the
first of its exercises is checked: those of notebook 01 need neither Keras nor the
simulator.
"""

import pkgutil
from importlib import import_module

from helpers.exercises.answers import CHECKS, NoAnswer
from helpers.files import CourseError

NOTEBOOKS = sorted(
    module.name.removeprefix("notebook_")
    for module in pkgutil.iter_modules(__path__)
    if module.name.startswith("notebook_")
)
"""The numbers of the notebooks that have exercises."""


def check(number, answer, **given):
    """Print whether `answer` solves exercise `number`; see that exercise's text."""
    state, reason = verdict(number, answer, **given)
    print(f"Exercise {number}: {state}{': ' + reason if reason else ''}.")


def verdict(number, answer, **given):
    """("right" | "not yet" | "no answer yet", reason) for an answer.

    Raises CourseError when there is no exercise `number`.
    """
    known = exercises_of(str(number).partition(".")[0])
    if number not in known:
        there_are = ", ".join(known) or f"exercises of the notebooks {', '.join(NOTEBOOKS)}"
        raise CourseError(f"There is no exercise {number!r}; there are {there_are}.")
    try:
        if answer is None or answer is Ellipsis:
            raise NoAnswer
        reason = known[number](answer, **given)
    except NoAnswer:
        return "no answer yet", ""
    except CourseError as error:
        reason = str(error).rstrip(".")
    except Exception as error:  # whatever a student's answer may raise
        first_line = str(error).partition("\n")[0].rstrip(".")
        reason = f"it raised {type(error).__name__}" + (f": {first_line}" if first_line else "")
    return ("not yet", reason) if reason else ("right", "")


def exercises_of(notebook):
    """{number: check} of the exercises of a notebook such as "05"; empty if it has none."""
    if notebook not in NOTEBOOKS:
        return {}
    import_module(f"{__name__}.notebook_{notebook}")  # it registers its checks
    return {n: check for n, check in CHECKS.items() if n.partition(".")[0] == notebook}
