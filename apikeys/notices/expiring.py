"""Tells owners that a key expires soon, once at each number of days that the profile names.

For each number a walk goes along the keys in the order of their expiry. A key that is made, or given another
expiry, behind the walk has passed that number already: it gets only those that are ahead of it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from django.db import transaction

from accounts.notifications.kinds import Notification
from apikeys.models import ApiKey
from apikeys.notices.models import KeyWalk
from apikeys.notices.walks import LAST_ID, Place, batch_by_expiry, may_be_told, next_by_expiry, taken
from apikeys.notices.writing import Due, Told, tell
from audit.actors import Origin
from config import profiles
from config.wire.fields import timestamp

SETTLED = timedelta(minutes=1)  # longer than any transaction that makes a key


class Threshold(NamedTuple):
    """A number of days before an expiry, and the next smaller one, whose own notice comes then."""

    days: int
    next_days: int

    @property
    def walk(self) -> str:
        return f"expiring {self.days}"

    def begins(self, now: datetime) -> Place:
        """Return the place of the first key that gets this notice and not one for fewer days."""
        return Place(now + timedelta(days=self.next_days), 0)

    def ends(self, now: datetime) -> datetime:
        """Return the latest expiry of which this notice tells at `now`."""
        return now + timedelta(days=self.days) - SETTLED


def thresholds() -> Iterator[Threshold]:
    """Yield the profile's numbers of days, the largest first."""
    days = sorted(profiles.active().notices.expiry_days, reverse=True)
    return (Threshold(more, fewer) for more, fewer in pairwise([*days, 0]))


def tell_expiring(origin: Origin) -> list[Told] | None:
    """Tell of one batch for each number of days; None if no key is left to look at."""
    done = [_next_batch(each, origin) for each in thresholds()]
    return None if all(told is None for told in done) else [each for told in done for each in told or []]


def _next_batch(threshold: Threshold, origin: Origin) -> list[Told] | None:
    if not _is_due(threshold, origin.at):  # on SQLite, the transaction would lock out all writers
        return None
    with transaction.atomic():
        walk = taken(threshold.walk, threshold.begins(origin.at))
        if walk is None:
            return None
        keys, is_full = batch_by_expiry(_place(walk, threshold, origin.at), threshold.ends(origin.at))
        if is_full:
            _move(walk, Place(keys[-1].end, keys[-1].pk))  # type: ignore[attr-defined]
        else:
            _move(walk, Place(threshold.ends(origin.at), LAST_ID))
        return tell(Notification.EXPIRING, _due(keys, threshold, origin.at), origin)


def _is_due(threshold: Threshold, now: datetime) -> bool:
    walk = KeyWalk.objects.filter(name=threshold.walk).first()
    after = _place(walk, threshold, now) if walk else threshold.begins(now)
    return next_by_expiry(after, threshold.ends(now)).first() is not None


def _place(walk: KeyWalk, threshold: Threshold, now: datetime) -> Place:
    """Return where to go on: after servers stood still, keys that are nearer to their end are passed by."""
    return max(Place(walk.reached_at, walk.reached_id), threshold.begins(now))


def _move(walk: KeyWalk, place: Place) -> None:
    walk.reached_at, walk.reached_id = place
    walk.save(update_fields=["reached_at", "reached_id"])


def _due(keys: list[ApiKey], threshold: Threshold, now: datetime) -> list[Due]:
    due = []
    for key in keys:
        if key.expires_at is None or not may_be_told(key, now):
            continue
        if key.created_at <= key.expires_at - timedelta(days=threshold.days):
            detail = {"expires_at": timestamp(key.expires_at), "days": threshold.days}
            due.append(Due(key, mark_of(key.expires_at, threshold.days), detail))
    return due


def mark_of(expires_at: datetime, days: int) -> str:
    """Return the mark of the notice that a key which expires then gets so many days before."""
    return f"{timestamp(expires_at)} {days}"


def still_holds(key: ApiKey, mark: str, now: datetime) -> bool:
    """Whether the key still works, and expires when its notice says."""
    if key.expires_at is None or not may_be_told(key, now):
        return False
    return mark.startswith(f"{timestamp(key.expires_at)} ")
