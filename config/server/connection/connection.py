"""One connection, from its beginning."""

import asyncio

from gunicorn.asgi.protocol import _RequestHeaderPolicy

from config.server.connection.answer import HTTP_1_1
from config.server.connection.plain import PlainConnection
from config.wire.http.client_ip import network_of_peer


class Connection(PlainConnection):
    """Waits for the head of a request, has it answered, and waits for the next one."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._server, self._client = (transport.get_extra_info(name) for name in ("sockname", "peername"))
        self._scheme_headers = self._believed_scheme_headers()
        self.address = network_of_peer(self._client[0]) if self._client else ""
        self._wait_for_head()
        self.worker.connection_opened(self)

    def _believed_scheme_headers(self) -> dict[bytes, bytes]:
        """Return the headers in which this peer may say that the client uses https, and how it says so."""
        policy = _RequestHeaderPolicy(self.cfg, self._client, "http", HTTP_1_1)
        believed, _ = policy._peer_trusted_for_forwarded()
        return {name.lower().encode(): value.encode() for name, value in believed.items()}

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.worker.connection_closed(self)
