"""If Keyhouse is down or silent, the proxy answers 5xx, and nothing gets through."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.gateway.proxies.running import PROXIES, running
from tests.gateway.proxies.service import Service
from tests.installation import free_port

pytestmark = [pytest.mark.once, pytest.mark.slow]

# Traefik waits for half a minute.
WITH_A_TIMEOUT = [name for name in PROXIES if name != "traefik"]


def assert_closed(name: str, folder: Path, service: Service, keyhouse: str) -> None:
    before = len(service.got)
    with running(name, folder, service=service.address, keyhouse=keyhouse) as proxy:
        answer = proxy.request("GET", "/services/stock/health", headers={"X-Auth-Subject": "me"})
        assert answer.status in {500, 502, 503, 504}
    assert len(service.got) == before


@pytest.mark.parametrize("name", PROXIES)
def test_nothing_gets_through_while_keyhouse_is_down(name: str, tmp_path: Path, service: Service) -> None:
    assert_closed(name, tmp_path, service, f"127.0.0.1:{free_port()}")


@pytest.mark.parametrize("name", WITH_A_TIMEOUT)
def test_nothing_gets_through_while_keyhouse_says_nothing(
    name: str, tmp_path: Path, service: Service
) -> None:
    with silence() as address:
        assert_closed(name, tmp_path, service, address)


@contextmanager
def silence() -> Iterator[str]:
    """Return the address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
