"""Answers that must not leave before a certain moment: until then they would not be true."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# On Linux this clock goes on while the machine is suspended, as time does for everybody else.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Deferral:
    """The moment (in seconds on CLOCK) before which one answer must not leave."""

    def __init__(self) -> None:
        self.not_before = 0.0

    def seconds_left(self) -> float:
        """How long the answer still has to wait; 0 or less: it may leave."""
        return self.not_before - time.clock_gettime(CLOCK)


class _Current(threading.local):
    deferral: Deferral | None = None


_current = _Current()


@contextmanager
def deferring() -> Iterator[Deferral]:
    """Collect the deferrals of this thread in the block. The caller promises to keep the answer that long."""
    _current.deferral = deferral = Deferral()
    try:
        yield deferral
    finally:
        _current.deferral = None


def answer_not_before(seconds: float) -> None:
    """Keep the answer to the current request for at least so many seconds from now.

    Sleep instead where nobody has promised to keep it: in commands, and under another server.
    """
    deferral = _current.deferral
    if deferral is None:
        time.sleep(seconds)  # a lease is made of time: there is no event to wait for
    else:
        deferral.not_before = max(deferral.not_before, time.clock_gettime(CLOCK) + seconds)
