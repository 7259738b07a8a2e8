"""Whose assignment it is, and the parts that are drawn for one student.

What differs from student to student follows from a *secret* of the teacher and the
student's id: HMAC-SHA256(secret, assignment and id). So it is the same on every system, and
nothing in this repository tells it beforehand.

    truth(assignment, student)   everything that is drawn; only who has the secret can say it
    mine(assignment, student)    what the student is given: no name that begins with `_`

An assignment says in DRAWN_BY which function draws: it takes Draws and returns a
dictionary of numbers, texts, lists, dictionaries and arrays. `python -m helpers release`
writes what a student is given into ASSIGNMENT.npz, beside the notebook. Where that file is
missing, as in self-study, everything is drawn with SELF_STUDY, a secret that is public.
The grader has the teacher's secret in COURSE_SECRET while it runs tests, and hands the
student's file, drawn anew, to the process that runs the student's cells.
"""

import copy
import hashlib
import hmac
import importlib
import io
import json
import os
import unicodedata
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from helpers.files import CourseError

SELF_STUDY = "the secret of self-study, which everybody knows"
"""Stands for a teacher's secret where there is none. It protects nothing."""

DRAWN_BY = {
    "1_pixels_and_kernels": "helpers.assignments.pixels:draw",
    "2_arithmetic_of_networks": "helpers.assignments.architectures:draw",
    "3_character_classifier": "helpers.assignments.data:draw_order",
    "4_error_analysis": "helpers.assignments.scans:draw",
    "6_borrowed_networks": "helpers.assignments.borrowed:draw",
    "7_study_with_a_budget": "helpers.assignments.studies:draw",
}
"""{assignment: the function that draws it}, imported when it is first needed."""


def owner(typed):
    """The id whose data count: that of COURSE_STUDENT when grading, else `typed`.

    The grader sets COURSE_STUDENT from the submission's folder, so another student's
    id in a notebook earns nothing. Spaces around an id and its case do not matter.
    Raises CourseError where there is no id.
    """
    name = os.environ.get("COURSE_STUDENT") or typed
    if not isinstance(name, str) or not name.strip(" ."):
        raise CourseError(
            f"{name!r} is no student's id: type yours as text, as your teacher's list "
            'has it, for instance student = "ab123".'
        )
    return same_id(name)


def same_id(name):
    """An id as it counts: without spaces around it, in small letters."""
    return unicodedata.normalize("NFC", name).strip().casefold()


def mine(assignment, student):
    """What one student is given for an assignment: a dictionary.

    Read from ASSIGNMENT.npz in the working folder; drawn where there is none. Raises
    CourseError where that file is damaged, or is another student's.
    """
    who, path = owner(student), Path(f"{assignment}.npz")
    if "COURSE_SECRET" not in os.environ and path.is_file():
        return _unpacked(path, assignment, who)
    return _given(truth(assignment, who))


def truth(assignment, student):
    """All that is drawn for a student, with names that begin with `_`: for hidden tests.

    Without the teacher's secret, as on a student's computer, it is what self-study draws.
    Raises CourseError where a teacher has handed out the student's own parts.
    """
    if "COURSE_SECRET" not in os.environ and Path(f"{assignment}.npz").is_file():
        raise CourseError("Only your teacher can say this: it follows from a secret.")
    return copy.deepcopy(_drawn(assignment, owner(student), secret()))


def secret():
    """The teacher's secret where the grader runs tests; else that of self-study."""
    return os.environ.get("COURSE_SECRET") or SELF_STUDY


def package(assignment, student, secret=None):
    """{file name: bytes} of what a student gets beside the notebook: {} if nothing is drawn.

    `secret`: the teacher's; None is that of self-study.
    """
    if assignment not in DRAWN_BY:
        return {}
    who, plain, arrays = same_id(student), {}, {}
    for name, value in _given(_drawn(assignment, who, secret or SELF_STUDY)).items():
        (arrays if isinstance(value, np.ndarray) else plain)[name] = value
    about = {"assignment": assignment, "student": who, "plain": plain}
    file = io.BytesIO()
    np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)
    return {f"{assignment}.npz": file.getvalue()}


def _unpacked(path, assignment, who):
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays.pop("about")))
        found, plain = about["student"], about["plain"]
        right = about["assignment"] == assignment
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CourseError(f"{path} is damaged: take it again from what was handed out.") from error
    if found != who or not right:
        raise CourseError(
            f"{path} belongs to the student {found!r} and not to {who!r}: type your own id, "
            "or take your own file."
        )
    return plain | arrays


def _given(drawn):
    return {name: value for name, value in drawn.items() if not name.startswith("_")}


@lru_cache(maxsize=64)
def _drawn(assignment, who, secret):
    module, _, function = DRAWN_BY[assignment].partition(":")
    draw = getattr(importlib.import_module(module), function)
    drawn = draw(Draws(assignment, who, secret=secret))
    # Through JSON, so that it is the same whether it was drawn or read: lists, no tuples.
    return {
        name: value if isinstance(value, np.ndarray) else json.loads(json.dumps(value))
        for name, value in drawn.items()
    }


class Draws:
    """Choices that follow from words (an assignment, a student) and a secret, if one is given.

    Python's and NumPy's generators may change from version to version; this cannot.
    """

    def __init__(self, *words, secret=None):
        self._text = "\n".join(words)
        if secret is not None:
            code = hmac.new(secret.encode(), self._text.encode(), hashlib.sha256)
            self._text = code.hexdigest()
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

    def array(self, low, high, shape):
        """An array of whole numbers from `low` to `high`, as int64."""
        numbers = [self.whole(low, high) for _ in range(int(np.prod(shape)))]
        return np.array(numbers, "int64").reshape(shape)
