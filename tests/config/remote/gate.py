"""An address in front of a Keyhouse, where a test holds the requests for tokens for a while."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.installation import Answer, Installation, Server

TOKENS = "/api/v1/auth/oauth2/token"


class Gate:
    """Passes requests on to a `server`; those for tokens only while it is open."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self.is_open = threading.Event()
        self.held = threading.Semaphore(0)  # one for each request for tokens that has come
        self.statuses: list[int] = []  # of the answers to them
        self.is_open.set()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """Pass a request on."""
        assert self.server is not None
        if path == TOKENS:
            self.held.release()
            self.is_open.wait()
        answer = self.server.request(method, path, headers=headers, body=body)
        if path == TOKENS:
            self.statuses.append(answer.status)
        return answer


@contextmanager
def behind_gate(installation: Installation) -> Iterator[tuple[Gate, str]]:
    """Serve an installation behind a gate, whose address is its own."""
    gate = Gate()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on(None)

        def do_POST(self) -> None:
            self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

        def _pass_on(self, body: bytes | None) -> None:
            answer = gate.answer(self.command, self.path, dict(self.headers), body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name not in {"connection", "transfer-encoding"}:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as front:
        threading.Thread(target=front.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{front.server_address[1]}"
        with installation.serve(KEYHOUSE_PUBLIC_URL=url) as gate.server:
            yield gate, url
        front.shutdown()
