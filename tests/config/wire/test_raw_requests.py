"""CHECKLIST 93 over a socket: requests with a false length, sent to a real server."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.gateway.proxies.running import running
from tests.installation import ADMIN, Installation, Server, copy_of

pytestmark = pytest.mark.once

LOGIN = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
MIB = 1024 * 1024
ODD = b'{"unheard_of": 1, "and": "more"}'  # told from others by its 400, and no attempt at a login
SHORT = b'{"username": "nobody", "password": "nothing"}'


class Said(NamedTuple):
    status: int
    text: str


@pytest.fixture(scope="module")
def server(after_first_start: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with (
        copy_of(after_first_start, tmp_path_factory.mktemp("raw")) as installation,
        installation.serve() as server,
    ):
        yield server


def say(server: Server, data: bytes, *, stays: bool = False) -> list[Said]:
    """Send bytes, say no more, and return every answer until the server hangs up.

    A client that `stays` keeps its half of the connection open: nginx takes one that does not for gone.
    """
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        with suppress(ConnectionError):  # too long a body is answered before all of it is sent
            connection.sendall(data)
            if not stays:
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
@pytest.mark.requirement(93)
def test_a_declared_length_over_one_mebibyte_is_413_without_the_body(server: Server, length: int) -> None:
    (said,) = say(server, with_length(length))
    assert said.status == 413
    assert "application/problem+json" in said.text


@pytest.mark.requirement(93)
def test_a_body_shorter_than_declared_is_a_bad_request(server: Server) -> None:
    (said,) = say(server, with_length(len(SHORT) + 10, SHORT[:-5]))
    assert said.status == 400
    assert "parse_error" in said.text


@pytest.mark.requirement(93)
def test_what_comes_after_the_declared_length_is_not_the_body(server: Server) -> None:
    said = say(server, with_length(len(SHORT), SHORT + b"x" * 100_000))
    assert said[0].status == 401
    assert not [each for each in said[1:] if each.status < 400]


@pytest.mark.parametrize("length", ["-1", "+45", "4 5", "0x2d", "45, 46", "", "\uff14\uff15", "1e3"])
@pytest.mark.requirement(93)
def test_a_length_that_is_not_a_number_is_a_bad_request(server: Server, length: str) -> None:
    said = say(server, with_length(length))
    assert [each.status for each in said][:1] == [400]
    assert not [each for each in said if each.status < 400]


@pytest.mark.requirement(93)
def test_two_lengths_are_a_bad_request(server: Server) -> None:
    said = say(server, LOGIN + b"Content-Length: 45\r\nContent-Length: 4\r\n\r\n" + SHORT)
    assert said[0].status == 400


def chunked(body: bytes, size: int = 65536, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    """The body in chunks of `size` bytes (RFC 9112 section 7.1)."""
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    chunks = (b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    return b"".join(chunks) + b"0" + extension + b"\r\n" + trailer + b"\r\n"


def in_chunks(body: bytes, coding: str = "chunked", head: bytes = LOGIN) -> bytes:
    return head + f"Transfer-Encoding: {coding}\r\nConnection: close\r\n\r\n".encode() + body


def key_of(length: int) -> bytes:
    """Return a body of so many bytes that a login refuses."""
    return b'{"username": "' + b"a" * (length - 16) + b'"}'


@pytest.mark.parametrize("size", [1, 7, 65536])
@pytest.mark.parametrize("extension", [b"", b";name", b' ; name="a value"'])
@pytest.mark.parametrize("trailer", [b"", b"X-Digest: abc\r\n"])
def test_a_chunked_body_is_read_like_any_other(
    server: Server, size: int, extension: bytes, trailer: bytes
) -> None:
    for coding in ("chunked", "CHUNKED", " chunked "):
        (said,) = say(server, in_chunks(chunked(ODD, size, extension, trailer), coding))
        assert (said.status, "unheard_of" in said.text) == (400, True)


def test_a_chunked_body_logs_in_and_the_next_request_on_the_connection_is_answered(server: Server) -> None:
    right = {"username": "admin", "password": ADMIN["KEYHOUSE_ADMIN_PASSWORD"]}
    head = LOGIN + b"Transfer-Encoding: chunked\r\n\r\n"
    said = say(server, head + chunked(json.dumps(right).encode(), 5) + with_length(len(SHORT)))
    assert [each.status for each in said] == [200, 401]


def test_a_form_may_come_in_chunks(server: Server) -> None:
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n"
    head = b"POST /reset-password HTTP/1.1\r\nHost: localhost\r\n" + kind
    (said,) = say(server, in_chunks(chunked(b"token=x", 2), head=head))
    assert (said.status, "csrf" in said.text) == (403, True)  # the form was read: it has no CSRF token


@pytest.mark.parametrize(("more", "status"), [(0, 400), (1, 413), (16 * 1024, 413), (3 * MIB, 413)])
@pytest.mark.requirement(93)
def test_a_chunked_body_may_have_one_mebibyte(server: Server, more: int, status: int) -> None:
    (said,) = say(server, in_chunks(chunked(key_of(MIB + more))))
    assert (said.status, "too_large" in said.text) == (status, status == 413)


@pytest.mark.requirement(93)
def test_a_chunked_body_of_unknown_end_is_refused_at_the_limit(server: Server) -> None:
    endless = b"%x\r\n" % (10 * MIB) + b"a" * (MIB + 65536)
    (said,) = say(server, in_chunks(endless))
    assert said.status == 413


@pytest.mark.requirement(93)
def test_chunks_that_would_keep_a_core_busy_are_refused(server: Server) -> None:
    (said,) = say(server, in_chunks(chunked(key_of(MIB), 1)))
    assert (said.status, "too small" in said.text) == (400, True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"2d",
        b"2d\r\n",
        b"2d\r\n" + SHORT,
        b"2d\r\n" + SHORT + b"\r\n",
        b"2d\r\n" + SHORT + b"\r\n0\r\n",
        b"-2d\r\n",
        b"0x2d\r\n",
        b"+2d\r\n",
        b"2_d\r\n",
        b" 2d\r\n",
        b"\xd9\xa1\r\n",
        b"zz\r\n",
        b"\r\n",
        b"2e\r\n" + SHORT + b"\r\n0\r\n\r\n",
        b"2c\r\n" + SHORT + b"\r\n0\r\n\r\n",
        b"2d\n" + SHORT + b"\n0\n\n",
        b"2d;a\rb\r\n" + SHORT + b"\r\n0\r\n\r\n",
        b"f" * 9000,
        b"2d;" + b"a" * 9000,
    ],
)
@pytest.mark.requirement(93)
def test_malformed_or_unfinished_chunks_are_a_bad_request(server: Server, body: bytes) -> None:
    (said,) = say(server, in_chunks(body))
    assert said.status == 400
    assert "application/problem+json" in said.text and "chunks" in said.text


@pytest.mark.parametrize("encoding", ["gzip, chunked", "identity, chunked", "deflate,chunked"])
@pytest.mark.requirement(93)
def test_another_transfer_coding_is_not_implemented(server: Server, encoding: str) -> None:
    (said,) = say(server, in_chunks(chunked(SHORT), encoding))
    assert said.status == 501
    assert "application/problem+json" in said.text


@pytest.mark.parametrize(
    "encoding", ["gzip", "chunked, identity", "xchunked", "chunked\x0b", "chunked, chunked"]
)
@pytest.mark.requirement(93)
def test_an_unknown_transfer_encoding_is_refused(server: Server, encoding: str) -> None:
    said = say(server, in_chunks(chunked(SHORT), encoding))
    assert said and said[0].status in {400, 501}


def test_a_body_that_nginx_streams_arrives(server: Server, tmp_path: Path) -> None:
    text = (
        "server { listen 127.0.0.1:8080; client_max_body_size 0; location /services/ {"
        " proxy_http_version 1.1; proxy_request_buffering off; proxy_pass http://127.0.0.1:8000; } } # 9000"
    )
    ports = {"service": "127.0.0.1:9", "keyhouse": f"127.0.0.1:{server.port}"}
    with running("nginx", tmp_path, below="/api/v1/auth/login", text=text, **ports) as proxy:
        (said,) = say(proxy, in_chunks(chunked(ODD, 9)), stays=True)
        assert (said.status, "unheard_of" in said.text) == (400, True)
        (said,) = say(proxy, in_chunks(chunked(key_of(2 * MIB))), stays=True)
        assert said.status == 413


@pytest.mark.requirement(93)
def test_a_length_and_chunks_at_once_are_refused(server: Server) -> None:
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


@pytest.mark.requirement(90)
def test_trace_is_405_and_repeats_nothing(server: Server) -> None:
    (said,) = say(
        server, b"TRACE /health HTTP/1.1\r\nHost: localhost\r\nX-Secret: planted\r\nConnection: close\r\n\r\n"
    )
    assert said.status == 405
    assert "planted" not in said.text
