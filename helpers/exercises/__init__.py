"""Self-checks of the exercises: `check("05.1", answer, ...)` prints a verdict.

A check works its answer out from what it is given, by its own way, so it holds for
simulated and for real data. Solutions are in notebooks/solutions; the tests prove
that each check accepts right answers and refuses likely wrong ones. The checks of
each notebook have a module of their own, `notebook_NN`, which is imported when the
first of its exercises is checked: those of notebook 01 need neither Keras nor the
simulator.
"""

import pkgutil
from html import escape
from importlib import import_module

from helpers.exercises.answers import CHECKS, NoAnswer, place_of
from helpers.files import CourseError, ipython

NOTEBOOKS = sorted(
    module.name.removeprefix("notebook_")
    for module in pkgutil.iter_modules(__path__)
    if module.name.startswith("notebook_")
)
"""The numbers of the notebooks that have exercises."""

_solved = set()
"""Numbers of the exercises whose last check in this kernel said "right"."""

SIGNS = {"right": ("✓", "#00805a"), "not yet": ("✗", "#c04400"), "no answer yet": ("…", "#6b7680")}
"""{state: (sign, colour of the badge)}. White on each has a contrast of 4.6:1 at least; each
has 3:1 at least on white and on the black and dark grey of JupyterLab's dark theme."""


def check(number, answer, **given):
    """Show whether `answer` solves exercise `number`; see that exercise's text.

    A coloured badge with a sign in a notebook, a line of text elsewhere; both say how
    many of the notebook's exercises are solved, as of the last check of each.
    """
    state, reason = verdict(number, answer, **given)
    (_solved.add if state == "right" else _solved.discard)(number)
    exercises = exercises_of(number.partition(".")[0])
    count = f"{len(_solved & exercises.keys())} of {len(exercises)} solved"
    text = f"Exercise {number}: {state}{': ' + reason if reason else ''}. {count}."
    if not hasattr(ipython(), "kernel"):  # no page shows what is displayed
        print(text)
        return
    from IPython.display import display

    html = _as_html(number, state, reason, count)
    display({"text/html": html, "text/plain": text}, raw=True)


def _as_html(number, state, reason, count):
    """The verdict on an answer in colour, legible in light and in dark themes."""
    sign, color = SIGNS[state]
    badge = f"background-color: {color}; color: white; padding: 2px 8px; border-radius: 4px"
    return (
        f'<p><span style="{badge}">{sign} {state}</span> <b>Exercise {number}</b>'
        f"{': ' + escape(reason) if reason else ''}. {count}.</p>"
    )


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
        message = type(error).__name__ + (f": {first_line}" if first_line else "")
        place = place_of(error, answer)
        reason = f"{place}: {message}" if place else f"it raised {message}"
    return ("not yet", reason) if reason else ("right", "")


def exercises_of(notebook):
    """{number: check} of the exercises of a notebook such as "05"; empty if it has none."""
    if notebook not in NOTEBOOKS:
        return {}
    import_module(f"{__name__}.notebook_{notebook}")  # it registers its checks
    return {n: check for n, check in CHECKS.items() if n.partition(".")[0] == notebook}
