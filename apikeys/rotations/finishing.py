"""Finishes rotations, in the background of servers: an old key ends once its successor has taken over."""

from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q

from accounts import background
from accounts.notifications.kinds import Notification
from apikeys.models import ApiKey, OpenRotation
from apikeys.notices.writing import Due, tell
from apikeys.services.events import target_of
from apikeys.services.rotation import ROTATED
from audit.actors import ANONYMOUS, Origin
from audit.events import EventName
from audit.log import Entry, record_all
from config import profiles
from config.database.rows import edit
from config.wire.fields import timestamp

BATCH = 200  # rotations that one look takes
PAUSE = timedelta(minutes=5)  # until an old key is looked at again whose successor nobody has used


class Use(NamedTuple):
    """The use of the old key since its rotation began, and of its successor."""

    last_at: datetime | None
    quiet_from: datetime
    successor_is_used: bool


def finish_rotations() -> None:
    """Look at the rotations that are due. One that fails does not stop others."""
    now = Origin.here().at
    due = OpenRotation.objects.filter(look_at__lte=now).order_by("look_at")
    for number in list(due.values_list("pk", flat=True)[:BATCH]):
        background.quietly(partial(look_at, number, Origin("", "", now)), "a rotation not finished yet")


@transaction.atomic
def look_at(number: int, origin: Origin) -> None:
    """End the old key if it is quiet, tell the owner if it is still used at the overlap's end, or wait."""
    rows = OpenRotation.objects.filter(pk=number).select_for_update(of=("self", "key"), skip_locked=True)
    row = rows.select_related("key__user", "key__organization").first()
    if row is None:
        return  # another server has it, or somebody changes the key
    use = use_of(row)
    if use is None or row.key.revoked_at is not None or end_if_quiet(row, use, origin):
        row.delete()
        return
    if use.last_at and use.quiet_from > row.overlap_ends_at <= origin.at:
        _tell(row, origin)
    if row.key.status(origin.at) == "expired":
        row.delete()
        return
    later = [at for at in (use.quiet_from, row.overlap_ends_at, row.key.expires_at) if at and at > origin.at]
    row.look_at = min([*later, origin.at + PAUSE] if use.quiet_from <= origin.at else later)
    row.save(update_fields=["look_at"])


def use_of(row: OpenRotation) -> Use | None:
    """Return how the keys are used; None if the rotation has no successor any more, or no profile for it."""
    hours = profiles.active().rotation.quiet_hours
    successor = row.key.successors.unrevoked().first()
    if successor is None or hours is None:
        return None
    used = row.key.last_used_at
    last_at = used if used and used > row.began_at else None
    quiet_from = (last_at or row.began_at) + timedelta(hours=hours)
    return Use(last_at, quiet_from, successor.last_used_at is not None)


def end_if_quiet(row: OpenRotation, use: Use, origin: Origin) -> bool:
    """Revoke the old key if nobody needs it, unless it was used just now; return whether it was revoked."""
    if not use.successor_is_used or use.quiet_from > origin.at:
        return False
    used = row.key.last_used_at
    same = Q(last_used_at=used) if used else Q(last_used_at__isnull=True)
    rows = ApiKey.objects.unended(origin.at).filter(same, pk=row.key.pk)
    if not edit(rows, revoked_at=origin.at, revoked_reason=ROTATED):
        return False
    detail = {"reason": ROTATED, "last_used_at": timestamp(used) if used else None}
    entry = Entry(EventName.API_KEY_REVOKED, target_of(row.key), detail)
    record_all([entry], actor=ANONYMOUS, origin=origin)
    return True


def _tell(row: OpenRotation, origin: Origin) -> None:
    """Tell the owner once who still uses the old key."""
    tell(Notification.STILL_USED, [Due(row.key, timestamp(row.overlap_ends_at))], origin)
