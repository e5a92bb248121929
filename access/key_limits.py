"""The networks that an API key may be used from, and its rate limit. Both are optional."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from config.wire.errors import Invalid, Sentence
from config.wire.http.client_ip import Network, read_network, spell

MOST_NETWORKS = 50
MOST_REQUESTS = 1_000_000
LONGEST_WINDOW = 86_400  # seconds


class Rate(NamedTuple):
    """At most `requests` requests in a window of `seconds`, which begins with its first request."""

    requests: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.requests}/{self.seconds}s"


class Limits(NamedTuple):
    """The limits of a credential. No networks means every address."""

    networks: tuple[Network, ...] = ()
    rate: Rate | None = None

    def allow(self, ip: str) -> bool:
        """Whether a request may come from `ip`, an address as config.wire.http.client_ip spells it, or ""."""
        if not self.networks:
            return True
        return bool(ip) and any(ip_address(ip) in network for network in self.networks)


def rate_of(requests: int | None, seconds: int | None) -> Rate | None:
    """Return the stored rate, or None if no rate is stored."""
    return None if requests is None or seconds is None else Rate(requests, seconds)


def limits_of(networks: Iterable[str], rate: Rate | None) -> Limits | None:
    """Return the stored limits, or None if nothing is limited."""
    found = Limits(tuple(ip_network(text) for text in networks), rate)
    return found if found != Limits() else None


def clean_networks(texts: Iterable[str], own: Limits) -> list[str]:
    """Return addresses and networks in one spelling, without duplicates.

    Raises Invalid for the first malformed one, and for one outside `own`, the limits of the key in use.
    """
    found = list(dict.fromkeys(read_allowed_network(text) for text in texts))
    if len(found) > MOST_NETWORKS:
        raise Invalid(
            "allowed_networks",
            Sentence(
                "has %(number)d networks; at most %(most)d are allowed", number=len(found), most=MOST_NETWORKS
            ),
        )
    if own.networks and not (found and all(_lies_within(network, own.networks) for network in found)):
        raise Invalid("allowed_networks", "must lie within the networks of the key that you use")
    return [spell(each) for each in found]


def read_allowed_network(text: str) -> Network:
    """Return an address or a network. Raises Invalid for another text."""
    try:
        return read_network(text)
    except ValueError as error:
        raise Invalid(
            "allowed_networks",
            Sentence("%(text)s is not a network: %(reason)s", text=ascii(text), reason=error),
        ) from None


def _lies_within(network: Network, others: Iterable[Network]) -> bool:
    return any(network.network_address in other and network.prefixlen >= other.prefixlen for other in others)


def clean_rate(rate: Rate | None, own: Limits) -> Rate | None:
    """Return `rate`; None is no limit. Raises Invalid if it is out of bounds, or allows more than `own`.

    `own` has the limits of the key that the caller uses.
    """
    if rate is not None and not (1 <= rate.requests <= MOST_REQUESTS and 1 <= rate.seconds <= LONGEST_WINDOW):
        raise Invalid(
            "rate_limit",
            Sentence(
                "must be 1 to %(most)d requests in 1 to %(longest)d seconds",
                most=MOST_REQUESTS,
                longest=LONGEST_WINDOW,
            ),
        )
    if own.rate is not None and (rate is None or _is_more(rate, own.rate)):
        raise Invalid(
            "rate_limit",
            Sentence("must be at most %(rate)s, the limit of the key that you use", rate=own.rate),
        )
    return rate


def _is_more(rate: Rate, other: Rate) -> bool:
    """Whether `rate` allows more than `other`, in one window or in the long run."""
    return rate.requests > other.requests or rate.requests * other.seconds > other.requests * rate.seconds
