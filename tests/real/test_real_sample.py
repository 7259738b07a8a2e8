"""05 to 08 on real scans: each runs once, and says that its data is real."""

import re
import shutil
from pathlib import Path

import pytest
from notebook_tools import execute, lecture, text_of


@pytest.mark.parametrize("number", ["05", "06", "07", "08"])
def test_real_sample(number, real, simulated, tmp_path):
    if number == "08":  # most of it is about claims, which the notebooks have trained before
        before = Path(simulated["COURSE_CACHE"], "training")
        if before.is_dir():
            target = Path(real["COURSE_CACHE"], "training")
            shutil.copytree(before, target, dirs_exist_ok=True)
    text = text_of(execute(lecture(number), tmp_path / "real.ipynb", real))
    assert re.search("^Data: real", text, re.MULTILINE)
    assert not re.search("^Data: simulated", text, re.MULTILINE)
    if number == "06":
        errors = re.search(r"(\d+)% of the errors", text)
        assert int(errors.group(1)) <= 50  # the better CNN halves them
