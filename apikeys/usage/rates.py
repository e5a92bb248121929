"""Enforces the rate limits of keys: counted exactly in Valkey, or as a share in each process."""

import logging
import threading
from collections import OrderedDict
from typing import NamedTuple

from access.key_limits import Rate
from access.principals import Principal
from accounts.throttling import valkey as valkey_counts
from accounts.throttling.counters import Attempt, Count, Counter
from audit.actors import Origin
from config.wire.errors import RateLimited

MOST_COUNTED = 100_000  # keys with a running window; when full, the oldest is dropped

log = logging.getLogger("keyhouse.rates")
_lock = threading.Lock()
_windows: OrderedDict[bytes, Count] = OrderedDict()
_processes = 1


class Allowance(NamedTuple):
    """A key's limit, the requests that are left here, and the seconds until the window here ends.

    Without Valkey, "here" is this process. Others may have more requests left, or none.
    """

    rate: Rate
    left: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers for the client (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Policy": f'"key";q={self.rate.requests};w={self.rate.seconds}',
            "RateLimit": f'"key";r={self.left};t={self.reset}',
        }


def count(principal: Principal, origin: Origin) -> Allowance | None:
    """Count one request of a credential and return what is left, None if it has no rate limit.

    Raises RateLimited if no request was left.
    """
    limits = principal.credential.limits
    if limits is None or limits.rate is None:
        return None
    now = int(origin.at.timestamp())
    most, found = _count(principal.credential.counted_as, limits.rate, now)
    quota = Allowance(limits.rate, max(most - found.attempts, 0), max(found.ends_at - now, 1))
    if found.attempts > most:
        raise RateLimited(quota.reset, quota.headers)
    return quota


def share_among(processes: int) -> None:
    """Let each process forked from this one allow 1/`processes` of a key's requests."""
    global _processes
    _processes = processes


def _count(name: str, rate: Rate, now: int) -> tuple[int, Count]:
    """Count a request. Return how many a window allows here, all of `rate` or a share, and the window.

    A changed rate begins a new window.
    """
    counter = Counter("key", f"key {name} {rate}".encode(), rate.requests)
    tried = Attempt((counter,), now, rate.seconds)
    if valkey_counts.is_asked():
        try:
            return rate.requests, valkey_counts.add(tried)[counter.digest]
        except valkey_counts.Unreachable as error:
            log.warning("counting requests in each process: Valkey: %s", error)
    return max(rate.requests // _processes, 1), _count_here(counter.digest, tried)


def _count_here(name: bytes, tried: Attempt) -> Count:
    with _lock:
        count = _windows.get(name)
        if count is None or not tried.goes_on(count):
            _windows.pop(name, None)
            if len(_windows) >= MOST_COUNTED:
                _windows.popitem(last=False)
            count = Count(0, tried.ends_at)
        _windows[name] = Count(count.attempts + 1, count.ends_at)
        return _windows[name]


def forget() -> None:
    """Begin every window again, for tests."""
    with _lock:
        _windows.clear()
