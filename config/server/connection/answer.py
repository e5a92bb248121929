"""How a connection sends answers: with a deadline for the client, and refusals as problem documents."""

from typing import Any

from gunicorn.asgi.protocol import _get_cached_date_header, _get_cached_status_line

from config.server import observed
from config.server.answers import refusal
from config.server.connection.closing import ClosingConnection
from config.server.environ import UNSUPPORTED_CODING
from config.server.limits import READ_SECONDS

HTTP_1_1 = (1, 1)
CODES = {
    400: "invalid_request",
    408: "request_timeout",
    414: "too_large",
    431: "too_large",
    501: "not_implemented",
}
MALFORMED_CHUNKS = "The chunks of the body are malformed or end too early."
SMALL_CHUNKS = "The chunks of the body are too small. Send fewer and larger ones, or a Content-Length."


def _detail(status: int, message: str) -> str:
    """Return what is wrong with a head; gunicorn's message may be nothing but the text that it refuses."""
    printable = ascii(message)[1:-1][:200]
    if status == 400:
        return f"The head of the request is malformed{printable and f': {printable}'}."
    return UNSUPPORTED_CODING if status == 501 else printable


class AnsweringConnection(ClosingConnection):
    """Sends answers."""

    def _will_close(self, request: Any, response_requires_close: bool) -> bool:
        """Return whether this answer is the last. In HTTP/1.0 it always is: a body may have no other end."""
        is_last = self.worker.is_stopping or request.version < HTTP_1_1
        return is_last or super()._will_close(request, response_requires_close)

    def _send_response_start(self, status: int, headers: Any, request: Any, close: bool = False) -> None:
        if (b"Connection", b"close") in headers:
            self._keepalive = 0
        super()._send_response_start(status, headers, request, close)

    def _send_error_response(self, status: int, message: str, extra_headers: Any = ()) -> None:
        """Send a problem document about bytes that gunicorn's parser refuses."""
        if status == 400 and self._current_request is not None:
            answer = refusal(
                400, "parse_error", SMALL_CHUNKS if message == SMALL_CHUNKS else MALFORMED_CHUNKS
            )
        else:
            answer = refusal(status, CODES.get(status, "server_error"), _detail(status, message))
        observed.refused(answer, self.transport.get_extra_info("peername"))
        head = [_get_cached_status_line(HTTP_1_1, status), _get_cached_date_header()]
        head += [b"%b: %b\r\n" % line for line in (*answer.lines, (b"Connection", b"close"))]
        self._safe_write(b"".join([*head, b"\r\n", answer.body]))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_client()
        self._end_in(READ_SECONDS)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._closed:
            return
        self._stop_end_timer()
        if not self.is_idle:
            self._stop_waiting_for_client()
