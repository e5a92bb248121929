"""A lease on an epoch: how long what was read about a caller may be trusted without reading it again.

A service that changes what somebody may do begins a new epoch in its transaction (`audit.log.record` sees
to it), commits, and waits one lease before it answers. A service that finds the change made already waits as
long: the request that made it may not have answered yet. A process that remembers what it read looks at the
number of the epoch before it trusts that, unless it looked less than a lease ago. So after the answer no
process trusts anything older than the change. docs/architecture.md has the argument, and what it rests on.

Numbers are counted again in a database that was restored, or whose standby took over without the last
changes. So each look also asks for the event that was the last one at the look before: without it, memory is
of a history that the database does not have, and is emptied.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.db import OperationalError
from django.db.models import Subquery

from audit.models import GENESIS, ChainHead, Event
from config import metrics
from config.waiting import CLOCK

MOST_REMEMBERED = 20_000  # callers, a few KiB each
NOTHING: Mapping[bytes, Any] = {}


class Look(NamedTuple):
    """The end of the audit chain, and the hash of the event that was its end at the look before."""

    epoch: int
    sequence: int
    hash: bytes
    hash_of_last_seen: bytes  # GENESIS if that event is not there

    def follows(self, last: "Look") -> bool:
        """Whether nothing that `last` let anybody trust has changed: the same epoch, of the same history."""
        return self.epoch == last.epoch and self.hash_of_last_seen == last.hash


BEGINNING = Look(0, 0, GENESIS, GENESIS)  # of every history


class Memory:
    """What this process has read since the epoch that it last looked at began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = BEGINNING
        self._trusted_until = 0.0
        self._failed_at = 0.0
        self._failure = ""
        self._known: dict[bytes, Any] = {}

    def known(self) -> dict[bytes, Any]:
        """Return what may be trusted now. One small query if the last look was a lease ago.

        Take it before you read, and `remember` what you read in it: it then belongs to the epoch
        looked at before the read. Raises django.db.Error if nobody can say which epoch it is.
        """
        if not settings.EPOCH_LEASE_SECONDS:
            return {}
        if time.clock_gettime(CLOCK) >= self._trusted_until:
            self._look()
        return self._known

    def trusted(self) -> Mapping[bytes, Any]:
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
            if not look.follows(self._last):
                self._known = {}
            self._last = look
            self._trusted_until = before + settings.EPOCH_LEASE_SECONDS

    def _ask(self) -> Look:
        """Return where the chain ends: one query. Raises OperationalError."""
        metrics.EPOCH_LOOKS.count()
        last_seen = Event.objects.filter(sequence=self._last.sequence).values("hash")
        heads = ChainHead.objects.filter(pk=ChainHead.ONLY)
        try:
            found = heads.values_list("epoch", "sequence", "hash", Subquery(last_seen)).first()
        except OperationalError as error:
            self._failed_at, self._failure = time.clock_gettime(CLOCK), str(error)
            raise
        epoch, sequence, end, seen = found or (0, 0, GENESIS, None)
        return Look(epoch, sequence, bytes(end), bytes(seen or GENESIS))

    def remember(self, known: dict[bytes, Any], name: bytes, value: Any) -> None:
        """Keep `value` in what `known()` returned before it was read; the oldest makes place for it."""
        with self._lock:
            if len(known) >= MOST_REMEMBERED:
                del known[next(iter(known))]
            known[name] = value

    def forget(self) -> None:
        """Trust nothing that was read before: for tests."""
        self._last, self._trusted_until, self._known = BEGINNING, 0.0, {}


memory = Memory()
