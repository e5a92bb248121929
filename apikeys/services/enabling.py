"""Services that disable keys, and enable them again."""

from collections.abc import Iterable

from django.db import transaction

from access.freshness import check_fresh
from access.leases import wait_out_leases
from access.principals import Caller
from apikeys.models import ApiKey
from apikeys.services.api_keys import check_not_ended
from apikeys.services.events import record_about_all
from apikeys.services.locking import locked
from audit.events import EventName
from config.database.rows import edit, in_batches
from config.wire.preconditions import ANY_VERSION, Expected


def disable_api_keys(*, caller: Caller, selected: Iterable[ApiKey], expected: Expected = ANY_VERSION) -> int:
    """Disable keys until somebody enables them, all or none. Return how many were enabled before.

    Raises NotFound, NotAllowed or PreconditionFailed, and Conflict for a key that has ended.
    """
    return _switch(caller, selected, expected, off=True)


def enable_api_keys(*, caller: Caller, selected: Iterable[ApiKey], expected: Expected = ANY_VERSION) -> int:
    """Enable keys again, all or none. Return how many were disabled before.

    Raises NotFound, NotAllowed, PreconditionFailed or FreshProofRequired, and Conflict for a key that has
    ended for good.
    """
    return _switch(caller, selected, expected, off=False)


def _switch(caller: Caller, selected: Iterable[ApiKey], expected: Expected, *, off: bool) -> int:
    with transaction.atomic():
        rows = locked(caller, selected, expected)
        if not off:
            check_fresh(caller)
        for row in rows:
            check_not_ended(row, caller.origin.at)
        fresh = [row for row in rows if (row.disabled_at is None) == off]
        disabled_at = caller.origin.at if off else None
        for some in in_batches(ApiKey.objects.all(), (row.pk for row in fresh)):
            edit(some, disabled_at=disabled_at)
        name = EventName.API_KEY_DISABLED if off else EventName.API_KEY_ENABLED
        record_about_all(name, caller, fresh, {})
        wait_out_leases()  # the request that switched the others may still be waiting
    return len(fresh)
