"""The notice that a key was found where others can read it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from accounts.notifications.kinds import Notification
from apikeys.models import ApiKey
from apikeys.notices.models import MARK_LENGTH, KeyNotice
from apikeys.notices.writing import Due, tell
from audit.actors import Origin


class Found(NamedTuple):
    """A leaked key, with its owner, and where it was found, such as a URL; "" if nobody said."""

    key: ApiKey
    place: str


def tell_leaked(*, found: Sequence[Found], again: Iterable[ApiKey], origin: Origin) -> list[Found]:
    """Mail the owners of leaked keys and the administrators of keys, once for each key and place.

    What they were told of the keys in `again` before does not count. Returns what was not told before. The
    mail is a security mail, which nobody can turn off, and leaves a minute later. The caller records the
    event. Call it in the transaction that records the report, after all rows are locked.
    """
    numbers = [key.pk for key in again]
    if numbers:
        KeyNotice.objects.filter(kind=Notification.LEAKED, key__in=numbers).delete()
    due = [Due(each.key, _cut(each.place)) for each in found]
    told = {each.due.key.pk for each in tell(Notification.LEAKED, due, origin)}
    return [each for each in found if each.key.pk in told]


def _cut(place: str) -> str:
    return place if len(place) <= MARK_LENGTH else f"{place[: MARK_LENGTH - 1]}…"
