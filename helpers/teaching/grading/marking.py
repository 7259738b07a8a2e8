"""Marks one submission: runs its cells in one process, and the tests in another.

A zero counts by itself only where an answer was compared and was wrong. Whatever else
has cost points (time, memory, a crash, a cell that did not run, a name that is not there,
an answer that cannot be carried) becomes a *doubt*: a person looks.
"""

import ast
import math
import re
import sys
import time

from helpers.assignments import same_id
from helpers.teaching.grading import messages, processes
from helpers.teaching.grading.messages import Closed, Garbled, Late
from helpers.teaching.grading.outcomes import PERSON, Cell, GraderFailed, Outcome
from helpers.teaching.grading.outputs import MAX_ALL, MAX_TEXT, clean, plain_text, size
from helpers.teaching.grading.reading import shown_name
from helpers.teaching.grading.submissions import (
    BEGIN_HIDDEN,
    function_places,
    function_text,
    grade_id,
    hidden_lines,
    line_of_mistake,
    parsed,
    places_of,
    plan,
    without_hidden,
)
from helpers.teaching.grading.values import EXCEPTIONS

RESTARTS = 3
"""How often a student's process that has died is started again without what killed it."""

ANSWERS = {
    **{"value": bytes, "missing": bool, "error": str, "text": str, "late": bool},
    **{"name": str, "line": int, "outputs": list},
}
"""What a student's process may say, and of which type."""

MAX_EVENTS = 20

MAX_REMARK = 300
"""Characters of what a visible test said."""


class StudentGone(Exception):
    """The student's process has ended: (what it did, how it ended), in words."""

    def __init__(self, what, how):
        super().__init__(f"{what} {how}")
        self.how = how


class Interfered(Exception):
    """The student's process sent what is no answer."""


class Marking:
    """The marking of one submission, from the first process to the last."""

    def __init__(self, engine, source, notebook, student, files, python="", teachers=False):
        self.engine = engine
        self.source = source
        self.notebook = notebook
        self.limits = source.limits
        self.files = files
        self.python = python
        self.secret_for = ("judge", "student") if teachers else ("judge",)
        self.environment = {"COURSE_STUDENT": student}
        self.steps = list(plan(source, notebook))
        self.places = places_of(notebook)
        self.result = Outcome()
        self.deadline = time.monotonic() + self.limits["total_seconds"]
        self.judged = set()
        self.skipped = {}
        """{number of a step: StudentGone} of cells that are left out from now on."""
        self.student = self.judge = None
        self.judge_served = 0
        self.claimed = None if _claims_student(source) else True
        """Whether the notebook's `student` is whose folder it is in; None: not known yet."""
        self.unexplained = []
        """Tests whose message could hold what hidden tests have handed over."""
        self._forget()

    def _forget(self):
        """Nothing has run yet in the student's process."""
        self.functions = {}
        """{name: place of its text}"""
        self.told = False
        """Has a hidden test called a function?"""
        self.trouble = {}
        """{place of a cell that did not run: (sentence, does it depend on the machine?)}"""
        self.unanswered = set()
        """Places of cells that did not run because an answer is missing."""
        self.events = []
        """What kept the present test from comparing: as in `trouble`."""
        self.unwritten = False
        """Has the present test asked for a name whose answer was not written?"""
        self.waited, self.gone = 0.0, None
        self.room = MAX_ALL
        """How many characters of outputs may still be kept."""

    def outcome(self):
        for name, graded in self.source.graded.items():
            self.result.cells[name] = Cell(graded.points, by_hand=graded.by_hand)
            if graded.by_hand:
                self._by_hand(name)
        try:
            self.judge = self._open_judge()
            for _ in range(RESTARTS + 1):
                try:
                    self._attempt()
                    break
                except StudentGone as gone:
                    self._without(gone)
            for step in self.steps:
                if step.test and step.test not in self.judged:
                    self._undecided(step.test, "the notebook could not be run this far")
            if self.unexplained and not self.result.again:
                self._explain()
        except Interfered as error:
            self.result.needs_person(f"The notebook interfered with its own grading ({error}).")
        finally:
            self._close()
        self._sum_up()
        return self.result

    def _by_hand(self, name):
        """A person marks it, unless nothing was written: that is 0."""
        if self.source.marks[name].get("task"):
            return
        places = self.places.get(name, [])
        texts = [self.notebook.cells[place].source for place in places]
        if not all(self.source.untouched(name, text) for text in texts):
            return
        if self._has_text_beside(places):
            where = "is empty, and a text stands beside it" if places else "is not in the notebook"
            self.result.note(f"{self.source.names[name]}: the cell {where}.")
            return
        cell = self.result.cells[name]
        cell.score, cell.message = 0.0, "No answer."

    def _has_text_beside(self, places):
        """Has the student added a text between these cells and the next that are known?

        Anywhere, if there is no such cell.
        """
        ours = {cell.source.strip() for cell in self.source.notebook.cells} | {""}
        cells = self.notebook.cells

        def added(numbers):
            for number in numbers:
                if places and grade_id(cells[number]) in self.source.marks:
                    return False
                text = cells[number].source.strip()
                known = grade_id(cells[number]) in self.source.marks
                if cells[number].cell_type != "code" and text not in ours and not known:
                    return True
            return False

        if not places:
            return added(range(len(cells)))
        return any(
            added(range(place + 1, len(cells))) or added(range(place - 1, -1, -1))
            for place in places
        )

    # --- running ----------------------------------------------------------------------

    def _attempt(self):
        """Run all cells and the tests that are not judged yet.

        Raises StudentGone if the student's process ends before that.
        """
        self._forget()
        self.student = self._open_student()
        for number, step in enumerate(self.steps):
            if self._time_is_over():
                return
            if step.test is None:
                self._run(number, step)
            elif step.test not in self.judged:
                if self.claimed is None:
                    self._compare_names()
                self._judge(step.test)
        if not self._time_is_over() and self.claimed is None:
            self._compare_names(last=True)

    def _time_is_over(self):
        if time.monotonic() <= self.deadline:
            return False
        self.result.again = True
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

    def _process(self, task):
        limits = {
            "memory_mb": self.limits["memory_mb"],
            "seconds": self.limits["total_seconds"] + processes.START,
        }
        environment = dict(self.environment)
        if task in self.secret_for and self.engine.secret:
            environment["COURSE_SECRET"] = self.engine.secret
        return self.engine.process(task, environment, limits)

    def _open_student(self):
        process = self._process("student")
        try:
            process.channel.send({"files": self.files})
            process.channel.receive(processes.START)
        except (Closed, Late, Garbled):
            end = process.end()
            process.kill()
            raise GraderFailed(
                f"a process for the notebook did not start ({end['end']} {end['detail']})"
            ) from None
        return process

    def _open_judge(self):
        self.judge_served = 0
        return self._process("judge")

    def _close(self):
        for process in (self.student, self.judge):
            if process is not None:
                process.kill()
        self.student = self.judge = None

    def _ask(self, request, seconds, what):
        """The answer of the student's process.

        `what` names what it does meanwhile, for StudentGone.
        """
        number = time.monotonic_ns()
        try:
            channel = self.student.channel
            channel.send({**request, "seconds": seconds, "number": number})
            answer = channel.receive(seconds + processes.GRACE)
        except Late:
            raise StudentGone(what, f"did not stop after {seconds:g} seconds") from None
        except Closed:
            raise StudentGone(what, self._how_it_ended()) from None
        except Garbled as error:
            raise Interfered(str(error)) from None
        told = answer.get("number") if isinstance(answer, dict) else None
        if not isinstance(told, int) or told != number:
            raise Interfered("an answer to no question")
        # Whatever else it sends, it sends in vain.
        return {key: answer[key] for key in ANSWERS if isinstance(answer.get(key), ANSWERS[key])}

    def _how_it_ended(self):
        end = self.student.end()
        how = {
            "memory": f"used more than {self.limits['memory_mb']:,} MB of memory",
            "processes": f"started too many processes ({end['detail']})",
            "processor": "used more of the processor than a notebook may",
            "signal": f"made Python crash ({end['detail']})",
            "time": "was running when the time for the notebook was over",
            "exit": "ended Python",
        }.get(end["end"])
        if how is None:
            # Process 1 of the sandbox always says why; no submission can end it.
            raise GraderFailed(f"a sandbox has vanished ({end['end']} {end['detail']})")
        return how

    def _run(self, number, step):
        if number in self.skipped:
            self._troubled(step, self.skipped[number].how, True)
            self._note(step, f"Left out: {self.skipped[number]}.")
            return
        request = {"kind": "run", "source": step.text}
        seconds = self._seconds()
        try:
            answer = self._ask(request, seconds, "this cell")
        except StudentGone as gone:
            self.skipped[number] = gone
            self._troubled(step, gone.how, True)
            self._note(step, f"Left out: {gone}.")
            raise
        if step.cell >= 0:
            self._keep(step.cell, clean(answer.get("outputs")))
            change = set.add if self.told else set.discard
            change(self.result.told, step.cell)
            if "error" in answer:
                self._failed(step, answer, seconds)
        self.functions.update(function_places(step.text))

    def _keep(self, place, outputs):
        """Keep the outputs of a cell, if there is room for them."""
        if self.room >= 0:
            self.room -= size(outputs)
        if self.room < 0:
            text = "(Left out: the notebook shows too much.)"
            outputs = [{"output_type": "stream", "name": "stdout", "text": text}]
        self.result.outputs[place] = outputs

    def _note(self, step, text):
        if step.cell >= 0:
            error = {"output_type": "error", "ename": "Stopped", "evalue": text}
            self.result.outputs[step.cell] = [{**error, "traceback": [text]}]

    def _without(self, gone):
        """After the student's process has ended: what the next attempt leaves out."""
        self.student.kill()
        self.student = None
        self.result.note(f"Run again without a part: {gone}.")

    # --- why a cell did not run ---------------------------------------------------------

    def _failed(self, step, answer, seconds):
        """A cell has ended with an error."""
        kind, name = answer["error"], answer.get("name")
        if (
            kind == "NotImplementedError"
            or kind == "NameError"
            and name in self.source.defines
            and not self._undefined(name)
        ):
            self.unanswered.add(step.cell)
        elif answer.get("late"):
            self._troubled(step, f"was stopped after {seconds:g} seconds", True)
        elif kind == "MemoryError":
            self._troubled(step, "ran out of memory", True)
        elif kind in ("SyntaxError", "IndentationError", "TabError"):
            # What it says could be anything, so the line is looked for here, too.
            line = line_of_mistake(step.text)
            where = f"line {line}, " if line and line == answer.get("line") else ""
            self._troubled(step, f"could not be read: {where}{kind}{self._newer()}", False)
        else:
            known = kind in EXCEPTIONS or kind in ("SystemExit", "KeyboardInterrupt")
            self._troubled(step, f"ended with {kind if known else 'an error of its own'}", False)

    def _newer(self):
        """Words on a Python that is newer than the grader's, if it is."""
        theirs = tuple(int(part) for part in self.python.split(".")[:2] if part)
        ours = sys.version_info[:2]
        if theirs <= ours:
            return ""
        return f" (written with Python {self.python}, and read by {ours[0]}.{ours[1]})"

    def _troubled(self, step, what, again):
        if step.cell >= 0:
            sentence = f"{self._called(step.cell)} {what}"
            self.trouble[step.cell] = sentence, again
            # Of thousands of cells the student could learn what hidden tests handed over.
            if not self.told or grade_id(self.notebook.cells[step.cell]) in self.source.marks:
                self.result.problems[step.cell] = sentence

    def _called(self, place):
        """What people call a cell: by its exercise, or by how it begins."""
        cell = self.notebook.cells[place]
        exercise = self.source.names.get(grade_id(cell))
        if exercise:
            return f"the cell of {exercise!r}"
        return (
            f"the cell that begins with {shown_name(cell.source.strip().partition(chr(10))[0])!r}"
        )

    def _undefined(self, name):
        """(sentence, again) on why a name is not there; None if its answer is missing."""
        for place, found in self.trouble.items():
            if _binds(self.notebook.cells[place].source, name):
                return found
        answers = self.source.defines.get(name, [])
        for answer in answers:
            for place in self.places.get(answer, ()):
                if place in self.trouble:
                    return self.trouble[place]
            if answer not in self.places:
                return f"the cell of {self.source.names[answer]!r} is not in the notebook", False
        if self._unwritten(answers):
            return None
        return f"nothing is called {name!r}, although its cell was filled in", False

    def _unwritten(self, answers):
        """Are these answer cells there, and just what students get?"""
        left = [
            self.source.untouched(answer, self.notebook.cells[place].source)
            or place in self.unanswered
            for answer in answers
            for place in self.places.get(answer, ())
        ]
        return bool(left) and all(left)

    # --- judging ------------------------------------------------------------------------

    def _judge(self, name):
        """Judge one test; raises StudentGone afterwards if that ended the student."""
        seconds = self._seconds()
        self.judged.add(name)
        self.gone = None
        text = self.source.graded[name].text
        while True:
            fresh = self.judge_served == 0
            try:
                verdict = self._converse(text, name, time.monotonic() + seconds + processes.GRACE)
            except (Closed, Late, Garbled) as error:
                late = isinstance(error, Late)
                failure = "time" if late else self.judge.end()["end"]
            else:
                late, failure = False, verdict["exhausted"]
            if not failure:
                self._record(name, verdict)
                break
            self.judge.kill()
            self.judge = self._open_judge()
            if late and self.waited > seconds / 2:
                self._undecided(name, f"its functions took more than {seconds:g} seconds")
                break
            if fresh:  # else it was perhaps worn out by the tests before
                self._undecided(name, f"the tests could not be finished ({failure})")
                break
        if self.gone is not None:
            raise self.gone

    def _converse(self, text, name, deadline):
        """The judge's verdict on a test; its questions are handed on, and answers back."""
        self.waited, self.events, self.unwritten = 0.0, [], False
        self.testing = name
        hidden = hidden_lines(text)
        channel = self.judge.channel
        self.judge_served += 1
        channel.send({"source": text, "points": self.source.graded[name].points})
        while True:
            left = deadline - time.monotonic()
            if left <= 0:  # an answer may always be ready in no time
                raise Late
            message = channel.receive(left)
            if message["kind"] == "verdict":
                return message
            if message["kind"] == "text":
                place = self.functions.get(message["name"])
                channel.send({"text": function_text(place)} if place else {})
                continue
            began = time.monotonic()
            if self.gone is None:
                try:
                    answer = self._answer(message, hidden)
                except StudentGone as gone:
                    self.gone = gone
            if self.gone is not None:
                answer = {"error": "TimeoutError", "text": f"{self.gone}"}
                self.events.append((f"{self.gone}", True))
            self.waited += time.monotonic() - began
            channel.send(answer)

    def _answer(self, message, hidden):
        """What the student's process answers to a question of the judge."""
        request = {key: message[key] for key in ("kind", "name", "value") if key in message}
        seconds = self.limits["call_seconds"]
        what = "an answer"
        if message["kind"] != "fetch":
            what = "a function"
            if hidden.intersection(message["lines"]):
                self.told = True
        elif message["name"] in self.source.library[1]:
            request["library"] = self.source.library[0]
        answer = self._ask(request, seconds, what)
        if len(self.events) < MAX_EVENTS:
            self._look_for_events(message, answer, seconds)
        return {key: answer[key] for key in ("value", "missing", "error", "text") if key in answer}

    def _look_for_events(self, message, answer, seconds):
        """Note what this answer says but for a value."""
        kind, name, event = answer.get("error"), answer.get("name"), None
        if answer.get("missing"):
            event = self._undefined(message["name"])
            self.unwritten |= event is None
        elif kind is None:
            return
        elif answer.get("late"):
            event = f"a function was stopped after {seconds:g} seconds", True
        elif kind == "MemoryError":
            event = "a function ran out of memory", True
        elif kind == "NameError" and name:
            known = name in self.source.defines or any(
                name in self.notebook.cells[place].source for place in self.trouble
            )
            event = self._undefined(name) if known else None
        elif issubclass(EXCEPTIONS.get(kind, Exception), (OSError, ImportError)):
            if self._unwritten(self.source.answers[self.testing][-1:]):
                self.unwritten = True
                return
            event = f"a function ended with {kind}, as where a file or package is missing", False
        if event:
            self.events.append(event)

    def _record(self, name, verdict):
        """Enter the verdict on a test, and how sure it is."""
        graded, cell = self.source.graded[name], self.result.cells[name]
        hidden = hidden_lines(graded.text)
        cell.score = verdict["score"]
        cell.message = plain_text(verdict["message"], MAX_TEXT)
        cell.hidden = verdict["line"] in hidden
        cell.missed = properties(graded.text, verdict)
        if cell.score is None:
            # The source's own solution was proved: so it comes from the answers.
            cell.score, cell.message = 0.0, ""
            self._doubt(name, "the answers lead to no valid number of points", False)
            self._tell_teacher(name, verdict["message"])
            return
        if cell.message and self.told and not cell.hidden:
            # The message could hold what a hidden test has handed to a function.
            lines = ["", *graded.text.splitlines()]
            kind = cell.message.partition(":")[0]
            cell.message = f"{kind}: {lines[verdict['line']].strip()}"
            self.unexplained.append(name)
        if cell.score < cell.points:
            self._look_for_doubts(name, verdict)
            if self.unwritten and not cell.doubt:
                cell.message, cell.hidden = "NotImplementedError: an answer is missing", False

    def _look_for_doubts(self, name, verdict):
        """Points are missing: was an answer compared, and was wrong?"""
        own = self.source.answers[name][-1:]
        for place in self.places.get(own[0] if own else None, ()):
            if place in self.trouble:
                self.events.insert(0, self.trouble[place])
        for found in verdict["uncarried"]:
            what = "an answer is of a kind that the tests cannot look into"
            self.events.append((f"{what}: give numbers, text, lists or arrays", False))
            self._tell_teacher(name, found)
        if self.events:
            sentence = self.events[0][0]
            self._doubt(name, sentence, any(again for _, again in self.events))

    def _doubt(self, name, sentence, again):
        cell = self.result.cells[name]
        cell.doubt = sentence
        self.result.status = PERSON
        self.result.again |= again

    def _undecided(self, name, sentence):
        """0 for a test that has come to no verdict."""
        cell = self.result.cells[name]
        cell.score, cell.message = 0.0, f"{sentence[0].upper()}{sentence[1:]}."
        self._doubt(name, self.events[0][0] if self.events else sentence, True)

    def _tell_teacher(self, name, detail):
        """A reason that quotes the student's process."""
        reason = f"{self.source.names[name]}: {shown_name(detail)}."
        self.result.note(reason)
        self.result.private.append(reason)

    def _sum_up(self):
        """The doubts as sentences: each once, with the exercises that it concerns."""
        found = {}
        for name, cell in self.result.cells.items():
            if cell.doubt:
                found.setdefault(cell.doubt, []).append(self.source.names[name])
        for doubt, exercises in found.items():
            self.result.note(f"{'; '.join(exercises)}: {doubt}.")

    # --- what visible tests say ---------------------------------------------------------

    def _explain(self):
        """Run the notebook once more, with visible tests alone, for what these say.

        Before, hidden tests had handed something to the student's functions, which a
        message could tell. Here they are not run, so nothing of them can be told.
        """
        last = max(number for number, s in enumerate(self.steps) if s.test in self.unexplained)
        self.student.kill()
        self.student = self._open_student()
        self._forget()
        try:
            for number, step in enumerate(self.steps[: last + 1]):
                if time.monotonic() > self.deadline:
                    return
                if step.test in self.unexplained:
                    self._explain_one(step.test)
                elif step.test is None and number not in self.skipped:
                    self._ask({"kind": "run", "source": step.text}, self._seconds(), "this cell")
                    self.functions.update(function_places(step.text))
        except (StudentGone, Closed, Late, Garbled):
            return  # the marks stand; only their explanation is shorter

    def _explain_one(self, name):
        text = without_hidden(self.source.graded[name].text)
        verdict = self._converse(text, name, time.monotonic() + self._seconds())
        if self.gone is not None:
            raise self.gone
        if verdict["line"] is not None and not verdict["exhausted"] and not self.unwritten:
            self.result.cells[name].message = plain_text(verdict["message"], MAX_REMARK)

    # --- whose it is --------------------------------------------------------------------

    def _compare_names(self, last=False):
        """Is the notebook's `student` whose folder it is in? Asked before the first test,
        which could fill it; `last`: it was not there then, so it is not quoted."""
        request = {"kind": "fetch", "name": "student"}
        try:
            answer = self._ask(request, self.limits["call_seconds"], "student")
            claimed = messages.loads(answer.get("value", b""), max_bytes=1000)
        except StudentGone:
            self.claimed = False
            who = self.environment["COURSE_STUDENT"]
            self.result.needs_person(f"It was handed in by {who}, but has no text in student.")
            raise
        except messages.NotPlain:
            claimed = None
        if claimed is None and not last:
            return
        if claimed is None and self._undefined("student") is None:
            self.claimed = False  # nobody has written it, as in a notebook without answers
            return
        student = self.environment["COURSE_STUDENT"]
        known = isinstance(claimed, str)
        self.claimed = known and same_id(claimed) == same_id(student)
        if not self.claimed:
            says = f"says student = {shown_name(claimed)!r}" if known else "has no text in student"
            self.result.needs_person(f"It was handed in by {student}, but {says}.", private=last)


def _binds(text, name):
    """Could this cell have given a value to the name? Of one that cannot be read: is it there?"""
    tree = parsed(text)
    if tree is None:
        return bool(re.search(rf"\b{re.escape(name)}\b", text))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return True
        if (
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            and node.name == name
        ):
            return True
        if isinstance(node, ast.alias) and (node.asname or node.name.partition(".")[0]) == name:
            return True
    return False


def properties(text, verdict):
    """The properties that a test names, and that an answer lacks: what a student may know.

    Those of Marks, and the comment `# Property: ...` above the hidden line that failed. All
    are words of the source, so nothing of a student's can slip in.
    """
    found = verdict["missed"]
    if found:
        tree = parsed(text)
        known = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)} if tree else ()
        found = [what for what in found if what in known]
    if verdict["line"] in hidden_lines(text):
        above = text.splitlines()[: verdict["line"]]
        above = above[max((n for n, line in enumerate(above) if BEGIN_HIDDEN in line)) :]
        named = [line.partition("# Property: ")[2].strip() for line in above]
        found = [*found, *[line for line in named if line][-1:]]
    return list(dict.fromkeys(found))


def _claims_student(source):
    """Does the source's first code cell say `student = ...`?"""
    for cell in source.notebook.cells:
        if cell.cell_type == "code":
            return re.search(r"^student\s*=", cell.source, re.MULTILINE) is not None
    return False
