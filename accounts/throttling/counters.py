"""Which counters an attempt counts in. Nobody's name or address can be read from them."""

import hashlib
import hmac
from typing import NamedTuple

from config.limits import Bounds, Limit

CLOCKS_DIFFER = 300  # s by which clocks of servers, or times of requests at one of them, differ at the most


class Counter(NamedTuple):
    """One counter: its scope (a member of Bounds), its name, and how many attempts it lets through."""

    scope: str
    digest: bytes
    most: int


class Attempt(NamedTuple):
    """Something that is tried `at` (Unix seconds); its counters, in the order in which they are locked.

    A counter that `goes_on` is counted up, any other counts for the next `seconds`.
    """

    counters: tuple[Counter, ...]
    at: int
    seconds: int

    @property
    def ends_at(self) -> int:
        """When a counter ends that begins with this attempt."""
        return self.at + self.seconds

    @property
    def latest_end(self) -> int:
        """No counter ends later, unless it began while a clock was wrong."""
        return self.ends_at + CLOCKS_DIFFER

    def goes_on(self, count: "Count") -> bool:
        """Whether a counter that stands at `count` counts this attempt, too."""
        return self.at < count.ends_at <= self.latest_end


class Count(NamedTuple):
    """Where a counter stands, and when (Unix seconds) it ends."""

    attempts: int
    ends_at: int


def counters(limit: Limit, bounds: Bounds, *, account: str, network: str, key: bytes) -> tuple[Counter, ...]:
    """Return the counters of `bounds` that are about this account and this network, in one order for all.

    `network` is what counts as one address: see config.wire.http.client_ip.network_of.
    """
    named = {"here": (network, account), "account": ("", account), "address": (network, "")}
    found = [
        Counter(scope, _digest(key, limit, scope, *names), most)
        for scope, names in named.items()
        if (most := getattr(bounds, scope))
    ]
    return tuple(sorted(found, key=lambda counter: counter.digest))


def _digest(key: bytes, *words: str) -> bytes:
    """HMAC-SHA256 of the words; only the last of them may hold a NUL."""
    return hmac.digest(key, "\0".join(words).encode(errors="surrogatepass"), hashlib.sha256)
