"""Services for imported keys that nobody uses: disable them, and stop looking for keys of their system."""

from datetime import UTC, datetime

from django.db import transaction

from access.leases import wait_out_leases
from access.principals import Caller, operator
from apikeys.models import ApiKey, KeySource
from apikeys.services.events import record_about_all
from audit.actors import Origin, Target
from audit.events import EventName
from audit.log import record
from config.database.retention import take_some
from config.database.rows import edit

NEVER = datetime(9999, 12, 31, tzinfo=UTC)


def disable_unused() -> int:
    """Disable some of the imported keys that were not used in time, and return how many.

    A key that an administrator enables again has no deadline any more.
    """
    caller = Caller(operator("keyhouse"), Origin.here())
    due = ApiKey.objects.filter(unused_until__lte=caller.origin.at)
    if not due.exists():
        return _settle_all(caller)
    with transaction.atomic():
        rows = take_some(due.select_related("user", "organization").order_by("pk"))
        numbers = [row.pk for row in rows]
        ApiKey.objects.filter(pk__in=numbers).update(unused_until=NEVER)
        live = [row for row in rows if row.status(caller.origin.at) == "active"]
        edit(ApiKey.objects.filter(pk__in=[row.pk for row in live]), disabled_at=caller.origin.at)
        record_about_all(EventName.API_KEY_DISABLED, caller, live, {"reason": "unused since its import"})
        wait_out_leases()
    return len(rows)


def _settle_all(caller: Caller) -> int:
    for source in KeySource.objects.filter(is_open=True):
        settle(caller, source)
    return 0


def settle(caller: Caller, source: KeySource) -> None:
    """Note whether a key of the system may still be used, and whether one is unused. Record a change."""
    if _state(source) == (source.is_open, source.has_unused):
        return
    with transaction.atomic():
        locked = KeySource.objects.select_for_update().get(pk=source.pk)
        change(caller, locked, *_state(locked))


def _state(source: KeySource) -> tuple[bool, bool]:
    kept = ApiKey.objects.filter(imported_from=source, revoked_at__isnull=True)
    return kept.exists(), kept.filter(unused_until__isnull=False).exists()


def change(caller: Caller, source: KeySource, is_open: bool, has_unused: bool) -> None:
    """Store what a locked system's keys may be looked up for, and record it if it has changed."""
    before = KeySource.objects.filter(pk=source.pk).values_list("place", "is_open", "has_unused").first()
    if before == (source.place, is_open, has_unused):
        return
    source.is_open, source.has_unused = is_open, has_unused
    source.save()
    detail = {"place": source.place, "open": is_open, "unused": has_unused}
    target = Target("key_source", str(source.pk), source.name)
    record(
        EventName.KEY_SOURCE_CHANGED,
        actor=caller.principal.actor,
        origin=caller.origin,
        target=target,
        detail=detail,
    )
