"""What came of the requests of keys, written for many keys at once.

Nothing here touches a column that says what a key may do, so no write brings a revoked key back.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from apikeys.models import EVERY_KEY, HOUR, ApiKey, Outcome

MOST_AT_ONCE = 500

# Both databases call the columns of VALUES column1, column2, …
_ADD = """
    INSERT INTO apikeys_keyuse AS kept (key_id, begins_at, seconds, outcome, count) VALUES {rows}
    ON CONFLICT (key_id, begins_at, seconds, outcome) DO UPDATE SET count = kept.count + excluded.count
"""
_ADD_TOTALS = """
    INSERT INTO apikeys_hourtotal AS kept (organization_id, begins_at, outcome, count) VALUES {rows}
    ON CONFLICT (organization_id, begins_at, outcome) DO UPDATE SET count = kept.count + excluded.count
"""
_MARK_SCOPES = """
    INSERT INTO apikeys_scopeuse AS kept (key_id, scope, last_used_at) VALUES {rows}
    ON CONFLICT (key_id, scope) DO UPDATE SET last_used_at = excluded.last_used_at
    WHERE kept.last_used_at < excluded.last_used_at
"""
_MARK = """
    UPDATE apikeys_apikey SET
        use_count = use_count + used.column2,
        last_used_at = CASE WHEN last_used_at >= used.column3 THEN last_used_at ELSE used.column3 END,
        last_used_ip = CASE WHEN last_used_at >= used.column3 THEN last_used_ip ELSE used.column4 END
    FROM (VALUES {rows}) AS used
    WHERE id = used.column1
"""

# Number of the key, Unix seconds at which the hour begins, what came of it, the scopes that it needed.
Cell = tuple[int, int, Outcome, tuple[str, ...]]


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
    _execute(_ADD, sorted(rows))


def write_uses(uses: dict[Cell, Use], *, skip_locked: bool) -> int:
    """Write what is in `uses`, take it out of there, and return of how many keys it was.

    What belongs to a key that is gone is taken out, too. With `skip_locked`, keys that somebody has locked
    stay in `uses`: nobody waits. Raises django.db.Error; what was not written before that stays.
    """
    cells = sorted(uses)
    written: set[int] = set()
    for start in range(0, len(cells), MOST_AT_ONCE):
        batch = cells[start : start + MOST_AT_ONCE]
        numbers = {cell[0] for cell in batch}
        with transaction.atomic():
            free = _hold(numbers, skip_locked=skip_locked)
            _write({cell: uses[cell] for cell in batch if cell[0] in free}, free)
            locked = set(ApiKey.objects.filter(pk__in=numbers - free.keys()).values_list("pk", flat=True))
        for cell in batch:
            if cell[0] not in locked:
                del uses[cell]
        written |= free.keys()
    return len(written)


def _hold(numbers: set[int], *, skip_locked: bool) -> dict[int, int | None]:
    """Lock the rows of those keys that are there, and free; others may go on referring to them.

    Return the number of the organization that owns each, if one does.
    """
    rows = ApiKey.objects.filter(pk__in=numbers).order_by("pk")
    locking = rows.select_for_update(skip_locked=skip_locked, of=("self",), no_key=True)
    return dict(locking.values_list("pk", "organization_id"))


def _write(uses: dict[Cell, Use], organizations: Mapping[int, int | None]) -> None:
    """Write these uses of keys whose rows are locked.

    The totals come last. Others wait for their rows, always in the same order, and never for more than
    the rest of this transaction.
    """
    counts: Counter[tuple[int, int, str]] = Counter()
    allowed: dict[int, Use] = {}
    scopes: dict[tuple[int, str], datetime] = {}
    for (number, hour, outcome, needed), use in uses.items():
        counts[number, hour, outcome.value] += use.count
        if outcome is Outcome.ALLOWED:
            allowed.setdefault(number, Use(0, use.last_at, use.last_ip)).add(use)
            for scope in needed:
                scopes[number, scope] = max(use.last_at, scopes.get((number, scope), use.last_at))
    add_counts([Counted(key, hour, HOUR, outcome, n) for (key, hour, outcome), n in counts.items()])
    _mark(allowed)
    _mark_scopes(scopes)
    _add_totals(counts, organizations)


def _mark(uses: dict[int, Use]) -> None:
    """Count these uses of keys and keep the last: time never moves backwards."""
    moment = connection.ops.adapt_datetimefield_value
    _execute(_MARK, [(n, use.count, moment(use.last_at), use.last_ip) for n, use in uses.items()])


def _mark_scopes(uses: dict[tuple[int, str], datetime]) -> None:
    """Keep when these scopes of keys were last needed: time never moves backwards."""
    moment = connection.ops.adapt_datetimefield_value
    _execute(_MARK_SCOPES, [(number, scope, moment(at)) for (number, scope), at in uses.items()])


def _add_totals(counts: Mapping[tuple[int, int, str], int], organizations: Mapping[int, int | None]) -> None:
    """Add these counts of keys to what all keys, and those of each organization, have together."""
    totals: Counter[tuple[int, int, str]] = Counter()
    for (number, hour, outcome), times in counts.items():
        for place in {EVERY_KEY, organizations[number] or EVERY_KEY}:
            totals[place, hour, outcome] += times
    _execute(_ADD_TOTALS, sorted((*which, times) for which, times in totals.items()))


def _execute(statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run the statement with these rows as VALUES; without any, there is nothing to do."""
    if not rows:
        return
    row = f"({', '.join(['%s'] * len(rows[0]))})"
    with connection.cursor() as cursor:
        cursor.execute(
            statement.format(rows=", ".join([row] * len(rows))), [value for each in rows for value in each]
        )
