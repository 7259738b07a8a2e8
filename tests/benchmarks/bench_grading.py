"""The grader of this course against `nbgrader autograde`, on a class that is honest.

    python tests/benchmarks/bench_grading.py [SUBMISSIONS [EPOCHS [ASSIGNMENT]]]

Both grade the same submissions of ASSIGNMENT, by default 3_character_classifier: nbgrader
the first half, the grader all of them, nbgrader the second half. Marks must be the same.
Each is the source's solution under an id of its own. In assignment 3 it is trained from a
seed of its own, and for EPOCHS epochs wherever the source says `epochs=` (12 to 40; by default, which
0 stands for, 6 to 10, which differ too). What students train takes as long in both, so the gain falls
with it. It needs bubblewrap and requirements-grading.txt.

A solution that asks for what is drawn, as in assignment 1, is none that a student can hand in.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from helpers.teaching.grading import sandbox
from helpers.teaching.grading.course import Course
from helpers.teaching.grading.gradebook import entered
from helpers.teaching.grading.nbgrader_steps import FOLDER, student_version
from helpers.teaching.grading.submissions import grade_id, read_source

ASSIGNMENT = "3_character_classifier"


def handed_in(source, name, number, epochs):
    """The solution of `name`, where it trains from a seed and for epochs of its own.

    So nothing can be reused between two.
    """
    notebook = student_version(source)
    solved = {grade_id(cell): cell.source for cell in source.cells}
    found = dict.fromkeys(CHANGED, 0)
    new = {"id": f'"{name}"', "seed": str(number), "epochs": str(epochs or 6 + number % 5)}
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            text = solved[grade_id(cell)]
            text = re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", text, flags=re.M)
            for what, pattern in CHANGED.items():
                text, count = re.subn(pattern, rf"\g<1>{new[what]}", text, flags=re.M)
                found[what] += count
            cell.source = text
    assert found["id"] == 1, "the solution does not say its student as it did"
    trains = any("set_random_seed" in text for text in solved.values())
    assert found["epochs"] or not trains, "the solution does not say its epochs as it did"
    return notebook


CHANGED = {
    "id": r'^(student = )".*"$',
    "seed": r"(set_random_seed\()\d+",
    "epochs": r"(\bepochs=)\d+",
}
"""Patterns for what differs from one submission to the next: what is kept, what is replaced."""


def classroom(folder, numbers, epochs, assignment):
    """A course folder with the assignment and submissions of these numbers."""
    course = folder / "course"
    shutil.copytree(FOLDER / "source" / assignment, course / "source" / assignment)
    shutil.copy(FOLDER / "nbgrader_config.py", course)
    path = course / "source" / assignment / f"{assignment}.ipynb"
    source = nbformat.read(path, as_version=4)
    for number in numbers:
        name = f"student{number:03}"
        place = course / "submitted" / name / assignment
        place.mkdir(parents=True)
        notebook = handed_in(source, name, number, epochs)
        nbformat.write(notebook, place / f"{assignment}.ipynb")
    return course


def seconds_of(course, *words):
    """How long a command takes in the course's folder; it must succeed."""
    environment = os.environ | sandbox.ONE_THREAD  # for nbgrader too
    environment["COURSE_CACHE"] = str(course.parent / "cache")
    programs = Path(sys.executable).parent
    environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", *words],
        cwd=course,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def marks(course):
    """{student: {grade_id: score}} of a course folder's gradebook."""
    found = entered(Course(course))
    return {
        student: {name: score for name, (score, _) in entry["marks"].items()}
        for (student, _), entry in found.items()
    }


def run(count=40, epochs=0, assignment=ASSIGNMENT):
    """One row (what, seconds of nbgrader, ours, note)."""
    half = count // 2
    with ExitStack() as folders:

        def course(numbers):
            folder = folders.enter_context(tempfile.TemporaryDirectory())
            return classroom(Path(folder), numbers, epochs, assignment)

        # nbgrader before and after, because machines grow slower and faster.
        before, after = course(range(half)), course(range(half, count))
        ours = course(range(count))
        reference = [by_nbgrader(before, assignment)]
        words = ["submitted", "--course", str(ours), "--out", str(ours / "out")]
        seconds = seconds_of(ours, "helpers", "grade", *words)
        reference.append(by_nbgrader(after, assignment))
        expected, found = marks(before) | marks(after), marks(ours)
    if expected != found:
        different = [name for name in expected if expected[name] != found.get(name)]
        raise AssertionError(f"other marks than nbgrader's for {different}")
    cores = len(os.sched_getaffinity(0))
    parts = " + ".join(f"{part:.0f}" for part in reference)
    reference = sum(reference)
    trained = f"{epochs or '6 to 10'} epochs, " if assignment == ASSIGNMENT else ""
    note = (
        f"{count} submissions, {trained}{cores} cores: "
        f"{60 * count / reference:.1f} and {60 * count / seconds:.1f} a minute, the "
        f"proof of the source included; nbgrader: {parts} s, before and after"
    )
    return [(f"grading {assignment}", reference, seconds, note)]


def by_nbgrader(course, assignment):
    """Seconds that plain nbgrader takes for all submissions of a course folder."""
    path = course / "source" / assignment / f"{assignment}.ipynb"
    source = read_source(nbformat.read(path, as_version=4))
    # The cells' time limit of the source holds for both.
    limit = f"--Execute.timeout={source.limits['cell_seconds']}"
    seconds_of(course, "nbgrader", "generate_assignment", assignment)
    return seconds_of(course, "nbgrader", "autograde", assignment, limit)


if __name__ == "__main__":
    numbers = map(int, sys.argv[1:3])
    for what, reference, ours, note in run(*numbers, *sys.argv[3:]):
        print(f"{what:34} {reference:7.1f} s -> {ours:7.1f} s {reference / ours:6.1f} x   ({note})")
