"""Worker processes that are safe in notebooks, in plain scripts and on Windows."""

import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

MAX_WORKERS = 61
"""Windows cannot wait for more processes than this."""


def cores() -> int:
    """Number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def process_pool(workers):
    """Yield a ProcessPoolExecutor that is shut down, workers included, at the end.

    Workers are spawned, never forked: TensorFlow's threads do not survive a fork.
    A spawned worker imports the caller's main script again, which would run it
    a second time where it has no `if __name__ == "__main__"`; the script's name
    is hidden meanwhile, so only importable functions can be sent to the workers.
    """
    main = vars(sys.modules["__main__"])
    hidden = {k: main[k] for k in ("__file__", "__spec__") if k in main}
    main.pop("__file__", None)
    main["__spec__"] = None
    try:
        with ProcessPoolExecutor(
            min(workers, MAX_WORKERS),
            multiprocessing.get_context("spawn"),
            _obey_parent,
        ) as pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    finally:
        main.update(hidden)


def spread(function, jobs, workers):
    """Yield function(*job) for each job, in order, computed by worker processes.

    function: importable. workers: how many; 1 computes in this process, and so does
    a system that has no process pools. Close the generator when it is not used up.
    """
    done = 0
    if workers > 1:
        try:
            with process_pool(workers) as pool:
                for result in pool.map(function, *zip(*jobs, strict=True)):
                    done += 1
                    yield result
            return
        except (ImportError, NotImplementedError, BrokenProcessPool):
            pass  # no process pools here: the rest in this process
    for job in jobs[done:]:
        yield function(*job)


def _obey_parent():
    """In a worker: leave Ctrl-C to the parent, and end when it is killed.

    Ctrl-C reaches all processes of a terminal; and a worker whose parent has been
    killed would wait for work forever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)
