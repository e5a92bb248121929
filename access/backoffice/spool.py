"""Responses written to a file first, so that a slow client occupies no thread and no connection."""

from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from threading import BoundedSemaphore, Lock
from weakref import WeakSet

from config.wire.errors import Busy, Sentence

IN_MEMORY = 1024 * 1024  # bytes; longer files go to disk under TMPDIR, without a name
RETRY_SECONDS = 5

# Limits of one process:
WRITTEN_AT_ONCE = 2  # each occupies a thread and a connection while it is written
KEPT_AT_ONCE = 16  # until the client has read them, or has gone
KEPT_FOR_ONE = 2

_writing = BoundedSemaphore(WRITTEN_AT_ONCE)
_lock = Lock()


class Spool:
    """A file for one person. The server reads it, and closes it when it is sent."""

    def __init__(self, reader: int | None) -> None:
        self.reader = reader
        self._file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed where it is sent)

    def write(self, text: str) -> None:
        self._file.write(text.encode())

    def rewind(self) -> int:
        """Go back to the beginning; return the size in bytes."""
        size = self._file.tell()
        self._file.seek(0)
        return size

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def close(self) -> None:
        self._file.close()
        with _lock:
            _kept.discard(self)


_kept: WeakSet[Spool] = WeakSet()  # weak: a file that nobody closed stops counting


def written(texts: Iterable[str], reader: int | None) -> Spool:
    """Return a file with all of `texts`; `reader` is the person's primary key. Raises Busy."""
    spool = _begun(reader)
    try:
        if not _writing.acquire(blocking=False):
            raise Busy("Other exports are being written. Try again in a few seconds.", RETRY_SECONDS)
        try:
            for text in texts:
                spool.write(text)
        finally:
            _writing.release()
    except BaseException:
        spool.close()
        raise
    return spool


def _begun(reader: int | None) -> Spool:
    """Return an empty file, counted among the kept ones. Raises Busy."""
    with _lock:
        theirs = sum(spool.reader == reader for spool in _kept)
        if theirs >= KEPT_FOR_ONE:
            raise Busy(
                Sentence(
                    "You are downloading %(number)d exports. Try again when one is finished.", number=theirs
                ),
                RETRY_SECONDS,
            )
        if len(_kept) >= KEPT_AT_ONCE:
            raise Busy(
                Sentence("%(number)d exports are being downloaded. Try again later.", number=KEPT_AT_ONCE),
                RETRY_SECONDS,
            )
        spool = Spool(reader)
        _kept.add(spool)
        return spool


def forget() -> None:
    """Close every kept file."""
    for spool in list(_kept):
        spool.close()
