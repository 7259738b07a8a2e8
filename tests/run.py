"""Every test of the course, in three stages: what `.ci/run` and the README's command run.

    python tests/run.py                          everything
    python tests/run.py quick                    one stage: quick, notebooks or rest
    python tests/run.py notebooks/06*.ipynb      compare these notebooks alone
    python tests/run.py --reports FOLDER         also write JUnit reports there

1. quick: `python -m pytest`. Where it fails, nothing else is run.
2. notebooks: nbval executes every notebook and compares it with its stored outputs,
   without a network where the system can block it.
3. rest: whatever trains, opens a browser, grades or needs real data. It finds in one
   folder what the notebooks have drawn and trained.

Exits with 1 if a stage has failed. Each stage prints its command, which can be run alone.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import offline
from environments import published_environment
from refresh_notebooks import CELL_TIMEOUT, find_notebooks

TESTS = Path(__file__).resolve().parent
COURSE = TESTS.parent

PYTEST = (sys.executable, "-m", "pytest")
TWO_PROCESSES = (*("-n", "2"), *("--dist", "loadfile"), "--no-loadscope-reorder")
"""A file's tests stay together, files are begun in the order given: longest first."""
TELLING = ("-v", "--durations=25", "--durations-min=1")

NBVAL = (
    "--nbval",
    "--nbval-current-env",
    "--nbval-sanitize-with=tests/nbval_sanitize.cfg",
    f"--nbval-cell-timeout={CELL_TIMEOUT}",
    "--nbval-kernel-startup-timeout=120",
)

LONGEST_FIRST = ("06", "10", "08", "04", "07", "09")
"""Numbers of notebooks, in the order in which two processes take them. 06 comes first,
because 07 and the solutions of both find in the cache what it has trained."""

REST = ("real", "teaching", "browser", "notebooks", "training")
"""Folders of tests/, those with the longest files first."""


class Done(NamedTuple):
    """How a stage ended: its exit code, seconds by the clock and of the processors."""

    code: int
    seconds: float
    computed: float


def in_order(paths):
    """Notebooks as two processes take them: lectures that train long, then the others."""

    def place(path):
        lecture = path.parent.name == "notebooks"
        trains = lecture and path.name[:2] in LONGEST_FIRST
        return LONGEST_FIRST.index(path.name[:2]) if trains else len(LONGEST_FIRST)

    return sorted(paths, key=place)  # stable: else as they were


def commands(stages, notebooks):
    """{stage: (command, whether it runs without a network)}."""
    names = [path.resolve().relative_to(COURSE).as_posix() for path in in_order(notebooks)]
    plugin = ("-p", "processes")  # for notebooks, conftest.py is out of reach
    every = {
        "quick": ([*PYTEST, "--durations=10", "--durations-min=1"], False),
        "notebooks": ([*PYTEST, *plugin, *NBVAL, *TWO_PROCESSES, *TELLING, *names], True),
        "rest": ([*PYTEST, *(f"tests/{name}" for name in REST), *TWO_PROCESSES, *TELLING], False),
    }
    return {stage: every[stage] for stage in every if stage in stages}


def environment(stage, folder):
    """The variables of a stage, whose data and caches are in `folder`."""
    if stage != "notebooks":
        return os.environ | {"COURSE_TEST_RUN": str(folder)}
    paths = [str(TESTS), os.environ.get("PYTHONPATH")]
    return published_environment(folder, PYTHONPATH=os.pathsep.join(filter(None, paths)))


def run(command, variables, blocked):
    """Run a stage's command; its output is seen at once. Returns how it is Done."""
    if blocked and offline.available():
        command = [sys.executable, offline.__file__, *command]
    elif blocked:
        print("The network cannot be blocked on this system: it stays on.")
    shown = shlex.join(command).replace(str(COURSE) + os.sep, "").replace(sys.executable, "python")
    print(f"\n$ {shown}\n", flush=True)
    began, before = time.monotonic(), os.times()
    code = subprocess.run(command, cwd=COURSE, env=variables).returncode
    after = os.times()
    computed = after.children_user + after.children_system
    computed -= before.children_user + before.children_system
    return Done(code, time.monotonic() - began, computed)


def main(words=None):
    """The command line; returns the exit code: 0 when every stage has passed."""
    parser = argparse.ArgumentParser(description="Run every test of the course.")
    parser.add_argument(
        "what", nargs="*", help="quick, notebooks, rest, or notebooks to compare (default: all)"
    )
    parser.add_argument("--reports", type=Path, metavar="FOLDER", help="for JUnit reports")
    options = parser.parse_args(words)
    stages = [word for word in options.what if not word.endswith(".ipynb")]
    given = [Path(word) for word in options.what if word.endswith(".ipynb")]
    stages += ["notebooks"] * bool(given)
    for stage in stages:
        if stage not in commands(("quick", "notebooks", "rest"), []):
            parser.error(f"there is no stage {stage}.")
    for path in given:
        if not path.is_file():
            parser.error(f"{path} is not a file.")

    done = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        planned = commands(stages or ("quick", "notebooks", "rest"), given or find_notebooks())
        for stage, (command, blocked) in planned.items():
            if options.reports:
                report = options.reports.resolve() / f"{stage}.xml"
                command = [*command, f"--junitxml={report}"]
            done[stage] = run(command, environment(stage, Path(folder)), blocked)
            if stage == "quick" and done[stage].code:
                break  # an answer in two minutes is worth more than the rest of it
    print()
    for stage, (code, seconds, computed) in done.items():
        verdict = "passed" if code == 0 else f"FAILED (exit code {code})"
        print(f"{stage:10} {seconds:6.0f} s, processors {computed:6.0f} s: {verdict}")
    return int(any(result.code for result in done.values()))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
