"""Answers that are given no earlier than a moment which the work names: until then they would not be true."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# Linux: goes on while the machine is suspended, as the time of everybody else does.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Held:
    """One answer, and the moment (on CLOCK, in seconds) before which it must not be given."""

    def __init__(self) -> None:
        self.not_before = 0.0

    def seconds_left(self) -> float:
        """How long the answer still has to be held; 0 or less: no longer."""
        return self.not_before - time.clock_gettime(CLOCK)


class _Here(threading.local):
    held: Held | None = None


_here = _Here()


@contextmanager
def holding() -> Iterator[Held]:
    """Promise to hold the answer to what this thread does meanwhile; it then does not sleep."""
    _here.held = held = Held()
    try:
        yield held
    finally:
        _here.held = None


def answer_not_before(seconds: float) -> None:
    """Have the work of this thread answered in so many seconds at the earliest.

    Sleep as long where nobody has promised to hold the answer: in commands, and at another server.
    """
    held = _here.held
    if held is None:
        time.sleep(seconds)  # a lease is made of time: there is no event to wait for instead
    else:
        held.not_before = max(held.not_before, time.clock_gettime(CLOCK) + seconds)
