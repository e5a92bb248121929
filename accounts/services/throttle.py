"""How often something may be tried: counted before anything expensive, exactly, across all servers."""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from django.conf import settings
from redis.exceptions import RedisError

from accounts.services import database_counts, valkey_counts
from accounts.throttling import Count, Counter, counters
from audit.actors import ANONYMOUS, NOTHING, Actor, Origin, Target
from audit.events import EventName
from audit.refusals import record_refusal
from config.errors import TooManyAttempts
from config.limits import Limit

T = TypeVar("T")
log = logging.getLogger("keyhouse.throttle")


class Store(Protocol):
    """Where counters are."""

    def add(self, counters: Sequence[Counter], *, now: int, seconds: int) -> dict[bytes, Count]: ...

    def take_back(self, counters: Sequence[Counter], *, emptied: str, now: int, seconds: int) -> None: ...


def attempt(
    limit: Limit,
    *,
    subject: str = "",
    origin: Origin,
    actor: Actor = ANONYMOUS,
    target: Target = NOTHING,
    is_at_home: Callable[[], bool] = lambda: False,
) -> None:
    """Count an attempt. Raises TooManyAttempts, which is recorded for `actor` and `target`.

    `subject` is the account, as it was named, whether there is one or not. `is_at_home` tells whether
    its owner is known at this address: then others, elsewhere, cannot use up the attempts.
    """
    counted, now, seconds = _counters(limit, subject, origin), _now(origin), settings.LIMITS[limit].seconds
    counts = _stored(lambda store: store.add(counted, now=now, seconds=seconds))
    over = [each for each in counted if counts[each.digest].attempts > each.most]
    if not over or ({each.scope for each in over} == {"account"} and is_at_home()):
        return
    if within := [each for each in counted if each not in over]:  # what is refused here uses up nothing there
        _stored(lambda store: store.take_back(within, emptied="", now=now, seconds=seconds))
    detail = {"limit": str(limit), "by": over[0].scope}
    record_refusal(EventName.ATTEMPT_THROTTLED, actor=actor, origin=origin, target=target, detail=detail)
    raise TooManyAttempts(max(counts[each.digest].ends_at for each in over) - now)


def succeeded(limit: Limit, *, subject: str = "", origin: Origin) -> None:
    """Take an attempt back that was no failure.

    Earlier failures of the account at this address are forgotten (NIST SP 800-63B section 3.2.2); those
    of others at the address, and elsewhere, are not.
    """
    counted, now, seconds = _counters(limit, subject, origin), _now(origin), settings.LIMITS[limit].seconds
    _stored(lambda store: store.take_back(counted, emptied="here", now=now, seconds=seconds))


def _counters(limit: Limit, subject: str, origin: Origin) -> list[Counter]:
    bounds, key = settings.LIMITS[limit], settings.THROTTLE_KEY
    return counters(limit, bounds, account=subject, ip=origin.ip, key=key)


def _now(origin: Origin) -> int:
    return int(origin.at.timestamp())


def _stored(work: Callable[[Store], T]) -> T:
    """Work on Valkey if there is one and it answers, else on the database."""
    if settings.VALKEY_URL:
        try:
            return work(valkey_counts)
        except RedisError as error:
            log.warning("counting in the database: Valkey: %s", str(error).partition("\n")[0])
    return work(database_counts)
