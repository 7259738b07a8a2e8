"""The environment in which notebooks are stored and tested, so that both print the same.

It imports nothing heavy: `conftest.py` needs it at every start.
"""

import os
import tempfile

ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "PYTHONHASHSEED": "0",
    "TQDM_DISABLE": "1",
}
"""Set wherever notebooks are stored or tested: no GPU, no progress bars."""

_EMPTY = tempfile.TemporaryDirectory(prefix="settings-", ignore_cleanup_errors=True)

SETTINGS = {
    "IPYTHONDIR": os.path.join(_EMPTY.name, "ipython"),  # noqa: PTH118 (pathlib takes time)
    "MPLCONFIGDIR": os.path.join(_EMPTY.name, "matplotlib"),  # noqa: PTH118
}
"""Set there, too: empty folders in place of this user's IPython profile and matplotlibrc."""

UNSET = (
    *("MATPLOTLIBRC", "MPLBACKEND", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST"),
    *("KERAS_BACKEND", "PYTHONOPTIMIZE", "PYTHONSTARTUP", "PYTHONWARNINGS"),
)
"""Unset there: these change what a kernel prints and draws, or how pytest runs."""

SWITCHES_KEPT = ("COURSE_DATA", "COURSE_CACHE", "COURSE_CASIA")
"""The course's own variables that say where files are. Others are unset there:
COURSE_LIVE and the like change what is computed."""


def notebook_environment(**variables):
    """This process's environment, made the same for storing and for testing.

    `variables` are added to it, paths as strings.
    """
    environment = {}
    for name, value in os.environ.items():
        switch = name.startswith("COURSE_") and name not in SWITCHES_KEPT
        if name not in UNSET and not switch:
            environment[name] = value
    given = {name: str(value) for name, value in variables.items()}
    return environment | ENVIRONMENT | SETTINGS | given


def published_environment(folder, **variables):
    """The environment of stored outputs: what everybody has, with files in `folder`.

    No real scans, no MNIST and no weights from this user's Keras folder.
    """
    environment = notebook_environment(
        COURSE_DATA=folder / "data",
        COURSE_CACHE=folder / "cache",
        KERAS_HOME=folder / "keras",
        **variables,
    )
    environment.pop("COURSE_CASIA", None)
    return environment
