"""Encryption of the stored seeds of second factors, with the numbered keys of this installation."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def encrypt(seed: bytes) -> str:
    """Return a seed encrypted with the current key, which is the one with the highest number."""
    return _keys().encrypt(seed).decode()


def decrypt(stored: str) -> bytes | None:
    """Return a seed that was encrypted with any of the keys; None if its key is missing."""
    try:
        return _keys().decrypt(stored)
    except InvalidToken:
        return None


def _keys() -> MultiFernet:
    keys = sorted(settings.SEED_KEYS.items(), reverse=True)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(key).digest())) for _, key in keys])
