"""06, 07 and 13 on real scans: each runs once, and says that its data is real.

What 05 says is read in test_real_titles.py.
"""

import re

import pytest
from notebook_tools import execute, lecture, text_of


@pytest.mark.parametrize("number", ["06", "07", "13"])
def test_real_sample(number, real, tmp_path):
    text = text_of(execute(lecture(number), tmp_path / "real.ipynb", real))
    assert re.search("^Data: real", text, re.MULTILINE)
    assert not re.search("^Data: simulated", text, re.MULTILINE)
    if number == "06":
        # One seed each, on a sixth of the scans: 45 and 52 % were left.
        errors = re.search(r"(\d+)% of the errors", text)
        assert int(errors.group(1)) <= 65
    if number == "13":
        assert "Nobody has recorded who wrote these scans" in text
        found = re.findall(r"(pixels|features) +(\d+)% of the five nearest are right", text)
        share = {name: int(percent) for name, percent in found}
        assert share["features"] > share["pixels"]
