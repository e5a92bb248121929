"""Requests wait on the event loop and not in threads, and the number of requests that wait is limited."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from config.server import limits
from config.server.answers import PIECE, Answer
from config.server.edge import deliver
from config.waiting import answer_not_before
from tests.config.server.serving import all_of, connect, get, serving
from tests.config.server.test_slow_clients import LARGE, Plain

pytestmark = pytest.mark.once

LONG = 3600.0
Views = dict[str, Callable[[], Any]]


def answering(views: Views) -> Any:
    """An application with one function for each path; the function returns the body."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        found = views[environ["PATH_INFO"]]()
        if isinstance(found, Stream):
            start_response("200 OK", [("Content-Type", "text/csv")])
            return found
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(found)))])
        return Plain([found])

    return application


@pytest.fixture
def few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "OTHER_THREADS", 1)
    monkeypatch.setattr(limits, "MAX_QUEUED_OTHERS", 1)


def fine() -> bytes:
    return b"fine"


@pytest.mark.requirement(105)
def test_a_deferred_answer_keeps_no_thread(few_threads: None) -> None:
    worked = threading.Semaphore(0)

    def deferred() -> bytes:
        answer_not_before(LONG)
        worked.release()
        return b"deferred"

    with serving(answering({"/deferred": deferred, "/": fine})) as server:
        waiting = [connect(server.port) for _ in range(5)]
        for client in waiting:
            client.sendall(get("/deferred"))
            assert worked.acquire(timeout=30)
        with connect(server.port) as client:
            client.sendall(get("/", "Connection: close"))
            assert all_of(client).endswith(b"fine")
        for client in waiting:
            client.close()


def test_a_deferred_answer_leaves_at_its_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    def deferred() -> bytes:
        answer_not_before(0.05)
        answer_not_before(0.01)  # the later moment counts
        return b"deferred"

    with serving(answering({"/deferred": deferred})) as server, connect(server.port) as client:
        client.sendall(get("/deferred", "Connection: close"))
        assert all_of(client).endswith(b"deferred")


class Stream:
    """Like Django's StreamingHttpResponse: it yields pieces, and is closed once."""

    streaming = True
    closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"a" * 65536] * (LARGE // 65536))

    def close(self) -> None:
        type(self).closed += 1


def test_a_long_answer_to_a_client_that_does_not_read_keeps_no_thread(few_threads: None) -> None:
    with serving(answering({"/stream": Stream, "/": fine})) as server, connect(server.port) as slow:
        slow.sendall(get("/stream", "Connection: close"))
        with connect(server.port) as client:
            client.sendall(get("/", "Connection: close"))
            assert all_of(client).endswith(b"fine")
        assert Stream.closed == 1
        assert all_of(slow).count(b"a") >= LARGE


def test_a_file_is_read_and_closed_while_it_is_sent(few_threads: None) -> None:
    file = BytesIO(b"a" * LARGE)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", str(LARGE))])
        return environ["wsgi.file_wrapper"](file)

    with serving(application) as server, connect(server.port) as client:
        client.sendall(get("/", "Connection: close"))
        assert all_of(client).count(b"a") >= LARGE
    assert file.closed


def test_sending_a_file_to_a_fast_client_lets_other_tasks_run() -> None:
    async def send(message: dict[str, Any]) -> None: ...

    async def others_have_had_a_turn() -> bool:
        other = asyncio.create_task(asyncio.sleep(0))
        await deliver(Answer(200, [], file=BytesIO(b"a" * LARGE)), "GET", send)
        return other.done()

    assert asyncio.run(others_have_had_a_turn())


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_long_body_is_sent_in_pieces(size: int) -> None:
    content = b"a" * size
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(deliver(Answer(200, [], content), "GET", send))
    pieces = [message["body"] for message in sent[1:]]
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= PIECE
    assert [message.get("more_body", False) for message in sent[1:]] == [True] * (len(pieces) - 1) + [False]


def test_a_streamed_answer_in_http_1_0_ends_when_the_connection_closes() -> None:
    with serving(answering({"/stream": Stream})) as server, connect(server.port) as client:
        client.sendall(b"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert all_of(client).count(b"a") >= LARGE


class Gate:
    """Work that runs until the test opens the gate."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Semaphore(0), threading.Event()

    def __call__(self) -> bytes:
        self.entered.release()
        self.opened.wait(30)
        return b"done"


def test_a_request_is_503_when_the_queue_is_full_and_checks_are_answered(few_threads: None) -> None:
    gate = Gate()
    with serving(answering({"/gate": gate, "/check": fine})) as server:
        first, queued, refused, check = (connect(server.port) for _ in range(4))
        first.sendall(get("/gate", "Connection: close"))
        assert gate.entered.acquire(timeout=30)
        queued.sendall(get("/gate", "Connection: close"))
        check.sendall(get("/check", "Connection: close"))
        assert all_of(check).endswith(b"fine")
        refused.sendall(get("/gate", "Connection: close"))
        said = all_of(refused)
        assert said.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 1" in said
        assert b"application/problem+json" in said and b"Content-Security-Policy" in said
        gate.opened.set()
        assert all_of(first).endswith(b"done")
        assert all_of(queued).endswith(b"done")


@pytest.mark.requirement(115)
def test_requests_that_wait_for_a_hash_do_not_use_the_threads_of_others(
    monkeypatch: pytest.MonkeyPatch, few_threads: None
) -> None:
    monkeypatch.setattr(limits, "PASSWORD_THREADS", 1)
    gate = Gate()
    with serving(answering({"/password": gate, "/": fine})) as server:
        logins = [connect(server.port) for _ in range(8)]
        for login in logins:
            login.sendall(get("/password", "Connection: close"))
        assert gate.entered.acquire(timeout=30)
        with connect(server.port) as client:
            client.sendall(get("/", "Connection: close"))
            assert all_of(client).endswith(b"fine")
        gate.opened.set()
        for login in logins:
            assert all_of(login).endswith(b"done")


def test_an_address_with_too_many_requests_in_flight_gets_429(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_OTHERS_OF_ONE_CLIENT", 1)
    gate = Gate()
    with serving(answering({"/gate": gate, "/": fine})) as server:
        first, refused, later = (connect(server.port) for _ in range(3))
        first.sendall(get("/gate", "Connection: close"))
        assert gate.entered.acquire(timeout=30)
        refused.sendall(get("/", "Connection: close"))
        said = all_of(refused)
        assert said.startswith(b"HTTP/1.1 429 ") and b"Retry-After: 1" in said and b"problem+json" in said
        gate.opened.set()
        assert all_of(first).endswith(b"done")
        later.sendall(get("/", "Connection: close"))
        assert all_of(later).endswith(b"fine")


def test_a_credential_that_reads_like_an_address_does_not_count_as_that_address(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(limits, "MAX_OTHERS_OF_ONE_CLIENT", 1)
    settings.TRUSTED_PROXIES = ("127.0.0.1",)
    gate = Gate()
    with serving(answering({"/gate": gate, "/": fine})) as server:
        attacker, victim = connect(server.port), connect(server.port)
        attacker.sendall(get("/gate", "X-Forwarded-For: 192.0.2.1", "Authorization: 192.0.2.2"))
        assert gate.entered.acquire(timeout=30)
        victim.sendall(get("/", "X-Forwarded-For: 192.0.2.2", "Connection: close"))
        assert all_of(victim).endswith(b"fine")
        gate.opened.set()
        attacker.close()


def test_a_failure_is_a_500_and_the_connection_stays_open() -> None:
    def failing() -> bytes:
        raise RuntimeError("of the test")

    with serving(answering({"/fail": failing, "/": fine})) as server, connect(server.port) as client:
        client.sendall(get("/fail") + get("/", "Connection: close"))
        said = all_of(client)
        assert said.startswith(b"HTTP/1.1 500 ") and b"of the test" not in said
        assert said.endswith(b"fine")
