"""Checkpoints: the hash of an event of the chain, signed with Ed25519, as a compact JWS (RFC 7515).

The hash covers every event up to that one, so a checkpoint vouches for all of them. Its type keeps it apart
from the tokens that the same keys sign (RFC 8725 section 3.11).
"""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import jwt

from audit.position import Position
from config.secrets.key_pairs import Algorithm, KeyPair

ALGORITHM: Algorithm = "EdDSA"
TYPE = "keyhouse-checkpoint+jws"


class Checkpoint(NamedTuple):
    """A signed position, and when it was signed: in seconds since 1970, UTC."""

    position: Position
    signed_at: int


def sign(position: Position, key: KeyPair, issuer: str) -> str:
    """Return a checkpoint of the position, signed now. `issuer` is this installation's public address."""
    claims = {
        "iss": issuer,
        "iat": int(time.time()),
        "sequence": position.sequence,
        "hash": position.hash.hex(),
    }
    return jwt.encode(claims, key.private, ALGORITHM, headers={"kid": key.kid, "typ": TYPE})


def read(token: str, keys: Mapping[str, Any]) -> Checkpoint:
    """Return what a checkpoint says. `keys` are public keys by kid. Raises ValueError with the fault."""
    try:
        head = jwt.get_unverified_header(token)
        key = keys.get(head.get("kid", ""))
        if key is None:
            raise ValueError("is signed with an unknown key")
        claims = jwt.decode(token, key, algorithms=[ALGORITHM], options={"verify_iat": False})
        if head.get("typ") != TYPE:
            raise ValueError("is not a checkpoint")
        position = Position(claims["sequence"], bytes.fromhex(claims["hash"]))
        return Checkpoint(position, int(claims["iat"]))
    except (jwt.PyJWTError, KeyError, TypeError):
        raise ValueError("has a wrong signature") from None
