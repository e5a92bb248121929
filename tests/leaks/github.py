"""GitHub, as far as its secret scanning goes: a server with its public keys, and signed reports."""

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.utils import timezone

from leaks.models import GithubKeys
from tests.conftest import Api

IDENTIFIER = "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c"
URL = "https://github.com/octocat/Hello-World/blob/12345600b9cb/deploy.env"


def new_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP256R1())


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def listed(**keys: ec.EllipticCurvePrivateKey) -> bytes:
    """GitHub's answer that lists these keys."""
    public = [{"key_identifier": name, "key": pem(key), "is_current": True} for name, key in keys.items()]
    return json.dumps({"public_keys": public}).encode()


@dataclass
class Github:
    """The server. It answers with `answer`, and counts how often it was asked."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    identifier: str = IDENTIFIER
    answer: Callable[[BaseHTTPRequestHandler], None] | None = None
    asked: int = 0
    url: str = ""

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked += 1
        if self.answer is not None:
            self.answer(handler)
            return
        reply(handler, listed(**{self.identifier: self.key}))

    def sign(self, body: bytes) -> str:
        return base64.b64encode(self.key.sign(body, ec.ECDSA(SHA256()))).decode()

    def report(self, *texts: str, **headers: str) -> Any:
        """The answer to a signed report of these texts."""
        matches = [{"token": text, "type": "keyhouse_key", "url": URL, "source": "commit"} for text in texts]
        return self.post(json.dumps(matches).encode(), **headers)

    def post(self, body: bytes, **headers: str) -> Any:
        """The answer to these bytes, signed, unless `headers` say something else."""
        return Api(self.signed(body, **headers)).client.post(
            "/leaks/github", body, content_type="application/json"
        )

    def signed(
        self, body: bytes, *, identifier: str | None = None, signature: str | None = None
    ) -> dict[str, str]:
        """The two headers that GitHub sends with these bytes, or others; an empty one is left out."""
        sent = {
            "Github-Public-Key-Identifier": self.identifier if identifier is None else identifier,
            "Github-Public-Key-Signature": self.sign(body) if signature is None else signature,
        }
        return {name: value for name, value in sent.items() if value}


def known_github() -> Github:
    """GitHub, whose keys this installation has fetched already."""
    github, now = Github(), timezone.now()
    keys = {github.identifier: pem(github.key)}
    GithubKeys.objects.create(pk=GithubKeys.ONLY, keys=keys, tried_at=now, fetched_at=now)
    return github


def reply(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def running(github: Github, tls: ssl.SSLContext | None = None) -> Iterator[Github]:
    """Run the server on a port of this machine, with TLS if there is a context for it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            github.send(self)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    github.url = f"{'https' if tls else 'http'}://localhost:{server.server_port}/keys"
    try:
        yield github
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
