"""Raw answers of the gateway have a length, so that clients can keep the connection."""

import socket
from collections.abc import Iterator

import pytest

from tests.installation import Installation, Server, log_in_as_admin

pytestmark = pytest.mark.once

CHECK = "{method} /gateway/check{path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
READ = "X-Original-Method: GET\r\nX-Original-URI: /services/stock\r\n"


def heads(port: int, *requests: str) -> list[str]:
    """Return the heads of the answers to these requests, sent one after the other on one connection."""
    found = []
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        stream = connection.makefile("rb")
        for request in requests:
            connection.sendall(request.encode())
            head = b"".join(iter(stream.readline, b"\r\n")).decode()
            length = int(head.lower().partition("\r\ncontent-length: ")[2].partition("\r\n")[0])
            body = b"" if request.startswith("HEAD") else stream.read(length)
            assert len(body) == (0 if request.startswith("HEAD") else length)
            found.append(head)
    return found


@pytest.fixture(scope="module")
def server(module_installation: Installation) -> Iterator[Server]:
    with module_installation.serve("--workers", "1", KEYHOUSE_TRUSTED_PROXIES="127.0.0.1") as running:
        yield running


def test_every_answer_of_the_gateway_has_a_length_and_is_not_chunked(server: Server) -> None:
    token = "".join(f"{name}: {value}\r\n" for name, value in log_in_as_admin(server).items())
    said = heads(
        server.port,
        CHECK.format(method="GET", path="", headers=token + READ),
        CHECK.format(method="HEAD", path="", headers=token + READ),
        CHECK.format(method="GET", path="/services/stock", headers=token),
        CHECK.format(method="GET", path="", headers=READ),
        CHECK.format(method="GET", path="", headers=token),
        CHECK.format(method="GET", path="", headers=token + READ),
    )
    refused = heads(server.port, CHECK.format(method="PUT", path="", headers="Content-Length: 0\r\n"))
    assert [head[9:12] for head in said + refused] == ["200", "200", "200", "401", "403", "200", "405"]
    assert not [head for head in said + refused if "transfer-encoding" in head.lower()]
    assert [head.lower().count("content-length: 0\r\n") for head in said] == [1, 1, 1, 0, 0, 1]


def test_a_proxy_that_is_trusted_does_not_say_where_keyhouse_is_mounted(server: Server) -> None:
    for variable in ("SCRIPT_NAME: /gateway", "SCRIPT_NAME: /elsewhere", "PATH_INFO: /health"):
        request = CHECK.format(method="GET", path="", headers=f"{variable}\r\n{READ}")
        assert heads(server.port, request)[0].startswith("HTTP/1.1 401"), variable
