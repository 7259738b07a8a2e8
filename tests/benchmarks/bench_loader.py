"""How much faster `load_folder` is than the lecture's loop.

    python tests/benchmarks/bench_loader.py [folder of class folders]

Without a folder, the training images of simulated handwriting are drawn into a
temporary one. All variants read the same files in turn, several times; the table
shows medians. The files have been read before, so the disk takes no part.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

from helpers.handwriting.simulator import simulate
from helpers.images import class_folders, load_folder


def serial_loop(files):
    """The lecture's recipe: one file after the other."""
    return np.stack(
        [np.asarray(Image.open(f).convert("L").resize((60, 80), Image.LANCZOS)) for f in files]
    )


def run(folder=None, repeats=5):
    """Rows (what, seconds of the serial loop, seconds of ours, note): medians."""
    with tempfile.TemporaryDirectory() as temporary:
        if folder is None:
            folder = simulate(Path(temporary) / "simulated") / "Train"
        cache = Path(temporary) / "cache"
        with mock.patch.dict(os.environ, COURSE_CACHE=str(cache)):
            return _measure(Path(folder), repeats, cache)


def _measure(folder, repeats, cache):
    class_folders(folder)  # a clear error if it holds no class folders
    images = load_folder(folder)
    files = [folder / file for file in images.files]
    kept = next((cache / "images").iterdir())

    def first_time():
        kept.unlink()
        return load_folder(folder)

    variants = {
        "serial": lambda: serial_loop(files)[..., np.newaxis],
        "cold, no cache": lambda: load_folder(folder, cache=False).X,
        "cold, writing the cache": lambda: first_time().X,
        "second time, from the cache": lambda: load_folder(folder).X,
    }
    seconds = {what: [] for what in variants}
    for _ in range(repeats):
        for what, variant in variants.items():
            start = time.perf_counter()
            X = variant()
            seconds[what].append(time.perf_counter() - start)
            if not np.array_equal(X, images.X):
                raise AssertionError(f"{what}: other pixels than the serial loop")
    medians = {what: statistics.median(times) for what, times in seconds.items()}
    reference = medians.pop("serial")
    note = f"{len(files):,} files, {os.cpu_count()} processors, start-up included"
    return [(what, reference, ours, note) for what, ours in medians.items()]


if __name__ == "__main__":
    for what, reference, ours, note in run(*sys.argv[1:2]):
        print(f"{what:28} {reference:7.3f} s -> {ours:7.3f} s {reference / ours:6.1f} x   ({note})")
