"""Tells owners that a key has not been used for a long time, and disables it later if the profile says so.

If mails reach nobody, owners are not told, and no key is disabled. A walk along all keys takes a batch at a
time and begins again a day after its end. The use of keys has no index, because each use would have to update
it (decision 0116).
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.mail.delivery import reaches_people
from accounts.notifications.kinds import Notification
from apikeys.models import ApiKey
from apikeys.notices.models import KeyNotice, KeyWalk
from apikeys.notices.walks import Place, batch_by_number, may_be_told, taken
from apikeys.notices.writing import Due, Told, tell
from apikeys.services.events import target_of
from audit.actors import ANONYMOUS, Origin
from audit.events import EventName
from audit.log import Entry, record_all
from config import profiles
from config.database.rows import edit
from config.wire.fields import timestamp

WALK = "unused"
PAUSE = timedelta(days=1)  # between two walks
DISABLED = "disabled"  # the mark of the notice that says so


def tell_unused(origin: Origin) -> list[Told] | None:
    """Tell of one batch of keys, and disable those that were told of long ago; None if the walk is over."""
    if profiles.active().notices.stale_days is None or not reaches_people() or not _is_due(origin.at):
        return None
    with transaction.atomic():
        walk = taken(WALK, Place(origin.at, 0))
        if walk is None or walk.reached_at > origin.at:
            return None
        keys, is_full = batch_by_number(walk.reached_id)
        if is_full:
            walk.reached_id = keys[-1].pk
        else:
            walk.reached_at, walk.reached_id = origin.at + PAUSE, 0
        walk.save(update_fields=["reached_at", "reached_id"])
        stale = [key for key in keys if may_be_told(key, origin.at) and is_stale(key, origin.at)]
        disabled = _disable(_told_long_ago(stale, origin.at), origin)
        due = [Due(key, f"{DISABLED} {timestamp(origin.at)}", _detail(key)) for key in disabled]
        gone = {key.pk for key in disabled}
        due += [Due(key, mark_of(key), _detail(key)) for key in stale if key.pk not in gone]
        return tell(Notification.UNUSED, due, origin)


def _is_due(now: datetime) -> bool:
    walk = KeyWalk.objects.filter(name=WALK).first()
    return walk is None or walk.reached_at <= now


def is_stale(key: ApiKey, now: datetime) -> bool:
    """Whether the key has not been used for the profile's number of days. Unused imports have a deadline."""
    days = profiles.active().notices.stale_days
    return days is not None and key.unused_until is None and _last_use(key) < now - timedelta(days=days)


def mark_of(key: ApiKey) -> str:
    """Return the mark of the notice for this time without use: the next use begins another."""
    return f"since {timestamp(_last_use(key))}"


def still_holds(key: ApiKey, mark: str, now: datetime) -> bool:
    """Whether the key still works, and was not used since its notice was written."""
    return may_be_told(key, now) and mark == mark_of(key)


def disabled_from(told_at: datetime) -> datetime | None:
    """Return when Keyhouse disables a key whose owner was told at `told_at`; None if never."""
    days = profiles.active().notices.stale_disable_days
    return None if days is None else told_at + timedelta(days=days)


def _last_use(key: ApiKey) -> datetime:
    return key.last_used_at or key.created_at


def _detail(key: ApiKey) -> dict[str, str | None]:
    return {"last_used_at": timestamp(key.last_used_at) if key.last_used_at else None}


def _told_long_ago(stale: list[ApiKey], now: datetime) -> list[ApiKey]:
    """Return the keys whose notice is as old as the profile's notice period."""
    days = profiles.active().notices.stale_disable_days
    if days is None or not stale:
        return []
    marks = {(key.pk, mark_of(key)) for key in stale}
    old = KeyNotice.objects.filter(
        key__in=[key.pk for key in stale],
        kind=Notification.UNUSED,
        created_at__lte=now - timedelta(days=days),
    )
    told = set(old.values_list("key_id", "mark")) & marks
    return [key for key in stale if (key.pk, mark_of(key)) in told]


def _disable(keys: list[ApiKey], origin: Origin) -> list[ApiKey]:
    """Disable keys that were not used or changed meanwhile, and return them.

    Their notices are deleted: a key that somebody enables is told of again before it is disabled again.
    """
    done = []
    for key in sorted(keys, key=lambda each: each.pk):
        unused = Q(last_used_at=key.last_used_at) if key.last_used_at else Q(last_used_at__isnull=True)
        rows = ApiKey.objects.usable(origin.at).filter(unused, pk=key.pk)
        if edit(rows, disabled_at=origin.at):
            done.append(key)
    KeyNotice.objects.filter(key__in=[key.pk for key in done], kind=Notification.UNUSED).delete()
    detail = {"reason": "not used for a long time"}
    entries = [Entry(EventName.API_KEY_DISABLED, target_of(key), detail) for key in done]
    record_all(entries, actor=ANONYMOUS, origin=origin)
    return done
