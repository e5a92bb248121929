"""No kind of request, and no client, can take the threads of the others."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from config.server import limits
from config.server.threads import QueueFull, Threads, Turns
from tests.config.server.serving import Serving, all_of, connect, get, serving, tasks_begin
from tests.config.server.test_body_memory import Gate

pytestmark = [pytest.mark.once, pytest.mark.requirement(115)]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def server(gate: Gate, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    """One thread for checks, of which two more can wait; one address can have two in flight."""
    settings.TRUSTED_PROXIES = ("127.0.0.1",)
    monkeypatch.setattr(limits, "CHECK_THREADS", 1)
    monkeypatch.setattr(limits, "MAX_QUEUED_CHECKS", 2)
    monkeypatch.setattr(limits, "MAX_CHECKS_OF_ONE_ADDRESS", 2)
    monkeypatch.setattr(limits, "MAX_PROBES_OF_ONE_ADDRESS", 1)
    with serving(gate) as found:
        yield found
        gate.opened.set()


def check_of(address: str, *more: str) -> bytes:
    return get("/check", f"X-Forwarded-For: {address}", "Authorization: Bearer shared", *more)


def last_check_of(address: str) -> bytes:
    return check_of(address, "Connection: close")


def test_checks_of_one_address_leave_room_in_the_queue_for_others(server: Serving, gate: Gate) -> None:
    first, second, third, other = (connect(server.port) for _ in range(4))
    first.sendall(last_check_of("192.0.2.1"))
    assert gate.entered.acquire(timeout=30)
    second.sendall(last_check_of("192.0.2.1"))
    third.sendall(last_check_of("192.0.2.1"))
    refused = all_of(third)
    assert refused.startswith(b"HTTP/1.1 429 ") and b"application/problem+json" in refused
    assert b"Retry-After: 1\r\n" in refused
    other.sendall(last_check_of("192.0.2.2"))
    gate.opened.set()
    for client in (first, second, other):
        assert all_of(client).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("last", [(), ("Connection: close",)])  # plain, and for the parser
def test_requests_whose_clients_are_gone_leave_the_queue(
    server: Serving, gate: Gate, last: tuple[str, ...]
) -> None:
    first, *gone = (connect(server.port) for _ in range(3))
    first.sendall(last_check_of("192.0.2.1"))
    assert gate.entered.acquire(timeout=30)
    for number, client in enumerate(gone, 2):
        client.sendall(check_of(f"192.0.2.{number}", *last))
    assert is_refused(server)
    for client in gone:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close with a reset
        client.close()
    assert not all(is_refused(server) for _ in range(20))
    gate.opened.set()
    assert all_of(first).startswith(b"HTTP/1.1 200 ")


def is_refused(server: Serving) -> bool:
    """Send one more check; return whether the server answers at once that it is busy."""
    with connect(server.port) as client:
        client.sendall(last_check_of("192.0.2.9"))
        client.settimeout(1)
        try:
            return client.recv(65536).startswith(b"HTTP/1.1 503 ")
        except TimeoutError:
            return False


def test_checks_of_a_proxy_that_names_no_client_are_not_limited_as_those_of_one(
    server: Serving, gate: Gate
) -> None:
    clients = [connect(server.port) for _ in range(3)]
    for client in clients:
        client.sendall(get("/check", "Connection: close"))
    gate.opened.set()
    for client in clients:
        assert all_of(client).startswith(b"HTTP/1.1 200 ")


def test_probes_are_answered_while_the_queue_of_checks_is_full(server: Serving, gate: Gate) -> None:
    checks = [connect(server.port) for _ in range(3)]
    for number, client in enumerate(checks):
        client.sendall(last_check_of(f"192.0.2.{number}"))
    assert gate.entered.acquire(timeout=30)
    refused = connect(server.port)
    refused.sendall(last_check_of("192.0.2.9"))
    assert all_of(refused).startswith(b"HTTP/1.1 503 ")
    probe = connect(server.port)
    probe.sendall(get("/probe", "Connection: close"))
    assert gate.entered.acquire(timeout=30)  # before the gate opens
    gate.opened.set()
    for client in (*checks, probe):
        assert all_of(client).startswith(b"HTTP/1.1 200 ")


def test_one_address_has_so_many_probes_in_flight(server: Serving, gate: Gate) -> None:
    probe = get("/probe", "X-Forwarded-For: 192.0.2.1", "Connection: close")
    first, second = connect(server.port), connect(server.port)
    first.sendall(probe)
    assert gate.entered.acquire(timeout=30)
    second.sendall(probe)
    assert all_of(second).startswith(b"HTTP/1.1 429 ")
    gate.opened.set()
    assert all_of(first).startswith(b"HTTP/1.1 200 ")


def change(method: str, path: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize(
    "other",
    [get("/api/keys", "Connection: close"), change("POST", "/api/introspect"), change("POST", "/admin/")],
)
def test_a_change_waits_for_its_turn_and_other_requests_do_not(
    gate: Gate, other: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TURN_SECONDS", 60)
    with serving(gate) as server:
        clients = [connect(server.port) for _ in range(3)]
        clients[0].sendall(change("DELETE", "/api/keys/1"))
        assert gate.entered.acquire(timeout=30)
        clients[1].sendall(change("PATCH", "/api/keys/2"))
        clients[2].sendall(other)
        assert gate.entered.acquire(timeout=30)
        assert not gate.entered.acquire(timeout=0.3)
        gate.opened.set()
        for client in clients:
            assert all_of(client).startswith(b"HTTP/1.1 200 ")


def test_a_change_that_waits_for_something_else_keeps_no_other_change_waiting(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TURN_SECONDS", 0.05)
    with serving(gate) as server:
        clients = [connect(server.port) for _ in range(3)]
        for number, client in enumerate(clients):
            client.sendall(change("DELETE", f"/api/keys/{number}"))
            assert gate.entered.acquire(timeout=30)
        gate.opened.set()
        for client in clients:
            assert all_of(client).startswith(b"HTTP/1.1 200 ")


def test_work_that_is_cancelled_before_its_turn_is_never_done_and_leaves_the_queue(gate: Gate) -> None:
    async def work() -> list[str]:
        turns, done = Turns("test", 2, 1, turn_seconds=60), list[str]()
        first = asyncio.create_task(turns.run(gate.opened.wait))
        await tasks_begin()
        cancelled = asyncio.create_task(turns.run(partial(done.append, "cancelled")))
        await tasks_begin()
        with pytest.raises(QueueFull):
            await turns.run(partial(done.append, "beyond the queue"))
        cancelled.cancel()
        await asyncio.wait([cancelled])
        last = asyncio.create_task(turns.run(partial(done.append, "last")))
        gate.opened.set()
        await asyncio.gather(first, last)
        turns.stop()
        return done

    assert asyncio.run(work()) == ["last"]


def in_turn(gate: Gate, *clients: tuple[str, str]) -> list[tuple[str, str]]:
    """Return in which order one busy thread does work of these clients, each an address and a credential."""

    async def work() -> list[tuple[str, str]]:
        threads, done = Threads("test", 1, 9), list[tuple[str, str]]()
        busy = asyncio.create_task(threads.run(gate.opened.wait))
        await tasks_begin()
        waiting = [
            asyncio.create_task(threads.run(partial(done.append, client), *client)) for client in clients
        ]
        await tasks_begin()
        gate.opened.set()
        await asyncio.gather(busy, *waiting)
        threads.stop()
        return done

    return asyncio.run(work())


def test_addresses_take_turns_at_a_thread(gate: Gate) -> None:
    greedy, other = ("192.0.2.1", ""), ("192.0.2.2", "")
    assert in_turn(gate, greedy, greedy, greedy, other) == [greedy, other, greedy, greedy]


def test_the_credentials_of_one_address_take_turns_and_get_no_more_than_another_address(gate: Gate) -> None:
    first, second, other = ("192.0.2.1", "a"), ("192.0.2.1", "b"), ("192.0.2.2", "a")
    order = in_turn(gate, first, first, second, second, other, other)
    assert order == [first, other, second, other, first, second]


@pytest.mark.parametrize(("path", "credential"), [("/others", "Bearer b"), ("/check", "Bearer a")])
def test_a_client_with_many_requests_delays_another_by_one(
    path: str, credential: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TRUSTED_PROXIES = ("127.0.0.1",)
    monkeypatch.setattr(limits, "OTHER_THREADS", 1)
    monkeypatch.setattr(limits, "CHECK_THREADS", 1)
    order, gate = list[str](), Gate()

    def application(environ: dict[str, str], start_response: Any) -> Any:
        order.append(environ["HTTP_X_FORWARDED_FOR"])
        return gate(environ, start_response)

    with serving(application) as server:
        clients = list[socket.socket]()
        for address, sent in (*[("192.0.2.1", "Bearer a")] * 4, ("192.0.2.2", credential)):
            clients.append(connect(server.port))
            headers = (f"X-Forwarded-For: {address}", f"Authorization: {sent}", "Connection: close")
            clients[-1].sendall(get(path, *headers))
            if not order:
                assert gate.entered.acquire(timeout=30)
        with connect(server.port) as last:  # the loop answers it after it has read the others
            last.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert all_of(last).startswith(b"HTTP/1.1 400 ")
        gate.opened.set()
        for client in clients:
            assert all_of(client).startswith(b"HTTP/1.1 200 ")
    assert order == ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1"]


class CountingLoop(asyncio.SelectorEventLoop):
    """Counts how often a thread calls it."""

    calls = 0

    def call_soon_threadsafe(self, callback: Any, *rest: Any, context: Any = None) -> Any:  # type: ignore[override]
        self.calls += 1
        return super().call_soon_threadsafe(callback, *rest, context=context)


def test_the_loop_takes_what_threads_have_done_meanwhile_at_once() -> None:
    async def calls() -> int:
        loop, threads, last_begins = asyncio.get_running_loop(), Threads("test", 1, 9), threading.Event()
        assert isinstance(loop, CountingLoop)
        work = [lambda: True, lambda: True, lambda: True, last_begins.set]
        running = [asyncio.create_task(threads.run(each)) for each in work]
        await tasks_begin()
        assert last_begins.wait(30)  # the loop is busy, and three are done
        found = loop.calls
        assert await asyncio.gather(*running) == [True, True, True, None]
        threads.stop()
        return found

    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        assert runner.run(calls()) == 1


@pytest.mark.parametrize("error", [ValueError, StopIteration, SystemExit])
def test_what_work_raises_reaches_who_waits_for_its_result(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    async def work() -> None:
        threads = Threads("test", 1, 1)
        with pytest.raises((error, RuntimeError)):  # no coroutine can raise StopIteration
            await threads.run(fail)
        threads.stop()

    asyncio.run(asyncio.wait_for(work(), timeout=30))
