"""Writes each notice to the owners of keys once, and queues the mails that tell them.

A mail to a person lists everything that came up until it is sent. `accounts_mail` has at most one mail of a
kind that waits for a person and was never tried, by a constraint. Both the sender and the writer lock that
mail: what is written after the sender has read the list goes into the next mail.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Count

from accounts.mail.messages import MailKind
from accounts.mail.outbox import filled
from accounts.models import Mail
from accounts.notifications.kinds import SECURITY, Notification
from apikeys.models import ApiKey
from apikeys.notices.models import KeyNews
from apikeys.notices.recipients import Recipient, recipients
from apikeys.services.events import target_of
from audit.actors import ANONYMOUS, Origin
from audit.events import EventName
from audit.log import Entry, record_all
from config.database.sql import rows_query
from config.wire.errors import Busy

MOST_IN_A_MAIL = 50  # keys that a mail lists. One more key is stored, so that the mail can say "and more".
WAITS = {MailKind.KEY_NOTICES: timedelta(minutes=10), MailKind.KEY_WARNINGS: timedelta(minutes=1)}
ATTEMPTS = 5  # each fails only if the mail that was found has just been taken by the sender
EVENTS = {
    Notification.EXPIRING: EventName.API_KEY_EXPIRING,
    Notification.UNUSED: EventName.API_KEY_UNUSED,
    Notification.NEW_NETWORK: EventName.API_KEY_ROAMED,
}

_WRITE = """
    INSERT INTO apikeys_keynotice (key_id, kind, mark, created_at) {rows}
    ON CONFLICT (key_id, kind, mark) DO NOTHING RETURNING id, key_id, mark
"""


class Due(NamedTuple):
    """A key, with its owner, of which something is to be told. `mark` is that of KeyNotice."""

    key: ApiKey
    mark: str
    detail: Mapping[str, Any] = {}


class Told(NamedTuple):
    """What was not told before, and to whom."""

    kind: Notification
    due: Due
    notice: int
    people: list[Recipient]


@transaction.atomic(savepoint=False)
def tell(kind: Notification, due: Sequence[Due], origin: Origin) -> list[Told]:
    """Write what was not told before, the mails about it and the events. Call it last in a transaction.

    Raises Busy if mails are taken by the sender again and again.
    """
    notices = _written(kind, due, origin.at)
    fresh = [each for each in due if (each.key.pk, each.mark) in notices]
    whom = recipients(kind, [each.key for each in fresh])
    told = [Told(kind, each, notices[each.key.pk, each.mark], whom[each.key.pk]) for each in fresh]
    _list_in_mails(MailKind.KEY_WARNINGS if kind in SECURITY else MailKind.KEY_NOTICES, told, origin)
    if kind in EVENTS:
        entries = [Entry(EVENTS[kind], target_of(each.key), each.detail) for each in fresh]
        record_all(entries, actor=ANONYMOUS, origin=origin)
    return told


def _written(kind: Notification, due: Sequence[Due], now: datetime) -> dict[tuple[int, str], int]:
    """Insert the notices that do not exist yet; return their primary keys by key and mark."""
    if not due:
        return {}
    moment = connection.ops.adapt_datetimefield_value(now)
    rows = sorted({(each.key.pk, kind.value, each.mark, str(moment)) for each in due})
    given = rows_query(("bigint", "text", "text", "timestamptz"), rows)
    with connection.cursor() as cursor:
        cursor.execute(_WRITE.format(rows=given.query), given.values)
        return {(key, mark): number for number, key, mark in cursor.fetchall()}


def _list_in_mails(kind: MailKind, told: Iterable[Told], origin: Origin) -> None:
    """List what is told in a mail to each person, up to as many keys as a mail shows, and one more."""
    wanted = [(person, each.notice) for each in told for person in each.people]
    mails = _waiting_mails(kind, {person for person, _ in wanted}, origin)
    listed = Counter(dict(_listed(mails.values())))
    news = []
    for person, notice in wanted:
        mail = mails[person.number]
        listed[mail] += 1
        if listed[mail] <= MOST_IN_A_MAIL + 1:
            news.append(KeyNews(mail_id=mail, notice_id=notice))
    KeyNews.objects.bulk_create(news)
    transaction.on_commit(filled.set)


def _listed(mails: Iterable[int]) -> Any:
    counted = KeyNews.objects.filter(mail__in=list(mails)).values("mail").annotate(listed=Count("pk"))
    return counted.values_list("mail", "listed")


def _waiting_mails(kind: MailKind, people: set[Recipient], origin: Origin) -> dict[int, int]:
    """Lock the mail that waits for each person, or queue one; return the mails' primary keys by person."""
    due_at, found = origin.at + WAITS[kind], dict[int, int]()
    missing = sorted(people)
    for _ in range(ATTEMPTS):
        mails = [
            Mail(kind=kind, address=email, about=number, created_at=due_at, next_try_at=due_at)
            for number, email in missing
        ]
        Mail.objects.bulk_create(mails, ignore_conflicts=True)
        waiting = Mail.objects.filter(kind=kind, tries=0, about__in=[number for number, _ in missing])
        found.update(waiting.select_for_update().order_by("pk").values_list("about", "pk"))
        missing = [person for person in missing if person.number not in found]
        if not missing:
            return found
    raise Busy("Mails about keys are being sent. Try again.", 2)


def release() -> int:
    """Let the mails that still wait for more be sent now; return how many."""
    waiting = Mail.objects.filter(kind__in=WAITS, tries=0)
    return waiting.update(next_try_at=Origin.here().at)
