"""How a connection ends: no client keeps one by being slow."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gunicorn.asgi.protocol import ASGIProtocol

from config.server.limits import LINGER_SECONDS, READ_SECONDS

if TYPE_CHECKING:
    from config.server.worker import Application, Worker


class ClosingConnection(ASGIProtocol):
    """Closes in two steps, and tells the worker whether it waits for its client."""

    worker: "Worker"
    app: "Application"
    transport: asyncio.Transport
    _request_ready: asyncio.Event
    _callback_parser: Any
    _flow_control: Any
    _response_buffer: Any
    _current_request: Any
    address = ""  # of the peer, or its /64

    def __init__(self, worker: "Worker") -> None:
        super().__init__(worker)
        self._end_timer: asyncio.TimerHandle | None = None  # runs while the client has to read an answer
        self._client_has_finished = False  # it has closed its half of the connection

    @property
    def is_idle(self) -> bool:
        """Whether no complete head of a request is here."""
        return self._current_request is None and not self._closed

    def end(self) -> None:
        """End the connection at once, even if the client has not read its answer."""
        self._stop_waiting_for_client()
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_end_timer()
        self._stop_waiting_for_client()
        super().connection_lost(exc)
        self._request_ready.set()

    def _wait_for_client(self) -> None:
        """The client has to act now: until it does, a newer connection may take the place of this one."""
        self._stop_waiting_for_client()
        self.worker.waiting_for_clients[self] = None  # as the last one

    def _stop_waiting_for_client(self) -> None:
        self.worker.waiting_for_clients.pop(self, None)

    def _close_transport(self) -> None:
        """Close our half, and the rest when the client does: a reset could destroy an answer on its way."""
        if self._closed:
            return
        self._closed = True
        self._cancel_keepalive_timer()
        self._wait_for_client()
        self._resume_reading()
        with suppress(OSError):  # the client may be gone
            self.transport.write_eof()
        self._end_in(READ_SECONDS if self.transport.get_write_buffer_size() else LINGER_SECONDS)
        if self._client_has_finished:
            self.transport.close()
        self._request_ready.set()

    def _end_in(self, seconds: float) -> None:
        self._stop_end_timer()
        self._end_timer = self.worker.loop.call_later(seconds, self.end)

    def _stop_end_timer(self) -> None:
        if self._end_timer is not None:
            self._end_timer.cancel()
            self._end_timer = None
