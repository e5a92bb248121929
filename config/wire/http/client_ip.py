"""Finds the client's address. All other code calls this module for it."""

import logging
import re
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings

from config.env import ConfigurationError
from config.wire.http.heads import Head

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
MAPPED_BITS = 96  # before an IPv4 address in IPv6 form (RFC 4291 section 2.5.5.2)
IPV6_SITE_BITS = 64  # a customer gets at least a /64 (RFC 6177), so its addresses cost nothing
LONGEST_REMEMBERED = 256  # characters of X-Forwarded-For; longer values are not cached, to limit memory

# A node as in RFC 7239 section 6. Azure and IIS add the port, others quote; `for=` comes from Forwarded.
PORT = r"(?::(?:[0-9]{0,5}|_[\w.-]{1,100}))?"
HOP = re.compile(
    rf'(?:for=)?("?)(?:\[(?P<six>[^\[\]"]*:[^\[\]"]*)\]{PORT}|(?P<four>[0-9.]+){PORT}|(?P<bare>[^\[\]"]+))\1',
    re.ASCII | re.IGNORECASE,
)

log = logging.getLogger("keyhouse.clientip")


def client_ip(head: Head) -> str:
    """Return the address of the client that sent a request.

    It is the peer's, unless the peer is in KEYHOUSE_TRUSTED_PROXIES; then it is the rightmost hop of
    X-Forwarded-For that is not trusted. Returns "" if that hop is not an address: then neither the proxy's
    address nor a hop further left can be trusted.
    """
    peer, forwarded = head.META.get("REMOTE_ADDR", ""), head.META.get("HTTP_X_FORWARDED_FOR", "")
    read = resolve if len(forwarded) <= LONGEST_REMEMBERED else resolve.__wrapped__
    return read(peer, forwarded, settings.TRUSTED_PROXIES)


@lru_cache(maxsize=4096)
def resolve(peer: str, forwarded: str, trusted: tuple[str, ...]) -> str:
    """Return the rightmost untrusted address of the chain `forwarded` + `peer`; "" if it cannot be read."""
    current = _address(peer)
    if current is None:
        return ""
    for hop in reversed(forwarded.split(",") if forwarded.strip() else []):
        if not _is_trusted(current, trusted):
            break
        previous = _hop(hop.strip())
        if previous is None:
            _warn(current)
            return ""
        current = previous
    return str(current)


def canonical(text: str) -> str:
    """Return the address in `text` in the one spelling that is compared; "" if it is not an address."""
    return str(_address(text) or "")


def _hop(text: str) -> Address | None:
    match = HOP.fullmatch(text)
    return _address(match["six"] or match["four"] or match["bare"]) if match else None


@lru_cache(maxsize=256)
def _warn(proxy: Address) -> None:
    """Warn the operator, once per proxy: keys that are limited to networks are refused behind it."""
    log.warning("X-Forwarded-For from %s does not end in an IP address: its clients have no address", proxy)


@cache
def _networks(trusted: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(read_network(item) for item in trusted)


@lru_cache(maxsize=4096)
def is_within(ip: str, networks: tuple[str, ...]) -> bool:
    """Whether `ip`, as `client_ip` returns it, lies in one of `networks`."""
    address = _address(ip)
    return address is not None and _is_trusted(address, networks)


@lru_cache(maxsize=4096)
def network_of(ip: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of an IPv6 address; "" for ""."""
    if not ip:
        return ""
    address = ip_address(ip)
    if not isinstance(address, IPv6Address):
        return str(address)
    rest = 128 - IPV6_SITE_BITS
    return f"{IPv6Address(int(address) >> rest << rest)}/{IPV6_SITE_BITS}"


@lru_cache(4096)
def site_of(network: str) -> str:
    """Return where what `network_of` returned belongs: to the /24 of an IPv4, the /48 of an IPv6 address."""
    if not network:
        return ""
    found = ip_network(network)
    return str(found.supernet(new_prefix=24 if found.version == 4 else 48))


def network_of_peer(peer: str) -> str:
    """Return what counts as one address for the peer of a connection."""
    return network_of(canonical(peer))


def counted_address(head: Head) -> str:
    """Return the address under which limits count a request, as `counted_network` returns it."""
    return counted_network(client_ip(head))


def counted_network(ip: str) -> str:
    """Return `network_of` an address that `client_ip` returned, if it speaks for one client.

    "" for a client without an address, and for a trusted proxy that names no client: it speaks for many.
    """
    return "" if is_within(ip, settings.TRUSTED_PROXIES) else network_of(ip)


def _is_trusted(address: Address, trusted: tuple[str, ...]) -> bool:
    return any(address in network for network in _networks(trusted))


def _address(text: str) -> Address | None:
    """Return the address in `text`, IPv4-mapped IPv6 as IPv4; None if it is not an address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))  # without its zone, which can be any text


def read_network(text: str) -> Network:
    """Return an address or a network; IPv4-mapped IPv6 becomes IPv4, as for client addresses.

    Raises ValueError.
    """
    if "%" in text:
        raise ValueError(f"{text!a} has a zone, which is valid on one machine only")
    network = ip_network(text)
    if isinstance(network, IPv4Network) or network.prefixlen < MAPPED_BITS:
        return network
    mapped = network.network_address.ipv4_mapped
    return network if mapped is None else IPv4Network((mapped, network.prefixlen - MAPPED_BITS))


def spell(network: Network) -> str:
    """Return a network in canonical spelling, a single address without its prefix length."""
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def check_networks(variable: str, items: list[str]) -> tuple[str, ...]:
    """Return addresses and networks in canonical spelling. Raises ConfigurationError for other text."""
    try:
        return tuple(spell(read_network(item)) for item in items)
    except ValueError as error:
        raise ConfigurationError(f"{variable}: {error}") from None
