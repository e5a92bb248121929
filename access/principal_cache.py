"""The callers that this process has cached, and for how long it may trust them without another read.

A service that changes what somebody may do records an event in its transaction, commits, and delays its
answer by one lease. A service that finds the change already made waits as long, because the request that made
it may still be unanswered. A process that caches callers looks at the end of the audit chain before it trusts
its cache, unless it looked less than a lease ago, and drops the callers whom the new events concern. So once
a change is answered, no process trusts anything older. docs/architecture.md has the argument and its
assumptions.

A restored database, or a standby that took over without the last changes, assigns sequence numbers again.
So each read belongs to a position in the chain. Each look also asks for the events at the positions of the
last look and of the reads since. If one is missing, the cache belongs to a history that this database does
not have, and the process empties it.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import Error, OperationalError, close_old_connections

from access.concerned import concerned
from access.principals import Principal
from access.remembered import ANY_CHANGE, Read, Remembered
from audit.events import CHANGES_NO_CALLER
from audit.models import ChainHead
from audit.position import BEGINNING, Position
from config import metrics
from config.database.sql import as_json, select
from config.waiting import CLOCK

MOST_POSITIONS = 256  # in one look
MOST_EVENTS = 1_000  # in one look
RENEW_AFTER = 0.5  # the part of a lease after which a request that relies on it has it renewed


class Cached(NamedTuple):
    """A caller in the cache, and the name that the caller is cached under."""

    name: bytes
    principal: Principal


@dataclass(frozen=True, slots=True)
class Known:
    """What may be trusted now, and where the chain ended at the look that confirmed it."""

    position: Position = BEGINNING
    callers: Remembered = field(default_factory=Remembered)

    def get(self, name: bytes, now: datetime) -> Principal | None:
        """Return the caller cached under this name, or None if none is cached or it has ended by `now`."""
        read = self.callers.get(name)
        if read is None or (read.until is not None and read.until <= now):
            return None
        return read.principal

    def find(self, name: bytes, now: datetime) -> Cached | None:
        """Return the same with the name."""
        principal = self.get(name, now)
        return None if principal is None else Cached(name, principal)


NOTHING = Known()


class Look(NamedTuple):
    """The end of the audit chain, and what it says about the cache.

    `there` are the events asked for that exist. `concerned` are the subjects whose dependents may do
    something else since the last look; None means that every caller may.
    """

    epoch: int
    position: Position
    there: Mapping[int, bytes]  # hashes by sequence
    concerned: frozenset[str] | None

    def has(self, seen: Mapping[int, bytes]) -> bool:
        """Whether this database's history contains the events `seen`."""
        return seen.items() <= self.there.items()


# The end of the chain, joined with each event at a given position and each newer event that may change a
# caller. One row if no event matches.
LOOK = f"""SELECT h.epoch, h.sequence, h.hash, e.sequence, e.hash, e.name, e.subjects
    FROM audit_chainhead h LEFT JOIN (
        SELECT sequence, hash, NULL AS name, NULL AS subjects FROM audit_event WHERE sequence IN ({{seen}})
        UNION ALL
        SELECT sequence, hash, name, subjects FROM audit_event WHERE sequence > %s AND sequence <= %s
            AND name NOT IN ({", ".join(f"'{name}'" for name in sorted(CHANGES_NO_CALLER))})
    ) e ON 1 = 1
    WHERE h.id = {ChainHead.ONLY}
"""  # noqa: S608 (it holds only constants)


class Memory:
    """The callers that this process has cached, less those that a later look dropped.

    `history` is another number once the database may have another history than it had.
    """

    def __init__(self) -> None:
        self.history = 0
        self._lock = threading.RLock()  # reentrant: a look that loses its connection calls `forget`
        self._empty()
        self._failed_at = 0.0
        self._failure = ""
        self._is_ageing = threading.Event()

    def _empty(self) -> None:
        """Drop every cached caller, and every read that is under way."""
        self.history += 1
        self._known = Known()
        self._epoch = 0
        self._trusted_until = self._renew_from = 0.0
        self._seen = dict([BEGINNING])  # positions of the last look and of the reads since

    def known(self) -> Known:
        """Return what may be trusted now. Costs one small query if the lease of the last look has ended.

        Call it before a read, and pass its result to `remember` with the read: so the read belongs to the
        look before it. Raises django.db.Error if the database does not answer.
        """
        if not settings.EPOCH_LEASE_SECONDS:
            return NOTHING
        if time.clock_gettime(CLOCK) >= self._trusted_until:
            self._look()
        return self._known

    def trusted(self) -> Known:
        """Return what may be trusted without a look: NOTHING once the lease has ended."""
        now = time.clock_gettime(CLOCK)
        if now >= self._renew_from:
            self._is_ageing.set()
        return self._known if now < self._trusted_until else NOTHING

    def still_holds(self, cached: Cached, now: datetime) -> bool:
        """Whether `cached` may be trusted now, and nobody has read the caller anew since it was found."""
        return self.trusted().get(cached.name, now) is cached.principal

    def renew_in_background(self) -> None:
        """Start a thread that renews leases which requests rely on, so that none of them waits for a look.

        Without leases there is nothing to renew.
        """
        if settings.EPOCH_LEASE_SECONDS:
            threading.Thread(target=self._renew_forever, name="keyhouse-looks", daemon=True).start()

    def _renew_forever(self) -> None:
        while True:
            with suppress(Error):  # the next request without a lease looks itself, and reports its own error
                self.renew_when_asked()
            close_old_connections()

    def renew_when_asked(self) -> None:
        """Wait until a request relies on a lease in its second half, and look. Raises django.db.Error."""
        self._is_ageing.wait()
        self._is_ageing.clear()
        with self._lock:
            if (now := time.clock_gettime(CLOCK)) >= self._renew_from:
                self._confirm(now)

    def _look(self) -> None:
        """Look, or wait for the thread that is looking. If its look fails, the waiting threads fail too."""
        came = time.clock_gettime(CLOCK)
        with self._lock:
            before = time.clock_gettime(CLOCK)
            if before < self._trusted_until:
                return  # another thread has looked in the meantime
            if came < self._failed_at:
                raise OperationalError(self._failure)  # otherwise each thread would wait in turn
            self._confirm(before)

    def _confirm(self, now: float) -> None:
        """Look: drop the callers whom newer events concern, and trust the others for a lease from `now`."""
        look = self._ask()
        if not look.has(self._seen):
            self._empty()
        callers = self._known.callers
        if look.concerned is None:
            callers = Remembered()
        elif look.concerned:
            callers.forget([*look.concerned, ANY_CHANGE])
        self._known = Known(look.position, callers)
        self._epoch, self._seen = look.epoch, dict([look.position])
        self._trusted_until = now + settings.EPOCH_LEASE_SECONDS
        self._renew_from = now + RENEW_AFTER * settings.EPOCH_LEASE_SECONDS

    def _ask(self) -> Look:
        """Return the end of the chain and what has changed since the last look, with one query.

        Raises OperationalError.
        """
        metrics.EPOCH_LOOKS.count()
        last = self._known.position.sequence
        statement = LOOK.format(seen=", ".join(["%s"] * len(self._seen)))
        try:
            rows = select(statement, [*self._seen, last, last + MOST_EVENTS])
        except OperationalError as error:
            self._failed_at, self._failure = time.clock_gettime(CLOCK), str(error)
            raise
        epoch, *end = rows[0][:3] if rows else (0, *BEGINNING)
        position, has_begun = Position.of(*end), epoch != self._epoch
        there = dict([BEGINNING, *(Position.of(*row[3:5]) for row in rows)])
        if position.sequence > last + MOST_EVENTS:
            return Look(epoch, position, there, None if has_begun else frozenset())
        changes = [row[5:] for row in rows if row[5] is not None]
        return Look(epoch, position, there, _all_concerned(changes) if changes or not has_begun else None)

    def remember(self, known: Known, name: bytes, read: Read) -> None:
        """Cache `read`, which was read after `known()` returned `known`.

        Does nothing if a look came in between, because that look says nothing about earlier reads. Empties
        the cache if the database went back in time: `read` is at an earlier position than `known`, or at a
        seen position with another hash.
        """
        sequence, digest = read.position
        with self._lock:
            if known is not self._known:
                return
            if sequence < known.position.sequence or self._seen.get(sequence, digest) != digest:
                self._empty()
            elif sequence in self._seen or len(self._seen) < MOST_POSITIONS:
                self._seen[sequence] = digest
                known.callers.add(name, read)
            else:
                self._trusted_until = self._renew_from = 0.0  # the next look makes room

    def forget(self, **_: Any) -> None:
        """Empty the cache: a connection was lost, so another database may answer from now on."""
        with self._lock:
            self._empty()


def _all_concerned(changes: Sequence[Sequence[Any]]) -> frozenset[str] | None:
    """Return the subjects that events (name, subjects) concern; None if they may concern every caller."""
    found = [concerned(name, as_json(subjects)) for name, subjects in changes]
    named = [each for each in found if each is not None]
    return frozenset[str]().union(*named) if len(named) == len(found) else None


memory = Memory()
