"""Plain heads are read as gunicorn's parser reads them, whatever bytes arrive."""

import random

import pytest
from gunicorn.asgi.parser import CallbackRequest, ParseError, PythonProtocol
from gunicorn.asgi.protocol import _RequestHeaderPolicy
from gunicorn.config import Config

from config.server.connection.plain_head import HEAD, MAX_SIZE, plain_scope

pytestmark = pytest.mark.once

FEW, MANY = 5_000, 500_000
CHECK = (
    b"GET /gateway/check HTTP/1.1\r\nHost: keys.example.org\r\nX-API-Key: kh_live_abc\r\n"
    b"X-Original-Method: GET\r\nX-Original-URI: /services/stock?a=b\r\n"
    b"X-Forwarded-For: 192.0.2.7, 10.0.0.1\r\n\r\n"
)
PAGE = (
    b"GET /api/keys/a%2Fb?limit=5&name=%C3%A4 HTTP/1.1\r\nHost: keys.example.org\r\nAccept: */*\r\n"
    b"Connection: keep-alive\r\nX-Forwarded-Proto: https\r\nCookie: a=b; c=d\r\n\r\n"
)
CONFIG = Config()
SERVER, PROXY = ("127.0.0.1", 80), ("127.0.0.1", 4711)
SCHEME_HEADERS = {b"x-forwarded-proto": b"https", b"x-forwarded-protocol": b"ssl", b"x-forwarded-ssl": b"on"}
PIECES = (
    *(
        b"\r\n",
        b"\r",
        b"\n",
        b":",
        b" ",
        b"\t",
        b"\0",
        b"\x7f",
        b"\x80",
        b"_",
        b"%41",
        b"?",
        b"#",
        b"//",
        b"\r\n ",
    ),
    *(
        b"Content-Length: 0\r\n",
        b"Content-Length: 5\r\n",
        b"content-LENGTH:1\r\n",
        b"Transfer-Encoding: chunked\r\n",
    ),
    *(
        b"Connection: close\r\n",
        b"Connection: keep-alive\r\n",
        b"Expect: 100-continue\r\n",
        b"Host: b\r\n",
        b"a: \r\n",
    ),
    *(
        b"Upgrade: h2c\r\n",
        b"X_API_Key: k\r\n",
        b"X-API-Key : k\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.0",
        b"POST",
    ),
    *(
        b"x" * 70,
        b"y" * 9000,
        b"z: " + b"z" * 8185 + b"\r\n",
        b"n:\r\n" * 95,
        b"X-Forwarded-Proto: https\r\n",
    ),
)


def by_the_parser(data: bytes) -> CallbackRequest | None:
    """The one request that these bytes are, for gunicorn; None if they are not one, or not one alone."""
    found: list[CallbackRequest] = []

    def read() -> None:
        found.append(CallbackRequest.from_parser(parser))
        _RequestHeaderPolicy(CONFIG, PROXY, "http", (1, 1)).apply(found[-1])

    parser: PythonProtocol = PythonProtocol(on_headers_complete=read)
    try:
        parser.feed(data)
    except ParseError:
        return None
    return found[0] if found and parser.is_complete and not parser.remaining() else None


def mutant(chance: random.Random) -> bytes:
    """A request with a few bytes, or whole lines, put in, taken out, or put elsewhere."""
    data = bytearray(chance.choice((CHECK, PAGE)))
    for _ in range(chance.randint(0, 3)):
        at, length = chance.randint(0, len(data)), chance.choice((0, 0, 1, 2, 20))
        there = bytes(data[at : at + chance.randint(1, 40)])
        new = (chance.choice(PIECES), chance.randbytes(1), b"", there, there[:1].swapcase())
        data[at : at + length] = chance.choice(new)
    return bytes(data)


def check_reading(data: bytes) -> bool:
    """Return whether `data` is plain. If it is, the parser must read the same."""
    scope = plain_scope(data, SERVER, PROXY, SCHEME_HEADERS)
    if scope is None:
        return False
    request = by_the_parser(data)
    assert request is not None, data
    assert (scope["method"], scope["raw_path"]) == (request.method, request.raw_path), data
    assert scope["headers"] == request.headers_bytes, data
    assert scope["query_string"] == (request.query or "").encode("latin-1"), data
    assert scope["scheme"] == request.scheme, data
    assert request.version == (1, 1) and not request.should_close(), data
    assert not (request.content_length or request.chunked or request._expect_100_continue), data
    assert not request.may_upgrade(), data
    return True


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.soak)])
def test_a_mutant_that_is_plain_is_read_as_the_parser_reads_it(count: int) -> None:
    chance = random.Random(count)  # the same ones each time
    plain = sum(check_reading(mutant(chance)) for _ in range(count))
    assert count / 10 < plain < count


@pytest.mark.parametrize("request_of", [CHECK, PAGE], ids=["check", "page"])
def test_what_proxies_and_browsers_send_is_plain(request_of: bytes) -> None:
    assert check_reading(request_of)


@pytest.mark.parametrize("request_of", [CHECK, PAGE], ids=["check", "page"])
@pytest.mark.parametrize("piece", PIECES)
def test_each_piece_at_each_place_is_read_as_the_parser_reads_it(piece: bytes, request_of: bytes) -> None:
    for at in range(len(request_of) + 1):
        check_reading(request_of[:at] + piece + request_of[at:])


def test_only_a_proxy_that_is_believed_says_https() -> None:
    believed, others = (plain_scope(PAGE, SERVER, PROXY, headers) for headers in (SCHEME_HEADERS, {}))
    assert believed and others and (believed["scheme"], others["scheme"]) == ("https", "http")


@pytest.mark.parametrize("end", range(0, len(CHECK), 7))
def test_half_a_request_is_not_plain(end: int) -> None:
    assert plain_scope(CHECK[:end], None, None) is None


def test_a_very_long_head_is_not_plain() -> None:
    long = CHECK[:-2] + b"a: b\r\n" * 4000 + b"\r\n"
    assert len(long) > MAX_SIZE and plain_scope(long, None, None) is None
    assert HEAD.fullmatch(CHECK)
