"""An authenticator in software, written from WebAuthn and RFC 8949 alone, and browsers that use it."""

import base64
import hashlib
import json
import re
import struct
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client

from accounts.models import User
from tests.conftest import PASSWORD
from tests.console.helpers import RECOVERY, SECURITY, console_of

ORIGIN = "http://localhost:8000"
ADD, CONFIRM = f"{SECURITY}/passkeys/add", f"{SECURITY}/passkeys/confirm"
ASKED = re.compile(r'data-asks="([^"]+)"')
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 1, 4, 8, 16, 64


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cbor(value: Any) -> bytes:
    """RFC 8949 section 3, as far as authenticators need it."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    assert isinstance(value, dict)
    return _head(5, len(value)) + b"".join(cbor(key) + cbor(each) for key, each in value.items())


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    if number < 256:
        return bytes([kind << 5 | 24, number])
    return bytes([kind << 5 | 25]) + struct.pack(">H", number)


@dataclass
class Authenticator:
    """One passkey: its key and its id; `counter` is 0 for one that does not count, and then stays so."""

    number: int = 1
    counter: int = 0
    flags: int = PRESENT | VERIFIED
    origin: str = ORIGIN
    rp_id: str = "localhost"
    user_handle: bytes | None = None
    more: dict[str, Any] = field(default_factory=dict)  # other members of the client data

    def __post_init__(self) -> None:
        self.key = ec.derive_private_key(self.number + 1000, ec.SECP256R1())
        self.id = hashlib.sha256(str(self.number).encode()).digest()

    def made(self, asked: dict[str, Any]) -> str:
        """What a browser sends for a new passkey (section 7.1)."""
        self.user_handle = decoded(asked["user"]["id"])
        point = self.key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor(key)
        data = self._data(ATTESTED) + attested
        whole = cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"])
        return self._sent(client, attestationObject=encoded(whole), transports=["internal", "odd"])

    def signed(self, asked: dict[str, Any]) -> str:
        """What a browser sends for a login (section 7.2)."""
        self.counter += bool(self.counter)
        client, data = self._client("webauthn.get", asked["challenge"]), self._data(0)
        digest = hashlib.sha256(client).digest()
        signature = self.key.sign(data + digest, ec.ECDSA(hashes.SHA256()))
        handle = {"userHandle": encoded(self.user_handle)} if self.user_handle else {}
        return self._sent(client, authenticatorData=encoded(data), signature=encoded(signature), **handle)

    def _data(self, flags: int) -> bytes:
        head = hashlib.sha256(self.rp_id.encode()).digest()
        return head + struct.pack(">BI", self.flags | flags, self.counter)

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | self.more).encode()

    def _sent(self, client: bytes, **response: Any) -> str:
        response["clientDataJSON"] = encoded(client)
        return json.dumps(
            {"id": encoded(self.id), "rawId": encoded(self.id), "type": "public-key", "response": response}
        )


def browser() -> Client:
    """Somebody at the address that passkeys are for."""
    return Client(headers={"Accept": "text/html", "Host": "localhost:8000"})


def asked_in(answer: Any) -> dict[str, Any]:
    """What a page asks the browser's passkeys."""
    [found] = ASKED.findall(answer.content.decode())
    asked: dict[str, Any] = json.loads(unescape(found))
    return asked


def asked_at(client: Client, path: str = "/account/login") -> dict[str, Any]:
    return asked_in(client.get(path))


def begun(client: Client, **proof: str) -> dict[str, Any]:
    """What the page that makes a passkey asks, after the password."""
    answer = client.post(ADD, {"password": PASSWORD, **proof})
    assert answer.status_code == 200, answer.content
    return asked_in(answer)


def added(client: Client, key: Authenticator, name: str = "Laptop", **proof: str) -> list[str]:
    """Add a passkey in the console; return the recovery codes that the page shows."""
    sent = {"name": name, "passkey": key.made(begun(client, **proof))}
    answer = client.post(CONFIRM, sent, follow=True)
    assert answer.status_code == 200, answer.content
    return RECOVERY.findall(answer.content.decode())


def at_localhost(user: User) -> Client:
    """The browser of somebody who has logged in with a password, at the address that passkeys are for."""
    return console_of(user, headers={"Accept": "text/html", "Host": "localhost:8000"})


def with_passkey(user: User, **how: Any) -> Authenticator:
    """The passkey of somebody who has just added it."""
    key = Authenticator(**how)
    added(at_localhost(user), key)
    return key


def logged_in(key: Authenticator, client: Client | None = None) -> Client:
    """A browser that has logged in with a passkey alone."""
    client = client or browser()
    answer = client.post("/account/login", {"passkey": key.signed(asked_at(client))})
    assert answer.status_code == 302, answer.content.decode()
    return client
