"""Digests under the numbered peppers of this installation."""

from typing import NamedTuple

from django.conf import settings

from access.peppers import current
from apikeys.at_rest import key_text


class PepperedDigest(NamedTuple):
    """A digest of a key, and the number of the pepper that it was made with."""

    pepper: int
    digest: bytes


def current_digest(text: str) -> PepperedDigest:
    """Return (pepper number, digest) of a key, as a new row stores them."""
    number, pepper = current()
    return PepperedDigest(number, key_text.digest(text, pepper))


def digests(text: str) -> list[bytes]:
    """Return the digest of a key under every pepper: one of them is stored if the key exists."""
    return [key_text.digest(text, pepper) for pepper in settings.PEPPERS.values()]
