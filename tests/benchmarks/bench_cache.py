"""What the training cache saves, and what it costs.

    python tests/benchmarks/bench_cache.py

The lecture's CNN is trained for 2 epochs on 1,000 random images, kept, and
loaded; then the digest of a call with 25,000 images is compared with SHA-256 of
their bytes.
"""

import hashlib
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from helpers.training import digest_of, reuse_training
from tests.benchmarks.bench_training import CLASSES, compiled


def seconds_of(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run(repeats=5):
    """Rows (what, seconds of the reference, ours, note): medians."""
    random = np.random.default_rng(0)
    X = random.integers(0, 256, (25_000, 80, 60, 1), dtype=np.uint8)
    y = random.integers(0, CLASSES, len(X))

    def fit(live):
        model = compiled()
        with reuse_training(live=live):
            return seconds_of(lambda: model.fit(X[:1000], y[:1000], epochs=2))

    model = compiled()
    arguments = {"x": X, "y": y, "epochs": 2, "batch_size": 128}
    rows = {"trained": [], "loaded": [], "sha256": [], "digest": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, COURSE_CACHE=folder),
    ):
        for _ in range(repeats):
            rows["trained"].append(fit(live=True))
            rows["loaded"].append(fit(live=False))
            rows["sha256"].append(seconds_of(lambda: hashlib.sha256(X).hexdigest()))
            rows["digest"].append(seconds_of(lambda: digest_of(model, arguments, [], 1)))
    medians = {what: statistics.median(times) for what, times in rows.items()}
    return [
        (
            "fit in a block, second time",
            medians["trained"],
            medians["loaded"],
            "2 epochs of the lecture's CNN, 1,000 images; reference: trained",
        ),
        (
            "digest of a call",
            medians["sha256"],
            medians["digest"],
            f"{X.nbytes / 1e6:.0f} MB of images; reference: SHA-256 alone",
        ),
    ]


if __name__ == "__main__":
    for what, reference, ours, note in run():
        print(f"{what}: {reference:.3f} s -> {ours:.3f} s ({note})")
