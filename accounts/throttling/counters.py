"""The counters that an attempt counts in. Their digests reveal no names or addresses."""

import hashlib
import hmac
from typing import NamedTuple

from config.limits import Bounds, Limit

CLOCKS_DIFFER = 300  # s; the most that the clocks of servers, or the times of requests, may differ


class Counter(NamedTuple):
    """One counter: its scope (a member of Bounds), its digest, and how many attempts it allows."""

    scope: str
    digest: bytes
    most: int


class Attempt(NamedTuple):
    """An attempt `at` a time (Unix seconds), with its counters in the order in which they are locked.

    An attempt increments each counter that `goes_on`; any other counter starts anew for `seconds`.
    """

    counters: tuple[Counter, ...]
    at: int
    seconds: int

    @property
    def ends_at(self) -> int:
        """When a counter that starts with this attempt ends."""
        return self.at + self.seconds

    @property
    def latest_end(self) -> int:
        """The latest end of a counter; a later one was started with a wrong clock."""
        return self.ends_at + CLOCKS_DIFFER

    def goes_on(self, count: "Count") -> bool:
        """Whether a counter that stands at `count` also counts this attempt."""
        return self.at < count.ends_at <= self.latest_end


class Count(NamedTuple):
    """The value of a counter, and when it ends (Unix seconds)."""

    attempts: int
    ends_at: int


def counters(limit: Limit, bounds: Bounds, *, account: str, network: str, key: bytes) -> tuple[Counter, ...]:
    """Return the counters of `bounds` for this account and this network, always in the same order.

    `network` is the network that counts as one address (config.wire.http.client_ip.network_of).
    """
    named = {"here": (network, account), "account": ("", account), "address": (network, "")}
    found = [
        Counter(scope, _digest(key, limit, scope, *names), most)
        for scope, names in named.items()
        if (most := getattr(bounds, scope))
    ]
    return tuple(sorted(found, key=lambda counter: counter.digest))


def _digest(key: bytes, *words: str) -> bytes:
    """Return the HMAC-SHA256 of the words; only the last one may contain a NUL."""
    return hmac.digest(key, "\0".join(words).encode(errors="surrogatepass"), hashlib.sha256)
