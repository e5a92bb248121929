"""A server that keeps what is posted to it, as Sentry and a collector of OpenTelemetry would."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Posted(NamedTuple):
    path: str
    body: bytes


class Receiver(NamedTuple):
    port: int
    posted: list[Posted]

    def bodies(self, path: str) -> list[bytes]:
        return [each.body for each in self.posted if each.path == path]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receive until the block ends."""
    posted: list[Posted] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            posted.append(Posted(self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Receiver(server.server_port, posted)
        finally:
            server.shutdown()
            thread.join()
