"""A lease on an epoch: how long what was read about a caller may be trusted without reading it again.

A service that changes what somebody may do begins a new epoch in its transaction (`audit.log.record` sees
to it), commits, and waits one lease before it answers. A service that finds the change made already waits as
long: the request that made it may not have answered yet. A process that remembers what it read looks at the
number of the epoch before it trusts that, unless it looked less than a lease ago. So after the answer no
process trusts anything older than the change. docs/architecture.md has the argument, and what it rests on.

Numbers are counted again in a database that was restored, or whose standby took over without the last
changes. So what is read belongs to a position in the audit chain, and each look also asks for the events at
the positions of the reads and the look before. Without one of them, memory is of a history that the database
does not have, and is emptied.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import OperationalError

from access.principals import Principal
from audit.models import ChainHead
from audit.position import BEGINNING, Position
from config import metrics
from config.database.sql import select
from config.waiting import CLOCK

MOST_REMEMBERED = 20_000  # callers, a few KiB each
MOST_POSITIONS = 256  # that one look asks for


class Read(NamedTuple):
    """A caller as one statement found them, and until when that is good if nothing changes."""

    principal: Principal
    until: datetime | None
    position: Position


@dataclass(frozen=True, slots=True)
class Known:
    """What may be trusted now, and where the chain ended at the look that says so."""

    position: Position = BEGINNING
    callers: dict[bytes, Read] = field(default_factory=dict)

    def get(self, name: bytes, now: datetime) -> Principal | None:
        """Return the caller with this name, None if nobody is remembered who is good at `now`."""
        read = self.callers.get(name)
        if read is None or (read.until is not None and read.until <= now):
            return None
        return read.principal


NOTHING = Known()


class Look(NamedTuple):
    """The end of the audit chain, and which of the events that were asked for are there."""

    epoch: int
    position: Position
    there: Mapping[int, bytes]  # hashes by sequence

    def has(self, seen: Mapping[int, bytes]) -> bool:
        """Whether the history that `seen` is of is also this database's."""
        return seen.items() <= self.there.items()


# The end of the chain, once for each event that is asked for, or once without one.
LOOK = f"""SELECT h.epoch, h.sequence, h.hash, e.sequence, e.hash
    FROM audit_chainhead h LEFT JOIN audit_event e ON e.sequence IN (%s)
    WHERE h.id = {ChainHead.ONLY}
"""  # noqa: S608 (nothing in it comes from outside)


class Memory:
    """What this process has read since the epoch that it last looked at began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
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
        read. Raises django.db.Error if nobody can say which epoch it is.
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
            is_same = look.epoch == self._epoch and look.has(self._seen)
            self._known = Known(look.position, self._known.callers if is_same else {})
            self._epoch, self._seen = look.epoch, dict([look.position])
            self._trusted_until = before + settings.EPOCH_LEASE_SECONDS

    def _ask(self) -> Look:
        """Return where the chain ends: one query. Raises OperationalError."""
        metrics.EPOCH_LOOKS.count()
        try:
            rows = select(LOOK % ", ".join(["%s"] * len(self._seen)), list(self._seen))
        except OperationalError as error:
            self._failed_at, self._failure = time.clock_gettime(CLOCK), str(error)
            raise
        epoch, *end = rows[0][:3] if rows else (0, *BEGINNING)
        events = (Position.of(*row[3:]) for row in rows)
        return Look(epoch, Position.of(*end), dict([BEGINNING, *events]))

    def remember(self, known: Known, name: bytes, read: Read) -> None:
        """Keep `read`, which was read after `known()` returned `known`; the oldest makes place for it.

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
                if len(known.callers) >= MOST_REMEMBERED:
                    del known.callers[next(iter(known.callers))]
                known.callers[name] = read

    def forget(self) -> None:
        """Trust nothing that was read before: for tests."""
        self._empty()


memory = Memory()
