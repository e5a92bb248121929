"""Signing tokens that others verify by our published keys: which keys there are, and which one signs.

They are those in KEYHOUSE_SIGNING_KEYS, else numbered files in the data folder. Older ones stay, for
verification (RFC 7517).
"""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
from django.conf import settings

from config import profiles
from config.secrets import key_pairs, storage
from config.secrets.key_pairs import ALGORITHMS, Algorithm, KeyPair
from config.wire.errors import Conflict, InvalidToken

FILE = re.compile(rf"signing_key_({'|'.join(ALGORITHMS)})_([0-9]{{4}})")


def sign(claims: dict[str, Any], algorithm: Algorithm) -> str:
    """Return a JWT of these claims, under the key that signs."""
    key = keys_for(algorithm)[0]
    return jwt.encode(claims, key.private, algorithm, headers={"kid": key.kid})


def verifying_key(kid: object, algorithm: Algorithm) -> Any:
    """Return the public key of ours that a token under this algorithm names. Raises InvalidToken."""
    for key in keys_for(algorithm):
        if key.kid == kid:
            return key.private.public_key()
    raise InvalidToken


def public_keys() -> list[dict[str, Any]]:
    """Return all public keys; of what this profile signs with there is one, before anything is signed."""
    used = profiles.active().signing_algorithms
    return [key.public for algorithm in ALGORITHMS for key in keys_for(algorithm, make=algorithm in used)]


def keys_for(algorithm: Algorithm, *, make: bool = True) -> list[KeyPair]:
    """Return the keys of an algorithm, the one that signs first; if there is none, one is made, or not.

    Those in KEYHOUSE_SIGNING_KEYS are all that there are (`config.checks` wants one for each use).
    """
    if settings.SIGNING_KEYS:
        return [key for key in settings.SIGNING_KEYS if key.algorithm == algorithm]
    names = _names(algorithm)
    if not names and make:
        names = [_name(algorithm, 1)]
    return [_load(settings.DATA_DIR, name, algorithm) for name in reversed(names)]


def rotate(algorithm: Algorithm) -> KeyPair:
    """Make a key that signs from now on. Raises Conflict if keys are not ours to make."""
    if settings.SIGNING_KEYS:
        raise Conflict(
            "KEYHOUSE_SIGNING_KEYS",
            "is set, so that a file here would sign nothing; append a key to it on every machine and restart "
            "them, then move it to the front everywhere and restart them again (docs/how-to/rotate.md)",
        )
    latest = max((int(name[-4:]) for name in _names(algorithm)), default=0)
    return _load(settings.DATA_DIR, _name(algorithm, latest + 1), algorithm)


def _names(algorithm: Algorithm) -> list[str]:
    found = (FILE.fullmatch(name) for name in os.listdir(settings.DATA_DIR))
    return sorted(match[0] for match in found if match and match[1] == algorithm)


def _name(algorithm: Algorithm, number: int) -> str:
    return f"signing_key_{algorithm}_{number:04}"


@lru_cache(maxsize=64)
def _load(data_dir: Path, name: str, algorithm: Algorithm) -> KeyPair:
    """Read a key, or make it. A file, once written, never changes."""
    return key_pairs.from_pem(storage.kept(data_dir, name, lambda: key_pairs.new_pem(algorithm)))
