"""Paths that could be read in two ways, sent as they are: what arrives was allowed in every reading."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.proxies.conftest import Front
from tests.gateway.proxies.readings import forbidden
from tests.gateway.proxies.running import say

pytestmark = [pytest.mark.once, pytest.mark.slow]

TRICKS = [
    "/services/stock/../vault/gold",
    "/services/stock/./../vault/gold",
    "/services/stock/%2e%2e/vault/gold",
    "/services/stock/%2E./vault/gold",
    "/services/stock/%252e%252e/vault/gold",
    "/services/stock/..;/vault/gold",
    "/services/stock/..%2fvault/gold",
    "/services/stock%2f..%2fvault/gold",
    "/services/stock/..%5cvault/gold",
    "/services/stock/..\\vault/gold",
    "/services//vault/gold",
    "//services/vault/gold",
    "/services/stock//../vault/gold",
    "/services/vault;x=1/gold",
    "/services/;x/vault/gold",
    "/services/%76ault/gold",
    "/services/%2576ault/gold",
    "/services/vault%2fgold",
    "/services/VAULT/gold",
    "/services/vault/gold/",
    "/services/vault",
    "/services/vault/gold%00/../../stock",
    "/services/vault/gold%00",
    "/services/vault\x00/gold",
    "/services/vault/health",
    "/services/vault/health/",
    "/services/vault/gold/../health",
    "/services/vault/gold%2f..%2fhealth",
    "/services/vault%2f..%2fhealth",
    "/services/stock/health/../../vault/gold",
    "/services/vault/gold?x=/../health",
    "/services/vault/gold#/../health",
    "/services/vault/gold%23/health",
    "/services/vault/gold%3f/health",
    "/services/%c0%ae%c0%ae/vault/gold",
    "/services/v\u0430ult/gold",
    "/services/vault.json",
    "/services/vault.json/gold",
    "/services/vault.",
    "/services/vault%20",
    "/services/vault%20.json",
    "/services/vault.x/health",
    "/services/%EF%BD%96ault/gold",
    "/services/vault%EF%BC%8Ejson",
    "http://127.0.0.1/services/vault/gold",
    "http://127.0.0.1/services/stock/../vault/gold",
    "http:/services/vault/gold",
    "services/vault/gold",
    "*",
    "/services/ vault/gold",
    "/services/\tvault/gold",
]
NAMES = ("", "reader")
EASIER = (
    "X-Original-Method: GET\r\nX-Original-URI: /services/stock/health\r\n",
    "X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /services/stock/health\r\n",
    "X-Original-URL: /services/stock/health\r\nX-Rewrite-URL: /services/stock/health\r\n",
    "X_Original_URI: /services/stock/health\r\nX.Original.URI: /services/stock/health\r\n",
    "X-HTTP-Method-Override: GET\r\n",
    "Connection: X-API-Key, X-Original-URI, X-Forwarded-Uri\r\n",
)


def send(front: Front, key: str, method: str, target: str, more: str = "") -> list[str]:
    """Send a raw request, and return the readings in which more arrived than the key may do."""
    before = front.arrived()
    credential = f"X-API-Key: {front.keyhouse.keys[key]['key']}\r\n" if key else ""
    head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{credential}{more}\r\n"
    say(front.proxy.port, head.encode())
    arrived = front.service.got[before:]
    return [reading for got in arrived for reading in forbidden(key, got.method, got.target)]


@pytest.mark.parametrize("key", NAMES)
def test_no_trick_opens_the_vault(front: Front, key: str) -> None:
    for target in TRICKS:
        for more in ("", *EASIER):
            assert send(front, key, "GET", target, more) == [], (target, more)


@pytest.mark.parametrize("method", ["POST", "post", "get", "PURGE", "TRACE", "CONNECT", "OPTIONS", "GET,GET"])
def test_no_method_does_what_its_row_does_not_allow(front: Front, method: str) -> None:
    for target in ("/services/stock/items", "/services/stock/health", "/services/vault/gold"):
        for more in ("", *EASIER):
            assert send(front, "reader", method, target, more) == [], (target, more)


def test_the_same_requests_do_arrive_with_the_right_key(front: Front) -> None:
    before = front.arrived()
    for method in ("GET", "DELETE"):
        assert send(front, "writer", method, "/services/vault/gold") == []
    assert front.arrived() == before + 2


WORDS = ["vault", "stock", "health", "gold", "x", "a.b", "caf%C3%A9", "~%41", "?page=/../vault"]
ODD = [
    "services",
    "Vault",
    "VAULT",
    "HEALTH",
    "v%61ult",
    "v%2561ult",
    "vault;a",
    "vault.json",
    "vault.",
    "vault%20",
    "%EF%BD%96ault",
    "health.json",
    "stock.json",
    "",
    ".",
    "..",
    "...",
    "%2e%2e",
    "%2E.",
    "%252e",
    "..;",
    ";",
    "%3b",
    "..%2f",
    "%2f",
    "%5c",
    "/",
    "\\",
    "%00",
    "%0a",
    "%20",
    "%3f",
    "%23",
    "%",
    "%zz",
    "%c0%af",
    "%ff",
    "#",
    "*",
]
PARTS = st.one_of(st.sampled_from(WORDS), st.sampled_from(WORDS), st.sampled_from(WORDS + ODD))
STARTS = ["/services"] * 6 + ["/services/vault/..", "/", "//services", "http://127.0.0.1/services"]


@st.composite
def targets(draw: st.DrawFn) -> str:
    start, parts = draw(st.sampled_from(STARTS)), draw(st.lists(PARTS, min_size=1, max_size=4))
    return "/".join([start, *parts])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.sampled_from(["", "reader", "reader", "writer"]),
    method=st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "DELETE", "PROPFIND"]),
    target=targets(),
    more=st.sampled_from(["", "", "", *EASIER[:-1]]),
)
def test_whatever_arrives_was_allowed_in_every_reading_of_its_path(
    front: Front, key: str, method: str, target: str, more: str
) -> None:
    assert send(front, key, method, target, more) == []
