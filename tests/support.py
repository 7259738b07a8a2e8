"""What tests of several folders share. It imports nothing but pytest: it costs no time."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
"""The course's folder."""

CI = bool(os.environ.get("CI"))


def skip_or_fail(reason):
    """Skip on a user's machine; fail in CI, where everything must be there."""
    if CI:
        pytest.fail(f"CI must have this: {reason}")
    pytest.skip(reason)
