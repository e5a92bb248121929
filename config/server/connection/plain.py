"""How a connection answers plain requests, without gunicorn's parser: from memory at once, or in a thread."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, cast

from gunicorn.asgi.protocol import _CACHED_SERVER_HEADER, _get_cached_date_header

from config.server.answers import Answer, WrittenAnswer
from config.server.connection.head import HeadConnection
from config.server.edge import deliver
from config.server.limits import MAX_PIPELINED

if TYPE_CHECKING:
    from config.server.worker import Application, Worker

Answering = Coroutine[Any, Any, Answer]


class PlainConnection(HeadConnection):
    """Answers plain requests; all other bytes go to gunicorn's parser."""

    _server: Any
    _client: Any
    _scheme_headers: Mapping[bytes, bytes]

    def __init__(self, worker: "Worker") -> None:
        super().__init__(worker)
        self._last_plain = 0.0  # when it came or was answered, on the clock of the loop
        self._in_thread: asyncio.Task[None] | None = None
        self._next_request = b""  # what has come of it before the request in a thread is answered

    @property
    def is_idle(self) -> bool:
        return super().is_idle and self._in_thread is None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._in_thread is not None:
            self._in_thread.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_thread is not None and not self._closed:
            self._keep_for_later(data)
        elif self._closed or not self._expects_a_request or not self._answer_plain(data):
            super().data_received(data)

    def _keep_for_later(self, data: bytes) -> None:
        self._next_request += data
        if len(self._next_request) > MAX_PIPELINED:
            self._pause_reading()

    @property
    def _expects_a_request(self) -> bool:
        """Whether no part of the next request is here, and the last answer has been handed to the system."""
        parser = self._callback_parser
        return (
            self._awaiting_request
            and parser._state == "request_line"
            and not parser._empty_line_skipped
            and not parser._buffer
            and not self._flow_control.write_paused
            and not self.worker.is_stopping
        )

    def _answer_plain(self, data: bytes) -> bool:
        """Answer a plain request, or begin to. Returns False, and has done nothing, for anything else."""
        answer = self._answer_of(data)
        if answer is None:
            return False
        self._expect_next()
        if isinstance(answer, WrittenAnswer):
            self._send(answer)
        else:
            self._stop_waiting_for_client()
            self._in_thread = self.worker.loop.create_task(self._finish(data, answer))
        return True

    def _answer_of(self, data: bytes) -> WrittenAnswer | Answering | None:
        try:
            return self.app.answer_plain(data, self._server, self._client, self._scheme_headers)
        except Exception:  # a bug: the edge will meet it again when it handles the request, and log it
            return None

    def _expect_next(self) -> None:
        self._last_plain = self.worker.loop.time()
        self._wait_for_client()
        if self._head_timer is not None:
            self._stop_head_timer()
            self._arm_keepalive_timer()

    async def _finish(self, data: bytes, answering: Answering) -> None:
        answer = await answering
        self._in_thread = None
        following, self._next_request = self._next_request, b""
        written = WrittenAnswer.of(answer) if answer.is_in_one_piece else None
        if written is None or written.is_malformed:
            self._leave_to_gunicorn(answer, data + following)
            return
        is_last = self.worker.is_stopping or (self._client_has_finished and not following)
        self._send(written, b"Connection: close\r\n" if is_last else b"")
        if is_last:
            self._close_transport()
            return
        self._expect_next()
        self._resume_reading()
        if following:
            self.data_received(following)
        if self._client_has_finished and self.is_idle:
            self._close_transport()  # nothing more comes, and nothing complete is left

    def _leave_to_gunicorn(self, answer: Answer, data: bytes) -> None:
        """Let gunicorn read `data`, and send this answer to the first request, as fast as it is read."""
        edge = self.app

        async def send_answer(scope: Any, receive: Any, send: Any) -> None:
            self.app = edge
            await deliver(answer, scope["method"], send)

        self.app = cast("Application", send_answer)
        super().data_received(data)

    def _send(self, answer: WrittenAnswer, more: bytes = b"") -> None:
        head = (answer.head, _CACHED_SERVER_HEADER, _get_cached_date_header(), more, b"\r\n")
        self._safe_write(b"".join((*head, answer.body)))

    def _keepalive_timeout(self) -> None:
        """Close the connection, unless plain requests have come since the timer was set."""
        left = self._last_plain + self._keepalive - self.worker.loop.time()
        if self._in_thread is not None or (left > 0 and not self.worker.is_stopping):
            self._keepalive_handle = self.worker.loop.call_later(max(left, 1), self._keepalive_timeout)
        else:
            super()._keepalive_timeout()
