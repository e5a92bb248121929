"""docs/proxies/nginx-streaming.conf: uploads, and answers that never end, pass through as they come."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.gateway.proxies.conftest import Keyhouse
from tests.gateway.proxies.running import running
from tests.gateway.proxies.service import Service
from tests.gateway.proxies.streams import switching
from tests.gateway.proxies.streams.switching import OK, Upstream

pytestmark = [pytest.mark.once, pytest.mark.slow]

EVENT = b"data: the first\n\n"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + EVENT
MANY = 3_000_000  # bytes


@contextmanager
def asked(
    head: str, answer: bytes, keyhouse: Keyhouse, folder: Path
) -> Iterator[tuple[socket.socket, Upstream]]:
    """A connection on which the proxy was sent this head, and the service, which answers any head."""
    with (
        switching.upstream(lambda head: answer) as service,
        running("nginx-streaming", folder, service=service.address, keyhouse=keyhouse.address) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=30) as connection,
    ):
        connection.sendall(f"{head}\r\nHost: 127.0.0.1\r\n\r\n".encode())
        yield connection, service


def upload(key: str = "") -> str:
    """Return the head of a large upload without its body."""
    return f"PUT /services/stock/film HTTP/1.1\r\nContent-Length: {MANY}\r\nX-API-Key: {key}"


def test_a_large_upload_reaches_the_service_before_it_is_complete(keyhouse: Keyhouse, tmp_path: Path) -> None:
    head = upload(keyhouse.keys["writer"]["key"])
    with asked(head, OK, keyhouse, tmp_path) as (connection, service):
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert b"x-auth-credential: key:" in service.all_bytes.lower()


def test_a_stranger_uploads_nothing(keyhouse: Keyhouse, tmp_path: Path) -> None:
    with asked(upload(), OK, keyhouse, tmp_path) as (connection, service):
        assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")
    assert service.arrived == []


def test_all_of_a_large_upload_arrives_and_the_host_that_was_asked(
    keyhouse: Keyhouse, service: Service, tmp_path: Path
) -> None:
    headers = keyhouse.key("writer") | {"Host": "shop.example.org:8443"}
    with running("nginx-streaming", tmp_path, service=service.address, keyhouse=keyhouse.address) as proxy:
        answer = proxy.request("PUT", "/services/stock/film", headers=headers, body=b"x" * MANY)
    assert answer.status == 200
    assert service.got[-1].values("Content-Length") == [str(MANY)]
    assert service.got[-1].values("Host") == ["shop.example.org:8443"]


def test_an_event_reaches_the_client_while_the_answer_goes_on(keyhouse: Keyhouse, tmp_path: Path) -> None:
    head = f"GET /services/stock/events HTTP/1.1\r\nX-API-Key: {keyhouse.keys['reader']['key']}"
    with asked(head, EVENTS, keyhouse, tmp_path) as (connection, _):
        got = connection.recv(65536)
        while EVENT not in got:
            more = connection.recv(65536)
            assert more, got
            got += more
