"""Challenges for passkeys: signed, short-lived, for one browser and one purpose. Independent of Django.

A challenge carries what the server must know of it, so asking for one stores nothing.
"""

import hmac
import secrets
import struct
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

SECONDS = 300  # WebAuthn Level 3 section 15.1 recommends 5 to 10 minutes
HEAD = struct.Struct(">BQ16s")  # purpose, end, random bytes


class Purpose(IntEnum):
    """What an answer to a challenge is good for."""

    LOGIN = 1  # without a password
    SECOND_FACTOR = 2  # after a password
    REGISTRATION = 3
    PROOF = 4  # of somebody who is logged in and changes their second factor


class ForeignChallenge(ValueError):
    """The challenge was not made here, or not for this browser, person or purpose."""


class ExpiredChallenge(ValueError):
    """The challenge is older than SECONDS."""


class Asked(NamedTuple):
    """A challenge that was made here: its purpose and its end (Unix seconds)."""

    purpose: Purpose
    ends_at: int


def make(key: bytes, purpose: Purpose, about: str, now: int) -> bytes:
    """Return a new challenge. `about` names the browser, and the person if known; `now`: Unix seconds."""
    head = HEAD.pack(purpose, now + SECONDS, secrets.token_bytes(16))
    return head + _signature(key, head, about)


def purpose_of(challenge: bytes) -> Purpose:
    """Return the purpose that a challenge claims. Raises ForeignChallenge."""
    try:
        return Purpose(challenge[0])
    except (IndexError, ValueError):
        raise ForeignChallenge from None


def read(key: bytes, challenge: bytes, about: str, now: int) -> Asked:
    """Check that the challenge was made by `make` with the same `about`, and has not expired.

    Raises ForeignChallenge or ExpiredChallenge.
    """
    head, signature = challenge[: HEAD.size], challenge[HEAD.size :]
    if len(head) != HEAD.size or not hmac.compare_digest(_signature(key, head, about), signature):
        raise ForeignChallenge
    number, ends_at, _random = HEAD.unpack(head)
    if ends_at <= now:
        raise ExpiredChallenge
    return Asked(Purpose(number), ends_at)


def _signature(key: bytes, head: bytes, about: str) -> bytes:
    return hmac.digest(key, head + about.encode(), sha256)
