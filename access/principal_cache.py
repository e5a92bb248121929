"""What this process has read about callers, and for how long it may be trusted without reading it again.

A service that changes what somebody may do records an event in its transaction, commits, and has its answer
held for one lease. A service that finds the change made already waits as long: the request that made it may
not have been answered yet. A process that remembers callers looks at the end of the audit chain before it
trusts what it remembers, unless it looked less than a lease ago, and forgets those whom the new events
concern. So after the answer no process trusts anything older than the change. docs/architecture.md has the
argument, and what it rests on.

Events are counted again in a database that was restored, or whose standby took over without the last
changes. So what is read belongs to a position in the chain, and each look also asks for the events at
the positions of the reads and the look before. Without one of them, memory is of a history that the database
does not have, and is emptied.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import OperationalError

from access.concerned import concerned
from access.principals import Principal
from access.remembered import ANY_CHANGE, Read, Remembered
from audit.events import CHANGES_NO_CALLER
from audit.models import ChainHead
from audit.position import BEGINNING, Position
from config import metrics
from config.database.sql import as_json, select
from config.waiting import CLOCK

MOST_POSITIONS = 256  # that one look asks for
MOST_EVENTS = 1_000  # that one look goes through


@dataclass(frozen=True, slots=True)
class Known:
    """What may be trusted now, and where the chain ended at the look that says so."""

    position: Position = BEGINNING
    callers: Remembered = field(default_factory=Remembered)

    def get(self, name: bytes, now: datetime) -> Principal | None:
        """Return the caller with this name, None if nobody is remembered who is good at `now`."""
        read = self.callers.get(name)
        if read is None or (read.until is not None and read.until <= now):
            return None
        return read.principal


NOTHING = Known()


class Look(NamedTuple):
    """The end of the audit chain, and what it says about what is remembered.

    `there` are those of the events that were asked for which are there; `concerned` is on whom those depend
    who may do something else since the last look, None if that may be everybody.
    """

    epoch: int
    position: Position
    there: Mapping[int, bytes]  # hashes by sequence
    concerned: frozenset[str] | None

    def has(self, seen: Mapping[int, bytes]) -> bool:
        """Whether the history that `seen` is of is also this database's."""
        return seen.items() <= self.there.items()


# The end of the chain, with each event at a given position, and each one after the last look that may change
# a caller; once without either.
LOOK = f"""SELECT h.epoch, h.sequence, h.hash, e.sequence, e.hash, e.name, e.subjects
    FROM audit_chainhead h LEFT JOIN (
        SELECT sequence, hash, NULL AS name, NULL AS subjects FROM audit_event WHERE sequence IN ({{seen}})
        UNION ALL
        SELECT sequence, hash, name, subjects FROM audit_event WHERE sequence > %s AND sequence <= %s
            AND name NOT IN ({", ".join(f"'{name}'" for name in sorted(CHANGES_NO_CALLER))})
    ) e ON 1 = 1
    WHERE h.id = {ChainHead.ONLY}
"""  # noqa: S608 (nothing in it comes from outside)


class Memory:
    """What this process has read, as far as nothing that it has looked at since concerns it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a look may find that its own connection was lost
        self._empty()
        self._failed_at = 0.0
        self._failure = ""

    def _empty(self) -> None:
        """Trust nothing that was read before, and nothing that is being read."""
        self._known = Known()
        self._epoch = 0
        self._trusted_until = 0.0
        self._seen = dict([BEGINNING])  # positions of the last look and the reads after it

    def known(self) -> Known:
        """Return what may be trusted now. One small query if the last look was a lease ago.

        Take it before you read, and `remember` what you read with it: that belongs to the look before the
        read. Raises django.db.Error if the database does not answer.
        """
        if not settings.EPOCH_LEASE_SECONDS:
            return NOTHING
        if time.clock_gettime(CLOCK) >= self._trusted_until:
            self._look()
        return self._known

    def trusted(self) -> Known:
        """Return what may be trusted without a look: nothing if the lease has ended."""
        return self._known if time.clock_gettime(CLOCK) < self._trusted_until else NOTHING

    def _look(self) -> None:
        """Look, or wait for the thread that does. If its look fails, those that waited for it fail too."""
        came = time.clock_gettime(CLOCK)
        with self._lock:
            before = time.clock_gettime(CLOCK)
            if before < self._trusted_until:
                return  # another thread has looked meanwhile
            if came < self._failed_at:
                raise OperationalError(self._failure)  # else each would wait for the database in its turn
            look = self._ask()
            callers = self._known.callers
            if look.concerned is None or not look.has(self._seen):
                callers = Remembered()
            elif look.concerned:
                callers.forget([*look.concerned, ANY_CHANGE])
            self._known = Known(look.position, callers)
            self._epoch, self._seen = look.epoch, dict([look.position])
            self._trusted_until = before + settings.EPOCH_LEASE_SECONDS

    def _ask(self) -> Look:
        """Return where the chain ends, and what has changed since the last look: one query.

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
        """Keep `read`, which was read after `known()` returned `known`.

        Unless there was a look meanwhile: that one says nothing about what was read before it. A read at a
        position before that of `known`, or at one that another history has, shows that the database went
        back in time: memory is emptied.
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
                self._trusted_until = 0.0  # a look makes place

    def forget(self, **_: Any) -> None:
        """Trust nothing that was read before: a connection was lost, so another database may answer now."""
        with self._lock:
            self._empty()


def _all_concerned(changes: Sequence[Sequence[Any]]) -> frozenset[str] | None:
    """Return whom events concern, given as name and subjects; None if that may be everybody."""
    found = [concerned(name, as_json(subjects)) for name, subjects in changes]
    named = [each for each in found if each is not None]
    return frozenset[str]().union(*named) if len(named) == len(found) else None


memory = Memory()
