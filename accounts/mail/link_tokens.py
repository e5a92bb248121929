"""The secret in a mailed link: one opaque text, of which only the digest is stored (ASVS 11.5.1)."""

import hashlib
import secrets

from config.wire.errors import Invalid

TOKEN_BYTES = 32
LONGEST = 100
CONFIRM_HOURS = 24


def new_token() -> str:
    """Return 256 random bits in hex, which no mail program breaks and no key begins with."""
    return secrets.token_hex(TOKEN_BYTES)


def digest(token: str) -> bytes:
    """Return what is stored of a token: its SHA-256."""
    return hashlib.sha256(token.encode()).digest()


def refused() -> Invalid:
    """Return what is said of every token that is not good, whatever the reason."""
    return Invalid("token", "is wrong, used or expired; ask for a new link")
