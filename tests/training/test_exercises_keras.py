"""The exercises whose answers are networks, tried like all others."""

import pytest
from exercise_cases import WITH_KERAS
from exercise_trials import every_trial, nothing_solved, scans

__all__ = ["nothing_solved", "scans"]  # fixtures

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@every_trial
@pytest.mark.parametrize("number", sorted(WITH_KERAS))
def test_check(trial, number, scans, capsys):
    trial(number, scans, capsys)
