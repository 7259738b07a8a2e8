"""The grader of this course against `nbgrader autograde`, on a class that is honest.

    python tests/benchmarks/bench_grading.py [SUBMISSIONS [EPOCHS]]

Both grade the same submissions of assignment 3: nbgrader the first half, the grader
all of them, nbgrader the second half. Marks must be the same. Each is the source's
solution, but trained from a seed of its own and for EPOCHS epochs (20 as in the source;
by default for 6 to 10, which differ too). What students train takes as long in both, so
the gain falls with it. 40 submissions take a quarter of an hour on two cores. It needs
bubblewrap and requirements-grading.txt.
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


def handed_in(source, number, epochs):
    """The solution from a seed of its own: nothing can be reused between two."""
    notebook = student_version(source)
    solved = {grade_id(cell): cell.source for cell in source.cells}
    epochs_of = f"epochs, batch = {epochs or 6 + number % 5}"
    changed = 0
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            text = solved[grade_id(cell)]
            text = re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", text, flags=re.M)
            text = re.sub(r"(set_random_seed)\(\d+\)", rf"\1({number})", text)
            text, found = re.subn(r"epochs, batch = \d+", epochs_of, text)
            changed += found
            cell.source = text
    assert changed == 1, "the solution does not say its epochs as it did"
    return notebook


def classroom(folder, numbers, epochs):
    """A course folder with the assignment and submissions of these numbers."""
    course = folder / "course"
    shutil.copytree(FOLDER / "source" / ASSIGNMENT, course / "source" / ASSIGNMENT)
    shutil.copy(FOLDER / "nbgrader_config.py", course)
    path = course / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    source = nbformat.read(path, as_version=4)
    for number in numbers:
        place = course / "submitted" / f"student{number:03}" / ASSIGNMENT
        place.mkdir(parents=True)
        notebook = handed_in(source, number, epochs)
        nbformat.write(notebook, place / f"{ASSIGNMENT}.ipynb")
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


def run(count=40, epochs=None):
    """One row (what, seconds of nbgrader, ours, note)."""
    half = count // 2
    with ExitStack() as folders:

        def course(numbers):
            folder = folders.enter_context(tempfile.TemporaryDirectory())
            return classroom(Path(folder), numbers, epochs)

        # nbgrader before and after, because machines grow slower and faster.
        before, after = course(range(half)), course(range(half, count))
        ours = course(range(count))
        reference = [by_nbgrader(before)]
        words = ["submitted", "--course", str(ours), "--out", str(ours / "out")]
        seconds = seconds_of(ours, "helpers", "grade", *words)
        reference.append(by_nbgrader(after))
        expected, found = marks(before) | marks(after), marks(ours)
    if expected != found:
        different = [name for name in expected if expected[name] != found.get(name)]
        raise AssertionError(f"other marks than nbgrader's for {different}")
    cores = len(os.sched_getaffinity(0))
    parts = " + ".join(f"{part:.0f}" for part in reference)
    reference = sum(reference)
    note = (
        f"{count} submissions, {epochs or '6 to 10'} epochs, {cores} cores: "
        f"{60 * count / reference:.1f} and {60 * count / seconds:.1f} a minute, the "
        f"proof of the source included; nbgrader: {parts} s, before and after"
    )
    return [(f"grading {ASSIGNMENT}", reference, seconds, note)]


def by_nbgrader(course):
    """Seconds that plain nbgrader takes for all submissions of a course folder."""
    path = course / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    source = read_source(nbformat.read(path, as_version=4))
    # The cells' time limit of the source holds for both.
    limit = f"--Execute.timeout={source.limits['cell_seconds']}"
    seconds_of(course, "nbgrader", "generate_assignment", ASSIGNMENT)
    return seconds_of(course, "nbgrader", "autograde", ASSIGNMENT, limit)


if __name__ == "__main__":
    for what, reference, ours, note in run(*map(int, sys.argv[1:])):
        print(f"{what:34} {reference:7.1f} s -> {ours:7.1f} s {reference / ours:6.1f} x   ({note})")
