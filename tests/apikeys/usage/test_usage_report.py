"""GET api-keys/{id}/usage: the allowed and the refused requests of a key, by the hour."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apikeys.models import DAY, HOUR, Outcome
from apikeys.services.api_keys import NewKey
from apikeys.usage import counting
from apikeys.usage.reports import report
from apikeys.usage.services import Counted, add_counts
from config.wire.errors import Invalid
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key

NOON = datetime(2030, 1, 8, 12, tzinfo=UTC)
ONE_HOUR, ONE_DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def key(cast: Cast) -> NewKey:
    return make_key(cast.alice, "services:read")


def counted(key: NewKey, moment: datetime, outcome: Outcome, count: int, seconds: int = HOUR) -> None:
    add_counts([Counted(key.row.pk, int(moment.timestamp()), seconds, outcome.value, count)])


def shown(cast: Cast, key: NewKey, query: str = "") -> Any:
    answer = as_user(cast.alice).get(f"api-keys/{key.row.uuid}/usage{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def ask(program: Api, uri: str = "/services/stock", **extra: str) -> int:
    headers = {"X-Original-Method": "GET", "X-Original-URI": uri}
    status: int = program.get("/gateway/check", headers=headers, **extra).status_code
    return status


def test_what_came_of_requests_is_told_with_these_members(cast: Cast, key: NewKey) -> None:
    program = with_key(key)
    assert [ask(program), ask(program), ask(program, "/nothing")] == [200, 200, 403]
    counting.flush()
    found = shown(cast, key)
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    assert list(found) == ["from", "to", "total", "last_used_at", "last_used_ip", "hours", "days"]
    assert found["total"] == {"allowed": 2, "refused": 0}  # a path in no row is refused for every caller
    assert [list(each) for each in found["hours"]] == [["hour", "allowed", "refused"]]
    assert found["hours"][0]["hour"] == f"{now:%Y-%m-%dT%H:%M:%SZ}"
    assert found["to"] == f"{now + ONE_HOUR:%Y-%m-%dT%H:%M:%SZ}"
    assert found["from"] == f"{now + ONE_HOUR - 7 * ONE_DAY:%Y-%m-%dT%H:%M:%SZ}"
    assert (found["last_used_ip"], found["days"]) == ("127.0.0.1", [])
    assert found["last_used_at"] >= found["hours"][0]["hour"]


def test_a_key_that_nobody_used_has_no_hours(cast: Cast, key: NewKey) -> None:
    found = shown(cast, key)
    assert (found["total"], found["hours"]) == ({"allowed": 0, "refused": 0}, [])
    assert (found["last_used_at"], found["last_used_ip"]) == (None, "")


def test_an_hour_belongs_to_a_span_that_holds_any_of_it(key: NewKey) -> None:
    for hours in range(5):
        counted(key, NOON + hours * ONE_HOUR, Outcome.ALLOWED, 10**hours)
    later = NOON + ONE_DAY
    found = report(key.row, start=NOON + ONE_HOUR + MINUTE, end=NOON + 2 * ONE_HOUR + MINUTE, now=later)
    assert (found.start, found.end) == (NOON + ONE_HOUR, NOON + 3 * ONE_HOUR)
    assert found.total.allowed == 110
    found = report(key.row, start=NOON + ONE_HOUR, end=NOON + 3 * ONE_HOUR, now=later)
    assert found.total.allowed == 110


def test_days_are_told_apart_from_hours_and_both_are_in_the_total(key: NewKey) -> None:
    day = NOON - 10 * ONE_DAY - 12 * ONE_HOUR
    counted(key, day, Outcome.ALLOWED, 100, DAY)
    counted(key, day, Outcome.RATE, 3, DAY)
    counted(key, day, Outcome.ALLOWED, 1)  # an hour can begin with its day
    counted(key, NOON, Outcome.NETWORK, 1)
    counted(key, NOON, Outcome.ENDED, 2)
    found = report(key.row, start=NOON - 20 * ONE_DAY, end=None, now=NOON + MINUTE)
    assert [(each.begins_at, each.allowed, each.refused) for each in found.days] == [(day, 100, 3)]
    assert [(each.begins_at, each.allowed, each.refused) for each in found.hours] == [
        (day, 1, 0),
        (NOON, 0, 3),
    ]
    assert (found.total.allowed, found.total.refused) == (101, 6)
    assert report(key.row, start=None, end=None, now=NOON + MINUTE).days == []


def test_a_report_that_ends_in_the_future_is_cut_to_this_hour(key: NewKey) -> None:
    found = report(key.row, start=None, end=datetime.max.replace(tzinfo=UTC), now=NOON + MINUTE)
    assert (found.start, found.end) == (NOON + ONE_HOUR - 7 * ONE_DAY, NOON + ONE_HOUR)


@pytest.mark.parametrize(
    ("start", "end", "member"),
    [
        (NOON, NOON, "from"),
        (NOON, NOON - MINUTE, "from"),
        (NOON - 91 * ONE_DAY, None, "from"),
        (NOON + ONE_DAY, None, "from"),
        (datetime.min.replace(tzinfo=UTC), None, "from"),
        (None, datetime.min.replace(tzinfo=UTC), "to"),
        (None, datetime(1969, 12, 31, tzinfo=UTC), "to"),
    ],
)
def test_an_empty_or_very_long_span_is_refused(
    key: NewKey, start: datetime | None, end: datetime | None, member: str
) -> None:
    with pytest.raises(Invalid) as raised:
        report(key.row, start=start, end=end, now=NOON)
    assert list(raised.value.errors) == [member]


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ("?from=yesterday", "from"),
        ("?from=2030-01-01", "from"),
        ("?to=2030-01-01T00:00:00", "to"),
        ("?to=0001-01-01T00:00:00%2B23:59", "to"),
        ("?to=9999-12-31T23:59:59-23:59", "to"),
        ("?from=2026-01-01T00:00:00Z&from=2026-01-02T00:00:00Z", "from"),
        ("?form=2030-01-01T00:00:00Z", "form"),
    ],
)
@pytest.mark.requirement(95)
def test_a_wrong_parameter_is_named(cast: Cast, key: NewKey, query: str, member: str) -> None:
    answer = as_user(cast.alice).get(f"api-keys/{key.row.uuid}/usage{query}")
    assert_problem(answer, 400, member=member)


def test_times_with_any_offset_are_taken(cast: Cast, key: NewKey) -> None:
    start = timezone.now() - ONE_DAY
    query = f"?from={(start + 2 * ONE_HOUR):%Y-%m-%dT%H:%M:%S}%2B02:00"
    assert shown(cast, key, query)["from"] == f"{start:%Y-%m-%dT%H}:00:00Z"


@pytest.mark.parametrize(
    ("who", "status"), [("ada", 200), ("audrey", 200), ("alice", 200), ("bob", 404), ("mallory", 404)]
)
@pytest.mark.requirement(46)
def test_a_caller_who_may_see_the_key_may_see_its_use(cast: Cast, key: NewKey, who: str, status: int) -> None:
    answer = as_user(getattr(cast, who)).get(f"api-keys/{key.row.uuid}/usage")
    assert answer.status_code == status


def test_a_report_holds_the_uses_of_one_key_and_takes_one_query(
    cast: Cast, key: NewKey, django_assert_num_queries: Callable[[int], Any]
) -> None:
    counted(make_key(cast.alice), NOON, Outcome.ALLOWED, 7)
    for hours in range(48):
        counted(key, NOON - hours * ONE_HOUR, Outcome.ALLOWED, 1)
    with django_assert_num_queries(1):
        assert report(key.row, start=None, end=None, now=NOON + MINUTE).total.allowed == 48
