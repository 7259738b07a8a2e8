"""How fast simulated handwriting is drawn, by one process and by two.

python tests/benchmarks/bench_simulator.py
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"  # read when tqdm is imported

from helpers.handwriting import simulator


def run(size="default", repeats=3):
    """Rows (what, seconds of one process, seconds of two, note): medians."""
    seconds = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(repeats):
            for workers, times in seconds.items():
                target = Path(folder) / f"{repeat}-{workers}"
                start = time.perf_counter()
                simulator.simulate(target, size, workers=workers)
                times.append(time.perf_counter() - start)
        count = sum(1 for _ in target.rglob("*.png"))
    one, two = (statistics.median(times) for times in seconds.values())
    note = f"{count:,} images, {count / two:,.0f} a second, PNGs written"
    return [("drawing handwriting, 2 processes", one, two, note)]


if __name__ == "__main__":
    for what, reference, ours, note in run():
        print(f"{what}: {reference:.1f} s -> {ours:.1f} s ({note})")
