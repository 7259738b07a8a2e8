"""nbgrader's gradebook, and the notebooks that its formgrader shows.

Marks that a person has given are never touched here.
"""

import copy
import json
import os
import re
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat.v4 import new_output

from helpers.files import CourseError, write_file
from helpers.teaching.grading import feedback
from helpers.teaching.grading.outcomes import FAILED, GRADED
from helpers.teaching.grading.submissions import grade_id, tests_after


@contextmanager
def gradebook(course):
    """The open gradebook of a Course. Raises CourseError."""
    # For a new database nbgrader starts the program alembic, by its bare name.
    programs = str(Path(sys.executable).parent)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = programs + os.pathsep + os.environ.get("PATH", "")

    from nbgrader.api import Gradebook
    from sqlalchemy.exc import SAWarning, SQLAlchemyError

    try:
        with (
            warnings.catch_warnings(action="ignore", category=SAWarning),
            Gradebook(course.database, course.course_id) as book,
        ):
            yield book
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        raise CourseError(
            f"The gradebook {course.database} cannot be used ({reason}). Is another "
            "program working on it? All finished grades are safe in the results "
            "folder: mend it, and start again."
        ) from error


def register(course, assignment):
    """Enter an assignment and its cells, as `nbgrader generate_assignment` does."""
    from nbgrader import preprocessors

    with gradebook(course) as book:
        book.update_or_create_assignment(assignment.name)
    notebook = copy.deepcopy(assignment.source.notebook)
    resources = {
        "nbgrader": {
            "notebook": assignment.name,
            "assignment": assignment.name,
            "db_url": course.database,
        }
    }
    steps = "LockCells ClearSolutions ClearOutput CheckCellMetadata ComputeChecksums"
    try:
        for name in [*steps.split(), "SaveCells"]:
            step = getattr(preprocessors, name)(config=course.configuration)
            notebook, resources = step.preprocess(notebook, resources)
    except RuntimeError as error:
        raise CourseError(
            f"Nothing was graded: cells were added to the source of "
            f"{assignment.name} or taken away, and there are already grades for it. "
            "Undo that, or remove the assignment from the gradebook first "
            f"(nbgrader db assignment remove {assignment.name} --force)."
        ) from error


def enter(course, record):
    """Enter a record's marks; what a person has marked stays as it is.

    A cell asks for a person again if its mark changes under one given by hand, or
    if the student has handed in something else meanwhile.
    """
    student, assignment = record["student"], record["assignment"]
    if not record["cells"] or record["status"] == FAILED:
        return  # no marks, which is not the same as no points
    unsure = record["status"] != GRADED
    all_of_them = unsure and record["all doubtful"]
    timestamp, resubmitted = record["handed in"], record["resubmitted"]
    with gradebook(course) as book:
        book.update_or_create_student(student)
        when = {"timestamp": timestamp} if timestamp else {}
        book.update_or_create_submission(assignment, student, **when)
        notebook = book.find_submission_notebook(assignment, assignment, student)
        for grade in notebook.grades:
            cell = record["cells"][grade.name]
            by_hand = grade.manual_score is not None
            changed = grade.auto_score != cell["score"]
            grade.auto_score = cell["score"]
            if not by_hand:
                doubtful = all_of_them or bool(cell["doubt"])
                grade.needs_manual_grade = doubtful or cell["score"] is None
            elif changed or resubmitted:
                grade.needs_manual_grade = True
        for comment in notebook.comments:
            cell = record["cells"].get(comment.name, {})
            blank = cell.get("by_hand") and cell.get("score") is not None
            comment.auto_comment = "No answer." if blank else None
        book.db.commit()


def entered(course):
    """{(student, assignment): {"marks": {grade_id: ...}, "comments": {grade_id: text}}}

    Each mark is (score, needs_manual_grade); the score includes what a person gave.
    """
    found = {}
    with gradebook(course) as book:
        for assignment in book.assignments:
            for submission in assignment.submissions:
                for notebook in submission.notebooks:
                    found[submission.student.id, assignment.name] = {
                        "marks": {
                            grade.name: (grade.score, grade.needs_manual_grade)
                            for grade in notebook.grades
                        },
                        "comments": {
                            comment.name: comment.comment
                            for comment in notebook.comments
                            if comment.comment
                        },
                    }
    return found


def autograded(assignment, notebook, outcome):
    """The submission as formgrader shows it: the student's cells and outputs, the
    source's tests with their results, and nothing that could run in a browser."""
    source = assignment.source
    shown = nbformat.v4.new_notebook()
    language = {"name": "python", "file_extension": ".py"}
    shown.metadata.language_info = language
    after = tests_after(source, notebook)
    ours = {c.source for c in source.notebook.cells if c.cell_type == "markdown"}
    cells, known = [], set()
    cells += [_test(source, name, outcome) for name in after.get(-1, ())]
    for place, theirs in enumerate(notebook.cells):
        name = grade_id(theirs)
        graded = source.graded.get(name)
        if graded is None or graded.by_hand:
            cell = _cell(theirs, outcome.outputs.get(place, []), ours)
            if place in outcome.told:
                cell.metadata["after_tests"] = True
            if place in outcome.problems:
                cell.metadata["problem"] = outcome.problems[place]
            if name in source.marks and name not in known:
                known.add(name)
                cell.metadata["nbgrader"] = dict(source.marks[name])
                if name in source.given:
                    cell.source = source.given[name]
            cells.append(cell)
        cells += [_test(source, test, outcome) for test in after.get(place, ())]
    for name, graded in source.graded.items():
        if graded.by_hand and name not in known:  # or it could not be marked
            cell = nbformat.v4.new_markdown_cell("*(This cell was deleted.)*")
            cell.metadata["nbgrader"] = dict(source.marks[name])
            cells.append(cell)
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    shown.cells = cells
    return shown


_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_PICTURE = re.compile(
    r"!\[(?P<allowed>[^\[\]\n]*\]\("
    r"(?:attachment:(?P<name>[^()\s]+)|data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=]+)\))?"
)
"""The beginning of a picture; all of it if it is attached or written out."""


def _without_pictures(text, attachments):
    """Text whose pictures are its own: the address of another would learn when and where
    somebody marks, and a missing one would stop whoever shows the cell."""

    def kept(found):
        own = found["allowed"] and (found["name"] is None or found["name"] in attachments)
        return found[0] if own else f"!\\[{found['allowed'] or ''}"

    return _PICTURE.sub(kept, text)


def _cell(theirs, outputs, ours):
    """A student's cell, with outputs of our run; `ours` are texts that may hold HTML."""
    if theirs.cell_type == "code":
        cell = nbformat.v4.new_code_cell(theirs.source)
        cell.outputs = [nbformat.from_dict(output) for output in outputs]
        return cell
    text = theirs.source
    if text not in ours:
        text = _without_pictures(_TAG.sub("&lt;", text), theirs.get("attachments", {}))
        if len(text) > feedback.MAX_RENDERED:
            longest = max((len(run) for run in re.findall("`+", text)), default=0)
            fence = "`" * max(3, longest + 1)
            text = f"{fence}\n{text}\n{fence}"
    cell = nbformat.v4.new_markdown_cell(text)
    if text in ours:
        cell.metadata["ours"] = True
    for name, forms in theirs.get("attachments", {}).items():
        for form in set(forms) & {"image/png", "image/jpeg"}:
            cell.setdefault("attachments", {})[name] = {form: forms[form]}
    return cell


def _test(source, name, outcome):
    """A test cell of the source, with an output that nbgrader reads as the same marks."""
    cell = nbformat.v4.new_code_cell(source.graded[name].text)
    cell.metadata["nbgrader"] = dict(source.marks[name])
    result = outcome.cells[name]
    message = f"Doubt: {result.doubt}" if result.doubt else result.message
    if message:
        error, _, text = message.partition(": ")
        output = new_output("error", ename=error, evalue=text)
        output.traceback = [message]
        cell.outputs = [output]
    elif result.score != result.points:
        data = {"text/plain": repr(result.score)}
        cell.outputs = [new_output("execute_result", data, execution_count=None)]
    return cell


def shown(course, student, assignment):
    """Where formgrader looks for a submission: a path."""
    folder = course.place("autograded", student, assignment)
    return folder / f"{assignment}.ipynb"


def write_autograded(course, record, notebook):
    """Store what `autograded` made, where formgrader looks for it."""
    path = shown(course, record["student"], record["assignment"])
    with write_file(path) as partial:
        partial.write_text(json.dumps(notebook, ensure_ascii=True), "utf-8")
