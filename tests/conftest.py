"""Fixtures and settings of all tests. Nothing heavy is imported here: start-up counts."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from environments import ENVIRONMENT, SETTINGS, published_environment
from support import ROOT, skip_or_fail

pytest_plugins = ["processes"]

# The same environment for stored outputs and for tests: see tests/README.md.
for name, value in ENVIRONMENT.items():
    os.environ.setdefault(name, value)
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.update(SETTINGS)  # before matplotlib reads a matplotlibrc
os.environ.pop("MATPLOTLIBRC", None)
# A script's background jobs ignore Ctrl-C, and so would the commands that tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
    """An environment with data and cache folders of simulated handwriting.

    Under `run.py` these hold what the notebooks have drawn and trained before, so that
    nothing is trained twice; else they are empty, and the first test pays for it.
    """
    given = os.environ.get("COURSE_TEST_RUN")
    folder = Path(given) if given else tmp_path_factory.mktemp("course")
    yield published_environment(folder)
    if not given:
        shutil.rmtree(folder, ignore_errors=True)  # pytest would keep it for long
