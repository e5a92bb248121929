"""Answers that are written to a file first, so that a slow reader keeps no thread and no connection busy."""

from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from threading import BoundedSemaphore, Lock
from weakref import WeakSet

from config.wire.errors import Busy

IN_MEMORY = 1024 * 1024  # bytes; what is longer is on disk, under TMPDIR, where no other process finds it
RETRY_SECONDS = 5

# In one process:
WRITTEN_AT_ONCE = 2  # each takes a thread and a connection while it is written, and no longer
KEPT_AT_ONCE = 16  # until they are read to the end, or their reader is gone
KEPT_FOR_ONE = 2

_writing = BoundedSemaphore(WRITTEN_AT_ONCE)
_lock = Lock()


class Spool:
    """A file for one reader, which the server reads and closes when it sends it."""

    def __init__(self, reader: int | None) -> None:
        self.reader = reader
        self._file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed where it is sent)

    def write(self, text: str) -> None:
        self._file.write(text.encode())

    def rewind(self) -> int:
        """Go back to the beginning; return how many bytes there are."""
        size = self._file.tell()
        self._file.seek(0)
        return size

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def close(self) -> None:
        self._file.close()
        with _lock:
            _kept.discard(self)


_kept: WeakSet[Spool] = WeakSet()  # one that nobody closed does not count for ever


def written(texts: Iterable[str], reader: int | None) -> Spool:
    """Return a file with all of `texts`, for the person with this number. Raises Busy."""
    spool = _begun(reader)
    try:
        if not _writing.acquire(blocking=False):
            raise Busy("Others are exporting at this moment. Try again in a few seconds.", RETRY_SECONDS)
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
    """Return an empty file that counts among those that are kept. Raises Busy."""
    with _lock:
        theirs = sum(spool.reader == reader for spool in _kept)
        if theirs >= KEPT_FOR_ONE:
            raise Busy(f"You are downloading {theirs} exports. Try again when one is done.", RETRY_SECONDS)
        if len(_kept) >= KEPT_AT_ONCE:
            raise Busy(f"{KEPT_AT_ONCE} exports are being downloaded. Try again later.", RETRY_SECONDS)
        spool = Spool(reader)
        _kept.add(spool)
        return spool


def forget() -> None:
    """Close all that is kept."""
    for spool in list(_kept):
        spool.close()
