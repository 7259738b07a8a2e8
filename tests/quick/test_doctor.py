"""`python -m helpers doctor`: exit codes, and a sentence for whatever is wrong."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from helpers import __main__, doctor
from helpers.files import CourseError

ROOT = Path(__file__).resolve().parents[2]


def run_doctor(*arguments, **environment):
    """Run the command as a student does; return the finished process."""
    # On the path by hand, so that this passes without `pip install -e .` too.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-m", "helpers", "doctor", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )


def problems(findings):
    """The sentences of the findings that keep a student from starting."""
    return [f.sentence for f in findings if f.mark == doctor.PROBLEM]


def test_a_missing_package_is_named_with_the_command(tmp_path):
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("numpy\nno-such-package-here==1.0  # why\n", encoding="utf-8")
    done = run_doctor("--quick", "--requirements", str(wanted))
    assert done.returncode == 1
    (line,) = [x for x in done.stdout.splitlines() if "PROBLEM" in x]
    assert "no-such-package-here is not installed" in line
    assert "`python -m pip install -r requirements.txt`" in line
    assert "Not yet: 1 problem above." in done.stdout


def test_a_terminal_without_chinese_does_not_crash_it(tmp_path):
    wanted = tmp_path / "国.txt"
    wanted.write_text("numpy\n", encoding="utf-8")
    done = run_doctor(
        "--quick",
        "--requirements",
        str(wanted),
        PYTHONIOENCODING="ascii",
        COURSE_DATA=str(tmp_path),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 packages are installed as ?.txt asks" in done.stdout
    assert "shows `?` for Chinese characters" in done.stdout


def test_requirements_pins_markers_and_other_lines(tmp_path):
    wanted = tmp_path / "wanted.txt"
    wanted.write_text(
        "# a comment\n\nnumpy>=1\nnumpy==0.1\nno-such; python_version < '3'\n-e .\n",
        encoding="utf-8",
    )
    findings = list(doctor.check_requirements(wanted))
    assert [f.mark for f in findings] == [doctor.NOTE, doctor.OK]
    assert "wanted.txt asks for ==0.1" in findings[0].sentence
    assert findings[1].sentence.startswith("1 packages")


def test_unreadable_requirements(tmp_path):
    (missing,) = problems(doctor.check_requirements(tmp_path / "none.txt"))
    assert "none.txt is missing" in missing
    bad = tmp_path / "bad.txt"
    bad.write_text("numpy=1\n", encoding="utf-8")
    (unreadable,) = problems(doctor.check_requirements(bad))
    assert "pip cannot read: 'numpy=1'" in unreadable


@pytest.mark.parametrize("version", [(3, 10, 9), (3, 14, 0)])
def test_a_python_that_is_not_supported(monkeypatch, version):
    monkeypatch.setattr(doctor.sys, "version_info", version)
    (sentence,) = problems(doctor.check_python())
    assert "the course needs 3.11 to 3.13" in sentence


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ImportError('DLL load failed')", "PYTHONPATH leads to "),
        ("import os; os._exit(7)", "Keras cannot be imported (it ended with code 7)"),
    ],
)
def test_a_broken_keras_is_a_problem(monkeypatch, tmp_path, code, words):
    (tmp_path / "keras.py").write_text(code, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (sentence,) = problems(doctor.check_keras())
    assert words in sentence


def test_a_machine_of_half_the_speed_takes_twice_as_long(monkeypatch):
    def probe(gflops):
        result = {"keras": "3", "backend": "b", "import_seconds": 1, "gflops": gflops}
        done = subprocess.CompletedProcess([], 0, json.dumps(result), "")
        monkeypatch.setattr(doctor, "_python", lambda *a, **k: done)
        return list(doctor.check_keras())[1].sentence

    monkeypatch.setattr(doctor, "NOTEBOOKS", {"01": doctor.Cost(20, 30), "06": doctor.Cost(200, 1)})
    assert probe(doctor.REFERENCE_GFLOPS).endswith("01: seconds, 06: 3 min; 4 min in all.")
    assert probe(doctor.REFERENCE_GFLOPS / 2).endswith("01: seconds, 06: 7 min; 7 min in all.")


def test_helpers_of_a_stranger_are_noticed(monkeypatch, tmp_path):
    (tmp_path / "helpers.py").write_text("", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (sentence,) = problems(doctor.check_helpers())
    assert "another `helpers`" in sentence


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """An empty folder of notebooks, in the place of the course's."""
    monkeypatch.setattr(doctor, "COURSE", tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks"


@pytest.mark.parametrize("name", ["keras", "tensorflow", "numpy", "random", "ssl", "string", "PIL"])
def test_a_file_that_hides_a_package_is_named(notebooks, name):
    assert problems(doctor.check_namesakes()) == []
    (notebooks / "my_network.py").touch()
    (notebooks / name).mkdir()  # a folder of photos, say: no package
    assert problems(doctor.check_namesakes()) == []
    for path in (notebooks / f"{name}.py", notebooks / name / "__init__.py"):
        path.touch()
    sentences = problems(doctor.check_namesakes())
    assert len(sentences) == 2
    assert sentences[1].startswith(f"{notebooks / name}.py has the name of a package")
    assert all("rename it, then restart the kernel" in sentence for sentence in sentences)


def test_packages_that_pythonpath_brings_are_named(notebooks, tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (ROOT, tmp_path / "site"))))
    assert problems(doctor.check_namesakes()) == []
    (tmp_path / "site" / "numpy.py").touch()
    (sentence,) = problems(doctor.check_namesakes())
    assert sentence.startswith(f"PYTHONPATH leads to {tmp_path / 'site'}, whose numpy Python takes")
    assert sentence.endswith("unset PYTHONPATH, then start again.")


def test_a_kernel_of_another_python(monkeypatch, tmp_path):
    """JUPYTER_PREFER_ENV_PATH=0 prefers the kernels in a user's home."""
    spec = {"argv": ["/usr/bin/python3", "-m", "x"], "display_name": "x", "language": "python"}
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    code = "from helpers import doctor; print(*doctor.check_kernel(), sep='\\n')"
    command = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JUPYTER_DATA_DIR": str(tmp_path)}
    for prefer, words in (
        ("1", "Notebooks run with this Python."),
        ("0", f"because of the folder {folder}: delete it, or unset JUPYTER_PREFER_ENV_PATH."),
    ):
        environment["JUPYTER_PREFER_ENV_PATH"] = prefer
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8"
        )
        assert words in done.stdout, done.stderr


def test_a_home_that_cannot_be_written(monkeypatch):
    def full(dir):
        raise OSError(errno.ENOSPC, "No space left on device", dir)

    assert problems(doctor.check_kernel()) == []
    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", full)
    (sentence,) = problems(doctor.check_kernel())
    assert sentence.startswith("JupyterLab cannot write into ")
    assert "set JUPYTER_RUNTIME_DIR, JUPYTER_CONFIG_DIR, IPYTHONDIR and" in sentence


def test_a_user_s_own_settings_are_told_but_no_problem(monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    for name in doctor.CHANGING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert list(doctor.check_settings()) == []
    startup = tmp_path / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "README").touch()  # IPython's own
    assert list(doctor.check_settings()) == []
    (startup / "00-numpy.py").touch()
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "1")
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    findings = list(doctor.check_settings())
    assert [finding.mark for finding in findings] == [doctor.NOTE] * 3
    for finding, words in zip(
        findings,
        ("KERAS_MAX_EPOCHS=1, PYTHONOPTIMIZE=2", "Keras runs on jax", str(startup / "00-numpy.py")),
        strict=True,
    ):
        assert words in finding.sentence


def test_no_place_for_temporary_files(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.tempfile, "tempdir", str(tmp_path / "missing"))
    (sentence,) = problems(doctor.check_settings())
    assert "set TMPDIR to a folder that can be written" in sentence


def test_what_keras_cannot_do_here_is_said_as_a_notebook_says_it(monkeypatch):
    line = "helpers.files.CourseError: Delete keras.json."
    done = subprocess.CompletedProcess([], 1, "", f"Traceback\n{line}\n")
    monkeypatch.setattr(doctor, "_python", lambda *a, **k: done)
    assert problems(doctor.check_keras()) == ["Delete keras.json."]


def test_downloads_missing_wrong_and_there(monkeypatch, tmp_path):
    models = tmp_path / "models"
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    # Keras, which another test may have imported, has settled on a folder.
    monkeypatch.setattr("helpers.imagenet.folder", lambda: models)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    findings = list(doctor.check_downloads())
    assert [finding.mark for finding in findings] == [
        doctor.OK,
        doctor.OK,
        doctor.NOTE,
    ]
    starts = (
        "ImageNet networks of notebooks 09 and 10: EfficientNet-Lite0",
        "Keras's own ImageNet weights",
        "Photos: none",
    )
    for finding, start in zip(findings, starts, strict=True):
        assert finding.sentence.startswith(start)

    for name in ("models/vgg.h5", "data/photos/cat.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    with h5py.File(models / "mine.h5", "w") as file:
        file["kernel"] = [1.0, 2.0]
    _, damaged, weights, photos = doctor.check_downloads()
    assert damaged.mark == doctor.NOTE
    assert f"{models / 'vgg.h5'} is incomplete" in damaged.sentence
    assert (models / "vgg.h5").exists()  # the doctor only looks
    assert weights.mark == doctor.OK and weights.sentence.endswith(": mine.h5.")
    assert photos.mark == doctor.OK and "1 files" in photos.sentence


@pytest.mark.parametrize(("free", "mark"), [(0.1, "PROBLEM"), (1.0, "note"), (3.0, "ok")])
def test_free_disk(monkeypatch, free, mark):
    usage = type("Usage", (), {"free": free * 1e9})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage)
    assert list(doctor.check_machine())[-1].mark == mark


def test_a_data_folder_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file"))
    (sentence,) = problems(doctor._findings(doctor.check_writing))
    assert "doctor-was-here.txt cannot be written" in sentence
    assert "is a file, not a folder" in sentence


def test_a_damaged_font(monkeypatch, tmp_path):
    (tmp_path / "font.otf").write_bytes(b"not a font")
    monkeypatch.setattr("helpers.plots.FONT_FILE", tmp_path / "font.otf")
    (sentence,) = problems(doctor.check_font())
    assert "font.otf is missing or damaged" in sentence


def test_a_check_that_breaks_is_a_finding():
    def broken():
        yield doctor.Finding(doctor.OK, "first")
        raise RuntimeError("why")

    first, second = doctor._findings(broken)
    assert first.sentence == "first"
    assert second.mark == doctor.PROBLEM and "RuntimeError: why" in second.sentence


def test_what_the_user_can_put_right_is_one_line_and_exit_code_2(monkeypatch, capsys):
    def run(requirements, quick):
        raise CourseError("Do this first.")

    monkeypatch.setattr(doctor, "run", run)
    assert __main__.main(["doctor"]) == 2
    assert capsys.readouterr().err == "Do this first.\n"
