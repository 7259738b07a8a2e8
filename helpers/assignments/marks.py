"""Marks of a hidden test, property by property, and credit for what follows from a slip."""

import numpy as np

from helpers.assignments.compare import agree


class Marks:
    """Points of a test that checks several properties, each for itself.

        _marks = Marks()
        with _marks.part('"same" with a stride of 2', 1):
            agree(...)
        _marks.total()

    What fails in a part costs this part alone, and the student's page names the property:
    its text has to stand in the test as it is, for the grader shows no other.
    """

    def __init__(self):
        self.earned = 0.0
        self.missed = []
        """The names of the properties that failed, each once."""

    def part(self, what, points):
        """A context: `points` more if nothing in it fails."""
        return _Part(self, what, points)

    def total(self):
        """The points so far, as the last value of a test wants them."""
        return float(self.earned)


class _Part:
    def __init__(self, marks, what, points):
        self.marks, self.what, self.points = marks, what, points

    def __enter__(self):
        return self.marks

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.marks.earned += self.points
            return False
        # An answer that is not written has a message of its own; what the machine lacks
        # says nothing about an answer.
        if not issubclass(kind, Exception) or issubclass(
            kind, (NotImplementedError, MemoryError, RecursionError, OSError)
        ):
            return False
        if self.what not in self.marks.missed:
            self.marks.missed.append(self.what)
        return True


def follows(got, right, own, case, sound=True, arguments=()):
    """Raise AssertionError unless `got` is right, or follows from an earlier slip.

    got, right, case: as in `agree`. own: a function that computes the answer
    once more from the student's *own* earlier answers; `arguments` are handed to it. sound: whether these are right
    in the simple cases that students see; otherwise nothing can follow from them.
    """
    try:
        agree(got, right, case)
    except AssertionError:
        if not sound:
            raise
        try:
            again = np.asarray(own(*arguments), float)
        except NotImplementedError:
            raise
        except Exception:
            again = None
        if again is None or not np.isfinite(again).all():
            raise
        try:
            agree(got, again, case)
        except AssertionError:
            again = None
        if again is None:
            raise
