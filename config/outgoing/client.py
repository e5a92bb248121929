"""Sends one HTTP request to an address that somebody else has chosen.

The host name is looked up once, every address that it has is judged, and one of the judged addresses is
connected to. So an attacker who changes the address in between (DNS rebinding) wins nothing. Proxy variables
are ignored, because a proxy would look the name up again. Redirects are not followed.
"""

import http.client
import io
import os
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from config.hosts import spell_host
from config.outgoing.addresses import is_listed, may_be_called
from config.outgoing.names import addresses_of
from config.program import VERSION

if TYPE_CHECKING:
    from typing_extensions import Buffer

MOST_HEAD = 64 * 1024  # bytes of an answer's head, with any interim answers before it
LONGEST_URL = 2_000
MOST_TRIED = 4  # addresses of one host
AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # variables that OpenSSL reads
PORTS = {"http": 80, "https": 443}


class OutgoingError(Exception):
    """A request got no answer. The message is one line, and names no address that a host name leads to."""


class BadAddress(OutgoingError):
    """The URL cannot be called, or leads to an address that may not be called."""


class Unreachable(OutgoingError):
    """The host could not be reached, or did not answer in time and in HTTP."""


class Answer(NamedTuple):
    """An answer to a request; `headers` have lower-case names. `is_whole`: nothing of the body is missing."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool


class Place(NamedTuple):
    """Where a URL leads; `target` is what follows the host."""

    scheme: str
    host: str
    port: int
    target: str


def fetch(
    url: str,
    *,
    networks: tuple[str, ...],
    most_bytes: int,
    seconds: float,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """Send a request, and return the answer with at most `most_bytes` of its body, within `seconds`.

    `networks` are addresses and networks that may be called although they are not public; only they may be
    called without TLS. Certificates are checked with the system's authorities, or those in SSL_CERT_FILE.
    Raises BadAddress and Unreachable.
    """
    place = place_of(url)
    ends_at = time.monotonic() + seconds
    try:
        addresses = addresses_of(place.host, place.port, seconds)
        _judge(place, addresses, networks)
        connection = _Connection(place, addresses, ends_at, MOST_HEAD + most_bytes)
        try:
            connection.request(method, place.target, body, _headers(headers))
            return _read(connection.getresponse(), most_bytes)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise Unreachable(_reason(error)) from error


def place_of(url: str) -> Place:
    """Return where a URL leads. Raises BadAddress for one that no request could be sent to."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise BadAddress(f"A URL has at most {LONGEST_URL} characters, all of them ASCII, and no spaces.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, spell_host(parts.hostname or "")
    except ValueError:
        raise BadAddress("The URL does not name a host.") from None
    if parts.scheme not in PORTS:
        raise BadAddress("The URL must begin with https://.")
    if parts.username is not None or parts.fragment:
        raise BadAddress("The URL must have no user name, no password and no part after #.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(parts.scheme, host.strip("[]"), PORTS[parts.scheme] if port is None else port, target)


def _judge(place: Place, addresses: list[str], networks: tuple[str, ...]) -> None:
    """Raise BadAddress unless every address of the host may be called."""
    if not all(may_be_called(each, networks) for each in addresses):
        raise BadAddress("The host is not public, and its network is not one that the operator allows.")
    if place.scheme != "https" and not all(is_listed(each, networks) for each in addresses):
        raise BadAddress("The URL must begin with https://.")


def _headers(given: Mapping[str, str] | None) -> dict[str, str]:
    return {"User-Agent": f"keyhouse/{VERSION}", **(given or {}), "Connection": "close"}


def _read(response: http.client.HTTPResponse, most: int) -> Answer:
    """Return the answer. A body that is longer than `most` bytes is cut there."""
    body = response.read(most + 1)
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, body[:most], len(body) <= most and not response.length)


def _reason(error: Exception) -> str:
    """Return why no answer came: a kind of failure, without any text that the other side sent."""
    match error:
        case TimeoutError():
            return "no answer in time"
        case socket.gaierror():
            return "the host name has no address"
        case ssl.SSLCertVerificationError():
            return f"the certificate is not valid: {error.verify_message}"
        case ssl.SSLError():
            return "no TLS connection"
        case ConnectionRefusedError():
            return "the connection was refused"
        case OSError():
            return "the connection failed"
        case _:
            return "the answer is not HTTP, or too large"


class _Connection(http.client.HTTPConnection):
    """Connects to the first judged address that takes the connection, and ends at a fixed time."""

    def __init__(self, place: Place, addresses: list[str], ends_at: float, most_bytes: int) -> None:
        super().__init__(place.host, place.port)
        self.default_port = PORTS[place.scheme]  # which is left out of the Host header
        self._place, self._addresses = place, addresses
        self._ends_at, self._most_bytes = ends_at, most_bytes

    def connect(self) -> None:
        plain = self._reached()
        try:
            plain.settimeout(_left(self._ends_at))
            secure = plain if self._place.scheme == "http" else self._wrapped(plain)
        except BaseException:
            plain.close()
            raise
        self.sock: Any = _Limited(secure, self._ends_at, self._most_bytes)

    def _reached(self) -> socket.socket:
        """Return a connection to the first address that can be reached; each has a share of the time."""
        *others, last = self._addresses[:MOST_TRIED]
        for number, address in enumerate(others):
            share = _left(self._ends_at) / (len(others) + 1 - number)
            with suppress(OSError):
                return socket.create_connection((address, self._place.port), share)
        return socket.create_connection((last, self._place.port), _left(self._ends_at))

    def _wrapped(self, plain: socket.socket) -> ssl.SSLSocket:
        """Return the connection with TLS, for the host's name: the one that SNI and the certificate have."""
        context = _context(*(os.environ.get(name) for name in AUTHORITIES))
        return context.wrap_socket(plain, server_hostname=self._place.host)


@cache
def _context(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Return how certificates are checked. Made once for each pair of AUTHORITIES: it takes 50 ms."""
    return ssl.create_default_context()


class _Limited:
    """What http.client uses of a socket. All use ends at a time, and after a number of bytes read."""

    def __init__(self, connected: socket.socket, ends_at: float, most_bytes: int) -> None:
        self._socket, self._ends_at, self._most_bytes = connected, ends_at, most_bytes

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(_left(self._ends_at))
            rest = rest[self._socket.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._socket, self._ends_at, self._most_bytes))

    def close(self) -> None:
        self._socket.close()


class _Reader(io.RawIOBase):
    """What arrives at a socket, in time and up to a number of bytes; open until it is read or closed."""

    def __init__(self, connected: socket.socket, ends_at: float, most_bytes: int) -> None:
        self._socket, self._ends_at, self._bytes_left = connected, ends_at, most_bytes
        self._file = connected.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        self._socket.settimeout(_left(self._ends_at))
        count = self._file.readinto(buffer) or 0
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise http.client.LineTooLong("answer")
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _left(ends_at: float) -> float:
    """Return the seconds that are left. Raises TimeoutError when there are none."""
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
