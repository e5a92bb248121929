"""From where, and how often, a credential may be used. Both are off unless somebody sets them."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from config.wire.errors import Invalid
from config.wire.http.client_ip import Network, read_network, spell

MOST_NETWORKS = 50
MOST_REQUESTS = 1_000_000
LONGEST_WINDOW = 86_400  # seconds


class Rate(NamedTuple):
    """So many requests in a window of so many seconds, which begins with its first request."""

    requests: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.requests}/{self.seconds}s"


class Limits(NamedTuple):
    """What a credential is held to; no networks: it may come from everywhere."""

    networks: tuple[Network, ...] = ()
    rate: Rate | None = None

    def allow(self, ip: str) -> bool:
        """Whether a request may come from `ip`, an address as config.wire.http.client_ip writes it, or ""."""
        if not self.networks:
            return True
        return bool(ip) and any(ip_address(ip) in network for network in self.networks)


def rate_of(requests: int | None, seconds: int | None) -> Rate | None:
    """Return the rate that is stored so, None if there is none."""
    return None if requests is None or seconds is None else Rate(requests, seconds)


def limits_of(networks: Iterable[str], rate: Rate | None) -> Limits | None:
    """Return the limits that are stored so, None if there are none."""
    found = Limits(tuple(ip_network(text) for text in networks), rate)
    return found if found != Limits() else None


def clean_networks(texts: Iterable[str], own: Limits) -> list[str]:
    """Return addresses and networks, each once, in one spelling.

    Raises Invalid for the first bad one, and for what lies outside of `own`, the limits of whoever asks.
    """
    found = list(dict.fromkeys(_network(text) for text in texts))
    if len(found) > MOST_NETWORKS:
        raise Invalid("allowed_networks", f"has {len(found)} networks, {MOST_NETWORKS} are allowed")
    if own.networks and not (found and all(_lies_within(network, own.networks) for network in found)):
        raise Invalid("allowed_networks", "must lie within those of the key that you use")
    return [spell(each) for each in found]


def _network(text: str) -> Network:
    try:
        return read_network(text)
    except ValueError as error:
        raise Invalid("allowed_networks", f"{text!a} is no network: {error}") from None


def _lies_within(network: Network, others: Iterable[Network]) -> bool:
    return any(network.network_address in other and network.prefixlen >= other.prefixlen for other in others)


def clean_rate(rate: Rate | None, own: Limits) -> Rate | None:
    """Return `rate`. Raises Invalid if it is out of bounds, or more than `own` of whoever asks."""
    if rate is not None and not (1 <= rate.requests <= MOST_REQUESTS and 1 <= rate.seconds <= LONGEST_WINDOW):
        raise Invalid("rate_limit", f"must be 1 to {MOST_REQUESTS} requests in 1 to {LONGEST_WINDOW} seconds")
    if own.rate is not None and (rate is None or _is_more(rate, own.rate)):
        raise Invalid("rate_limit", f"must be at most {own.rate}, that of the key that you use")
    return rate


def _is_more(rate: Rate, other: Rate) -> bool:
    """In one window, or in the long run."""
    return rate.requests > other.requests or rate.requests * other.seconds > other.requests * rate.seconds
