"""Upstreams that switch protocols, and a client that continues in the new protocol."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

FORGED = b"forged"
SETTINGS, HEADERS = 4, 1
END = 0x5  # END_STREAM and END_HEADERS (RFC 9113 section 6.2)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame of HTTP/2 (RFC 9113 section 4.1)."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literals(**headers: str) -> bytes:
    """Headers as plain literals (RFC 7541 section 6.2.2); `_` stands for `-`, a first one for `:`."""
    pairs = [
        (name.replace("_", ":", 1) if name[0] == "_" else name, value) for name, value in headers.items()
    ]
    texts = [text.replace("_", "-").encode() for pair in pairs for text in pair]
    fields = [
        b"\x00" + _text(name) + _text(value) for name, value in zip(texts[::2], texts[1::2], strict=True)
    ]
    return b"".join(fields)


def _text(text: bytes) -> bytes:
    return bytes([len(text)]) + text


# What a client sends after the switch: an HTTP/2 request for a path that its key does not open.
HTTP2 = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    + frame(SETTINGS, 0, 0, b"")
    + frame(
        HEADERS,
        END,
        3,
        literals(_method="GET", _scheme="http", _path="/services/vault/gold", x_auth_subject="forged"),
    )
)
HTTP1 = b"GET /services/vault/gold HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Auth-Subject: forged\r\n\r\n"


@dataclass
class Upstream:
    """What an upstream answers to the head of a request, and each byte that has arrived, per connection."""

    answer: Callable[[bytes], bytes]
    address: str = ""
    arrived: list[bytearray] = field(default_factory=list)

    @property
    def all_bytes(self) -> bytes:
        return b"\n".join(self.arrived)


def speaks_h2c(head: bytes) -> bytes:
    """The answer of a server that takes the upgrade to HTTP/2 (RFC 7540 section 3.2), and its first frame."""
    lines = head.lower().split(b"\r\n")
    if b"upgrade: h2c" in lines and any(line.startswith(b"http2-settings:") for line in lines):
        return switch(b"Upgrade: h2c\r\nConnection: Upgrade\r\n") + frame(SETTINGS, 0, 0, b"")
    return OK


def switch(headers: bytes) -> bytes:
    return b"HTTP/1.1 101 Switching Protocols\r\n" + headers + b"\r\n"


def agrees(head: bytes) -> bytes:
    """A 101 to whatever the client wants to upgrade to, or to nothing."""
    wanted = [line for line in head.split(b"\r\n") if line.lower().startswith(b"upgrade:")]
    return switch(b"".join(line + b"\r\n" for line in wanted) + b"Connection: Upgrade\r\n")


@contextmanager
def upstream(answer: Callable[[bytes], bytes]) -> Iterator[Upstream]:
    """An upstream until the block ends; then all that had been sent to it has arrived."""
    state = Upstream(answer)

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            got = bytearray()
            state.arrived.append(got)
            answered = 0
            while data := _received(self.request):
                got += data
                while b"\r\n\r\n" in got[answered:]:
                    end = got.index(b"\r\n\r\n", answered) + 4
                    _send(self.request, state.answer(bytes(got[answered:end])))
                    answered = end

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        state.address = f"127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except (ConnectionResetError, TimeoutError):
        return b""


def _send(connection: socket.socket, data: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(data)


def go_on(port: int, head: bytes, more: bytes) -> bytes:
    """Send `head`, and `more` once something has come back; return what came until the other side closed.

    A proxy that takes the 101 for an ordinary answer waits for the rest of it and does not close. So half a
    second of silence ends this, too; what the upstream got is complete once the proxy has been stopped.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head)
        answer = _received(connection)
        _send(connection, more)
        _shut(connection)
        connection.settimeout(0.5)
        while data := _received(connection):
            answer += data
        return answer


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # the other side was first
        connection.shutdown(socket.SHUT_WR)
