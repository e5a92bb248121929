"""docs/end_streams.py: a service ends the streams of a credential that has been revoked, by asking again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from docs.end_streams import Keyhouse as Asked
from docs.end_streams import Stream, end_some, watch
from tests.gateway.proxies.changes import changed
from tests.gateway.proxies.conftest import Keyhouse
from tests.gateway.proxies.running import running
from tests.installation import Server, free_port

pytestmark = [pytest.mark.once, pytest.mark.slow]

EVENTS = "/services/stock/events"


class Streaming(ThreadingHTTPServer):
    """A service whose streams say one thing, and then nothing until they are ended."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Events)
        self.streams: list[Stream] = []
        self.ended: list[str] = []

    def end_all(self) -> None:
        for stream in self.streams:
            stream.end()


class Events(BaseHTTPRequestHandler):
    server: Streaming

    def do_GET(self) -> None:
        key, over = self.headers["X-API-Key"], Event()

        def end() -> None:
            self.server.ended.append(key)
            over.set()

        self.server.streams.append(Stream(key, "services:read", self.headers["X-Forwarded-For"], end))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"data: hello\n\n")
        over.wait()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@dataclass
class Watched:
    """The service, watching its streams, behind the proxy."""

    proxy: Server
    service: Streaming
    connections: list[HTTPConnection] = field(default_factory=list)

    def open(self, key: dict[str, str]) -> HTTPResponse:
        """Return a stream of which the first event has come."""
        connection = HTTPConnection("127.0.0.1", self.proxy.port, timeout=30)
        self.connections.append(connection)
        connection.request("GET", EVENTS, headers=key)
        response = connection.getresponse()
        assert response.status == 200
        assert response.readline() + response.readline() == b"data: hello\n\n"
        return response


@contextmanager
def watched(keyhouse: Keyhouse, folder: Path, asked: Asked) -> Iterator[Watched]:
    stopped = Event()
    text = changed("nginx-streaming.conf", "nginx-streaming.conf with the credential")
    with Streaming() as service:
        threads = [
            Thread(target=service.serve_forever),
            Thread(target=watch, args=(asked, service.streams, 0.05, stopped)),
        ]
        for thread in threads:
            thread.start()
        address = f"127.0.0.1:{service.server_port}"
        try:
            with running(
                "nginx-streaming", folder, service=address, keyhouse=keyhouse.address, text=text
            ) as proxy:
                behind = Watched(proxy, service)
                yield behind
                for connection in behind.connections:
                    connection.close()
        finally:
            stopped.set()
            service.end_all()
            service.shutdown()
            for thread in threads:
                thread.join()


@pytest.fixture(scope="module")
def asked(keyhouse: Keyhouse) -> Asked:
    asker = keyhouse.make_key("streaming service", scopes=["introspect"])
    return Asked(f"http://{keyhouse.address}", asker["key"])


def revoke(keyhouse: Keyhouse, made: dict[str, str]) -> None:
    answer = keyhouse.server.request("DELETE", f"/api/v1/api-keys/{made['id']}", headers=keyhouse.admin)
    assert answer.status == 204


def test_the_streams_of_a_revoked_key_end_and_those_of_others_go_on(
    keyhouse: Keyhouse, asked: Asked, tmp_path: Path
) -> None:
    doomed = keyhouse.make_key("doomed stream")
    here = keyhouse.make_key("bound to this address", allowed_networks=["127.0.0.0/8"])
    with watched(keyhouse, tmp_path, asked) as behind:
        for made in (keyhouse.keys["reader"], here):
            behind.open({"X-API-Key": made["key"]})
        ending = behind.open({"X-API-Key": doomed["key"]})
        revoke(keyhouse, doomed)
        assert ending.read() == b""
        assert set(behind.service.ended) == {doomed["key"]}


def test_all_streams_end_when_keyhouse_cannot_be_asked() -> None:
    ended = Event()
    nobody = Asked(f"http://127.0.0.1:{free_port()}", "no key")
    end_some(nobody, [Stream("kh_live_x", "services:read", "127.0.0.1", ended.set)], "127.0.0.1")
    assert ended.is_set()
