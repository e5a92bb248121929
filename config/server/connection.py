"""One connection: gunicorn's parser and answers, with deadlines, and refusals in the form of all others.

It overrides and uses private methods of gunicorn's class; tests/config/server/test_gunicorn.py fails when
one of them changes.
"""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gunicorn.asgi.parser import InvalidChunkSize
from gunicorn.asgi.protocol import ASGIProtocol, _get_cached_date_header, _get_cached_status_line

from config.server.answers import Answer, refusal
from config.server.limits import HEAD_SECONDS, LINGER_SECONDS, MOST_CHUNKS, MOST_HEAD, READ_SECONDS
from config.server.plain import plain_scope

if TYPE_CHECKING:
    from config.server.worker import Application, Worker

HTTP_1_1 = (1, 1)
SOON_SECONDS = 0.01
CODES = {400: "invalid_request", 408: "request_timeout", 414: "too_large", 431: "too_large"}
CHUNKS = "The chunks of the body are malformed, or end too early."
SMALL_CHUNKS = "The chunks of the body are too small. Send fewer and larger ones, or a Content-Length."
LATE_HEAD = f"The head of the request did not arrive within {HEAD_SECONDS:.0f} seconds."
LARGE_HEAD = f"The head of the request is larger than {MOST_HEAD // 1024} KiB."


class Plain:
    """What gunicorn looks at of a request when it begins an answer."""

    version = HTTP_1_1


class Connection(ASGIProtocol):
    """Waits for the head of a request, has it answered, and waits for the next."""

    worker: "Worker"
    app: "Application"
    transport: asyncio.Transport
    _request_ready: asyncio.Event
    _callback_parser: Any
    _flow_control: Any
    _response_buffer: Any
    _current_request: Any

    def __init__(self, worker: "Worker") -> None:
        super().__init__(worker)
        self._head_timer: asyncio.TimerHandle | None = None  # set while a head is read
        self._end_timer: asyncio.TimerHandle | None = None  # set while its client has to take an answer
        self._head_size = self._chunks = 0
        self._answered = 0.0  # when the last plain request was answered
        self._has_ended = False  # its client says no more

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._server, self._client = (transport.get_extra_info(name) for name in ("sockname", "peername"))
        self._wait_for_head()
        self.worker.make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._stop_end_timer()
        self._stop_waiting()
        super().connection_lost(exc)
        self._request_ready.set()

    def end(self) -> None:
        """End it at once, whatever its client has not taken yet."""
        self._stop_waiting()
        self.transport.abort()

    @property
    def is_idle(self) -> bool:
        """Whether it has no request, or not the whole head of one."""
        return self._current_request is None and not self._closed

    # The head of a request

    def _wait_for_head(self) -> None:
        self._head_size = len(self._callback_parser._buffer)
        self._head_timer = self.worker.loop.call_later(HEAD_SECONDS, self._head_is_late)
        self._start_waiting()

    def _start_waiting(self) -> None:
        """Its client has to do something now: while it does not, newer connections may take its place."""
        self._stop_waiting()
        self.worker.waiting[self] = None  # as the last one

    def _stop_waiting(self) -> None:
        self.worker.waiting.pop(self, None)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        if self._has_begun():
            self._send_error_response(408, LATE_HEAD)
        self._close_transport()

    def _arm_keepalive_timer(self) -> None:
        """The last request has been answered, and the head of the next one is not there, or not all of it."""
        if self._has_ended:
            self._close_transport()
        elif self._has_begun():
            self._wait_for_head()
        else:
            super()._arm_keepalive_timer()
            self._start_waiting()

    def _has_begun(self) -> bool:
        """Whether a part of the head is there: the parser takes whole lines out of its buffer."""
        parser = self._callback_parser
        return bool(parser._buffer) or parser._state != "request_line"

    def data_received(self, data: bytes) -> None:
        if self._closed:
            return  # after the last answer
        if self._expects_a_request and self._answer_at_once(data):
            return
        if self._keepalive_handle is not None:
            self._cancel_keepalive_timer()
            self._wait_for_head()
        super().data_received(data)
        if self._head_timer is not None:
            self._head_size += len(data)
            if self._head_size > MOST_HEAD:
                self._send_error_response(431, LARGE_HEAD)
                self._close_transport()

    @property
    def _expects_a_request(self) -> bool:
        """Whether nothing of the next request has come, and nothing of the last answer has still to go."""
        parser = self._callback_parser
        return (
            self._awaiting_request
            and parser._state == "request_line"
            and not parser._empty_line_skipped
            and not parser._buffer
            and not self._flow_control.write_paused
            and not self.worker.is_stopping
        )

    def _answer_at_once(self, data: bytes) -> bool:
        """Answer a plain request from memory, and return whether that was possible."""
        scope = plain_scope(data, self._server, self._client)
        answer = self._at_once(scope) if scope else None
        if answer is None:
            return False
        self._answered = self.worker.loop.time()
        self._start_waiting()
        if self._head_timer is not None:
            self._stop_head_timer()
            super()._arm_keepalive_timer()
        self._send_response_start(answer.status, answer.lines, Plain)
        self._safe_write(self._response_buffer + answer.body)
        self._response_buffer = None
        return True

    def _at_once(self, scope: dict[str, Any]) -> Answer | None:
        try:
            return self.app.at_once(scope)
        except Exception:  # a bug: the edge meets it again on the way of all other requests, and logs it
            return None

    def _keepalive_timeout(self) -> None:
        """Close the connection, unless a plain request has come since the timer was set."""
        left = self._answered + self._keepalive - self.worker.loop.time()
        if left > 0 and not self.worker.is_stopping:
            self._keepalive_handle = self.worker.loop.call_later(left, self._keepalive_timeout)
        else:
            super()._keepalive_timeout()

    def _feed_callback_parser(self, data: bytes) -> Any:
        try:
            goes_on = super()._feed_callback_parser(data)
        except ValueError:  # int() takes no Content-Length of more than 4,300 digits
            self._send_error_response(400, "The head of the request is malformed.")
            self._close_transport()
            return False
        if self._has_ended:
            self._expect_no_more()
        return goes_on

    def _on_headers_complete(self) -> Any:
        self._stop_head_timer()
        self._chunks = 0
        return super()._on_headers_complete()

    def _is_websocket_upgrade(self, request: Any) -> bool:
        return False  # there are none here: an Upgrade is passed over (RFC 9110 section 7.8)

    # Its body

    def _on_body(self, chunk: bytes) -> None:
        self._chunks += 1
        if self._chunks > MOST_CHUNKS and self._current_request.chunked:
            raise InvalidChunkSize(SMALL_CHUNKS)
        super()._on_body(chunk)

    def _on_message_complete(self) -> None:
        self._stop_waiting()
        super()._on_message_complete()

    def eof_received(self) -> bool:
        """The client says no more, and may wait for its answer: without this, asyncio would hang up."""
        self._has_ended = True
        if self._closed:
            self.transport.close()
        elif self.is_idle:
            self._close_transport()
        else:
            self._expect_no_more()
        return True

    def _expect_no_more(self) -> None:
        """Have a body that has not arrived in full refused, once what has arrived is read."""
        receiver = self._body_receiver
        if receiver is None or receiver._complete or self._closed:
            return
        if receiver._chunks:
            self.worker.loop.call_later(SOON_SECONDS, self._expect_no_more)
        else:
            receiver._body_wait_expired = True
            receiver._wake_waiter()

    # Its answer

    def _will_close(self, request: Any, response_requires_close: bool) -> bool:
        """Whether this answer is the last: always in HTTP/1.0, where a body may have no other end."""
        is_last = self.worker.is_stopping or request.version < HTTP_1_1
        return is_last or super()._will_close(request, response_requires_close)

    def _send_response_start(self, status: int, headers: Any, request: Any, close: bool = False) -> None:
        if (b"Connection", b"close") in headers:
            self._keepalive = 0
        super()._send_response_start(status, headers, request, close)

    def _send_error_response(self, status: int, message: str, extra_headers: Any = ()) -> None:
        """Refuse, as a problem document, what is no request, or a body that is no body."""
        if status == 400 and self._current_request is not None:
            answer = refusal(400, "parse_error", SMALL_CHUNKS if message == SMALL_CHUNKS else CHUNKS)
        else:
            answer = refusal(status, CODES.get(status, "server_error"), ascii(message)[1:-1][:200])
        head = [_get_cached_status_line(HTTP_1_1, status), _get_cached_date_header()]
        head += [b"%b: %b\r\n" % line for line in (*answer.lines, (b"Connection", b"close"))]
        self._safe_write(b"".join([*head, b"\r\n", answer.body]))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_waiting()
        self._end_in(READ_SECONDS)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self._closed:
            self._stop_end_timer()
        if not self._closed and not self.is_idle:
            self._stop_waiting()

    # Its end

    def _close_transport(self) -> None:
        """Say that nothing follows, and close when the client does: a reset could take its answer away."""
        if self._closed:
            return
        self._closed = True
        self._stop_head_timer()
        self._cancel_keepalive_timer()
        self._start_waiting()
        self._resume_reading()
        with suppress(OSError):  # its client may have gone meanwhile
            self.transport.write_eof()
        self._end_in(READ_SECONDS if self.transport.get_write_buffer_size() else LINGER_SECONDS)
        if self._has_ended:
            self.transport.close()
        self._request_ready.set()

    def _end_in(self, seconds: float) -> None:
        self._stop_end_timer()
        self._end_timer = self.worker.loop.call_later(seconds, self.end)

    def _stop_end_timer(self) -> None:
        if self._end_timer is not None:
            self._end_timer.cancel()
            self._end_timer = None
