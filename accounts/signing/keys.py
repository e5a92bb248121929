"""Key pairs that sign tokens; other programs verify the tokens with the published public keys (RFC 7517).

The keys come from KEYHOUSE_SIGNING_KEYS or, if that is empty, from numbered files in the data folder. The
newest key signs; older keys stay for verification.
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
    """Return a JWT with these claims, signed with the current key."""
    key = keys_for(algorithm)[0]
    return jwt.encode(claims, key.private, algorithm, headers={"kid": key.kid})


def verifying_key(kid: object, algorithm: Algorithm) -> Any:
    """Return our public key with this `kid`. Raises InvalidToken if there is no such key."""
    for key in keys_for(algorithm):
        if key.kid == kid:
            return key.private.public_key()
    raise InvalidToken


def public_keys() -> list[dict[str, Any]]:
    """Return all public keys as JWKs; make a key for each algorithm of the profile that has no key yet."""
    used = profiles.active().signing_algorithms
    return [key.public for algorithm in ALGORITHMS for key in keys_for(algorithm, make=algorithm in used)]


def keys_for(algorithm: Algorithm, *, make: bool = True) -> list[KeyPair]:
    """Return the keys of an algorithm, the signing key first; if no key exists and `make` is set, make one.

    If KEYHOUSE_SIGNING_KEYS is set, only its keys count (`config.checks` requires one for each use).
    """
    if settings.SIGNING_KEYS:
        return [key for key in settings.SIGNING_KEYS if key.algorithm == algorithm]
    names = _names(algorithm)
    if not names and make:
        names = [_name(algorithm, 1)]
    return [_load(settings.DATA_DIR, name, algorithm) for name in reversed(names)]


def rotate(algorithm: Algorithm) -> KeyPair:
    """Make a new key, which signs from now on. Raises Conflict if KEYHOUSE_SIGNING_KEYS is set."""
    if settings.SIGNING_KEYS:
        raise Conflict(
            "KEYHOUSE_SIGNING_KEYS",
            "is set, so Keyhouse would not use a new key file. Append a key to it on every machine and "
            "restart them; then move it to the front everywhere and restart again (docs/how-to/rotate.md)",
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
    """Read a key file, or make it. The cache is safe because key files never change."""
    return key_pairs.from_pem(storage.kept(data_dir, name, lambda: key_pairs.new_pem(algorithm)))
