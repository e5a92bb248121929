"""The texts in the history of a git repository: every version of every file, and every message."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from leaks.scanning.search import PART
from leaks.scanning.sources import Source, Unreadable

# All that branches, tags, stashes, the reflog and the index lead to: also what was amended or dropped.
EVERYTHING = ("rev-list", "--objects", "--all", "--reflog", "--indexed-objects")
CONTENTS = ("cat-file", "--buffer", "--batch=%(objectname) %(objecttype) %(objectsize) %(rest)")
SEARCHED = {b"blob", b"commit", b"tag"}  # trees hold names and ids only
OF_ANOTHER = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")  # set in hooks, for the repository of the hook
LONGEST_LINE = 64 * 1024


def objects(repository: Path, failed: Callable[[Unreadable], None]) -> Iterator[Source]:
    """Yield the content of each object of the repository once. What cannot be read goes to `failed`.

    Two git processes stream ids and contents through pipes, so memory does not grow with the repository.
    """
    git = shutil.which("git")
    if git is None:
        failed(Unreadable(str(repository), "git is not installed"))
        return
    command = [git, "-C", str(repository), "-c", "core.fsmonitor=false"]
    if fault := _fault(command):
        failed(Unreadable(str(repository), fault))
        return
    with _contents(command) as (stream, ended_well):
        yield from _sources(stream)
        if not ended_well():
            failed(Unreadable(str(repository), "git could not read its whole history"))


def _environment() -> dict[str, str]:
    """Return the environment of git, in which it asks for nothing and fetches nothing."""
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    return {name: value for name, value in os.environ.items() if name not in OF_ANOTHER} | quiet


def _fault(command: list[str]) -> str:
    """Return why git cannot use the repository, or "" if it can."""
    asked = subprocess.run(
        [*command, "rev-parse", "--git-dir"], capture_output=True, env=_environment(), check=False
    )
    return asked.stderr.decode(errors="replace").partition("\n")[0] if asked.returncode else ""


@contextmanager
def _contents(command: list[str]) -> Iterator[tuple[IO[bytes], Callable[[], bool]]]:
    """Run git, and yield its output and a function that tells whether it ended without an error."""
    listing = _started([*command, *EVERYTHING], subprocess.DEVNULL)
    reading = _started([*command, *CONTENTS], listing.stdout)
    assert listing.stdout and reading.stdout  # noqa: S101 (both are pipes)
    listing.stdout.close()  # so that git stops listing when nobody reads
    try:
        yield reading.stdout, lambda: (listing.wait(), reading.wait()) == (0, 0)
    finally:
        for process in (reading, listing):
            process.kill()
            process.wait()
        reading.stdout.close()


def _started(command: list[str], stdin: int | IO[bytes] | None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
    )


def _sources(stream: IO[bytes]) -> Iterator[Source]:
    while head := stream.readline(LONGEST_LINE):
        identity, kind, *rest = head.rstrip(b"\n").split(b" ", 3)
        if kind not in {b"blob", b"commit", b"tag", b"tree"}:
            continue  # "ID missing": a clone that left this object out
        left = Content(stream, int(rest[0]))
        if kind in SEARCHED:
            path = os.fsdecode(rest[1]) if kind == b"blob" else f"{kind.decode()} message"
            yield Source(path, left.parts(), identity.decode())
        left.skip()


class Content:
    """The bytes of one object in the output of git."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream, self._left = stream, size

    def parts(self) -> Iterator[bytes]:
        """Yield what is left of the object."""
        while self._left:
            part = self._stream.read(min(PART, self._left))
            if not part:
                return
            self._left -= len(part)
            yield part

    def skip(self) -> None:
        """Read to the end of the object, and the line break behind it."""
        for _ in self.parts():
            pass
        self._stream.read(1)
