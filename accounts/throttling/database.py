"""Counters of attempts in the database, changed by one atomic statement each.

An upsert of several rows locks them in the order of its values, so two upserts cannot deadlock.
"""

import time

from django.db import connection, transaction

from accounts.models import AttemptCount
from accounts.throttling.counters import Attempt, Count
from config.database.retention import delete_some

_ADD = """
    INSERT INTO accounts_attemptcount AS kept (digest, attempts, ends_at) VALUES {rows}
    ON CONFLICT (digest) DO UPDATE SET
        attempts = CASE WHEN kept.ends_at > %s AND kept.ends_at <= %s THEN kept.attempts + 1 ELSE 1 END,
        ends_at = CASE WHEN kept.ends_at > %s AND kept.ends_at <= %s
            THEN kept.ends_at ELSE excluded.ends_at END
    RETURNING digest, attempts, ends_at
"""
_TAKE_BACK = """
    INSERT INTO accounts_attemptcount AS kept (digest, attempts, ends_at) VALUES {rows}
    ON CONFLICT (digest) DO UPDATE SET
        attempts = CASE excluded.attempts WHEN 0 THEN 0 ELSE kept.attempts - 1 END
    WHERE kept.attempts > 0 AND kept.ends_at <= excluded.ends_at
"""


def add(tried: Attempt) -> dict[bytes, Count]:
    """See accounts.throttling.services.Store. Runs in its own transaction, so no rollback undoes it."""
    values = [value for each in tried.counters for value in (each.digest, 1, tried.ends_at)]
    going_on = (tried.at, tried.latest_end)  # see Attempt.goes_on
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_ADD.format(rows=_rows(tried)), [*values, *going_on, *going_on])
        return {bytes(digest): Count(attempts, ends_at) for digest, attempts, ends_at in cursor.fetchall()}


def take_back(tried: Attempt, *, emptied: str = "") -> None:
    """See accounts.throttling.services.Store. The value 0 resets a counter; 1 takes back one attempt."""
    values = [
        value
        for each in tried.counters
        for value in (each.digest, 0 if each.scope == emptied else 1, tried.ends_at)
    ]
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_TAKE_BACK.format(rows=_rows(tried)), values)


def _rows(tried: Attempt) -> str:
    return ", ".join(["(%s, %s, %s)"] * len(tried.counters))


def sweep() -> None:
    """Delete some ended counters, without waiting for locks."""
    delete_some(AttemptCount.objects.filter(ends_at__lte=int(time.time())))
