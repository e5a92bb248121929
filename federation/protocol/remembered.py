"""Remembers a few things about providers in this process, for a while."""

import threading
import time
from collections import OrderedDict
from typing import Generic, NamedTuple, TypeVar

MOST_REMEMBERED = 200  # providers
T = TypeVar("T")


class _Kept(NamedTuple, Generic[T]):
    value: T
    kept_at: float


class Memory(Generic[T]):
    """The newest values by address, at most MOST_REMEMBERED; times are those of a monotonic clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept[T]] = OrderedDict()

    def find(self, address: str, seconds: float) -> T | None:
        """Return the value if it was kept at most so many seconds ago."""
        with self._lock:
            kept = self._kept.get(address)
        if kept is None or time.monotonic() - kept.kept_at > seconds:
            return None
        return kept.value

    def keep(self, address: str, value: T) -> None:
        """Remember a value that was just learned."""
        with self._lock:
            self._kept[address] = _Kept(value, time.monotonic())
            self._kept.move_to_end(address)
            while len(self._kept) > MOST_REMEMBERED:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
