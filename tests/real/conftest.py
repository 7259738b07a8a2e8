"""The real sample, thinned, for notebooks."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest
from environments import notebook_environment

THIN = 1 if os.environ.get("COURSE_WHOLE_SAMPLE") else 6
"""Every sixth scan of the real sample will do, in a sixth of the time."""


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
            number = Path(name).stem
            if number.isdigit() and int(number) % THIN == 0:
                some.writestr(name, everything.read(name))
    yield notebook_environment(
        COURSE_CASIA=sample,
        COURSE_DATA=folder / "data",
        COURSE_CACHE=folder / "cache",
    )
    shutil.rmtree(folder, ignore_errors=True)
