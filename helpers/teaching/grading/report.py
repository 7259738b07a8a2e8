"""What a run leaves in RESULTS: tables, the list for a person, a page a student.

Written anew by every run from the records and nbgrader's gradebook; so marks that a
person gives in formgrader need no further grading to arrive here.
"""

import csv
import json
from contextlib import contextmanager
from pathlib import PurePosixPath

import nbformat
from tqdm import tqdm

from helpers.files import write_file
from helpers.teaching.grading import feedback, gradebook
from helpers.teaching.grading.outcomes import FAILED, GRADED, PERSON
from helpers.teaching.grading.reading import Unreadable, read

COLUMNS = (
    "student",
    "assignment",
    "status",
    "score",
    "max_score",
    "provisional_score",
    "to_mark_by_hand",
    "reasons",
)


def write(out, tasks, strays, records, assignments, course):
    """Write everything into the folder `out`, and say so; the exit code.

    `tasks` and `strays` are what `run.find` found, `records` is {task: record}.
    0: every submission is graded; 1: some need a person, or the grader failed.
    """
    entered = gradebook.entered(course)
    known = [entered.get((task.student, task.assignment)) for task in tasks]
    done = [_settled(records[task], marks) for task, marks in zip(tasks, known, strict=True)]
    rows = [_row(*each) for each in zip(done, known, strict=True)]
    for student, assignment, reason in strays:
        row = dict.fromkeys(COLUMNS, "")
        row |= {"student": student, "assignment": assignment, "status": PERSON}
        rows.append(row | {"reasons": reason})
    with _table(out / "grades.csv") as table:
        table.writerow(COLUMNS)
        table.writerows(map(_harmless, row.values()) for row in rows)
    with _table(out / "platform.csv") as table:
        table.writerows(map(_harmless, row) for row in _platform(tasks, rows, assignments))
    with write_file(out / "needs_a_person.txt") as partial:
        partial.write_text(
            "".join(
                f"{row['student']}, {row['assignment'] or '(no assignment)'}: "
                f"{row['status']}. {row['reasons']}\n"
                for row in rows
                if row["status"] != GRADED
            ),
            "utf-8",
        )
    pages = tqdm(tasks, desc="Writing pages", unit="page", delay=2, leave=False)
    for task, record, marks in zip(pages, done, known, strict=True):
        assignment = assignments[task.assignment]
        _write_page(out, record, assignment, course, marks)
        _hand_on(task, course)
    return _say(out, rows)


def _say(out, rows):
    """Print what came out; the exit code."""
    counts = {
        status: sum(row["status"] == status for row in rows) for status in (GRADED, PERSON, FAILED)
    }
    print(", ".join(f"{count} {status}" for status, count in counts.items()) + ".")
    print(f"Grades: {out / 'grades.csv'}")
    if counts[PERSON] or counts[FAILED]:
        print(f"Why they need a person: {out / 'needs_a_person.txt'}")
    open_ = sum(bool(row["to_mark_by_hand"]) for row in rows)
    if open_:
        print(f"{open_} with parts to be marked by hand, in formgrader.")
    return 1 if counts[PERSON] or counts[FAILED] else 0


# --- marks ----------------------------------------------------------------------------


def _settled(record, entered):
    """The record; as graded, if a person has since confirmed each of its marks."""
    confirmed = entered and not any(open_ for _, open_ in entered["marks"].values())
    if record["status"] == PERSON and record["cells"] and confirmed:
        return record | {"status": GRADED}
    return record


def _row(record, entered):
    """{column: value}; only what is graded has a score."""
    cells = record["cells"]
    score, open_ = "", ""
    if cells and record["status"] != FAILED:
        score = sum(entered["marks"][name][0] for name in cells)
        open_ = sum(entered["marks"][name][1] for name in cells)
    graded = record["status"] == GRADED
    values = (
        record["student"],
        record["assignment"],
        record["status"],
        f"{score:g}" if graded else "",
        f"{sum(cell['points'] for cell in cells.values()):g}" if cells else "",
        "" if graded or score == "" else f"{score:g}",
        open_,
        " ".join(record["reasons"]),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _platform(tasks, rows, assignments):
    """Rows for a learning platform: one a student, one column an assignment.

    What is not a final mark is empty, for an import would take 0 as a mark.
    """
    names = sorted({task.assignment for task in tasks})
    # No number in round brackets: Canvas takes it for the number of an assignment.
    heads = [f"{name} [of {assignments[name].source.points:g}]" for name in names]
    final = {
        (row["student"], row["assignment"]): row["score"]
        for row in rows
        if row["status"] == GRADED and not row["to_mark_by_hand"]
    }
    yield ["student", *heads]
    for student in sorted({task.student for task in tasks}):
        yield [student, *(final.get((student, name), "") for name in names)]


# --- files ----------------------------------------------------------------------------


@contextmanager
def _table(path):
    """Yield a csv.writer; the mark at its beginning tells spreadsheets: UTF-8."""
    with (
        write_file(path) as partial,
        partial.open("w", encoding="utf-8-sig", newline="") as file,
    ):
        yield csv.writer(file)


def _harmless(value):
    """A spreadsheet takes what begins like this for a formula; wide forms, too."""
    text = str(value)
    formula = text.startswith(tuple("=+-@\t\r\n＝＋－＠"))
    return f"'{text}" if formula else text


def _write_page(out, record, assignment, course, entered):
    """The student's page, for handing back and where nbgrader looks for it."""
    student, name = record["student"], record["assignment"]
    notebook = None
    if record["cells"] and record["status"] != FAILED:
        path = gradebook.shown(course, student, name)
        notebook = nbformat.from_dict(json.loads(path.read_text("utf-8")))
    places = [
        out / "feedback" / student / f"{name}.html",
        course.place("feedback", student, name) / f"{name}.html",
    ]
    feedback.write(places, feedback.page(assignment, record, notebook, entered))


def _hand_on(task, course):
    """What `nbgrader release_feedback` must know of a submission from its exchange."""
    folder = course.place("feedback", task.student, task.assignment)
    for name in ("timestamp.txt", "submission_secret.txt"):
        try:
            content = read(task.folder, PurePosixPath(name), 1000)
        except Unreadable:
            continue
        with write_file(folder / name) as partial:
            partial.write_bytes(content)
