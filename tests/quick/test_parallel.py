"""Worker processes: separate, ended, harmless to plain scripts."""

import os
import subprocess
import sys
import textwrap
import time
from contextlib import suppress

import psutil
import pytest

from helpers import parallel
from helpers.files import COURSE
from helpers.parallel import cores, process_pool


def test_cores():
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_workers_are_other_processes_and_end():
    with process_pool(2) as pool:
        pid = pool.submit(os.getpid).result()
        assert pid != os.getpid() and psutil.pid_exists(pid)
        assert pool.submit(len, "人从众").result() == 3
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_no_worker_is_left_after_an_error(error):
    with pytest.raises(error), process_pool(2) as pool:
        pid = pool.submit(os.getpid).result()
        waiting = [pool.submit(time.sleep, 0.3) for _ in range(20)]
        start = time.monotonic()
        raise error
    assert not psutil.pid_exists(pid)
    # What had not begun was given up, not worked off: that would take 3 seconds.
    assert waiting[-1].cancelled() and time.monotonic() - start < 2.5


def test_errors_in_a_worker_arrive():
    with process_pool(1) as pool:
        pid = pool.submit(os.getpid).result()
        with pytest.raises(FileNotFoundError, match="no-such-folder"):
            pool.submit(os.listdir, "no-such-folder").result()
        assert pool.submit(os.getpid).result() == pid  # and do not end it


def test_the_main_script_is_as_before(monkeypatch):
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__file__", "script.py", raising=False)
    spec = main.__spec__
    with process_pool(1):
        assert not hasattr(main, "__file__") and main.__spec__ is None
    assert main.__file__ == "script.py" and main.__spec__ is spec

    def refuse(*arguments):
        raise NotImplementedError("no semaphores here")

    monkeypatch.setattr(parallel, "ProcessPoolExecutor", refuse)
    with pytest.raises(NotImplementedError), process_pool(1):
        pytest.fail("this must not run")
    assert main.__file__ == "script.py" and main.__spec__ is spec


def test_windows_limit(monkeypatch):
    """Windows raises ValueError for more than 61 processes."""
    asked = []

    class Pool:
        def __init__(self, workers, *arguments):
            asked.append(workers)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    monkeypatch.setattr(parallel, "ProcessPoolExecutor", Pool)
    with process_pool(64):
        pass
    assert asked == [61]


def start(folder, code):
    """Run `code` as a plain script, outside the course's folder."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, script],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(COURSE),
            "TQDM_DISABLE": "1",
            "COURSE_TEST": str(folder),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_script_without_a_main_guard_runs_once(tmp_path):
    code = """
        from helpers.handwriting import simulator

        print("once")
        simulator.simulate("drawn", "tiny", workers=2)
        print("done")
    """
    out, error = start(tmp_path, code).communicate(timeout=60)
    assert (out.split(), error) == (["once", "done"], "")
    assert len(list((tmp_path / "drawn").rglob("*.png"))) > 700


WAITING = """
    import os, time
    from helpers.parallel import process_pool

    with process_pool(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(60)
"""


def test_workers_end_when_their_parent_is_killed(tmp_path):
    process = start(tmp_path, WAITING)
    worker = psutil.Process(int(process.stdout.readline()))
    process.kill()
    try:
        worker.wait(timeout=10)  # raises psutil.TimeoutExpired if it goes on
    finally:
        for orphan in psutil.process_iter():
            with suppress(psutil.Error):
                if orphan.environ().get("COURSE_TEST") == str(tmp_path):
                    orphan.kill()
        process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups with Ctrl-C")
def test_ctrl_c_in_a_terminal_is_seen_by_the_parent_alone(tmp_path):
    """The terminal sends it to the whole group; workers must not add tracebacks."""
    import signal

    process = start(tmp_path, WAITING)
    worker = psutil.Process(int(process.stdout.readline()))
    for one in (worker, psutil.Process(process.pid)):
        one.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=20)
    assert error.count("Traceback") == 1 and "KeyboardInterrupt" in error
    assert not worker.is_running()
