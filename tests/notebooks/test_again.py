"""A notebook run again: it trains nothing that is trained, and prints the same.

Under `run.py` nbval has run every notebook before, and these find what it has left; else
they run the notebook a first time themselves.
"""

import os
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from notebook_tools import execute, lecture, printed

RAN_BEFORE = "COURSE_TEST_RUN" in os.environ


def trained(environment):
    """{name: when it was written} of every model in the cache."""
    files = Path(environment["COURSE_CACHE"], "training").glob("*")
    return {file.name: file.stat().st_mtime_ns for file in files}


def check_same_weights(first, second):
    """Every model cached in `second` is in `first` too, bit for bit."""
    files = sorted(second.glob("*.npz"))
    assert files, f"no fitted model was cached in {second}"
    for file in files:
        with np.load(first / file.name) as one, np.load(file) as other:
            weights = [name for name in other if re.fullmatch(r"w\d+", name)]
            assert weights, f"{file.name} holds no weights"
            for name in weights:
                same = one[name].tobytes() == other[name].tobytes()
                assert same, f"{name} differs in {file.name}"


def test_trained_twice_gives_the_same(simulated, tmp_path):
    """04, the cheapest that trains: weights bit for bit, and every number."""
    path = lecture("04")
    first = execute(path, tmp_path / "first.ipynb", simulated)
    again = execute(
        path, tmp_path / "again.ipynb", simulated | {"COURSE_CACHE": str(tmp_path / "cache")}
    )
    assert printed(first, skip=["timing"]) == printed(again, skip=["timing"])
    check_same_weights(Path(simulated["COURSE_CACHE"], "training"), tmp_path / "cache" / "training")


@pytest.mark.parametrize(
    ("number", "folder"), [("06", None), ("07", "a folder 汉字")], ids=["06", "07 elsewhere"]
)
def test_a_second_run_trains_nothing(number, folder, simulated, tmp_path):
    """And it prints what is stored, in whatever folder it runs."""
    path = lecture(number)
    elsewhere = []
    if folder:
        (tmp_path / folder).mkdir()
        elsewhere = ["--cwd", tmp_path / folder]
    if not RAN_BEFORE:
        execute(path, tmp_path / "first.ipynb", simulated)
    before = trained(simulated)
    assert before
    again = execute(path, tmp_path / "again.ipynb", simulated, *elsewhere)
    assert trained(simulated) == before
    skip = ["timing", "nbval-ignore-output"]
    assert printed(again, skip) == printed(nbformat.read(path, as_version=4), skip)


def test_same_weights_are_told_from_others(tmp_path):
    weights = np.arange(3, dtype="float32")
    for name, nudge in (("one", 0), ("same", 0), ("other", 1e-6)):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "digest.npz", w0=weights, w1=weights + nudge)
    check_same_weights(tmp_path / "one", tmp_path / "same")
    with pytest.raises(AssertionError):
        check_same_weights(tmp_path / "one", tmp_path / "other")
