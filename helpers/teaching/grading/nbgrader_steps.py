"""What students get of a source, made by nbgrader's own steps and settings."""

import copy
from functools import cache
from pathlib import Path

from helpers.files import COURSE, CourseError

FOLDER = COURSE / "notebooks" / "assignments"
CONFIGURATION = "nbgrader_config.py"


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

    The notebook node itself is unchanged.
    """
    from nbgrader import preprocessors

    from helpers.teaching.grading.nbgrader_extras import GoOn

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
    notebook, _ = GoOn().preprocess(notebook, resources)
    return notebook
