"""Install the course into the folder `.venv`, and open it: `python3 start.py`.

The first time this takes some minutes, and later some seconds, unless requirements.txt
has changed. Words after the command are options of JupyterLab, such as --no-browser.

It runs before anything is installed, and with whichever Python is there, so it uses the
standard library alone and no syntax younger than Python 3.6.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parent
ENVIRONMENT = COURSE / ".venv"
WINDOWS = os.name == "nt"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if WINDOWS else "bin/python")

PYTHONS = ((3, 11), (3, 12), (3, 13))
"""Those that every package of the course exists for."""

TAKE = (
    "install Python 3.13 from python.org and start with "
    f"`{'py -3.13' if WINDOWS else 'python3.13'} start.py`, or, with uv, "
    "`uv run --no-project --python 3.13 start.py`."
)


def refusal(version, machine, bits):
    """The sentence why this Python cannot run the course, or None.

    version: such as (3, 12); machine: (system, processor) as `platform` names them.
    """
    if version not in PYTHONS:
        number = ".".join(map(str, version))
        return (
            f"This is Python {number}, and the course needs 3.11, 3.12 or 3.13, because "
            f"TensorFlow and other packages do not exist for it: {TAKE}"
        )
    if machine == ("Darwin", "x86_64"):
        return (
            "TensorFlow has no package for Macs with an Intel processor: on one with an Apple "
            "processor take a Python that is made for it, else another computer."
        )
    if bits < 64:
        return "This is a 32-bit Python, for which TensorFlow does not exist: " + TAKE
    return None


def version_of_environment():
    """The Python of an earlier `.venv`, such as (3, 14), or None."""
    try:
        lines = (ENVIRONMENT / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() in ("version", "version_info"):  # of venv, of virtualenv and uv
            return tuple(int(part) for part in value.strip().split(".")[:2])
    return None


def install():
    """Make the environment and install what requirements.txt names, if it is not done."""
    wanted = (COURSE / "requirements.txt").read_bytes()
    done = ENVIRONMENT / "course-requirements.txt"
    if done.is_file() and done.read_bytes() == wanted:
        return
    print(f"Installing the course into {ENVIRONMENT}. It takes some minutes.", flush=True)
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "-r", "requirements.txt"], cwd=str(COURSE), check=True)
    done.write_bytes(wanted)


def main(options):
    """Run it all; return the exit code."""
    bits = 64 if sys.maxsize > 2**32 else 32
    why = refusal(sys.version_info[:2], (platform.system(), platform.machine()), bits)
    older = version_of_environment()
    if why is None and older is not None and older not in PYTHONS:
        made = ".".join(map(str, older))
        why = f"The folder {ENVIRONMENT} was made with Python {made}: delete it, and start again."
    if why is not None:
        print(why, file=sys.stderr)
        return 1
    try:
        install()
    except subprocess.CalledProcessError as error:
        print(
            "The installation stopped (see above); when that is put right, start again: what "
            "is installed already is kept.",
            file=sys.stderr,
        )
        return error.returncode
    # The address that JupyterLab prints leads to the start page, too.
    # -P: no file of yours, such as random.py, hides a part of Python.
    command = [
        str(PYTHON),
        "-P",
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={COURSE / 'notebooks'}",
    ]
    command += ["--LabApp.default_url=/lab/tree/00_start_here.ipynb", *options]
    if not WINDOWS:
        os.execv(command[0], command)  # JupyterLab takes this process's place, and its signals
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
