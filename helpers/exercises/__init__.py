"""Self-checks of the exercises: `check("05.1", answer, ...)` prints a verdict.

A check works its answer out from what it is given, by its own way, so it holds for
simulated and for real data. Solutions are in notebooks/solutions; the tests prove
that each check accepts right answers and refuses likely wrong ones. The checks of
each notebook have a module of their own, `notebook_NN`.
"""

import pkgutil
from importlib import import_module

from helpers.exercises.answers import CHECKS, NoAnswer
from helpers.files import CourseError

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")  # it registers its checks


def check(number, answer, **given):
    """Print whether `answer` solves exercise `number`; see that exercise's text."""
    state, reason = verdict(number, answer, **given)
    print(f"Exercise {number}: {state}{': ' + reason if reason else ''}.")


def verdict(number, answer, **given):
    """("right" | "not yet" | "no answer yet", reason) for an answer.

    Raises CourseError when there is no exercise `number`.
    """
    if number not in CHECKS:
        notebook = str(number).partition(".")[0]
        known = [n for n in CHECKS if n.partition(".")[0] == notebook]
        raise CourseError(
            f"There is no exercise {number!r}; there are {', '.join(known or CHECKS)}."
        )
    try:
        if answer is None or answer is Ellipsis:
            raise NoAnswer
        reason = CHECKS[number](answer, **given)
    except NoAnswer:
        return "no answer yet", ""
    except CourseError as error:
        reason = str(error).rstrip(".")
    except Exception as error:  # whatever a student's answer may raise
        first_line = str(error).partition("\n")[0].rstrip(".")
        reason = f"it raised {type(error).__name__}" + (f": {first_line}" if first_line else "")
    return ("not yet", reason) if reason else ("right", "")
