"""The networks that an API key may be used from, its rate limit and its quotas. All are optional."""

from collections.abc import Collection, Iterable
from ipaddress import ip_address, ip_network
from typing import Literal, NamedTuple

from config.wire.errors import Invalid, Sentence
from config.wire.http.client_ip import Network, read_network, spell
from config.wire.quoting import quoted

MOST_NETWORKS = 50
MOST_REQUESTS = 1_000_000
LONGEST_WINDOW = 86_400  # seconds
LONGEST_REASON = 200  # characters of why a text is no network, which repeats the text
MOST_UNITS = 1_000_000_000_000_000  # of a budget; JavaScript reads it exactly


class Rate(NamedTuple):
    """At most `requests` requests in a window of `seconds`, which begins with its first request."""

    requests: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.requests}/{self.seconds}s"


class Budgets(NamedTuple):
    """How many units may be used in a day and in a month (UTC), and in all. None is no limit."""

    day: int | None = None
    month: int | None = None
    total: int | None = None

    def __str__(self) -> str:
        return ", ".join(f"{most}/{name}" for name, most in self._asdict().items() if most is not None)

    def plus(self, units: int) -> "Budgets":
        """Return these budgets, each with this number of units added."""
        return Budgets(*(most if most is None else most + units for most in self))

    def allow_more_than(self, others: "Budgets") -> bool:
        """Whether these budgets allow more units than `others` in any period."""
        pairs = zip(self, others, strict=True)
        return any(other is not None and (most is None or most > other) for most, other in pairs)


NO_BUDGETS = Budgets()


class Quota(NamedTuple):
    """The budgets of a key, or of all keys of an organization.

    `number` is the row of the database that has what was used, `name` what it is called in Valkey. If
    `is_reported`, only the units that services report count; otherwise each request is a unit, too.
    """

    holder: Literal["key", "organization"]
    number: int
    name: str
    budgets: Budgets
    is_reported: bool


class Limits(NamedTuple):
    """The limits of a credential. No networks means every address."""

    networks: tuple[Network, ...] = ()
    rate: Rate | None = None
    quotas: tuple[Quota, ...] = ()

    def allow(self, ip: str) -> bool:
        """Whether a request may come from `ip`, an address as config.wire.http.client_ip spells it, or ""."""
        if not self.networks:
            return True
        return bool(ip) and any(ip_address(ip) in network for network in self.networks)


def rate_of(requests: int | None, seconds: int | None) -> Rate | None:
    """Return the stored rate, or None if no rate is stored."""
    return None if requests is None or seconds is None else Rate(requests, seconds)


def limits_of(networks: Iterable[str], rate: Rate | None, quotas: tuple[Quota, ...] = ()) -> Limits | None:
    """Return the stored limits, or None if nothing is limited."""
    found = Limits(tuple(ip_network(text) for text in networks), rate, quotas)
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
    if _reach_beyond(found, own.networks):
        raise Invalid("allowed_networks", "must lie within the networks of the key that you use")
    return [spell(each) for each in found]


def read_allowed_network(text: str) -> Network:
    """Return an address or a network. Raises Invalid for another text."""
    try:
        return read_network(text)
    except ValueError as error:
        raise Invalid(
            "allowed_networks",
            Sentence(
                "%(text)s is not a network: %(reason)s", text=quoted(text), reason=str(error)[:LONGEST_REASON]
            ),
        ) from None


def are_wider(limits: Limits, others: Limits) -> bool:
    """Whether `limits` allow a request that `others` do not."""
    return _reach_beyond(limits.networks, others.networks) or _is_beyond(limits.rate, others.rate)


def _reach_beyond(networks: Collection[Network], others: Collection[Network]) -> bool:
    """Whether `networks` have an address that `others` have not. None at all means every address."""
    return bool(others) and not (networks and all(_lies_within(each, others) for each in networks))


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
    if own.rate is not None and _is_beyond(rate, own.rate):
        raise Invalid(
            "rate_limit",
            Sentence("must be at most %(rate)s, the limit of the key that you use", rate=own.rate),
        )
    return rate


def _is_beyond(rate: Rate | None, other: Rate | None) -> bool:
    """Whether `rate` allows more than `other`; None is no limit."""
    return other is not None and (rate is None or _is_more(rate, other))


def _is_more(rate: Rate, other: Rate) -> bool:
    """Whether `rate` allows more than `other`, in one window or in the long run."""
    return rate.requests > other.requests or rate.requests * other.seconds > other.requests * rate.seconds
