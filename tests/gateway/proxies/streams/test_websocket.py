"""Paths for WebSocket, set up as documented: one protocol, after one decision, and no other tunnel."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.gateway.proxies.changes import changed
from tests.gateway.proxies.conftest import Keyhouse
from tests.gateway.proxies.running import PROXIES, running
from tests.gateway.proxies.streams import switching
from tests.gateway.proxies.streams.switching import FORGED, HTTP1, HTTP2, Upstream, agrees, go_on
from tests.installation import Server

pytestmark = [pytest.mark.once, pytest.mark.slow]

PATH = "/services/stock/live"
HANDSHAKE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
FRAME = b"\x81\x09hello\r\n\r\n"
OTHERS = (
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n",
    "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n",
    "Connection: Upgrade\r\nUpgrade: anything\r\n",
)


WITH_A_PATH = [name for name in PROXIES if name != "nginx"]


def echoes(said: bytes) -> bytes:
    """A service that agrees to any upgrade, and says after it what it hears."""
    return agrees(said) if said.startswith(b"GET ") else said


@dataclass(frozen=True)
class Live:
    """A proxy with a path for WebSocket, and the service behind it."""

    proxy: Server
    service: Upstream
    keyhouse: Keyhouse

    def head(self, path: str, headers: str, key: str = "reader") -> bytes:
        credential = f"X-API-Key: {self.keyhouse.keys[key]['key']}\r\n" if key else ""
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{credential}{headers}\r\n".encode()


@contextmanager
def before(name: str, keyhouse: Keyhouse, folder: Path) -> Iterator[Live]:
    file = PROXIES[name].file
    text = "" if "nginx" in name else changed(file, f"{file} with WebSocket")
    with (
        switching.upstream(echoes) as service,
        running(name, folder, service=service.address, keyhouse=keyhouse.address, text=text) as proxy,
    ):
        yield Live(proxy, service, keyhouse)


@pytest.mark.parametrize("name", WITH_A_PATH)
def test_a_websocket_is_opened_for_an_allowed_caller_and_carries_messages_both_ways(
    name: str, keyhouse: Keyhouse, tmp_path: Path
) -> None:
    with (
        before(name, keyhouse, tmp_path) as live,
        socket.create_connection(("127.0.0.1", live.proxy.port), timeout=30) as connection,
    ):
        connection.sendall(live.head(PATH, HANDSHAKE + "X-Auth-Subject: forged\r\n"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 101 ")
        connection.sendall(FRAME)
        assert connection.recv(len(FRAME), socket.MSG_WAITALL) == FRAME
    told = bytes(live.service.arrived[-1]).lower()
    assert b"upgrade: websocket" in told and b"sec-websocket-key: " in told
    assert b"x-auth-credential: key:" in told
    assert b"x-api-key" not in told and FORGED not in told


@pytest.mark.parametrize("name", WITH_A_PATH)
@pytest.mark.requirement(103)
def test_nobody_else_no_other_protocol_and_no_other_path_gets_a_tunnel(
    name: str, keyhouse: Keyhouse, tmp_path: Path
) -> None:
    with before(name, keyhouse, tmp_path) as live:
        for key, status in (("", b"401"), ("foreign", b"403")):
            answer = go_on(live.proxy.port, live.head(PATH, HANDSHAKE, key), HTTP1 + HTTP2)
            assert answer.startswith(b"HTTP/1.1 " + status)
        for headers in OTHERS:
            go_on(live.proxy.port, live.head(PATH, headers), HTTP1 + HTTP2)
        for path in ("/services/stock/items", "/services/stock/live/more", "/services/stock/health"):
            go_on(live.proxy.port, live.head(path, HANDSHAKE), HTTP1 + HTTP2)
    assert b"h2c" not in live.service.all_bytes
    for got in live.service.arrived:
        if FORGED in got:
            assert got.startswith(b"GET /services/stock/live ")
            assert b"upgrade: websocket\r\n" in got.lower()
