"""Zip archives that somebody packed somewhere: their files, one by one, in memory.

    with archives.open_zip(path, 5_000_000) as (names, read):
        for name in names:
            data = read(name)

What systems add is left out. What an honest archive does not hold is refused in one
sentence, which names the archive and the entry.
"""

import re
import stat
import struct
import zipfile
import zlib
from contextlib import contextmanager

from helpers.files import CourseError, is_junk, reading, shown

WINDOWS = (0, 6, 10, 11, 14)
"""Systems whose packers may write `\\` between folders, as PowerShell 5 does (APPNOTE 4.4.2)."""

DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)
"""What zipfile raises for archives that are none, or no longer."""


@contextmanager
def open_zip(path, largest):
    """Yield ([name, ...], read): `read(name)` gives the bytes of one file.

    Names have `/` between folders, whatever packed them, and are in the order of the
    archive, without folders, hidden files and junk. Nothing is unpacked to disk. Raises
    CourseError: at once for what is no zip archive, for links, and for names that lead
    elsewhere, are in no known encoding or there twice; on reading, for a file that is
    damaged, encrypted, packed in a rare way or larger than `largest` bytes.
    """
    try:
        with reading(path):
            archive = _opened(path)
    except DAMAGE as error:
        raise CourseError(
            f"{shown(path)} is not a complete zip archive ({error}): copy or download it "
            "again, or unpack it and give the folder."
        ) from error
    with archive:
        entries = {}
        for info in archive.infolist():
            # As stored: zipfile would turn backslashes into something on some systems.
            stored = info.orig_filename
            if info.create_system in WINDOWS:
                stored = stored.replace("\\", "/")
            name = _checked_name(path, stored, info)
            if not name or stored.endswith("/") or any(map(is_junk, name.split("/"))):
                continue
            if name in entries:
                raise _refused(path, info, "is there twice")
            entries[name] = info
        yield list(entries), lambda name: _read(path, archive, entries[name], largest)


def _opened(path):
    """The archive, its names decoded.

    Those without the UTF-8 flag are UTF-8 or GBK. Some GBK names are valid UTF-8 by
    chance (太 and 木, for two), so it is UTF-8 only if every name is.
    """
    for encoding in ("utf-8", "gbk"):
        try:
            return zipfile.ZipFile(path, metadata_encoding=encoding)
        except UnicodeDecodeError as error:
            undecoded = error
    raise CourseError(
        f"{shown(path)} was not read: a name in it ({undecoded.object!r}) is neither UTF-8 "
        "nor GBK: unpack it with a tool that knows its encoding, and give the folder."
    )


def _checked_name(path, name, info):
    """The name without "." and empty parts; CourseError for what could do harm."""
    parts = re.split(r"[/\\]", name)
    if not parts[0] and name or ".." in parts or re.match("[A-Za-z]:", name):
        raise _refused(path, info, "would be written outside its folder")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(path, info, "is a link or a device, not a file")
    if "\\" in name:  # a part of the name on Linux, the end of a folder's on Windows
        raise _refused(path, info, "has a backslash in its name: unpack it and give the folder")
    return "/".join(part for part in parts if part not in ("", "."))


def _read(path, archive, info, largest):
    if info.flag_bits & 1:
        raise _refused(path, info, "is encrypted: unpack it and give the folder")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(path, info, "is packed in a rare way: unpack it and give the folder")
    if info.file_size > largest:
        raise _refused(path, info, f"is larger than {largest / 1e6:.3g} MB, the most that is read")
    try:
        with reading(path):
            data = archive.read(info)  # never more than the size that it states
    except DAMAGE as error:
        raise _refused(path, info, "is damaged: copy or download the archive again") from error
    if len(data) != info.file_size:
        raise _refused(path, info, "is damaged: it has not the size that it states")
    return data


def _refused(path, info, why):
    return CourseError(f"{shown(path)} was not read: its entry {info.orig_filename!r} {why}.")
