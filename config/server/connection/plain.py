"""How a connection answers plain requests from memory, without gunicorn's parser."""

from typing import TYPE_CHECKING, Any

from gunicorn.asgi.protocol import _CACHED_SERVER_HEADER, _get_cached_date_header

from config.server.answers import WrittenAnswer
from config.server.connection.head import HeadConnection

if TYPE_CHECKING:
    from config.server.worker import Worker


class PlainConnection(HeadConnection):
    """Answers plain requests; all other bytes go to gunicorn's parser."""

    _server: Any
    _client: Any

    def __init__(self, worker: "Worker") -> None:
        super().__init__(worker)
        self._last_plain_answer = 0.0  # when it was sent, on the clock of the loop

    def data_received(self, data: bytes) -> None:
        if not self._closed and self._expects_a_request and self._answer_plain_request(data):
            return
        super().data_received(data)

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

    def _answer_plain_request(self, data: bytes) -> bool:
        """Answer a plain request from memory. Returns False if that is impossible."""
        answer = self._from_memory(data)
        if answer is None:
            return False
        self._last_plain_answer = self.worker.loop.time()
        self._wait_for_client()
        if self._head_timer is not None:
            self._stop_head_timer()
            self._arm_keepalive_timer()
        lines = (answer.head, _CACHED_SERVER_HEADER, _get_cached_date_header(), b"\r\n", answer.body)
        self._safe_write(b"".join(lines))
        return True

    def _from_memory(self, data: bytes) -> WrittenAnswer | None:
        try:
            return self.app.answer_plain(data, self._server, self._client)
        except Exception:  # a bug: the edge will meet it again when it handles the request, and log it
            return None

    def _keepalive_timeout(self) -> None:
        """Close the connection, unless plain requests have come since the timer was set."""
        left = self._last_plain_answer + self._keepalive - self.worker.loop.time()
        if left > 0 and not self.worker.is_stopping:
            self._keepalive_handle = self.worker.loop.call_later(left, self._keepalive_timeout)
        else:
            super()._keepalive_timeout()
