"""A plain check that memory cannot answer waits for a thread as other requests do, but without a parser."""

import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import RequestFactory

from config.server.answers import Answer
from config.server.connection.plain import PlainConnection
from config.server.limits import MAX_PIPELINED
from config.wire.http.heads import Head
from config.wire.problems import server_error
from tests.config.server.serving import Serving, all_of, connect, get, serving
from tests.config.server.test_at_once import ask, in_a_thread
from tests.config.server.test_body_memory import Gate

pytestmark = [pytest.mark.once, pytest.mark.requirement(115)]

CHECK = get("/check")
LARGE = b"a" * 16 * 1024 * 1024  # more than the buffers of the sockets hold


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def server(gate: Gate) -> Iterator[Serving]:
    with serving(gate) as found:
        yield found
        gate.opened.set()


def began(client: socket.socket, gate: Gate) -> None:
    client.sendall(CHECK)
    assert gate.entered.acquire(timeout=30)


def connection_of(server: Serving) -> PlainConnection:
    found = (each for each in gc.get_objects() if issubclass(type(each), PlainConnection))
    connection: PlainConnection = next(each for each in found if each.worker is server.worker)
    return connection


def comes_true(condition: Callable[[], bool]) -> bool:
    for _ in range(3000):
        if condition():
            return True
        time.sleep(0.01)  # the loop of the server tells nobody what it has read
    return False


def test_checks_and_other_requests_alternate_on_one_connection() -> None:
    with serving(in_a_thread) as server, connect(server.port) as client:
        for _ in range(3):
            assert b"\r\nDate: " in ask(client, CHECK, until=b"thread /check;")
            assert ask(client, get("/late"), until=b"thread /late;")


def test_what_arrives_during_a_check_is_answered_after_it(server: Serving, gate: Gate) -> None:
    with connect(server.port) as client:
        began(client, gate)
        client.sendall(CHECK + get("/other")[:20])
        client.sendall(get("/other", "Connection: close")[20:])
        gate.opened.set()
        assert all_of(client).count(b"HTTP/1.1 200 ") == 3


def test_a_connection_stops_reading_when_much_arrives_during_a_check(server: Serving, gate: Gate) -> None:
    with connect(server.port) as client:
        began(client, gate)
        client.sendall(b"x" * (MAX_PIPELINED + 1))
        connection = connection_of(server)
        assert comes_true(lambda: not connection.transport.is_reading())


def test_a_client_that_has_finished_sending_gets_its_answer(server: Serving, gate: Gate) -> None:
    with connect(server.port) as client:
        began(client, gate)
        client.shutdown(socket.SHUT_WR)
        gate.opened.set()
        said = all_of(client)
    assert said.startswith(b"HTTP/1.1 200 ") and b"\r\nConnection: close\r\n" in said


def test_a_stop_waits_for_a_check_and_closes_the_connection(server: Serving, gate: Gate) -> None:
    with connect(server.port) as client:
        began(client, gate)
        server.worker.loop.call_soon_threadsafe(server.worker.handle_exit_signal)
        gate.opened.set()
        said = all_of(client)
    assert said.startswith(b"HTTP/1.1 200 ") and b"\r\nConnection: close\r\n" in said


def test_a_failing_check_is_django_s_500_and_the_connection_stays_open() -> None:
    def failing(environ: dict[str, Any], start_response: Any) -> Any:
        raise RuntimeError("of the test")

    with serving(failing) as server, connect(server.port) as client:
        for _ in range(2):
            said = ask(client, CHECK, until=b"}")
            assert said.startswith(b"HTTP/1.1 500 ")
            assert said.endswith(server_error(RequestFactory().get("/check")).content)


def test_a_client_that_has_finished_sending_gets_all_its_answers(server: Serving, gate: Gate) -> None:
    with connect(server.port) as client:
        began(client, gate)
        client.sendall(CHECK + get("/other") + get("/half")[:-2])
        client.shutdown(socket.SHUT_WR)
        connection = connection_of(server)
        assert comes_true(lambda: connection._client_has_finished)
        gate.opened.set()
        said = all_of(client)
    assert said.count(b"HTTP/1.1 200 ") == 3 and said.count(b"HTTP/1.1 ") == 3


def test_a_client_that_reads_no_answers_of_checks_keeps_nobody_out() -> None:
    asked = threading.Semaphore(0)
    size = str(len(LARGE)).encode()

    def large(head: Head) -> Answer:
        asked.release()
        return Answer(200, [(b"Content-Length", size)], LARGE)

    with serving(Gate(), connections=1, from_memory=large) as server, connect(server.port) as silent:
        silent.sendall(CHECK)
        assert asked.acquire(timeout=30)
        connection = connection_of(server)
        assert comes_true(lambda: connection._flow_control.write_paused)
        silent.sendall(CHECK)  # it is read, and answered when the client has read the first answer
        assert asked.acquire(timeout=30)
        with connect(server.port) as other:
            other.sendall(CHECK)
            assert other.recv(12) == b"HTTP/1.1 200"
