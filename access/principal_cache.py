"""A lease on an epoch: how long what was read about a caller may be trusted without reading it again.

A service that changes what somebody may do begins a new epoch in its transaction (`audit.log.record` sees
to it), commits, and waits one lease before it answers. A service that finds the change made already waits as
long: the request that made it may not have answered yet. A process that remembers what it read looks at the
number of the epoch before it trusts that, unless it looked less than a lease ago. So after the answer no
process trusts anything older than the change. docs/architecture.md has the argument, and what it rests on.
"""

import threading
import time
from typing import Any

from django.conf import settings
from django.db import OperationalError

from audit.models import ChainHead
from config import metrics

MOST_REMEMBERED = 20_000  # callers, a few KiB each
# Linux: goes on while the machine is suspended, as the time of everybody else does.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Memory:
    """What this process has read since the epoch that it last looked at began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._epoch: int | None = None
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

    def _look(self) -> None:
        """Look, or wait for the thread that does. If its look fails, those that waited for it fail too."""
        came = time.clock_gettime(CLOCK)
        with self._lock:
            before = time.clock_gettime(CLOCK)
            if before < self._trusted_until:
                return  # another thread has looked meanwhile
            if came < self._failed_at:
                raise OperationalError(self._failure)  # else each would wait for the database in its turn
            epoch = self._ask()
            if epoch != self._epoch:
                self._epoch, self._known = epoch, {}
            self._trusted_until = before + settings.EPOCH_LEASE_SECONDS

    def _ask(self) -> int | None:
        metrics.EPOCH_LOOKS.count()
        try:
            return ChainHead.objects.filter(pk=ChainHead.ONLY).values_list("epoch", flat=True).first()
        except OperationalError as error:
            self._failed_at, self._failure = time.clock_gettime(CLOCK), str(error)
            raise

    def remember(self, known: dict[bytes, Any], name: bytes, value: Any) -> None:
        """Keep `value` in what `known()` returned before it was read; the oldest makes place for it."""
        with self._lock:
            if len(known) >= MOST_REMEMBERED:
                del known[next(iter(known))]
            known[name] = value

    def forget(self) -> None:
        """Trust nothing that was read before: for tests."""
        self._epoch, self._trusted_until, self._known = None, 0.0, {}


memory = Memory()
