"""How a connection reads the head of a request: with a deadline and a limit for its size."""

import asyncio
from typing import TYPE_CHECKING, Any

from gunicorn.asgi.parser import LimitRequestHeaders

from config.server.connection.body import BodyConnection
from config.server.limits import HEAD_SECONDS, MAX_HEAD, MAX_PIPELINED

if TYPE_CHECKING:
    from config.server.worker import Worker

LATE_HEAD = f"The head of the request did not arrive within {HEAD_SECONDS:.0f} seconds."
LARGE_HEAD = f"The head of the request is larger than {MAX_HEAD // 1024} KiB."
HEAD_STATES = {"request_line", "headers"}  # of gunicorn's parser


class HeadConnection(BodyConnection):
    """Reads heads, and keeps the connection open for the next one."""

    def __init__(self, worker: "Worker") -> None:
        super().__init__(worker)
        self._head_timer: asyncio.TimerHandle | None = None  # runs while a head is read
        self._head_size = 0

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._closed:
            return  # after the last answer
        if self._keepalive_handle is not None:
            self._cancel_keepalive_timer()
            self._wait_for_head()
        super().data_received(data)

    def _feed_callback_parser(self, data: bytes) -> Any:
        if self._callback_parser._state in HEAD_STATES:
            self._head_size += len(data)
        try:
            goes_on = super()._feed_callback_parser(data)
        except ValueError:  # int() refuses a Content-Length of more than 4,300 digits
            return self._refuse(400, "Content-Length is too long")
        if self._head_size > MAX_HEAD and not self._closed:
            return self._refuse(431, LARGE_HEAD)
        if goes_on and self._http1_buffered() > MAX_PIPELINED:
            self._pause_reading()  # gunicorn resumes reading with each of the requests that it has read ahead
        if self._client_has_finished:
            self._expect_no_more()
        return goes_on

    def _on_headers_complete(self) -> Any:
        size, self._head_size = self._head_size - len(self._callback_parser._buffer), 0
        if size > MAX_HEAD:
            raise LimitRequestHeaders(LARGE_HEAD)
        self._stop_head_timer()
        return super()._on_headers_complete()

    def _refuse(self, status: int, detail: str) -> bool:
        self._send_error_response(status, detail)
        self._close_transport()
        return False

    def _is_websocket_upgrade(self, request: Any) -> bool:
        return False  # a server may ignore Upgrade (RFC 9110 section 7.8)

    def _wait_for_head(self) -> None:
        self._head_timer = self.worker.loop.call_later(HEAD_SECONDS, self._head_is_late)
        self._wait_for_client()

    def _head_is_late(self) -> None:
        if self._head_has_begun():
            self._send_error_response(408, LATE_HEAD)
        self._close_transport()

    def _head_has_begun(self) -> bool:
        """Return whether a part of a head is here: the parser removes whole lines from its buffer."""
        parser = self._callback_parser
        return bool(parser._buffer) or parser._state != "request_line"

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _close_transport(self) -> None:
        self._stop_head_timer()
        super()._close_transport()

    def _arm_keepalive_timer(self) -> None:
        """The last request has been answered, and the head of the next one is not complete."""
        if self._client_has_finished:
            self._close_transport()
        elif self._head_has_begun():
            self._wait_for_head()
        else:
            super()._arm_keepalive_timer()
            self._wait_for_client()

    def eof_received(self) -> bool:
        """The client has finished sending, and may wait for an answer. Return True: else asyncio closes."""
        self._client_has_finished = True
        if self._closed:
            self.transport.close()
        elif self.is_idle:
            self._close_transport()
        else:
            self._expect_no_more()
        return True
