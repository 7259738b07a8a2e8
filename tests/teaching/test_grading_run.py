"""A whole class: resuming, regrading, what is refused, what comes out."""

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import grading_toy as toy
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from support import skip_or_fail

from helpers.__main__ import main
from helpers.teaching.grading import gradebook, run, sandbox
from helpers.teaching.grading.course import Assignment, Course
from helpers.teaching.grading.engine import Engine
from helpers.teaching.grading.nbgrader_steps import student_version
from helpers.teaching.grading.outcomes import Cell, Outcome
from helpers.teaching.grading.submissions import read_source

toy.require_nbgrader()

TOY = Assignment(toy.ASSIGNMENT, read_source(toy.source()), {})


@pytest.fixture
def own_engine():
    """For tests of how the engine starts; all others share one."""


@pytest.fixture(autouse=True)
def shared_engine(request, monkeypatch):
    if not sandbox.available():
        skip_or_fail("bubblewrap is not installed (apt-get install bubblewrap)")
    if "own_engine" not in request.fixturenames:
        shared = toy.shared_engine_for_a_while
        monkeypatch.setattr(run, "_engine", lambda *_: shared())


@pytest.fixture
def course(tmp_path):
    return toy.ToyCourse(tmp_path)


def records(course):
    """{student: record}"""
    return {
        path.stem: json.loads(path.read_text("utf-8"))
        for path in (course.out / "records" / toy.ASSIGNMENT).glob("[!.]*.json")
    }


def table(course):
    """{student: line of grades.csv}"""
    with (course.out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return {line["student"]: line for line in csv.DictReader(file)}


def platform(course):
    """{student: the other fields of platform.csv}, its header included"""
    with (course.out / "platform.csv").open(encoding="utf-8-sig", newline="") as file:
        return {student: fields for student, *fields in csv.reader(file)}


def page(course, student):
    path = course.out / "feedback" / student / f"{toy.ASSIGNMENT}.html"
    return path.read_text("utf-8")


def scores(record):
    return {name: cell["score"] for name, cell in record["cells"].items()}


def mark_by_hand(course, student, cell, score, comment=None):
    """What formgrader does when a teacher marks a cell."""
    with gradebook.gradebook(Course(course.course)) as book:
        names = (cell, toy.ASSIGNMENT, toy.ASSIGNMENT, student)
        grade = book.find_grade(*names)
        grade.manual_score = score
        grade.needs_manual_grade = False
        if comment:
            book.find_comment(*names).manual_comment = comment
        book.db.commit()


def processes_with(word):
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if word in (folder / "cmdline").read_text("utf-8", errors="replace"):
                found.append(folder.name)
        except OSError:
            pass
    return found


def test_killed_run_goes_on(course):
    """Killed several times: nothing finished is lost, nothing is graded twice."""
    students = [f"student {number}" for number in range(6)]
    for student in students:
        text = f"import time\ntime.sleep(0.3)\nanswer = 42  # {student}"
        course.submit(student, toy.solved(a_answer=text))
    words = [sys.executable, "-m", "helpers", *course.words("--workers", "1")]
    finished = {}
    for goal in (1, 3):
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        while len(records(course)) < goal:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for student, record in records(course).items():
            assert finished.setdefault(student, record["graded"]) == record["graded"]
        assert len(finished) < len(students)
    assert subprocess.run(words, stderr=subprocess.DEVNULL).returncode == 0
    after = records(course)
    assert set(after) == set(students)
    for student, record in after.items():
        assert record["runs"] == 1 and record["entered"]
        assert finished.get(student, record["graded"]) == record["graded"]
    assert {line["score"] for line in table(course).values()} == {"5"}
    while processes_with(str(course.out)):  # until the last has noticed
        time.sleep(0.1)


def test_marks_by_hand_survive(course):
    """A corrected test changes its own marks and nothing else."""
    course.submit("ada", toy.solved())
    course.submit("bob", toy.solved(a_half="def half(x):\n    return x / 2 + 1"))
    assert main(course.words()) == 0
    assert table(course)["ada"]["to_mark_by_hand"] == "1"
    assert "5 of 7 points</strong>, so far" in page(course, "ada")
    mark_by_hand(course, "ada", "why", 1.5, "Nearly <all> of it.")
    mark_by_hand(course, "bob", "why", 2)
    assert main(course.words()) == 0
    assert {r["runs"] for r in records(course).values()} == {1}
    assert table(course)["ada"]["score"] == "6.5"
    assert table(course)["ada"]["to_mark_by_hand"] == "0"
    assert "Nearly &lt;all&gt; of it." in page(course, "ada")
    assert "6.5 of 7" in page(course, "ada")
    assert "so far" not in page(course, "ada")

    corrected = toy.source()
    toy.cell(corrected, "half").source = "assert half(2) in (1, 2)"
    course.set_source(corrected)
    assert main(course.words()) == 0
    assert {r["runs"] for r in records(course).values()} == {2}
    lines = table(course)
    assert [lines[n]["score"] for n in ("ada", "bob")] == ["6.5", "7"]
    assert lines["ada"]["to_mark_by_hand"] == "0"

    # Another text after the mark: the mark stays, and a person is asked to look.
    again = toy.solved()
    toy.cell(again, "why").source = "Because of something else."
    course.submit("ada", again)
    assert main(course.words()) == 0
    assert table(course)["ada"]["score"] == "6.5"
    assert table(course)["ada"]["to_mark_by_hand"] != "0"
    assert records(course)["bob"]["runs"] == 2


def test_platform(course, monkeypatch):
    """A final mark, 0 included, or an empty field: never 0 for what is not known."""
    plain = toy.source()
    plain.cells.pop()  # nothing to be marked by hand
    path = course.course / "source" / "2_more" / "2_more.ipynb"
    path.parent.mkdir()
    nbformat.write(plain, path)
    for student in ("李 雷", "broken", "=1+2", "＠SUM(1)", "crash"):
        course.submit(student, toy.solved())
        more = course.submissions / student / "2_more" / "2_more.ipynb"
        more.parent.mkdir()
        nbformat.write(toy.solved(), more)
    course.submit("one only", toy.solved())
    blank = course.submissions / "=1+2" / "2_more" / "2_more.ipynb"
    nbformat.write(student_version(plain), blank)
    broken = course.submissions / "broken" / "2_more" / "2_more.ipynb"
    broken.write_text(broken.read_text("utf-8")[:500], "utf-8")
    right = Engine.grade

    def crashing(self, source, notebook, student, *more, **named):
        if student == "crash":
            raise ZeroDivisionError
        return right(self, source, notebook, student, *more, **named)

    monkeypatch.setattr(Engine, "grade", crashing)
    assert main(course.words()) == 1
    expected = {
        "student": ["1_toy [of 7]", "2_more [of 5]"],
        "'=1+2": ["", "0"],
        "broken": ["", ""],
        "crash": ["", ""],
        "one only": ["", ""],
        "李 雷": ["", "5"],
        "'＠SUM(1)": ["", "5"],
    }
    assert platform(course) == expected
    for student in ("李 雷", "broken"):
        mark_by_hand(course, student, "why", 1.5)
    assert main(course.words()) == 1
    expected |= {"李 雷": ["6.5", "5"], "broken": ["6.5", ""]}
    assert platform(course) == expected
    assert records(course)["李 雷"]["runs"] == 1
    # One assignment alone: the others are not called unknown.
    assert main(course.words("--assignment", "2_more")) == 1
    with (course.out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["assignment"] for line in lines} == {"2_more"} and len(lines) == 5


def test_lost_marks_are_no_zeros(course):
    """A gradebook that somebody has removed is filled again."""
    course.submit("ada", toy.solved())
    assert main(course.words()) == 0
    (course.course / "gradebook.db").unlink()
    assert main(course.words()) == 0
    assert table(course)["ada"]["score"] == "5"
    assert table(course)["ada"]["to_mark_by_hand"] == "1"
    shutil.rmtree(course.course / "autograded")
    assert main(course.words()) == 0
    assert "def double" in page(course, "ada")


def test_prose_is_no_reason_to_grade_again(course):
    course.submit("ada", toy.solved())
    assert main(course.words()) == 0
    changed = toy.source()
    changed.cells[0].source = "# A toy with another title\n## Numbers"
    course.set_source(changed)
    assert main(course.words()) == 0
    assert records(course)["ada"]["runs"] == 1
    assert "another title" in page(course, "ada")


def test_same_marks_every_time(course, own_engine):
    """Without a seed, too."""
    text = (
        "import random\n"
        "answer = 42\n"
        "print(random.random(), np.random.rand(), hash('text'))\n"
        "print({'a', 'b', 'c', 'd'})"
    )
    course.submit("ada", toy.solved(a_answer=text))
    seen = []
    for more in ((), ("--regrade",)):
        main(course.words(*more))
        path = course.course / "autograded" / "ada" / "1_toy" / "1_toy.ipynb"
        cells = json.loads(path.read_text("utf-8"))["cells"]
        seen.append([cell.get("outputs") for cell in cells])
    assert seen[0] == seen[1] and "0." in json.dumps(seen[0])
    assert records(course)["ada"]["runs"] == 2


def test_failing_grader_is_no_mark(course, monkeypatch):
    course.submit("ada", toy.solved())
    course.submit("bob", toy.solved(a_answer="answer = 0"))
    right = Engine.grade

    def broken(self, source, notebook, student, *more, **named):
        if student == "ada":
            raise ZeroDivisionError("of the grader")
        return right(self, source, notebook, student, *more, **named)

    monkeypatch.setattr(Engine, "grade", broken)
    assert main(course.words()) == 1
    ada = table(course)["ada"]
    assert ada["status"] == "grader failed" and ada["score"] == ""
    assert "ZeroDivisionError" in ada["reasons"]
    assert table(course)["bob"]["score"] == "4"
    assert "ZeroDivisionError" not in page(course, "ada")
    with gradebook.gradebook(Course(course.course)) as book:
        known = {s.student.id for s in book.assignment_submissions(toy.ASSIGNMENT)}
    assert known == {"bob"}
    monkeypatch.undo()
    assert main(course.words()) == 0
    assert table(course)["ada"]["score"] == "5"
    assert records(course)["bob"]["runs"] == 1


@pytest.mark.parametrize(
    "cell, text, complaint",
    [
        ("answer", "assert answer == 43", "solution: test answer gives 0 of 1"),
        (
            "answer",
            "1 / 0",
            "test answer gives 0 of 1 points. ZeroDivisionError",
        ),
        ("answer", "pass", "blank: test answer gives 1 of 1"),
        ("half", "half(1)\n7", "its last value is 7, not from 0 to 2"),
    ],
)
def test_wrong_source_is_refused(course, capsys, cell, text, complaint):
    """`nbgrader validate` says success for all of these, or ends with 0."""
    wrong = toy.source()
    toy.cell(wrong, cell).source = text
    course.set_source(wrong)
    course.submit("ada", toy.solved())
    assert main(course.words()) == 2
    error = capsys.readouterr().err
    assert complaint in error and "Nothing was graded" in error
    assert records(course) == {}
    assert main(["grade", "--prove", "--course", str(course.course)]) == 1
    assert complaint in capsys.readouterr().out


SLOW = {"cell_seconds": 500, "total_seconds": 600}
SLEEPS = "import time\ntime.sleep(600)\nanswer = 42"


def test_wrong_source_ends_what_runs(course, capsys):
    """Submissions are graded while the source is proved, but not to their end."""
    wrong = toy.source()
    wrong.metadata["grading"] |= SLOW
    toy.cell(wrong, "answer").source = "assert answer == 43"
    course.set_source(wrong)
    for student in ("ada", "bob", "eve"):
        course.submit(student, toy.solved(a_answer=SLEEPS))
    assert main(course.words()) == 2
    assert "a source contradicts itself" in capsys.readouterr().err
    assert records(course) == {}


def test_interrupted_run_ends_at_once(course):
    source = toy.source()
    source.metadata["grading"] |= SLOW
    course.set_source(source)
    course.submit("ada", toy.solved())
    course.submit("bob", toy.solved(a_answer=SLEEPS))
    words = [sys.executable, "-m", "helpers", *course.words()]
    process = subprocess.Popen(words, stderr=subprocess.PIPE)
    while "ada" not in records(course):
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert set(records(course)) == {"ada"}


def test_right_source_is_proved(course, capsys):
    assert main(["grade", "--prove", "--course", str(course.course)]) == 0
    assert "Every solution earns all points" in capsys.readouterr().out


def test_two_cells_of_one_name(course, capsys):
    wrong = toy.source()
    toy.cell(wrong, "half").metadata["nbgrader"]["grade_id"] = "double"
    course.set_source(wrong)
    course.submit("ada", toy.solved())
    assert main(course.words()) == 2
    assert "Two cells of the source are called 'double'" in capsys.readouterr().err


def test_unknown_limit(course, capsys):
    """A slip of the pen must not leave the old limit in place without a word."""
    source = toy.source()
    source.metadata["grading"] = {"cell_second": 5}
    course.set_source(source)
    course.submit("ada", toy.solved())
    assert main(course.words()) == 2
    assert "'cell_second', which is no limit" in capsys.readouterr().err


def test_added_cells_are_refused_after_grading(course, capsys):
    course.submit("ada", toy.solved())
    assert main(course.words()) == 0
    more = toy.source()
    more.cells.append(toy.test("extra", 1, "assert answer"))
    course.set_source(more)
    assert main(course.words()) == 2
    assert "cells were added" in capsys.readouterr().err
    assert records(course)["ada"]["runs"] == 1


@pytest.mark.parametrize("mistake", ["c.Execute.timeout = = 3", "1 / 0", "import nope"])
def test_mistake_in_the_configuration(course, capsys, mistake):
    """nbgrader logs it, and then works without its settings."""
    with (course.course / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write(f"\n{mistake}\n")
    course.submit("ada", toy.solved())
    assert main(course.words()) == 2
    assert "nbgrader_config.py has a mistake" in capsys.readouterr().err


def test_nothing_runs_without_a_sandbox(course, capsys, monkeypatch, own_engine):
    marker = course.out.parent / "it ran"
    text = f"answer = 42\nopen({str(marker)!r}, 'w').close()"
    course.submit("ada", toy.solved(a_answer=text))
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    assert main(course.words()) == 2
    error = capsys.readouterr().err
    assert "--trusted" in error and "bubblewrap" in error
    assert not marker.exists()
    assert main(course.words("--trusted")) == 0
    assert table(course)["ada"]["score"] == "5" and marker.exists()


def test_sandbox_that_cannot_start(course, capsys, monkeypatch, own_engine):
    course.submit("ada", toy.solved())
    monkeypatch.setattr(sandbox, "command", lambda words: ["bwrap", "--nonsense"])
    assert main(course.words()) == 2
    assert "the sandbox does not start here" in capsys.readouterr().err


def test_only_one_run_at_a_time(course, capsys):
    course.submit("ada", toy.solved())
    with run._only_one(course.out):
        assert main(course.words()) == 2
    assert "Another run is grading" in capsys.readouterr().err


def test_words_that_make_no_sense(course, capsys):
    assert main(["grade"]) == 2
    assert "Say which folder" in capsys.readouterr().err
    assert main(course.words()) == 2
    assert "There is no submission" in capsys.readouterr().err
    course.submit("ada", toy.solved())
    assert main(course.words("--assignment", "9_none")) == 2
    assert "There is no assignment 9_none" in capsys.readouterr().err
    words = course.words()
    words[words.index("--course") + 1] = str(course.submissions)
    assert main(words) == 2
    assert "is not the folder of a course" in capsys.readouterr().err


REMOTE = """
![seen](http://127.0.0.1:9/a?who=ada) ![seen](<http://127.0.0.1:9/b>) ![x](/logout)
![seen
in two lines](http://127.0.0.1:9/c "title") ![ref][one] ![one] ![one][]

![outer ![inner](http://127.0.0.1:9/d) outer](attachment:mine.png) \\![y](http://127.0.0.1:9/e)
![](http://127.0.0.1:9/f)![gone](attachment:gone.png)![z](data:text/html;base64,AAAA)![w](attachment:a.png "t")

<img src="http://127.0.0.1:9/g"> <svg><image href="http://127.0.0.1:9/h"/></svg>

![mine](attachment:mine.png) and ![tiny](data:image/png;base64,iVBORw0KGgo=)

[one]: http://127.0.0.1:9/i
"""


def test_pictures_from_elsewhere(course):
    """They would tell when and where somebody marks; attached ones are shown."""
    from nbconvert.filters import markdown2html

    notebook = toy.solved()
    notebook.cells.append(
        new_markdown_cell(REMOTE, attachments={"mine.png": {"image/png": "iVBORw0KGgo="}})
    )
    course.submit("ada", notebook)
    assert main(course.words()) == 0
    path = course.course / "autograded" / "ada" / "1_toy" / "1_toy.ipynb"
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "markdown":
            shown = markdown2html(cell.source.replace("(attachment:", "(data:image/png;base64,"))
            sources = re.findall(r"<img[^>]*src=\"([^\"]*)", shown)
            assert all(s.startswith("data:image/") for s in sources), sources
            assert "<image" not in shown
    sources = re.findall(r"<img[^>]*src=\"([^\"]*)", page(course, "ada"))
    assert len(sources) == 2 and all(s.startswith("data:image/png") for s in sources)


@pytest.mark.parametrize(
    "pattern", ["<div>", "<ul><li>", "[", "> ", "![", "[a](", "`", "*a_", "\\begin{a}"]
)
def test_slow_markdown_is_shown_as_text(pattern):
    """Rendering can take time that grows with the square of the length: so it is short."""
    outcome = Outcome(cells={n: Cell(g.points, 0.0) for n, g in TOY.source.graded.items()})
    text = pattern * (49_000 // len(pattern))
    notebook = nbformat.v4.new_notebook(cells=[new_markdown_cell(text)])
    cells = gradebook.autograded(TOY, notebook, outcome).cells
    cell = next(cell for cell in cells if cell.cell_type == "markdown")
    assert cell.source.startswith("```") and len(cell.source) > 49_000


def test_what_depends_on_the_machine_is_tried_again_alone(course, monkeypatch):
    """Also the proof of a source. What is wrong once more needs a person."""
    for student in ("ada", "bob", "slow", "slower"):
        course.submit(student, toy.solved())
    right, running, calls = Engine.grade, [], []

    def busy(self, source, notebook, student, *more, **named):
        running.append(student)
        calls.append(student)
        outcome = right(self, source, notebook, student, *more, **named)
        late = student in ("nobody", "slow") and calls.count(student) <= 1 + (student == "nobody")
        if late or student == "slower":
            outcome.cells["double"].score, outcome.again = 0.0, True
            outcome.cells["double"].doubt, outcome.status = "it was late", "needs a person"
        if student in ("slow", "slower") and calls.count(student) == 2:
            assert running == [student]
        running.remove(student)
        return outcome

    monkeypatch.setattr(Engine, "grade", busy)
    assert main(course.words("--workers", "3")) == 1
    assert sorted(calls) == ["ada", "bob", *["nobody"] * 4, *["slow"] * 2, *["slower"] * 2]
    lines = table(course)
    assert [lines[s]["status"] for s in ("ada", "bob", "slow")] == ["graded"] * 3
    assert lines["slow"]["score"] == "5" and records(course)["slow"]["runs"] == 1
    assert lines["slower"]["status"] == "needs a person"


def test_marks_are_of_what_was_read(course, monkeypatch):
    """Read once: what a student changes during the run is another submission."""
    course.submit("ada", toy.solved())
    reads, look = [], run.read_submission

    def read(*words):
        reads.append(words)
        found = look(*words)
        course.submit("ada", toy.solved(a_answer="answer = 0"))
        return found

    monkeypatch.setattr(run, "read_submission", read)
    assert main(course.words()) == 0
    assert len(reads) == 1 and table(course)["ada"]["score"] == "5"
    monkeypatch.undo()
    monkeypatch.setattr(run, "_engine", lambda *_: toy.shared_engine_for_a_while())
    assert main(course.words()) == 0
    assert table(course)["ada"]["score"] == "4" and records(course)["ada"]["resubmitted"]


def test_strays_are_listed(course):
    """What is no submission at all is named, and stops nothing."""
    course.submit("ada", toy.solved())
    course.submit("=1+2", toy.solved())
    (course.submissions / "bob.zip").write_bytes(b"PK")
    (course.submissions / "cy" / "1_toi").mkdir(parents=True)
    (course.submissions / "dee" / "\udcff\x1b[2J").mkdir(parents=True)
    long = "x" * 250
    course.submit(long, toy.solved())
    assert main(course.words()) == 1
    lines = table(course)
    assert lines["ada"]["score"] == "5" and lines[long]["score"] == "5"
    assert lines["'=1+2"]["score"] == "5"  # no formula for a spreadsheet
    assert lines["bob.zip"]["status"] == lines["cy"]["status"] == "needs a person"
    listed = (course.out / "needs_a_person.txt").read_text("utf-8")
    assert "cy, 1_toi: needs a person. There is no such assignment." in listed
    assert "dee, " in listed and "\x1b" not in listed


def test_whose_notebook_it_is(course):
    """A specification for another student earns no marks unseen."""
    names = toy.source()
    names.cells.insert(1, new_code_cell('student = "nobody"'))
    toy.cell(names, "answer").source = (
        "import os\n"
        "assert os.environ['COURSE_STUDENT'] in ('nobody', 'ada', 'bob', 'cy')\n"
        "assert answer == 42"
    )
    course.set_source(names)
    for who, says in (("ada", "ada"), ("bob", "ada"), ("cy", " CY")):
        mine = toy.solved()
        mine.cells.insert(0, new_code_cell(f'student = "{says}"'))
        course.submit(who, mine)
    assert main(course.words()) == 1
    assert table(course)["ada"]["status"] == "graded"
    assert table(course)["cy"]["status"] == "graded"
    bob = table(course)["bob"]
    assert bob["status"] == "needs a person" and bob["score"] == ""
    assert bob["provisional_score"] == "5" and "student = 'ada'" in bob["reasons"]
    for name in ("double", "answer", "half"):
        mark_by_hand(course, "bob", name, 1)
    assert main(course.words()) == 1
    assert table(course)["bob"]["status"] == "needs a person"
    assert "not your marks yet" in page(course, "bob")
    mark_by_hand(course, "bob", "why", 2)  # the last: now it is settled
    assert main(course.words()) == 0
    bob = table(course)["bob"]
    assert bob["status"] == "graded" and bob["score"] == "5"
    assert "student = 'ada'" in bob["reasons"]
    assert platform(course)["bob"] == ["5"]
    assert "5 of 7 points" in page(course, "bob")


SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def test_nothing_runs_in_a_browser(course):
    """Neither in the feedback nor in what formgrader shows a teacher."""
    hostile = toy.solved(
        a_answer="from IPython.display import HTML, SVG, Javascript, display\n"
        f"display(HTML({SCRIPT!r}), Javascript('alert(3)'))\n"
        f"print({SCRIPT!r})\n"
        "class Shown:\n"
        f"    def _repr_html_(self): return {SCRIPT!r}\n"
        f"    def __repr__(self): return {SCRIPT!r}\n"
        "answer = 42\n"
        "Shown()"
    )
    toy.cell(hostile, "why").source = f"{SCRIPT} [me](javascript:alert(4))"
    hostile.cells.append(new_markdown_cell(SCRIPT))
    hostile.cells.append(new_code_cell(f"raise ValueError({SCRIPT!r})"))
    course.submit("ada", hostile)
    assert main(course.words()) == 0
    shown = page(course, "ada").lower()
    assert "<script" not in shown and "<img src=x" not in shown
    assert "javascript:alert" not in shown.replace("display(", "")
    assert "&lt;script&gt;" in shown
    path = course.course / "autograded" / "ada" / "1_toy" / "1_toy.ipynb"
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            assert "<script" not in "".join(cell["source"])
        for output in cell.get("outputs", []):
            forms = set(output.get("data", {}))
            assert forms <= {"text/plain", "image/png", "image/jpeg"}


def test_feedback_through_the_exchange(course):
    """nbgrader finds the student's folder by what its exchange put beside it."""
    course.submit("ada", toy.solved())
    (course.folder("ada") / "timestamp.txt").write_text("2026-01-02 03:04", "utf-8")
    secret = course.out.parent / "of the teacher"
    secret.write_text("nothing for a student", "utf-8")
    (course.folder("ada") / "submission_secret.txt").symlink_to(secret)
    main(course.words())
    folder = course.course / "feedback" / "ada" / toy.ASSIGNMENT
    assert (folder / "timestamp.txt").read_text("utf-8") == "2026-01-02 03:04"
    assert not (folder / "submission_secret.txt").exists()
    assert (folder / f"{toy.ASSIGNMENT}.html").read_text("utf-8") == page(course, "ada")


def test_endless_markdown_is_shown_as_text(course):
    """Rendering it would take minutes, in every run."""
    long = toy.solved()
    long.cells.append(new_markdown_cell("**bold**"))
    long.cells += [new_markdown_cell("\\begin{a}" * 2000) for _ in range(20)]
    long.cells.append(new_markdown_cell("**late**" + "\\begin{a}" * 200_000))
    course.submit("ada", long)
    assert main(course.words()) == 0
    shown = page(course, "ada")
    assert "<strong>bold</strong>" in shown and "**late**" in shown


def test_pictures_are_shown(course):
    text = "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\ndef double(x):\n    return 2 * x"
    course.submit("ada", toy.solved(a_double=text))
    assert main(course.words()) == 0
    assert '<img alt="a figure" src="data:image/png;base64,iVBOR' in page(course, "ada")


def test_a_missing_answer_is_called_so(course):
    """Where a test needs another part, too, which the student has not done."""
    named = toy.source()
    named.cells[4].source = "## The answer (3 points)"
    course.set_source(named)
    todo = "def half(x):\n    raise NotImplementedError('Write your answer here.')"
    course.submit("ada", toy.solved(a_half=todo))
    assert main(course.words()) == 0
    shown = page(course, "ada")
    assert "<td>The answer, part 2 of 2</td>" in shown
    assert "An answer is missing" in shown
    assert "NotImplementedError" not in shown.split("<h2>")[0]


def test_hidden_tests_say_nothing(course):
    course.submit("ada", toy.solved(a_double="def double(x):\n    return abs(2 * x)"))
    course.submit("bob", toy.solved(a_double="def double(x):\n    return 5"))
    main(course.words())
    assert records(course)["ada"]["cells"]["double"]["hidden"]
    assert "A hidden test was not passed." in page(course, "ada")
    assert "-7.5" not in page(course, "ada")
    assert "double(2) should be 4" in page(course, "bob")


def test_functions_that_tell(course):
    """What hidden tests hand to a function does not come back to the student."""
    telling = toy.solved(
        a_double="seen = []\ndef double(x):\n    seen.append(x)\n    return 2 * x",
        a_answer="answer = 42\nprint('seen', seen)",
    )
    telling.cells.append(new_code_cell("raise type(str(seen), (Exception,), {})"))
    course.submit("ada", telling)
    assert main(course.words()) == 0
    assert "-7.5" not in page(course, "ada")
    path = course.course / "autograded" / "ada" / "1_toy" / "1_toy.ipynb"
    assert "seen [2, -7.5" in path.read_text("utf-8")  # the teacher sees it


def test_files_of_the_assignment(course):
    """They lie in the working folder, and a student's do not replace them."""
    files = toy.source()
    toy.cell(files, "a_answer").source = (
        "### BEGIN SOLUTION\n"
        "import pathlib\n"
        "answer = int(pathlib.Path('data/number.txt').read_text())\n"
        "### END SOLUTION"
    )
    course.set_source(files)
    beside = course.course / "source" / toy.ASSIGNMENT / "data" / "number.txt"
    beside.parent.mkdir()
    beside.write_text("42", "utf-8")
    text = "import pathlib\nimport mine\nanswer = int(pathlib.Path('data/number.txt').read_text())"
    course.submit("ada", toy.solved(a_answer=text))
    (course.folder("ada") / "mine.py").write_text("x = 1", "utf-8")
    (course.folder("ada") / "data").mkdir()
    (course.folder("ada") / "data" / "number.txt").write_text("41", "utf-8")
    course.submit("bob", toy.solved(a_answer=text))
    (course.folder("bob") / "data").write_text("no folder", "utf-8")
    assert main(course.words()) == 1
    assert table(course)["ada"]["score"] == "5"
    bob = table(course)["bob"]
    assert bob["provisional_score"] == "4" and "ended with ModuleNotFoundError" in bob["reasons"]


def test_damaged_record_is_graded_again(course):
    course.submit("ada", toy.solved())
    assert main(course.words()) == 0
    path = course.out / "records" / toy.ASSIGNMENT / "ada.json"
    path.write_bytes(path.read_bytes()[:50])
    assert main(course.words()) == 0
    assert records(course)["ada"]["status"] == "graded"


def test_missing_packages(course, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    assert main(course.words()) == 2
    assert "requirements-grading.txt" in capsys.readouterr().err


def test_windows_is_refused(course, capsys, monkeypatch):
    course.submit("ada", toy.solved())
    monkeypatch.setattr(sys, "platform", "win32")
    assert main(course.words("--trusted")) == 2
    assert "Subsystem for Linux" in capsys.readouterr().err
