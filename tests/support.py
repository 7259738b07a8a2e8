"""What tests of several folders share. It imports nothing but pytest: it costs no time."""

import importlib.util
import os
import sys
from pathlib import Path
from unittest import mock

import pytest

ROOT = Path(__file__).resolve().parents[1]
"""The course's folder."""

CI = bool(os.environ.get("CI"))


def skip_or_fail(reason):
    """Skip on a user's machine; fail in CI, where everything must be there."""
    if CI:
        pytest.fail(f"CI must have this: {reason}")
    pytest.skip(reason)


def module_of(path):
    """The module in a file that cannot be imported by name, such as a script in data/.

    It finds the files beside it, as it does where Python runs it.
    """
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    with mock.patch.object(sys, "path", [str(path.parent), *sys.path]):
        spec.loader.exec_module(module)
    return module
