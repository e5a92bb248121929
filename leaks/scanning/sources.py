"""The texts that a scan reads: standard input, files, folders. Independent of Django and the database."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, NamedTuple

from leaks.scanning.search import PART

STDIN = "-"
GIT_OBJECTS = "objects"  # in .git: compressed, so that only --history finds anything there


class Unreadable(NamedTuple):
    """Something that could not be read, and why."""

    name: str
    reason: str


class Source(NamedTuple):
    """A text to search. `parts` must be read to its end, or closed, before the next source is asked for.

    `name` is the path of a file. `object` is the id of the git object that the text comes from, if it does.
    """

    name: str
    parts: Iterator[bytes]
    object: str = ""


def read(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield a stream in parts."""
    while part := stream.read(PART):
        yield part


def files(path: Path, failed: Callable[[Unreadable], None]) -> Iterator[Source]:
    """Yield a file, or every file below a folder. What cannot be read goes to `failed`.

    Below a folder, it follows no symbolic link, and opens nothing but files: what a link names is either
    below the folder as well, or does not belong to it.
    """
    if path.is_dir():
        for each in _below(path, failed):
            yield from _opened(each, os.O_NOFOLLOW | os.O_NONBLOCK, failed)
    else:
        yield from _opened(path, 0, failed)


def _below(folder: Path, failed: Callable[[Unreadable], None]) -> Iterator[Path]:
    """Yield the files below a folder in order. A stack, because folders may be nested deeply."""
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            with os.scandir(current) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            failed(Unreadable(str(current), error.strerror or type(error).__name__))
            continue
        yield from (Path(entry.path) for entry in entries if entry.is_file(follow_symlinks=False))
        folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        waiting += [
            Path(entry.path)
            for entry in reversed(folders)
            if not (entry.name == GIT_OBJECTS and current.name == ".git")
        ]


def _opened(path: Path, flags: int, failed: Callable[[Unreadable], None]) -> Iterator[Source]:
    try:
        with closing(os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags), "rb", PART)) as file:
            if not flags or stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                yield Source(str(path), read(file))
    except OSError as error:
        failed(Unreadable(str(path), error.strerror or type(error).__name__))
