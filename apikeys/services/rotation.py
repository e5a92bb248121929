"""The service that rotates a key: it gets a successor."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction

from access.principals import Caller
from accounts.idempotency.services import Claim, Repeated, take
from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey, check_not_ended, create_api_key, hold_owner
from apikeys.services.events import record_about
from apikeys.services.locking import locked
from audit.events import EventName
from config.database.rows import edit
from config.wire.errors import Conflict, Invalid, Sentence
from config.wire.fields import timestamp
from config.wire.preconditions import ANY_VERSION, Expected

LONGEST_OVERLAP = timedelta(days=7)
NO_OVERLAP = timedelta()
ROTATED = "rotated"  # the reason for the revocation


@dataclass(frozen=True, repr=False)
class RotatedKey(NewKey):
    """A key that replaces another, and the time when the old one ends."""

    predecessor_ends_at: datetime


def rotate_api_key(
    *,
    caller: Caller,
    key: ApiKey,
    expires_at: datetime | None,
    overlap: timedelta = NO_OVERLAP,
    claim: Claim | None = None,
    expected: Expected = ANY_VERSION,
) -> RotatedKey:
    """Replace `key` with a new key that differs only in its text and its expiry.

    The old key ends after `overlap` (at most LONGEST_OVERLAP), but never later than it would have; without
    an overlap it is revoked at once. Raises NotFound, NotAllowed or Invalid as for a new key, because
    rotating must not give the caller more. Raises PreconditionFailed, as `take`, and Conflict for a key that
    is not usable or already rotated.
    """
    check_overlap(overlap)
    successor = uuid4()
    with transaction.atomic():
        _take(claim, successor, caller, key)
        owner = hold_owner(caller, key.owner)  # before the key: all code locks in this order
        old = locked(caller, [key], expected)[0]
        _check_can_be_rotated(old, caller.origin.at)
        ends_at = _end(old, caller.origin.at, overlap)
        new = create_api_key(
            caller=caller,
            name=old.name,
            description=old.description,
            metadata=old.metadata,
            owner=owner,
            granted=old.scopes,
            environment=old.environment,
            expires_at=expires_at,
            attributes=old.attributes,
            allowed_networks=old.allowed_networks,
            rate_limit=old.rate_limit,
            predecessor=old,
            uuid=successor,
        )
        detail = {"successor": str(new.row.uuid), "ends_at": timestamp(ends_at)}
        record_about(EventName.API_KEY_ROTATED, caller, old, detail)
    return RotatedKey(new.row, new.text, ends_at)


def check_overlap(overlap: timedelta) -> None:
    """Raise Invalid for an overlap that is too long."""
    if not NO_OVERLAP <= overlap <= LONGEST_OVERLAP:
        raise Invalid("overlap", Sentence("must be at most %(days)dd", days=LONGEST_OVERLAP.days))


def _take(claim: Claim | None, successor: UUID, caller: Caller, key: ApiKey) -> None:
    """Take the claim before any lock, because the first request may hold the key's lock.

    Raises as `take` does; for a repeated request also as `locked` does.
    """
    try:
        take(claim, successor)
    except Repeated:
        locked(caller, [key], ANY_VERSION)  # the caller must still be allowed to rotate it
        raise


def _check_can_be_rotated(old: ApiKey, now: datetime) -> None:
    check_not_ended(old, now)
    if old.disabled_at is not None:
        raise Conflict("status", Sentence("%(name)s is disabled; enable it first", name=old.name))
    if old.successors.unrevoked().exists():
        raise Conflict(
            "status",
            Sentence("%(name)s was already rotated; rotate or revoke its successor first", name=old.name),
        )


def _end(old: ApiKey, now: datetime, overlap: timedelta) -> datetime:
    """End a key after `overlap`, or at its own expiry if that is earlier. Return when it ends."""
    ends_at = min(now + overlap, old.expires_at or now + overlap)
    ending = {"expires_at": ends_at} if overlap else {"revoked_at": now, "revoked_reason": ROTATED}
    edit(ApiKey.objects.filter(pk=old.pk), **ending)
    return ends_at
