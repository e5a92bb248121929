"""Every plain GET skips the parser. gunicorn sends the answers that take more than one write."""

from typing import Any

import pytest

from config.server.answers import PIECE, Answer
from config.server.connection.plain import PlainConnection
from tests.config.server.serving import all_of, connect, get, serving
from tests.config.server.test_at_once import ask
from tests.config.server.test_body_memory import Gate
from tests.config.server.test_slow_clients import Plain

pytestmark = [pytest.mark.once, pytest.mark.requirement(115)]

PIECES = [b"%06d" % number for number in range(PIECE)]
LENGTHS = {"/short": 10, "/whole": PIECE, "/long": PIECE + 1}


class Streamed(Plain):
    streaming = True


class Pages:
    """Answers of several kinds, and what was asked for."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.gate = Gate()  # of the streamed answer

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.asked.append(environ)
        path = environ["PATH_INFO"]
        if path == "/streamed":
            self.gate.entered.release()
            assert self.gate.opened.wait(30)
            start_response("200 OK", [])
            return Streamed(PIECES)
        if path == "/nothing":
            start_response("204 No Content", [("Content-Length", "0")])
            return Plain([])
        if path == "/wrong":
            start_response("200 OK", [("X-A", "a\0b"), ("Content-Length", "0")])
            return Plain([])
        length = LENGTHS[path]
        start_response("200 OK", [("Content-Length", str(length))])
        return Plain([b"x" * length])


@pytest.fixture
def by_gunicorn(monkeypatch: pytest.MonkeyPatch) -> list[Answer]:
    """Return the answers of plain requests that gunicorn sends."""
    found: list[Answer] = []
    leave = PlainConnection._leave_to_gunicorn

    def note(self: PlainConnection, answer: Answer, data: bytes) -> None:
        found.append(answer)
        leave(self, answer, data)

    monkeypatch.setattr(PlainConnection, "_leave_to_gunicorn", note)
    return found


def test_an_answer_in_one_piece_is_sent_at_once_and_a_longer_one_by_gunicorn(
    by_gunicorn: list[Answer],
) -> None:
    with serving(pages := Pages()) as server, connect(server.port) as client:
        for path, length in LENGTHS.items():
            said = ask(client, get(f"{path}?a=b"), until=b"\r\n\r\n" + b"x" * length)
            assert said.startswith(b"HTTP/1.1 200 ") and b"\r\nDate: " in said
    assert [len(answer.body) for answer in by_gunicorn] == [LENGTHS["/long"]]
    assert [each["QUERY_STRING"] for each in pages.asked] == ["a=b"] * 3


def test_a_streamed_answer_is_made_once_and_what_was_sent_after_it_is_answered(
    by_gunicorn: list[Answer],
) -> None:
    with serving(pages := Pages()) as server, connect(server.port) as client:
        client.sendall(get("/streamed"))
        assert pages.gate.entered.acquire(timeout=30)
        client.sendall(get("/short") + get("/short", "Connection: close"))
        pages.gate.opened.set()
        said = all_of(client)
    assert b"\r\ntransfer-encoding: chunked\r\n" in said and said.count(b"HTTP/1.1 200 ") == 3
    assert PIECES[0] in said and PIECES[-1] in said
    assert len(by_gunicorn) == 1 and len(pages.asked) == 3


def test_an_answer_without_content_has_no_length() -> None:
    with serving(Pages()) as server, connect(server.port) as client:
        said = ask(client, get("/nothing"), until=b"\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 204 ") and b"content-length" not in said.lower()
        assert ask(client, get("/short"), until=b"x" * 10)


def test_a_header_that_no_answer_may_have_is_not_sent() -> None:
    with serving(Pages()) as server, connect(server.port) as client:
        client.sendall(get("/wrong"))
        said = all_of(client)
    assert said.startswith(b"HTTP/1.1 500 ") and b"\0" not in said


@pytest.mark.parametrize(
    ("source", "sent", "scheme"),
    [
        ("127.0.0.1", "https", "https"),
        ("127.0.0.1", "HTTPS", "http"),
        ("127.0.0.1", "http", "http"),
        ("127.0.0.2", "https", "http"),  # no proxy that is trusted
    ],
)
def test_only_a_trusted_proxy_says_which_scheme_its_client_uses(source: str, sent: str, scheme: str) -> None:
    with serving(pages := Pages()) as server, connect(server.port, source) as client:
        assert ask(client, get("/short", f"X-Forwarded-Proto: {sent}"), until=b"x" * 10)
    assert [each["wsgi.url_scheme"] for each in pages.asked] == [scheme]
