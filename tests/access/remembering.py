"""Lets tests cache a caller, read at the present end of the audit chain."""

from access.principal_cache import Known, memory
from access.principals import operator
from access.remembered import Read
from audit.actors import ANONYMOUS, NOTHING, Origin, Target
from audit.events import EventName
from audit.log import record
from audit.position import HEAD, HEAD_JOIN, Position, select_at


def happen(name: EventName = EventName.API_KEY_REVOKED, *, to: Target = NOTHING) -> None:
    record(name, actor=ANONYMOUS, origin=Origin.here(), target=to)


def end() -> Position:
    return select_at(f"SELECT {HEAD} FROM (SELECT 1) one {HEAD_JOIN}", []).position


def read(*subjects: str) -> Read:
    return Read(operator("somebody"), None, end(), frozenset(subjects))


def remember(name: bytes, known: Known | None = None, *subjects: str) -> None:
    """Look, unless `known` comes from an earlier look; then read a caller, and cache it as `name`."""
    known = known or memory.known()
    memory.remember(known, name, read(*subjects))


def names() -> set[bytes]:
    """Return the names of the cached callers."""
    return set(memory.known().callers._reads)
