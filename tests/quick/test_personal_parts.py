"""What is drawn for a student follows from the teacher's secret and the id, and only from them."""

import io

import numpy as np
import pytest
from support import ROOT

from helpers import assignments
from helpers.assignments import students
from helpers.files import CourseError

SECRET = "a secret of twenty or more characters"
EVERY = sorted(assignments.DRAWN_BY)


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """An empty working folder, and nothing said by a grader."""
    monkeypatch.chdir(tmp_path)
    for name in ("COURSE_STUDENT", "COURSE_SECRET"):
        monkeypatch.delenv(name, raising=False)


def same(first, second):
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name])
        if isinstance(first[name], np.ndarray)
        else first[name] == second[name]
        for name in first
    )


@pytest.mark.parametrize("name", EVERY)
def test_what_is_handed_out_is_what_the_grader_draws(name, tmp_path, monkeypatch):
    for path, content in assignments.package(name, " Ab1 ", SECRET).items():
        (tmp_path / path).write_bytes(content)
    read = assignments.mine(name, "ab1")
    monkeypatch.setenv("COURSE_SECRET", SECRET)
    drawn = assignments.truth(name, "AB1")
    assert same(read, assignments.mine(name, "ab1"))
    assert same(read, {k: v for k, v in drawn.items() if not k.startswith("_")})


@pytest.mark.parametrize("name", EVERY)
def test_another_secret_and_another_student_get_other_parts(name):
    def packed(who, secret=None):
        return assignments.package(name, who, secret)

    assert packed("ann", SECRET) == packed("ann", SECRET)
    different = [
        *(packed("ann"), packed("ann", SECRET), packed("ann", SECRET + "x")),
        *(packed("bob"), packed("bob", SECRET)),
    ]
    contents = [content[f"{name}.npz"] for content in different]
    assert len(set(contents)) == 5


@pytest.mark.parametrize("name", EVERY)
def test_a_package_tells_nothing_that_is_hidden(name):
    (content,) = assignments.package(name, "ann", SECRET).values()
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        assert not [key for key in file.files if key.startswith("_")]
        assert '"_' not in str(file["about"])
        assert SECRET not in str(file["about"])


def test_without_a_file_it_is_self_study():
    name = EVERY[0]
    assert same(assignments.truth(name, "ann"), students._drawn(name, "ann", students.SELF_STUDY))
    assert not [key for key in assignments.mine(name, "ann") if key.startswith("_")]


def test_the_file_of_another_student_is_refused(tmp_path):
    name = EVERY[0]
    for path, content in assignments.package(name, "bob", SECRET).items():
        (tmp_path / path).write_bytes(content)
    with pytest.raises(CourseError, match="belongs to the student 'bob'"):
        assignments.mine(name, "ann")
    (tmp_path / f"{name}.npz").write_bytes(b"PK and nothing more")
    with pytest.raises(CourseError, match="is damaged"):
        assignments.mine(name, "bob")


def test_what_is_read_can_be_changed_by_nobody_else():
    name = EVERY[0]
    first = assignments.truth(name, "ann")
    first.clear()
    assert assignments.truth(name, "ann")


def test_an_assignment_without_parts_has_no_package():
    assert assignments.package("0_toy", "ann", SECRET) == {}


def test_draws_with_a_secret():
    def numbers(secret):
        draws = assignments.Draws("a", "b", secret=secret)
        return [draws.whole(1, 1000) for _ in range(5)]

    assert numbers("x") == numbers("x") != numbers("y") != numbers(None)
    assert assignments.Draws("a").array(-3, 3, (4, 5)).shape == (4, 5)


def test_no_secret_is_kept_in_the_repository():
    ignored = (ROOT / ".gitignore").read_text("utf-8")
    assert "/notebooks/assignments/secret.txt" in ignored
    assert not (ROOT / "notebooks" / "assignments" / "secret.txt").exists()


# --- marks ------------------------------------------------------------------------


def test_marks_property_by_property():
    marks = assignments.Marks()
    for what, right in (("first", True), ("second", False), ("second", False), ("third", True)):
        with marks.part(what, 1.5):
            assert right
    assert marks.total() == 3.0 and marks.missed == ["second"]
    with pytest.raises(NotImplementedError), marks.part("fourth", 1):
        raise NotImplementedError
    with pytest.raises(MemoryError), marks.part("fifth", 1):
        raise MemoryError
    assert marks.missed == ["second"]


def test_follows():
    def slip():
        return 8

    assignments.follows(7, 7, None, "right")
    assignments.follows(8, 7, slip, "consistent")
    for got, own, sound in ((9, slip, True), (8, slip, False), (8, lambda: 1 / 0, True)):
        with pytest.raises(AssertionError, match="instead of 7"):
            assignments.follows(got, 7, own, "wrong", sound)
    with pytest.raises(AssertionError):
        assignments.follows(np.nan, 7, lambda: np.nan, "no number")
