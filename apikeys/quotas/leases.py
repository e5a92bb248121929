"""The units of quotas that this process has taken in advance, so that most requests need no database.

The database counts units when they are taken (apikeys.quotas.ledger), so all servers together never let more
requests through than a quota allows. Units that are not used within `KEPT` are given back; those of a killed
process are lost, and so are those that were taken before the database was restored. With a Valkey all
processes share the units (apikeys.quotas.shared).
"""

import atexit
import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import Error, close_old_connections

from access.key_limits import Budgets, Quota
from access.principal_cache import memory
from accounts.throttling import valkey
from apikeys.quotas import ledger, shared
from apikeys.quotas.periods import day_of, end_of_day
from apikeys.quotas.states import State, reached

KEPT = timedelta(seconds=10)
TRUSTED = timedelta(seconds=1)  # that a quota is used up, or that a reported one is not
MOST_LEASES = 20_000  # when there are more, the oldest is given back

log = logging.getLogger("keyhouse.quotas")


@dataclass(slots=True)
class Lease:
    """Units that requests may use until `ends_at`, or that a quota was used up.

    `left` is what the database had left beside the units, and `day` the day that they count on. `history` is
    the one of the database in which they were taken (access.principal_cache).
    """

    quota: Quota
    units: int
    left: Budgets
    day: date
    history: int
    ends_at: datetime
    is_used_up: bool

    def holds(self, quota: Quota, now: datetime) -> bool:
        """Whether this still says something about `quota`, whose budgets may have changed."""
        return self.quota == quota and now < self.ends_at and self.history == memory.history

    def spend(self) -> State:
        """Use a unit. Return what is left here and in the database together."""
        if self.quota.is_reported:
            return State(self.quota, self.left, self.day)
        self.units -= 1
        return State(self.quota, self.left.plus(self.units), self.day)


_lock = threading.Lock()  # guards _leases and their units
_taking = threading.Lock()  # one thread at a time takes units and gives them back
_leases: dict[int, Lease] = {}  # by the number of the quota
_ended: deque[Lease] = deque()  # to give back


def spend(quotas: Sequence[Quota], now: datetime) -> list[State]:
    """Use a unit of each quota, and return what is left.

    Raises QuotaReached if one has none left, and django.db.Error.
    """
    if valkey.is_asked() and not all(quota.is_reported for quota in quotas):
        try:
            return _spend_shared(quotas, now)
        except valkey.Unreachable as error:
            log.warning("taking units of quotas in each process: Valkey: %s", error)
    while (spent := spend_here(quotas, now)) is None:
        for quota in quotas:
            _renew(quota, now)
    return spent


def _spend_shared(quotas: Sequence[Quota], now: datetime) -> list[State]:
    """Do the same with units that are in Valkey. Raises valkey.Unreachable, too."""
    reported = [quota for quota in quotas if quota.is_reported]
    while (states := spend_here(reported, now)) is None:
        for quota in reported:
            _renew(quota, now)
    counted = [quota for quota in quotas if not quota.is_reported]
    return [*states, *shared.spend(counted, now, lambda quota: _take_to_share(quota, now))]


def spend_here(quotas: Sequence[Quota], now: datetime) -> list[State] | None:
    """Do the same without the database. Use nothing and return None if units of one must be taken first."""
    if not quotas:
        return []
    with _lock:
        leases = [lease for quota in quotas if (lease := _leases.get(quota.number)) and lease.units]
        if len(leases) < len(quotas) or not all(
            lease.holds(quota, now) for lease, quota in zip(leases, quotas, strict=True)
        ):
            return None
        return [lease.spend() for lease in leases]


def put_back(quotas: Sequence[Quota]) -> None:
    """Undo `spend_here`: the request is refused for another reason."""
    with _lock:
        for quota in quotas:
            if (lease := _leases.get(quota.number)) is not None:
                lease.units += 1


def _renew(quota: Quota, now: datetime) -> None:
    """Take units of a quota, unless this process has some. Raises QuotaReached."""
    with _taking:
        lease = _leases.get(quota.number)
        if lease is None or not lease.holds(quota, now) or not (lease.units or lease.is_used_up):
            lease = _take(quota, now)
        if lease.is_used_up:
            raise reached(State(quota, lease.left, lease.day), now)


def _take(quota: Quota, now: datetime) -> Lease:
    """Replace the lease of a quota by a new one; first give back what is left of it."""
    _end(quota)
    history = memory.history
    return _keep(quota, ledger.take(quota, day_of(now)), history, now)


def _take_to_share(quota: Quota, now: datetime) -> ledger.Taken:
    """Take units that go to Valkey. Raises QuotaReached, also if there were none less than a second ago."""
    with _taking:
        lease = _leases.get(quota.number)
        if lease is None or not (lease.is_used_up and lease.holds(quota, now)):
            _end(quota)
            history = memory.history
            taken = ledger.take(quota, day_of(now))
            if taken.units:
                return taken
            lease = _keep(quota, taken, history, now)
        raise reached(State(quota, lease.left, lease.day), now)


def _end(quota: Quota) -> None:
    """Give back what is left of the lease of a quota, and of the oldest lease if there are too many."""
    with _lock:
        if (old := _leases.pop(quota.number, None)) is not None:
            _ended.append(old)
        if len(_leases) >= MOST_LEASES:
            _ended.append(_leases.pop(next(iter(_leases))))
    _write_back()


def _keep(quota: Quota, taken: ledger.Taken, history: int, now: datetime) -> Lease:
    is_used_up = not taken.units
    ends_at = min(now + (TRUSTED if is_used_up or quota.is_reported else KEPT), end_of_day(taken.day))
    lease = Lease(quota, taken.units, taken.left, taken.day, history, ends_at, is_used_up)
    with _lock:
        _leases[quota.number] = lease
    return lease


def give_back(now: datetime | None = None) -> None:
    """Give back the units of leases that have ended by `now`; of all, without `now`.

    Raises django.db.Error.
    """
    with _taking:
        with _lock:
            ended = [number for number, lease in _leases.items() if now is None or lease.ends_at <= now]
            _ended.extend(_leases.pop(number) for number in ended)
        _write_back()


def give_back_ended() -> None:
    """Give back what was not used in time: a job of the server's background thread."""
    give_back(datetime.now(UTC))


def _write_back() -> None:
    while _ended:
        lease = _ended[0]
        if lease.units and not lease.quota.is_reported and _is_in_history(lease):
            ledger.give_back(lease.quota.number, lease.units, lease.day)
        _ended.popleft()


def _is_in_history(lease: Lease) -> bool:
    """Whether the database, as it is now, has counted the units."""
    memory.known()  # looks, if the last look was too long ago
    return lease.history == memory.history


def _give_back_at_exit() -> None:
    try:
        give_back()
    except Error as error:
        log.warning("units of quotas not given back: %s", str(error).partition("\n")[0])
    finally:
        close_old_connections()


atexit.register(_give_back_at_exit)


def forget() -> None:
    """Drop all leases, as a killed process does; for tests."""
    with _lock:
        _leases.clear()
        _ended.clear()
