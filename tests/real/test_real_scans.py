"""The checks of the exercises on real scans."""

from helpers import images
from helpers.exercises import verdict
from helpers.handwriting import casia


def test_no_real_scan_counts_as_blank(real_data, tmp_path):
    folder = casia.import_casia(real_data / "casia-hwdb11-sample.zip", tmp_path / "real")
    for split in ("Train", "Test"):
        X, _, _, files = images.load_folder(folder / split, cache=False)
        assert len(X) > 3000
        assert verdict("05.5", [], X=X, files=files) == ("right", "")
