"""Studies survive: killed workers, lost storages, several workers, wrong input."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from contextlib import closing, contextmanager
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from optuna.trial import TrialState
from support import skip_or_fail

from helpers import __main__ as command
from helpers import tuning
from helpers.files import CourseError

SECRET = "s3cr{t%"
QUOTED = "s3cr{t%25"  # as it stands in a URL

OBJECTIVES = """
import os, time
from pathlib import Path

DIRECTION = "minimize"

def square(trial):
    trial.set_user_attr("process", os.getpid())
    return trial.suggest_float("x", -1, 1) ** 2

def slow(trial):
    time.sleep(0.2)
    Path(f"trial-{trial.number}").touch()
    return square(trial)

def hang(trial):
    value = square(trial)
    if trial.number >= 2:
        Path(f"hangs-{os.getpid()}").touch()
        time.sleep(600)
    return value
"""

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal of this kind")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The working directory, with objective.py in it."""
    (tmp_path / "objective.py").write_text(OBJECTIVES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # gRPC obeys http_proxy
    monkeypatch.delenv("COURSE_STORAGE", raising=False)
    return tmp_path


def words(url, function="square", trials=6, study="s"):
    return [
        *("tune", "--storage", url, "--study", study),
        *("--objective", f"objective.py:{function}", "--trials", str(trials)),
    ]


def python(*arguments, **settings):
    """A started Python process with its outputs captured."""
    settings.setdefault("stdout", subprocess.PIPE)
    return subprocess.Popen(
        [sys.executable, *arguments],
        stderr=subprocess.PIPE,
        encoding="utf-8",
        **settings,
    )


def worker(*arguments, **settings):
    return python("-m", "helpers", *words(*arguments), **settings)


def ended(process):
    """(exit code, standard output, standard error); neither may hold the secret."""
    out, err = process.communicate(timeout=60)
    assert "s3cr" not in out + err
    return process.returncode, out, err


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def stored(url, study="s"):
    """The trials of the stored study."""
    storage = tuning.open_storage(url)
    return optuna.load_study(study_name=study, storage=storage).trials


def states(trials):
    return [t.state.name for t in trials]


def sentence(function, *arguments):
    """The one sentence with which this call fails; no secret near it."""
    start = time.monotonic()
    with pytest.raises(CourseError) as caught:
        function(*arguments)
    assert time.monotonic() - start < 8
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".")
    assert "s3cr" not in "".join(traceback.format_exception(caught.value))
    return text


def new_study(objective=None, trials=3):
    study = tuning.open_study("s", tuning.open_storage("sqlite:///study.db"), "minimize")
    if objective:
        tuning.run(study, objective, trials)
    return study


def square(trial):
    return trial.suggest_float("x", -1, 1) ** 2


# -- a real PostgreSQL server -------------------------------------------------


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def server_programs():
    """The folder with `initdb` and `postgres`; Debian keeps it off the PATH."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if on_path := shutil.which("postgres"):
        found.append(Path(on_path).resolve())
    return found[-1].parent if found else None


class Server:
    """A PostgreSQL server of our own on a loopback port, with a password."""

    def __init__(self, programs, folder):
        self.programs, self.data = programs, folder / "data"
        self.port = free_port()
        # It refuses to run as root.
        self.settings = {"cwd": folder, "stdout": subprocess.DEVNULL}
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
            self.settings |= {
                **{"user": "postgres", "group": "postgres"},
                "extra_groups": [],
            }
        password = folder / "password"
        password.write_text(SECRET, encoding="ascii")
        subprocess.run(
            [
                *(programs / "initdb", "-D", self.data, "-U", "course"),
                *("-A", "scram-sha-256", "--pwfile", password),
                *("-E", "UTF8", "--locale=C", "--no-sync"),
            ],
            check=True,
            **self.settings,
        )

    def url(self, database="postgres", user="course", password=QUOTED):
        address = f"127.0.0.1:{self.port}/{database}"
        return f"postgresql://{user}:{password}@{address}"

    def start(self):
        self.process = subprocess.Popen(
            [
                *(self.programs / "postgres", "-D", self.data),
                *("-p", str(self.port), "-c", "listen_addresses=127.0.0.1"),
                *("-c", "unix_socket_directories=", "-c", "fsync=off"),
            ],
            stderr=subprocess.DEVNULL,
            **self.settings,
        )
        wait_for(self.answers)

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)  # at once, as if it had crashed
        self.process.wait(20)

    def answers(self):
        try:
            self.execute("SELECT 1")
        except sqlalchemy.exc.OperationalError:
            return False
        return True

    def execute(self, text):
        engine = sqlalchemy.create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(text))
        engine.dispose()

    def new_database(self):
        name = f"studies_{time.monotonic_ns()}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@pytest.fixture(scope="module")
def postgres():
    if sys.platform == "win32":
        pytest.skip("only Linux and macOS let a test start its own PostgreSQL")
    programs = server_programs()
    if programs is None:
        skip_or_fail(
            "there is no PostgreSQL server to start: install it (on Debian: "
            "apt-get install postgresql)"
        )
    # pytest's own temporary folders are closed to the server's user.
    with tempfile.TemporaryDirectory(prefix="course-postgres-") as folder:
        server = Server(programs, Path(folder))
        server.start()
        yield server
        server.stop()


# -- Optuna's gRPC proxy ------------------------------------------------------

PROXY = """
import sys
from optuna.storages import get_storage, run_grpc_proxy_server
run_grpc_proxy_server(get_storage(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]))
"""


@contextmanager
def proxy(database):
    """Yield (process, URL) of a proxy in front of the database at that URL."""
    port = free_port()
    process = python("-W", "ignore", "-c", PROXY, database, str(port), stdout=None)
    try:
        yield process, f"grpc://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


# -- several workers ----------------------------------------------------------


def share(url, workers):
    """Start workers at the same time on a storage without tables; check the study."""
    all_ended = [
        ended(process) for process in [worker(url, "slow", 4, "共享") for _ in range(workers)]
    ]
    assert [code for code, _, _ in all_ended] == [0] * workers, all_ended
    assert [err for _, _, err in all_ended] == [""] * workers
    trials = stored(url, "共享")
    assert [t.number for t in trials] == list(range(4 * workers))
    assert set(states(trials)) == {"COMPLETE"}
    assert len({t.user_attrs["process"] for t in trials}) == workers
    assert len({t.params["x"] for t in trials}) == len(trials)  # no common seed


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_share_an_sqlite_study(workers):
    share("sqlite:///study.db", workers)


def test_workers_share_a_postgresql_study(postgres):
    share(postgres.new_database(), 2)


def test_workers_share_a_study_behind_the_proxy():
    with proxy("sqlite:///study.db") as (_, url):
        share(url, 2)


# -- killed workers -----------------------------------------------------------


def killed_and_resumed(url, grow_old):
    """Kill one of two workers in mid-trial, let time pass, resume."""
    dead = worker(url, "hang")
    wait_for(lambda: Path(f"hangs-{dead.pid}").exists())
    alive = worker(url, "hang")
    try:
        wait_for(lambda: Path(f"hangs-{alive.pid}").exists())
        dead.kill()  # SIGKILL on POSIX
        ended(dead)
        before = stored(url)
        assert states(before) == ["COMPLETE"] * 2 + ["RUNNING"] * 2
        grow_old()
        code, out, err = ended(worker(url, "square", 3))
        assert (code, err) == (0, "")
        assert "5 finished, 0 pruned, 1 failed, 1 running" in out
        after = stored(url)
        assert states(after[2:]) == ["FAIL", "RUNNING"] + ["COMPLETE"] * 3
        assert after[:2] == before[:2]  # values, parameters, times
    finally:
        alive.kill()
        alive.communicate()


def test_a_killed_worker_loses_no_finished_trial():
    killed_and_resumed("sqlite:///study.db", lambda: time.sleep(tuning.GRACE + 2))


def test_a_killed_worker_of_postgresql_loses_no_finished_trial(postgres):
    url = postgres.new_database()

    def grow_old():
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            connection.execute(
                sqlalchemy.text(
                    "UPDATE trial_heartbeats SET heartbeat = heartbeat - "
                    "interval '1 minute' WHERE trial_id = "
                    "(SELECT trial_id FROM trials WHERE number = 2)"
                )
            )
        engine.dispose()

    killed_and_resumed(url, grow_old)


def test_a_trial_that_others_gave_up_is_one_failed_trial(capsys):
    def asleep(trial):
        if trial.number == 1:  # this machine sleeps; another worker goes on
            new_study().tell(1, state=TrialState.FAIL)
        return square(trial)

    study = new_study(asleep)
    assert states(study.trials) == ["COMPLETE", "FAIL", "COMPLETE"]
    err = capsys.readouterr().err
    assert err.startswith("Trial 1 failed: no sign of life for 10 s")
    assert err.count("\n") == 1


def test_a_heartbeat_that_fails_is_only_left_out(monkeypatch):
    faults = []
    monkeypatch.setattr(threading, "excepthook", faults.append)
    monkeypatch.setattr(tuning, "HEARTBEAT", 1)

    def rename(old, new):
        with closing(sqlite3.connect("study.db")) as connection, connection:
            connection.execute(f"ALTER TABLE {old} RENAME TO {new}")

    def disturbed(trial):
        rename("trial_heartbeats", "hidden")
        time.sleep(1.5)
        rename("hidden", "trial_heartbeats")
        return square(trial)

    assert states(new_study(disturbed, 1).trials) == ["COMPLETE"]
    assert not faults


@posix
def test_an_interrupt_keeps_finished_trials():
    process = worker("sqlite:///study.db", "hang")
    wait_for(lambda: Path(f"hangs-{process.pid}").exists())
    process.send_signal(signal.SIGINT)
    code, out, err = ended(process)
    assert (code, out) == (130, "")
    assert err.count("\n") == 1
    assert err.startswith("Stopped (finished trials kept: 2): run the same")
    assert states(stored("sqlite:///study.db")) == ["COMPLETE"] * 2 + ["FAIL"]


# -- storages that fail -------------------------------------------------------


def stopped(url, stop):
    """Call `stop` in the middle of a study; return what its worker says."""
    process = worker(url, "slow", 1000)
    wait_for(Path("trial-2").exists)
    stop()
    code, out, err = ended(process)
    assert (code, out) == (2, "")
    assert err.startswith("The storage has failed (") and err.count("\n") == 1
    return err


def test_postgresql_stopped_in_mid_study(postgres):
    url = postgres.new_database()
    study = tuning.open_study("s", tuning.open_storage(url), "minimize")
    try:
        stopped(url, postgres.stop)
    finally:
        postgres.start()
    assert states(stored(url)[:2]) == ["COMPLETE"] * 2
    # A worker that was between two calls has not noticed, and goes on.
    tuning.run(study, square, 1)
    assert states(study.trials[-1:]) == ["COMPLETE"]


def test_proxy_stopped_in_mid_study():
    with proxy("sqlite:///study.db") as (process, url):
        assert "UNAVAILABLE" in stopped(url, process.kill)
    assert states(stored("sqlite:///study.db")[:2]) == ["COMPLETE"] * 2


@posix
def test_proxy_that_falls_silent(monkeypatch):
    monkeypatch.setattr(tuning, "DEADLINE", 1)
    with proxy("sqlite:///study.db") as (process, url):
        study = tuning.open_study("s", tuning.open_storage(url), "minimize")
        process.send_signal(signal.SIGSTOP)
        text = sentence(tuning.run, study, square, 1)
    assert "DEADLINE_EXCEEDED" in text


def test_no_proxy_answers(monkeypatch):
    monkeypatch.setattr(tuning, "ANSWER", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert address in sentence(tuning.open_storage, f"grpc://{address}")


def test_full_disk():
    def full(connection, record):
        connection.execute("PRAGMA max_page_count = 1")  # as few as it has now

    study = new_study(square)
    before = study.trials
    storage = tuning.open_storage("sqlite:///study.db")
    sqlalchemy.event.listen(storage.engine, "connect", full)
    storage.engine.dispose()
    study = tuning.open_study("s", storage, "minimize")

    def large(trial):
        trial.set_user_attr("notes", "x" * 100_000)
        return square(trial)

    text = sentence(tuning.run, study, large, 3)
    assert "database or disk is full" in text
    after = new_study(square, 1).trials
    assert after[:3] == before and after[-1].state is TrialState.COMPLETE


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": f"{SECRET[:-1]}x"}, "password authentication failed"),
        ({"user": "nobody"}, "password authentication failed"),
        ({"database": "none"}, 'database "none" does not exist'),
    ],
)
def test_postgresql_refuses(postgres, changes, words):
    assert words in sentence(tuning.open_storage, postgres.url(**changes))


def test_command_never_shows_the_password(postgres):
    code, out, err = ended(worker(postgres.url("none")))
    assert (code, out) == (2, "")
    assert err.startswith(f"127.0.0.1:{postgres.port}/none cannot be used")
    assert err.count("\n") == 1


def test_no_postgresql_there():
    url = f"postgresql://u:{QUOTED}@127.0.0.1:{free_port()}/studies"
    text = sentence(tuning.open_storage, url)
    assert "/studies cannot be used as a storage" in text


def test_driver_missing(monkeypatch):
    for name in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, name, None)
    url = f"://u:{QUOTED}@127.0.0.1:1/studies"
    text = sentence(tuning.open_storage, f"postgresql{url}")
    assert 'pip install "psycopg[binary]"' in text
    text = sentence(tuning.open_storage, f"postgresql+psycopg2{url}")
    assert 'pip install "psycopg2-binary"' in text


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        "study.db",
        "u:s3cr3t@127.0.0.1/studies",
        "mysql://u:s3cr3t@127.0.0.1/studies",
        "postgres://u:s3cr3t@127.0.0.1/studies",
        "postgresql:/u:s3cr3t@127.0.0.1/studies",
        "postgresql://u:s3cr3t",
        "postgresql://u:p@s3cr3t@127.0.0.1/studies",
        "postgresql://u:s3cr3t@127.0.0.1:port/studies",
        "grpc://",
        "grpc://127.0.0.1:port",
        "grpc://u:s3cr3t@127.0.0.1:13000",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///why?.db",
    ],
)
def test_wrong_urls(url):
    assert "the form" in sentence(tuning.open_storage, url)


def test_files_that_are_no_storage(folder):
    text = sentence(tuning.open_storage, "sqlite:///none/study.db")
    assert f"There is no folder {folder / 'none'}" in text
    text = sentence(tuning.open_storage, "sqlite:///objective.py")
    assert "objective.py" in text and "file is not a database" in text
    assert "unable to open" in sentence(tuning.open_storage, "sqlite:///.")


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
def test_folder_that_cannot_be_written():  # by root neither
    text = sentence(tuning.open_storage, "sqlite:////proc/study.db")
    assert text.startswith("/proc/study.db cannot be used")


def test_studies_of_another_optuna():
    tuning.open_storage("sqlite:///study.db")
    with closing(sqlite3.connect("study.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9'")
    text = sentence(tuning.open_storage, "sqlite:///study.db")
    assert "another version of Optuna" in text


# -- objectives that fail -----------------------------------------------------


def test_failed_trials_are_one_line_each(capsys):
    def bad(trial):
        square(trial)
        if trial.number == 1:
            raise ValueError("first line\nsecond line")
        wrong = {2: float("nan"), 4: "0.5", 5: None}
        return wrong.get(trial.number, 1)

    trials = new_study(bad, 7).trials
    assert states(trials) == [*("COMPLETE", "FAIL", "FAIL", "COMPLETE", "FAIL", "FAIL", "COMPLETE")]
    assert capsys.readouterr() == (
        "",
        "Trial 1 failed: ValueError: first line\n"
        "Trial 2 failed: it returned nan, which is not a number\n"
        "Trial 4 failed: it returned '0.5', which is not a number\n"
        "Trial 5 failed: it returned None, which is not a number\n",
    )


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit])
def test_three_failures_in_a_row_end_a_worker(error):
    def bad(trial):
        if trial.number:
            raise error("no good")
        return square(trial)

    text = sentence(new_study, bad, 10)
    assert text.startswith("3 trials in a row have failed")
    assert f"{error.__name__}: no good" in text
    assert "(finished trials kept: 1)" in text
    assert states(new_study().trials) == ["COMPLETE"] + ["FAIL"] * 3


def test_a_sentence_of_the_objective_ends_a_worker():
    def disk_full(trial):
        raise CourseError("The disk is full.")

    assert sentence(new_study, disk_full) == "The disk is full."
    assert states(new_study().trials) == ["FAIL"]


def test_pruned_trials_are_not_failed():
    def pruned(trial):
        square(trial)
        raise optuna.TrialPruned

    study = new_study(pruned, 4)
    assert states(study.trials) == ["PRUNED"] * 4
    line = tuning.summary(study)
    assert line == 'Study "s": 0 finished, 4 pruned, 0 failed.'


@pytest.mark.parametrize(
    ("suggest", "shown"),
    [
        (lambda t: t.suggest_float("x", -2, 1), "[-2.0, 1.0] (float)"),
        (lambda t: t.suggest_float("x", 0.1, 1, log=True), "(float, log)"),
        (
            lambda t: t.suggest_float(name="x", low=-1, high=1, step=0.5),
            "(float, step 0.5)",
        ),
        (lambda t: t.suggest_int("x", -1, 1), "[-1, 1] (int, step 1)"),
        (lambda t: t.suggest_categorical("x", [1, 2]), "[1, 2]"),
    ],
)
def test_another_space_is_refused(suggest, shown):
    before = new_study(square).trials
    text = sentence(new_study, suggest)
    assert '"x" in [-1.0, 1.0] (float), and' in text and shown in text
    after = new_study(square, 1).trials
    assert after[:3] == before
    assert states(after[3:]) == ["FAIL", "COMPLETE"] and not after[3].params


def test_other_directions_are_refused():
    storage = tuning.open_storage("sqlite:///study.db")
    for directions in (["maximize"], ["minimize", "minimize"]):
        name = str(len(directions))
        optuna.create_study(study_name=name, storage=storage, directions=directions)
        text = sentence(tuning.open_study, name, storage, "minimize")
        assert str(directions) in text


def test_studies_need_printable_names_and_a_limit():
    for name in ("", "a\0b", "\udce4"):
        sentence(tuning.open_study, name, None, "minimize")
    sentence(tuning.run, new_study(), square)


def test_seconds_limit_a_search():
    start = time.monotonic()
    study = new_study()
    tuning.run(study, lambda t: time.sleep(0.2) or square(t), seconds=1)
    assert 1 <= len(study.trials) <= 5
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("dance", "", "There is no objective 'dance'"),
        ("own.py", "", "FILE.py:function"),
        ("none.py:f", "", "There is no file"),
        ("own.py:f", "def f(:", "cannot be imported: SyntaxError"),
        ("own.py:f", "import no_such_module", "No module named"),
        ("own.py:f", "raise SystemExit(1)", "cannot be imported: SystemExit"),
        ("own.py:f", "DIRECTION = 'minimize'", "has no function f(trial)"),
        ("own.py:f", "def f(trial): pass", "must say DIRECTION"),
        ("own.txt:f", "", "must end in .py"),
    ],
)
def test_objectives_that_cannot_be_had(name, text, shown):
    for file in ("own.py", "own.txt"):
        Path(file).write_text(text, encoding="utf-8")
    assert shown in sentence(tuning.load_objective, name)


# -- the command --------------------------------------------------------------


def test_command_takes_the_variable_and_any_path(folder, monkeypatch):
    """Spaces, Chinese characters, a brace; and a locale that knows none of them."""
    path = folder / "我的 studies" / "{1}.db"
    path.parent.mkdir()
    monkeypatch.setenv("COURSE_STORAGE", f"sqlite:///{path}")
    monkeypatch.setenv("LC_ALL", "C")
    code, out, err = ended(worker("", "square", 2))
    assert (code, err) == (0, "")
    assert out.startswith('Study "s": 2 finished, 0 pruned, 0 failed; best 0.')
    assert out.count("\n") == 1 and " in trial " in out and ": x=" in out
    assert len(stored(f"sqlite:///{path}")) == 2


def test_command_repeats_with_a_seed_and_differs_without(folder):
    def values(name, *more):
        Path("study.db").unlink(missing_ok=True)
        url = "sqlite:///study.db"
        start = words(url, trials=3, study=name)
        assert command.main([*start, *more]) == 0
        return [t.value for t in stored(url, name)]

    for sampler in ("tpe", "random"):
        seeded = [values("a", "--sampler", sampler, "--seed", "3") for _ in "ab"]
        assert seeded[0] == seeded[1] != values("b", "--sampler", sampler)
        going_on = words("sqlite:///study.db", trials=3, study="b")
        seed = ["--sampler", sampler, "--seed", "3"]
        assert command.main([*going_on, *seed]) == 0
        assert command.main([*going_on, *seed]) == 0
        every = [t.params["x"] for t in stored("sqlite:///study.db", "b")]
        assert len(set(every)) == len(every) == 9  # nothing is tried twice


def test_a_study_that_stops_itself_ends_the_search():
    grid = optuna.samplers.GridSampler({"x": [0.25, 0.5]})
    study = optuna.create_study(sampler=grid)
    tuning.run(study, lambda trial: trial.suggest_float("x", 0, 1), trials=9)
    assert sorted(t.value for t in study.trials) == [0.25, 0.5]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ([], (20, None)),
        (["--minutes", "0.5"], (None, 30)),
        (["--minutes", "2", "--trials", "7"], (7, 120)),
    ],
)
def test_limits_of_the_command(monkeypatch, limits, expected):
    given = []
    monkeypatch.setattr(tuning, "run", lambda *rest: given.append(rest[2:]))
    assert command.main([*words("sqlite:///study.db")[:-2], *limits]) == 0
    assert given == [expected]


@pytest.mark.parametrize(
    ("option", "shown"),
    [
        ("--trials=0", "0 is not above 0"),
        ("--trials=1.5", "invalid int value: '1.5'"),
        ("--minutes=-1", "-1 is not above 0"),
        ("--minutes=nan", "nan is not above 0"),
        ("--seed=-1", "-1 is not above -1"),
        ("--seed=4294967296", "below 4294967296"),
    ],
)
def test_numbers_out_of_range(capsys, option, shown):
    with pytest.raises(SystemExit):
        command.main([*words("sqlite:///study.db")[:-2], option])
    assert shown in capsys.readouterr().err
