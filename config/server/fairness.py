"""The order in which the requests of many clients get threads."""

import threading
from collections import deque
from typing import Generic, TypeVar

Work = TypeVar("Work")


class Waiting(Generic[Work]):
    """Work that waits for a thread. Addresses take turns, and so do the credentials of one address.

    A client with many requests that wait delays another client by one of them. A client with many credentials
    gets no more turns than its address does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._addresses: dict[str, dict[str, deque[Work]]] = {}

    def put(self, work: Work, address: str, credential: str) -> None:
        with self._lock:
            credentials = self._addresses.setdefault(address, {})
            credentials.setdefault(credential, deque()).append(work)

    def take(self) -> Work:
        """Remove the work whose turn it is, and return it."""
        with self._lock:
            address, credentials = _first(self._addresses)
            credential, waiting = _first(credentials)
            work = waiting.popleft()
            if waiting:
                credentials[credential] = waiting  # behind the others
            if credentials:
                self._addresses[address] = credentials
            return work

    def drop(self, work: Work, address: str, credential: str) -> bool:
        """Remove work that nobody has taken. Return whether it was there."""
        with self._lock:
            credentials = self._addresses.get(address, {})
            waiting = credentials.get(credential, deque())
            if work not in waiting:
                return False
            waiting.remove(work)
            if not waiting:
                del credentials[credential]
            if not credentials:
                del self._addresses[address]
            return True


Value = TypeVar("Value")


def _first(of: dict[str, Value]) -> tuple[str, Value]:
    """Remove what has waited longest for its turn."""
    key = next(iter(of))
    return key, of.pop(key)
