"""Counts the requests of keys in the process, and writes the counts once a second, never during a request.

A killed process loses its last second of statistics.
"""

import atexit
import logging
import threading

from django.db import Error, close_old_connections

from apikeys.models import HOUR, Outcome
from apikeys.usage.services import Cell, Use, write_uses
from audit.actors import Origin

FLUSH_SECONDS = 1.0
MOST_WAITING = 100_000  # combinations of key, hour, outcome and scopes

log = logging.getLogger("keyhouse.usage")

_lock = threading.Lock()  # guards _waiting
_writing = threading.Lock()  # guards a flush: the last one waits for the one before it
_waiting: dict[Cell, Use] = {}
_thread: threading.Thread | None = None


def record_use(
    number: int, origin: Origin, outcome: Outcome = Outcome.ALLOWED, scopes: tuple[str, ...] = ()
) -> None:
    """Count a request of the key with this primary key. The count is in the database about a second later.

    `scopes` are those that an allowed request needed. A `number` of 0 means no key; nothing is counted.
    """
    if not number:
        return
    moment = int(origin.at.timestamp())
    cell = (number, moment - moment % HOUR, outcome, scopes)
    with _lock:
        use = _waiting.get(cell)
        if use is not None:
            use.add(Use(1, origin.at, origin.ip))
        elif len(_waiting) < MOST_WAITING:
            _waiting[cell] = Use(1, origin.at, origin.ip)
    _start_thread()


def flush(*, last: bool = False) -> int:
    """Write the waiting counts, and return of how many keys.

    Counts that fail, and those of locked keys, stay for the next flush. The `last` flush waits for locks.
    """
    with _writing:
        taken = _take()
        try:
            return write_uses(taken, skip_locked=not last)
        finally:
            _put_back(taken)


def _take() -> dict[Cell, Use]:
    with _lock:
        taken = dict(_waiting)
        _waiting.clear()
    return taken


def _put_back(uses: dict[Cell, Use]) -> None:
    with _lock:
        for cell, use in uses.items():
            newer = _waiting.get(cell)
            if newer is not None:
                newer.add(use)
            elif len(_waiting) < MOST_WAITING:
                _waiting[cell] = use


def _start_thread() -> None:
    """Start this process's flusher; a forked worker starts its own."""
    global _thread
    if _thread is None or not _thread.is_alive():
        with _lock:
            if _thread is None or not _thread.is_alive():
                _thread = threading.Thread(target=_run, name="keyhouse-usage", daemon=True)
                _thread.start()
                atexit.register(_flush_quietly, last=True)


def _run() -> None:
    pause = threading.Event()
    while not pause.wait(FLUSH_SECONDS):
        _flush_quietly()


def _flush_quietly(*, last: bool = False) -> None:
    try:
        flush(last=last)
    except Error as error:
        log.warning("uses of keys not written yet: %s", str(error).partition("\n")[0])
    finally:
        close_old_connections()


def forget() -> None:
    """Drop the counts that are not yet written, for tests."""
    with _lock:
        _waiting.clear()
