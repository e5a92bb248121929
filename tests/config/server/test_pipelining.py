"""A client may send requests before it has its answers, and the server reads only a few of them ahead."""

import socket
import threading
from contextlib import suppress
from typing import Any

import pytest

from config.server.connection.connection import Connection
from config.server.limits import MAX_PIPELINED
from tests.config.server.serving import connect, get, serving
from tests.config.server.test_slow_clients import Plain

pytestmark = [pytest.mark.once, pytest.mark.requirement(104)]

ANSWERS = 100
SENT = 16 * 1024 * 1024
READ_AT_ONCE = 256 * 1024  # by asyncio


def test_requests_behind_one_that_is_answered_stay_in_the_buffers_of_the_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Connection.connection_made
    connections: list[Connection] = []
    buffered: list[int] = []

    def also_note(self: Connection, transport: Any) -> None:
        made(self, transport)
        connections.append(self)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        buffered.append(len(connections[0]._callback_parser._buffer))
        start_response("200 OK", [("Content-Length", "5")])
        return Plain([b"fine;"])

    monkeypatch.setattr(Connection, "connection_made", also_note)
    with serving(application) as server, connect(server.port) as client:

        def send() -> None:
            with suppress(OSError):  # the test ends the connection
                client.sendall(get("/") * (SENT // len(get("/"))))

        sending = threading.Thread(target=send)
        sending.start()
        received = b""
        while received.count(b"fine;") < ANSWERS:
            received += client.recv(65536)
        client.shutdown(socket.SHUT_RDWR)
        sending.join()
    assert max(buffered) <= MAX_PIPELINED + READ_AT_ONCE
