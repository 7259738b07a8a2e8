"""Seconds of each lecture against its budget, first run and second; and silent cells.

    python tests/benchmarks/bench_notebooks.py [01 02 ...]

Budgets are those of helpers/doctor.py: two quiet cores, nothing cached but what the
notebooks before it have left. A cell is silent that takes longer than SILENCE in the
second run, in front of an audience, and shows no progress meanwhile.
"""

import re
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import refresh_notebooks as notebooks
from environments import published_environment

from helpers import doctor

SILENCE = 10  # seconds
PROGRESS = re.compile(r"\b(tqdm|fit|optimize)\(")


def silent_cells(notebook, seconds):
    """["cell 12 (14 s)"]: those of [(seconds, cell)] that keep an audience waiting."""
    return [
        f"cell {cell} ({took:.0f} s)"
        for took, cell in seconds
        if took > SILENCE and not PROGRESS.search(notebook.cells[cell].source)
    ]


def run(numbers=()):
    """Yield rows (notebook and run, seconds of its budget, seconds, note)."""
    lectures = notebooks.find_lectures()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        environment = published_environment(Path(folder))
        for path in lectures:
            number = path.name[:2]
            if numbers and number not in numbers:
                continue
            budgets = {"first run": doctor.NOTEBOOKS[number].budget, "second": doctor.SECOND_RUN}
            for which, budget in budgets.items():
                notebook, start = notebooks.read(path), time.perf_counter()
                cells = notebooks.execute(notebook, path.parent, environment)
                seconds = time.perf_counter() - start
                silent = silent_cells(notebook, cells) if which == "second" else []
                slowest, cell = max(cells)
                note = f"budget, then measured; slowest: cell {cell} ({slowest:.0f} s)"
                if silent:
                    note += f"; SILENT: {', '.join(silent)}"
                yield f"{path.stem[:22]}, {which}", budget, seconds, note


if __name__ == "__main__":
    for what, budget, seconds, note in run(sys.argv[1:]):
        print(f"{what:34} {budget:4} s -> {seconds:6.1f} s   {note}", flush=True)
