"""What each student gets: the notebook, and the parts that are drawn for this student alone.

`python -m helpers release IDS --out FOLDER` writes FOLDER/STUDENT/ASSIGNMENT. Everything
that differs is drawn from the secret in secret.txt, beside nbgrader_config.py; it is made
here if it is missing, and the grader reads it from there.
"""

import csv
import io
import secrets

import nbformat

from helpers.assignments import DRAWN_BY, package, same_id
from helpers.files import CourseError, write_file
from helpers.teaching.grading.course import SECRET, Course


def release(arguments):
    """The command `release`; returns its exit code."""
    course = Course(arguments.course)
    found = course.assignments()
    chosen = arguments.assignment or list(found)
    for name in chosen:
        if name not in found:
            raise CourseError(f"There is no assignment {name}: there are {', '.join(found)}.")
    ids = read_ids(arguments.ids)
    print(f"{len(ids)} students, from {ids[0]} to {ids[-1]}")
    if course.secret is None and any(name in DRAWN_BY for name in chosen):
        with write_file(course.folder / SECRET) as partial:
            partial.write_text(f"{secrets.token_hex(32)}\n", "utf-8")
        print(
            f"A secret was made: {course.folder / SECRET}. Keep it, tell it to nobody, and "
            "commit it nowhere: without it nothing that is handed out now can be graded."
        )
        course = Course(arguments.course)
    for name in chosen:
        text = nbformat.writes(found[name].source.blank)
        for student in ids:
            folder = arguments.out / student / name
            files = found[name].files | package(name, student, course.secret)
            for path, content in {f"{name}.ipynb": text.encode(), **files}.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                with write_file(folder / path) as partial:
                    partial.write_bytes(content)
        own = "each with parts of its own" if name in DRAWN_BY else "the same for all"
        print(f"{name}: {len(ids)} students, {own}")


HEADS = {"id", "student", "student id", "username", "user", "login", "matriculation number"}
"""What the first line of a table calls the column of ids, in small letters."""


def read_ids(path):
    """The ids in a file: the first column of a table, or a line each. Raises CourseError.

    Columns end at commas, semicolons or tabs. A first line that names them is passed over.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read as text: {error}") from error
    separator = next((s for s in "\t;," if s in text.partition("\n")[0]), ",")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    ids = [row[0].strip() for row in rows if row and row[0].strip()]
    if ids and ids[0].casefold() in HEADS:
        print(f"The first line of {path.name} names the columns: {ids.pop(0)!r} is no student.")
    if not ids:
        raise CourseError(f"{path} has no ids: write one into each line.")
    for name in ids:
        if name.startswith(".") or set(name) & set('/\\<>:"|?*;,') or not name.isprintable():
            raise CourseError(f"{name!r} cannot be the name of a folder: use another id.")
    same = [name for name in ids if sum(same_id(name) == same_id(n) for n in ids) > 1]
    if same:
        raise CourseError(f"Ids must differ by more than capitals: {', '.join(same)}")
    return ids
