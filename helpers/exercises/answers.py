"""What checks are made of: their registry, and how answers are read."""

import reprlib
import sys
import traceback

import numpy as np

from helpers.files import CourseError

CHECKS = {}
"""{number of an exercise: its check}, filled by the modules `notebook_NN`."""


class NoAnswer(Exception):
    """The exercise is still as it was handed out."""


def exercise(number):
    """Register a check: a function that returns what is wrong, or None."""

    def register(function):
        CHECKS[number] = function
        return function

    return register


def call(function, *arguments):
    """What a student's function returns; None, or a bare `...`, is no answer.

    It gets copies of arrays, so that changing them changes no later check.
    """
    if not callable(function):
        raise CourseError("give the function itself, not what it returns")
    copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    with np.errstate(all="ignore"):  # the check says it better than a warning
        result = function(*copies)
    if result is None or result is Ellipsis:
        raise NoAnswer
    return result


def place_of(error, function):
    """Where a student's `function` raised `error`: "line 3 of answer", or None.

    Lines are counted from `def`, line 1. The last one that is in the function's own cell
    or file counts, so an error within a library is told by the line that called it.
    """
    code = getattr(function, "__code__", None)
    if code is None:  # no function of Python's
        return None
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        found = frame.f_code
        if found.co_filename == code.co_filename:
            return f"line {line - found.co_firstlineno + 1} of {found.co_name}"
    return None


def numbers(value, shape, what):
    """A student's numbers as a float array of `shape`, called `what` if it is not.

    NaN and infinite numbers pass: the checks refuse them, and say why.
    """
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = np.array(None)
    if array.dtype.kind not in "buif":
        raise CourseError(f"it should be {what}, not {shown(value)}")
    if array.shape != shape:
        raise CourseError(
            f"it should be {what}, not an array of shape {array.shape}"
            if array.shape
            else f"it should be {what}, not one number"
        )
    return array.astype(float)


def network(answer, inputs):
    """A student's Keras model for images of the shape `inputs`; CourseError if it is none."""
    keras = sys.modules.get("keras")  # whoever has made a model has imported it
    if keras is None or not isinstance(answer, keras.Model):
        raise CourseError(f"give the model itself, a keras.Sequential, not {shown(answer)}")
    if not answer.built:
        raise CourseError(f"begin the model with keras.Input({inputs}), which builds it")
    if answer.input_shape != (None, *inputs):
        raise CourseError(f"its input has the shape {answer.input_shape[1:]}, not {inputs}")
    return answer


def names(answer, known):
    """A student's list of file names as a set; each must be one of `known`."""
    if isinstance(answer, str) or not np.iterable(answer):
        raise CourseError(f"{shown(answer)} is not a list of file names")
    names = {str(name).replace("\\", "/") for name in answer}
    if unknown := names - set(known):
        raise CourseError(f"there is no file named {shown(min(unknown))}")
    return names


def shown(value):
    """A short text for any value, on one line."""
    return " ".join(reprlib.repr(value).split())


def letters_judged(answer, why, right):
    """The first sentence of `why` ({letter: sentence}) whose letter is chosen and not among
    the `right` ones, or the other way round; None if all are as they should be.

    answer: letters as text or in a list. Raises CourseError for anything else.
    """
    if isinstance(answer, str):
        letters = answer
    elif isinstance(answer, list | tuple | set) and all(isinstance(x, str) for x in answer):
        letters = "".join(answer)
    else:
        raise CourseError(f'give letters, such as "BCE", not {shown(answer)}')
    chosen = {letter for letter in letters.upper() if letter not in " ,;"}
    if not chosen or not chosen <= why.keys():
        last = max(why)
        raise CourseError(f'give letters from A to {last}, such as "BCE", not {shown(answer)}')
    for letter, sentence in why.items():
        if (letter in chosen) != (letter in right):
            return sentence
    return None
