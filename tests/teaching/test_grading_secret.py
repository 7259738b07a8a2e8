"""The teacher's secret while a class is graded, what each student is handed out, and the
properties that a page may name."""

import os

import grading_toy as toy
import nbformat
import pytest

toy.require_nbgrader()

from helpers.__main__ import main  # noqa: E402
from helpers.assignments import package  # noqa: E402
from helpers.teaching.grading import release  # noqa: E402
from helpers.teaching.grading.course import SECRET as FILE  # noqa: E402
from helpers.teaching.grading.course import Assignment, Course  # noqa: E402
from helpers.teaching.grading.engine import Engine  # noqa: E402
from helpers.teaching.grading.run import prove  # noqa: E402
from helpers.teaching.grading.submissions import read_source  # noqa: E402

NAME = "2_arithmetic_of_networks"
SECRET = "a secret of twenty or more characters"

GIVEN = f"""import os
from helpers.assignments import mine, truth
student = "ann"
theirs = mine("{NAME}", student)["networks"]
try:
    guess = truth("{NAME}", student)["networks"]
except Exception as error:
    guess = str(error)
seen = sorted(name for name in os.environ if "SECRET" in name)"""

TEST = f"""# Test: it is ours
assert theirs
### BEGIN HIDDEN TESTS
from helpers.assignments import truth
_drawn = truth("{NAME}", student)["networks"]
# Property: what was handed out is what the judge draws
assert theirs == _drawn
# Property: a student cannot draw it
assert guess == "Only your teacher can say this: it follows from a secret."
# Property: no secret in the student's process
assert seen == []
### END HIDDEN TESTS"""

PARTLY = """# Test: halves
### BEGIN HIDDEN TESTS
from helpers.assignments import Marks
_marks = Marks()
with _marks.part("half of an odd number", 1):
    assert half(3) == 1.5
with _marks.part("half of an even number", 2):
    assert half(4) == 2
_marks.missed.append(str(half(2)))
_marks.total()
### END HIDDEN TESTS"""


@pytest.fixture(scope="module")
def engine():
    with Engine(secret=SECRET) as engine:
        yield engine


def graded(engine, half="def half(x):\n    return x // 2", files=None):
    notebook = toy.notebook(
        toy.given("start", GIVEN),
        toy.test("ours", 1, TEST),
        toy.answer("a_half", half),
        toy.test("half", 3, PARTLY),
    )
    files = package(NAME, "ann", SECRET) if files is None else files
    return engine.grade(notebook, notebook, "Ann", files).cells


def test_the_judge_knows_the_secret_and_the_student_does_not(engine):
    cell = graded(engine)["ours"]
    assert cell.score == 1, cell.message


def test_parts_that_somebody_has_made_up_earn_nothing(engine):
    cell = graded(engine, files=package(NAME, "ann"))["ours"]
    assert cell.score == 0
    assert cell.missed == ["what was handed out is what the judge draws"]


def test_a_page_names_the_property_and_nothing_of_the_student(engine):
    text = "def half(x):\n    return x // 2 if x != 2 else 'the test asked for 2'"
    cell = graded(engine, text)["half"]
    assert cell.score == 2
    assert cell.missed == ["half of an odd number"]


def test_a_solution_that_asks_for_what_is_drawn_is_proved(engine):
    asks = f"""from helpers.assignments import truth
half = truth("{NAME}", "nobody")["networks"]"""
    test = f"""# Test: ours
assert half
### BEGIN HIDDEN TESTS
from helpers.assignments import truth
assert half == truth("{NAME}", "nobody")["networks"]
### END HIDDEN TESTS"""
    notebook = toy.notebook(toy.answer("a_half", asks), toy.test("half", 1, test))
    source = read_source(notebook)
    assert prove(engine, Assignment(NAME, source, {}, SECRET)) == ([], False)
    pasted = engine.grade(source, notebook, "nobody", package(NAME, "nobody", SECRET))
    assert pasted.cells["half"].score == 0


def test_tests_are_called_by_their_first_line():
    notebook = toy.notebook(
        toy.new_markdown_cell("### 1.2 Half (3 points)"),
        toy.answer("a_half", "half = 1"),
        toy.test("half", 1, PARTLY),
        toy.test("other", 1, "assert half"),
    )
    names = read_source(notebook).names
    assert names["half"] == "1.2 Half: halves"
    assert names["other"] == "1.2 Half"


def test_release(tmp_path, capsys):
    course = toy.ToyCourse(tmp_path).course
    (course / "source" / toy.ASSIGNMENT).rename(course / "source" / NAME)
    old = course / "source" / NAME / f"{toy.ASSIGNMENT}.ipynb"
    old.rename(old.with_name(f"{NAME}.ipynb"))
    ids = tmp_path / "ids.csv"
    ids.write_text("Ann,Ann Smith\n\n李明,Li Ming\n", "utf-8")
    words = ["release", str(ids), "--course", str(course), "--out", str(tmp_path / "out put")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "A secret was made" in said and "2 students" in said
    secret = (course / FILE).read_text("utf-8").strip()
    assert len(secret) == 64 and secret not in said
    assert Course(course).secret == secret
    for student in ("Ann", "李明"):
        folder = tmp_path / "out put" / student / NAME
        notebook = nbformat.read(folder / f"{NAME}.ipynb", 4)
        assert "return 2 * x" not in nbformat.writes(notebook)
        found = {p.name: p.read_bytes() for p in folder.glob("*.npz")}
        assert found == package(NAME, student, secret)
    assert main(words) == 0
    assert "A secret was made" not in capsys.readouterr().out
    assert (course / FILE).read_text("utf-8").strip() == secret
    assert "COURSE_SECRET" not in os.environ or os.environ.pop("COURSE_SECRET") == secret


@pytest.mark.parametrize(
    "text",
    [
        "Ann\n\u674e\u660e\n",
        "Student,name\nAnn,Ann Smith\n\u674e\u660e,Li Ming\n",
        "\ufeffid;name\r\nAnn;Smith, Ann\r\n\u674e\u660e;Li Ming\r\n",
        "Ann\tAnn Smith\n\u674e\u660e\tLi Ming\n",
    ],
)
def test_tables_of_ids(tmp_path, text, capsys):
    """Columns end at commas, semicolons or tabs; a line of headings is no student."""
    (tmp_path / "ids.csv").write_bytes(text.encode())
    assert release.read_ids(tmp_path / "ids.csv") == ["Ann", "\u674e\u660e"]
    assert ("names the columns" in capsys.readouterr().out) == text.lower().strip(
        "\ufeff"
    ).startswith(("student", "id"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no ids"),
        ("a/b\n", "cannot be the name of a folder"),
        ("Ann\nann\n", "more than capitals"),
    ],
)
def test_ids_that_cannot_be_used(text, reason, tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(release.CourseError, match=reason):
        release.read_ids(path)


def test_a_short_secret_is_refused(tmp_path):
    course = toy.ToyCourse(tmp_path).course
    (course / FILE).write_text("password\n", "utf-8")
    with pytest.raises(release.CourseError, match="too short"):
        Course(course)


def test_another_secret_grades_everything_again(tmp_path):
    course = toy.ToyCourse(tmp_path).course
    (course / "source" / toy.ASSIGNMENT).rename(course / "source" / NAME)
    old = course / "source" / NAME / f"{toy.ASSIGNMENT}.ipynb"
    old.rename(old.with_name(f"{NAME}.ipynb"))
    before = Course(course).assignments()[NAME].digest
    (course / FILE).write_text(f"{SECRET}\n", "utf-8")
    assert Course(course).assignments()[NAME].digest != before
