"""Writes the counted requests of many keys at once.

It never writes a column that says what a key may do, so no write can bring a revoked key back.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models.expressions import RawSQL

from apikeys.models import EVERY_KEY, HOUR, ApiKey, Outcome
from apikeys.notices.networks import Seen, see
from config.database.sql import rows_query

MOST_AT_ONCE = 500
MOST_ADDRESSES = 16  # beside the last one, of requests that are counted together

# {rows} is a query of the rows to write, with the columns column1, column2, …
_ADD = """
    INSERT INTO apikeys_keyuse AS kept (key_id, begins_at, seconds, outcome, count) {rows}
    ON CONFLICT (key_id, begins_at, seconds, outcome) DO UPDATE SET count = kept.count + excluded.count
"""
_ADD_TOTALS = """
    INSERT INTO apikeys_hourtotal AS kept (organization_id, begins_at, outcome, count) {rows}
    ON CONFLICT (organization_id, begins_at, outcome) DO UPDATE SET count = kept.count + excluded.count
"""
_MARK_SCOPES = """
    INSERT INTO apikeys_scopeuse AS kept (key_id, scope, last_used_at) {rows}
    ON CONFLICT (key_id, scope) DO UPDATE SET last_used_at = excluded.last_used_at
    WHERE kept.last_used_at < excluded.last_used_at
"""
_MARK = """
    UPDATE apikeys_apikey SET
        use_count = use_count + used.column2,
        last_used_at = CASE WHEN last_used_at >= used.column3 THEN last_used_at ELSE used.column3 END,
        last_used_ip = CASE WHEN last_used_at >= used.column3 THEN last_used_ip ELSE used.column4 END
    FROM ({rows}) AS used
    WHERE id = used.column1
"""

# Primary key of the API key, beginning of the hour in Unix seconds, outcome, and the scopes needed.
Cell = tuple[int, int, Outcome, tuple[str, ...]]


@dataclass(slots=True)
class Use:
    """Requests that are counted together: how many, the last of them, and some addresses of the others."""

    count: int
    last_at: datetime
    last_ip: str
    other_ips: frozenset[str] = frozenset()

    def add(self, other: "Use") -> None:
        """Add the other requests; keep the later of both last ones."""
        self.count += other.count
        if other.last_ip != self.last_ip and other.last_ip not in self.other_ips:
            self._keep(self.last_ip, other.last_ip)
        if other.other_ips:
            self._keep(*other.other_ips)
        self.last_at, self.last_ip = max((self.last_at, self.last_ip), (other.last_at, other.last_ip))

    def _keep(self, *addresses: str) -> None:
        if len(self.other_ips) < MOST_ADDRESSES:
            self.other_ips = self.other_ips.union(addresses)


class Counted(NamedTuple):
    """One row of KeyUse."""

    key: int
    begins_at: int
    seconds: int
    outcome: str
    times: int


def add_counts(rows: Sequence[Counted]) -> None:
    """Add to the counts of these hours and days, or insert them, in one statement. Rows must be distinct."""
    _execute(_ADD, ("bigint", "bigint", "integer", "text", "bigint"), sorted(rows))


def write_uses(uses: dict[Cell, Use], *, skip_locked: bool) -> int:
    """Write `uses` and empty it; return the number of keys written.

    Uses of deleted keys are dropped. With `skip_locked`, uses of locked keys stay in `uses`, so that nothing
    waits. Raises django.db.Error; the uses that were not written stay.
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
    """Lock the rows of existing keys, in a mode that allows others to reference them.

    Return {primary key: primary key of the owning organization, or None}.
    """
    given = rows_query(("bigint",), [[number] for number in numbers])  # Django would take long for so many
    rows = ApiKey.objects.filter(pk__in=RawSQL(given.query, given.values)).order_by("pk")  # noqa: S611
    locking = rows.select_for_update(skip_locked=skip_locked, of=("self",), no_key=True)
    return dict(locking.values_list("pk", "organization_id"))


def _write(uses: dict[Cell, Use], organizations: Mapping[int, int | None]) -> None:
    """Write these uses of keys whose rows are locked.

    The totals come last, always in the same order, so that other transactions wait for them only briefly.
    """
    counts: Counter[tuple[int, int, str]] = Counter()
    allowed: dict[int, Use] = {}
    scopes: dict[tuple[int, str], datetime] = {}
    seen: list[Seen] = []
    for (number, hour, outcome, needed), use in uses.items():
        counts[number, hour, outcome.value] += use.count
        if outcome is Outcome.ALLOWED:
            allowed.setdefault(number, Use(0, use.last_at, use.last_ip)).add(use)
            seen += [Seen(number, ip, use.last_at) for ip in {use.last_ip, *use.other_ips}]
            for scope in needed:
                scopes[number, scope] = max(use.last_at, scopes.get((number, scope), use.last_at))
    add_counts([Counted(key, hour, HOUR, outcome, n) for (key, hour, outcome), n in counts.items()])
    _mark(allowed)
    _mark_scopes(scopes)
    see(seen)
    _add_totals(counts, organizations)


def _mark(uses: dict[int, Use]) -> None:
    """Add these uses to their keys. An older use does not replace the last one."""
    moment = connection.ops.adapt_datetimefield_value
    rows = [(number, use.count, moment(use.last_at), use.last_ip) for number, use in uses.items()]
    _execute(_MARK, ("bigint", "bigint", "timestamptz", "text"), rows)


def _mark_scopes(uses: dict[tuple[int, str], datetime]) -> None:
    """Store when these scopes were last needed. An older use does not replace a later one."""
    moment = connection.ops.adapt_datetimefield_value
    rows = [(number, scope, moment(at)) for (number, scope), at in uses.items()]
    _execute(_MARK_SCOPES, ("bigint", "text", "timestamptz"), rows)


def _add_totals(counts: Mapping[tuple[int, int, str], int], organizations: Mapping[int, int | None]) -> None:
    """Add these counts to the totals of all keys, and of each organization's keys."""
    totals: Counter[tuple[int, int, str]] = Counter()
    for (number, hour, outcome), times in counts.items():
        for place in {EVERY_KEY, organizations[number] or EVERY_KEY}:
            totals[place, hour, outcome] += times
    rows = sorted((*which, times) for which, times in totals.items())
    _execute(_ADD_TOTALS, ("bigint", "bigint", "text", "bigint"), rows)


def _execute(statement: str, types: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Run the statement with these rows; `types` are those of their columns in PostgreSQL."""
    if rows:
        with connection.cursor() as cursor:
            given = rows_query(types, rows)
            cursor.execute(statement.format(rows=given.query), given.values)
