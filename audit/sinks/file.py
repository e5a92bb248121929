"""Appends lines to a file, which may be rotated at any time."""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from audit.export.jsonl import line_of
from audit.export.lines import Line

MODE = 0o600
PART = 64 * 1024  # bytes


def append(path: Path, lines: Sequence[Line]) -> None:
    """Append the lines to the file, and return when they are on the disk. Raises OSError.

    Opens the file each time, so a rotated one is made anew. A line that an earlier write did not finish is
    cut off: it is sent again.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, MODE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # two writers would cut off each other's lines
        _cut_off_unfinished(handle)
        start = os.fstat(handle).st_size
        try:
            _write(handle, b"".join(f"{line_of(line.members)}\n".encode() for line in lines))
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, start)
            raise
        if start == 0:
            _sync_folder(path.parent)
    finally:
        os.close(handle)


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _cut_off_unfinished(handle: int) -> None:
    """Truncate the file to the end of its last whole line."""
    end = size = os.fstat(handle).st_size
    while end > 0:
        start = max(0, end - PART)
        found = os.pread(handle, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(handle, end)


def _sync_folder(folder: Path) -> None:
    """Put the name of a new file on the disk, too."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
