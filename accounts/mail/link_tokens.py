"""The tokens in mailed links; the database stores only their digests (ASVS 11.5.1)."""

import hashlib
import secrets

from config.wire.errors import Invalid

TOKEN_BYTES = 32
LONGEST = 100
CONFIRM_HOURS = 24


def new_token() -> str:
    """Return 256 random bits in hex: mail programs do not break it, and it cannot look like an API key."""
    return secrets.token_hex(TOKEN_BYTES)


def digest(token: str) -> bytes:
    """Return the SHA-256 of a token, which is what the database stores."""
    return hashlib.sha256(token.encode()).digest()


def refused() -> Invalid:
    """Return the error for every invalid token; it is the same for all reasons."""
    return Invalid("token", "is wrong, used or expired; ask for a new link")
