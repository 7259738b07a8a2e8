"""Grades one submission at a time: two confined processes, and who waits for whom.

    with Engine(modules=source.modules) as engine:
        outcome = engine.grade(source, notebook, student="ada")

The student's process runs the cells; the judge runs the tests. This process carries
messages between them, and ends either when it takes too long.
"""

import json
import math
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from helpers.assignments import same_id
from helpers.files import CourseError
from helpers.teaching.grading import messages, sandbox
from helpers.teaching.grading.channel import Channel, Closed, Garbled, Late, pair
from helpers.teaching.grading.submissions import (
    Source,
    function_texts,
    grade_id,
    hidden_lines,
    plan,
    read_source,
)

GRADED, PERSON, FAILED = "graded", "needs a person", "grader failed"

RESTARTS = 3
"""How often a student's process that has died is started again without what killed it."""

GRACE = 3.0
"""Seconds that a process gets to stop by itself before it is ended."""

JUDGE_SERVES = 500
"""After so many tests a judge is replaced: memory is never given back fully."""

A_DAY = 86_400

START = 120.0
"""Seconds that a process may take to start, on a busy machine too."""

FORMS = ("text/plain", "image/png", "image/jpeg")
"""Kinds of output that are kept: nothing that runs in the browser of who looks at it."""

MAX_TEXT, MAX_PICTURE, MAX_OUTPUTS = 20_000, 700_000, 50

EVERYWHERE = (
    "IPython.core.interactiveshell",
    "numpy",
    "pandas",
    "matplotlib.pyplot",
)


@dataclass
class Cell:
    """The marks of one graded cell; `score` is None if a person must give them."""

    points: float
    score: float | None = None
    by_hand: bool = False
    message: str = ""
    """Why points are missing, as the teacher may see it."""
    hidden: bool = False
    """The message comes from a hidden test."""


@dataclass
class Outcome:
    """What grading one submission came to."""

    status: str = GRADED
    reasons: list = field(default_factory=list)
    """Sentences for the teacher: why a person must look, or what was unusual."""
    cells: dict = field(default_factory=dict)
    """{grade_id: Cell}"""
    outputs: dict = field(default_factory=dict)
    """{place of the student's cell: its outputs}"""
    told: set = field(default_factory=set)
    """Places of cells that ran after a hidden test had called functions of the student:
    their outputs could hold what it has handed to these."""

    @property
    def score(self):
        return sum(cell.score or 0 for cell in self.cells.values())

    def needs_person(self, reason):
        self.status = PERSON
        if reason not in self.reasons:
            self.reasons.append(reason)


class GraderFailed(Exception):
    """Something that is not the submission's fault; it gets no marks, not even 0."""


class StudentGone(Exception):
    """The student's process has ended; the text says why, in words for a student."""


class Interfered(Exception):
    """The student's process sent what is no answer."""


class Engine:
    """Starts processes for submissions. Thread-safe; use as a context manager.

    `modules` are imported once, before anything is graded; `with` begins with that and
    does not wait. Raises CourseError if submissions cannot be confined and `trusted` is
    not said.
    """

    def __init__(self, modules=(), keras=False, trusted=False):
        sandbox.require(trusted)
        self.modules = [*EVERYWHERE, *(["keras"] if keras else []), *modules]
        self.confined = not trusted
        self._lock = threading.Lock()
        self.stopped = False
        self._judges = []
        self._zygote = None
        self._is_ready = self._is_probed = False
        self._requests = None
        self._log = None
        self._scratch = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def ready(self):
        """Wait until submissions can be graded; nothing is graded before.

        Raises CourseError if they cannot.
        """
        if self._is_probed:
            return
        with self._lock:
            if self.stopped:
                raise GraderFailed("The run was stopped.")
            self._wait()
        self._probe()
        self._is_probed = True

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """End every process; what is being graded gets the status FAILED."""
        with self._lock:
            self.stopped = True
            self._end()

    def _end(self):
        if self._requests is not None:
            self._requests.close()
        if self._zygote is not None:
            self._zygote.kill()
            self._zygote.wait()
        self._zygote = self._requests = None
        while self._judges:
            self._judges.pop().kill()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    # --- processes ------------------------------------------------------------------

    def _start(self):
        """Start the zygote."""
        self._is_ready = False
        ours, theirs = pair()
        words = [sys.executable, "-m", "helpers.teaching.grading.launcher"]
        words += [
            str(theirs.fileno()),
            "confined" if self.confined else "trusted",
        ]
        words += self.modules
        if self.confined:
            words = sandbox.command(words)
        else:
            self._scratch = tempfile.mkdtemp(prefix="grading-")
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self._zygote = subprocess.Popen(
            words,
            env=sandbox.environment(self._scratch),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._requests = ours
        ours.settimeout(START)

    def _wait(self):
        """Wait until the zygote has imported everything."""
        if self._is_ready:
            return
        with suppress(OSError):
            self._is_ready = self._requests.recv(100) == b"ready"
        if not self._is_ready:
            raise CourseError(
                "Nothing was graded, because the sandbox does not start here: "
                f"{self._last_line().rstrip('.')}. In a container, the documentation "
                "says which rights it needs."
            )

    def _last_line(self):
        self._log.seek(0)
        text = self._log.read()[-4000:].decode("utf-8", "replace").strip()
        return text.splitlines()[-1] if text else "it ended without a word."

    def _probe(self):
        """Make sure that what is confined is confined, before any submission runs."""
        if not self.confined:
            return
        process = self.process("probe", {}, {"memory_mb": 500, "seconds": 60})
        try:
            writable = process.channel.receive(START)["writable"]
        except (Closed, Late, Garbled):
            raise CourseError(
                "Nothing was graded, because the sandbox does not work on this "
                f"machine: {process.end()['detail'] or self._last_line()}. In a "
                "container, the documentation says which rights it needs."
            ) from None
        finally:
            process.kill()
        if writable:
            raise CourseError(
                "Nothing was graded, because the sandbox leaves "
                f"{', '.join(writable)} writable: please report this."
            )

    def borrow_judge(self, limits, new=False):
        """A judge for one test: the one that has served last, or a new one.

        It never runs code of students; what it keeps is what tests have imported and
        computed. While students' cells run, it serves other submissions.
        """
        with self._lock:
            for judge in reversed(self._judges):
                if judge.memory_mb == limits["memory_mb"] and not new:
                    self._judges.remove(judge)
                    return judge
        judge = self.process("judge", {}, {**limits, "seconds": A_DAY})
        judge.memory_mb = limits["memory_mb"]
        return judge

    def give_back_judge(self, judge):
        """Only a judge that has come to a verdict may be given back."""
        judge.served += 1
        with self._lock:
            if judge.served < JUDGE_SERVES and not self.stopped:
                self._judges.append(judge)
                return
        judge.kill()

    def process(self, task, environment, limits):
        """A new process for `task`, as a Process. Raises GraderFailed."""
        ours, theirs = pair()
        lifeline, their_lifeline = pair()
        scratch = None
        if not self.confined:
            scratch = tempfile.mkdtemp(prefix="grading-")
        request = {
            "task": task,
            "environment": environment,
            "limits": limits,
            "scratch": scratch,
        }
        try:
            with self._lock:
                if self.stopped:
                    raise OSError("the run was stopped")
                if self._zygote is None or self._zygote.poll() is not None:
                    self._end()
                    self._start()
                self._wait()
                handles = [theirs.fileno(), their_lifeline.fileno()]
                socket.send_fds(self._requests, [json.dumps(request).encode()], handles)
                if not self._requests.recv(1):  # one request at a time
                    raise OSError("the process that starts others has ended")
        except (OSError, CourseError) as error:
            raise GraderFailed(f"No process could be started: {error}") from error
        finally:
            theirs.close()
            their_lifeline.close()
        return Process(Channel(ours), lifeline, scratch)

    # --- one submission ---------------------------------------------------------------

    def grade(self, source, notebook, student, files=None):
        """The Outcome for one notebook.

        `source` is a Source or a notebook node; `notebook` a node; `student` the id
        that the specification depends on; `files` {relative path: bytes} for the
        working folder. Never raises for what the submission does.
        """
        if not isinstance(source, Source):
            source = read_source(source)
        try:
            self.ready()
            return _Grading(self, source, notebook, student, files or {}).outcome()
        except (GraderFailed, CourseError, OSError) as error:
            outcome = Outcome(FAILED, [f"The grader failed: {error}"])
            outcome.cells = {
                name: Cell(graded.points, by_hand=graded.by_hand)
                for name, graded in source.graded.items()
            }
            return outcome


class Process:
    """A confined process: its channel, and the line that ends it."""

    def __init__(self, channel, lifeline, scratch):
        self.channel = channel
        self.lifeline = lifeline
        self.scratch = scratch
        self.served = 0
        """How many tests a judge has judged before."""
        self._end = None

    def end(self):
        """Why it ended, waiting for that a little: {"end", "detail"}."""
        if self._end is None:
            self.lifeline.settimeout(GRACE)
            try:
                self._end = json.loads(self.lifeline.recv(5000))
            except (OSError, ValueError):
                self._end = {"end": "unknown", "detail": ""}
        return self._end

    def kill(self):
        """End it and everything that it has started."""
        self.channel.close()
        self.lifeline.close()
        if self.scratch:
            shutil.rmtree(self.scratch, ignore_errors=True)


class _Grading:
    """The grading of one submission, from the first process to the last."""

    def __init__(self, engine, source, notebook, student, files):
        self.engine = engine
        self.source = source
        self.limits = source.limits
        self.files = files
        self.environment = {"COURSE_STUDENT": student}
        self.steps = list(plan(source, notebook))
        self.result = Outcome()
        self.judged = set()
        self.skipped = {}
        self.student = None
        self.texts = {}
        self.waited, self.gone = 0.0, None
        self.told = False
        self.deadline = time.monotonic() + self.limits["total_seconds"]
        self.claims = _claimed_student(source)
        self.notebook = notebook

    def outcome(self):
        for name, graded in self.source.graded.items():
            self.result.cells[name] = Cell(graded.points, by_hand=graded.by_hand)
            if graded.by_hand:
                self._by_hand(name, graded)
        try:
            for _ in range(RESTARTS + 1):
                try:
                    self._attempt()
                    break
                except StudentGone as gone:
                    self._without(gone)
            for step in self.steps:
                if step.test and step.test not in self.judged:
                    self._zero(step.test, "The notebook could not be run this far.")
        except Interfered as error:
            self.result.needs_person(f"The notebook interfered with its own grading ({error}).")
        finally:
            if self.student is not None:
                self.student.kill()
        return self.result

    def _by_hand(self, name, graded):
        """A person marks it, unless nothing was written: that is 0."""
        if graded.blank is None:
            return
        cells = [c for c in self.notebook.cells if grade_id(c) == name]
        texts = {cell.source.strip() for cell in cells}
        if texts <= {"", graded.blank.strip()}:
            cell = self.result.cells[name]
            cell.score, cell.message = 0.0, "No answer."

    def _attempt(self):
        """Run all cells and the tests that are not judged yet.

        Raises StudentGone if the student's process ends before that.
        """
        self.texts, self.told = {}, False
        self.student = self._open_student()
        for number, step in enumerate(self.steps):
            if self._time_is_over():
                return
            if step.test is None:
                self._run(number, step)
            elif step.test not in self.judged:
                self._judge(step.test)
        if not self._time_is_over() and self.claims:
            self._compare_names()

    def _time_is_over(self):
        if time.monotonic() <= self.deadline:
            return False
        self.result.needs_person(
            "The notebook took longer than "
            f"{self.limits['total_seconds'] / 60:g} minutes; what came after that "
            "was not run."
        )
        return True

    def _seconds(self):
        """What a cell may take: no submission takes longer than it may in all."""
        left = math.ceil(self.deadline - time.monotonic())
        return min(self.limits["cell_seconds"], max(left, 1))

    def _open_student(self):
        limits = {
            "memory_mb": self.limits["memory_mb"],
            "seconds": self.limits["total_seconds"] + START,
        }
        process = self.engine.process("student", self.environment, limits)
        try:
            process.channel.send({"files": self.files})
            process.channel.receive(START)
        except (Closed, Late, Garbled):
            end = process.end()
            process.kill()
            raise GraderFailed(
                f"a process for the notebook did not start ({end['end']} {end['detail']})"
            ) from None
        return process

    def _ask(self, request, seconds, what):
        """The answer of the student's process.

        `what` names what it does meanwhile, for StudentGone.
        """
        number = time.monotonic_ns()
        try:
            channel = self.student.channel
            channel.send({**request, "seconds": seconds, "number": number})
            answer = channel.receive(seconds + GRACE)
        except Late:
            reason = f"{what} did not stop after {seconds:g} seconds"
            raise StudentGone(reason) from None
        except Closed:
            raise StudentGone(f"{what} {self._how_it_ended()}") from None
        except Garbled as error:
            raise Interfered(str(error)) from None
        told = answer.get("number") if isinstance(answer, dict) else None
        if not isinstance(told, int) or told != number:
            raise Interfered("an answer to no question")
        return answer

    def _how_it_ended(self):
        end = self.student.end()
        if end["end"] == "memory":
            return f"used more than {self.limits['memory_mb']:,} MB of memory"
        if end["end"] == "signal":
            return f"made Python crash ({end['detail']})"
        if end["end"] == "time":
            return "was running when the time for the notebook was over"
        if end["end"] == "exit":
            return "ended Python"
        # Process 1 of the sandbox always says why; no submission can end it.
        raise GraderFailed(f"a sandbox has vanished ({end['end']} {end['detail']})")

    def _run(self, number, step):
        if number in self.skipped:
            self._note(step, f"Left out: {self.skipped[number]}.")
            return
        request = {"kind": "run", "source": step.text}
        try:
            answer = self._ask(request, self._seconds(), "this cell")
        except StudentGone as gone:
            self.skipped[number] = str(gone)
            self._note(step, f"Left out: {gone}.")
            raise
        if step.cell >= 0:
            self.result.outputs[step.cell] = _outputs(answer.get("outputs"))
            change = set.add if self.told else set.discard
            change(self.result.told, step.cell)
        self.texts.update(function_texts(step.text))

    def _note(self, step, text):
        if step.cell >= 0:
            error = {"output_type": "error", "ename": "Stopped", "evalue": text}
            self.result.outputs[step.cell] = [{**error, "traceback": [text]}]

    def _without(self, gone):
        """After the student's process has ended: what the next attempt leaves out."""
        self.student.kill()
        self.student = None
        reason = f"Run again without a part: {gone}."
        if reason not in self.result.reasons:
            self.result.reasons.append(reason)

    def _judge(self, name):
        """Judge one test; raises StudentGone afterwards if that ended the student."""
        seconds = self._seconds()
        self.judged.add(name)
        self.waited, self.gone = 0.0, None
        used = False
        while True:
            # Perhaps the first was too old: then once more with a new one.
            judge = self.engine.borrow_judge(self.limits, new=used)
            try:
                self._converse(judge, name, time.monotonic() + seconds + GRACE)
            except (Closed, Late, Garbled) as error:
                late = isinstance(error, Late)
                end = {"end": "time"} if late else judge.end()
                used = judge.served > 0
                judge.kill()
            except BaseException:
                judge.kill()  # it still waits for an answer
                raise
            else:
                self.engine.give_back_judge(judge)
                break
            if late and self.waited > seconds / 2:
                reason = f"Your functions took more than {seconds:g} seconds."
                self._zero(name, reason)
                break
            if not used:
                self._zero(name, "The tests could not be finished.")
                self.result.needs_person(
                    f"Test {name} could not be finished with these answers ({end['end']})."
                )
                break
        if self.gone is not None:
            raise self.gone

    def _converse(self, judge, name, deadline):
        """Let the judge run a test; hand its questions on, and answers back."""
        graded = self.source.graded[name]
        request = {
            "environment": self.environment,
            "source": graded.text,
            "points": graded.points,
            "texts": self.texts,
        }
        judge.channel.send(request)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:  # an answer may always be ready in no time
                raise Late
            message = judge.channel.receive(left)
            if message["kind"] == "verdict":
                self._record(name, graded, message)
                return
            began = time.monotonic()
            if self.gone is None:
                try:
                    answer = self._answer(message, graded)
                except StudentGone as gone:
                    self.gone = gone
            if self.gone is not None:
                answer = {"error": "TimeoutError", "text": f"{self.gone}"}
            self.waited += time.monotonic() - began
            judge.channel.send(answer)

    def _answer(self, message, graded):
        """What the student's process answers to a question of the judge."""
        request = {"kind": message["kind"]}
        for key in ("name", "value"):
            if key in message:
                request[key] = message[key]
        seconds = self.limits["call_seconds"]
        what = "an answer"
        if message["kind"] == "call":
            what = "a function"
            if hidden_lines(graded.text).intersection(message["lines"]):
                self.told = True
        answer = self._ask(request, seconds, what)
        kinds = {"value": bytes, "missing": bool, "error": str, "text": str}
        return {
            key: answer[key] for key, kind in kinds.items() if isinstance(answer.get(key), kind)
        }

    def _record(self, name, graded, verdict):
        if verdict["score"] is None:
            # The source's own solution was proved: so it comes from the answers.
            self._zero(name, verdict["message"])
            self.result.needs_person(f"Test {name}: {verdict['message']}.")
            return
        cell = self.result.cells[name]
        cell.score = verdict["score"]
        cell.message = _text(verdict["message"], MAX_TEXT)
        cell.hidden = verdict["line"] in hidden_lines(graded.text)
        if cell.message and self.told and not cell.hidden:
            # The message could hold what a hidden test has handed to a function.
            lines = ["", *graded.text.splitlines()]
            kind = cell.message.partition(":")[0]
            cell.message = f"{kind}: {lines[verdict['line']].strip()}"

    def _zero(self, name, message):
        cell = self.result.cells[name]
        cell.score, cell.message = 0.0, message

    def _compare_names(self):
        request = {"kind": "fetch", "name": "student"}
        try:
            seconds = self.limits["call_seconds"]
            answer = self._ask(request, seconds, "student")
            claimed = messages.loads(answer.get("value", b""), max_bytes=1000)
        except (StudentGone, messages.NotPlain, TypeError):
            claimed = None
        student = self.environment["COURSE_STUDENT"]
        known = isinstance(claimed, str)
        if not known or same_id(claimed) != same_id(student):
            says = repr(claimed) if known else "no text"
            self.result.needs_person(
                f"It was handed in by {student}, but says student = {says:.60}."
            )


def _text(value, length):
    """At most `length` characters that every file can hold; "" if it is no text."""
    text = value[:length] if isinstance(value, str) else ""
    return text.encode("utf-8", "replace").decode("utf-8")


def _outputs(outputs):
    """Outputs as a notebook file may hold them; what else was sent is dropped."""
    clean = []
    outputs = outputs if isinstance(outputs, list) else []
    for output in outputs[:MAX_OUTPUTS]:
        if not isinstance(output, dict):
            continue
        kind = _text(output.get("output_type"), 20)
        if kind == "stream":
            name = _text(output.get("name"), 20)
            name = "stderr" if name == "stderr" else "stdout"
            text = _text(output.get("text"), 2 * MAX_TEXT)
            clean.append({"output_type": kind, "name": name, "text": text})
        elif kind in ("display_data", "execute_result"):
            data = output.get("data")
            data = data if isinstance(data, dict) else {}
            data = {form: _text(data[form], MAX_PICTURE) for form in FORMS if form in data}
            output = {"output_type": kind, "data": data, "metadata": {}}
            if kind == "execute_result":
                output["execution_count"] = None
            clean.append(output)
        elif kind == "error":
            lines = output.get("traceback")
            lines = lines if isinstance(lines, list) else []
            clean.append(
                {
                    "output_type": kind,
                    "ename": _text(output.get("ename"), 200),
                    "evalue": _text(output.get("evalue"), 2000),
                    "traceback": [_text(line, 2000) for line in lines[:40]],
                }
            )
    return clean


def _claimed_student(source):
    """Does the source's first code cell say `student = ...`?"""
    for cell in source.notebook.cells:
        if cell.cell_type == "code":
            return re.search(r"^student\s*=", cell.source, re.MULTILINE) is not None
    return False
