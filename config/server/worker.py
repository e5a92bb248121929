"""A process that serves: gunicorn's ASGI worker, with a limit of connections, and a stop without losses."""

import asyncio
import os
import resource
import sys
from contextlib import suppress
from typing import Any, Protocol

from gunicorn.workers.gasgi import ASGIWorker

from config.server.answers import Answer
from config.server.connection import Connection
from config.server.limits import SPARE_FILES, SWITCH_SECONDS

TICK = 1.0  # seconds between two signs of life
LAST_WORD = 1.0  # seconds in which kept connections may bring one more request, whose answer says "close"
LAST_WAIT = 15.0  # seconds for all answers: more than the longest lease, less than STOP_SECONDS


class Application(Protocol):
    """What answers plain requests at once if it can, and says when it has done all work."""

    def at_once(self, scope: dict[str, Any]) -> Answer | None: ...

    def stop(self) -> None: ...


class Worker(ASGIWorker):
    """Serves until SIGTERM; then answers what it has, held answers too, before it ends."""

    asgi: Application
    loop: asyncio.AbstractEventLoop

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: dict[Connection, None] = {}  # for what their clients do, since longest first
        self._stopping = asyncio.Event()

    def init_process(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        files = 2 * self.worker_connections + SPARE_FILES  # each connection, and a file that is sent on it
        if hard != resource.RLIM_INFINITY:
            files = min(files, hard)
        if resource.RLIM_INFINITY != soft < files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
        self.worker_connections = max((files - SPARE_FILES) // 2, 1)
        sys.setswitchinterval(SWITCH_SECONDS)
        super().init_process()

    def make_room(self) -> None:
        """End the connection that has waited longest for its client if there are more than may be."""
        if self.nr_conns > self.worker_connections:
            next(iter(self.waiting)).end()

    @property
    def is_stopping(self) -> bool:
        """Whether each answer says that its connection ends with it."""
        return self._stopping.is_set()

    def handle_exit_signal(self) -> None:
        self._stopping.set()  # `alive` stays: without it, connections end whose last answer did not say so

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
                await asyncio.wait_for(self._stopping.wait(), TICK)
        self._stopping.set()
        await self._shutdown()

    async def _shutdown(self) -> None:
        for server in self.servers:
            server.close()
        began = self.loop.time()
        while self.nr_conns and self.loop.time() < began + LAST_WAIT and not self._quick_shutdown:
            if self.loop.time() > began + LAST_WORD:
                self._end_idle()
            await asyncio.sleep(0.02)
        self.alive = False
        self.asgi.stop()

    def _end_idle(self) -> None:
        for connection in list(self.waiting):
            if connection.is_idle:
                connection.end()
