"""What was done in a call, counted: marks for work without a clock."""

import gc
import sys
import threading
from functools import partial

import numpy as np

MOST_STEPS = 200_000
"""Lines of Python after which a count ends: it slows a loop down."""


def counted(function, *arguments):
    """(result, steps, numbers): what a call gives, and what was done for it.

    steps: lines of Python that ran, in all functions that were called, NumPy's too; each
    turn of a loop or comprehension counts. numbers: how many numbers NumPy's own loops
    took from arrays among the arguments, and from what was made of these; an array that
    the function copies with `np.array` is not followed. Neither depends on the machine.

    Where a course is graded the function is a student's, in another process, and counts
    itself there: `counted_in_its_process`. Raises AssertionError after MOST_STEPS, and if
    the function switches the count off.
    """
    elsewhere = getattr(function, "counted_in_its_process", None)
    return (elsewhere or partial(counted_here, function))(*arguments)


def counted_here(function, *arguments):
    """`counted` in this process."""
    tally, follow = _followed()
    try:
        result, steps = _traced(function, *map(follow, arguments))
    except AssertionError:
        raise
    except Exception:  # perhaps it minds that these arrays are of another class
        result, steps = _traced(function, *arguments)
    if isinstance(result, np.ndarray):
        result = result.view(np.ndarray)
    return result, steps, tally["numbers"]


def _traced(function, *arguments):
    """(result, lines of Python that ran), without those of imports."""
    steps = importing = 0

    def count(frame, event, argument):
        nonlocal steps, importing
        if event == "call" and frame.f_code.co_name == "_find_and_load":
            importing += 1
            return ends
        steps += event == "line" and not importing
        if steps > MOST_STEPS:
            raise AssertionError(f"it runs more than {MOST_STEPS:,} lines of Python")
        return count

    def ends(frame, event, argument):
        nonlocal importing
        importing -= event == "return"
        return ends

    before, collecting = sys.gettrace(), gc.isenabled()
    gc.disable()  # what it runs at times of its own choice is not the function's
    threading.settrace(count)  # for threads that it starts
    sys.settrace(count)
    try:
        result = function(*arguments)
        if sys.gettrace() is not count:
            raise AssertionError("the function has switched off what counts its steps")
    finally:
        sys.settrace(before)
        threading.settrace(before)
        if collecting:
            gc.enable()
    return result, steps


def _followed():
    """(tally, follow): `follow(array)` is the array as one whose uses are counted."""
    tally = {"numbers": 0}

    class Followed(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *inputs, out=(), **named):
            if out:
                named["out"] = tuple(map(plain, out))
            inputs = [plain(value) for value in inputs]
            result = getattr(ufunc, method)(*inputs, **named)
            size = max(np.size(value) for value in (*inputs, result))
            if ufunc is np.matmul:
                size *= inputs[0].shape[-1]
            tally["numbers"] += size
            return out[0] if len(out) == 1 else again(result)

        def __array_function__(self, function, types, positional, named):
            tally["numbers"] += sum(v.size for v in positional if isinstance(v, Followed))
            return again(super().__array_function__(function, types, positional, named))

    def plain(value):
        return value.view(np.ndarray) if isinstance(value, Followed) else value

    def again(value):
        return value.view(Followed) if type(value) is np.ndarray else value

    return tally, again
