"""The rules about addresses, without a network."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.outgoing.addresses import may_be_called

pytestmark = [pytest.mark.once, pytest.mark.requirement(150)]

FORBIDDEN = {
    "this network": "0.0.0.0",
    "private, 10": "10.1.2.3",
    "private, 172": "172.31.255.255",
    "private, 192": "192.168.0.1",
    "carriers": "100.64.0.1",
    "the end of carriers": "100.127.255.255",
    "loopback": "127.0.0.1",
    "loopback of another number": "127.8.9.10",
    "metadata of clouds": "169.254.169.254",
    "protocol assignments": "192.0.0.1",
    "relays of 6to4": "192.88.99.1",
    "benchmarks": "198.19.0.1",
    "multicast": "239.255.255.250",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "unspecified": "::",
    "loopback in IPv6": "::1",
    "mapped loopback": "::ffff:127.0.0.1",
    "mapped, but public": "::ffff:8.8.8.8",
    "compatible": "::8.8.8.8",
    "translated (SIIT)": "::ffff:0:8.8.8.8",
    "NAT64 to a private address": "64:ff9b::10.0.0.1",
    "NAT64 of a network's own": "64:ff9b:1::1",
    "Teredo": "2001::1",
    "6to4 to a private address": "2002:a00:1::1",
    "unique local": "fd12::1",
    "metadata in IPv6": "fd00:ec2::254",
    "link-local": "fe80::1",
    "link-local with a zone": "fe80::1%lo",
    "site-local": "fec0::1",
    "multicast in IPv6": "ff02::1",
    "documentation": "2001:db8::1",
    "newer documentation": "3fff::1",
    "discard": "100::1",
    "segment routing": "5f00::1",
}
PUBLIC = ("8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.32.0.0", "2a00:1450::1", "2001:200::1")


@pytest.mark.parametrize("address", FORBIDDEN.values(), ids=FORBIDDEN)
def test_an_address_that_is_not_public_is_called_only_if_it_is_listed(address: str) -> None:
    assert not may_be_called(address, ())
    assert not may_be_called(address, ("198.51.100.0/24", "fd99::/64"))
    assert may_be_called(address, (address.partition("%")[0],))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_called(address: str) -> None:
    assert may_be_called(address, ())


def test_a_listed_network_does_not_bring_the_mapped_forms_of_its_addresses() -> None:
    assert may_be_called("10.0.0.1", ("10.0.0.0/8",))
    assert not may_be_called("::ffff:10.0.0.1", ("10.0.0.0/8",))
    assert not may_be_called("64:ff9b::10.0.0.1", ("10.0.0.0/8",))


@given(st.ip_addresses())
def test_nothing_is_called_that_python_knows_not_to_be_global(address: IPv4Address | IPv6Address) -> None:
    if not address.is_global:
        assert not may_be_called(str(address), ())
