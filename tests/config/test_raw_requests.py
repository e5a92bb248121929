"""CHECKLIST 93 over a socket: what lies about its length, at a real server."""

import socket
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.installation import ADMIN, Installation, Server, fresh_database

LOGIN = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SHORT = b'{"username": "nobody", "password": "nothing"}'


class Said(NamedTuple):
    status: int
    text: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("raw")
    with fresh_database(folder) as url:
        installation = Installation(folder, url)
        assert installation.manage("setup", **ADMIN).returncode == 0
        with installation.serve() as server:
            yield server


def say(server: Server, data: bytes) -> list[Said]:
    """Send bytes, say no more, and return every answer until the server hangs up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: receive(connection), b""))
    answers = received.decode("latin-1").split("HTTP/1.1 ")[1:]
    return [Said(int(answer[:3]), answer) for answer in answers]


def receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


def with_length(length: object, body: bytes = SHORT) -> bytes:
    return LOGIN + f"Content-Length: {length}\r\nConnection: close\r\n\r\n".encode() + body


def test_an_honest_request_is_answered(server: Server) -> None:
    (said,) = say(server, with_length(len(SHORT)))
    assert said.status == 401
    assert "application/problem+json" in said.text


@pytest.mark.parametrize("length", [1024 * 1024 + 1, 10**12, 10**18, 10**25, 10**100])
def test_row_93_a_declared_length_over_one_mebibyte_is_413_without_the_body(
    server: Server, length: int
) -> None:
    (said,) = say(server, with_length(length))
    assert said.status == 413
    assert "application/problem+json" in said.text


def test_row_93_a_body_shorter_than_declared_is_a_bad_request(server: Server) -> None:
    (said,) = say(server, with_length(len(SHORT) + 10, SHORT[:-5]))
    assert said.status == 400
    assert "parse_error" in said.text


def test_row_93_what_comes_after_the_declared_length_is_not_the_body(server: Server) -> None:
    said = say(server, with_length(len(SHORT), SHORT + b"x" * 100_000))
    assert said[0].status == 401
    assert not [each for each in said[1:] if each.status < 400]


@pytest.mark.parametrize("length", ["-1", "+45", "4 5", "0x2d", "45, 46", "", "\uff14\uff15", "1e3"])
def test_row_93_a_length_that_is_no_number_is_a_bad_request(server: Server, length: str) -> None:
    said = say(server, with_length(length))
    assert [each.status for each in said][:1] == [400]
    assert not [each for each in said if each.status < 400]


def test_row_93_two_lengths_are_a_bad_request(server: Server) -> None:
    said = say(server, LOGIN + b"Content-Length: 45\r\nContent-Length: 4\r\n\r\n" + SHORT)
    assert said[0].status == 400


def test_row_93_a_chunked_body_is_411(server: Server) -> None:
    chunks = b"2d\r\n" + SHORT + b"\r\n0\r\n\r\n"
    said = say(server, LOGIN + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks)
    assert said[0].status == 411
    assert "application/problem+json" in said[0].text


@pytest.mark.parametrize(
    "encoding", ["gzip", "chunked, identity", "xchunked", "identity, chunked", "chunked\x0b"]
)
def test_row_93_another_transfer_encoding_is_refused(server: Server, encoding: str) -> None:
    head = LOGIN + f"Transfer-Encoding: {encoding}\r\nConnection: close\r\n\r\n".encode()
    said = say(server, head + b"2d\r\n" + SHORT + b"\r\n0\r\n\r\n")
    assert said and said[0].status in {400, 411, 501}


def test_row_93_a_length_and_chunks_at_once_are_refused(server: Server) -> None:
    head = LOGIN + b"Content-Length: 45\r\nTransfer-Encoding: chunked\r\n\r\n"
    said = say(server, head + b"0\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert said[0].status in {400, 411}
    assert not [each for each in said if each.status == 200]


@pytest.mark.parametrize(
    "request_line",
    [b"GET /\x00 HTTP/1.1", b"GET  HTTP/1.1", b"get /health HTTP/1.1", b"GET /health HTTP/9.9", b"\xff"],
)
def test_a_malformed_request_is_refused_and_the_server_lives(server: Server, request_line: bytes) -> None:
    said = say(server, request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert not [each for each in said if each.status in {200, 500}]
    assert server.request("GET", "/health").status == 200


def test_row_90_trace_is_405_and_repeats_nothing(server: Server) -> None:
    (said,) = say(
        server, b"TRACE /health HTTP/1.1\r\nHost: localhost\r\nX-Secret: planted\r\nConnection: close\r\n\r\n"
    )
    assert said.status == 405
    assert "planted" not in said.text
