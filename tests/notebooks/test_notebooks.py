"""Every notebook runs, and prints what is stored in it.

tests/README.md says which outputs are compared. Notebooks are found by pattern
(see `find_notebooks`), executed offline where the system allows it, on data and
with a cache made from scratch for this test session.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
import offline
import pace
import pytest
import refresh_notebooks
from nbformat.v4 import new_code_cell, new_notebook
from nbval.plugin import get_sanitize_patterns
from refresh_notebooks import (
    CELL_TIMEOUT,
    NOTEBOOKS,
    find_notebooks,
    normal_form,
    notebook_environment,
)

TESTS = Path(__file__).resolve().parents[1]
REFRESH = TESTS / "refresh_notebooks.py"
SANITIZE = TESTS / "nbval_sanitize.cfg"

COLD = {"01": 60, "02": 60, "03": 60, "04": 60, "05": 60, "06": 300, "07": 120}
COLD |= {"08": 300, "09": 120, "10": 300}
COLD_OTHERS = 240
COLD_07_ALONE = 300  # without the models that 06 leaves in the cache
WARM = 45
SILENCE = 10  # of one cell, in front of an audience, with nothing left to train
CORES = 2
NOISE = 1.5  # a shared machine may compute this many times as long
SHARED = 2.5  # and the clock, which counts waiting too, say this many times
"""Budgets in seconds on two quiet cores; COURSE_NO_BUDGETS=1 asserts none."""


class Seconds(NamedTuple):
    """How long a command took, by the clock, and for how long it computed.

    On a shared machine it also waits, as long again or longer. What it computed is
    the sum over its processes and processors; on Windows, which does not say it, the
    clock's seconds.
    """

    clock: float
    computed: float


FOUND = find_notebooks()
LECTURES = [path for path in FOUND if path.parent == NOTEBOOKS]


def label(path):
    """A notebook's path below notebooks/, which names it in reports."""
    return path.relative_to(NOTEBOOKS).as_posix()


def lecture(number):
    """The path of the lecture notebook with this two-digit number."""
    matching = [path for path in LECTURES if path.name.startswith(number)]
    if len(matching) != 1:
        pytest.fail(f"not one but {len(matching)} notebooks match {number}*.ipynb")
    return matching[0]


def run(command, environment):
    """Run a Python command line in the course's folder, offline where possible.

    Returns the Seconds that it took and the finished process, whose standard
    output holds standard error too.
    """
    blocked = [sys.executable, offline.__file__] if offline.available() else []
    began, before = time.perf_counter(), os.times()
    process = subprocess.run(
        [*blocked, sys.executable, *command],
        cwd=TESTS.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    clock, after = time.perf_counter() - began, os.times()
    computed = after.children_user + after.children_system
    computed -= before.children_user + before.children_system
    return Seconds(clock, computed or clock), process


def nbval(notebook, environment):
    """Compare a notebook with its stored outputs; see `run` for the result."""
    command = ["-m", "pytest", "--nbval", "--nbval-current-env"]
    command += [f"--nbval-sanitize-with={SANITIZE}"]
    command += [f"--nbval-cell-timeout={CELL_TIMEOUT}"]
    command += ["--nbval-kernel-startup-timeout=120"]
    command += ["--durations=9", "--durations-min=1"]
    command += ["-p", "no:cacheprovider", "--color=no", "-q", str(notebook)]
    return run(command, environment)


def execute(notebook, target, environment, *options):
    """Execute a copy of a notebook into `target`; return its seconds and content.

    The content's metadata has `slowest`: {cell: seconds} of its slowest cells.
    """
    command = [str(REFRESH), "--to", str(target), *options, str(notebook)]
    seconds, process = run(command, environment)
    assert process.returncode == 0, process.stdout
    executed = nbformat.read(target, as_version=4)
    slowest = re.findall(r"cell (\d+) ([\d.]+) s", process.stdout)
    executed.metadata.slowest = {int(n): float(took) for n, took in slowest}
    return seconds, executed


def printed(notebook, skip=()):
    """The text outputs of each code cell, leaving out cells with a tag in `skip`.

    Replaces what nbval replaces too (addresses, durations), pictures left out.
    """
    patterns = get_sanitize_patterns(SANITIZE.read_text(encoding="ascii"))
    texts = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or set(skip) & set(tags):
            continue
        text = ""
        for output in cell.outputs:
            text += output.get("text", "") + "\n"
            for kind, value in sorted(output.get("data", {}).items()):
                if not kind.startswith("image/"):
                    text += f"{value}\n"
        for pattern, replacement in patterns:
            text = re.sub(pattern, replacement, text)
        texts.append(text)
    return texts


def check_silence(notebook, slowest, slow):
    """Fail when the audience waits for a cell that shows no progress meanwhile.

    slowest: {cell: seconds}, cells counted from 0 over all cells. slow: see
    pace.slowness.
    """
    for number, seconds in slowest.items():
        source = notebook.cells[number].source
        shows_progress = re.search(r"\b(tqdm|fit_or_load|reuse_training|optimize)\(", source)
        if not shows_progress and not os.environ.get("COURSE_NO_BUDGETS"):
            assert seconds < SHARED * slow * SILENCE, (
                f"cell {number} took {seconds:.0f} s, more than {SILENCE} s:\n{source}"
            )


def check_budget(seconds, budget, slow):
    """Fail when a notebook computed for far longer than it may.

    It may keep two cores busy for its budget, and half as long again. slow: see
    pace.slowness.
    """
    if not os.environ.get("COURSE_NO_BUDGETS"):
        assert seconds.computed < CORES * NOISE * slow * budget, (
            f"computed for {seconds.computed:.0f} s, budget {budget} s on {CORES} cores "
            f"of a machine that is {slow:.1f} times as slow as supposed"
        )


@pytest.fixture(scope="session")
def slow():
    """How many times as slow as supposed the machine is: see pace.slowness."""
    return pace.slowness(notebook_environment())


# --- The notebooks of the course ------------------------------------------------


@pytest.fixture(scope="session")
def compare_once(simulated, notebook_seconds):
    """A function that runs nbval on a notebook, once per session: see `nbval`."""
    results = {}

    def compare(path):
        if path not in results:
            results[path] = nbval(path, simulated)
            seconds, _ = results[path]
            budget = cold_budget(path, ran=results)
            notebook_seconds[label(path), "cold, compared"] = seconds, budget
        return results[path]

    return compare


def cold_budget(path, ran):
    """The budget of a notebook, given the paths of those that ran before it."""
    number = path.name[:2]
    if number == "07" and not any(p.name.startswith("06") for p in ran):
        return COLD_07_ALONE
    return COLD.get(number, COLD_OTHERS)


def test_there_are_notebooks():
    # Without this, tests over "every notebook" would pass where there is none.
    assert FOUND, "no notebooks found"


@pytest.mark.parametrize("path", FOUND, ids=label)
def test_prints_what_is_stored(path, compare_once, notebook_seconds, slow):
    seconds, process = compare_once(path)
    if process.returncode != 0:
        pytest.fail(process.stdout, pytrace=False)
    budget = notebook_seconds[label(path), "cold, compared"][1]
    check_budget(seconds, budget, slow)
    notebook = nbformat.read(path, as_version=4)
    if not any("fit_or_load(" in cell.source for cell in notebook.cells):
        # Others train in their first run; test_warm and test_twice see a second one.
        code = [n for n, c in enumerate(notebook.cells) if c.cell_type == "code"]
        slowest = re.findall(r"([\d.]+)s call .*::Cell (\d+)", process.stdout)
        assert "slowest" in process.stdout  # the heading; there may be none below
        found = {code[int(cell)]: float(took) for took, cell in slowest}
        check_silence(notebook, found, slow)


def test_twice(compare_once, simulated, notebook_seconds, slow, tmp_path):
    """04 trained twice and then taken from the cache gives the same numbers."""
    path = lecture("04")
    compare_once(path)
    again = simulated | {"COURSE_CACHE": str(tmp_path / "cache")}
    cold_seconds, cold = execute(path, tmp_path / "cold.ipynb", again)
    warm_seconds, warm = execute(path, tmp_path / "warm.ipynb", again)
    notebook_seconds[label(path), "cold again"] = cold_seconds, COLD["04"]
    notebook_seconds[label(path), "warm"] = warm_seconds, WARM

    assert printed(cold, skip=["timing"]) == printed(warm, skip=["timing"])
    compared = Path(simulated["COURSE_CACHE"])
    check_same_weights(compared / "training", tmp_path / "cache" / "training")
    check_budget(warm_seconds, WARM, slow)
    assert warm.metadata.slowest
    check_silence(warm, warm.metadata.slowest, slow)


@pytest.mark.parametrize("number", ["06", "07", "08", "10"])
def test_warm(number, compare_once, simulated, notebook_seconds, slow, tmp_path):
    """What a run left in the cache makes the next one quick.

    In 08 the winner, trained again here, has to the last digit the loss that the study
    got in another process.
    """
    path = lecture(number)
    compare_once(path)
    seconds, notebook = execute(path, tmp_path / "warm.ipynb", simulated)
    notebook_seconds[label(path), "warm"] = seconds, WARM
    check_budget(seconds, WARM, slow)
    assert notebook.metadata.slowest
    check_silence(notebook, notebook.metadata.slowest, slow)
    if number == "08":
        text = "\n".join(printed(notebook))
        assert "the same to the last digit: True" in text


def check_same_weights(first, second):
    """Every model cached in `second` is in `first` too, bit for bit."""
    files = sorted(second.glob("*.npz"))
    assert files, f"no fitted model was cached in {second}"
    for file in files:
        with np.load(first / file.name) as one, np.load(file) as other:
            weights = [name for name in other if re.fullmatch(r"w\d+", name)]
            assert weights, f"{file.name} holds no weights"
            for name in weights:
                same = one[name].tobytes() == other[name].tobytes()
                assert same, f"{name} differs in {file.name}"


def test_any_working_directory(simulated, tmp_path):
    folder = tmp_path / "a folder 汉字"
    folder.mkdir()
    path = lecture("05")
    target = tmp_path / "out.ipynb"
    _, there = execute(path, target, simulated, "--cwd", str(folder))
    skip = ["timing", "nbval-ignore-output"]
    stored = nbformat.read(path, as_version=4)
    assert printed(there, skip) == printed(stored, skip)


THIN = 1 if os.environ.get("COURSE_WHOLE_SAMPLE") else 3
"""Every third scan of the real sample will do, in a third of the time."""


@pytest.fixture(scope="session")
def real(real_data, tmp_path_factory):
    """An environment with the real sample, and its own data and cache folders."""
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


@pytest.mark.parametrize("number", ["05", "06", "07"])
def test_real_sample(number, real, notebook_seconds, tmp_path):
    path = lecture(number)
    seconds, notebook = execute(path, tmp_path / "real.ipynb", real)
    notebook_seconds[label(path), "real sample"] = seconds, None
    lines = "\n".join(printed(notebook)).splitlines()
    assert any(line.startswith("Data: real") for line in lines)
    assert not any(line.startswith("Data: simulated") for line in lines)
    if number == "06":
        errors = re.search(r"(\d+)% of the errors", "\n".join(lines))
        assert int(errors.group(1)) <= 50  # the better CNN halves them


def test_real_mnist(real_data, simulated, notebook_seconds, tmp_path):
    path = lecture("04")
    cache = tmp_path / "keras" / "datasets"
    cache.mkdir(parents=True)
    shutil.copy(real_data / "keras-home" / "datasets" / "mnist.npz", cache)
    environment = simulated | {"KERAS_HOME": str(cache.parent)}
    seconds, notebook = execute(path, tmp_path / "mnist.ipynb", environment)
    notebook_seconds[label(path), "cold, MNIST"] = seconds, None
    text = "\n".join(printed(notebook))
    assert "Digits: real handwriting, MNIST, 60,000 training" in text
    assert "scikit-learn's digits" not in text
    assert "10,000 test images (MNIST)" in text


@pytest.fixture
def imagenet_weights(real_data, tmp_path):
    """A Keras folder with the real weights, which a notebook may change."""
    home = tmp_path / "keras"
    shutil.copytree(real_data / "keras-home" / "models", home / "models")
    return home


def test_real_imagenet_weights(real_data, imagenet_weights, simulated, notebook_seconds, tmp_path):
    """09 on a real MobileNet and real photos, beside a half-downloaded file."""
    models = imagenet_weights / "models"
    whole = (models / "mobilenet_2_5_224_tf.h5").read_bytes()
    (models / "mobilenet_1_0_224_tf.h5").write_bytes(whole[: len(whole) // 2])
    data = tmp_path / "data"
    shutil.copytree(real_data / "imagenet-samples", data / "photos")
    shutil.copytree(real_data / "teachable-machine", data / "teachable-machine")
    environment = simulated | {
        "KERAS_HOME": str(imagenet_weights),
        "COURSE_DATA": str(data),
    }
    path = lecture("09")
    seconds, notebook = execute(path, tmp_path / "out.ipynb", environment)
    notebook_seconds[label(path), "cold, real MobileNet"] = seconds, COLD["09"]
    text = "\n".join(printed(notebook))
    assert "runs on MobileNet, alpha 0.25, ImageNet weights" in text
    right, among, of = (
        int(re.search(pattern, text).group(1))
        for pattern in (
            r"(\d+) of 12 right \(MobileNet 0.25, ImageNet weights",
            r"(\d+) of 12 among the first three",
            r"\d+ of (\d+) right",
        )
    )
    assert right >= 5 and among >= 8 and of == 12
    assert "right  zebra: zebra" in text
    # What the notebook quotes of this run is what it gives.
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))
    for photo, quoted in {
        "cat": "tabby 41",
        "coffee": "espresso 88",
        "camera": "tripod 82",
        "temple": "stupa 31",
        "rocket": "mosque 42",
        "coins": "typewriter_keyboard 70",
        "retina": "lampshade 35",
        "astronaut": "barbell 33",
    }.items():
        name, percent = quoted.split()
        found = re.search(rf" {photo} {name} (\d+)%", plain)
        assert found and abs(int(found[1]) - int(percent)) <= 2, photo
    for way, column, quoted in (
        ("right", 2, 54),
        ("0 to 255", 0, 0),
        ("0 to 255", 2, 26),
        ("0 to 1", 0, 71),
    ):
        row = re.search(rf" {way} ([\d.]+)% ([\d.]+)% ([\d.]+)%", plain)
        assert float(row[column + 1]) == pytest.approx(quoted, abs=2)
    for patch, quoted in (
        ("hottest", 0.19),
        ("contrast", 0.14),
        ("random", 0.08),
    ):
        fall = re.search(rf"{patch}(?: patch)? +probability falls by ([\d.]+)", text)
        assert float(fall[1]) == pytest.approx(quoted, abs=0.03)
    assert "Teachable Machine: cardboard, plastic, glass, metal" in text
    assert "course's network, simulated" not in text
    assert "mobilenet_1_0_224_tf.h5 was damaged" in text
    aside = models / "mobilenet_1_0_224_tf.h5.damaged"
    assert aside.read_bytes() == whole[: len(whole) // 2]


def test_real_transfer(real_data, real, imagenet_weights, notebook_seconds, tmp_path):
    """10 on the real sample, and on real photos with a real ImageNet base."""
    zipped = real_data / "photos" / "cats-dogs-sample.zip"
    Path(real["COURSE_DATA"]).mkdir(exist_ok=True)
    shutil.copy(zipped, real["COURSE_DATA"])
    environment = real | {"KERAS_HOME": str(imagenet_weights)}
    path = lecture("10")
    seconds, notebook = execute(path, tmp_path / "out.ipynb", environment)
    notebook_seconds[label(path), "cold, real sample, photos"] = seconds, None
    text = "\n".join(printed(notebook))
    assert "Data: real" in text and "Data: simulated" not in text

    # What the notebook quotes of these runs is what they give.
    scratch, frozen = map(
        float,
        re.search(r"(?m)^2 +([\d.]+) \(.*?\) +([\d.]+) \(", text).groups(),
    )
    assert scratch == pytest.approx(31, abs=8)
    assert frozen == pytest.approx(64, abs=6)
    for count, quoted in (
        (20, [0.75, 0.89, 0.90]),  # from scratch, frozen, fine-tuned
        (79, [0.94, 0.91, 0.95]),
    ):
        row = rf"(?m)^{count} +([\d.]+) +([\d.]+) +([\d.]+)$"
        scores = [float(score) for score in re.search(row, text).groups()]
        assert scores == pytest.approx(quoted, abs=0.03)
    scores = {
        (way, int(count)): float(score)
        for way, count, score in re.findall(
            r"(Frozen|Fine-tuned), (\d+) photos: ([\d.]+) of 100 \(real photos",
            text,
        )
    }
    assert scores["Frozen", 10] == pytest.approx(0.95, abs=0.04)
    assert scores["Frozen", 300] == pytest.approx(0.96, abs=0.03)
    assert scores["Fine-tuned", 300] == pytest.approx(0.96, abs=0.03)


# --- The tools themselves, on small notebooks -----------------------------------

SMALL = [
    "print('accuracy 0.93')",
    "import pandas\npandas.DataFrame({'score': [0.25, 0.75]})",
    "6 * 7",
    "print(object())  # its address is not compared",
    "import time\nprint(time.time())",
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small notebook, executed and stored in normal form."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in SMALL])
    notebook.cells[4].metadata.tags = ["nbval-ignore-output"]
    path = tmp_path_factory.mktemp("small") / "source.ipynb"
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    target = path.with_name("small.ipynb")
    return execute(path, target, notebook_environment())[1]


def failing_cells(notebook, tmp_path):
    """The numbers of the cells in which nbval finds a difference."""
    path = tmp_path / "compared.ipynb"
    path.write_text(normal_form(notebook), encoding="utf-8")
    _, process = nbval(path, notebook_environment())
    failed = re.findall(r"^FAILED .*::Cell (\d+)", process.stdout, re.MULTILINE)
    assert (process.returncode == 0) == (not failed), process.stdout
    return [int(number) for number in failed]


def test_seconds_are_those_of_the_kernel(tmp_path):
    computing = """import time
while time.process_time() < 8:
    pass
time.sleep(8)"""
    store(tmp_path / "busy.ipynb", computing)
    seconds, _ = execute(tmp_path / "busy.ipynb", tmp_path / "out.ipynb", notebook_environment())
    assert seconds.computed > 8 and seconds.clock > 15
    if os.name != "nt":
        assert seconds.computed < seconds.clock - 5  # it waited for eight


def test_budget_is_of_what_is_computed(monkeypatch):
    monkeypatch.delenv("COURSE_NO_BUDGETS", raising=False)
    check_budget(Seconds(clock=1000, computed=29), 10, slow=1)
    check_budget(Seconds(clock=1000, computed=58), 10, slow=2)
    for computed, slow in ((31, 1), (62, 2)):
        with pytest.raises(AssertionError, match=f"{computed} s, budget 10 s"):
            check_budget(Seconds(clock=16, computed=computed), 10, slow)
    monkeypatch.setenv("COURSE_NO_BUDGETS", "1")
    check_budget(Seconds(clock=16, computed=31), 10, slow=1)


def test_a_slow_machine_is_found_slow(monkeypatch):
    def trains(seconds_per_image):
        code = f"print({seconds_per_image})"
        monkeypatch.setattr(pace, "COMMAND", [sys.executable, "-c", code])
        return pace.slowness(notebook_environment())

    assert trains(3 * pace.SUPPOSED) == pytest.approx(3)
    assert trains(pace.SUPPOSED / 3) == 1  # budgets never shrink


def test_unchanged_notebook_passes(small, tmp_path):
    assert failing_cells(small, tmp_path) == []


def test_each_wrong_figure_fails(small, tmp_path):
    wrong = nbformat.from_dict(small)
    stdout, table, result = (wrong.cells[i].outputs[0] for i in range(3))
    stdout.text = changed(stdout.text, "0.93", "0.94")
    # Only the HTML table is wrong, its plain text is right.
    table.data["text/html"] = changed(table.data["text/html"], "0.25", "0.35")
    result.data["text/plain"] = changed(result.data["text/plain"], "42", "43")
    assert failing_cells(wrong, tmp_path) == [0, 1, 2]


def changed(text, old, new):
    """`text` with `old` replaced, which must be in it."""
    assert old in text
    return text.replace(old, new)


def test_refreshed_notebook_is_reproducible(small, tmp_path):
    source = tmp_path / "small.ipynb"
    source.write_text(normal_form(small), encoding="utf-8")
    _, again = execute(source, tmp_path / "again.ipynb", notebook_environment())
    # The last two cells print an address and the time.
    assert again.cells[:3] == small.cells[:3]
    again.metadata.slowest = small.metadata.slowest  # seconds, not stored
    assert again.metadata == small.metadata


def store(path, *sources):
    """Write an unexecuted notebook with these code cells to `path`."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    path.write_text(nbformat.writes(notebook), encoding="utf-8")


def test_failing_notebook_is_left_alone(tmp_path, capsys):
    path = tmp_path / "failing.ipynb"
    store(path, "1", "1 / 0")
    before = path.read_bytes()
    assert refresh_notebooks.main([str(path)]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_stray_warnings_are_reported_but_not_stored(tmp_path, capsys):
    path = tmp_path / "noisy.ipynb"
    store(path, "import sys\nprint('a stray warning', file=sys.stderr)")
    assert refresh_notebooks.main([str(path)]) == 0
    assert "standard error: a stray warning" in capsys.readouterr().out
    assert nbformat.read(path, as_version=4).cells[0].outputs == []


def test_normal_form_is_checked_without_executing(small, tmp_path, capsys):
    path = tmp_path / "small.ipynb"
    path.write_text(normal_form(small), encoding="utf-8")
    assert refresh_notebooks.main(["--check", str(path)]) == 0
    stamped = nbformat.from_dict(small)
    stamped.cells[0].metadata.execution = {"iopub.status.busy": "2025-01-01"}
    path.write_text(nbformat.writes(stamped), encoding="utf-8")
    assert refresh_notebooks.main(["--check", str(path)]) == 1
    assert f"{path} is not in normal form" in capsys.readouterr().out


def test_broken_notebook_is_one_sentence(tmp_path, capsys):
    path = tmp_path / "broken.ipynb"
    path.write_text("<<<<<<< HEAD", encoding="utf-8")
    assert refresh_notebooks.main([str(path)]) == 1
    printed_lines = capsys.readouterr().out.splitlines()
    assert len(printed_lines) == 1
    assert f"{path} cannot be read as a notebook" in printed_lines[0]


def test_same_weights_are_told_from_others(tmp_path):
    weights = np.arange(3, dtype="float32")
    for name, nudge in (("one", 0), ("same", 0), ("other", 1e-6)):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "digest.npz", w0=weights, w1=weights + nudge)
    check_same_weights(tmp_path / "one", tmp_path / "same")
    with pytest.raises(AssertionError):
        check_same_weights(tmp_path / "one", tmp_path / "other")
