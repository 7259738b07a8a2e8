"""Worker processes that are safe in notebooks, in plain scripts and on Windows."""

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager


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
    main = sys.modules["__main__"]
    hidden = {
        name: getattr(main, name, None) for name in ("__file__", "__spec__")
    }
    had_file = hasattr(main, "__file__")
    main.__spec__ = None
    if had_file:
        del main.__file__
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    finally:
        pool.shutdown(wait=True)
        main.__spec__ = hidden["__spec__"]
        if had_file:
            main.__file__ = hidden["__file__"]
