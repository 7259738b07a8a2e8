"""Opens what students have handed in; nothing else in the grader does.

Who hands in decides what lies in the folder: links to the teacher's files, pipes that
nobody writes to, files without end, files that are swapped for a link while they are
read. So each folder and file is opened below the one above it, no link is followed,
nothing is waited for, and no more is read than a limit allows.
"""

import os
import stat
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

MAX_LISTED = 10_000
"""Files and folders in one submission."""

MAX_DEPTH = 20
"""Folders in folders."""

CHECKPOINTS = ".ipynb_checkpoints"
"""The only hidden folder that is looked into: Jupyter keeps older states there."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_FOLDER = _FLAGS | getattr(os, "O_DIRECTORY", 0)


class Unreadable(Exception):
    """The submission cannot be graded; the text is a sentence for the teacher."""


def look_around(folder):
    """({relative path: size} of ordinary files, [names of everything else]).

    `folder` is STUDENT/ASSIGNMENT; neither may be a link. Raises Unreadable.
    """
    found, others, pending = {}, [], [PurePosixPath()]
    while pending:
        here = pending.pop()
        try:
            with _opened(folder, here) as handle, os.scandir(handle) as entries:
                for entry in entries:
                    inside = here / entry.name
                    kind = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(kind.st_mode):
                        found[inside] = kind.st_size
                    elif not stat.S_ISDIR(kind.st_mode) or len(inside.parts) > MAX_DEPTH:
                        others.append(inside.as_posix())
                    elif not entry.name.startswith(".") or entry.name == CHECKPOINTS:
                        pending.append(inside)
                    if len(found) + len(others) + len(pending) > MAX_LISTED:
                        raise Unreadable(f"The folder holds more than {MAX_LISTED:,} files.")
        except OSError as error:
            if not here.parts:
                raise Unreadable(_why(folder, error)) from error
            others.append(here.as_posix())
    return found, sorted(others)


def read(folder, path, at_most):
    """The content of the ordinary file `path`, relative to `folder`. Raises Unreadable."""
    name = shown_name(path)
    try:
        with _opened(folder, path.parent) as above:
            handle = os.open(path.name, _FLAGS, dir_fd=above)
            with open(handle, "rb") as file:  # noqa: PTH123
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise Unreadable(f"{name} is a link or no file: ask for the file itself.")
                content = file.read(at_most + 1)
    except OSError as error:
        raise Unreadable(f"{name} cannot be read: {error.strerror}.") from error
    if len(content) > at_most:
        raise Unreadable(f"{name} has more than {at_most / 2**20:,.0f} MB.")
    return content


@contextmanager
def _opened(folder, inside):
    """A handle of a folder in `folder`, which is STUDENT/ASSIGNMENT. Raises OSError."""
    folder = Path(folder)
    handle = os.open(folder.parent.parent, os.O_RDONLY)
    try:
        for part in (folder.parent.name, folder.name, *inside.parts):
            above, handle = handle, os.open(part, _FOLDER, dir_fd=handle)
            os.close(above)
        yield handle
    finally:
        os.close(handle)


def _why(folder, error):
    if isinstance(error, (NotADirectoryError, FileNotFoundError)) or folder.is_symlink():
        return "There is no folder with a submission, only a link or file."
    return f"The folder cannot be read: {error.strerror}."


def shown_name(path):
    """The name of a student's file as a sentence may hold it: no line ends, no codes
    that a terminal obeys, not too long."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(path))
    return plain if len(plain) <= 80 else f"{plain[:60]}...{plain[-15:]}"
