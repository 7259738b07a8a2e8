"""The checks of the exercises accept right answers, and only those.

The answers that are tried are in the folder exercise_cases.
"""

import ast
import re
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from exercise_cases import CASES, FUNCTIONS, WITH_KERAS
from exercise_cases.cases_07 import decided, planted
from exercise_trials import FAILURES, every_trial, fails, nothing_solved, scans
from PIL import Image
from refresh_notebooks import find_lectures, find_notebooks
from support import ROOT

from helpers import exercises
from helpers.exercises import NOTEBOOKS as NUMBERS
from helpers.exercises import check, exercises_of, notebook_07, verdict
from helpers.files import CourseError
from helpers.handwriting import Handwriting, simulator
from helpers.handwriting.writers import Writer

__all__ = ["nothing_solved", "scans"]  # fixtures

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
"""Wrong answers divide by zero, and average nothing."""

nan, inf = float("nan"), float("inf")

CHECKS = [number for notebook in NUMBERS for number in exercises_of(notebook)]


# --- Every check ----------------------------------------------------------------


def test_every_check_has_cases():
    assert sorted(CASES) == sorted(CHECKS)


@every_trial
@pytest.mark.parametrize("number", sorted({*CHECKS} - {*WITH_KERAS}))
def test_check(trial, number, scans, capsys):
    trial(number, scans, capsys)


def test_an_error_in_a_function_is_named_with_its_line():
    place = "line 4 of function"  # of `fails`'s inner function, def and comments counted
    reason = verdict("06.3", fails(FAILURES[0]))[1]
    assert reason == f"{place}: ZeroDivisionError: division by zero"
    assert verdict("06.3", fails(FAILURES[1]))[1] == f"{place}: NotImplementedError"
    assert verdict("06.3", fails(FAILURES[3]))[1].endswith("a message")


def test_an_error_below_the_function_names_the_line_that_called():
    def answer(*_):
        logits = [1]
        return np.exp(logits, logits, logits, logits)

    def too_few():
        return 0

    assert verdict("06.3", answer)[1].startswith("line 3 of answer: TypeError: ")
    assert verdict("06.3", too_few)[1].startswith("it raised TypeError: ")
    assert verdict("06.3", np.linalg.inv)[1].startswith("it raised ")


def test_check_prints_the_verdict_and_counts_what_is_solved_now(capsys):
    check("06.1", 12832)
    check("06.1", 12832)
    check("06.2", None)
    check("06.1", 12800)
    assert capsys.readouterr().out.splitlines() == [
        "Exercise 06.1: right. 1 of 5 solved.",
        "Exercise 06.1: right. 1 of 5 solved.",
        "Exercise 06.2: no answer yet. 1 of 5 solved.",
        "Exercise 06.1: not yet: each of the 32 filters also has a bias. 0 of 5 solved.",
    ]


def test_another_notebook_has_a_count_of_its_own(capsys, scans):
    check("06.1", 12832)
    given, right, _ = CASES["01.3"](scans)
    check("01.3", right[0], **given)
    assert capsys.readouterr().out.endswith("Exercise 01.3: right. 1 of 8 solved.\n")


def test_in_a_notebook_the_verdict_has_a_colour_and_a_sign(monkeypatch):
    shown = []
    monkeypatch.setattr(exercises, "ipython", lambda: SimpleNamespace(kernel="a kernel"))
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    check("06.1", 12832)
    check("06.1", "<b>1</b>")
    check("06.1", None)
    for data, sign in zip(shown, "✓✗…", strict=True):
        [words] = re.findall(r">(. [a-z ]+)</span>", data["text/html"])
        [color] = re.findall(r"background-color: (#\w+)", data["text/html"])
        assert words.startswith(sign) and words[2:] in data["text/plain"]
        assert contrast(color, "#ffffff") >= 4.5  # the words in the badge
        assert contrast(color, "#111111") >= 3  # the badge in a dark theme
    assert len({data["text/html"].partition(";")[0] for data in shown}) == 3
    assert shown[0]["text/plain"] == "Exercise 06.1: right. 1 of 5 solved."
    assert "<b>1" not in shown[1]["text/html"] and "&lt;b&gt;1" in shown[1]["text/html"]


def contrast(one, other):
    """The contrast of two colours "#rrggbb", as WCAG 2 defines it."""

    def luminance(color):
        parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        return np.dot(
            (0.2126, 0.7152, 0.0722),
            [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts],
        )

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_an_unknown_exercise_is_named():
    with pytest.raises(CourseError, match="'06.9'; there are 06.1, .*06.5.$"):
        check("06.9", 1)
    with pytest.raises(CourseError, match=r"'77\.1'; there are exercises .* 01, 02, .*\d\.$"):
        check("77.1", 1)


WANTED = """
import sys
from helpers.exercises import check
from helpers.files import CourseError

check("01.1", None)
try:
    check("77.1", None)
except CourseError:
    pass
heavy = ("keras", "tensorflow", "helpers.handwriting", "helpers.images", "matplotlib")
print([name for name in sys.modules if name.startswith(heavy)])
print([name for name in sys.modules if name.startswith("helpers.exercises.notebook")])
"""


def test_a_notebook_needs_only_its_own_checks():
    done = subprocess.run(
        [sys.executable, "-c", WANTED], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    answer, heavy, checks = done.stdout.splitlines()
    assert answer == "Exercise 01.1: no answer yet. 0 of 8 solved."
    assert heavy == "[]"
    assert checks == "['helpers.exercises.notebook_01']"


# --- Exercises that depend on the data ------------------------------------------


def test_decisions_on_real_scans_are_counted_alone(tmp_path):
    data = Handwriting(tmp_path, True, "")
    files = [f"Train/人/{k}.png" for k in range(40)]
    few, enough = decided(files[:20], (), files[20:31]), decided(files[:20], (), files[20:])
    assert "31 decisions so far" in verdict("07.5", few, data=data)[1]
    assert verdict("07.5", enough, data=data) == ("right", "")
    assert verdict("07.5", None, data=data)[0] == "no answer yet"


def test_new_labels_are_judged_where_it_is_known_what_was_written(tmp_path):
    """Without about.json, only the list of flaws judges; with folders of other names, both."""
    data, by_flaw, written = planted(tmp_path / "set")
    bad, good = by_flaw["wrong label"][:20], by_flaw[""][:12]
    right = decided((), [(file, written[file]) for file in bad], good)
    changed = [(file, "人" if written[file] != "人" else "大") for file in bad]
    wrong = decided((), changed, good)
    assert verdict("07.5", right, data=data) == ("right", "")
    assert verdict("07.5", wrong, data=data)[0] == "not yet"
    first = bad[0].split("/")[1]
    table = f"folder,character\nascii,{first}\n"
    (data.folder / "labels.csv").write_text(table, encoding="utf-8")
    known = notebook_07._written(data)
    assert len(known) == len({*known}) and f"Train/{first}/1.png" not in known
    assert known[f"Train/ascii/{bad[0].split('/')[2]}"] == written[bad[0]]
    (data.folder / "about.json").unlink()
    assert verdict("07.5", wrong, data=data) == ("right", "")


def test_a_verdict_on_decisions_says_nothing_of_single_images(tmp_path):
    """No numbers: a decision more or less would change them."""
    data, by_flaw, written = planted(tmp_path / "set")
    bad, good = by_flaw["wrong label"][:20], by_flaw[""][:20]
    named = [(file, written[file]) for file in bad]
    reasons = {verdict("07.5", decided(good[:n], named, good[n:]), data=data)[1] for n in range(20)}
    assert len(reasons) == 2 and not re.search(r"\d", "".join(reasons))


def scaled(page):
    """A page as `load_folder` scales it."""
    size = (60, 80)
    return np.asarray(Image.fromarray(page).resize(size, Image.LANCZOS))


def test_dust_is_blank_and_the_thinnest_characters_are_not():
    size = simulator.SIZES["full"]
    blanks, characters = [], []
    for k in range(150):
        page = simulator.blank(np.random.default_rng([1, k]))
        blanks.append(scaled(page))
        writer = Writer(simulator.SEED, k, size.messiness)
        characters.append(scaled(writer.write("人川"[k % 2], 0)))
    # The share of ink, and the threshold, of notebook 05.
    ink = (np.stack(blanks + characters) < 230).mean(axis=(1, 2))
    assert ink[:150].max() < 0.01 and ink[150:].min() > 0.04


# --- The notebooks --------------------------------------------------------------

LECTURES = find_lectures()
SOLUTIONS = [p for p in find_notebooks() if p.parent.name == "solutions"]


def exercise_cells(path):
    """[(number, cell, its syntax tree, the number in the heading above it)]."""
    found, heading = [], None
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            titles = re.findall(r"^#+ Exercise (\S+):", cell.source, re.M)
            heading = titles[-1] if titles else heading
        elif "check(" in cell.source:
            tree = ast.parse(cell.source)
            number = check_call(tree).args[0].value
            found.append((number, cell, tree, heading))
    return found


def check_call(tree):
    """The last statement of a cell, which must be a call of `check`."""
    call = tree.body[-1].value
    assert isinstance(call, ast.Call) and call.func.id == "check"
    return call


def numbers_in(paths):
    return sorted(cell[0] for path in paths for cell in exercise_cells(path))


def test_exercises_checks_and_solutions_belong_together():
    assert numbers_in(LECTURES) == sorted(CHECKS)
    assert numbers_in(SOLUTIONS) == sorted(CHECKS)


@pytest.mark.parametrize("path", LECTURES + SOLUTIONS, ids=lambda p: p.stem)
def test_each_check_stands_below_its_own_heading(path):
    for number, _, _, heading in exercise_cells(path):
        assert number == heading
        assert number[:2] == path.name[:2]


@pytest.mark.parametrize("path", LECTURES, ids=lambda p: p.stem)
def test_exercises_are_handed_out_unsolved(path):
    for number, _, tree, _ in exercise_cells(path):
        answer = check_call(tree).args[1].id
        functions = {part.name: part for part in tree.body if isinstance(part, ast.FunctionDef)}
        if number in FUNCTIONS:
            docstring, body = functions.pop(answer).body
            assert isinstance(docstring.value.value, str), number
        else:
            [body] = [
                part
                for part in tree.body
                if isinstance(part, ast.Assign) and part.targets[0].id == answer
            ]
        assert ast.unparse(body.value) == "None", number
        assert not functions, number


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda p: p.stem)
def test_solutions_call_the_same_check_and_are_right(path):
    lectures = {
        number: ast.unparse(check_call(tree))
        for lecture in LECTURES
        for number, _, tree, _ in exercise_cells(lecture)
    }
    for number, cell, tree, _ in exercise_cells(path):
        assert ast.unparse(check_call(tree)) == lectures[number]
        texts = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
        assert f"Exercise {number}: right. " in "".join(texts), number
