"""A worker process: gunicorn's ASGI worker, with a limit on connections and a stop that loses no request."""

import asyncio
import os
import resource
import sys
from collections import Counter
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, Protocol

from gunicorn.workers.gasgi import ASGIWorker

from config.server.answers import Answer, WrittenAnswer
from config.server.connection.closing import ClosingConnection
from config.server.connection.connection import Connection
from config.server.limits import SPARE_FILES, SWITCH_SECONDS

HEARTBEAT_SECONDS = 1.0
IDLE_SECONDS = 1.0  # in which idle connections may bring one more request, whose answer says "close"
DRAIN_SECONDS = 15.0  # for all answers: more than the longest lease, less than STOP_SECONDS


class Application(Protocol):
    """The ASGI application, as far as a worker uses it directly."""

    def answer_plain(
        self, data: bytes, server: Any, client: Any, scheme_headers: Mapping[bytes, bytes]
    ) -> WrittenAnswer | Coroutine[Any, Any, Answer] | None: ...

    def stop(self) -> None: ...


class Worker(ASGIWorker):
    """Serves until SIGTERM, then answers all requests that it has, deferred answers included, and ends."""

    asgi: Application
    loop: asyncio.AbstractEventLoop

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cfg.set("asgi_disconnect_grace_period", 0)  # a request whose client is gone leaves its queue
        self.waiting_for_clients: dict[ClosingConnection, None] = {}  # the one that has waited longest first
        self._connections_of: Counter[str] = Counter()  # by the address of the peer
        self._stopping = asyncio.Event()

    def init_process(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        files = 2 * self.worker_connections + SPARE_FILES  # a connection may send a file
        if hard != resource.RLIM_INFINITY:
            files = min(files, hard)
        if resource.RLIM_INFINITY != soft < files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
        self.worker_connections = max((files - SPARE_FILES) // 2, 1)
        sys.setswitchinterval(SWITCH_SECONDS)
        super().init_process()

    def connection_opened(self, connection: ClosingConnection) -> None:
        """Count a connection. If there are too many, end one that waits for its client.

        That is the one that has waited longest, among those of the address that has the most.
        """
        self._connections_of[connection.address] += 1
        if self.nr_conns > self.worker_connections:
            largest = self._connections_of.most_common(1)[0][0]
            waiting = self.waiting_for_clients
            theirs = (each for each in waiting if each.address == largest)
            next(theirs, next(iter(waiting))).end()

    def connection_closed(self, connection: ClosingConnection) -> None:
        self._connections_of[connection.address] -= 1
        if not self._connections_of[connection.address]:
            del self._connections_of[connection.address]

    @property
    def is_stopping(self) -> bool:
        """Whether every answer closes its connection."""
        return self._stopping.is_set()

    def handle_exit_signal(self) -> None:
        self._stopping.set()  # `alive` stays true: else connections would end without a "Connection: close"

    def handle_quit_signal(self) -> None:
        super().handle_quit_signal()
        self._stopping.set()

    async def _serve(self) -> None:
        for listener in self.sockets:
            self.servers.append(
                await self.loop.create_server(
                    lambda: Connection(self), sock=listener.sock, backlog=self.cfg.backlog
                )
            )
        while not self.is_stopping and self.ppid == os.getppid():
            self.notify()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), HEARTBEAT_SECONDS)
        self._stopping.set()
        await self._shutdown()

    async def _shutdown(self) -> None:
        for server in self.servers:
            server.close()
        began = self.loop.time()
        while self.nr_conns and self.loop.time() < began + DRAIN_SECONDS and not self._quick_shutdown:
            if self.loop.time() > began + IDLE_SECONDS:
                self._end_idle()
            await asyncio.sleep(0.02)
        self.alive = False
        self.asgi.stop()

    def _end_idle(self) -> None:
        for connection in list(self.waiting_for_clients):
            if connection.is_idle:
                connection.end()
