"""Cached callers, found by credential, and dropped when something that they depend on changes."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from access.principals import Principal
from audit.position import Position

MOST_REMEMBERED = 20_000  # callers, a few KiB each
ANY_CHANGE = "*"  # the subject of callers that every change drops


class Read(NamedTuple):
    """A caller as one statement read them, and the time until which that holds if nothing changes.

    `subjects` are everything that the caller's power depends on, named as events name it.
    """

    principal: Principal
    until: datetime | None
    position: Position
    subjects: frozenset[str]

    @classmethod
    def of(cls, principal: Principal, until: datetime | None, position: Position, *others: str) -> "Read":
        """Return the read of a caller who depends on their user, their organizations and `others`."""
        person = [f"user:{principal.subject}"] if principal.user_id is not None else []
        places = (f"organization:{place.organization}" for place in principal.places.values())
        return cls(principal, until, position, frozenset([*person, *places, *others]))


class Remembered:
    """Reads, by the name of the credential. A writer must hold a lock; a reader needs no lock."""

    def __init__(self) -> None:
        self._reads: dict[bytes, Read] = {}
        self._dependent: dict[str, set[bytes]] = {}

    def get(self, name: bytes) -> Read | None:
        return self._reads.get(name)

    def add(self, name: bytes, read: Read) -> None:
        """Store `read`; when the cache is full, drop the oldest."""
        self._drop(name)
        if len(self._reads) >= MOST_REMEMBERED:
            self._drop(next(iter(self._reads)))
        for subject in read.subjects:
            self._dependent.setdefault(subject, set()).add(name)
        self._reads[name] = read

    def forget(self, subjects: Iterable[str]) -> None:
        """Drop every caller who depends on one of these subjects."""
        for subject in subjects:
            for name in list(self._dependent.get(subject, ())):
                self._drop(name)

    def _drop(self, name: bytes) -> None:
        read = self._reads.pop(name, None)
        for subject in read.subjects if read else ():
            others = self._dependent[subject]
            others.discard(name)
            if not others:
                del self._dependent[subject]
