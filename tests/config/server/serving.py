"""A worker that serves inside the tests' process, on a loop in a thread: its limits can be made small."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.sock import TCPSocket

from config.server.answers import Answer
from config.server.edge import Early, Edge
from config.server.worker import Worker
from config.wire.http.heads import Head

PATIENCE_SECONDS = 30
HOST = "127.0.0.1"
WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Any]


class Serving(NamedTuple):
    port: int
    worker: Worker
    thread: threading.Thread


def answers_in_a_thread(head: Head) -> Answer | None:
    return None


@contextmanager
def serving(
    application: WsgiApplication, connections: int = 100, keep: int = 60, early: Early = answers_in_a_thread
) -> Iterator[Serving]:
    """Serve a WSGI application behind the edge; stop as SIGTERM does."""
    config = Config()
    config.set("worker_connections", connections)
    config.set("http_parser", "python")
    config.set("keepalive", keep)
    log = Logger(config)
    listener = TCPSocket((HOST, 0), config, log)
    worker = Worker(0, os.getppid(), [listener], None, 0, config, log)
    worker.asgi = Edge(application, early, first=("/first",), passwords=("/hash",))
    thread = threading.Thread(target=_run, args=(worker,))
    thread.start()
    try:
        yield Serving(listener.sock.getsockname()[1], worker, thread)
    finally:
        if thread.is_alive():
            worker.loop.call_soon_threadsafe(worker.handle_exit_signal)
        thread.join()


def _run(worker: Worker) -> None:
    worker.loop = asyncio.new_event_loop()
    worker.run()


def connect(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=PATIENCE_SECONDS)


def all_of(connection: socket.socket) -> bytes:
    """What the server says until it hangs up."""
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


def get(path: str, *lines: str) -> bytes:
    head = [f"GET {path} HTTP/1.1", "Host: localhost", *lines]
    return "\r\n".join([*head, "", ""]).encode()
