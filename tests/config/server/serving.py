"""A worker in the process of the tests, on a loop in a thread: tests can lower its limits."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.sock import TCPSocket

from config.server.answers import Answer, Unread, WrittenAnswer
from config.server.edge import Checks, Edge
from config.server.pools import Paths
from config.server.worker import Worker
from config.wire.http.heads import Head

PATIENCE_SECONDS = 30
PATHS = Paths(
    probes=("/probe",),
    checks=("/check", "/early"),
    passwords=("/password",),
    changes=("/api/",),
    queries=("/api/introspect",),
)
HOST = "127.0.0.1"
WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Any]


class Serving(NamedTuple):
    port: int
    worker: Worker
    edge: Edge
    thread: threading.Thread


async def tasks_begin() -> None:
    """Let the tasks that were created begin."""
    await asyncio.sleep(0)  # gives way to each of them once


def nothing(_: object) -> None:
    """Leave a request to the application."""


def nothing_together(checks: Sequence[Unread]) -> list[None]:
    return [None] * len(checks)


@contextmanager
def serving(
    application: WsgiApplication,
    connections: int = 100,
    keep_alive: int = 60,
    from_memory: Callable[[Head], Answer | Unread | None] = nothing,
    repeated: Callable[[bytes], WrittenAnswer | None] = nothing,
    together: Callable[[Sequence[Any]], Sequence[Answer | None]] = nothing_together,
) -> Iterator[Serving]:
    """Serve a WSGI application behind the edge; at the end of the block, stop as after SIGTERM."""
    config = Config()
    config.set("worker_connections", connections)
    config.set("http_parser", "python")
    config.set("keepalive", keep_alive)
    log = Logger(config)
    listener = TCPSocket((HOST, 0), config, log)
    worker = Worker(0, os.getppid(), [listener], None, 0, config, log)
    worker.asgi = edge = Edge(application, Checks(from_memory, repeated, together, nothing), PATHS)
    thread = threading.Thread(target=_run, args=(worker,))
    thread.start()
    try:
        yield Serving(listener.sock.getsockname()[1], worker, edge, thread)
    finally:
        if thread.is_alive():
            worker.loop.call_soon_threadsafe(worker.handle_exit_signal)
        thread.join()


def _run(worker: Worker) -> None:
    worker.loop = asyncio.new_event_loop()
    worker.run()


def connect(port: int, source: str = HOST) -> socket.socket:
    """Connect from an address of this machine; on Linux, all of 127.0.0.0/8 are."""
    return socket.create_connection((HOST, port), timeout=PATIENCE_SECONDS, source_address=(source, 0))


def all_of(connection: socket.socket) -> bytes:
    """Return everything that the server sends until it closes the connection."""
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


def get(path: str, *lines: str) -> bytes:
    head = [f"GET {path} HTTP/1.1", "Host: localhost", *lines]
    return "\r\n".join([*head, "", ""]).encode()
