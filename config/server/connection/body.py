"""How a connection reads bodies: with a limit for chunks, and an end for half-closed clients."""

from typing import Any

from gunicorn.asgi.parser import InvalidChunkSize

from config.server.connection.answer import SMALL_CHUNKS, AnsweringConnection
from config.server.limits import MAX_CHUNKS

SOON_SECONDS = 0.01


class BodyConnection(AnsweringConnection):
    """Reads bodies, which config/server/body.py waits for."""

    _chunks = 0

    def _on_headers_complete(self) -> Any:
        self._chunks = 0
        return super()._on_headers_complete()

    def _on_body(self, chunk: bytes) -> None:
        self._chunks += 1
        if self._chunks > MAX_CHUNKS and self._current_request.chunked:
            raise InvalidChunkSize(SMALL_CHUNKS)
        super()._on_body(chunk)

    def _on_message_complete(self) -> None:
        if not self._flow_control.write_paused:  # else the client has to read an earlier answer
            self._stop_waiting_for_client()
        super()._on_message_complete()

    def _expect_no_more(self) -> None:
        """Refuse a body that is not complete, once everything that has arrived is read."""
        receiver = self._body_receiver
        if receiver is None or receiver._complete or self._closed:
            return
        if receiver._chunks:
            self.worker.loop.call_later(SOON_SECONDS, self._expect_no_more)
        else:
            receiver._body_wait_expired = True
            receiver._wake_waiter()
