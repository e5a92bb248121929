"""The bytes of request bodies that a worker holds are limited: in total, and for each address."""

import asyncio
import socket
import threading
import weakref
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from config.server import limits
from config.server.threads import Threads
from tests.config.server.serving import Serving, all_of, connect, serving, tasks_begin
from tests.config.server.test_slow_clients import Plain

pytestmark = [pytest.mark.once, pytest.mark.requirement(104)]

SIZE = 800
LIMIT = 1000  # room for one body and not for two


class Gate:
    """Answers when the test opens it."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Semaphore(0), threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.entered.release()
        assert self.opened.wait(30)
        content = str(len(environ["wsgi.input"].read())).encode()
        start_response("200 OK", [("Content-Length", str(len(content)))])
        return Plain([content])


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def server(gate: Gate, settings: Settings) -> Iterator[Serving]:
    settings.TRUSTED_PROXIES = ("127.0.0.1",)  # the tests choose the addresses of their clients
    with serving(gate) as found:
        yield found
        gate.opened.set()


def post(address: str = "", *, length: int = SIZE, sent: int = SIZE) -> bytes:
    forwarded = f"X-Forwarded-For: {address}\r\n" if address else ""
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\n{forwarded}Content-Length: {length}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + b"a" * sent


def began(server: Serving, address: str) -> socket.socket:
    """A client that has sent a body but for its last byte; the server has counted it."""
    client = connect(server.port)
    client.sendall(post(address, length=SIZE + 1))
    while not any(share.size == SIZE for share in list(server.edge._body_memory.arriving)):
        assert server.thread.is_alive()
    return client


def test_one_address_has_so_many_bytes_and_others_have_theirs(
    monkeypatch: pytest.MonkeyPatch, server: Serving, gate: Gate
) -> None:
    monkeypatch.setattr(limits, "MAX_BODIES_OF_ONE_ADDRESS", LIMIT)
    gate.opened.set()
    with began(server, "192.0.2.1") as slow:
        with connect(server.port) as client:
            client.sendall(post("192.0.2.1"))
            answer = all_of(client)
        assert answer.startswith(b"HTTP/1.1 429 ") and b"application/problem+json" in answer
        assert b"Retry-After: 1\r\n" in answer and b"Connection: close\r\n" in answer
        with connect(server.port) as client:
            client.sendall(post("192.0.2.2"))
            assert all_of(client).startswith(b"HTTP/1.1 200 ")
        slow.sendall(b"a")
        assert all_of(slow).endswith(str(SIZE + 1).encode())
    with connect(server.port) as client:
        client.sendall(post("192.0.2.1"))
        assert all_of(client).startswith(b"HTTP/1.1 200 ")


def test_a_proxy_that_names_no_client_is_not_limited_as_one(
    monkeypatch: pytest.MonkeyPatch, server: Serving, gate: Gate
) -> None:
    monkeypatch.setattr(limits, "MAX_BODIES_OF_ONE_ADDRESS", LIMIT)
    gate.opened.set()
    with began(server, ""), connect(server.port) as client:
        client.sendall(post())
        assert all_of(client).startswith(b"HTTP/1.1 200 ")


def test_when_all_memory_is_in_use_the_body_that_has_been_arriving_longest_is_503(
    monkeypatch: pytest.MonkeyPatch, server: Serving, gate: Gate
) -> None:
    monkeypatch.setattr(limits, "MAX_BODIES", LIMIT)
    gate.opened.set()
    with began(server, "192.0.2.1") as slow, connect(server.port) as client:
        client.sendall(post("192.0.2.2"))
        assert all_of(client).startswith(b"HTTP/1.1 200 ")
        answer = all_of(slow)
    assert answer.startswith(b"HTTP/1.1 503 ") and b"application/problem+json" in answer
    assert b"Retry-After: 1\r\n" in answer and b"Connection: close\r\n" in answer


def test_bodies_count_until_their_request_is_answered(
    monkeypatch: pytest.MonkeyPatch, server: Serving, gate: Gate
) -> None:
    monkeypatch.setattr(limits, "MAX_BODIES", LIMIT)
    with connect(server.port) as first:
        first.sendall(post("192.0.2.1"))
        assert gate.entered.acquire(timeout=30)
        with connect(server.port) as client:
            client.sendall(post("192.0.2.2"))
            assert all_of(client).startswith(b"HTTP/1.1 503 ")
        gate.opened.set()
        assert all_of(first).startswith(b"HTTP/1.1 200 ")
    with connect(server.port) as client:
        client.sendall(post("192.0.2.2"))
        assert all_of(client).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_goes_away_gives_its_memory_back(
    monkeypatch: pytest.MonkeyPatch, server: Serving, gate: Gate
) -> None:
    monkeypatch.setattr(limits, "MAX_BODIES_OF_ONE_ADDRESS", LIMIT)
    gate.opened.set()
    with began(server, "192.0.2.1") as gone:
        gone.shutdown(socket.SHUT_WR)
        assert all_of(gone).startswith(b"HTTP/1.1 400 ")
    with connect(server.port) as client:
        client.sendall(post("192.0.2.1"))
        assert all_of(client).startswith(b"HTTP/1.1 200 ")


class Body:
    """Something that can be seen to be freed."""


def test_work_that_is_cancelled_in_the_queue_frees_its_body(gate: Gate) -> None:
    async def is_freed() -> bool:
        threads = Threads("test", 1, 1)
        busy = asyncio.create_task(threads.run(gate.opened.wait))
        body = Body()
        freed = weakref.ref(body)
        queued = asyncio.create_task(threads.run(partial(id, body)))
        del body
        await tasks_begin()
        queued.cancel()
        await asyncio.wait([queued])
        del queued
        is_freed = freed() is None
        gate.opened.set()
        await busy
        threads.stop()
        return is_freed

    assert asyncio.run(is_freed())
