"""The head of a request has one reading as WSGI variables, or is refused."""

from typing import Any

import pytest

from config.server.environ import environ_of, has_body
from config.server.refusals import RefusedRequest

pytestmark = pytest.mark.once

HOST = (b"host", b"keys.example.org")


def scope(*headers: tuple[bytes, bytes], path: bytes = b"/a%20b", query: bytes = b"") -> dict[str, Any]:
    return {
        "method": "GET",
        "scheme": "https",
        "http_version": "1.1",
        "raw_path": path,
        "query_string": query,
        "server": ("127.0.0.1", 8000),
        "client": ("192.0.2.7", 4711),
        "headers": [HOST, *headers],
    }


def test_variables_are_those_of_pep_3333() -> None:
    environ = environ_of(scope((b"content-type", b"a/b"), (b"x-new", b"caf\xe9"), query=b"c=%2F"))
    expected = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/a b",
        "RAW_URI": "/a%20b?c=%2F",
        "QUERY_STRING": "c=%2F",
        "REMOTE_ADDR": "192.0.2.7",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": "a/b",
        "HTTP_X_NEW": "café",
        "wsgi.url_scheme": "https",
    }
    assert environ | expected == environ


def test_bytes_in_the_path_that_are_not_utf_8_are_kept() -> None:
    assert environ_of(scope(path=b"/%ff%2F"))["PATH_INFO"] == "/\xff/"


def test_a_name_with_an_underscore_is_dropped() -> None:
    environ = environ_of(scope((b"x_original_uri", b"/evil"), (b"x-original-uri", b"/good")))
    assert environ["HTTP_X_ORIGINAL_URI"] == "/good"


@pytest.mark.parametrize(
    "name", [b"host", b"x-original-method", b"x-original-uri", b"x-forwarded-method", b"x-forwarded-uri"]
)
def test_a_header_that_decides_may_be_sent_only_once(name: bytes) -> None:
    with pytest.raises(RefusedRequest, match=f"Send {name.decode()} only once"):
        environ_of(scope((name, b"GET"), (name, b"GET")))


def test_http_1_1_without_a_host_is_refused_and_http_1_0_is_not() -> None:
    without = scope() | {"headers": []}
    with pytest.raises(RefusedRequest, match="requires a Host header"):
        environ_of(without)
    assert "HTTP_HOST" not in environ_of(without | {"http_version": "1.0"})


def test_other_repeated_headers_are_joined() -> None:
    environ = environ_of(scope((b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-for", b"192.0.2.2")))
    assert environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.1,192.0.2.2"


@pytest.mark.parametrize("path", [b"http://localhost/health", b"*", b"localhost:80", b""])
def test_a_target_that_is_not_a_path_is_refused(path: bytes) -> None:
    with pytest.raises(RefusedRequest, match="must begin with /"):
        environ_of(scope(path=path))


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"chunked, chunked", b"identity"])
def test_transfer_codings_other_than_chunked_are_refused(coding: bytes) -> None:
    with pytest.raises(RefusedRequest) as refused:
        environ_of(scope((b"transfer-encoding", coding)))
    assert refused.value.status == 501
    assert "HTTP_TRANSFER_ENCODING" not in environ_of(scope((b"transfer-encoding", b"Chunked")))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [(b"content-length", b"0", False), (b"content-length", b"10", True), (b"transfer-encoding", b"x", True)],
)
def test_a_body_follows_a_length_or_a_transfer_coding(name: bytes, value: bytes, expected: bool) -> None:
    assert has_body(scope((name, value))) is expected
