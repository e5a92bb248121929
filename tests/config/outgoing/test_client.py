"""Requests to addresses that somebody else has chosen, sent to real servers on this machine."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from config.outgoing import names
from config.outgoing.client import Answer, BadAddress, OutgoingError, Unreachable, fetch, place_of
from tests.certificates import Certificates, certificates
from tests.config.outgoing.receiver import LOOPBACK, Receiver, receiving, reply

pytestmark = [pytest.mark.once, pytest.mark.requirement(150)]

LONGEST_TEST = 20  # seconds; a request that its own limit does not end fails its test by its thread


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusted(files: Certificates, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
    return files.server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def get(url: str, networks: tuple[str, ...] = LOOPBACK, seconds: float = LONGEST_TEST) -> Answer:
    return fetch(url, networks=networks, most_bytes=100, seconds=seconds)


def named(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let the resolver give these answers for names below example, one each time; return what it is asked."""
    asked, left, real = [], list(answers), socket.getaddrinfo

    def resolver(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if not host.endswith(".example"):
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return [each for address in left.pop(0) for each in real(address, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    return asked


def test_a_request_goes_out_over_tls_with_the_name_of_the_host(trusted: Path) -> None:
    with receiving(trusted) as receiver:
        answer = fetch(
            f"{receiver.url}?a=b",
            networks=LOOPBACK,
            most_bytes=100,
            seconds=LONGEST_TEST,
            method="POST",
            headers={"Content-Type": "application/json"},
            body=b"{}",
        )
    assert (answer.status, answer.body, answer.is_whole) == (200, b"thank you", True)
    assert answer.headers["content-length"] == "9"
    got = receiver.received[0]
    assert (got.method, got.path, got.body) == ("POST", "/hook?a=b", b"{}")
    assert got.headers["host"] == f"localhost:{receiver.port}"
    assert receiver.names == ["localhost"]


def test_a_certificate_of_another_name_is_refused(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, ["127.0.0.1"])
    with receiving(trusted) as receiver:
        with pytest.raises(Unreachable, match="certificate"):
            get(f"https://other.example:{receiver.port}/")
        assert receiver.received == []


def test_a_certificate_by_an_unknown_authority_is_refused(files: Certificates) -> None:
    with receiving(files.server) as receiver, pytest.raises(Unreachable, match="certificate"):
        get(receiver.url)
    assert receiver.received == []


def test_a_host_that_leads_inside_is_not_called(receiver: Receiver) -> None:
    for url in (receiver.url, receiver.url.replace("localhost", "127.0.0.1")):
        for scheme in ("http", "https"):
            with pytest.raises(BadAddress, match="not public"):
                get(url.replace("http", scheme, 1), networks=("10.0.0.0/8",))
    assert receiver.received == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "017700000001", "127.1", "[::ffff:127.0.0.1]"])
def test_other_spellings_of_loopback_are_not_called(host: str) -> None:
    with pytest.raises(BadAddress):
        get(f"https://{host}/", networks=())


def test_the_address_that_was_judged_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second answer of the name would be refused."""
    asked = named(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
    assert get(f"http://turns.example:{receiver.port}/").status == 200
    assert asked == ["turns.example"]
    with pytest.raises(BadAddress, match="not public"):
        get(f"http://turns.example:{receiver.port}/")


def test_one_bad_address_among_good_ones_refuses_the_host(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, ["127.0.0.1", "10.0.0.1"])
    with pytest.raises(BadAddress, match="not public"):
        get(f"http://both.example:{receiver.port}/")
    assert receiver.received == []


def test_the_next_address_is_tried_when_one_takes_no_connection(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    assert get(f"http://two.example:{receiver.port}/").status == 200


def test_a_public_address_is_called_with_tls_only(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, ["8.8.8.8"])
    with pytest.raises(BadAddress, match="https"):
        get("http://public.example/")


def test_variables_for_proxies_are_ignored(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert get(receiver.url).status == 200


def test_a_redirect_is_an_answer_and_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda handler: reply(handler, b"", 302, Location=receiver.url)
    assert get(receiver.url).status == 302
    assert len(receiver.received) == 1


def test_a_long_body_is_cut(receiver: Receiver) -> None:
    receiver.answer = lambda handler: reply(handler, b"x" * 101)
    answer = get(receiver.url)
    assert (len(answer.body), answer.is_whole) == (100, False)
    receiver.answer = lambda handler: reply(handler, b"x" * 100)
    assert get(receiver.url).is_whole


def test_a_body_that_ends_too_early_is_not_whole(receiver: Receiver) -> None:
    receiver.answer = lambda handler: reply(handler, b"{", 200, **{"Content-Length": "2"})
    assert not get(receiver.url).is_whole


def endless_headers(handler: BaseHTTPRequestHandler) -> None:
    with suppress(OSError):
        while True:
            handler.wfile.write(b"HTTP/1.1 100 Continue\r\nA: " + b"x" * 1000 + b"\r\n\r\n")


def no_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"220 mail.example.org ESMTP\r\n")


@pytest.mark.parametrize("answer", [endless_headers, no_http])
def test_an_answer_that_is_no_http_or_has_no_end_is_given_up(
    receiver: Receiver, answer: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    receiver.answer = answer
    with pytest.raises(Unreachable, match="not HTTP, or too large"):
        get(receiver.url)


def drops_of(parts: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer that begins with `parts` and then goes on with a byte every now and then, each in time."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(parts)
        with suppress(OSError):
            while True:
                handler.wfile.write(b"x")
                time.sleep(0.02)  # the pause of a slow server, which is the subject

    return answer


@pytest.mark.parametrize("parts", [b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nA: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_the_time_counts_for_the_whole_answer(receiver: Receiver, parts: bytes) -> None:
    receiver.answer = drops_of(parts)
    with pytest.raises(Unreachable, match="in time"):
        fetch(receiver.url, networks=LOOPBACK, most_bytes=10_000, seconds=0.2)


def test_the_time_counts_for_a_server_that_says_nothing(trusted: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for scheme in ("http", "https"):
            with pytest.raises(Unreachable, match="in time"):
                get(f"{scheme}://localhost:{silent.getsockname()[1]}/", seconds=0.2)


def test_the_time_counts_for_looking_up_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait() and [])
    free = threading.BoundedSemaphore(2)
    monkeypatch.setattr(names, "_free", free)
    for _ in range(3):  # the third finds both threads taken
        with pytest.raises(Unreachable, match="in time"):
            get("https://slow.example/", seconds=0.05)
    ended.set()
    assert all(free.acquire(timeout=LONGEST_TEST) for _ in range(2))


def test_no_message_names_the_address_behind_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, ["10.11.12.13"], ["127.0.0.1"])
    for networks in ((), LOOPBACK):
        with pytest.raises(OutgoingError) as caught:
            get("https://inside.example:1/", networks)
        assert "10.11" not in str(caught.value)
        assert "127.0" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "//example.org/",
        "example.org",
        "https://",
        "https://user@example.org/",
        "https://user:password@example.org/",
        "https://example.org/#part",
        "https://example.org:70000/",
        "https://example.org:a/",
        "https://[::1/",
        "https://exa mple.org/",
        "https://example.org/\r\nHost: inside",
        "https://example.org\\.inside/",
        "https://bücher.example/",
        "https://example.org/" + "a" * 2_000,
    ],
)
def test_a_url_that_names_no_place_is_refused(url: str) -> None:
    with pytest.raises(BadAddress):
        place_of(url)


def test_a_url_is_read_in_one_way() -> None:
    assert place_of("https://Example.ORG.:8443?a=b") == ("https", "example.org", 8443, "/?a=b")
    assert place_of("https://[2001:DB8::1]/x") == ("https", "2001:db8::1", 443, "/x")
