"""Whose assignment it is, and choices that follow from a student's id.

Each student's data follow from the id by SHA-256, so they are the same on every
system and in every version of Python.
"""

import hashlib
import os
import unicodedata

from helpers.files import CourseError


def owner(typed):
    """The id whose data count: that of COURSE_STUDENT when grading, else `typed`.

    The grader sets COURSE_STUDENT from the submission's folder, so another student's
    id in a notebook earns nothing. Spaces around an id and its case do not matter.
    Raises CourseError where there is no id.
    """
    name = os.environ.get("COURSE_STUDENT") or typed
    if not isinstance(name, str) or not name.strip(" ."):
        raise CourseError(
            f"{name!r} is no student's id: type yours as text, as it stands in the "
            'course\'s list, for instance student = "ab123".'
        )
    return same_id(name)


def same_id(name):
    """An id as it counts: without spaces around it, in small letters."""
    return unicodedata.normalize("NFC", name).strip().casefold()


class Draws:
    """Choices that follow from words (an assignment, a student), and only from them.

    Python's and NumPy's generators may change from version to version; this cannot.
    """

    def __init__(self, *words):
        self._text = "\n".join(words)
        self._count = 0

    def whole(self, low, high):
        """A whole number from `low` to `high`, both included."""
        self._count += 1
        text = f"{self._text}\n{self._count}".encode()
        number = int.from_bytes(hashlib.sha256(text).digest(), "big")
        return low + number % (high - low + 1)

    def choose(self, values):
        """One of `values`."""
        return values[self.whole(0, len(values) - 1)]

    def sample(self, values, count):
        """`count` different ones of `values`, in their order there."""
        left = list(range(len(values)))
        for _ in range(len(values) - count):
            left.pop(self.whole(0, len(left) - 1))
        return [values[place] for place in left]
