"""Where the course keeps its files, how it writes and names them, what it says of errors.

Everything that the course writes is written under a temporary name beside its
target and renamed when it is complete, so an interrupted run leaves either
nothing or everything.
"""

import errno
import functools
import os
import re
import secrets
import shutil
import sys
import time
import unicodedata
from contextlib import contextmanager, suppress
from pathlib import Path

COURSE = Path(__file__).resolve().parent.parent
"""The folder that holds README.md, notebooks/, data/ and helpers/."""

PARTIAL = ".partial-"
"""Prefix of half-written files and folders; whatever bears it can be deleted."""

STALE_AFTER = 3600.0
"""Seconds after which a half-written file counts as left behind by a killed run."""

JUNK = {
    *("__macosx", "icon\r", "network trash folder", "temporary items"),  # macOS
    *("$recycle.bin", "desktop.ini", "ehthumbs.db", "ehthumbs_vista.db", "found.000"),  # Windows
    *("recycler", "system volume information", "thumbs.db", "picasa.ini"),
    *("lost+found", "lost.dir"),  # Linux, Android
    *("#recycle", "#snapshot", "@eadir", "@recently-snapshot", "@recycle", "@tmp"),  # NAS
    "__pycache__",
}
"""What systems leave in folders and archives, in lower case; besides what `is_junk` knows."""

PACKED = (
    *(".7z", ".alz", ".bz2", ".egg", ".gz", ".lzh", ".rar", ".tar", ".tbz2", ".tgz", ".txz"),
    *(".xz", ".zip", ".zst"),
)
"""How the names of archives end, in lower case."""


class CourseError(Exception):
    """Something that the reader can put right: one sentence, no traceback.

    Jupyter shows only the message; in plain Python it is an ordinary exception.
    """

    def _render_traceback_(self):
        return [f"{type(self).__name__}: {self}"]


def ipython():
    """The IPython shell that this code runs in, which in a notebook has a `kernel`; or None."""
    # Not imported: where it has not been, there is no shell.
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()


def progress(things=None, **settings):
    """tqdm's progress bar, for what takes longer than a second; gone when it is done.

    On standard output: Jupyter paints standard error red, and keeps it.
    """
    from tqdm import tqdm

    return tqdm(things, file=sys.stdout, delay=1, leave=False, **settings)


def setting(name) -> str:
    """What the environment variable `name` says, or "": without blanks and quotes around it.

    In Windows's command prompt, `set X="D:\\my scans"` makes the quotes part of the value.
    """
    value = os.environ.get(name, "").strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1].strip() if quoted else value


def data_folder() -> Path:
    """The course's data folder: `data/`, or where COURSE_DATA points.

    Raises CourseError where it is there and may not be entered.
    """
    folder = Path(setting("COURSE_DATA") or COURSE / "data").expanduser().resolve()
    try:
        os.stat(f"{folder}/.")  # noqa: PTH116 (a Path drops the dot, which asks to enter)
    except PermissionError as error:
        raise CourseError(not_yours(folder)) from error
    except OSError:
        pass  # it is not there yet; what is wrong otherwise is said when it is used
    return folder


def cache_folder() -> Path:
    """Loaded images and fitted models: `data/cache/`, or where COURSE_CACHE points.

    Deleting it loses nothing but time.
    """
    return Path(setting("COURSE_CACHE") or data_folder() / "cache").expanduser()


def keras_folder() -> Path:
    """Keras's own folder, which holds keras.json and downloads: KERAS_HOME, or `.keras` at home.

    Source: keras/src/backend/config.py.
    """
    home = Path("~").expanduser()
    usual = (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras"
    return Path(os.environ.get("KERAS_HOME") or usual).expanduser()


def namesakes(folder) -> list[Path]:
    """Files and packages in `folder` that have the name of an installed or a standard package.

    Where Python looks into that folder first, it takes them for the package.
    """
    with reading(folder), suppress(FileNotFoundError, NotADirectoryError):
        return sorted(
            path
            for path in Path(folder).iterdir()
            if path.stem in _taken()
            and path != COURSE / "helpers"
            and (path.suffix == ".py" or (path / "__init__.py").is_file())
        )
    return []


@functools.cache
def _taken():
    """The names of all packages that are installed or part of Python; it takes 0.3 s."""
    from importlib import metadata

    return {*sys.stdlib_module_names, *metadata.packages_distributions(), "helpers"}


def misleading(*folders) -> list[str]:
    """Sentences on what hides packages from Python, in these folders and by PYTHONPATH."""
    sentences = [
        f"{shown(path)} has the name of a package, and Python may take it for that: rename it, "
        "then restart the kernel."
        for folder in folders
        for path in namesakes(folder)
    ]
    for folder in filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        if names := [path.stem for path in namesakes(folder)]:
            sentences.append(
                f"PYTHONPATH leads to {shown(folder)}, whose {some(names)} Python takes for the "
                "course's packages: unset PYTHONPATH, then start again."
            )
    return sentences


def is_junk(name) -> bool:
    """Is this a hidden file or folder, or one that a system left behind?

    Besides JUNK: `.DS_Store`, `._1.png`, `.ipynb_checkpoints`; `~$1.docx` of an open document;
    `1.png:Zone.Identifier` of a download. Not `.1.png.icloud`, a photo that is still in a cloud.
    """
    low = name.lower()
    if low.startswith("."):
        return not low.endswith(".icloud")
    return low in JUNK or low.startswith("~$") or low.endswith("zone.identifier")


def fold(name) -> str:
    """A name as names are compared here: Train, TRAIN and a full-width Ｔｒａｉｎ are one.

    Nor do spaces at the ends count, or how an é is composed (macOS does it in its own way).
    """
    return unicodedata.normalize("NFKC", shown(name)).casefold().strip()


def find_named(folder, name) -> tuple[list[Path], list[Path]]:
    """(folders called `name`, zip archives whose names begin so) in `folder`, in natural order.

    Names are compared as by `fold`; what is called exactly so comes first.
    """
    with reading(folder):
        entries = list(Path(folder).iterdir()) if Path(folder).is_dir() else []
        entries.sort(
            key=lambda e: (e.stem != name, fold(e.stem) != fold(name), natural_order(e.name))
        )
        folders = [e for e in entries if fold(e.name) == fold(name) and e.is_dir()]
    called = [e for e in entries if fold(e.name).startswith(fold(name)) and not is_junk(e.name)]
    return folders, [e for e in called if e.suffix.lower() == ".zip"]


def to_unpack(names) -> str:
    """What must be unpacked first, if archives are among these names; else ""."""
    packed = [shown(name) for name in names if str(name).lower().endswith(PACKED)]
    if not packed:
        return ""
    alz = " (7-Zip cannot; ALZip, Bandizip and unalz can)"
    how = alz if any(name.lower().endswith(".alz") for name in packed) else ""
    return f"unpack {some(packed)} first{how}"


def say(line):
    """Print, also where the terminal cannot show every character."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding))


def natural_order(name):
    """Sort key by which 2.png comes before 10.png."""
    parts = re.split(r"(\d+)", name)
    return [int(p) if i % 2 else p.casefold() for i, p in enumerate(parts)], name


def shown(path) -> str:
    """A path or name as text that can be printed, whatever its encoding."""
    return os.fsencode(path).decode("utf-8", "replace")


def some(names, most=5) -> str:
    """The first few names, and how many others."""
    others = f" and {len(names) - most} others" if len(names) > most else ""
    return ", ".join(names[:most]) + others


def not_yours(path) -> str:
    """A sentence on what is there but may not be read, which is no damage."""
    return (
        f"{shown(path)} cannot be read (Permission denied): it may belong to another user, so "
        "ask for its permissions to be changed, or set COURSE_DATA to a folder of your own."
    )


@contextmanager
def reading(path):
    """Say an OSError met while reading `path` as one sentence, a CourseError."""
    try:
        yield
    except PermissionError as error:
        raise CourseError(not_yours(error.filename or path)) from error
    except OSError as error:
        raise CourseError(
            f"{shown(error.filename or path)} cannot be read ({error.strerror or error}): "
            "check its name, its disk and its permissions, then run this again."
        ) from error


@contextmanager
def write_file(path):
    """Yield a temporary path beside `path`; rename it to `path` at the end.

    On any error, interruption included, the temporary file is removed and what
    `path` held before is untouched. Raises CourseError when the disk is full, the
    folder cannot be written, or `path` holds what you may not read.
    """
    path = Path(path)
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not os.access(path, os.R_OK):
            raise CourseError(not_yours(path))  # or two users would replace it to and fro
        remove_stale(path.parent)
        partial = path.parent / f"{PARTIAL}{secrets.token_hex(6)}-{path.name}"
        yield partial
        _rename(partial, path)
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        if partial is not None:
            with suppress(OSError):  # or it would hide the error that counts
                partial.unlink(missing_ok=True)


@contextmanager
def write_folder(path):
    """Yield a temporary folder beside `path`; rename it to `path` at the end.

    If another process has completed `path` meanwhile, its folder stays and ours
    is discarded. On any error the temporary folder is removed. Raises
    CourseError when the disk is full or the parent folder cannot be written.
    """
    path = Path(path)
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(path.parent)
        partial = path.parent / f"{PARTIAL}{secrets.token_hex(6)}"
        partial.mkdir()
        yield partial
        try:
            _rename(partial, path)
        except OSError:
            if not path.is_dir():
                raise
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def remove_stale(folder, older_than=STALE_AFTER):
    """Delete what runs killed more than `older_than` seconds ago left in `folder`."""
    for leftover in Path(folder).glob(f"{PARTIAL}*"):
        try:
            if time.time() - leftover.stat().st_mtime < older_than:
                continue
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)
        except OSError:
            pass  # another process may be deleting it too


def _rename(source, target):
    """Rename, with a few tries: Windows refuses while a virus scanner looks."""
    for attempt in range(5):
        try:
            Path(source).replace(target)
            return
        except PermissionError:
            if sys.platform != "win32" or attempt == 4:
                raise
            time.sleep(0.2)


def _explained(error, path):
    """An OSError met while writing `path`, as one sentence that says what to do."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return CourseError(
            f"The disk is full: {path} was not written, and nothing was lost. "
            "Free some space and run this again."
        )
    reason = error.strerror or error
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return CourseError(
            f"{path} cannot be written: {reason}. Give yourself "
            "write permission there, or set COURSE_DATA to a folder of your own."
        )
    for above in path.parents:
        if above.is_file():
            return CourseError(
                f"{path} cannot be written, because {above} is a file, not a "
                "folder: rename that file, then run this again."
            )
    return CourseError(
        f"{path} could not be written ({reason}), and nothing was lost. "
        "Check its folder and its name, then run this again."
    )
