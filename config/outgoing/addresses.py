"""Which addresses a request may go to. Independent of Django.

The list is that of IANA's special-purpose registries (https://www.iana.org/assignments/iana-ipv4-special-registry
and iana-ipv6-special-registry), without the few blocks in them that are reached like any other.
"""

from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SPECIAL = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",  # this network (RFC 791)
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # shared by the customers of a carrier, CGNAT (RFC 6598)
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local (RFC 3927), with the metadata services of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments (RFC 6890)
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # IETF protocol assignments (RFC 2928), with Teredo (RFC 4380)
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4 (RFC 3056)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
# All of IPv6 that is assigned to networks (RFC 4291 section 2.4). Beside it are loopback, link-local, unique
# local and multicast addresses, and those that contain an IPv4 address: mapped ones and NAT64's (RFC 6052).
ASSIGNED = IPv6Network("2000::/3")


def may_be_called(address: str, networks: tuple[str, ...]) -> bool:
    """Whether a request may go to `address`: it is public, or in one of `networks`. Raises ValueError."""
    return is_listed(address, networks) or _is_public(ip_address(address))


def is_listed(address: str, networks: tuple[str, ...]) -> bool:
    """Whether `address` is in one of `networks`, written as itself: a mapped address is IPv6."""
    return any(ip_address(address) in network for network in _read(networks))


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in ASSIGNED:
        return False
    return not any(address in network for network in SPECIAL)


@cache
def _read(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(each) for each in networks)
