"""Optuna studies that survive: storages, and one worker for one machine or many.

`python -m helpers tune --storage URL --study NAME` is such a worker. Start it as
often as you like, on as many machines as reach the storage: all work on one study.
Three forms of URL::

    sqlite:///FILE                              one machine, up to about 4 workers
    postgresql://USER:PASSWORD@HOST/DATABASE    many machines
    grpc://HOST:PORT                            many machines, through one of them

The last goes to Optuna's storage proxy, which one machine runs in front of its
database::

    from optuna.storages import get_storage, run_grpc_proxy_server
    run_grpc_proxy_server(get_storage("sqlite:///study.db"), host="0.0.0.0", port=13000)

The proxy asks for no password and does not encrypt: use it inside a network that you
trust. A password need not stand in the URL: PostgreSQL's library also takes it from
PGPASSWORD or ~/.pgpass. No message of this module shows one.

While a trial runs in a database, a thread of its worker writes a heartbeat. A worker
that was killed writes none, and the next trial that any worker starts first marks
the dead one as failed (Optuna does; see `optuna.storages.fail_stale_trials`). The
gRPC proxy passes no heartbeats on: a trial of a worker killed behind it stays
RUNNING. It costs nothing but its number.
"""

import importlib
import importlib.util
import math
import os
import random
import re
import sys
import time
import warnings
from collections import Counter
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import optuna
import sqlalchemy
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages._grpc import client  # Optuna has no setting for a deadline
from optuna.trial import TrialState
from tqdm import tqdm

from helpers.files import CourseError

HEARTBEAT = 2
GRACE = 10
"""Seconds between two heartbeats, and from the last one until a trial counts as dead.

The database's clock counts whole seconds in SQLite. Five beats may be missed: the
thread also waits while an import or a compiler holds Python's lock, but not during
training, and 10 seconds are short enough to wait for when a worker was killed.
"""

ANSWER = 5
"""Seconds that a server has to answer when a worker starts."""

DEADLINE = 10
"""Seconds that a server has to answer later; a longer silence ends the worker."""

LOCKED = 20
"""Seconds that a worker waits while others write to the same SQLite file."""

FAILURES = 3
"""So many failed trials in a row end a worker: a bug, not a bad setting."""

OBJECTIVES = {"claims": "helpers.claims", "table": "helpers.tuning_table"}
"""Objectives of the course: modules with `objective(trial)` and `DIRECTION`."""

FORMS = "sqlite:///FILE, postgresql://USER:PASSWORD@HOST/DATABASE or grpc://HOST:PORT"

_STORAGE_ERRORS = (
    optuna.exceptions.StorageInternalError,
    sqlalchemy.exc.SQLAlchemyError,
    grpc.RpcError,
)


def open_storage(url):
    """The storage at `url`, for `open_study`; for the forms see this module.

    A relative path of SQLite is relative to the working directory, and its folder
    must exist. Raises CourseError, within seconds and without a password in it, when
    the URL is wrong or what is there does not answer or is no storage.
    """
    # A wrong URL is not quoted: any part of it may be a password.
    if not re.match(r"(sqlite|postgresql(\+psycopg2?)?|grpc)://", url or ""):
        raise CourseError(f"A storage's URL has one of the forms {FORMS}.")
    with _quiet():
        if url.startswith("grpc"):
            return _open_proxy(url)
        return _open_database(url)


def _open_proxy(url):
    try:
        host, port = urlsplit(url).hostname, urlsplit(url).port or 13000
    except ValueError:
        host = None
    if host is None or "@" in url:
        raise CourseError(
            "A gRPC storage's URL has the form grpc://HOST:PORT, without a user and a password."
        )
    place = f"[{host}]" if ":" in host else host
    proxy = _Proxy(host=place, port=port)
    try:
        proxy.wait_server_ready(timeout=ANSWER)
    except ConnectionError:
        proxy.close()
        raise CourseError(
            f"No gRPC storage proxy answers at {place}:{port}: check that it runs "
            "there, and that no firewall is between."
        ) from None
    return proxy


def _open_database(url):
    try:
        parts = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        parts = None
    sqlite = url.startswith("sqlite")
    # A file's "?" would begin settings, a password's "@" the name of the host.
    if parts is None or ("?" in url if sqlite else url.count("@") > 1):
        raise CourseError(
            f"The storage's URL cannot be read: it must have the form {FORMS}, "
            "without a ? in FILE, and with an @ in PASSWORD written as %40, a : as "
            "%3A and a % as %25."
        )
    if sqlite:
        place = _checked_file(parts)
        settings = {"timeout": LOCKED}
        advice = "check that it is an SQLite file and that you may write there"
    else:
        place = f"{parts.host}:{parts.port or 5432}/{parts.database}"
        settings = {
            "connect_timeout": ANSWER,
            "tcp_user_timeout": DEADLINE * 1000,  # ms
        }
        advice = (
            "check that the server runs and reaches this machine, and the names "
            "of database and user, and the password"
        )
    for attempts_left in reversed(range(5)):
        try:
            return _Database(
                re.sub("[{}]", r"\g<0>\g<0>", url),  # to Optuna a template
                {"connect_args": settings, "pool_pre_ping": not sqlite},
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
            )
        except ImportError:
            package = "psycopg2-binary" if "psycopg2" in url else "psycopg[binary]"
            raise CourseError(
                "The driver for PostgreSQL is not installed: run "
                f'`python -m pip install "{package}"`.'
            ) from None
        except RuntimeError:
            raise CourseError(
                f"The studies in {place} were stored by another version of Optuna "
                f"than this one, {optuna.__version__}: use another database, or the "
                "command `optuna storage upgrade`."
            ) from None
        except _STORAGE_ERRORS as error:
            # Workers that start together on a new database make its tables at once.
            made = isinstance(error, sqlalchemy.exc.IntegrityError) or "already exists" in str(
                error
            )
            if not (made and attempts_left):
                raise CourseError(
                    f"{place} cannot be used as a storage ({_reason(error)}): {advice}."
                ) from None
            time.sleep(random.uniform(0.1, 0.5))


def _checked_file(parts):
    """The path in the parts of an SQLite URL, if its folder exists."""
    if parts.database in (None, "", ":memory:"):
        raise CourseError(
            "An SQLite storage's URL has the form sqlite:///FILE, as in sqlite:///study.db."
        )
    path = Path(parts.database).absolute()
    if not path.parent.is_dir():
        raise CourseError(
            f"There is no folder {path.parent} for the storage: make it, or mend "
            "the path in the URL."
        )
    return path


class _Database(optuna.storages.RDBStorage):
    """Optuna's storage in a database; a heartbeat that fails is left out.

    Otherwise its thread would end with a traceback, and the trial be taken for dead.
    If the database has really gone, the trial itself will find out.
    """

    def record_heartbeat(self, trial_id):
        with suppress(*_STORAGE_ERRORS):
            super().record_heartbeat(trial_id)


class _Proxy(optuna.storages.GrpcStorageProxy):
    """Optuna's client of its gRPC proxy, with a deadline for every call."""

    def _setup(self):
        super()._setup()
        channel = grpc.intercept_channel(self._channel, _Deadline())
        self._stub = client.api_pb2_grpc.StorageServiceStub(channel)
        self._cache = client.GrpcClientCache(self._stub)


class _Deadline(grpc.UnaryUnaryClientInterceptor):
    def intercept_unary_unary(self, continuation, details, request):
        return continuation(details._replace(timeout=DEADLINE), request)


def open_study(name, storage, direction, sampler=None, pruner=None):
    """The study `name` in `storage`, created if there is none.

    direction: "minimize" or "maximize". sampler, pruner: None for Optuna's own, TPE
    and the median rule; they are not stored, so every worker brings its own.
    Raises CourseError if the stored study has other directions, or on a storage that
    fails.
    """
    if not (name and name.isprintable()):  # a C locale makes half characters
        raise CourseError("A study needs a name of printable characters.")
    with _quiet(), _storage_errors():
        study = optuna.create_study(
            storage=storage,
            sampler=sampler,
            pruner=pruner,
            study_name=name,
            direction=direction,
            load_if_exists=True,
        )
        stored = [d.name.lower() for d in study.directions]
    if stored != [direction]:
        raise CourseError(
            f'The stored study "{name}" has the directions {stored}, and this '
            f'objective is to "{direction}": choose another name for the study.'
        )
    return study


def run(study, objective, trials=None, seconds=None):
    """Try settings until `trials` are done or `seconds` are over; show progress.

    objective: a function of the trial that returns a number or raises
    `optuna.TrialPruned`. Everything that it suggests must have the same range in all
    trials of the study; `trial.study.stop()` ends the search, as does a grid that is
    done. A trial that raises or returns no number has failed: that is
    one line, and the next one follows. A CourseError that it raises ends the search:
    there is something to put right first.

    An interrupt keeps the finished trials, says how many, and is raised again.
    Raises CourseError, with all finished trials kept, after FAILURES failed trials
    in a row, when the study searches another space, and when the storage fails.
    """
    if trials is None and seconds is None:
        raise CourseError("Say how long to search: give `trials` or `seconds`.")
    end = math.inf if seconds is None else time.monotonic() + seconds
    in_a_row = 0
    rounds = count() if trials is None else range(trials)
    with _quiet(), _storage_errors(), tqdm(rounds, unit="trial") as bar:
        try:
            for _ in bar:
                if time.monotonic() >= end:
                    break
                number, reason = _one_trial(study, objective)
                # Set by study.stop(); the next `optimize` would clear it.
                stopped = study._stop_flag
                in_a_row = in_a_row + 1 if reason else 0
                if reason:
                    tqdm.write(f"Trial {number} failed: {reason}", sys.stderr)
                if in_a_row == FAILURES:
                    raise CourseError(
                        f"{FAILURES} trials in a row have failed, the last with "
                        f"{reason!r}: mend the objective, then run this again "
                        f"({_kept(study)})."
                    )
                bar.set_postfix_str(_postfix(study, end), False)
                if stopped:
                    break
        except KeyboardInterrupt:
            tqdm.write(
                f"Stopped ({_kept(study)}): run the same again to go on.",
                sys.stderr,
            )
            raise
        # Those of workers that were killed while this one ran its last trial.
        optuna.storages.fail_stale_trials(study)


def _one_trial(study, objective):
    """Run one trial; return its number and, if it failed, the reason."""
    seen = {}

    def watched(trial):
        seen["number"] = trial.number
        _refuse_other_ranges(trial)
        try:
            value = objective(trial)
        except (optuna.TrialPruned, CourseError, *_STORAGE_ERRORS):
            raise
        except (Exception, SystemExit) as error:
            seen["reason"] = _first_line(error)
            raise _Failed from None
        seen["value"] = value
        return math.nan if isinstance(value, str) else value  # "0.5" trips Optuna

    def note(study, trial):
        if trial.state is TrialState.FAIL and "value" in seen:
            value = _short(repr(seen["value"]))
            seen["reason"] = f"it returned {value}, which is not a number"

    try:
        study.optimize(watched, n_trials=1, catch=(_Failed,), callbacks=[note])
    except CourseError:
        raise
    except Exception as error:
        # Was it declared dead by another worker, after this machine had slept?
        if _reason(error) or "number" not in seen:
            raise
        stored = study.get_trials(deepcopy=False)[seen["number"]]
        if stored.state is not TrialState.FAIL:
            raise
        seen["reason"] = f"no sign of life for {GRACE} s, so others gave it up"
    return seen["number"], seen.get("reason")


class _Failed(Exception):
    """The objective has raised an error."""


def _refuse_other_ranges(trial):
    """Make `trial.suggest_...` raise CourseError if an earlier trial had another range.

    Optuna itself refuses another kind, without the parameter's name, and accepts
    another range; then its samplers and plots mix two spaces.
    """
    ranges = {}
    for earlier in trial.study.get_trials(deepcopy=False):
        for name, distribution in earlier.distributions.items():
            ranges.setdefault(name, distribution)

    def watch(suggest, distribution):
        def suggest_known(name, *bounds, **options):
            new = distribution(*bounds, **options)
            old = ranges.get(name, new)
            if new != old:
                raise CourseError(
                    f'The stored study "{trial.study.study_name}" searches "{name}" '
                    f"in {_range(old)}, and this objective in {_range(new)}: choose "
                    "another name for the study, or suggest the old range."
                )
            return suggest(name, *bounds, **options)

        return suggest_known

    trial.suggest_float = watch(trial.suggest_float, FloatDistribution)
    trial.suggest_int = watch(trial.suggest_int, IntDistribution)
    trial.suggest_categorical = watch(trial.suggest_categorical, CategoricalDistribution)


def _range(distribution):
    if isinstance(distribution, CategoricalDistribution):
        return str(list(distribution.choices))
    kind = type(distribution).__name__.removesuffix("Distribution").lower()
    step = f", step {distribution.step}" if distribution.step else ""
    log = ", log" if distribution.log else ""
    return f"[{distribution.low}, {distribution.high}] ({kind}{step}{log})"


def summary(study):
    """One line: trials by state, the best value, and the setting that gave it.

    Raises CourseError when the storage fails.
    """
    with _storage_errors():
        states = Counter(t.state for t in study.get_trials(deepcopy=False))
        best = study.best_trial if states[TrialState.COMPLETE] else None
    words = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
    if states[TrialState.RUNNING]:
        words["RUNNING"] = "running"
    counts = ", ".join(f"{states[TrialState[s]]} {w}" for s, w in words.items())
    line = f'Study "{study.study_name}": {counts}'
    if best is None:
        return f"{line}."
    setting = ", ".join(f"{k}={_value(v)}" for k, v in best.params.items())
    return f"{line}; best {best.value:.6g} in trial {best.number}: {setting}"


def _value(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _kept(study):
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return f"finished trials kept: {len(done)}"


def _postfix(study, end):
    """The best value so far, and the time left where there is a limit."""
    words = []
    with suppress(ValueError):  # no trial has finished yet
        words.append(f"best {study.best_value:.6g}")
    if end < math.inf:
        left = max(0, end - time.monotonic())
        words.append(f"{left / 60:.1f} min left")
    return ", ".join(words)


@contextmanager
def _storage_errors():
    """Turn the errors of a storage that fails into one CourseError."""
    try:
        yield
    except CourseError:
        raise
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise CourseError(
            f"The storage has failed ({reason}): the finished trials in it are "
            "kept; mend it, then run the same again to go on."
        ) from None


def _reason(error):
    """Why a storage failed, in the words of its driver; None for other errors.

    Neither SQLAlchemy's text nor a URL: they hold SQL, values and passwords.
    """
    reason = None
    while error:
        if isinstance(error, grpc.RpcError):
            return f"gRPC: {error.code().name}"
        if isinstance(error, _STORAGE_ERRORS):
            driver = getattr(error, "orig", None)
            if driver:
                # "connection to server at ... failed: FATAL:  what we want"
                lines = str(driver).splitlines() or [type(driver).__name__]
                return _short(lines[0].rpartition("failed: ")[2].strip())
            reason = type(error).__name__
        error = error.__cause__ or error.__context__
    return reason


def _first_line(error):
    lines = str(error).strip().splitlines()
    return _short(": ".join([type(error).__name__, *lines[:1]]))


def _short(text):
    return text if len(text) <= 200 else f"{text[:200]}..."


@contextmanager
def _quiet():
    """Hide Optuna's log, which has a traceback for each failed trial.

    Heartbeats, the proxy and the marking of dead trials are "experimental" to Optuna
    since versions 2.9 and 4.2: no news for a student.
    """
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


def load_objective(name):
    """The function and its direction: (objective, "minimize" or "maximize").

    name: a key of OBJECTIVES, or FILE.py:function for a file that also says
    DIRECTION = "minimize" or "maximize". Raises CourseError.
    """
    file, colon, function = name.rpartition(":")
    if name in OBJECTIVES:
        file, function = OBJECTIVES[name], "objective"
        module = importlib.import_module(file)
    elif colon and file and function:
        module = _imported(Path(file))
    else:
        raise CourseError(
            f"There is no objective {name!r}: give {', '.join(OBJECTIVES)} or FILE.py:function."
        )
    objective = getattr(module, function, None)
    if not callable(objective):
        raise CourseError(f"{file} has no function {function}(trial).")
    direction = getattr(module, "DIRECTION", None)
    if direction not in ("minimize", "maximize"):
        raise CourseError(f'{file} must say DIRECTION = "minimize" or DIRECTION = "maximize".')
    return objective, direction


def _imported(path):
    if not path.is_file():
        raise CourseError(f"There is no file {path.absolute()}.")
    sys.path.insert(0, str(path.absolute().parent))  # as `python FILE.py` does
    spec = importlib.util.spec_from_file_location(path.stem, path.absolute())
    if spec is None:
        raise CourseError(f"{path} is not a file of Python: its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise CourseError(f"{path} cannot be imported: {_first_line(error)}.") from None
    return module


def tune(arguments):
    """The command; returns its exit code."""
    objective, direction = load_objective(arguments.objective)
    storage = open_storage(arguments.storage or os.environ.get("COURSE_STORAGE", ""))
    study = open_study(arguments.study, storage, direction)
    seed = arguments.seed
    if seed is not None:  # going on must not repeat the settings of before
        with _storage_errors():
            seed += len(study.get_trials(deepcopy=False))
        seed %= 2**32
    if arguments.sampler == "random":
        study.sampler = optuna.samplers.RandomSampler(seed)
    else:
        # The liar: settings that other workers are just trying count as bad ones,
        # so that two workers do not try the same place at the same time.
        study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
    minutes, trials = arguments.minutes, arguments.trials
    if trials is None and minutes is None:
        trials = 20
    try:
        run(study, objective, trials, minutes and minutes * 60)
    except KeyboardInterrupt:
        return 130
    print(summary(study))
