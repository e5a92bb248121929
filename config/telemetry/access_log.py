"""The access log: a line on standard output for each answer of a server, if KEYHOUSE_ACCESS_LOG is on.

The event loop only puts an answer in a queue. A thread of the process makes lines of the queue and writes
them, so a reader that is slow, or a disk that is full, holds up no answer: what does not fit into the queue,
or cannot be written, is counted, and a later line says how many are missing.

No text of a client becomes part of a line. A route is a row of the profile or the name of a URL; the request
id is a plain word, and the address an IP address.
"""

import atexit
import json
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import msgspec

from config.logs import timestamp

WRITE_SECONDS = 0.2  # between two looks into the queue
MOST_WAITING = 50_000  # answers
MOST_BYTES = 4096  # of one write: a pipe mixes longer ones with those of other processes (PIPE_BUF)
STOP_SECONDS = 2.0  # in which the last lines are written
LOGGER = "keyhouse.access"


class Answered(NamedTuple):
    """An answer. `at` is when it was ready (Unix time), `seconds` how long that took."""

    at: float
    seconds: float
    status: int
    method: str
    route: str
    credential: str
    address: str
    request_id: str


class Line(msgspec.Struct):
    """A line in JSON: the members of all log lines, then those of the access log."""

    timestamp: str
    message: str
    request_id: str
    credential: str
    address: str
    method: str
    route: str
    status: int
    duration_ms: float
    level: str = "INFO"
    logger: str = LOGGER


class Missing(msgspec.Struct):
    """The line in JSON that says how many are missing."""

    timestamp: str
    message: str
    missing: int
    level: str = "WARNING"
    logger: str = LOGGER


def as_json(each: Answered) -> bytes:
    line = Line(
        timestamp(each.at),
        f"{each.status} {each.method or '-'} {each.route or '-'}",
        each.request_id,
        each.credential,
        each.address,
        each.method,
        each.route,
        each.status,
        round(each.seconds * 1000, 2),
    )
    return msgspec.json.encode(line) + b"\n"


def as_text(each: Answered) -> bytes:
    fields = (
        f"status={each.status} duration_ms={each.seconds * 1000:.2f} method={each.method or '-'} "
        f"route={json.dumps(each.route)} credential={each.credential or '-'} address={each.address or '-'} "
        f"request_id={each.request_id}"
    )
    return f"{timestamp(each.at)} INFO {LOGGER} {fields}\n".encode()


class Stdout:
    """Standard output, past Python's buffer. A line that was cut off is ended before the next one."""

    def __init__(self) -> None:
        self._is_cut = False

    def write(self, data: bytes) -> None:
        """Write whole lines. Raises OSError."""
        rest = b"\n" * self._is_cut + data
        while rest:
            rest = rest[os.write(1, rest) :]
            self._is_cut = bool(rest)


class AccessLog:
    """The queue, and the thread that writes it with `write`, which is given whole lines."""

    def __init__(self, write: Callable[[bytes], None], *, is_json: bool) -> None:
        self._write, self._is_json = write, is_json
        self._line = as_json if is_json else as_text
        self._waiting: deque[Answered] = deque()
        self._unqueued = self._unwritten = self._reported = 0  # lines; each counter has one thread
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keyhouse-access-log", daemon=True)

    def start(self) -> None:
        self._thread.start()
        atexit.register(self.stop)

    def add(self, answered: Answered) -> None:
        """Queue a line, or count it as missing. Only the event loop calls this."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(answered)
        else:
            self._unqueued += 1

    def stop(self) -> None:
        """Write what waits; give up after a while, if it cannot be written."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(WRITE_SECONDS):
            self.write_all()
        self.write_all()

    def write_all(self) -> None:
        """Write what waits now, or count what cannot be written."""
        for lines in self._pieces():
            try:
                self._write(b"".join(lines))
            except OSError:  # the disk is full, or nobody reads any more
                self._unwritten += len(lines)
        self._report()

    def _report(self) -> None:
        """Say how many lines are missing, as soon as that can be written."""
        missing = self._unqueued + self._unwritten - self._reported
        if missing:
            with suppress(OSError):
                self._write(self._words(missing))
                self._reported += missing

    def _pieces(self) -> Iterator[list[bytes]]:
        lines: list[bytes] = []
        size = 0
        for _ in range(len(self._waiting)):
            line = self._line(self._waiting.popleft())
            if size + len(line) > MOST_BYTES:
                yield lines
                lines, size = [], 0
            lines.append(line)
            size += len(line)
        if lines:
            yield lines

    def _words(self, missing: int) -> bytes:
        words = f"{missing} lines of the access log are missing: they could not be written in time"
        if self._is_json:
            return msgspec.json.encode(Missing(timestamp(time.time()), words, missing)) + b"\n"
        return f"{timestamp(time.time())} WARNING {LOGGER} {words}\n".encode()


_log: AccessLog | None = None


def start(*, is_json: bool) -> None:
    """Start logging in this process."""
    global _log
    sys.stdout.flush()
    _log = AccessLog(Stdout().write, is_json=is_json)
    _log.start()


def is_on() -> bool:
    return _log is not None


def record(
    *, began: float, status: int, method: str, route: str, credential: str, address: str, request_id: str
) -> None:
    """Log an answer, if the log is on. `began` is when the request came, on time.monotonic()."""
    if _log is not None:
        seconds = time.monotonic() - began
        _log.add(Answered(time.time(), seconds, status, method, route, credential, address, request_id))
