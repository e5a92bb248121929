"""A connection outlives one decision: allowing one request gives nobody a tunnel to the service."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gateway.proxies.changes import changed
from tests.gateway.proxies.conftest import Keyhouse
from tests.gateway.proxies.running import PROXIES, running
from tests.gateway.proxies.streams import switching
from tests.gateway.proxies.streams.switching import FORGED, HTTP1, HTTP2, agrees, go_on, speaks_h2c, switch

pytestmark = [pytest.mark.once, pytest.mark.slow]

SETTINGS = "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"
SOCKET = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
WISHES = [
    f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n{SETTINGS}",
    f"connection: upgrade,http2-settings\r\nupgrade: h2c\r\n{SETTINGS}",
    f"Upgrade: h2c\r\n{SETTINGS}",
    f"Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n{SETTINGS}",
    f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n{SETTINGS}{SOCKET}",
    f"Connection: Upgrade\r\nUpgrade: websocket\r\n{SOCKET}",
    "Connection: Upgrade\r\nUpgrade: TLS/1.0, anything/2\r\n",
    "Connection: Upgrade\r\n",
    "Connection: Upgrade\r\nUpgrade:\r\n",
    "Upgrade:\r\n",
    "",
]
ANSWERS: dict[str, Callable[[bytes], bytes]] = {
    "speaks h2c": speaks_h2c,
    "agrees to anything": agrees,
    "101 with h2c": lambda head: switch(b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
    "101 with websocket": lambda head: switch(b"Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    "bare 101": lambda head: switch(b""),
}


# After a 101, nginx makes a tunnel of any request with an Upgrade header. Its configuration cannot see an
# empty one, which nginx does not pass on: only a service that answers 101 to everything does so here, and
# docs/how-to/nginx.md has another configuration before those.
UNSEEN = b"\r\nUpgrade:\r\n"
TOLD = re.compile(
    rb"^(upgrade|http2-settings|connection:(?! *(close|keep-alive)\r))", re.IGNORECASE | re.MULTILINE
)


def heads(key: str) -> list[bytes]:
    """Requests that may be made, the first by everybody, each with each wish for another protocol."""
    lines = (
        "GET /services/stock/health HTTP/1.1\r\n",
        f"GET /services/stock/items HTTP/1.1\r\nX-API-Key: {key}\r\n",
    )
    return [f"{line}Host: 127.0.0.1\r\n{wish}\r\n".encode() for line in lines for wish in WISHES]


def test_these_upstreams_do_switch_when_nothing_stands_before_them() -> None:
    for answer in ANSWERS.values():
        with switching.upstream(answer) as service:
            port = int(service.address.rpartition(":")[2])
            assert go_on(port, heads("")[0], HTTP1 + HTTP2).startswith(b"HTTP/1.1 101 ")
        assert FORGED in service.all_bytes


@pytest.mark.parametrize("name", PROXIES)
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.requirement(103)
def test_nothing_reaches_the_service_that_was_not_decided_about(
    name: str, answer: Callable[[bytes], bytes], keyhouse: Keyhouse, tmp_path: Path
) -> None:
    with (
        switching.upstream(answer) as service,
        running(name, tmp_path, service=service.address, keyhouse=keyhouse.address) as proxy,
    ):
        for head in heads(keyhouse.keys["reader"]["key"]):
            if "nginx" in name and answer is not speaks_h2c and UNSEEN in head:
                continue
            go_on(proxy.port, head, HTTP1 + HTTP2)
    assert b"GET /services/stock/items" in service.all_bytes
    assert FORGED not in service.all_bytes
    assert TOLD.findall(service.all_bytes) == []


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.requirement(103)
def test_nor_to_one_that_answers_101_unasked_behind_two_servers_of_nginx(
    answer: Callable[[bytes], bytes], keyhouse: Keyhouse, tmp_path: Path
) -> None:
    text = changed("nginx.conf", "nginx.conf before a service that answers 101 unasked")
    text = text.replace("unix:/run/nginx-answered.sock", f"unix:{tmp_path}/answered.sock")
    with (
        switching.upstream(answer) as service,
        running("nginx", tmp_path, service=service.address, keyhouse=keyhouse.address, text=text) as proxy,
    ):
        for head in heads(keyhouse.keys["reader"]["key"]):
            go_on(proxy.port, head, HTTP1 + HTTP2)
    assert b"GET /services/stock/items" in service.all_bytes
    assert FORGED not in service.all_bytes
    assert TOLD.findall(service.all_bytes) == []
