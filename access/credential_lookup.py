"""What a program's credential may do now: what it has made for others is worth no more than that.

Each app registers how credentials of its kind are looked up when it is ready.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from access.principals import Credential, Principal

Lookup = Callable[[UUID, datetime], Principal | None]
_lookups: dict[str, Lookup] = {}


def register(kind: str, lookup: Lookup) -> None:
    """Have credentials of this kind looked up by `lookup`, which locks them in the caller's transaction."""
    _lookups[kind] = lookup


def principal_now(credential: Credential, now: datetime) -> Principal | None:
    """Return what a program may do now by its credential, which is locked; None if that has ended."""
    return _lookups[credential.kind](UUID(credential.id), now)
