"""Encryption of seeds of second factors and of other secrets, with this installation's numbered keys."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def encrypt(seed: bytes) -> str:
    """Return a seed encrypted with the current key: KEYHOUSE_CURRENT_SEED_KEY, or the highest number."""
    return _keys().encrypt(seed).decode()


def decrypt(stored: str) -> bytes | None:
    """Return a seed that was encrypted with any of the keys; None if its key is missing."""
    try:
        return _keys().decrypt(stored)
    except InvalidToken:
        return None


def renewed(stored: str) -> str | None:
    """Return a text encrypted with the current key; None if it is already, or if its key is missing."""
    try:
        _fernets()[0].decrypt(stored)
    except InvalidToken:
        seed = decrypt(stored)
        return None if seed is None else encrypt(seed)
    return None


def _keys() -> MultiFernet:
    return MultiFernet(_fernets())


def _fernets() -> list[Fernet]:
    """Return all keys, the current one first."""
    current = settings.CURRENT_SEED_KEY or max(settings.SEED_KEYS)
    keys = [settings.SEED_KEYS[current], *settings.SEED_KEYS.values()]
    return [Fernet(base64.urlsafe_b64encode(hashlib.sha256(key).digest())) for key in keys]
