"""Load on a server of this machine: keep-alive connections that send and receive bytes, and little else."""

import re
import selectors
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import NamedTuple, cast

CONNECTIONS = 16
PATIENCE_SECONDS = 20
Key = selectors.SelectorKey
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
LAST = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)  # nginx: after 1,000 requests


class Load(NamedTuple):
    """How many requests a second were answered, and which part of one core it took to ask.

    `p50` and `p99` are how long answers took (ms), with as many requests at once as there are connections;
    `processor` is what the server's processes took for one (µs), where somebody has looked.
    """

    rate: float
    client_share: float
    answers: int = 0
    p50: float = 0
    p99: float = 0
    processor: float = 0


@dataclass
class Talk:
    """A connection to a port: what has come of its present answer, and when it was asked for."""

    port: int
    answer: bytearray = field(default_factory=bytearray)
    asked_at: float = 0


def message(port: int, path: str, lines: Sequence[str]) -> bytes:
    """Return a GET request in the bytes that go over the wire."""
    text = "".join(f"{line}\r\n" for line in (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *lines))
    return f"{text}Accept: */*\r\n\r\n".encode()


def drive(port: int, messages: Sequence[bytes], status: int, seconds: float, *, again: bool) -> Load:
    """Send the messages to 127.0.0.1 over 16 connections, for so long at most; each once, or again and again.

    Raises RuntimeError for an answer with another status, and TimeoutError if none comes.
    """
    waiting = cycle(messages) if again else islice(messages, None)
    expected = b"HTTP/1.1 %d " % status
    took: list[float] = []
    with selectors.DefaultSelector() as selector:
        for _ in range(CONNECTIONS):
            _connect(selector, Talk(port))
        start, processor = time.perf_counter(), time.process_time()
        for key in list(selector.get_map().values()):
            _send_next(selector, key, waiting)
        while selector.get_map():
            for key, _ in selector.select(PATIENCE_SECONDS) or _nothing_came():
                if _is_complete(key, expected):
                    took.append(time.perf_counter() - key.data.asked_at)
                    late = time.perf_counter() - start > seconds
                    _send_next(selector, key, iter(()) if late else waiting)
        clock, busy = time.perf_counter() - start, time.process_time() - processor
        percentiles = statistics.quantiles(took, n=100)
        return Load(
            len(took) / clock, busy / clock, len(took), 1000 * percentiles[49], 1000 * percentiles[98]
        )


def _nothing_came() -> list[tuple[Key, int]]:
    raise TimeoutError(f"no answer within {PATIENCE_SECONDS} s")


def _connect(selector: selectors.BaseSelector, talk: Talk) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", talk.port), PATIENCE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(connection, selectors.EVENT_READ, talk)
    return connection


def _send_next(selector: selectors.BaseSelector, key: Key, waiting: Iterator[bytes]) -> None:
    """Send the next message on this connection, or on a new one if the server ends this one.

    Close it if there is no message left.
    """
    connection = cast(socket.socket, key.fileobj)
    following = next(waiting, None)
    is_over = LAST.search(key.data.answer) is not None
    if following is None or is_over:
        selector.unregister(connection)
        connection.close()
    if following is not None:
        if is_over:
            connection = _connect(selector, key.data)
        key.data.answer.clear()
        key.data.asked_at = time.perf_counter()
        connection.sendall(following)


def _is_complete(key: Key, expected: bytes) -> bool:
    """Receive what has come, and say whether the answer is complete with it."""
    received = cast(socket.socket, key.fileobj).recv(65536)
    answer: bytearray = key.data.answer
    answer.extend(received)
    if not received or not answer.startswith(expected[: len(answer)]):
        raise RuntimeError(f"expected {expected.decode()!r}, got {bytes(answer[:40])!r}")
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    length = LENGTH.search(answer, 0, head + 2)
    if length is None:  # chunked
        return answer[head + 4 :].endswith(b"0\r\n\r\n")
    return len(answer) >= head + 4 + int(length[1])
