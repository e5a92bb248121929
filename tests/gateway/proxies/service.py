"""A service that is not ours: it answers what it was sent, and remembers it."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SLOW = "/services/slow"


@dataclass(frozen=True)
class Got:
    """A request as it arrived: the target as it stood in the request line, all headers in order."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """The values of a header, and of all that a service with variables for headers (CGI) takes for it."""
        return [value for key, value in self.headers if _variable(key) == _variable(name)]


def _variable(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "_", name.lower())


class Service(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.got: list[Got] = []
        self.may_answer_slowly = threading.Event()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Echo(BaseHTTPRequestHandler):
    server: Service

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # any method at all
            return self.echo
        raise AttributeError(name)

    def echo(self) -> None:
        target = self.requestline.split(" ")[1]  # self.path is cleaned up
        got = Got(self.command, target, tuple(self.headers.items()))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.got.append(got)
        if target.startswith(SLOW):
            self.server.may_answer_slowly.wait()
        body = json.dumps({"method": got.method, "target": got.target, "headers": got.headers}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if "Origin" in self.headers:
            self.send_header("Access-Control-Allow-Origin", self.headers["Origin"])
        self.end_headers()
        if got.method != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Record malformed requests, too."""
        self.server.got.append(Got("malformed", repr(self.raw_requestline), ()))
        super().send_error(code, message, explain)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


@contextmanager
def listening() -> Iterator[Service]:
    """A service that runs until the block ends."""
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        try:
            yield service
        finally:
            service.may_answer_slowly.set()
            service.shutdown()
            thread.join()
