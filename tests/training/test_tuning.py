"""The worker of notebook 08, taken from its cell: killed, resumed, and in company.

The same file works on SQLite, on a PostgreSQL server that is started here, and
through Optuna's gRPC proxy.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import optuna
import psycopg
import pytest
from refresh_notebooks import find_notebooks
from support import skip_or_fail

SECRET = "s3cr-t"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The working directory, with the notebook's worker.py in it."""
    (path,) = [p for p in find_notebooks() if p.name.startswith("08_hyper")]
    first = "%%writefile runs/worker.py\n"
    cells = [c.source for c in nbformat.read(path, 4).cells if c.source.startswith(first)]
    (source,) = cells
    (tmp_path / "worker.py").write_text(source.removeprefix(first), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # gRPC obeys http_proxy
    monkeypatch.setenv("PGPASSWORD", SECRET)
    return tmp_path


def python(*arguments):
    """A started Python process; its output holds standard error too."""
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def ended(process):
    """(exit code, output), which may not hold the password."""
    output, _ = process.communicate(timeout=120)
    assert SECRET not in output
    return process.returncode, output


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def postgres():
    """The port of a PostgreSQL server of our own: user course, password SECRET."""
    if sys.platform == "win32":
        pytest.skip("only Linux and macOS let a test start its own PostgreSQL")
    # Debian keeps the server off the PATH.
    found = [*Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    found += [Path(path).resolve() for path in [shutil.which("postgres")] if path]
    if not found:
        skip_or_fail("there is no PostgreSQL server: on Debian, apt-get install postgresql")
    programs, port = found[0].parent, free_port()
    # pytest's own temporary folders are closed to the server's user.
    with tempfile.TemporaryDirectory(prefix="course-postgres-") as name:
        settings = {"cwd": name, "stdout": subprocess.DEVNULL}
        if os.getuid() == 0:  # as root it refuses to run
            shutil.chown(name, "postgres", "postgres")
            settings |= {"user": "postgres", "group": "postgres", "extra_groups": []}
        password = Path(name, "password")
        password.write_text(SECRET, encoding="ascii")
        initdb = [programs / "initdb", "-D", "data", "-U", "course", "--pwfile", password]
        initdb += ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(initdb, check=True, **settings)
        server = [programs / "postgres", "-D", "data", "-p", str(port), "-c", "fsync=off"]
        server += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        process = subprocess.Popen(server, stderr=subprocess.DEVNULL, **settings)
        try:
            wait_for(lambda: accepts(port))
            yield port
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(20)


def accepts(port):
    """Whether the server has started and lets `course` in."""
    try:
        with psycopg.connect(f"postgresql://course:{SECRET}@127.0.0.1:{port}/postgres"):
            return True
    except psycopg.OperationalError:
        return False


def trials(storage):
    return optuna.load_study(study_name="demo", storage=storage).trials


def killed_and_resumed(url, storage, workers):
    """Kill a worker in mid-trial, go on with several; return the killed trial's state.

    storage: where to look, which may be behind what the workers see.
    """
    assert ended(python("worker.py", url, 3, 0))[0] == 0
    dead = python("worker.py", url, 9, 600)
    try:
        wait_for(lambda: len(trials(storage)) == 4 and trials(storage)[3].params)
    finally:
        dead.kill()  # SIGKILL; on Windows, TerminateProcess
    ended(dead)
    before = trials(storage)
    assert [t.state.name for t in before] == ["COMPLETE"] * 3 + ["RUNNING"]
    time.sleep(8)  # the grace period is 6 s, and SQLite's clock counts whole ones
    for code, output in map(ended, [python("worker.py", url, 3, 0.3) for _ in range(workers)]):
        assert code == 0, output
    after = trials(storage)
    assert after[:3] == before[:3]  # values, parameters, times
    new = after[4:]
    assert [t.state.name for t in new] == ["COMPLETE"] * 3 * workers
    assert len({t.user_attrs["worker"] for t in new}) == workers
    assert len({t.params["x"] for t in after}) == len(after)  # no common seed
    return after[3].state.name


@pytest.mark.parametrize("workers", [2, 4])
def test_sqlite(workers):
    assert killed_and_resumed("sqlite:///study.db", "sqlite:///study.db", workers) == "FAIL"


def test_postgresql(postgres):
    url = f"postgresql://course@127.0.0.1:{postgres}/postgres"
    assert killed_and_resumed(url, url, 2) == "FAIL"


def test_no_password_is_printed(postgres):
    url = "postgresql://{}:{}@127.0.0.1:{}/postgres"
    for wrong, said in (
        (url.format("nobody", SECRET, postgres), "password authentication failed"),
        (url.format("course", SECRET, free_port()), "connection failed"),
        (url.format("course", SECRET, "port"), "port"),
    ):
        code, output = ended(python("worker.py", wrong, 1, 0))
        assert code != 0 and said in output


PROXY = """
from optuna.storages import get_storage, run_grpc_proxy_server
run_grpc_proxy_server(get_storage("sqlite:///study.db"), host="127.0.0.1", port={port})
"""


def test_grpc_proxy():
    port = free_port()
    proxy = python("-c", PROXY.format(port=port))
    try:
        wait_for(lambda: answers(port))
        # Heartbeats do not pass through it: the notebook says so.
        url = f"grpc://127.0.0.1:{port}"
        assert killed_and_resumed(url, "sqlite:///study.db", 2) == "RUNNING"
    finally:
        proxy.kill()
        proxy.communicate()
