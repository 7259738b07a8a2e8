"""What test cells compare with, `agree`."""

import numpy as np


def agree(got, wanted, case):
    """Raise AssertionError, with a helpful sentence, unless both are equal.

    got: a student's number, array or list. wanted: a number or array. case: what
    was tried, the sentence's beginning. Whole numbers must be exact; others may
    differ by 1e-4 of the largest, as sums in float32 do. Dtypes do not matter.
    """
    wanted = np.asarray(wanted)
    if got is None:
        raise AssertionError(f"{case}: it is None; is a return missing?")
    try:
        values = np.asarray(got)
    except ValueError:  # rows of different lengths
        values = np.array(None)
    if values.dtype.kind not in "buif":
        what = "a number" if wanted.ndim == 0 else "an array of numbers"
        raise AssertionError(f"{case}: it should be {what}, not {type(got).__name__}")
    if values.shape != wanted.shape:
        raise AssertionError(f"{case}: the shape should be {wanted.shape}, not {values.shape}")
    values = values.astype(float)
    largest = np.abs(wanted).max(initial=0)
    exact = wanted.dtype.kind in "bui"
    # Turned around, so that NaN counts as wrong.
    wrong = ~(np.abs(values - wanted) <= (1e-3 if exact else 1e-4 * largest))
    if not wrong.any():
        return
    place = tuple(np.argwhere(wrong)[0].tolist())
    found = f"{values[place]:.10g} instead of {wanted[place]:.10g}"
    if place:
        found = (
            f"{wrong.sum()} of {wrong.size} values are wrong, the first at {list(place)}: {found}"
        )
    raise AssertionError(f"{case}: {found}")
