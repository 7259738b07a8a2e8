"""A class to rehearse with: five submissions of assignment 4, in a course of their own.

    python -m helpers.teaching.grading.rehearsal FOLDER

writes FOLDER/course, which is what nbgrader and `python -m helpers grade` want, with that
assignment alone, and FOLDER/submitted. Nothing in it is anybody's work.
"""

import re
import shutil
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from helpers.files import CourseError
from helpers.teaching.grading.nbgrader_steps import CONFIGURATION, FOLDER, student_version
from helpers.teaching.grading.submissions import grade_id, mark

ASSIGNMENT = "4_error_analysis"

CURIOUS = """from pathlib import Path

for name in ("/etc/passwd", "../../source", "../../../course/gradebook.db"):
    try:
        print(Path(name).read_text())
    except OSError as error:
        print(error)"""

ENDING = """import os

os._exit(0)"""


def submissions(source):
    """{student: notebook} made of a source's notebook node."""
    answers = [grade_id(cell) for cell in source.cells if mark(cell).get("solution")]
    right = _handed_in(source, "right", answers)
    broken = _handed_in(source, "broken", answers)
    _cell(broken, "answer-mistrusted").source += "\nretrun mistrusted"
    hostile = _handed_in(source, "right", answers)  # with the id of another
    _cell(hostile, "answer-worth").source = ENDING
    hostile.cells.insert(2, new_code_cell(CURIOUS))
    return {
        "right": right,
        "half": _handed_in(source, "half", answers[: len(answers) // 2]),
        "empty": student_version(source),
        "broken": broken,
        "hostile": hostile,
    }


def _handed_in(source, student, answers):
    """What students get, with the source's solutions in the cells `answers`."""
    notebook = student_version(source)
    for name in answers:
        text = _cell(source, name).source
        text = re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", text, flags=re.MULTILINE)
        _cell(notebook, name).source = text.replace('student = "demo"', f'student = "{student}"')
    return notebook


def _cell(notebook, name):
    return next(cell for cell in notebook.cells if grade_id(cell) == name)


def write(folder):
    """Write the course and its submissions into a new folder. Raises CourseError."""
    folder = Path(folder)
    if folder.exists():
        raise CourseError(f"{folder} is there already: name a new folder, or delete it first.")
    place = FOLDER / "source" / ASSIGNMENT
    source = nbformat.read(place / f"{ASSIGNMENT}.ipynb", as_version=4)
    shutil.copytree(place, folder / "course" / "source" / ASSIGNMENT)
    shutil.copy(FOLDER / CONFIGURATION, folder / "course")
    for student, notebook in submissions(source).items():
        name = f"{ASSIGNMENT} (1).ipynb" if student == "broken" else f"{ASSIGNMENT}.ipynb"
        path = folder / "submitted" / student / ASSIGNMENT / name
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Say where: python -m helpers.teaching.grading.rehearsal FOLDER")
    try:
        write(sys.argv[1])
    except CourseError as error:
        sys.exit(str(error))
    print(f"Now: cd {sys.argv[1]}/course")
    print("python -m helpers grade ../submitted --course . --out ../results")
