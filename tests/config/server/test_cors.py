"""Pages of other origins: preflights are answered on the loop, and refusals made there can be read."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from config.server import limits
from tests.config.server.serving import all_of, connect, get, serving
from tests.config.server.test_edge import Gate
from tests.config.server.test_slow_clients import Plain

pytestmark = pytest.mark.once

APP = "https://app.example.org"
FROM_APP = f"Origin: {APP}"
GRANT = f"Access-Control-Allow-Origin: {APP}".lower().encode()
PREFLIGHT = (FROM_APP, "Access-Control-Request-Method: POST")
PATH = "/api/v1/api-keys"


@pytest.fixture(autouse=True)
def shared(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [APP]


class Counted:
    """An application that counts its calls."""

    calls = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.calls += 1
        if environ["PATH_INFO"].endswith("/fail"):
            raise RuntimeError("of the test")
        start_response("200 OK", [("Content-Length", "0")])
        return Plain([b""])


def ask(port: int, data: bytes) -> bytes:
    """Return the answer to a request, headers in lower case."""
    with connect(port) as client:
        client.sendall(data)
        return all_of(client).lower()


def preflight(path: str, *lines: str) -> bytes:
    return get(path, *lines, "Connection: close").replace(b"GET", b"OPTIONS", 1)


@pytest.mark.requirement(105)
def test_a_preflight_waits_for_no_thread() -> None:
    application = Counted()
    with serving(application) as server:
        said = ask(server.port, preflight(PATH, *PREFLIGHT))
    assert (said[:13], GRANT in said, application.calls) == (b"http/1.1 200 ", True, 0)
    assert b"x-api-key" in said and b"x-request-id" in said and b"content-length: 0\r\n" in said


def test_a_preflight_of_another_origin_waits_for_no_thread_and_is_granted_nothing() -> None:
    application = Counted()
    other = ("Origin: https://evil.example", PREFLIGHT[1])
    with serving(application) as server:
        said = ask(server.port, preflight(PATH, *other))
    assert (b"access-control" in said, application.calls) == (False, 0)


@pytest.mark.parametrize("path", ["/gateway/check", "/admin/login/", "/health"])
def test_what_is_not_shared_has_no_preflight(path: str) -> None:
    application = Counted()
    with serving(application) as server:
        said = ask(server.port, preflight(path, *PREFLIGHT))
    assert (b"access-control" in said, application.calls) == (False, 1)


def test_without_origins_a_preflight_is_a_request_like_any_other(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = []
    application = Counted()
    with serving(application) as server:
        said = ask(server.port, preflight("/api/v1/%E2%82%AC", *PREFLIGHT))
    assert (b"access-control" in said, application.calls) == (False, 1)


def test_a_page_reads_that_its_body_is_too_large_or_that_we_failed() -> None:
    with serving(Counted()) as server:
        large = get(PATH, FROM_APP, "Content-Length: 2000000").replace(b"GET", b"POST", 1)
        said = ask(server.port, large)
        assert said.startswith(b"http/1.1 413 ") and GRANT in said
        said = ask(server.port, get("/api/v1/fail", FROM_APP, "Connection: close"))
        assert said.startswith(b"http/1.1 500 ") and GRANT in said
        said = ask(server.port, large.replace(APP.encode(), b"https://evil.example"))
        assert said.startswith(b"http/1.1 413 ") and b"access-control" not in said


class Waiting(Gate):
    """The gate, as an application."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:  # type: ignore[override]
        start_response("200 OK", [("Content-Length", "4")])
        return Plain([super().__call__()])


@pytest.mark.parametrize(
    ("limit", "number", "status"), [("MAX_OTHERS_OF_ONE_CLIENT", 1, 429), ("MAX_QUEUED_OTHERS", 0, 503)]
)
def test_a_page_reads_that_the_server_has_too_much_to_do(
    limit: str, number: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OTHER_THREADS", 1)
    monkeypatch.setattr(limits, limit, number)
    gate = Waiting()
    with serving(gate) as server, connect(server.port) as busy:
        busy.sendall(get(PATH))
        assert gate.entered.acquire(timeout=30)
        said = ask(server.port, get(PATH, FROM_APP, "Connection: close"))
        gate.opened.set()
    assert said.startswith(b"http/1.1 %d " % status)
    assert GRANT in said and b"access-control-expose-headers: " in said and b"retry-after: 1" in said
