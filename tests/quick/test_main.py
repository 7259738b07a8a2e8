"""`python -m helpers data`: finds or draws the handwriting and says which it is."""

import pytest

from helpers import __main__ as command
from helpers.handwriting import simulator


def test_data_says_what_it_is_and_prints_a_checksum(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.delenv("COURSE_CASIA", raising=False)
    assert command.main(["data", "--size", "tiny", "--checksum"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Data: simulated handwriting, tiny size, not CASIA")
    folder = tmp_path / "simulated-handwriting-tiny"
    assert simulator.checksum(folder) in text
    images = sum(1 for _ in (folder / "Train").rglob("*.png"))
    assert f"Train: {images} images" in text


def test_checksum_sees_a_changed_byte_and_a_changed_name(tmp_path):
    (tmp_path / "a").mkdir()
    file = tmp_path / "a" / "1.png"
    file.write_bytes(b"one")
    first = simulator.checksum(tmp_path)
    assert simulator.checksum(tmp_path) == first
    file.write_bytes(b"two")
    second = simulator.checksum(tmp_path)
    file.rename(tmp_path / "a" / "2.png")
    assert len({first, second, simulator.checksum(tmp_path)}) == 3


@pytest.mark.parametrize("variable", ["COURSE_CASIA"])
def test_what_the_user_can_mend_is_one_line(tmp_path, monkeypatch, capsys, variable):
    monkeypatch.setenv(variable, str(tmp_path / "missing"))
    assert command.main(["data"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "missing" in error and variable in error


def test_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(["dance"])
    assert stopped.value.code == 2
    assert "dance" in capsys.readouterr().err
