"""Codes, tokens and client secrets: each is a prefix that tells its kind, and 256 random bits.

Independent of the database, which stores only their digests.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable

from config.profiles.rules import OAUTH2_PREFIXES

ACCESS, REFRESH, CODE, SECRET, DEVICE = OAUTH2_PREFIXES
RANDOM_BYTES = 32


def new(prefix: str) -> str:
    """Return a new code, token or secret with this prefix."""
    return prefix + secrets.token_urlsafe(RANDOM_BYTES)


def digest(text: str) -> str:
    """Return the stored digest of a code or token: its SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def secret_digest(secret: str, pepper: bytes) -> str:
    """Return the stored digest of a client's secret: HMAC-SHA256 under a pepper, in hexadecimal."""
    return hmac.digest(pepper, secret.encode(), hashlib.sha256).hex()


def is_secret(secret: str, stored: str, peppers: Iterable[bytes]) -> bool:
    """Whether `stored` is the digest of `secret` under one of the peppers; never true for ""."""
    return any(hmac.compare_digest(secret_digest(secret, pepper), stored) for pepper in peppers)
