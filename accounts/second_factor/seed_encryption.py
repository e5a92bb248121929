"""Seeds of second factors at rest: encrypted under the numbered keys of this installation."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def encrypt(seed: bytes) -> str:
    """Return what is stored of a seed, under the current key: the one with the highest number."""
    return _keys().encrypt(seed).decode()


def decrypt(stored: str) -> bytes | None:
    """Return a seed that was stored under any of the keys; None if its key is gone."""
    try:
        return _keys().decrypt(stored)
    except InvalidToken:
        return None


def _keys() -> MultiFernet:
    keys = sorted(settings.SEED_KEYS.items(), reverse=True)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(key).digest())) for _, key in keys])
