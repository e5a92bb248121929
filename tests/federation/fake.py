"""A provider that says whatever a test wants: a server on this machine that signs what it is told."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import Key, RSAKey

from tests.federation.real import ALICE, CLIENT, Browser


@cache
def key(kid: str = "first") -> RSAKey:
    """A key pair; made once for all tests."""
    return RSAKey.generate_key(2048, {"kid": kid})


@dataclass
class FakeProvider:
    """The server. `answers` replace what it says at a path; `asked` counts the requests to each."""

    issuer: str = ""
    keys: list[Key] = field(default_factory=lambda: [key()])
    id_token: str = ""
    by_code: dict[str, str] = field(default_factory=dict)  # other ID tokens
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    grant: dict[str, str | None] = field(default_factory=dict)  # more members of the answer with tokens
    metadata: dict[str, Any] = field(default_factory=dict)

    def answer(self, path: str, body: str) -> tuple[int, bytes]:
        self.asked[path] += 1
        [code] = parse_qs(body).get("code", [""])
        id_token = self.by_code.get(code, self.id_token)
        said: dict[str, Any] = {
            "/.well-known/openid-configuration": {
                "issuer": self.issuer,
                **{f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token")},
                "jwks_uri": f"{self.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                **self.metadata,
            },
            "/keys": {"keys": [each.as_dict(private=False) for each in self.keys]},
            "/token": {"id_token": id_token, "access_token": "an access token", **self.grant},
        }
        return self.answers.get(path) or (200, json.dumps(said.get(path, {})).encode())

    def claims(self, address: str, **changed: Any) -> dict[str, Any]:
        """What an honest provider would say of alice after the login that leads to `address`."""
        now = int(time.time())
        [nonce] = parse_qs(urlsplit(address).query)["nonce"]
        told = {"iss": self.issuer, "sub": "alice", "aud": CLIENT["client_id"], "nonce": nonce}
        claims = {**told, "iat": now, "exp": now + 300, **ALICE, **changed}
        return {name: value for name, value in claims.items() if value is not None}

    def says(self, claims: dict[str, Any], signed_by: Key | None = None, **header: Any) -> None:
        """Let the next code stand for these claims."""
        signer = signed_by or self.keys[0]
        self.id_token = jwt.encode(
            {"alg": "RS256", "kid": signer.kid, **header},
            claims,
            signer,
            algorithms=["RS256", "HS256", "ES256"],
        )


@contextmanager
def serving() -> Iterator[FakeProvider]:
    provider = FakeProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply("")

        def do_POST(self) -> None:
            self._reply(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _reply(self, sent: str) -> None:
            path = self.path.partition("?")[0]
            status, body = provider.answer(path, sent)
            self.send_response(303 if path == "/authorization" else status)
            if path == "/authorization":  # alice is logged in at the provider
                provider.says(provider.claims(self.path))
                self.send_header("Location", back(self.path))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
        yield provider
        server.shutdown()


def back(address: str, **changed: str) -> str:
    """Where an honest provider sends the browser that came to `address`."""
    asked = parse_qs(urlsplit(address).query)
    sent = {"code": "a code", "state": asked["state"][0], **changed}
    return f"{asked['redirect_uri'][0]}?{urlencode({name: text for name, text in sent.items() if text})}"


def logs_in(provider: FakeProvider, browser: Browser | None = None, **changed: Any) -> Any:
    """The answer of Keyhouse to a login of which the provider says this."""
    browser = browser or Browser()
    address = browser.begins()
    provider.says(provider.claims(address, **changed))
    return browser.comes_back(back(address))
