"""Counters of attempts in the database: one atomic statement each, whatever else is counted meanwhile.

An upsert of several rows locks them in the order of its values, so that none waits for another in a circle.
"""

import time
from collections.abc import Sequence

from django.db import connection, transaction

from accounts.models import AttemptCount
from accounts.throttling import Count, Counter

SWEEP = 1000

_ADD = """
    INSERT INTO accounts_attemptcount AS kept (digest, attempts, ends_at) VALUES {rows}
    ON CONFLICT (digest) DO UPDATE SET
        attempts = CASE WHEN kept.ends_at <= %s THEN 1 ELSE kept.attempts + 1 END,
        ends_at = CASE WHEN kept.ends_at <= %s THEN excluded.ends_at ELSE kept.ends_at END
    RETURNING digest, attempts, ends_at
"""
_TAKE_BACK = """
    INSERT INTO accounts_attemptcount AS kept (digest, attempts, ends_at) VALUES {rows}
    ON CONFLICT (digest) DO UPDATE SET
        attempts = CASE excluded.attempts WHEN 0 THEN 0 ELSE kept.attempts - 1 END
    WHERE kept.attempts > 0 AND kept.ends_at <= excluded.ends_at
"""


def add(counters: Sequence[Counter], *, now: int, seconds: int) -> dict[bytes, Count]:
    """Count an attempt at `now` (Unix seconds), and return where each counter stands, by digest.

    A counter that ended starts anew, for `seconds`.
    """
    values = [value for each in counters for value in (each.digest, 1, now + seconds)]
    # On its own: an attempt that is refused later on, and rolled back, was an attempt all the same.
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_ADD.format(rows=_rows(counters)), [*values, now, now])
        return {bytes(digest): Count(attempts, ends_at) for digest, attempts, ends_at in cursor.fetchall()}


def take_back(counters: Sequence[Counter], *, emptied: str, now: int, seconds: int) -> None:
    """Take back the attempt that was counted at `now`; all attempts where the scope is `emptied`.

    A counter that has started anew since then keeps what it has.
    """
    values = [
        value
        for each in counters
        for value in (each.digest, 0 if each.scope == emptied else 1, now + seconds)
    ]
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_TAKE_BACK.format(rows=_rows(counters)), values)


def _rows(counters: Sequence[Counter]) -> str:
    return ", ".join(["(%s, %s, %s)"] * len(counters))


def sweep() -> None:
    """Delete counters that have ended, at most SWEEP of them, without waiting for anybody."""
    ended = AttemptCount.objects.filter(ends_at__lte=time.time())
    if not ended.exists():  # SQLite would lock everybody out to find that out
        return
    with transaction.atomic():
        rows = ended.select_for_update(skip_locked=True)
        digests = list(rows.values_list("digest", flat=True)[:SWEEP])
        AttemptCount.objects.filter(digest__in=digests).delete()
