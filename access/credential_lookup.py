"""What a program's credential may do now, which limits everything that it has created for others.

Each app registers a lookup for its kind of credential when it is ready.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from access.principals import Credential, Principal

Lookup = Callable[[UUID, datetime], Principal | None]
_lookups: dict[str, Lookup] = {}


def register(kind: str, lookup: Lookup) -> None:
    """Register `lookup` for this kind. It locks the credential's row in the caller's transaction."""
    _lookups[kind] = lookup


def principal_now(credential: Credential, now: datetime) -> Principal | None:
    """Lock a program's credential and return what it may do now; None if it has ended."""
    return _lookups[credential.kind](UUID(credential.id), now)
