"""Clients that send nothing, send half a request, or do not read: each loses its connection at a deadline."""

import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from config.server import body
from config.server.connection import answer, closing, head
from config.server.connection.connection import Connection
from tests.config.server.serving import Serving, all_of, connect, get, serving

pytestmark = pytest.mark.once

SOON = 0.2  # seconds
LONG = 3600.0
LARGE = 8 * 1024 * 1024  # more than the buffers of the sockets and the server hold
HALF = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "
EXPECTED = b"POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n"
HALF_BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer with the body of the request, or with LARGE bytes."""
    content = b"a" * LARGE if environ["PATH_INFO"] == "/large" else environ["wsgi.input"].read() or b"fine"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))])
    return Plain([content])


class Plain(list[bytes]):
    streaming = False

    def close(self) -> None: ...


@pytest.fixture
def server() -> Iterator[Serving]:
    with serving(application) as found:
        yield found


@pytest.fixture
def head_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "HEAD_SECONDS", SOON)


@pytest.mark.requirement(104)
def test_a_connection_that_sends_nothing_is_closed(head_deadline: None, server: Serving) -> None:
    assert all_of(connect(server.port)) == b""


@pytest.mark.requirement(104)
def test_half_a_head_is_408(head_deadline: None, server: Serving) -> None:
    with connect(server.port) as client:
        client.sendall(HALF)
        said = all_of(client)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in said and b"Content-Security-Policy" in said


@pytest.mark.requirement(104)
def test_a_head_that_arrives_byte_by_byte_has_the_same_deadline(head_deadline: None, server: Serving) -> None:
    with connect(server.port) as client:
        client.sendall(HALF)
        client.settimeout(SOON / 10)
        said = b""
        while not said:
            try:
                client.sendall(b"a")
                said = client.recv(65536)
            except TimeoutError:
                continue
    assert said.startswith(b"HTTP/1.1 408 ")


@pytest.mark.requirement(104)
def test_half_a_later_head_is_408_too(head_deadline: None, server: Serving) -> None:
    with connect(server.port) as client:
        client.sendall(get("/"))
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        client.sendall(HALF)
        assert all_of(client).startswith(b"HTTP/1.1 408 ")


@pytest.mark.requirement(104)
@pytest.mark.parametrize(
    "half", [HALF, HALF.removesuffix(b"X-A: ")]
)  # the second one ends with a complete line
def test_half_a_head_behind_a_request_is_408_too(head_deadline: None, server: Serving, half: bytes) -> None:
    with connect(server.port) as client:
        client.sendall(get("/") + half)
        assert b"HTTP/1.1 408 " in all_of(client)


@pytest.mark.requirement(104)
def test_a_body_that_is_late_is_408(monkeypatch: pytest.MonkeyPatch, server: Serving) -> None:
    monkeypatch.setattr(body, "BODY_SECONDS", SOON)
    with connect(server.port) as client:
        client.sendall(HALF_BODY)
        said = all_of(client)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in said


@pytest.mark.requirement(104)
def test_a_client_that_does_not_read_its_answer_loses_its_connection(
    monkeypatch: pytest.MonkeyPatch, server: Serving
) -> None:
    monkeypatch.setattr(answer, "READ_SECONDS", SOON)
    gone = threading.Event()
    monkeypatch.setattr(Connection, "end", ended(Connection.end, gone))
    with connect(server.port) as client:
        client.sendall(get("/large"))
        assert gone.wait(30)
        assert len(all_of(client)) < LARGE


@pytest.mark.requirement(104)
def test_a_client_that_reads_the_last_answer_late_and_stays_loses_its_connection(
    monkeypatch: pytest.MonkeyPatch, server: Serving
) -> None:
    pause, is_late, gone = Connection.pause_writing, threading.Event(), threading.Event()

    def pause_and_close(self: Connection) -> None:
        """As if a malformed head had followed a request whose answer the client has not read."""
        pause(self)
        self._close_transport()
        is_late.set()

    monkeypatch.setattr(answer, "READ_SECONDS", 5 * SOON)
    monkeypatch.setattr(closing, "READ_SECONDS", 5 * SOON)
    monkeypatch.setattr(Connection, "pause_writing", pause_and_close)
    monkeypatch.setattr(Connection, "end", ended(Connection.end, gone))
    with connect(server.port) as client:
        client.sendall(get("/large"))
        assert is_late.wait(30)
        all_of(client)
        assert gone.wait(30)


def ended(end: Any, gone: threading.Event) -> Any:
    def also(self: Connection) -> None:
        end(self)
        gone.set()

    return also


def test_an_idle_connection_is_closed_after_its_timeout() -> None:
    with serving(application, keep_alive=1) as server, connect(server.port) as client:
        client.sendall(get("/"))
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert all_of(client) == b""


@pytest.mark.requirement(104)
def test_slow_clients_do_not_delay_others(server: Serving) -> None:
    slow = [connect(server.port) for _ in range(80)]
    for number, client in enumerate(slow):
        client.sendall((b"", HALF, HALF_BODY, get("/large"))[number % 4])
    with connect(server.port) as client:
        client.sendall(get("/", "Connection: close"))
        assert all_of(client).endswith(b"fine")
    for client in slow:
        client.close()


@pytest.mark.requirement(104)
def test_a_new_connection_ends_the_one_that_has_been_idle_longest() -> None:
    with serving(application, connections=5) as server:
        clients = [connect(server.port) for _ in range(5)]
        clients[0].sendall(get("/"))  # it waits again, behind all others
        assert clients[0].recv(65536).startswith(b"HTTP/1.1 200 ")
        with connect(server.port) as newcomer:
            newcomer.sendall(get("/", "Connection: close"))
            assert all_of(newcomer).endswith(b"fine")
        assert all_of(clients[1]) == b""
        for client in (clients[0], *clients[2:]):
            client.sendall(get("/", "Connection: close"))
            assert all_of(client).endswith(b"fine")


@pytest.mark.requirement(104)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address")
def test_a_crowd_from_one_address_does_not_end_the_idle_connection_of_another() -> None:
    with serving(application, connections=3) as server, connect(server.port, "127.0.0.2") as idle:
        crowd = [connect(server.port) for _ in range(6)]
        with connect(server.port) as newcomer:
            newcomer.sendall(get("/", "Connection: close"))
            assert all_of(newcomer).endswith(b"fine")
        idle.sendall(get("/", "Connection: close"))
        assert all_of(idle).endswith(b"fine")
        for client in crowd:
            client.close()


@pytest.mark.requirement(104)
def test_a_new_connection_ends_one_that_sends_its_body_slowly() -> None:
    with serving(application, connections=5) as server:
        slow = [connect(server.port) for _ in range(5)]
        for client in slow:
            client.sendall(EXPECTED)
            assert b" 100 Continue" in client.recv(65536)
        with connect(server.port) as newcomer:
            newcomer.sendall(get("/", "Connection: close"))
            assert all_of(newcomer).endswith(b"fine")
        assert all_of(slow[0]) == b""
        for client in slow[1:]:
            client.sendall(b"a" * 1000)
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.requirement(104)
def test_a_new_connection_ends_one_that_does_not_read_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    pause, paused = Connection.pause_writing, threading.Semaphore(0)

    def pause_and_tell(self: Connection) -> None:
        pause(self)
        paused.release()

    monkeypatch.setattr(Connection, "pause_writing", pause_and_tell)
    with serving(application, connections=3) as server:
        slow = [connect(server.port) for _ in range(3)]
        for client in slow:
            client.sendall(get("/large", "Connection: close"))
            assert paused.acquire(timeout=30)
        with connect(server.port) as newcomer:
            newcomer.sendall(get("/", "Connection: close"))
            assert all_of(newcomer).endswith(b"fine")
        assert len(all_of(slow[0])) < LARGE
        assert all(len(all_of(client)) > LARGE for client in slow[1:])


def test_a_half_closed_client_gets_its_answers(server: Serving) -> None:
    with connect(server.port) as client:
        client.sendall(get("/") + get("/"))
        client.shutdown(socket.SHUT_WR)
        assert all_of(client).count(b"HTTP/1.1 200 ") == 2


@pytest.mark.parametrize("sent", [b"", HALF, HALF_BODY])
def test_a_client_that_half_closes_in_the_middle_of_a_request_is_refused(
    server: Serving, sent: bytes
) -> None:
    with connect(server.port) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        assert all_of(client)[:13] in {b"", b"HTTP/1.1 400 "}


def test_a_client_that_half_closes_in_the_middle_of_a_later_body_is_refused(server: Serving) -> None:
    with connect(server.port) as client:
        client.sendall(get("/") + HALF_BODY)
        client.shutdown(socket.SHUT_WR)
        assert b"HTTP/1.1 400 " in all_of(client)


@pytest.mark.requirement(104)
@pytest.mark.parametrize("before", [b"", get("/")])
def test_a_large_head_in_one_piece_is_431(
    monkeypatch: pytest.MonkeyPatch, server: Serving, before: bytes
) -> None:
    monkeypatch.setattr(head, "MAX_HEAD", 1000)
    with connect(server.port) as client:
        client.sendall(before + get("/", f"X-A: {'a' * 1000}", "Connection: close"))  # not plain
        assert b"HTTP/1.1 431 " in all_of(client)


@pytest.mark.requirement(104)
def test_a_large_head_is_431(server: Serving) -> None:
    with connect(server.port) as client:
        client.sendall(get("/", *(f"X-A{number}: {'a' * 8000}" for number in range(20))))
        assert all_of(client).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    ("lines", "status", "detail"),
    [
        (b"GET / HTTP/1.2\r\n\r\n", b"400", b"The head of the request is malformed: HTTP/1.2."),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: br\r\n\r\n", b"501", b"The only supported transfer coding"),
    ],
)
def test_a_refusal_of_the_parser_says_what_is_wrong(
    server: Serving, lines: bytes, status: bytes, detail: bytes
) -> None:
    with connect(server.port) as client:
        client.sendall(lines)
        answer = all_of(client)
    assert answer[9:12] == status and detail in answer


@pytest.mark.requirement(93)
def test_a_content_length_with_too_many_digits_is_a_bad_request(server: Serving) -> None:
    with connect(server.port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %b\r\n\r\n" % (b"1" * 5000))
        said = all_of(client)
    assert said.startswith(b"HTTP/1.1 400 ") and b"application/problem+json" in said
