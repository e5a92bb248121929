"""Limiting attempts: counted exactly, across all servers, before any expensive work."""

import logging
from collections.abc import Callable
from typing import Protocol, TypeVar

from django.conf import settings

from accounts.throttling import database as database_counts
from accounts.throttling import valkey as valkey_counts
from accounts.throttling.counters import Attempt, Count, counters
from audit.actors import ANONYMOUS, NOTHING, Actor, Origin, Target
from audit.events import EventName
from audit.refusals import record_refusal
from config.limits import Limit
from config.wire.errors import TooManyAttempts
from config.wire.http.client_ip import network_of

T = TypeVar("T")
log = logging.getLogger("keyhouse.throttle")


class Store(Protocol):
    """A store of counters."""

    def add(self, tried: Attempt) -> dict[bytes, Count]:
        """Count an attempt, and return the new value of each of its counters, by digest."""

    def take_back(self, tried: Attempt, *, emptied: str = "") -> None:
        """Take an attempt back, and reset the counter whose scope is `emptied` to zero.

        A counter that has started anew since the attempt stays as it is.
        """


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

    `subject` is the account as the caller named it, whether it exists or not. `is_at_home` tells whether the
    owner is known at this IP address: then attempts from elsewhere do not lock the owner out.
    """
    tried = _attempt(limit, subject, origin)
    if not tried.counters:  # the configuration turned this limit off
        return
    counts = _stored(lambda store: store.add(tried))
    over = [each for each in tried.counters if counts[each.digest].attempts > each.most]
    if not over or ({each.scope for each in over} == {"account"} and is_at_home()):
        return
    if spared := tuple(each for each in tried.counters if each not in over):
        # An attempt that one counter refuses does not count in the others.
        _stored(lambda store: store.take_back(tried._replace(counters=spared)))
    detail = {"limit": str(limit), "by": over[0].scope}
    record_refusal(
        EventName.ATTEMPT_THROTTLED,
        actor=actor,
        origin=origin,
        target=target,
        detail=detail,
        each_target=False,  # extra writes for known targets would show in the response time
    )
    raise TooManyAttempts(max(counts[each.digest].ends_at for each in over) - tried.at)


def succeeded(limit: Limit, *, subject: str = "", origin: Origin) -> None:
    """Take back an attempt that succeeded.

    This also resets the account's failures from this IP address (NIST SP 800-63B section 3.2.2). It does not
    reset failures of other accounts from the address, or of the account from elsewhere.
    """
    tried = _attempt(limit, subject, origin)
    if tried.counters:
        _stored(lambda store: store.take_back(tried, emptied="here"))


def _attempt(limit: Limit, subject: str, origin: Origin) -> Attempt:
    bounds, key = settings.LIMITS[limit], settings.THROTTLE_KEY
    counted = counters(limit, bounds, account=subject, network=network_of(origin.ip), key=key)
    return Attempt(counted, int(origin.at.timestamp()), bounds.seconds)


def _stored(work: Callable[[Store], T]) -> T:
    """Run `work` on Valkey if it is configured and answers, else on the database."""
    if valkey_counts.is_asked():
        try:
            return work(valkey_counts)
        except valkey_counts.Unreachable as error:
            log.warning("counting in the database: Valkey: %s", error)
    return work(database_counts)
