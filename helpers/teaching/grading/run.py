"""A whole class: finds submissions, and grades what is not graded yet.

Each finished submission is one file in RESULTS/records, written at once; so a run
that is killed and started again goes on where it was.
"""

import json
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from joblib import cpu_count
from tqdm import tqdm

from helpers.files import CourseError, write_file
from helpers.teaching.grading import gradebook, report, sandbox
from helpers.teaching.grading.course import Course, digest
from helpers.teaching.grading.engine import (
    FAILED,
    PERSON,
    Engine,
    Outcome,
)
from helpers.teaching.grading.nbgrader_steps import student_version
from helpers.teaching.grading.submissions import (
    Unreadable,
    read_submission,
    shown_name,
)


@dataclass(frozen=True)
class Task:
    """One submission: where it is, and where its record goes."""

    student: str
    assignment: str
    folder: Path
    record: Path


def grade(arguments):
    """The command `grade`; returns its exit code.

    0: every submission is graded; 1: some need a person, or the grader failed.
    """
    sandbox.require(arguments.trusted)
    course = Course(arguments.course)
    assignments = course.assignments()
    if arguments.assignment:
        for name in arguments.assignment:
            if name not in assignments:
                raise CourseError(
                    f"There is no assignment {name}: there are {', '.join(assignments)}."
                )
        assignments = {name: assignments[name] for name in arguments.assignment}
    # With one a processor, two processors were idle for a sixth of the time, because
    # the processes of a submission wait for each other.
    workers = arguments.workers or cpu_count() + 1
    if arguments.prove:
        with _engine(assignments.values(), arguments.trusted) as engine:
            engine.ready()
            wrong = [w for a in assignments.values() for w in prove(engine, a, course)]
        print("\n".join(wrong) or "Every solution earns all points, every blank none.")
        return 1 if wrong else 0
    if arguments.submissions is None or arguments.out is None:
        raise CourseError(
            "Say which folder holds the submissions, and where results go: "
            "python -m helpers grade SUBMISSIONS --out RESULTS"
        )
    out = Path(arguments.out).resolve()
    tasks, strays = find(Path(arguments.submissions), assignments, out)
    if not tasks and not strays:
        raise CourseError(
            f"There is no submission in {arguments.submissions}: the grader looks for "
            "STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb."
        )
    used = [assignments[name] for name in sorted({t.assignment for t in tasks})]
    # The engine takes as long to start as nbgrader to be imported.
    with _only_one(out):
        with _engine(used, arguments.trusted) as engine:
            for assignment in used:
                gradebook.register(course, assignment)
            work, records = _left_to_do(tasks, assignments, course, arguments.regrade)
            if work:
                engine.ready()
                _grade_all(engine, work, used, course, out, records, workers)
        return report.write(out, tasks, strays, records, assignments, course)


def _engine(assignments, trusted):
    modules = dict.fromkeys(m for a in assignments for m in a.source.modules)
    return Engine(list(modules), trusted=trusted)


def prove(engine, assignment, course):
    """Sentences on what is wrong with a source; [] if nothing is.

    Its own solution must earn all points, and what students get none.
    """
    source = assignment.source
    blank = student_version(source.notebook, course.folder)
    with ThreadPoolExecutor(2) as pool:
        outcomes = pool.map(
            lambda notebook: engine.grade(source, notebook, "nobody", assignment.files),
            (source.notebook, blank),
        )
    for outcome, full in zip(outcomes, (True, False), strict=True):
        what = "solution" if full else "blank"
        if outcome.status == FAILED:
            yield f"{assignment.name}, {what}: {outcome.reasons[0]}"
            continue
        for name, cell in outcome.cells.items():
            expected = cell.points if full else 0
            if not cell.by_hand and cell.score != expected:
                yield (
                    f"{assignment.name}, {what}: test {name} gives {cell.score:g} of "
                    f"{cell.points:g} points. {cell.message}"
                )


def _prove_once(engine, assignments, course, out):
    """Grade nothing with a source that its own solution does not satisfy."""
    path = out / "records" / "proved.json"
    proved = _json(path) or []
    for assignment in assignments:
        if assignment.digest in proved:
            continue
        wrong = list(prove(engine, assignment, course))
        if wrong:
            raise CourseError(
                f"Nothing was graded, because a source contradicts itself: {wrong[0]} "
                "Mend it; `python -m helpers grade --prove` shows everything."
            )
        proved.append(assignment.digest)
    _write_json(path, proved)


@contextmanager
def _only_one(out):
    """Two runs on one results folder would grade everything twice."""
    import fcntl

    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CourseError(
                f"Another run is grading into {out}: wait for it, or end it first."
            ) from error
        yield


# --- what there is to do ------------------------------------------------------------


def find(submissions, assignments, out):
    """(Tasks, [(student, assignment, reason)] for what cannot be one)."""
    if not submissions.is_dir():
        raise CourseError(f"{submissions} is not a folder with submissions.")
    tasks, strays = [], []
    for student in sorted(submissions.iterdir()):
        if student.name.startswith("."):
            continue
        if not student.name.isprintable():
            name = repr(student.name)
            strays.append((name, "", "The name of this folder is no ordinary text."))
            continue
        if student.is_symlink() or not student.is_dir():
            strays.append((student.name, "", "It is a file or link, not a folder."))
            continue
        for folder in sorted(student.iterdir()):
            name = folder.name
            if name in assignments:
                record = out / "records" / name / f"{_file_name(student.name)}.json"
                tasks.append(Task(student.name, name, folder, record))
            elif not name.startswith("."):
                reason = "There is no such assignment."
                strays.append((student.name, shown_name(name), reason))
    return tasks, strays


def _file_name(student):
    """A name that every file system takes, however long the student's is."""
    if len(student.encode("utf-8", "surrogateescape")) < 200:
        return student
    return student[:40] + digest([student], {})[:16]


def _left_to_do(tasks, assignments, course, regrade):
    """([(task, digest of the submission)] to grade, {task: record} that are done)."""
    work, records = [], {}
    entered = gradebook.entered(course)
    for task in tasks:
        assignment = assignments[task.assignment]
        record = _json(task.record)
        try:
            notebook, files, _ = read_submission(task.folder, task.assignment, assignment.source)
            handed_in = digest([json.dumps(notebook, sort_keys=True)], files)
        except Unreadable as error:
            handed_in = f"unreadable: {error}"
        same = (
            record is not None
            and record.get("submission") == handed_in
            and record.get("source") == assignment.digest
            and record.get("status") != FAILED
            and not _lost(task, record, course, entered)
        )
        if same and not regrade:
            records[task] = record
            # The last run may have been stopped before that.
            _finish(task, record, course)
        else:
            work.append((task, handed_in))
    return work, records


def _lost(task, record, course, entered):
    """Has somebody removed marks that were entered, or what formgrader shows?"""
    if not record["cells"] or not record["entered"]:
        return False
    shown = gradebook.shown(course, task.student, task.assignment)
    return (task.student, task.assignment) not in entered or not shown.is_file()


def _json(path):
    """The content of a JSON file, None if it is missing or damaged."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _write_json(path, value):
    with write_file(path) as partial:
        partial.write_text(json.dumps(value, indent=1), "utf-8")


# --- doing it -------------------------------------------------------------------------


def _grade_all(engine, work, assignments, course, out, records, workers):
    """Grade in parallel, and store each result as soon as it is there.

    The proof of the sources runs beside the first submissions; no result is stored
    before it is complete.
    """
    by_name = {assignment.name: assignment for assignment in assignments}

    def one(task, handed_in):
        began = time.monotonic()
        assignment = by_name[task.assignment]
        outcome, shown = _grade_one(engine, task, assignment)
        record = {
            "student": task.student,
            "assignment": task.assignment,
            "status": outcome.status,
            "reasons": outcome.reasons,
            "cells": {name: asdict(cell) for name, cell in outcome.cells.items()},
            "submission": handed_in,
            "source": assignment.digest,
            "graded": datetime.now(UTC).isoformat(timespec="seconds"),
            "handed in": _timestamp(task.folder),
            "entered": False,
            "seconds": round(time.monotonic() - began, 1),
        }
        return task, record, shown

    waiting = iter(work)
    with (
        ThreadPoolExecutor(workers) as pool,
        tqdm(total=len(work), desc="Grading", unit="notebook") as bar,
    ):
        proof = pool.submit(_prove_once, engine, assignments, course, out)
        running, results = {proof}, set()
        try:
            while True:
                for task, handed_in in waiting:
                    running.add(pool.submit(one, task, handed_in))
                    if len(running) > workers:
                        break
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                results |= done - {proof}
                if not proof.done():
                    continue
                proof.result()
                while results:
                    task, record, shown = results.pop().result()
                    _store(task, record, shown, course)
                    records[task] = record
                    bar.update()
        except BaseException:  # also of who stops it by Ctrl-C
            pool.shutdown(wait=False, cancel_futures=True)
            engine.stop()
            raise


def _grade_one(engine, task, assignment):
    """(Outcome, the notebook for formgrader or None); a failure stays with this one."""
    try:
        notebook, files, notes = read_submission(task.folder, task.assignment, assignment.source)
    except Unreadable as error:
        return Outcome(PERSON, [str(error)]), None
    try:
        extra = {name: files[name] for name in files.keys() - assignment.files.keys()}
        outcome = engine.grade(assignment.source, notebook, task.student, assignment.files | extra)
        outcome.reasons[:0] = notes
        return outcome, gradebook.autograded(assignment, notebook, outcome)
    except Exception as error:
        # Whatever it is: the rest of the class goes on, and this one is named.
        reason = f"The grader failed: {type(error).__name__}: {error}"
        return Outcome(FAILED, [reason]), None


def _store(task, record, shown, course):
    """Keep what grading a submission has come to."""
    if shown is not None:
        gradebook.write_autograded(course, record, shown)
    before = _json(task.record) or {}
    record["runs"] = before.get("runs", 0) + 1
    handed_in = record["submission"]
    record["resubmitted"] = before.get("submission", handed_in) != handed_in
    _write_json(task.record, record)
    _finish(task, record, course)


def _finish(task, record, course):
    """Enter a record into the gradebook, once."""
    if not record["entered"]:
        gradebook.enter(course, record)
        record["entered"] = True
        _write_json(task.record, record)


def _timestamp(folder):
    """When it was handed in, as nbgrader notes it, or None."""
    try:
        text = (folder / "timestamp.txt").read_text("utf-8")[:100].strip()
        from nbgrader.utils import parse_utc

        return parse_utc(text).isoformat() if text else None
    except (OSError, ValueError, OverflowError):
        return None
