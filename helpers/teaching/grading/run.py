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
from itertools import chain, islice
from pathlib import Path, PurePosixPath

from joblib import cpu_count
from tqdm import tqdm

from helpers.files import CourseError, write_file
from helpers.teaching.grading import gradebook, report, sandbox
from helpers.teaching.grading.course import Assignment, Course, digest
from helpers.teaching.grading.engine import Engine
from helpers.teaching.grading.outcomes import FAILED, GRADED, PERSON, Outcome
from helpers.teaching.grading.reading import Unreadable, read, shown_name
from helpers.teaching.grading.submissions import Submission, read_submission

MAX_FOLDERS = 500
"""In the folder of one student."""


@dataclass(frozen=True)
class Task:
    """One submission: where it is, and where its record goes."""

    student: str
    assignment: str
    folder: Path
    record: Path


@dataclass(frozen=True)
class Work:
    """A submission that is to be graded: what was read of it, once."""

    task: Task
    assignment: Assignment
    submission: Submission | None
    digest: str
    """Of what was read: another one means that the student has handed in again."""
    unreadable: str = ""
    """Why there is no Submission: a sentence."""


def grade(arguments):
    """The command `grade`; returns its exit code.

    0: every submission is graded; 1: some need a person, or the grader failed.
    """
    sandbox.require(arguments.trusted)
    course = Course(arguments.course)
    every = course.assignments()
    assignments = _chosen(every, arguments.assignment)
    # With one a processor, two processors were idle for a sixth of the time, because
    # the processes of a submission wait for each other.
    workers = arguments.workers or cpu_count() + 1
    if arguments.prove:
        return _prove_all(assignments.values(), arguments.trusted, course.secret)
    if arguments.submissions is None or arguments.out is None:
        raise CourseError(
            "Say which folder holds the submissions, and where results go: "
            "python -m helpers grade SUBMISSIONS --out RESULTS"
        )
    out = Path(arguments.out).resolve()
    tasks, strays = find(Path(arguments.submissions), assignments, out, every)
    if not tasks and not strays:
        raise CourseError(
            f"There is no submission in {arguments.submissions}: the grader looks for "
            "STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb."
        )
    used = [assignments[name] for name in sorted({t.assignment for t in tasks})]
    # The engine takes as long to start as nbgrader to be imported.
    with _only_one(out):
        with _engine(used, arguments.trusted, course.secret) as engine:
            for assignment in used:
                gradebook.register(course, assignment)
                assignment.source.prepare()
            run = _Run(engine, course, out, workers)
            records = run.grade_all(tasks, assignments, arguments.regrade)
        return report.write(out, tasks, strays, records, assignments, course)


def _chosen(assignments, names):
    """{name: Assignment} of these names, of all if there are none. Raises CourseError."""
    for name in names or ():
        if name not in assignments:
            raise CourseError(f"There is no assignment {name}: there are {', '.join(assignments)}.")
    return {name: assignments[name] for name in names} if names else assignments


def _prove_all(assignments, trusted, secret):
    """Print what is wrong with these sources; the exit code."""
    wrong = []
    with _engine(assignments, trusted, secret) as engine:
        engine.ready()
        for assignment in assignments:
            found, again = prove(engine, assignment)
            wrong += prove(engine, assignment)[0] if found and again else found
    print("\n".join(wrong) or "Every solution earns all points, every blank none.")
    return 1 if wrong else 0


def _engine(assignments, trusted, secret):
    modules = dict.fromkeys(m for a in assignments for m in a.source.modules)
    return Engine(list(modules), trusted=trusted, secret=secret)


def prove(engine, assignment):
    """(sentences on what is wrong with a source, may it have been the machine?)

    Its own solution must earn all points, and what students get none.
    """
    source, wrong, again = assignment.source, [], False
    files = assignment.files_for("nobody")
    with ThreadPoolExecutor(2) as pool:
        # A solution may ask for what is drawn where no student can.
        outcomes = pool.map(
            lambda notebook, own: engine.grade(source, notebook, "nobody", files, teachers=own),
            (source.notebook, source.blank),
            (True, False),
        )
        for outcome, full in zip(outcomes, (True, False), strict=True):
            what = "solution" if full else "blank"
            again |= outcome.again
            if outcome.status == FAILED:
                wrong.append(f"{assignment.name}, {what}: {outcome.reasons[0]}")
                continue
            if not full and outcome.status != GRADED:
                reasons = " ".join(outcome.reasons)
                wrong.append(f"{assignment.name}, {what}: {outcome.status}. {reasons}")
            for name, cell in outcome.cells.items():
                expected = cell.points if full else 0
                if not cell.by_hand and cell.score != expected:
                    wrong.append(
                        f"{assignment.name}, {what}: test {name} gives {cell.score:g} of "
                        f"{cell.points:g} points. {cell.message or ' '.join(outcome.reasons)}"
                    )
    return wrong, again


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


def find(submissions, assignments, out, every=()):
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
        try:
            if student.is_symlink() or not student.is_dir():
                strays.append((student.name, "", "It is a file or link, not a folder."))
                continue
            folders = sorted(islice(student.iterdir(), MAX_FOLDERS + 1))
        except OSError as error:
            strays.append((student.name, "", f"The folder cannot be read: {error.strerror}."))
            continue
        if len(folders) > MAX_FOLDERS:
            strays.append((student.name, "", f"It holds more than {MAX_FOLDERS} folders."))
            continue
        known = {shown_name(name).casefold(): name for name in assignments}
        for folder in folders:
            name = folder.name
            if name in assignments:
                record = out / "records" / name / f"{_file_name(student.name)}.json"
                tasks.append(Task(student.name, name, folder, record))
            elif not name.startswith(".") and name not in every:
                reason = "There is no such assignment."
                near = known.get(name.strip().casefold())
                if near:
                    reason = f"There is no such assignment: rename the folder to {near}."
                elif folder.suffix.lower() == ".ipynb":
                    near = folder.stem if folder.stem in assignments else "of the assignment"
                    reason = f"A notebook lies beside the folders: move it into a folder {near}."
                strays.append((student.name, shown_name(name), reason))
    return tasks, strays


def _file_name(student):
    """A name that every file system takes, however long the student's is."""
    if len(student.encode("utf-8", "surrogateescape")) < 200:
        return student
    return student[:40] + digest([student], {})[:16]


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


class _Run:
    """One run over a class: reads each submission once, grades, and stores.

    The proof of the sources runs beside the first submissions; no result is stored
    before it is complete. What has lost points to time, memory or a crash is graded once
    more at the end, while nothing else runs.
    """

    def __init__(self, engine, course, out, workers):
        self.engine, self.course, self.out, self.workers = engine, course, out, workers
        self.records = {}
        """{task: record} of all submissions, when the run is over."""
        self.doubtful = []
        """Tasks that are to be graded once more, alone."""

    def grade_all(self, tasks, assignments, regrade):
        """{task: record} of all tasks. Raises CourseError, of a source that is wrong, too."""
        with tqdm(total=len(tasks), desc="Grading", unit="notebook") as self.bar:
            waiting = self._left_to_do(tasks, assignments, regrade)
            first = next(waiting, None)
            if first is not None:
                self.engine.ready()
                used = {task.assignment for task in tasks}
                self._in_parallel(chain([first], waiting), [assignments[n] for n in sorted(used)])
            for task in self.doubtful:
                work = _read(task, assignments[task.assignment])
                self._store(work, *self._grade_one(work))
        return self.records

    def _left_to_do(self, tasks, assignments, regrade):
        """Yield Work, each read when it is asked for; what is done already is entered."""
        entered = gradebook.entered(self.course)
        for task in tasks:
            assignment = assignments[task.assignment]
            record = _json(task.record)
            work = _read(task, assignment)
            same = (
                record is not None
                and record.get("submission") == work.digest
                and record.get("source") == assignment.digest
                and record.get("status") != FAILED
                and not _lost(task, record, self.course, entered)
            )
            if not same or regrade:
                yield work
                continue
            # The last run may have been stopped before that.
            self._finish(task, record)
            self.records[task] = record
            self.bar.update()

    def _in_parallel(self, waiting, assignments):
        """Grade until nothing is left but what is doubtful."""
        with ThreadPoolExecutor(self.workers) as pool:
            proof = pool.submit(self._prove_once, assignments)
            running, results, proved = {proof}, {}, False
            try:
                while True:
                    for work in waiting:
                        future = pool.submit(self._grade_one, work)
                        running.add(future)
                        results[future] = work
                        if len(running) > self.workers:
                            break
                    if not running:
                        return
                    _, running = wait(running, return_when=FIRST_COMPLETED)
                    if not proof.done():
                        continue
                    if not proved and proof.result():
                        wait(running)  # perhaps the machine was busy: now it is not
                        self._prove_once(assignments, alone=True)
                    proved = True
                    for future in [future for future in results if future.done()]:
                        self._take(results.pop(future), *future.result())
            except BaseException:  # also of who stops it by Ctrl-C
                pool.shutdown(wait=False, cancel_futures=True)
                self.engine.stop()
                raise

    def _prove_once(self, assignments, alone=False):
        """Grade nothing with a source that its own solution does not satisfy.

        True if that must be tried again `alone`. Raises CourseError.
        """
        path = self.out / "records" / "proved.json"
        proved = _json(path) or []
        for assignment in assignments:
            if assignment.digest in proved:
                continue
            wrong, again = prove(self.engine, assignment)
            if wrong and again and not alone:
                return True
            if wrong:
                raise CourseError(
                    f"Nothing was graded, because a source contradicts itself: {wrong[0]} "
                    "Mend it; `python -m helpers grade --prove` shows everything."
                )
            proved.append(assignment.digest)
        _write_json(path, proved)
        return False

    def _grade_one(self, work):
        """(Outcome, the notebook for formgrader or None, seconds); never raises for what
        is handed in: a failure stays with this one."""
        began = time.monotonic()
        outcome, shown = self._outcome(work)
        return outcome, shown, time.monotonic() - began

    def _outcome(self, work):
        if work.submission is None:
            return Outcome(PERSON, [work.unreadable]), None
        task, assignment, handed_in = work.task, work.assignment, work.submission
        try:
            files = handed_in.files | assignment.files_for(task.student)
            outcome = self.engine.grade(
                assignment.source, handed_in.notebook, task.student, files, handed_in.python
            )
            outcome.reasons[:0] = handed_in.notes
            for doubt in handed_in.doubts:
                outcome.needs_person(doubt)
            return outcome, gradebook.autograded(assignment, handed_in.notebook, outcome)
        except Exception as error:
            # Whatever it is: the rest of the class goes on, and this one is named.
            reason = f"The grader failed: {type(error).__name__}: {error}"
            return Outcome(FAILED, [reason]), None

    def _take(self, work, outcome, shown, seconds):
        if outcome.again:
            self.doubtful.append(work.task)
        else:
            self._store(work, outcome, shown, seconds)

    def _store(self, work, outcome, shown, seconds):
        """Keep what grading a submission has come to."""
        task = work.task
        before = _json(task.record) or {}
        record = {
            "student": task.student,
            "assignment": task.assignment,
            "status": outcome.status,
            "reasons": outcome.reasons,
            "private": outcome.private,
            "all doubtful": outcome.all_doubtful,
            "cells": {name: asdict(cell) for name, cell in outcome.cells.items()},
            "submission": work.digest,
            "source": work.assignment.digest,
            "graded": datetime.now(UTC).isoformat(timespec="seconds"),
            "handed in": _timestamp(task.folder),
            "entered": False,
            "seconds": round(seconds, 1),
            "runs": before.get("runs", 0) + 1,
            "resubmitted": before.get("submission", work.digest) != work.digest,
        }
        if shown is not None:
            gradebook.write_autograded(self.course, record, shown)
        _write_json(task.record, record)
        self._finish(task, record)
        self.records[task] = record
        self.bar.update()

    def _finish(self, task, record):
        """Enter a record into the gradebook, once."""
        if not record["entered"]:
            gradebook.enter(self.course, record)
            record["entered"] = True
            _write_json(task.record, record)


def _read(task, assignment):
    """The Work of a task: everything in its folder that counts, read once."""
    try:
        submission = read_submission(task.folder, task.assignment, assignment.source)
    except Unreadable as error:
        return Work(task, assignment, None, f"unreadable: {error}", str(error))
    except Exception as error:  # whatever it is, it stops nobody else's
        reason = f"The submission cannot be read ({type(error).__name__})."
        return Work(task, assignment, None, f"unreadable: {reason}", reason)
    return Work(task, assignment, submission, submission.digest)


def _timestamp(folder):
    """When it was handed in, as nbgrader notes it, or None."""
    from nbgrader.utils import parse_utc

    try:
        text = read(folder, PurePosixPath("timestamp.txt"), 100).decode("utf-8").strip()
        moment = parse_utc(text)
        return moment.isoformat() if 2000 <= moment.year < 2100 else None
    except Exception:  # a file of a student's; its parser raises more than it says
        return None
