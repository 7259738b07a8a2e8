"""Fixtures and settings that all tests share."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from joblib import cpu_count
from refresh_notebooks import ENVIRONMENT, notebook_environment

pytest_plugins = ["browser"]  # its fixture

ROOT = Path(__file__).resolve().parents[1]
CI = bool(os.environ.get("CI"))

# The same environment for stored outputs and for tests: see tests/README.md.
for name, value in ENVIRONMENT.items():
    os.environ.setdefault(name, value)
os.environ.setdefault("MPLBACKEND", "agg")
# A script's background jobs ignore Ctrl-C, and so would the commands that tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

NOTEBOOK_SECONDS = pytest.StashKey[dict]()


# --- With pytest-xdist: two processes, as in .ci/run ------------------------------


def share_processors():
    """Give each of several processes its own processors, and as many threads.

    Two trainings on two processors, with two threads each, took 39 s; with one
    thread each, 28 s.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes == 1:
        return
    share = max(1, cpu_count() // processes)
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(share))
    # The C library gives large arrays back to the system at once, and asks for them
    # again in the next step: 12 % of a training, more on a virtual machine.
    os.environ.setdefault("MALLOC_ARENA_MAX", "1")
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "4000000000")
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "4000000000")
    if hasattr(os, "sched_setaffinity"):
        first = int(os.environ["PYTEST_XDIST_WORKER"].lstrip("gw")) * share
        own = sorted(os.sched_getaffinity(0))[first : first + share]
        if own:  # none is left for one that takes the place of a crashed one
            os.sched_setaffinity(0, own)


share_processors()

REAL = re.compile(r"test_real_(sample\[0[567]\]|mnist|imagenet|transfer)")
"""Runs of notebooks that need nothing of the others'."""


def group(nodeid):
    """The name of the group that a test belongs to; a group stays in one process.

    A file is a group, for its fixtures' sake. The pad needs a network that the
    notebooks train. The two longest groups are "notebooks" and "real".
    """
    file = nodeid.partition("::")[0]
    if file.endswith(("test_notebooks.py", "test_pad.py")):
        return "real" if REAL.search(nodeid) else "notebooks"
    return file


def pytest_collection_modifyitems(items):
    """Start with the longest groups."""
    order = ["notebooks", "real"]
    items.sort(key=lambda i: (*order, group(i.nodeid)).index(group(i.nodeid)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group(nodeid)

    config.option.loadscopereorder = False  # or the longest would come last
    return Groups(config, log)


def skip_or_fail(reason):
    """Skip on a user's machine; fail in CI, where everything must be there."""
    if CI:
        pytest.fail(f"CI must have this: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def real_data():
    """The folder with real CASIA scans, photos and weights, never committed."""
    given = os.environ.get("COURSE_REAL_DATA")
    folder = Path(given) if given else ROOT.parent / "shared" / "real-data"
    if not (folder / "casia-hwdb11-sample.zip").is_file():
        skip_or_fail(
            "the real sample is not at hand: set COURSE_REAL_DATA to the folder "
            "that holds casia-hwdb11-sample.zip to run this test"
        )
    return folder


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    """An environment with empty data and cache folders, shared by the session.

    The first notebook pays for making the data, 06 for training its models.
    """
    folder = tmp_path_factory.mktemp("course")
    environment = notebook_environment(
        COURSE_DATA=folder / "data",
        COURSE_CACHE=folder / "cache",
        KERAS_HOME=folder / "keras",  # where there is no MNIST
    )
    # Real scans, if this machine has them, are not what outputs are stored on.
    environment.pop("COURSE_CASIA", None)
    yield environment
    shutil.rmtree(folder, ignore_errors=True)  # pytest would keep it for long


@pytest.fixture(scope="session")
def notebook_seconds(request):
    """{(notebook, how it was run): (Seconds, budget)}, shown at the end of the run."""
    return request.config.stash.setdefault(NOTEBOOK_SECONDS, {})


def pytest_sessionfinish(session):
    """A process of several sends its seconds to the one that reports."""
    if hasattr(session.config, "workeroutput"):
        rows = session.config.stash.get(NOTEBOOK_SECONDS, {})
        session.config.workeroutput["seconds"] = [
            [*run, tuple(seconds), budget]  # plain data can be sent
            for run, (seconds, budget) in rows.items()
        ]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    rows = node.config.stash.setdefault(NOTEBOOK_SECONDS, {})
    told = getattr(node, "workeroutput", {})  # a process that died tells nothing
    for notebook, run, seconds, budget in told.get("seconds", []):
        rows[notebook, run] = tuple(seconds), budget


def pytest_terminal_summary(terminalreporter, config):
    """A table of how long each notebook took."""
    rows = config.stash.get(NOTEBOOK_SECONDS, {})
    if rows:
        terminalreporter.section("seconds per notebook")
        terminalreporter.line(
            f"{'notebook':44} {'run':24} {'seconds':>8} {'computed':>8} {'budget':>6}"
        )
    for (notebook, run), ((clock, computed), budget) in rows.items():
        limit = "" if budget is None else budget
        terminalreporter.line(f"{notebook:44} {run:24} {clock:8.1f} {computed:8.1f} {limit:>6}")
