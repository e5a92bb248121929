"""Signatures of webhooks, and the secrets that make them.

The form is that of Standard Webhooks 1.0 (https://github.com/standard-webhooks/standard-webhooks), so its
libraries verify what Keyhouse sends.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

PREFIX = "whsec_"
SECRET_BYTES = 32  # the standard asks for 24 to 64


def new_secret() -> str:
    """Return a random secret, as the owner of a receiver gets it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers_for(message: str, body: bytes, seconds: int, keys: Iterable[str]) -> dict[str, str]:
    """Return the headers of a message with this id, sent `seconds` after 1970; each key signs."""
    signed = f"{message}.{seconds}.".encode() + body
    return {
        "Webhook-Id": message,
        "Webhook-Timestamp": str(seconds),
        "Webhook-Signature": " ".join(_signature(key, signed) for key in keys),
    }


def _signature(key: str, signed: bytes) -> str:
    digest = hmac.digest(base64.b64decode(key.removeprefix(PREFIX)), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"
