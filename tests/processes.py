"""Each of two test processes gets its own processor; seconds per file at the end.

A pytest plugin: `conftest.py` loads it for the tests, `run.py` for the notebooks, which
lie beside no conftest.py.
"""

import os
from collections import Counter

LISTED = 25  # files, of those that took longest


def share_processors():
    """With pytest-xdist: give each process its own processors, and as many threads.

    Two trainings on two processors, with two threads each, took 39 s; with one
    thread each, 28 s. The kernels and commands that a test starts inherit it.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes == 1:
        return
    can_choose = hasattr(os, "sched_getaffinity")
    processors = sorted(os.sched_getaffinity(0)) if can_choose else range(os.cpu_count() or 1)
    share = max(1, len(processors) // processes)
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(share))
    # The C library gives large arrays back to the system at once, and asks for them
    # again in the next step: 12 % of a training, more on a virtual machine.
    os.environ.setdefault("MALLOC_ARENA_MAX", "1")
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "4000000000")
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "4000000000")
    first = int(os.environ["PYTEST_XDIST_WORKER"].lstrip("gw")) * share
    own = processors[first : first + share]
    if can_choose and own:  # none is left for one that takes the place of a crashed one
        os.sched_setaffinity(0, own)


share_processors()


def pytest_terminal_summary(terminalreporter):
    """A table of how long each file took, a notebook or a file of tests."""
    seconds = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            # Warnings are among them too, and have no duration.
            if hasattr(report, "duration"):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    if len(seconds) > 1 and sum(seconds.values()) > 60:
        terminalreporter.section("seconds per file")
        for file, spent in seconds.most_common(LISTED):
            terminalreporter.line(f"{spent:8.1f}  {file}")
