"""The process that imports what takes long, and forks one process a task.

A module of the course may have a function `prepare()`, which is called here once: for
what is the same in every submission, and remembered.

`python -m helpers.teaching.grading.launcher SOCKET CONFINED MODULE...`: on the socket come
requests, each with two sockets: the task's channel and its lifeline.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys

from helpers.teaching.grading import sandbox
from helpers.teaching.grading.messages import MAX_ITEMS, Channel


def main(words):
    requests = socket.socket(fileno=int(words[0]))
    confined = words[1] == "confined"
    from helpers.teaching.grading import judge, student

    tasks = {"student": student.main, "judge": judge.main, "probe": _probe}
    for name in words[2:]:
        # What is missing here is missing in the notebook too, which then says so.
        with contextlib.suppress(Exception):
            module = importlib.import_module(name)
            if name.startswith("helpers."):
                getattr(module, "prepare", bool)()
    gc.freeze()  # forks share this memory longer
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    requests.send(b"ready")
    while True:
        request, handles, *_ = socket.recv_fds(requests, 65536, 2)
        if not request:
            return
        channel, lifeline = (socket.socket(fileno=each) for each in handles)
        request = json.loads(request)
        if os.fork() == 0:
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                requests.close()
                _task(tasks[request["task"]], request, channel, lifeline, confined)
            finally:
                os._exit(0)
        channel.close()
        lifeline.close()
        requests.send(b"1")


def _task(task, request, channel, lifeline, confined):
    def work():
        os.environ.update(request["environment"])
        if not confined:  # its own folder; elsewhere all have one name
            shared = os.environ["TMPDIR"]
            for name, value in os.environ.items():
                if value.startswith(shared):
                    own = request["scratch"] + value.removeprefix(shared)
                    os.environ[name] = own
        task(Channel(channel, MAX_ITEMS))

    sandbox.run_alone(work, lifeline, request["limits"], confined)


def _probe(channel):
    """Say that a task gets here, and what it could write to."""
    writable = []
    for folder in ("/", "/dev", "/etc", "/usr", "/proc", "/home"):
        try:
            with open(f"{folder}/probe", "w", encoding="utf-8"):  # noqa: PTH123
                writable.append(folder)
        except OSError:
            pass
    channel.send({"writable": writable})


if __name__ == "__main__":
    # Nothing may be written to the terminal of the teacher.
    main(sys.argv[1:])
