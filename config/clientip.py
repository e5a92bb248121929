"""The address of the client, in one place: everything that needs it asks here."""

from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

from config.env import ConfigurationError

Address = IPv4Address | IPv6Address
IPV6_SITE_BITS = 64  # what one customer gets at least (RFC 6177): addresses within it cost nothing


def client_ip(request: HttpRequest) -> str:
    """Return the address of who sent `request`.

    The peer's, unless the peer is in KEYHOUSE_TRUSTED_PROXIES; then the rightmost hop of
    X-Forwarded-For that is not trusted. A hop that is no address ends the search: what lies left of
    it is not believed.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    return resolve(peer, request.META.get("HTTP_X_FORWARDED_FOR", ""), settings.TRUSTED_PROXIES)


@lru_cache(maxsize=4096)
def resolve(peer: str, forwarded: str, trusted: tuple[str, ...]) -> str:
    """Return the rightmost untrusted address of the chain `forwarded` + `peer`; "" if the peer has none."""
    current = _address(peer)
    if current is None:
        return ""
    for hop in reversed(forwarded.split(",")):
        if not _is_trusted(current, trusted):
            break
        previous = _address(hop.strip())
        if previous is None:
            break
        current = previous
    return str(current)


@cache
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(item) for item in trusted)


def is_within(ip: str, networks: tuple[str, ...]) -> bool:
    """Whether `ip`, as `client_ip` returns it, lies in one of `networks`."""
    address = _address(ip)
    return address is not None and _is_trusted(address, networks)


def network_of(ip: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 of an IPv6 one; "" for none."""
    if not ip:
        return ""
    address = ip_address(ip)
    if not isinstance(address, IPv6Address):
        return str(address)
    rest = 128 - IPV6_SITE_BITS
    return f"{IPv6Address(int(address) >> rest << rest)}/{IPV6_SITE_BITS}"


def _is_trusted(address: Address, trusted: tuple[str, ...]) -> bool:
    return any(address in network for network in _networks(trusted))


def _address(text: str) -> Address | None:
    """Read an address, an IPv4 one mapped into IPv6 as IPv4; None if `text` is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))  # without its zone, which is any text at all


def check_networks(variable: str, items: list[str]) -> tuple[str, ...]:
    """Return `items` if each is an address or a network; raises ConfigurationError otherwise."""
    for item in items:
        try:
            ip_network(item)
        except ValueError as error:
            raise ConfigurationError(f"{variable}: {error}") from None
    return tuple(items)
