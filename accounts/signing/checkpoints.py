"""Checkpoints of the audit log, signed with this installation's Ed25519 keys."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings

from accounts.signing.keys import keys_for
from audit.export import checkpoints
from audit.export.checkpoints import ALGORITHM
from audit.export.lines import Sign


def signer() -> Sign | None:
    """Return what signs positions. None: KEYHOUSE_SIGNING_KEYS is set, and has no Ed25519 key."""
    keys = keys_for(ALGORITHM)
    return partial(checkpoints.sign, key=keys[0], issuer=settings.PUBLIC_URL) if keys else None


def own_public_keys() -> Mapping[str, Any]:
    """Return the public keys that checkpoints of this installation verify with, by kid; makes none."""
    return {key.kid: key.private.public_key() for key in keys_for(ALGORITHM, make=False)}


def own_public_jwks() -> list[dict[str, Any]]:
    """Return the same public keys as JWKs (RFC 8037); make the first one where a key is missing."""
    return [key.public for key in keys_for(ALGORITHM)]
