"""The service that rotates a key: it gets a successor."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction

from access.principals import Caller
from accounts.idempotency.services import Claim, Repeated, take
from apikeys.models import ApiKey, OpenRotation
from apikeys.services.api_keys import NewKey, check_not_ended, create_api_key, hold_owner
from apikeys.services.events import record_about
from apikeys.services.locking import locked
from audit.events import EventName
from config import profiles
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
    when_quiet: bool = False,
    claim: Claim | None = None,
    expected: Expected = ANY_VERSION,
) -> RotatedKey:
    """Replace `key` with a new key that differs only in its text and its expiry.

    The old key ends after `overlap` (at most LONGEST_OVERLAP), but never later than it would have; without
    an overlap it is revoked at once. With `when_quiet` it ends earlier, or where the profile says so later:
    when the new key was used, and the old one was not for the profile's `quiet_hours`.

    Raises NotFound, NotAllowed or Invalid as for a new key, because rotating must not give the caller more.
    Raises FreshProofRequired, PreconditionFailed, as `take`, and Conflict for a key that is not usable or
    already rotated.
    """
    check_overlap(overlap)
    if when_quiet:
        check_can_wait(overlap)
    successor = uuid4()
    with transaction.atomic():
        _take(claim, successor, caller, key)
        owner = hold_owner(caller, key.owner)  # before the key: all code locks in this order
        old = locked(caller, [key], expected)[0]
        _check_can_be_rotated(old, caller.origin.at)
        ends_at = _end(old, caller.origin.at, overlap, when_quiet=when_quiet)
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
        if when_quiet:
            detail["finish"] = "when_quiet"
        record_about(EventName.API_KEY_ROTATED, caller, old, detail)
    return RotatedKey(new.row, new.text, ends_at)


def check_overlap(overlap: timedelta) -> None:
    """Raise Invalid for an overlap that is too long."""
    if not NO_OVERLAP <= overlap <= LONGEST_OVERLAP:
        raise Invalid("overlap", Sentence("must be at most %(days)dd", days=LONGEST_OVERLAP.days))


def check_can_wait(overlap: timedelta) -> None:
    """Raise Invalid if a rotation with this overlap cannot finish when the old key is quiet."""
    if profiles.active().rotation.quiet_hours is None:
        raise Invalid("finish", Sentence("is not possible: the profile has no rotation.quiet_hours"))
    if not overlap:
        raise Invalid("finish", Sentence("needs an overlap, during which the old key still works"))


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


def _end(old: ApiKey, now: datetime, overlap: timedelta, *, when_quiet: bool) -> datetime:
    """End a key after `overlap`, or at its own expiry if that is earlier. Return when it ends at last."""
    longest = profiles.active().rotation.longest_days
    waits = timedelta(days=longest) if when_quiet and longest else overlap
    ends_at = min(now + max(waits, overlap), old.expires_at or datetime.max.replace(tzinfo=UTC))
    ending = {"expires_at": ends_at} if overlap else {"revoked_at": now, "revoked_reason": ROTATED}
    edit(ApiKey.objects.filter(pk=old.pk), **ending)
    if when_quiet:
        _wait_until_quiet(old, now, min(now + overlap, ends_at))
    return ends_at


def _wait_until_quiet(old: ApiKey, now: datetime, overlap_ends_at: datetime) -> None:
    """Let servers end the key when it is quiet (apikeys.rotations.finishing)."""
    quiet = timedelta(hours=profiles.active().rotation.quiet_hours or 0)
    look_at = min(now + quiet, overlap_ends_at)
    times = {"began_at": now, "overlap_ends_at": overlap_ends_at, "look_at": look_at}
    OpenRotation.objects.update_or_create(key=old, defaults=times)
