"""`python -m helpers doctor`: can this machine run the course, and how fast?

Each check yields findings: a mark and one plain sentence. OK and NOTE leave the
student able to start; a PROBLEM says what to do first. Nothing but the standard
library is imported at the top, so that the doctor also works where the course's
packages are missing.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from helpers.files import (
    COURSE,
    CourseError,
    cache_folder,
    data_folder,
    misleading,
    reading,
    shown,
    some,
    write_file,
)

OK, NOTE, PROBLEM = "ok", "note", "PROBLEM"

PYTHONS = ((3, 11), (3, 13))
"""The oldest and the newest Python that the course supports."""


class Cost(NamedTuple):
    """Seconds of a notebook's first run: measured on the reference machine, and its budget."""

    measured: int
    budget: int


NOTEBOOKS = {
    "01": Cost(10, 30),
    "02": Cost(17, 30),
    "03": Cost(29, 30),
    "04": Cost(74, 90),
    "05": Cost(32, 30),
    "06": Cost(98, 180),
    "07": Cost(29, 60),  # after 06, whose networks it takes from the cache
    "08": Cost(157, 180),
    "09": Cost(56, 90),
    "10": Cost(76, 180),
    "11": Cost(41, 150),
    "12": Cost(33, 150),
    "13": Cost(40, 150),
    "14": Cost(30, 150),
    "15": Cost(38, 150),
}
"""What the lectures cost, with nothing cached. The README's minutes are the measured ones;
the benchmark (`python tests/benchmarks/run.py notebooks`) measures, and names both."""

SECOND_RUN = 30
"""The budget in seconds of any second run, which takes its networks from the cache."""

REFERENCE_GFLOPS = 150.0
"""What `_probe` measures on the reference machine: two quiet cores, no GPU."""

GB = 1e9
INSTALL = f"run `python -m pip install -r requirements.txt` in {COURSE}"


class Finding(NamedTuple):
    """What a check found: OK, NOTE or PROBLEM, and one sentence."""

    mark: str
    sentence: str


def run(requirements=COURSE / "requirements.txt", quick=False):
    """Print what every check finds. Return 0 when a student can start, else 1.

    quick: leave out what takes seconds: Keras, JupyterLab, the speed.
    """
    checks = [
        check_python,
        lambda: check_requirements(requirements),
        check_helpers,
        check_namesakes,
        check_settings,
        check_kernel,
        check_font,
        check_handwriting,
        check_downloads,
        check_machine,
        check_writing,
        check_terminal,
    ]
    if not quick:
        checks += [check_jupyterlab, check_keras]
    problems = 0
    for check in checks:
        for finding in _findings(check):
            problems += finding.mark == PROBLEM
            print(f"{finding.mark:>7}  {finding.sentence}", flush=True)
    if problems:
        many = "1 problem" if problems == 1 else f"{problems} problems"
        print(f"\nNot yet: {many} above.")
        return 1
    print("\nReady: start with `jupyter lab` and open notebooks/.")
    return 0


def check_python():
    """The version of Python, and that it is a 64-bit one."""
    oldest, newest = (".".join(map(str, version)) for version in PYTHONS)
    version = ".".join(map(str, sys.version_info[:3]))
    if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        yield Finding(
            PROBLEM,
            f"Python {version} runs here, but the course needs {oldest} to {newest}: "
            "install one of these and make a new environment with it.",
        )
    elif sys.maxsize < 2**32:
        yield Finding(
            PROBLEM,
            "This is a 32-bit Python, for which TensorFlow does not exist: install the 64-bit one.",
        )
    else:
        yield Finding(OK, f"Python {version} ({sys.executable}).")


def check_requirements(path):
    """Each direct requirement: installed, and in the version that the file asks for."""
    path = Path(path)
    try:
        # Comes with JupyterLab and matplotlib.
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        yield Finding(PROBLEM, f"The course's packages are not installed: {INSTALL}.")
        return
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        yield Finding(PROBLEM, f"{path} is missing: get the course's folder again.")
        return
    good = 0
    for line in lines:
        line = line.partition("#")[0].strip()
        if not line or line.startswith(("-", "./")):
            continue  # the course's own: what "-e ." brings is tested by check_helpers
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            yield Finding(PROBLEM, f"{path} has a line that pip cannot read: {line!r}.")
            continue
        if wanted.marker and not wanted.marker.evaluate():
            continue  # for another system or Python
        try:
            version = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            yield Finding(PROBLEM, f"{wanted.name} is not installed: {INSTALL}.")
            continue
        if wanted.specifier.contains(version, prereleases=True):
            good += 1
        else:
            yield Finding(
                NOTE,
                f"{wanted.name} {version} is installed, {path.name} asks for "
                f"{wanted.specifier}: numbers may differ; to get it, {INSTALL}.",
            )
    yield Finding(OK, f"{good} packages are installed as {path.name} asks.")


def check_helpers():
    """That a notebook, which runs in its own folder, imports these helpers."""
    code = "import helpers; print(helpers.__file__)"
    done = _python("-c", code, cwd=COURSE / "notebooks", timeout=60, as_notebook=True)
    found = done.stdout.strip()
    if done.returncode:
        yield Finding(PROBLEM, f"Notebooks cannot import `helpers`: {INSTALL}.")
    elif Path(found).resolve().parent != COURSE / "helpers":
        yield Finding(
            PROBLEM,
            f"Notebooks import another `helpers`, {found}, not this course's: rename that, or "
            f"{INSTALL}.",
        )
    else:
        yield Finding(OK, "Notebooks can import `helpers`.")


def check_namesakes():
    """That no file of a student's, and nothing in PYTHONPATH, hides a package."""
    notebooks = COURSE / "notebooks"
    for sentence in misleading(COURSE, notebooks, notebooks / "solutions"):
        yield Finding(PROBLEM, sentence)


CHANGING = ("KERAS_MAX_", "PYTHONOPTIMIZE", "PYTHONSTARTUP", "PYTHONWARNINGS")
"""How variables begin that change what Python and Keras do in a notebook."""


def check_settings():
    """What of a user's own settings for Python, Keras and IPython counts here too."""
    found = sorted(name for name in os.environ if name.startswith(CHANGING))
    if found:
        yield Finding(
            NOTE,
            f"Set on this machine: {some([f'{k}={os.environ[k]}' for k in found])}; if notebooks "
            "behave strangely, unset them.",
        )
    if os.environ.get("KERAS_BACKEND") not in (None, "", "tensorflow"):
        yield Finding(
            NOTE,
            f"Keras runs on {os.environ['KERAS_BACKEND']}, so numbers differ: unset "
            "KERAS_BACKEND to use TensorFlow.",
        )
    profile = Path(os.environ.get("IPYTHONDIR") or "~/.ipython").expanduser() / "profile_default"
    with reading(profile):
        own = sorted([*profile.glob("ipython*_config.py"), *profile.glob("startup/*.[ip]*y")])
    if own:
        yield Finding(
            NOTE,
            f"Your IPython profile counts in notebooks too ({some([shown(p) for p in own])}): if "
            "they print other things than stored, set IPYTHONDIR to an empty folder.",
        )
    try:
        tempfile.TemporaryFile().close()
    except OSError as error:
        yield Finding(
            PROBLEM,
            f"No temporary file can be written ({error.strerror or error}): set TMPDIR to a "
            "folder that can be written.",
        )


def check_kernel():
    """That notebooks run in this very environment, and may keep their files."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager
        from jupyter_core.paths import jupyter_runtime_dir
    except ImportError as error:
        yield Finding(PROBLEM, f"Notebooks cannot run ({error}): {INSTALL}.")
        return
    spec = KernelSpecManager().get_kernel_spec("python3")
    python = Path(spec.argv[0])
    # A bare "python" means this one: see pre_start_kernel of jupyter_client.
    if python.is_absolute() and python.parent != Path(sys.executable).parent:
        yield Finding(
            PROBLEM,
            f"Notebooks run with {python}, not with this Python, because of the folder "
            f"{spec.resource_dir}: delete it, or unset JUPYTER_PREFER_ENV_PATH.",
        )
    else:
        yield Finding(OK, "Notebooks run with this Python.")
    runtime = Path(jupyter_runtime_dir())
    try:
        tempfile.TemporaryFile(dir=_nearest_existing(runtime)).close()
    except OSError:
        yield Finding(
            PROBLEM,
            f"JupyterLab cannot write into {runtime}: set JUPYTER_RUNTIME_DIR, "
            "JUPYTER_CONFIG_DIR, IPYTHONDIR and MPLCONFIGDIR to folders that can be written.",
        )


def check_font():
    """That the course's Chinese font draws characters, not boxes."""
    try:
        from PIL import ImageFont

        from helpers.handwriting.strokes import CLASSES
        from helpers.plots import FONT_FILE
    except ImportError as error:
        yield Finding(PROBLEM, f"Plots cannot be drawn ({error}): {INSTALL}.")
        return
    try:
        font = ImageFont.truetype(str(FONT_FILE), 32)
    except OSError:
        yield Finding(
            PROBLEM,
            f"The Chinese font {FONT_FILE} is missing or damaged: get the course's folder again.",
        )
        return
    box = bytes(font.getmask("\U0010ffff"))
    boxes = [c for c in CLASSES if bytes(font.getmask(c)) in (box, b"")]
    if boxes:
        yield Finding(PROBLEM, f"The Chinese font does not draw {''.join(boxes)}.")
    else:
        yield Finding(OK, "Plots can show Chinese characters.")


def check_handwriting():
    """Whether the handwriting is real or simulated."""
    try:
        from helpers.handwriting.dataset import describe
    except ImportError as error:
        yield Finding(PROBLEM, f"Handwriting cannot be loaded ({error}): {INSTALL}.")
        return
    for sentence in describe():
        yield Finding(OK, sentence)


def check_downloads():
    """Which downloaded data sets and weights are at hand, which are missing."""
    from helpers import imagenet  # needs NumPy, which may be missing

    try:
        for number in range(len(imagenet.LITE)):
            imagenet.lite_weights(number)
    except CourseError as error:
        yield Finding(PROBLEM, str(error))
    else:
        yield Finding(OK, "ImageNet networks of notebooks 09 and 10: EfficientNet-Lite0, 1 and 2.")

    folder = imagenet.folder()
    good = []
    for file in sorted(folder.glob("*.h5")):
        if why := imagenet.damage(file):
            yield Finding(
                NOTE,
                f"Keras's ImageNet weights: {file} {why}.",
            )
        else:
            good.append(file.name)
    found = ", ".join(good) or "none, and none are needed"
    yield Finding(OK, f"Keras's own ImageNet weights in {folder}: {found}.")

    photos = data_folder() / "photos"
    count = sum(file.is_file() for file in photos.rglob("*"))
    if count:
        yield Finding(OK, f"Photos: {count} files in {photos}.")
    else:
        yield Finding(
            NOTE,
            f"Photos: none in {photos}; put photos of your own there to use them.",
        )


def check_machine():
    """Processors, memory and disk."""
    if hasattr(os, "sched_getaffinity"):
        processors = len(os.sched_getaffinity(0))
    else:
        processors = os.cpu_count() or 1
    sentence = f"{processors} processor{'s' if processors > 1 else ''}"
    try:
        import psutil  # comes with ipykernel
    except ImportError:
        yield Finding(OK, f"{sentence}.")
    else:
        memory = psutil.virtual_memory()
        sentence += (
            f", {memory.total / GB:.0f} GB of memory, {memory.available / GB:.1f} GB of it free"
        )
        if memory.available < 2 * GB:
            yield Finding(
                NOTE,
                f"{sentence}: training wants 2 GB, so close other programs.",
            )
        else:
            yield Finding(OK, f"{sentence}.")

    folder = _nearest_existing(data_folder())
    free = shutil.disk_usage(folder).free
    sentence = f"{free / GB:.1f} GB of disk free for {data_folder()}"
    if free < 0.5 * GB:
        yield Finding(
            PROBLEM,
            f"{sentence}: the course wants 2 GB; free some space, or set COURSE_DATA "
            "to a folder on another disk.",
        )
    elif free < 2 * GB:
        yield Finding(NOTE, f"{sentence}: enough to start, but the course wants 2 GB.")
    else:
        yield Finding(OK, f"{sentence}.")


def check_writing():
    """That the course can write into its data folder, and into its caches if they are there."""
    caches = [cache_folder() / name for name in (".", "images", "models", "training")]
    with reading(cache_folder()):
        folders = [data_folder(), *(folder for folder in caches if folder.is_dir())]
    for trial in [folder / "doctor-was-here.txt" for folder in folders]:
        with write_file(trial) as partial:  # its CourseError becomes a PROBLEM
            partial.write_text("May be deleted.\n", encoding="utf-8")
        trial.unlink(missing_ok=True)
    yield Finding(OK, f"Data can be written into {data_folder()}.")


def check_terminal():
    """Hints on encodings and path lengths, only where something is unusual."""
    if sys.getfilesystemencoding().lower() != "utf-8":
        yield Finding(
            NOTE,
            "File names are not UTF-8 here, so folders named in Chinese may fail: "
            "set the environment variable PYTHONUTF8=1.",
        )
    try:
        "国".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        yield Finding(
            NOTE,
            f"This terminal ({sys.stdout.encoding}) shows `?` for Chinese characters; "
            "notebooks show them.",
        )
    # The longest names below data/ have about 100 characters; Windows allows 260.
    if sys.platform == "win32" and len(str(data_folder())) > 150:
        yield Finding(
            NOTE,
            f"The path {data_folder()} is long for Windows: if files cannot be "
            "written, move the course nearer to the drive's top.",
        )


def check_jupyterlab():
    """That JupyterLab starts from this very environment."""
    done = _python("-m", "jupyterlab", "--version", timeout=120)
    if done.returncode:
        yield Finding(
            PROBLEM,
            f"JupyterLab does not start ({_last_line(done)}): {INSTALL}.",
        )
    else:
        yield Finding(OK, f"JupyterLab {done.stdout.strip()} starts.")


def check_keras():
    """That Keras and its backend work, and how long the course may take here."""
    done = _python(
        "-c", "from helpers.doctor import _probe; _probe()", timeout=300, cwd=COURSE / "notebooks"
    )
    if done.returncode:
        _, ours, sentence = _last_line(done).partition(f"{CourseError.__name__}: ")
        yield Finding(
            PROBLEM,
            sentence if ours else f"Keras cannot be imported ({_last_line(done)}): {INSTALL}.",
        )
        return
    probe = json.loads(done.stdout.splitlines()[-1])
    yield Finding(
        OK,
        f"Keras {probe['keras']} with {probe['backend']} works; importing it took "
        f"{probe['import_seconds']:.0f} s.",
    )
    speed = probe["gflops"] / REFERENCE_GFLOPS
    seconds = {number: cost.measured / speed for number, cost in NOTEBOOKS.items()}
    each = ", ".join(f"{number}: {minutes(spent)}" for number, spent in seconds.items())
    yield Finding(
        OK,
        f"Speed: convolutions at {probe['gflops']:.0f} GFLOP/s, {speed:.1f} times the "
        f"reference machine. A rough estimate of how long each notebook takes the first "
        f"time: {each}; {minutes(sum(seconds.values()))} in all.",
    )


def minutes(seconds):
    """A time as the README states it: "seconds", or whole minutes."""
    return "seconds" if seconds < 45 else f"{round(seconds / 60)} min"


def _probe():
    """Import Keras, time a convolution for two seconds, print both as JSON.

    Runs in a process of its own, so that a broken TensorFlow cannot take the
    doctor down with it.
    """
    start = time.perf_counter()
    from helpers.quiet_keras import keras

    imported = time.perf_counter() - start
    from keras import ops

    # The second layer of the lecture's CNN, 64 images at its full size: two
    # operations for each weight of a filter, each filter and each pixel.
    images, height, width, depth, filters = 64, 80, 60, 16, 32
    operations = 2 * images * height * width * 9 * depth * filters
    x = ops.ones((images, height, width, depth))
    kernel = ops.ones((3, 3, depth, filters))
    seconds = []
    end = time.perf_counter() + 2
    while len(seconds) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        ops.convert_to_numpy(ops.sum(ops.conv(x, kernel, padding="same")))
        seconds.append(time.perf_counter() - start)
    median = sorted(seconds)[len(seconds) // 2]
    result = {
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "import_seconds": imported,
        "gflops": operations / median / 1e9,
    }
    print(json.dumps(result))


def _findings(check):
    """What `check` yields; if it breaks, that is a finding too, not a traceback."""
    try:
        yield from check()
    except CourseError as error:
        yield Finding(PROBLEM, str(error))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        yield Finding(PROBLEM, f"A check could not be finished ({reason}).")


def _python(*arguments, timeout, cwd=COURSE, as_notebook=False):
    """Run this Python with `arguments`; return the finished process.

    Only a process that stands in for a notebook (`as_notebook`) must find
    `helpers` by itself; for the others the course's folder is on the path.
    """
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", PYTHONIOENCODING="utf-8")
    if not as_notebook:
        paths = (str(COURSE), os.environ.get("PYTHONPATH"))
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    command = [sys.executable, *arguments]
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            timeout=timeout,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        reason = f"no answer within {timeout} s"
        return subprocess.CompletedProcess(command, 1, "", reason)


def _last_line(done):
    """The last line that a failed process wrote, or how it ended."""
    lines = done.stderr.strip().splitlines()
    return lines[-1].strip() if lines else f"it ended with code {done.returncode}"


def _nearest_existing(folder):
    """`folder`, or the nearest of its parents that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())
