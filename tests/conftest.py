"""Fixtures and settings that all tests share."""

import os
import shutil
from pathlib import Path

import pytest
from refresh_notebooks import ENVIRONMENT, notebook_environment

pytest_plugins = ["browser"]  # its fixture

ROOT = Path(__file__).resolve().parent.parent
CI = bool(os.environ.get("CI"))

# The same environment for stored outputs and for tests: see tests/README.md.
for name, value in ENVIRONMENT.items():
    os.environ.setdefault(name, value)
os.environ.setdefault("MPLBACKEND", "agg")

NOTEBOOK_SECONDS = pytest.StashKey[dict]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep the tests of a file in one process, where `.ci/run` starts two.

    They share fixtures. The two longest groups start first: "notebooks", to which
    the pad belongs because it takes a network that they train, and "real".
    """
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            name = item.path.name.removesuffix(".py")
            group = {"test_notebooks": "notebooks", "test_pad": "notebooks"}
            item.add_marker(pytest.mark.xdist_group(group.get(name, name)))

    def start(item):
        group = item.get_closest_marker("xdist_group").args[0]
        return {"notebooks": 0, "real": 1}.get(group, 2)

    items.sort(key=start)


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
    """{(notebook, how it was run): (seconds, budget)}, shown at the end of the run."""
    return request.config.stash.setdefault(NOTEBOOK_SECONDS, {})


def pytest_sessionfinish(session):
    """A process of several sends its seconds to the one that reports."""
    if hasattr(session.config, "workeroutput"):
        rows = session.config.stash.get(NOTEBOOK_SECONDS, {})
        session.config.workeroutput["seconds"] = [
            [*run, *seconds] for run, seconds in rows.items()
        ]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    rows = node.config.stash.setdefault(NOTEBOOK_SECONDS, {})
    told = getattr(
        node, "workeroutput", {}
    )  # a process that died tells nothing
    for notebook, run, seconds, budget in told.get("seconds", []):
        rows[notebook, run] = seconds, budget


def pytest_terminal_summary(terminalreporter, config):
    """A table of how long each notebook took."""
    rows = config.stash.get(NOTEBOOK_SECONDS, {})
    if rows:
        terminalreporter.section("seconds per notebook")
        terminalreporter.line(
            f"{'notebook':44} {'run':24} {'seconds':>7} {'budget':>7}"
        )
    for (notebook, run), (seconds, budget) in rows.items():
        limit = "" if budget is None else budget
        terminalreporter.line(
            f"{notebook:44} {run:24} {seconds:7.1f} {limit:>7}"
        )
