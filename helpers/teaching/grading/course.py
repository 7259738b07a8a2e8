"""The folder in which nbgrader keeps a course: its configuration and its sources."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import nbformat

from helpers.assignments import DRAWN_BY, package
from helpers.files import CourseError
from helpers.teaching.grading.nbgrader_steps import CONFIGURATION, FOLDER, configuration
from helpers.teaching.grading.submissions import Source, read_source

FORMAT = "3"
"""To be raised when the grader itself changes in a way that changes marks."""

SECRET = "secret.txt"
"""Beside nbgrader_config.py: a line from which each student's parts are drawn."""

SHORTEST_SECRET = 20


@dataclass(frozen=True)
class Assignment:
    """One assignment of a course: its source, and what students get beside it."""

    name: str
    source: Source
    files: dict
    """{relative path: bytes} of what lies beside the source's notebook."""
    secret: str | None = None
    """The teacher's, from which parts are drawn for each student."""

    @property
    def digest(self):
        """Changes when a grade could change; prose and stored outputs do not count."""
        source = self.source
        parts = [
            FORMAT,
            json.dumps(source.limits, sort_keys=True),
            repr(list(source.graded.values())),
            repr(source.answers),
            repr(source.given),
        ]
        if self.secret and self.name in DRAWN_BY:
            parts.append(digest([self.secret], {}))
        return digest(parts, self.files)

    def files_for(self, student):
        """{relative path: bytes} of what one student gets beside the notebook."""
        return self.files | package(self.name, student, self.secret)


def digest(texts, files):
    """SHA-256 over texts and files, as hexadecimal digits."""
    found = hashlib.sha256()
    for part in [*texts, *(x for pair in sorted(files.items()) for x in pair)]:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "replace")
        found.update(len(data).to_bytes(8, "little") + data)
    return found.hexdigest()


class Course:
    """A folder with nbgrader_config.py and source/. Raises CourseError."""

    def __init__(self, folder=FOLDER):
        self.folder = Path(folder).resolve()
        self.configuration = configuration(self.folder)
        settings = self.configuration.CourseDirectory
        self.secret = _secret(self.folder / SECRET)
        self.course_id = settings.get("course_id", "") or "default_course"
        database = f"sqlite:///{self.folder / 'gradebook.db'}"
        self.database = settings.get("db_url", "") or database
        self.steps = {
            step: self.folder / settings.get(f"{step}_directory", step)
            for step in ("source", "autograded", "feedback")
        }
        structure = settings.get("directory_structure", None)
        if structure not in (
            None,
            "{nbgrader_step}/{student_id}/{assignment_id}",
        ):
            raise CourseError(
                f"{self.folder / CONFIGURATION} changes directory_structure: this "
                "grader knows only nbgrader's usual folders. Remove that line."
            )

    def place(self, step, student, assignment):
        """nbgrader's folder for one submission at one step."""
        return self.steps[step] / student / assignment

    def assignments(self):
        """{name: Assignment} of all sources. Raises CourseError."""
        found = {}
        for folder in sorted(self.steps["source"].glob("*/")):
            path = folder / f"{folder.name}.ipynb"
            if not path.is_file():
                continue
            try:
                notebook = nbformat.read(path, as_version=4)
            except Exception as error:
                raise CourseError(f"{path} is not a notebook: {error}") from error
            files = {
                other.relative_to(folder).as_posix(): other.read_bytes()
                for other in sorted(folder.rglob("*"))
                if other.is_file()
                and other.suffix != ".ipynb"
                and not any(part.startswith(".") for part in other.parts[-2:])
                and "__pycache__" not in other.parts
            }
            source = read_source(notebook, self.folder)
            found[folder.name] = Assignment(folder.name, source, files, self.secret)
        if not found:
            raise CourseError(
                f"Nothing was graded: there is no source in {self.steps['source']}, "
                "such as 1_name/1_name.ipynb."
            )
        return found


def _secret(path):
    """The teacher's secret, None if there is none. Raises CourseError if it can be guessed."""
    if not path.is_file():
        return None
    text = path.read_text("utf-8").strip()
    if len(text) < SHORTEST_SECRET:
        raise CourseError(
            f"{path} is too short: a secret has {SHORTEST_SECRET} characters or more. Delete "
            "the file, and `python -m helpers release` makes another."
        )
    return text
