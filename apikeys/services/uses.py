"""What came of the requests of keys, written for many keys at once.

Nothing here touches a column that says what a key may do, so no write brings a revoked key back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from apikeys.models import HOUR, ApiKey, Outcome

MOST_AT_ONCE = 500

# Both databases call the columns of VALUES column1, column2, …
_ADD = """
    INSERT INTO apikeys_keyuse AS kept (key_id, begins_at, seconds, outcome, count) VALUES {rows}
    ON CONFLICT (key_id, begins_at, seconds, outcome) DO UPDATE SET count = kept.count + excluded.count
"""
_MARK = """
    UPDATE apikeys_apikey SET
        use_count = use_count + used.column2,
        last_used_at = CASE WHEN last_used_at >= used.column3 THEN last_used_at ELSE used.column3 END,
        last_used_ip = CASE WHEN last_used_at >= used.column3 THEN last_used_ip ELSE used.column4 END
    FROM (VALUES {rows}) AS used
    WHERE id = used.column1
"""

Cell = tuple[int, int, Outcome]  # number of the key, Unix seconds at which the hour begins, what came of it


@dataclass(slots=True)
class Use:
    """Requests that belong together: how many, and the last of them."""

    count: int
    last_at: datetime
    last_ip: str

    def add(self, other: "Use") -> None:
        """Count the other ones too; the later of both is the last."""
        self.count += other.count
        self.last_at, self.last_ip = max((self.last_at, self.last_ip), (other.last_at, other.last_ip))


class Counted(NamedTuple):
    """One row of KeyUse."""

    key: int
    begins_at: int
    seconds: int
    outcome: str
    times: int


def add_counts(rows: Sequence[Counted]) -> None:
    """Add to the counts of these hours and days, or begin them: one statement. Each row stands there once."""
    if not rows:
        return
    values = [value for row in sorted(rows) for value in row]
    with connection.cursor() as cursor:
        cursor.execute(_ADD.format(rows=", ".join(["(%s, %s, %s, %s, %s)"] * len(rows))), values)


def write_uses(uses: dict[Cell, Use], *, skip_locked: bool) -> int:
    """Write what is in `uses`, take it out of there, and return of how many keys it was.

    What belongs to a key that is gone is taken out, too. With `skip_locked`, keys that somebody has locked
    stay in `uses`: nobody waits. Raises django.db.Error; what was not written before that stays.
    """
    cells, written = sorted(uses), set()
    for start in range(0, len(cells), MOST_AT_ONCE):
        batch = cells[start : start + MOST_AT_ONCE]
        numbers = {number for number, _, _ in batch}
        with transaction.atomic():
            free = _hold(numbers, skip_locked=skip_locked)
            _write({cell: uses[cell] for cell in batch if cell[0] in free})
            locked = set(ApiKey.objects.filter(pk__in=numbers - free).values_list("pk", flat=True))
        for cell in batch:
            if cell[0] not in locked:
                del uses[cell]
        written |= free
    return len(written)


def _hold(numbers: set[int], *, skip_locked: bool) -> set[int]:
    """Lock the rows of those keys that are there, and free; others may go on referring to them."""
    rows = ApiKey.objects.filter(pk__in=numbers).order_by("pk")
    locking = rows.select_for_update(skip_locked=skip_locked, of=("self",), no_key=True)
    return set(locking.values_list("pk", flat=True))


def _write(uses: dict[Cell, Use]) -> None:
    add_counts(
        [Counted(key, hour, HOUR, outcome.value, use.count) for (key, hour, outcome), use in uses.items()]
    )
    allowed: dict[int, Use] = {}
    for (number, _, outcome), use in uses.items():
        if outcome is Outcome.ALLOWED:
            allowed.setdefault(number, Use(0, use.last_at, use.last_ip)).add(use)
    if allowed:
        _mark(allowed)


def _mark(uses: dict[int, Use]) -> None:
    """Count these uses of keys and keep the last: time never moves backwards."""
    moment = connection.ops.adapt_datetimefield_value
    values = [value for n, use in uses.items() for value in (n, use.count, moment(use.last_at), use.last_ip)]
    with connection.cursor() as cursor:
        cursor.execute(_MARK.format(rows=", ".join(["(%s, %s, %s, %s)"] * len(uses))), values)
