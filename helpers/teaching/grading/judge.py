"""Runs the source's test cells, far away from the code that they test.

A name that a test cell does not define is asked for in the student's process, and
comes as plain data; so nothing that the student's code has changed is in here.
"""

import ast
import builtins
import inspect
import os
import sys
import traceback
from contextlib import suppress

from helpers.assignments import Marks
from helpers.teaching.grading import messages, seeds, values
from helpers.teaching.grading.messages import Closed

MAX_MESSAGE = 1000

FILE = "<test>"
"""The name of the file in which Python believes a test cell to be."""


EXHAUSTED = (MemoryError, RecursionError, OSError)
"""Errors that come of what is left of memory, files and depth, not of an answer."""


def main(channel):
    """Judge test cells until the coordinator hangs up."""
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123
    sys.stdout = sys.stderr = open(  # noqa: SIM115, PTH123
        os.devnull, "w", encoding="utf-8"
    )
    os.chdir(os.environ["TMPDIR"])
    while True:
        try:
            request = channel.receive()
        except Closed:
            return
        channel.send({"kind": "verdict", **judge(request, channel)})


def judge(request, channel):
    """The verdict on one test cell: {"score", "message", "line", "exhausted", "missed",
    "uncarried"}.

    `score` is None if the cell's last value is no valid number of points. `line` is
    where in the cell it failed, None if it did not. `exhausted` names the error if it
    was the judge that could not go on, which says nothing about the answer. `uncarried`
    are sentences on answers that could not be carried here, `missed` the properties that an
    answer lacks, if the test says which.
    """
    seeds.same_for_all()
    namespace = Namespace(channel)
    verdict = _tried(request["source"], request["points"], namespace)
    verdict["missed"] = [
        what for marks in namespace.values() if isinstance(marks, Marks) for what in marks.missed
    ]
    verdict["uncarried"] = [repr(value)[:MAX_MESSAGE] for value in namespace.uncarried[:3]]
    return verdict


def _tried(source, points, namespace):
    """`judge` without what the namespace knows."""
    verdict = {"message": "", "line": None, "exhausted": ""}
    try:
        *body, last = _statements(source, FILE)
        for part in body:
            exec(part, namespace)
        value = eval(last, namespace) if last else None
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == FILE]
        line = lines[0] if lines else getattr(error, "lineno", None)
        kind = type(error).__name__
        message = f"{kind}: {_words(error)}".rstrip(": ")[:MAX_MESSAGE]
        if isinstance(error, EXHAUSTED) and error is not namespace.theirs:
            verdict["exhausted"] = kind
        return verdict | {"score": 0.0, "message": message, "line": line or 0}
    score = _partial(value, points)
    if score is None:
        found = "a number too long to be written"
        with suppress(ValueError):
            found = repr(value)
        message = f"its last value is {found:.100}, not from 0 to {points:g}"
        return verdict | {"score": None, "message": message}
    return verdict | {"score": score}


def _words(error):
    """Its text; what it holds may have a text that cannot be written."""
    try:
        return str(error)
    except Exception:
        return ""


def _statements(source, file):
    """The cell as two pieces of code: all but its last value, and that value or None."""
    tree = ast.parse(source, file)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)
    yield compile(tree, file, "exec")
    yield compile(last, file, "eval") if last else None


def _partial(value, points):
    """The marks, by nbgrader's rule: a last value that is a number counts as marks."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return points
    return float(value) if 0 <= value <= points else None


def _lines_at_work():
    """The numbers of the test's lines that wait for this call, innermost first."""
    frame, lines = inspect.currentframe(), []
    while frame is not None:
        if frame.f_code.co_filename == FILE:
            lines.append(frame.f_lineno)
        frame = frame.f_back
    return lines[:100]


class Namespace(dict):
    """The names of a test cell; those that it lacks are the student's."""

    def __init__(self, channel):
        super().__init__(__name__="__main__", __builtins__=builtins)
        self._channel = channel
        self.uncarried = []
        """Answers that could not be carried here."""
        self.theirs = None
        """The last error that a function of the student raised."""
        self._builders = values.builders(self._call, self._text_of, self.uncarried)

    def __missing__(self, name):
        if hasattr(builtins, name):
            raise KeyError(name)  # Python looks there next
        answer = self._ask({"kind": "fetch", "name": name})
        if answer.get("missing"):
            raise NameError(f"name {name!r} is not defined", name=name)
        self[name] = self._value(answer)
        return self[name]

    def _text_of(self, name):
        return self._ask({"kind": "text", "name": name[:200]}).get("text")

    def _call(self, number, positional, named, counted=False):
        try:
            value = messages.dumps((number, positional, named), values.hand_back)
        except messages.NotPlain as error:
            raise TypeError(
                f"the test hands the student's function something that {error}"
            ) from error
        kind = "count" if counted else "call"
        question = {"kind": kind, "value": value, "lines": _lines_at_work()}
        return self._value(self._ask(question))

    def _ask(self, question):
        self._channel.send(question)
        return self._channel.receive()

    def _value(self, answer):
        if "error" in answer:
            kind = values.EXCEPTIONS.get(str(answer["error"]))
            text = str(answer["text"])
            if kind is None:
                kind, text = RuntimeError, f"{answer['error']}: {text}"
            self.theirs = kind(text)
            raise self.theirs
        try:
            return messages.loads(bytes(answer["value"]), self._builders)
        except (messages.NotPlain, KeyError, TypeError) as error:
            self.uncarried.append(values.Uncarried("answer", str(error)))
            raise RuntimeError("the answer cannot be read") from error
