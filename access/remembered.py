"""Callers who were read, found by their credential, and forgotten by what they depend on."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from access.principals import Principal
from audit.position import Position

MOST_REMEMBERED = 20_000  # callers, a few KiB each
ANY_CHANGE = "*"  # on what depends who is to be forgotten with every change


class Read(NamedTuple):
    """A caller as one statement found them, and until when that is good if nothing changes.

    `subjects` are all on whom it depends what the caller may do, as events name them.
    """

    principal: Principal
    until: datetime | None
    position: Position
    subjects: frozenset[str]

    @classmethod
    def of(cls, principal: Principal, until: datetime | None, position: Position, *others: str) -> "Read":
        """Return a caller who depends on the person, on the organizations, and on `others`."""
        person = [f"user:{principal.subject}"] if principal.user_id is not None else []
        places = (f"organization:{place.organization}" for place in principal.places.values())
        return cls(principal, until, position, frozenset([*person, *places, *others]))


class Remembered:
    """Reads by the name of their credential. Changed under a lock that the caller holds; read without one."""

    def __init__(self) -> None:
        self._reads: dict[bytes, Read] = {}
        self._dependent: dict[str, set[bytes]] = {}

    def get(self, name: bytes) -> Read | None:
        return self._reads.get(name)

    def add(self, name: bytes, read: Read) -> None:
        """Keep what was read; the oldest makes place for it."""
        self._drop(name)
        if len(self._reads) >= MOST_REMEMBERED:
            self._drop(next(iter(self._reads)))
        for subject in read.subjects:
            self._dependent.setdefault(subject, set()).add(name)
        self._reads[name] = read

    def forget(self, subjects: Iterable[str]) -> None:
        """Forget everybody who depends on one of these."""
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
