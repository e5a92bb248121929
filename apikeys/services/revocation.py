"""Services that revoke API keys."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from access.leases import wait_out_leases
from access.principals import Caller
from accounts.users.names import check_no_credential
from apikeys.models import ApiKey
from apikeys.services.events import record_about_all
from apikeys.services.locking import locked_to_end, one_locked_to_end
from audit.events import EventName
from config.database.rows import edit, in_batches
from config.wire.errors import Invalid, Sentence
from config.wire.preconditions import ANY_VERSION, Expected

REASON_LENGTH = 200


def revoke_api_keys(*, caller: Caller, selected: Iterable[ApiKey], reason: str = "") -> int:
    """Revoke keys for good, all or none, and return how many were not revoked before.

    Raises NotFound, NotAllowed if the caller may not manage one of them, and Invalid for a bad `reason`.
    """
    if len(reason) > REASON_LENGTH or not reason.isprintable():
        raise Invalid("reason", Sentence("must be at most %(most)d printable characters", most=REASON_LENGTH))
    check_no_credential("reason", reason)
    with transaction.atomic():
        return revoke_locked(caller, locked_to_end(caller, selected, ANY_VERSION), reason)


def revoke_api_key(*, caller: Caller, named: Mapping[str, Any], expected: Expected) -> None:
    """Revoke the key that a lookup names, for good. Raises NotFound, NotAllowed and PreconditionFailed."""
    with transaction.atomic():
        revoke_locked(caller, [one_locked_to_end(caller, named, expected)], "")


def revoke_locked(caller: Caller, rows: Iterable[ApiKey], reason: str) -> int:
    """Revoke locked keys, in the transaction that locked them; return how many were not revoked before."""
    fresh = [row for row in rows if row.revoked_at is None]
    for some in in_batches(ApiKey.objects.all(), (row.pk for row in fresh)):
        edit(some, revoked_at=caller.origin.at, revoked_reason=reason)
    record_about_all(EventName.API_KEY_REVOKED, caller, fresh, {"reason": reason})
    wait_out_leases()  # another caller who revoked the rest may still be waiting
    return len(fresh)
