"""CHECKLIST 64: the client's address. Only trusted proxies are believed about it."""

import pytest
from django.test import Client

from audit.models import Event
from config.env import ConfigurationError
from config.wire.http.client_ip import check_networks, client_ip, resolve
from config.wire.http.heads import PlainHead
from tests.conftest import Cast

pytestmark = pytest.mark.once

NOBODY: tuple[str, ...] = ()
PROXIES = ("10.0.0.0/8", "2001:db8::/32", "192.0.2.7")

CASES: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    # an id: (peer, X-Forwarded-For, trusted, whose address)
    "nothing forwarded": ("198.51.100.1", "", NOBODY, "198.51.100.1"),
    "an untrusted peer says so": ("198.51.100.1", "203.0.113.9", NOBODY, "198.51.100.1"),
    "another peer than the trusted": ("198.51.100.1", "203.0.113.9", PROXIES, "198.51.100.1"),
    "a trusted peer": ("10.1.2.3", "203.0.113.9", PROXIES, "203.0.113.9"),
    "a trusted peer that is one address": ("192.0.2.7", "203.0.113.9", PROXIES, "203.0.113.9"),
    "a trusted peer that says nothing": ("10.1.2.3", "", PROXIES, "10.1.2.3"),
    "the client invents a hop": ("10.1.2.3", "1.1.1.1, 203.0.113.9", PROXIES, "203.0.113.9"),
    "two trusted hops": ("10.1.2.3", "203.0.113.9, 10.9.9.9", PROXIES, "203.0.113.9"),
    "an invented trusted hop": ("10.1.2.3", "10.6.6.6, 203.0.113.9, 10.9.9.9", PROXIES, "203.0.113.9"),
    "all hops trusted": ("10.1.2.3", "10.4.4.4, 10.9.9.9", PROXIES, "10.4.4.4"),
    "no hop but spaces": ("10.1.2.3", "  ", PROXIES, "10.1.2.3"),
    "spaces around hops": ("10.1.2.3", "  203.0.113.9  ,\t10.9.9.9 ", PROXIES, "203.0.113.9"),
    "an empty hop is nobody": ("10.1.2.3", "203.0.113.9,,10.9.9.9", PROXIES, ""),
    "an empty last hop is nobody": ("10.1.2.3", "203.0.113.9,", PROXIES, ""),
    "a malformed hop is nobody": ("10.1.2.3", "203.0.113.9, x, 10.9.9.9", PROXIES, ""),
    "an unknown last hop is nobody": ("10.1.2.3", "203.0.113.9, unknown", PROXIES, ""),
    "a hidden last hop is nobody": ("10.1.2.3", "203.0.113.9, _gazonk", PROXIES, ""),
    "a malformed hop left of the client": ("10.1.2.3", "x, 203.0.113.9, 10.9.9.9", PROXIES, "203.0.113.9"),
    "a hop with a port": ("10.1.2.3", "203.0.113.9:443", PROXIES, "203.0.113.9"),
    "a hop with the highest port": ("10.1.2.3", "203.0.113.9:65535", PROXIES, "203.0.113.9"),
    "a hop with an empty port": ("10.1.2.3", "203.0.113.9:", PROXIES, "203.0.113.9"),
    "a hop with a hidden port": ("10.1.2.3", '"203.0.113.9:_80"', PROXIES, "203.0.113.9"),
    "a trusted hop with a port": ("10.1.2.3", "203.0.113.9:1, 10.9.9.9:2", PROXIES, "203.0.113.9"),
    "a quoted hop": ("10.1.2.3", '"203.0.113.9"', PROXIES, "203.0.113.9"),
    "a quoted hop with a port": ("10.1.2.3", '"203.0.113.9:51234"', PROXIES, "203.0.113.9"),
    "a hop with half a quote": ("10.1.2.3", '"203.0.113.9', PROXIES, ""),
    "a hop as in Forwarded": ("10.1.2.3", "for=203.0.113.9", PROXIES, "203.0.113.9"),
    "a quoted hop as in Forwarded": ("10.1.2.3", 'For="[2001:4860::8]:4711"', PROXIES, "2001:4860::8"),
    "a hop with a word for a port": ("10.1.2.3", "203.0.113.9:http", PROXIES, ""),
    "a hop with two ports": ("10.1.2.3", "203.0.113.9:1:2", PROXIES, ""),
    "a hop with leading zeros": ("10.1.2.3", "203.000.113.009", PROXIES, ""),
    "a hop in Arabic digits": ("10.1.2.3", "\u0661.\u0661.\u0661.\u0661", PROXIES, ""),
    "a port in Arabic digits": ("10.1.2.3", "203.0.113.9:\u0661", PROXIES, ""),
    "a hop with a control character": ("10.1.2.3", "203.0.113.9\r\nX: y", PROXIES, ""),
    "a network for a hop": ("10.1.2.3", "203.0.113.0/24", PROXIES, ""),
    "a number for a hop": ("10.1.2.3", "3405803785", PROXIES, ""),
    "a name for a hop": ("10.1.2.3", "client.example.org", PROXIES, ""),
    "very many hops": ("10.1.2.3", ",".join(["10.0.0.1"] * 2000), PROXIES, "10.0.0.1"),
    "an IPv6 peer": ("2001:db8::1", "2001:4860::8", PROXIES, "2001:4860::8"),
    "an untrusted IPv6 peer": ("2001:4860::1", "203.0.113.9", PROXIES, "2001:4860::1"),
    "IPv6 in its long form": ("2001:0DB8:0:0::1", "2001:4860:0000::0008", PROXIES, "2001:4860::8"),
    "IPv6 in brackets": ("10.1.2.3", "[2001:4860::8]", PROXIES, "2001:4860::8"),
    "IPv6 in brackets with a port": ("10.1.2.3", "[2001:4860::8]:443", PROXIES, "2001:4860::8"),
    "IPv6 quoted without brackets": ("10.1.2.3", '"2001:4860::8"', PROXIES, "2001:4860::8"),
    "IPv6 in half a bracket": ("10.1.2.3", "[2001:4860::8", PROXIES, ""),
    "IPv4 in brackets": ("10.1.2.3", "[203.0.113.9]", PROXIES, ""),
    "mapped IPv4 in brackets": ("10.1.2.3", "[::ffff:203.0.113.9]:443", PROXIES, "203.0.113.9"),
    "a mapped network of proxies": ("10.1.2.3", "203.0.113.9", ("::ffff:10.0.0.0/104",), "203.0.113.9"),
    "a mapped proxy in hexadecimal": ("10.1.2.3", "203.0.113.9", ("::FFFF:A01:203",), "203.0.113.9"),
    "a proxy outside of a mapped network": ("10.1.2.3", "203.0.113.9", ("::ffff:10.2.0.0/112",), "10.1.2.3"),
    "IPv4 mapped into IPv6 as peer": ("::ffff:10.1.2.3", "203.0.113.9", PROXIES, "203.0.113.9"),
    "IPv4 mapped into IPv6 as hop": ("10.1.2.3", "::ffff:203.0.113.9", PROXIES, "203.0.113.9"),
    "a mapped untrusted peer": ("::ffff:198.51.100.1", "203.0.113.9", PROXIES, "198.51.100.1"),
    "a peer with a zone": ("fe80::1%eth0", "203.0.113.9", PROXIES, "fe80::1"),
    "a hop with a long zone": ("10.1.2.3", f"fe80::1%{'x' * 500}", PROXIES, "fe80::1"),
    "a trusted peer with a zone": ("fe80::1%eth0", "203.0.113.9", ("fe80::/10",), "203.0.113.9"),
    "a unix socket": ("", "203.0.113.9", PROXIES, ""),
    "a peer that is no address": ("unix:", "203.0.113.9", PROXIES, ""),
    "everybody trusted": ("198.51.100.1", "203.0.113.9", ("0.0.0.0/0", "::/0"), "203.0.113.9"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.requirement(64)
def test_the_address_is_the_rightmost_hop_that_is_not_trusted(case: str) -> None:
    peer, forwarded, trusted, expected = CASES[case]
    assert resolve(peer, forwarded, trusted) == expected
    assert len(expected) <= 45


@pytest.mark.parametrize("forwarded", ["x", ",", "fe80::1%" + "z" * 300, "\x00", "ä", "1.1.1.1" * 500, "%%%"])
@pytest.mark.requirement(64)
def test_a_malformed_forwarded_address_is_never_a_server_error(
    cast: Cast, settings: object, forwarded: str
) -> None:
    settings.TRUSTED_PROXIES = ("127.0.0.1",)  # type: ignore[attr-defined]
    client = Client(headers={"X-Forwarded-For": forwarded})
    body = {"username": "alice", "password": "wrong"}
    response = client.post("/api/v1/auth/login", body, content_type="application/json")
    assert response.status_code == 401
    assert Event.objects.latest("sequence").ip == ("fe80::1" if forwarded.startswith("fe80") else "")


@pytest.mark.requirement(64)
def test_an_untrusted_forwarded_address_is_not_what_is_recorded(cast: Cast) -> None:
    client = Client(headers={"X-Forwarded-For": "203.0.113.9"})
    client.post("/api/v1/auth/login", {"username": "alice", "password": "x"}, content_type="application/json")
    assert Event.objects.latest("sequence").ip == "127.0.0.1"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
        ("10.0.0.1/32", "10.0.0.1"),
        ("::1", "::1"),
        ("2001:0DB8::/32", "2001:db8::/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:0a00:0001", "10.0.0.1"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::/0", "::/0"),
    ],
)
@pytest.mark.requirement(114)
def test_a_network_has_one_spelling(given: str, read: str) -> None:
    assert check_networks("X", [given]) == (read,)


@pytest.mark.parametrize("item", ["10.0.0.1/8", "proxy", "10.0.0.0/33", "1.2.3", "", "fe80::1%eth0", "[::1]"])
def test_trusted_proxies_are_addresses_or_networks(item: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^X: "):
        check_networks("X", [item])


def test_an_unreadable_hop_is_logged_once_for_each_proxy(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(3):
        assert resolve("192.0.2.7", f"unknown-{number}", PROXIES) == ""
    assert [record.getMessage() for record in caplog.records if "192.0.2.7" in record.getMessage()] == [
        "X-Forwarded-For from 192.0.2.7 does not end in an IP address: its clients have no address"
    ]


def test_no_client_fills_the_memory_of_a_process_with_forwarded_addresses() -> None:
    before = resolve.cache_info().currsize
    head = PlainHead({"REMOTE_ADDR": "198.51.100.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1," * 100}, "/", "GET")
    assert client_ip(head) == "198.51.100.1"
    assert resolve.cache_info().currsize == before
