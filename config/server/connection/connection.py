"""One connection, from its beginning."""

import asyncio

from config.server.connection.plain import PlainConnection
from config.wire.http.client_ip import network_of_peer


class Connection(PlainConnection):
    """Waits for the head of a request, has it answered, and waits for the next one."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._server, self._client = (transport.get_extra_info(name) for name in ("sockname", "peername"))
        self.address = network_of_peer(self._client[0]) if self._client else ""
        self._wait_for_head()
        self.worker.connection_opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.worker.connection_closed(self)
