"""The keys that ID tokens are signed with: files in the data folder, numbered; the highest signs.

Older ones stay for verification (RFC 7517). Every machine needs the same files.
"""

import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings
from jwcrypto.jwk import JWK

from config import secrets

ALGORITHMS = ("RS256", "ES256")
RSA_BITS = 2048
FILE = re.compile(r"signing_key_(RS256|ES256)_([0-9]{4})")

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class SigningKey:
    """One key pair; `public` is the public half as a JWK, with its kid."""

    algorithm: str
    private: PrivateKey = field(repr=False)
    public: dict[str, Any]

    @property
    def kid(self) -> str:
        return str(self.public["kid"])


def sign(claims: dict[str, Any], algorithm: str) -> str:
    """Return a JWT of these claims, under the newest key."""
    key = keys_for(algorithm)[-1]
    return jwt.encode(claims, key.private, algorithm, headers={"kid": key.kid})


def public_keys() -> list[dict[str, Any]]:
    """Return all public keys, newest first."""
    return [key.public for algorithm in ALGORITHMS for key in reversed(keys_for(algorithm, make=False))]


def keys_for(algorithm: str, *, make: bool = True) -> list[SigningKey]:
    """Return the keys of an algorithm, oldest first; unless there is one, or `make` is off, one is made."""
    names = _names(algorithm)
    if not names and make:
        names = [_name(algorithm, 1)]
    return [_load(settings.DATA_DIR, name, algorithm) for name in names]


def rotate(algorithm: str) -> SigningKey:
    """Make a key that signs from now on."""
    latest = max((int(name[-4:]) for name in _names(algorithm)), default=0)
    return _load(settings.DATA_DIR, _name(algorithm, latest + 1), algorithm)


def _names(algorithm: str) -> list[str]:
    found = (FILE.fullmatch(name) for name in os.listdir(settings.DATA_DIR))
    return sorted(match[0] for match in found if match and match[1] == algorithm)


def _name(algorithm: str, number: int) -> str:
    return f"signing_key_{algorithm}_{number:04}"


@lru_cache(maxsize=64)
def _load(data_dir: Path, name: str, algorithm: str) -> SigningKey:
    """Read a key, or make it. A file, once written, never changes."""
    text = secrets.kept(data_dir, name, lambda: _new_pem(algorithm))
    private: Any = load_pem_private_key(text.encode(), password=None)
    return SigningKey(algorithm, private, _public(private, algorithm))


def _new_pem(algorithm: str) -> str:
    made: PrivateKey = (
        rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        if algorithm == "RS256"
        else ec.generate_private_key(ec.SECP256R1())
    )
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public(private: PrivateKey, algorithm: str) -> dict[str, Any]:
    """The public half as a JWK; its kid is the library's thumbprint of it (RFC 7638)."""
    members: dict[str, Any] = JWK.from_pyca(private.public_key()).export_public(as_dict=True)
    return {**members, "use": "sig", "alg": algorithm}
