"""Plain requests are answered from memory when they arrive, and mix with other requests on one connection."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from config.server.answers import Answer
from config.server.connection.connection import Connection
from config.wire.http.heads import Head
from tests.config.server.serving import Serving, all_of, connect, get, serving
from tests.config.server.test_slow_clients import Plain

pytestmark = pytest.mark.once


def from_memory(head: Head) -> Answer | None:
    """Answer paths that begin with /early, fail at /bug, and leave all other requests to a thread."""
    if head.path_info == "/bug":
        raise RuntimeError("of the test")
    if not head.path_info.startswith("/early"):
        return None
    content = f"early {head.META.get('HTTP_X_A', '')};".encode()
    return Answer(200, [(b"Content-Length", str(len(content)).encode())], content)


def in_a_thread(environ: dict[str, Any], start_response: Any) -> Any:
    content = f"thread {environ['PATH_INFO']};".encode()
    start_response("200 OK", [("Content-Length", str(len(content)))])
    return Plain([content])


@pytest.fixture
def server() -> Iterator[Serving]:
    with serving(in_a_thread, from_memory=from_memory) as found:
        yield found


def ask(client: socket.socket, *pieces: bytes, until: bytes) -> bytes:
    """Send the pieces, and return everything that the server sends up to `until`."""
    received = b""
    for piece in pieces:
        client.sendall(piece)
    while not received.endswith(until):
        piece = client.recv(65536)
        assert piece, received
        received += piece
    return received


def test_plain_and_other_requests_alternate_on_one_connection(server: Serving) -> None:
    with connect(server.port) as client:
        for number in range(3):
            assert ask(client, get("/early", f"X-A: {number}"), until=b"early %d;" % number)
            assert ask(client, get("/early/%61"), until=b"early ;")  # not plain
            assert ask(client, get("/late"), until=b"thread /late;")
        assert b"Connection: close" in ask(client, get("/early", "Connection: close"), until=b";")
        assert all_of(client) == b""


def test_a_head_that_arrives_in_two_pieces_is_answered(server: Serving) -> None:
    whole = get("/early", "X-A: b")
    with connect(server.port) as client:
        for end in (1, 16, 20, len(whole) - 2):
            assert ask(client, whole[:end], whole[end:], until=b"early b;")
            assert ask(client, get("/early"), until=b"early ;")


def test_several_requests_in_one_piece_are_answered_in_order(server: Serving) -> None:
    with connect(server.port) as client:
        client.sendall(get("/early") + get("/late") + get("/early") + get("/last", "Connection: close"))
        said = all_of(client)
    assert [said.index(each) for each in (b"early ;", b"thread /late;", b"thread /last;")] == sorted(
        said.index(each) for each in (b"early ;", b"thread /late;", b"thread /last;")
    )
    assert said.count(b"HTTP/1.1 200 ") == 4


def test_a_plain_request_waits_for_the_request_before_it(server: Serving) -> None:
    with connect(server.port) as client:
        client.sendall(get("/late"))
        client.sendall(get("/early", "Connection: close"))
        said = all_of(client)
    assert said.index(b"thread /late;") < said.index(b"early ;")


def test_a_bug_in_the_function_is_a_500(server: Serving) -> None:
    with connect(server.port) as client:
        assert ask(client, get("/bug"), until=b"}").startswith(b"HTTP/1.1 500 ")
        assert ask(client, get("/early"), until=b"early ;")


def test_plain_requests_extend_the_idle_timeout_of_their_connection() -> None:
    with (
        serving(in_a_thread, from_memory=from_memory, keep_alive=1) as server,
        connect(server.port) as client,
    ):
        assert ask(client, get("/early"), until=b"early ;")
        (kept,) = server.worker.waiting_for_clients
        assert isinstance(kept, Connection)
        assert kept._keepalive_handle is not None and kept._head_timer is None
        assert all_of(client) == b""
