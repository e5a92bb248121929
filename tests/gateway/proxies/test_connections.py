"""Proxies keep their connections to Keyhouse open from one question to the next."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest

from tests.gateway.proxies.conftest import Keyhouse
from tests.gateway.proxies.running import PROXIES, port_of, running
from tests.gateway.proxies.service import Service

pytestmark = [pytest.mark.once, pytest.mark.slow]

ASKED = 40


@dataclass
class Relay:
    """Hands on what it is sent, and counts the connections that it has accepted."""

    address: str
    accepted: int = 0


@contextmanager
def relay_to(target: str) -> Iterator[Relay]:
    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            relay.accepted += 1
            with socket.create_connection(("127.0.0.1", int(port_of(target)))) as further:
                back = Thread(target=_hand_on, args=(further, self.request))
                back.start()
                _hand_on(self.request, further)
                back.join()

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        relay = Relay(f"127.0.0.1:{server.server_address[1]}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one of the two has gone away
        source.close()


@pytest.mark.parametrize("name", PROXIES)
def test_many_questions_share_few_connections(
    name: str, keyhouse: Keyhouse, service: Service, tmp_path: Path
) -> None:
    with (
        relay_to(keyhouse.address) as relay,
        running(name, tmp_path, service=service.address, keyhouse=relay.address) as proxy,
    ):
        for _ in range(ASKED):
            answer = proxy.request("GET", "/services/stock/items", headers=keyhouse.key("reader"))
            assert answer.status == 200
        assert 1 <= relay.accepted <= ASKED // 4
