"""What waits does so on the event loop: threads are for work, and there is an end to how much is taken."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from config.server import crowd, limits
from config.server.answers import Answer
from config.server.edge import deliver
from config.waiting import answer_not_before
from tests.config.server.serving import all_of, connect, get, serving
from tests.config.server.test_slow_clients import LARGE, Plain

pytestmark = pytest.mark.once

LONG = 3600.0
Views = dict[str, Callable[[], Any]]


def answering(views: Views) -> Any:
    """An application with a function for each path, which returns the body."""

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
    monkeypatch.setattr(limits, "MOST_QUEUED", 1)


def fine() -> bytes:
    return b"fine"


@pytest.mark.requirement(105)
def test_an_answer_that_is_held_holds_no_thread(few_threads: None) -> None:
    worked = threading.Semaphore(0)

    def held() -> bytes:
        answer_not_before(LONG)
        worked.release()
        return b"held"

    with serving(answering({"/held": held, "/": fine})) as server:
        waiting = [connect(server.port) for _ in range(5)]
        for client in waiting:
            client.sendall(get("/held"))
            assert worked.acquire(timeout=30)
        with connect(server.port) as client:
            client.sendall(get("/", "Connection: close"))
            assert all_of(client).endswith(b"fine")
        for client in waiting:
            client.close()


def test_an_answer_is_held_until_its_moment_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    def held() -> bytes:
        answer_not_before(0.05)
        answer_not_before(0.01)  # the later moment counts
        return b"held"

    with serving(answering({"/held": held})) as server, connect(server.port) as client:
        client.sendall(get("/held", "Connection: close"))
        assert all_of(client).endswith(b"held")


class Stream:
    """As Django's StreamingHttpResponse: pieces, and one close."""

    streaming = True
    closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"a" * 65536] * (LARGE // 65536))

    def close(self) -> None:
        type(self).closed += 1


def test_a_long_answer_to_a_client_that_does_not_read_holds_no_thread(few_threads: None) -> None:
    with serving(answering({"/stream": Stream, "/": fine})) as server, connect(server.port) as slow:
        slow.sendall(get("/stream", "Connection: close"))
        with connect(server.port) as client:
            client.sendall(get("/", "Connection: close"))
            assert all_of(client).endswith(b"fine")
        assert Stream.closed == 1
        assert all_of(slow).count(b"a") >= LARGE


def test_a_file_is_read_and_closed_where_it_is_sent(few_threads: None) -> None:
    file = BytesIO(b"a" * LARGE)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", str(LARGE))])
        return environ["wsgi.file_wrapper"](file)

    with serving(application) as server, connect(server.port) as client:
        client.sendall(get("/", "Connection: close"))
        assert all_of(client).count(b"a") >= LARGE
    assert file.closed


def test_a_file_that_is_taken_at_once_leaves_others_their_turn() -> None:
    async def send(message: dict[str, Any]) -> None: ...

    async def others_have_had_a_turn() -> bool:
        other = asyncio.create_task(asyncio.sleep(0))
        await deliver(Answer(200, [], file=BytesIO(b"a" * LARGE)), "GET", send)
        return other.done()

    assert asyncio.run(others_have_had_a_turn())


def test_a_streamed_answer_in_http_1_0_ends_with_its_connection() -> None:
    with serving(answering({"/stream": Stream})) as server, connect(server.port) as client:
        client.sendall(b"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert all_of(client).count(b"a") >= LARGE


class Gate:
    """Work that goes on until somebody opens."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Semaphore(0), threading.Event()

    def __call__(self) -> bytes:
        self.entered.release()
        self.opened.wait(30)
        return b"done"


def test_what_is_beyond_the_queue_is_503_at_once_and_checks_go_on(few_threads: None) -> None:
    gate = Gate()
    with serving(answering({"/gate": gate, "/first/check": fine})) as server:
        first, queued, refused, check = (connect(server.port) for _ in range(4))
        first.sendall(get("/gate", "Connection: close"))
        assert gate.entered.acquire(timeout=30)
        queued.sendall(get("/gate", "Connection: close"))
        check.sendall(get("/first/check", "Connection: close"))
        assert all_of(check).endswith(b"fine")
        refused.sendall(get("/gate", "Connection: close"))
        said = all_of(refused)
        assert said.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 1" in said
        assert b"application/problem+json" in said and b"Content-Security-Policy" in said
        gate.opened.set()
        assert all_of(first).endswith(b"done")
        assert all_of(queued).endswith(b"done")


@pytest.mark.requirement(115)
def test_requests_that_wait_for_a_hash_leave_the_threads_of_others_alone(
    monkeypatch: pytest.MonkeyPatch, few_threads: None
) -> None:
    monkeypatch.setattr(limits, "PASSWORD_THREADS", 1)
    gate = Gate()
    with serving(answering({"/hash": gate, "/": fine})) as server:
        logins = [connect(server.port) for _ in range(8)]
        for login in logins:
            login.sendall(get("/hash", "Connection: close"))
        assert gate.entered.acquire(timeout=30)
        with connect(server.port) as client:
            client.sendall(get("/", "Connection: close"))
            assert all_of(client).endswith(b"fine")
        gate.opened.set()
        for login in logins:
            assert all_of(login).endswith(b"done")


def test_one_address_has_so_many_requests_in_work_and_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "MOST_OF_ONE", 1)
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


def test_nobody_takes_the_place_of_an_address_by_naming_it_as_a_credential(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(crowd, "MOST_OF_ONE", 1)
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


def test_work_that_fails_is_500_and_the_connection_lives() -> None:
    def failing() -> bytes:
        raise RuntimeError("of the test")

    with serving(answering({"/fail": failing, "/": fine})) as server, connect(server.port) as client:
        client.sendall(get("/fail") + get("/", "Connection: close"))
        said = all_of(client)
        assert said.startswith(b"HTTP/1.1 500 ") and b"of the test" not in said
        assert said.endswith(b"fine")
