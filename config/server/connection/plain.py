"""How a connection answers plain requests from memory, without gunicorn's parser."""

from typing import TYPE_CHECKING, Any

from config.server.answers import Answer
from config.server.connection.answer import HTTP_1_1
from config.server.connection.head import HeadConnection
from config.server.connection.plain_head import plain_scope

if TYPE_CHECKING:
    from config.server.worker import Worker


class PlainRequest:
    """What gunicorn reads of a request when it begins an answer."""

    version = HTTP_1_1


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
        scope = plain_scope(data, self._server, self._client)
        answer = self._from_memory(scope) if scope else None
        if answer is None:
            return False
        self._last_plain_answer = self.worker.loop.time()
        self._wait_for_client()
        if self._head_timer is not None:
            self._stop_head_timer()
            self._arm_keepalive_timer()
        self._send_response_start(answer.status, answer.lines, PlainRequest)
        self._safe_write(self._response_buffer + answer.body)
        self._response_buffer = None
        return True

    def _from_memory(self, scope: dict[str, Any]) -> Answer | None:
        try:
            return self.app.answer_from_memory(scope)
        except Exception:  # a bug: the edge will meet it again when it handles the request, and log it
            return None

    def _keepalive_timeout(self) -> None:
        """Close the connection, unless plain requests have come since the timer was set."""
        left = self._last_plain_answer + self._keepalive - self.worker.loop.time()
        if left > 0 and not self.worker.is_stopping:
            self._keepalive_handle = self.worker.loop.call_later(left, self._keepalive_timeout)
        else:
            super()._keepalive_timeout()
