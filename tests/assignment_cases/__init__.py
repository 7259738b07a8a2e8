"""Right and wrong answers for every graded cell, one module an assignment.

A module has the name of its assignment. Its CASES hold, for each graded cell (by its
grade_id), what must earn full marks and what must not; tests/quick/test_assignments.py
tries them. Where they say SLOW = True, because the solution trains for a minute or so,
tests/teaching/test_assignments_graded.py does.
An answer is the assignment's solution with some changes:
{grade_id of an answer cell: change}, a change being made by `changed`, `instead` or
`then`.
"""

import importlib.util
import textwrap
from pathlib import Path
from typing import NamedTuple

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


class Case(NamedTuple):
    """What one graded cell is tried with: {what it is: {answer cell: change}}."""

    right: dict  # slightly different answers that earn all points
    wrong: dict  # at least two plausible ones that do not
    part: dict = {}


def changed(*pairs):
    """Texts replaced in a solution: old, new, old, new, ..."""

    def change(source):
        for old, new in zip(pairs[::2], pairs[1::2], strict=True):
            assert old in source, f"{old!r} is not in the solution:\n{source}"
            source = source.replace(old, new)
        return source

    return change


def instead(code):
    """Other code in the place of the solution's region."""

    def change(source):
        before, found, rest = source.partition(BEGIN)
        assert found, f"no solution region in:\n{source}"
        indent = before.rpartition("\n")[2]
        new = textwrap.indent(textwrap.dedent(code).strip("\n"), indent)
        return before.removesuffix(indent) + new + rest.partition(END)[2]

    return change


def then(code):
    """More code after the solution's cell."""
    return lambda source: f"{source}\n{textwrap.dedent(code)}"


def returning(name, expression):
    """A function `name` whose result is changed: `expression` of `result`.

    What it changes first arrives as it was given.
    """
    return then(
        f"""
        _solution_{name} = {name}

        def {name}(*arguments, **named):
            result = _solution_{name}(*arguments, **named)
            return {expression}
        """
    )


def warning(name):
    """A function `name` that warns, and writes to standard error, when called."""
    return then(
        f"""
        import sys, warnings
        _quiet_{name} = {name}

        def {name}(*arguments, **named):
            warnings.warn("this is slow")
            print("a line on standard error", file=sys.stderr)
            return _quiet_{name}(*arguments, **named)
        """
    )


def load(assignment):
    """CASES of an assignment. Its name begins with a digit: no plain import."""
    return _module(assignment).CASES


def is_light(assignment):
    """Whether all its answers take a second or two: its module does not say SLOW = True."""
    return not getattr(_module(assignment), "SLOW", False)


def _module(assignment):
    path = Path(__file__).parent / f"{assignment}.py"
    spec = importlib.util.spec_from_file_location(f"cases_{assignment}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
