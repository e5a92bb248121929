"""The use case of a key that gets a successor."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from access.principals import Caller
from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey, check_not_ended, create_api_key, hold_owner
from apikeys.services.events import record_about
from apikeys.services.locking import locked
from audit.events import EventName
from config.wire.errors import Conflict, Invalid
from config.wire.fields import timestamp

LONGEST_OVERLAP = timedelta(days=7)
NO_OVERLAP = timedelta()
ROTATED = "rotated"  # the reason of a revocation


@dataclass(frozen=True, repr=False)
class RotatedKey(NewKey):
    """A key that takes the place of another, and when that one ends."""

    predecessor_ends_at: datetime


def rotate_api_key(
    *, caller: Caller, key: ApiKey, expires_at: datetime | None, overlap: timedelta = NO_OVERLAP
) -> RotatedKey:
    """Make a key that takes the place of `key`, like it in everything but its text and its expiry.

    The old one ends after `overlap` (at most LONGEST_OVERLAP), never later than it would have; without
    one it is revoked at once. Raises NotFound, NotAllowed or Invalid as for a new key: nobody gets more
    by rotating; Conflict for a key that does not let in, or that has been rotated.
    """
    if not NO_OVERLAP <= overlap <= LONGEST_OVERLAP:
        raise Invalid("overlap", f"must be at most {LONGEST_OVERLAP.days}d")
    with transaction.atomic():
        owner = hold_owner(caller, key.owner)  # before the key, as everybody does who locks both
        old = locked(caller, [key])[0]
        _check_can_be_rotated(old, caller.origin.at)
        ends_at = _end(old, caller.origin.at, overlap)
        new = create_api_key(
            caller=caller,
            name=old.name,
            owner=owner,
            granted=old.scopes,
            environment=old.environment,
            expires_at=expires_at,
            attributes=old.attributes,
            allowed_networks=old.allowed_networks,
            rate_limit=old.rate_limit,
            predecessor=old,
        )
        detail = {"successor": str(new.row.uuid), "ends_at": timestamp(ends_at)}
        record_about(EventName.API_KEY_ROTATED, caller, old, detail)
    return RotatedKey(new.row, new.text, ends_at)


def _check_can_be_rotated(old: ApiKey, now: datetime) -> None:
    check_not_ended(old, now)
    if old.disabled_at is not None:
        raise Conflict("status", f"{old.name} is disabled; enable it first")
    if old.successors.unrevoked().exists():
        raise Conflict("status", f"{old.name} has been rotated; rotate its successor, or revoke that first")


def _end(old: ApiKey, now: datetime, overlap: timedelta) -> datetime:
    """Shorten the life of a key, never extend it, and return when it ends."""
    ends_at = min(now + overlap, old.expires_at or now + overlap)
    ending = {"expires_at": ends_at} if overlap else {"revoked_at": now, "revoked_reason": ROTATED}
    ApiKey.objects.filter(pk=old.pk).update(**ending)
    return ends_at
