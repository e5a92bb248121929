"""CHECKLIST 64: whose address a request has. Only what a trusted proxy says about it is believed."""

import pytest
from django.test import Client

from audit.models import Event
from config.clientip import check_networks, resolve
from config.env import ConfigurationError
from tests.conftest import Cast

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
    "an empty hop ends it": ("10.1.2.3", "203.0.113.9,,10.9.9.9", PROXIES, "10.9.9.9"),
    "a malformed hop ends it": ("10.1.2.3", "203.0.113.9, x, 10.9.9.9", PROXIES, "10.9.9.9"),
    "a malformed last hop": ("10.1.2.3", "203.0.113.9, unknown", PROXIES, "10.1.2.3"),
    "a hop with a port": ("10.1.2.3", "203.0.113.9:443", PROXIES, "10.1.2.3"),
    "a hop with leading zeros": ("10.1.2.3", "203.000.113.009", PROXIES, "10.1.2.3"),
    "a hop in Arabic digits": ("10.1.2.3", "\u0661.\u0661.\u0661.\u0661", PROXIES, "10.1.2.3"),
    "a hop with a control character": ("10.1.2.3", "203.0.113.9\r\nX: y", PROXIES, "10.1.2.3"),
    "a network for a hop": ("10.1.2.3", "203.0.113.0/24", PROXIES, "10.1.2.3"),
    "a number for a hop": ("10.1.2.3", "3405803785", PROXIES, "10.1.2.3"),
    "very many hops": ("10.1.2.3", ",".join(["10.0.0.1"] * 2000), PROXIES, "10.0.0.1"),
    "an IPv6 peer": ("2001:db8::1", "2001:4860::8", PROXIES, "2001:4860::8"),
    "an untrusted IPv6 peer": ("2001:4860::1", "203.0.113.9", PROXIES, "2001:4860::1"),
    "IPv6 in its long form": ("2001:0DB8:0:0::1", "2001:4860:0000::0008", PROXIES, "2001:4860::8"),
    "IPv6 in brackets": ("10.1.2.3", "[2001:4860::8]", PROXIES, "10.1.2.3"),
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
def test_row_64_the_address_is_the_rightmost_hop_that_is_not_trusted(case: str) -> None:
    peer, forwarded, trusted, expected = CASES[case]
    assert resolve(peer, forwarded, trusted) == expected
    assert len(expected) <= 45


@pytest.mark.parametrize("forwarded", ["x", ",", "fe80::1%" + "z" * 300, "\x00", "ä", "1.1.1.1" * 500, "%%%"])
def test_row_64_a_malformed_forwarded_address_is_never_a_server_error(
    cast: Cast, settings: object, forwarded: str
) -> None:
    settings.TRUSTED_PROXIES = ("127.0.0.1",)  # type: ignore[attr-defined]
    client = Client(headers={"X-Forwarded-For": forwarded})
    body = {"username": "alice", "password": "wrong"}
    response = client.post("/api/v1/auth/login", body, content_type="application/json")
    assert response.status_code == 401
    assert Event.objects.latest("sequence").ip in {"127.0.0.1", "fe80::1"}


def test_row_64_an_untrusted_forwarded_address_is_not_what_is_recorded(cast: Cast) -> None:
    client = Client(headers={"X-Forwarded-For": "203.0.113.9"})
    client.post("/api/v1/auth/login", {"username": "alice", "password": "x"}, content_type="application/json")
    assert Event.objects.latest("sequence").ip == "127.0.0.1"


def test_trusted_proxies_are_addresses_or_networks() -> None:
    assert check_networks("X", ["10.0.0.0/8", "::1"]) == ("10.0.0.0/8", "::1")
    for item in ("10.0.0.1/8", "proxy", "10.0.0.0/33", "1.2.3", ""):
        with pytest.raises(ConfigurationError, match=r"^X: "):
            check_networks("X", [item])
