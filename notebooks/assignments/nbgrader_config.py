"""nbgrader's settings for this course; nbgrader reads them when it is started here."""

import os
from pathlib import Path

from nbgrader import preprocessors

from helpers.teaching.grading.nbgrader_extras import DropStderr, GoOn

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "computer_vision"

# What students find where the solution was.
c.ClearSolutions.code_stub = {
    "python": 'raise NotImplementedError("Write your answer here.")'
}
c.ClearSolutions.text_stub = "*Write your answer here (double-click).*"

# nbgrader's own steps, and one more: an exercise that is left out does not stop
# *Run All Cells* in JupyterLab.
c.GenerateAssignment.preprocessors = [
    preprocessors.IncludeHeaderFooter,
    preprocessors.LockCells,
    preprocessors.ClearSolutions,
    preprocessors.ClearOutput,
    preprocessors.CheckCellMetadata,
    preprocessors.ComputeChecksums,
    preprocessors.SaveCells,
    preprocessors.ClearHiddenTests,
    preprocessors.ClearMarkScheme,
    preprocessors.ComputeChecksums,
    preprocessors.CheckCellMetadata,
    GoOn,
]

# The teacher's secret, for plain `nbgrader autograde`: what is drawn for each student.
_secret = Path(__file__).parent / "secret.txt"
if _secret.is_file():
    os.environ.setdefault("COURSE_SECRET", _secret.read_text("utf-8").strip())

# What follows is for plain `nbgrader autograde`. The grader of this course,
# `python -m helpers grade`, has limits of its own.
c.Execute.timeout = 120
c.Execute.interrupt_on_timeout = True
# nbgrader's own steps, and one more: text on standard error costs no points.
c.Autograde.autograde_preprocessors = [
    preprocessors.Execute,
    DropStderr,
    preprocessors.IgnorePattern,
    preprocessors.LimitOutput,
    preprocessors.SaveAutoGrades,
    preprocessors.AssignLatePenalties,
    preprocessors.CheckCellMetadata,
]
