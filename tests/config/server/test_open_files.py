"""A connection may send a file: both fit within the limit on open files."""

import socket
import sys

import pytest

from tests.installation import PROJECT, Installation, free_port, serving

pytestmark = pytest.mark.once

FILES = 300
LARGE = "/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js.map"


def slow_reader(port: int) -> socket.socket:
    """A client that has read the beginning of a large file, and stops reading."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(30)
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert client.recv(15) == b"HTTP/1.1 200 OK"
    return client


@pytest.mark.requirement(104)
def test_slow_readers_of_files_do_not_use_up_the_open_files(installation: Installation) -> None:
    port = free_port()
    serve = [sys.executable, str(PROJECT / "manage.py"), "serve", "--workers", "1"]
    limited = ["sh", "-c", f'ulimit -n {FILES} && exec "$@"', "sh", *serve, "--bind", f"127.0.0.1:{port}"]
    with serving(limited, port, installation.environment) as server:
        slow = [slow_reader(port) for _ in range(FILES - 100)]
        assert server.request("GET", "/ready").status == 200
        for client in slow:
            client.close()
