"""Digests of keys, made with the numbered peppers of this installation."""

from typing import NamedTuple

from django.conf import settings

from access.peppers import current
from apikeys.at_rest import key_text


class PepperedDigest(NamedTuple):
    """A digest of a key, and the number of the pepper that made it."""

    pepper: int
    digest: bytes


def current_digest(text: str) -> PepperedDigest:
    """Return the digest of a key with the current pepper, as a new row stores it."""
    number, pepper = current()
    return PepperedDigest(number, key_text.digest(text, pepper))


def digests(text: str) -> list[bytes]:
    """Return the digests of a key with every pepper. If the key exists, one of them is stored."""
    return [key_text.digest(text, pepper) for pepper in settings.PEPPERS.values()]
