"""Quotas of processes that share a Valkey, and what happens without it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django.fixtures import Settings
from redis import Redis

from access.key_limits import Quota
from accounts.throttling import valkey as valkey_counts
from apikeys.models import QuotaLedger
from apikeys.quotas import leases
from apikeys.quotas.errors import QuotaReached
from tests.apikeys.quotas.helpers import NOON, ask, limit, statuses
from tests.conftest import Cast, make_key


@pytest.fixture(params=["in this process", "in Valkey"])
def sharing(request: pytest.FixtureRequest, settings: Settings) -> None:
    """Both places where units are."""
    settings.VALKEY_URL = request.getfixturevalue("valkey") if request.param == "in Valkey" else ""


@pytest.fixture
def shared(settings: Settings, valkey: str) -> str:
    settings.VALKEY_URL = valkey
    return valkey


def quota_of(row: QuotaLedger) -> Quota:
    return Quota("key", row.pk, str(row.counted_as), row.budgets, is_reported=False)


def passes(row: QuotaLedger, now: object = NOON) -> bool:
    try:
        return bool(leases.spend([quota_of(row)], now))  # type: ignore[arg-type]
    except QuotaReached:
        return False


@pytest.mark.django_db(transaction=True)
def test_of_many_requests_at_once_exactly_as_many_as_allowed_get_through(cast: Cast, sharing: None) -> None:
    row = limit(make_key(cast.alice), day=150)

    def ask_once(_: int) -> bool:
        try:
            return passes(row)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask_once, range(250))) == 150


def test_an_answer_says_what_is_left_of_all(cast: Cast, shared: str) -> None:
    key, other = make_key(cast.acme, "services:read"), make_key(cast.acme, "services:read")
    limit(cast.acme, day=100)
    left = [ask(each).headers["RateLimit"].partition(";t")[0] for each in (key, other, key)]
    assert left == [f'"organization-day";r={number}' for number in (99, 98, 97)]


def test_another_process_uses_the_units_that_are_there(cast: Cast, shared: str) -> None:
    row = limit(make_key(cast.alice), total=160)
    assert passes(row)
    leases.forget()  # as in another process
    assert all(passes(row) for _ in range(9))
    row.refresh_from_db()
    assert row.total_used == 10


def test_an_empty_valkey_refills_nothing(cast: Cast, shared: str) -> None:
    row = limit(make_key(cast.alice), total=40)
    let_through = 0
    while passes(row):
        let_through += 1
        if let_through % 5 == 0:
            with Redis.from_url(shared) as client:
                client.flushall()
    assert 20 <= let_through <= 40
    row.refresh_from_db()
    assert row.total_used == 40


def test_a_valkey_that_goes_away_and_comes_back_lets_nothing_more_through(
    cast: Cast, shared: str, settings: Settings
) -> None:
    row = limit(make_key(cast.alice), total=100)
    before = sum(passes(row) for _ in range(3))
    settings.VALKEY_URL = "redis://127.0.0.1:1/0"
    without = sum(passes(row) for _ in range(200))
    settings.VALKEY_URL = shared
    valkey_counts.forget()
    leases.forget()  # a second later
    after = sum(passes(row, NOON + timedelta(seconds=1)) for _ in range(20))
    assert before + without + after == 100 and after > 0


def test_units_of_yesterday_go_back_to_their_month(cast: Cast, shared: str) -> None:
    row = limit(make_key(cast.alice), month=1600)
    assert passes(row, NOON - timedelta(days=1))
    assert passes(row, NOON)
    row.refresh_from_db()
    assert row.month_used == 1 + 1599 // 16  # one of yesterday, and what was taken today


def test_a_changed_quota_counts_at_once(cast: Cast, shared: str) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, total=160)
    assert statuses(key, 3) == [200] * 3
    limit(key, total=4)
    assert statuses(key, 2) == [200, 429]
    limit(key, total=5)
    leases.forget()
    assert statuses(key, 2) == [200, 429]


def test_a_key_and_an_organization_use_both_or_none(cast: Cast, shared: str) -> None:
    key = make_key(cast.acme, "services:read")
    own, both = limit(key, total=50), limit(cast.acme, total=3)
    assert statuses(key, 5) == [200] * 3 + [429] * 2
    for row in (own, both):
        row.refresh_from_db()
    assert both.total_used == 3
    with Redis.from_url(shared) as client:
        held = int(client.hget(f"{{keyhouse}}:quota:{own.counted_as}", "units") or 0)
    assert own.total_used - held == 3


def test_a_quota_that_only_services_report_needs_no_valkey(
    cast: Cast, shared: str, lease: Callable[[float], None]
) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, total=10, counts="reports")
    assert statuses(key, 20) == [200] * 20
    with Redis.from_url(shared) as client:
        assert client.keys("*quota*") == []
