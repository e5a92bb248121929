"""Hourly totals of all keys and of each organization's keys equal the counts of the single keys."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from apikeys.models import EVERY_KEY, HOUR, HourTotal, KeyUse, Outcome, ScopeUse
from apikeys.services.api_keys import NewKey
from apikeys.usage import counting
from apikeys.usage.services import Cell, Use, write_uses
from audit.actors import Origin
from tests.accounts.helpers import at_once
from tests.conftest import Cast, make_key

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
Sums = dict[tuple[int, int, str], int]


def totals() -> Sums:
    """Return {(organization, beginning of the hour, outcome): count}; organization 0 stands for all keys."""
    rows = HourTotal.objects.values_list("organization_id", "begins_at", "outcome", "count")
    return {tuple(which): count for *which, count in rows}  # type: ignore[misc]  # three of them


def added_up() -> Sums:
    """Return the same, added up from the counts of single keys."""
    sums: Counter[tuple[int, int, str]] = Counter()
    rows = KeyUse.objects.values_list("key__organization_id", "begins_at", "outcome", "count")
    for organization, hour, outcome, count in rows:
        sums[EVERY_KEY, hour, outcome] += count
        if organization:
            sums[organization, hour, outcome] += count
    return dict(sums)


def note(key: NewKey, moment: datetime, outcome: Outcome = Outcome.ALLOWED, *scopes: str) -> None:
    counting.record_use(key.row.pk, Origin("192.0.2.1", "", moment), outcome, scopes)


def test_totals_are_of_all_keys_and_of_each_organization_s(cast: Cast) -> None:
    for owner, times in ((cast.acme, 3), (cast.acme, 4), (cast.umbrella, 5), (cast.bob, 6)):
        key = make_key(owner)
        for number in range(times):
            note(key, NOON, Outcome.ALLOWED, ("a", "b")[number % 2])
        note(key, NOON, Outcome.RATE)
    counting.flush()
    hour = int(NOON.timestamp())
    assert (
        totals()
        == added_up()
        == {
            (EVERY_KEY, hour, "allowed"): 18,
            (EVERY_KEY, hour, "rate"): 4,
            (cast.acme.pk, hour, "allowed"): 7,
            (cast.acme.pk, hour, "rate"): 2,
            (cast.umbrella.pk, hour, "allowed"): 5,
            (cast.umbrella.pk, hour, "rate"): 1,
        }
    )


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_lose_nothing_double_nothing_and_do_not_deadlock(cast: Cast) -> None:
    numbers = [make_key(owner).row.pk for owner in (cast.acme, cast.umbrella, cast.bob) for _ in range(4)]
    first = int(NOON.timestamp())
    outcomes = list(Outcome)

    def write(number: int) -> None:
        for turn in range(20):
            mine = numbers[:: 1 if number % 2 else -1][turn % 5 :]
            uses: dict[Cell, Use] = {
                (key, first + (turn + i) % 3 * HOUR, outcomes[(turn + i) % 5], (f"s{turn % 2}",)): Use(
                    1, NOON, ""
                )
                for i, key in enumerate(mine)
            }
            while uses:
                write_uses(uses, skip_locked=bool(turn % 4))

    at_once(write, times=4)
    assert totals() == added_up()
    assert sum(n for (place, *_), n in totals().items() if place == EVERY_KEY) == 4 * 20 * 12 - 4 * 4 * 10


@pytest.mark.django_db(transaction=True)
def test_writers_of_other_keys_lock_the_totals_in_the_same_order(cast: Cast) -> None:
    """The database ends a deadlock with an error."""
    numbers = [[make_key(cast.acme).row.pk for _ in range(30)] for _ in range(4)]
    first = int(NOON.timestamp())

    def write(number: int) -> None:
        for _ in range(20):
            hours = range(30) if number % 2 else range(29, -1, -1)
            cells: list[Cell] = [
                (key, first + hour * HOUR, Outcome.ALLOWED, ())
                for key, hour in zip(numbers[number], hours, strict=True)
            ]
            write_uses({cell: Use(1, NOON, "") for cell in cells}, skip_locked=True)

    at_once(write, times=4)
    assert totals() == added_up()
    assert set(totals().values()) == {4 * 20}


def test_totals_of_a_deleted_key_stay_and_those_of_its_scopes_do_not_come_back(cast: Cast) -> None:
    key = make_key(cast.acme)
    note(key, NOON)
    counting.flush()
    counted = totals()
    note(key, NOON, Outcome.ALLOWED, "services:read")
    key.row.delete()
    counting.flush()
    assert totals() == counted
    assert not ScopeUse.objects.exists()
