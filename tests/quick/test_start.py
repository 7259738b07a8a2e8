"""start.py: the first command, with a Python that fits and with others."""

import ast
import re
import sys
import tomllib

import pytest
from support import ROOT

from helpers import doctor

sys.path.insert(0, str(ROOT))
import start

LINUX = "Linux", "x86_64"


@pytest.mark.parametrize("version", start.PYTHONS)
def test_a_python_that_fits(version):
    assert start.refusal(version, LINUX, 64) is None


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (3, 9)])
def test_another_python(version):
    sentence = start.refusal(version, LINUX, 64)
    assert sentence.startswith(f"This is Python {version[0]}.{version[1]}, and the course needs")
    assert "uv run --no-project --python 3.13 start.py" in sentence
    assert sentence.count(". ") == 0  # one sentence


@pytest.mark.parametrize(
    ("machine", "bits", "words"),
    [(("Darwin", "x86_64"), 64, "Intel"), (("Windows", "AMD64"), 32, "32-bit")],
)
def test_other_machines(machine, bits, words):
    assert words in start.refusal((3, 12), machine, bits)
    assert start.refusal((3, 12), ("Darwin", "arm64"), 64) is None


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course's folder with no environment; what would be run is written into a list."""
    ran = []
    monkeypatch.setattr(start, "COURSE", tmp_path)
    monkeypatch.setattr(start, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(start, "PYTHON", tmp_path / ".venv" / "bin" / "python")

    def run(command, **settings):
        ran.append(command)
        if "venv" in command:
            (tmp_path / ".venv" / "bin").mkdir(parents=True)
            (tmp_path / ".venv" / "bin" / "python").touch()

    monkeypatch.setattr(start.subprocess, "run", run)
    (tmp_path / "requirements.txt").write_text("one", encoding="utf-8")
    return ran


def test_wrong_python_stops_before_anything_is_made(course, monkeypatch, capsys):
    monkeypatch.setattr(start.sys, "version_info", (3, 14, 1, "final", 0))
    assert start.main([]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("This is Python 3.14, and the course needs")
    assert (said.err.count("\n"), said.out, course) == (1, "", [])
    assert not start.ENVIRONMENT.exists()


def test_an_environment_of_the_wrong_python(course, capsys):
    start.ENVIRONMENT.mkdir()
    (start.ENVIRONMENT / "pyvenv.cfg").write_text("home = x\nversion = 3.14.0\n", encoding="utf-8")
    assert start.main([]) == 1
    assert "made with Python 3.14: delete it" in capsys.readouterr().err
    assert course == []


def test_installs_once_and_again_when_requirements_change(course):
    start.install()
    assert [command[2] for command in course] == ["venv", "pip"]
    start.install()
    assert len(course) == 2
    (start.COURSE / "requirements.txt").write_text("two", encoding="utf-8")
    start.install()
    assert [command[2] for command in course] == ["venv", "pip", "pip"]


def test_jupyterlab_starts_whatever_files_lie_in_the_course_s_folder(course, monkeypatch):
    """-P: Python does not look for its own parts there, as in a student's random.py."""
    started = []

    def execv(program, command):
        started.append(command)
        raise SystemExit(0)

    monkeypatch.setattr(start, "WINDOWS", False)
    monkeypatch.setattr(start.os, "execv", execv)
    with pytest.raises(SystemExit):
        start.main(["--no-browser"])
    assert started[0][1:4] == ["-P", "-m", "jupyterlab"] and started[0][-1] == "--no-browser"


def test_any_python_can_read_it():
    """An old Python must say which one to take, not that there is a syntax error."""
    source = (ROOT / "start.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    imported = re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)
    assert set(imported) <= sys.stdlib_module_names


def test_all_name_the_same_pythons():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first, last = start.PYTHONS[0], start.PYTHONS[-1]
    assert project["requires-python"] == f">=3.{first[1]},<3.{last[1] + 1}"
    assert (first, last) == doctor.PYTHONS
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "Python 3.11, 3.12 or 3.13" in readme
