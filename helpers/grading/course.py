"""The folder in which nbgrader keeps a course: its configuration and its sources."""

import copy
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat

from helpers.files import COURSE, CourseError
from helpers.grading.notebooks import Source, read_source

FOLDER = COURSE / "notebooks" / "assignments"
CONFIGURATION = "nbgrader_config.py"

FORMAT = "1"
"""To be raised when the grader itself changes in a way that changes marks."""


@cache
def configuration(folder=FOLDER):
    """The course's nbgrader_config.py as a traitlets Config.

    Raises CourseError if it has a mistake; nbgrader itself goes on without it.
    """
    from traitlets.config.loader import PyFileConfigLoader

    path = Path(folder) / CONFIGURATION
    if not path.is_file():
        raise CourseError(
            f"Nothing was graded: {path} is missing, so {folder} is not the folder "
            "of a course. Name that folder with --course."
        )
    try:
        return PyFileConfigLoader(path.name, str(path.parent)).load_config()
    except Exception as error:
        raise CourseError(
            f"Nothing was graded: {path} has a mistake, {type(error).__name__}: "
            f"{error}. Mend it, and start again."
        ) from error


def student_version(notebook, folder=FOLDER):
    """What students get of a source: no solutions, no hidden tests, no outputs.

    Made by nbgrader's own steps and settings; the notebook node itself is unchanged.
    """
    from nbgrader import preprocessors

    config = configuration(folder)
    notebook, resources = copy.deepcopy(notebook), {}
    for name in (
        "LockCells",
        "ClearSolutions",
        "ClearOutput",
        "CheckCellMetadata",
        "ClearHiddenTests",
        "ClearMarkScheme",
        "ComputeChecksums",
    ):
        step = getattr(preprocessors, name)(config=config)
        notebook, resources = step.preprocess(notebook, resources)
    return notebook


@dataclass(frozen=True)
class Assignment:
    """One assignment of a course: its source, and what students get beside it."""

    name: str
    source: Source
    files: dict
    """{relative path: bytes} of what lies beside the source's notebook."""

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
        return digest(parts, self.files)


def digest(texts, files):
    """SHA-256 over texts and files, as hexadecimal digits."""
    found = hashlib.sha256()
    for part in [*texts, *(x for pair in sorted(files.items()) for x in pair)]:
        data = (
            part if isinstance(part, bytes) else part.encode("utf-8", "replace")
        )
        found.update(len(data).to_bytes(8, "little") + data)
    return found.hexdigest()


class Course:
    """A folder with nbgrader_config.py and source/. Raises CourseError."""

    def __init__(self, folder=FOLDER):
        self.folder = Path(folder).resolve()
        self.configuration = configuration(self.folder)
        settings = self.configuration.CourseDirectory
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
                raise CourseError(
                    f"{path} is not a notebook: {error}"
                ) from error
            files = {
                other.relative_to(folder).as_posix(): other.read_bytes()
                for other in sorted(folder.rglob("*"))
                if other.is_file()
                and other.suffix != ".ipynb"
                and not any(part.startswith(".") for part in other.parts[-2:])
                and "__pycache__" not in other.parts
            }
            source = read_source(notebook, self.folder)
            found[folder.name] = Assignment(folder.name, source, files)
        if not found:
            raise CourseError(
                f"Nothing was graded: there is no source in {self.steps['source']}, "
                "such as 1_name/1_name.ipynb."
            )
        return found
