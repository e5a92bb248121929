"""One login that has begun: what the browser keeps of it, signed, and the secrets that derive from it."""

import base64
import hashlib
import hmac
import secrets
from typing import NamedTuple

from django.conf import settings

from federation.protocol.requests import Secrets

PURPOSE = b"keyhouse provider login "
SECONDS = 600  # in which a login must come back from the provider


class Flow(NamedTuple):
    """A login at the provider with this primary key and issuer; `back` is the page that asked for it.

    `began_at` is in Unix seconds. `is_proof` asks the person to prove there anew who they are.
    """

    id: str
    provider: int
    issuer: str
    back: str
    began_at: int
    is_proof: bool


def begun(provider: int, issuer: str, back: str, now: int, *, is_proof: bool) -> Flow:
    """Return a new login."""
    return Flow(secrets.token_urlsafe(16), provider, issuer, back, now, is_proof)


def secrets_of(flow: Flow) -> Secrets:
    """Return the texts of this login. They derive from its id, so that nothing has to store them."""
    return Secrets(*(_derived(name, flow) for name in ("state", "nonce", "verifier")))


def spent_digest(flow: Flow) -> bytes:
    """Return under which digest the end of this login is stored."""
    return hashlib.sha256(_derived("spent", flow).encode()).digest()


def _derived(name: str, flow: Flow) -> str:
    text = PURPOSE + f"{name} {flow.provider} {flow.id} {flow.is_proof:d} {flow.issuer}".encode()
    derived = hmac.digest(settings.SECRET_KEY.encode(), text, hashlib.sha256)
    return base64.urlsafe_b64encode(derived).rstrip(b"=").decode()
