"""Days and months of quotas, and clocks that differ."""

from datetime import UTC, date, datetime, timedelta

import pytest

from access.key_limits import Budgets, Quota
from apikeys.models import QuotaLedger
from apikeys.quotas import leases, ledger
from apikeys.quotas.errors import QuotaReached
from apikeys.quotas.periods import span_of
from tests.apikeys.quotas.helpers import NOON, limit
from tests.conftest import Cast, make_key

LAST = datetime(2026, 11, 30, 23, 59, 59, 900_000, tzinfo=UTC)
NEXT = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def row(cast: Cast) -> QuotaLedger:
    return limit(make_key(cast.alice, "services:read"), day=4, month=7, total=9)


def quota_of(row: QuotaLedger) -> Quota:
    return Quota("key", row.pk, str(row.counted_as), row.budgets, is_reported=False)


def passed(row: QuotaLedger, times: int, now: datetime) -> int:
    """Use the quota so many times at this moment, and return how often that worked."""
    worked = 0
    for _ in range(times):
        try:
            leases.spend([quota_of(row)], now)
            worked += 1
        except QuotaReached:
            pass
    return worked


@pytest.mark.once
@pytest.mark.parametrize(
    ("day", "days"),
    [(date(2026, 11, 30), 30), (date(2026, 12, 31), 31), (date(2028, 2, 29), 29), (date(2027, 2, 1), 28)],
)
def test_a_month_is_a_month_of_the_calendar(day: date, days: int) -> None:
    span = span_of("month", day)
    assert span and (span.begin.day, span.end.day, span.seconds) == (1, 1, days * 86_400)


def test_midnight_begins_the_day_and_the_end_of_the_month_the_month(row: QuotaLedger) -> None:
    assert passed(row, 6, LAST - timedelta(days=1)) == 4
    assert passed(row, 6, LAST) == 3  # what the month has left
    assert passed(row, 6, NEXT) == 2  # what there is in all
    assert passed(row, 6, NEXT + timedelta(days=40)) == 0


def test_units_taken_before_midnight_are_not_used_after_it(cast: Cast) -> None:
    row = limit(make_key(cast.alice, "services:read"), day=160)
    assert passed(row, 1, LAST) == 1
    assert passed(row, 1, NEXT) == 1
    leases.give_back()
    row.refresh_from_db()
    assert (row.day, row.day_used, row.month_used, row.total_used) == (NEXT.date(), 1, 1, 2)


def test_servers_whose_clocks_differ_begin_no_day_twice(row: QuotaLedger) -> None:
    assert passed(row, 3, NEXT) == 3
    assert passed(row, 1, LAST) == 1
    assert passed(row, 3, NEXT) == 0


def test_a_day_that_a_wrong_clock_began_ends_with_the_right_one(row: QuotaLedger) -> None:
    assert passed(row, 1, NOON + timedelta(days=400)) == 1
    assert passed(row, 6, NOON) == 3
    assert passed(row, 6, NOON + timedelta(days=1)) == 4


def test_units_of_an_earlier_day_are_given_back_to_their_month_and_in_all(row: QuotaLedger) -> None:
    taken = ledger.take(quota_of(row), date(2026, 11, 29))
    ledger.take(quota_of(row), date(2026, 11, 30))
    ledger.give_back(row.pk, taken.units, taken.day)
    row.refresh_from_db()
    assert row.used == Budgets(1, 1, 1)
    ledger.take(quota_of(row), date(2026, 12, 1))
    ledger.give_back(row.pk, 1, date(2026, 11, 30))
    row.refresh_from_db()
    assert row.used == Budgets(1, 1, 1)


def test_what_is_taken_at_once_becomes_less_towards_the_end(cast: Cast) -> None:
    row = limit(make_key(cast.alice, "services:read"), total=2000)
    taken = []
    while units := ledger.take(quota_of(row), NOON.date()).units:
        taken.append(units)
    assert (taken[0], taken[-1], sum(taken)) == (100, 1, 2000)
    assert taken == sorted(taken, reverse=True)


def test_refusals_ask_the_database_once_a_second(cast: Cast) -> None:
    row = limit(make_key(cast.alice, "services:read"), day=1)
    passed(row, 2, NOON)
    QuotaLedger.objects.update(day_used=0)
    assert passed(row, 3, NOON) == 0
    assert passed(row, 3, NOON + timedelta(seconds=1)) == 1


def test_a_quota_that_has_just_been_changed_or_deleted_is_refused_and_breaks_nothing(
    row: QuotaLedger,
) -> None:
    cached = quota_of(row)._replace(budgets=Budgets(day=100))
    QuotaLedger.objects.update(total_used=9)
    with pytest.raises(QuotaReached) as changed:
        leases.spend([cached], NOON)
    assert changed.value.headers["Retry-After"] == "1"
    leases.forget()
    QuotaLedger.objects.all().delete()
    with pytest.raises(QuotaReached):
        leases.spend([cached], NOON)
