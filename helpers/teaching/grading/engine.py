"""Grades one submission at a time: two confined processes, and who waits for whom.

    with Engine(modules=source.modules) as engine:
        outcome = engine.grade(source, notebook, student="ada")

The student's process runs the cells; the judge runs the tests. This process carries
messages between them, and ends either when it takes too long. Both are new for each
submission: nothing is kept from one student to the next.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress

from helpers.files import CourseError
from helpers.teaching.grading import sandbox
from helpers.teaching.grading.marking import Marking
from helpers.teaching.grading.messages import Channel, Closed, Garbled, Late, NotPlain, pair
from helpers.teaching.grading.outcomes import FAILED, Cell, GraderFailed, Outcome
from helpers.teaching.grading.processes import START, Process
from helpers.teaching.grading.submissions import Source, read_source

EVERYWHERE = (
    "IPython.core.interactiveshell",
    "numpy",
    "pandas",
    "matplotlib.pyplot",
)


class Engine:
    """Starts processes for submissions. Thread-safe; use as a context manager.

    `modules` are imported once, before anything is graded; `with` begins with that and
    does not wait. `secret` is the teacher's; tests know it, and no student's process does. Raises CourseError if submissions cannot be confined and `trusted` is
    not said.
    """

    def __init__(self, modules=(), keras=False, trusted=False, secret=None):
        sandbox.require(trusted)
        self.secret = secret
        self.modules = [*EVERYWHERE, *(["keras"] if keras else []), *modules]
        self.confined = not trusted
        self._lock = threading.Lock()
        self.stopped = False
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

    def grade(self, source, notebook, student, files=None, python="", teachers=False):
        """The Outcome for one notebook.

        `source` is a Source or a notebook node; `notebook` a node; `student` the id
        that the specification depends on; `files` {relative path: bytes} for the
        working folder; `python` the version that the student used, if it is known; `teachers`:
        it is the teacher's own notebook, and may know the secret.
        Never raises for what the submission does. Where `again` is true, grade once
        more while nothing else runs, and take that Outcome.
        """
        if not isinstance(source, Source):
            source = read_source(source)
        try:
            self.ready()
            marking = Marking(self, source, notebook, student, files or {}, python, teachers)
            return marking.outcome()
        except (GraderFailed, CourseError, OSError, NotPlain) as error:
            outcome = Outcome(FAILED, [f"The grader failed: {error}"])
            outcome.cells = {
                name: Cell(graded.points, by_hand=graded.by_hand)
                for name, graded in source.graded.items()
            }
            return outcome
