"""Seconds of each lecture notebook: with empty caches, and again with full ones.

python tests/benchmarks/bench_notebooks.py
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests import refresh_notebooks as notebooks


def run():
    """Rows (notebook, seconds cold, seconds warm, note), in the notebooks' order."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        environment = notebooks.notebook_environment(
            COURSE_DATA=Path(folder) / "data",
            COURSE_CACHE=Path(folder) / "cache",
        )
        for path in sorted(notebooks.NOTEBOOKS.glob("[0-9]*.ipynb")):
            seconds = []
            for _ in ("cold", "warm"):
                start = time.perf_counter()
                notebook = notebooks.read(path)
                notebooks.execute(notebook, path.parent, environment)
                seconds.append(time.perf_counter() - start)
            note = "cold, then warm; caches of the notebooks before it"
            rows.append((path.stem[:32], *seconds, note))
    return rows


if __name__ == "__main__":
    for what, cold, warm, note in run():
        print(f"{what}: {cold:.0f} s -> {warm:.0f} s ({note})")
