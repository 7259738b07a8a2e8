"""05 to 08 on real scans: each runs once, and says that its data is real."""

import re

import pytest
from notebook_tools import execute, lecture, text_of


@pytest.mark.parametrize("number", ["05", "06", "07", "08"])
def test_real_sample(number, real, simulated, tmp_path):
    environment = real
    if number == "08":  # most of it is about claims, which are simulated anyway
        environment = real | {"COURSE_CACHE": simulated["COURSE_CACHE"]}
    text = text_of(execute(lecture(number), tmp_path / "real.ipynb", environment))
    assert re.search("^Data: real", text, re.MULTILINE)
    assert not re.search("^Data: simulated", text, re.MULTILINE)
    if number == "06":
        errors = re.search(r"(\d+)% of the errors", text)
        assert int(errors.group(1)) <= 50  # the better CNN halves them
