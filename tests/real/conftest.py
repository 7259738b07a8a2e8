"""The real sample, thinned, for notebooks."""

import os
import re
import shutil
import zipfile

import pytest
from environments import notebook_environment

THIN = {"Train": 6, "Test": 3}
"""Every sixth scan to train on will do, in a sixth of the time; testing costs little."""
if os.environ.get("COURSE_WHOLE_SAMPLE"):
    THIN = {"Train": 1, "Test": 1}


@pytest.fixture(scope="module")
def real(real_data, tmp_path_factory):
    """An environment with real scans, and data and cache folders of its own."""
    folder = tmp_path_factory.mktemp("real")
    sample = folder / "CASIA-Dataset.zip"
    with (
        zipfile.ZipFile(real_data / "casia-hwdb11-sample.zip") as everything,
        zipfile.ZipFile(sample, "w") as some,
    ):
        for name in everything.namelist():
            scan = re.fullmatch(r".+/(Train|Test)/.+/(\d+)\.png", name)
            if scan and int(scan[2]) % THIN[scan[1]] == 0:
                some.writestr(name, everything.read(name))
    yield notebook_environment(
        COURSE_CASIA=sample,
        COURSE_DATA=folder / "data",
        COURSE_CACHE=folder / "cache",
    )
    shutil.rmtree(folder, ignore_errors=True)
