"""The benchmark from simulated to real, with a reader that guesses in the place of a training."""

import numpy as np
import pytest
from support import module_of

from helpers.files import COURSE
from helpers.handwriting.strokes import CLASSES


class Guesser:
    """Reads every image as the same class."""

    def __init__(self, classes):
        self.classes = classes

    def predict(self, X, **settings):
        return np.eye(self.classes)[np.zeros(len(X), int)]


def test_from_simulated_to_real(real_data, monkeypatch):
    monkeypatch.setenv("COURSE_REAL_DATA", str(real_data))
    bench = module_of(COURSE / "tests" / "benchmarks" / "bench_sim_to_real.py")
    trained = []

    def fit(experiment, data, seed):
        trained.append((experiment, len(data.y[data.train]), seed))
        assert not set(data.train) & set(data.val) and len(data.X_test) == len(data.y_test)
        return Guesser(int(data.y.max()) + 1), None, None

    monkeypatch.setattr(bench.casia, "fit", fit)
    rows = bench.run(seeds=(1, 2))
    assert [(experiment, seed) for experiment, _, seed in trained] == [
        ("better CNN", 1),  # real to real
        ("better CNN", 1),
        ("better CNN", 2),
    ]
    assert len(rows) == 1 + len(bench.SHARED)
    assert "1,195 real scans of the four" in rows[-1][0]
    # All scans are read as the first class, which is one of the four.
    first = min(CLASSES)
    assert first in bench.SHARED
    for what, _, ours, _ in rows[:-1]:
        assert ours == pytest.approx(float(what.endswith(first))), what
    assert 0.2 < rows[-1][2] < 0.3
