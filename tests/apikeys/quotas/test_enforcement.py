"""Quotas at the gateway and at our own endpoints."""

from collections.abc import Callable
from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.callers import caller_at_command_line
from access.key_limits import Rate
from apikeys.models import QuotaLedger
from apikeys.quotas import leases
from apikeys.services.enabling import disable_api_keys, enable_api_keys
from apikeys.services.rotation import rotate_api_key
from audit.models import Event
from tests.apikeys.quotas.helpers import ask, limit, statuses
from tests.conftest import Cast, assert_problem, make_key, with_key


def test_a_key_is_told_what_is_left_and_then_when_it_begins_again(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, day=2)
    for left in (1, 0):
        answer = ask(key)
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == '"key-day";q=2;w=86400'
        assert answer.headers["RateLimit"].startswith(f'"key-day";r={left};t=')
    refused = ask(key)
    assert_problem(refused, 429, "quota_reached")
    assert 1 <= int(refused.headers["Retry-After"]) <= 86_400
    assert refused.headers["RateLimit"] == f'"key-day";r=0;t={refused.headers["Retry-After"]}'


def test_a_total_that_is_used_up_never_begins_again(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, total=1)
    assert ask(key).headers["RateLimit-Policy"] == '"key-total";q=1'
    refused = ask(key)
    assert "for good" in assert_problem(refused, 429, "quota_reached")["detail"]
    assert "Retry-After" not in refused.headers and refused.headers["RateLimit"] == '"key-total";r=0'


def test_a_refusal_is_recorded_once(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, day=1)
    assert statuses(key, 4) == [200, 429, 429, 429]
    event = Event.objects.get(name="api_key:refused")
    assert (event.target_id, event.detail) == (str(key.row.uuid), {"reason": "quota"})


def test_our_own_endpoints_count_too(cast: Cast) -> None:
    key = make_key(cast.alice, "keys:read")
    limit(key, month=2)
    answers = [with_key(key).get("api-keys") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert_problem(answers[2], 429, "quota_reached")


def test_what_is_refused_for_another_reason_uses_nothing(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, day=1)
    for _ in range(3):
        refused = with_key(key).get(
            "/gateway/check", headers={"X-Original-Method": "GET", "X-Original-URI": "/no"}
        )
        assert refused.status_code == 403
    assert statuses(key, 2) == [200, 429]


def test_the_keys_of_an_organization_share_its_quota(cast: Cast) -> None:
    keys = [make_key(cast.acme, "services:read") for _ in range(2)]
    other = make_key(cast.umbrella, "services:read")
    limit(cast.acme, day=3)
    assert [ask(keys[number % 2]).status_code for number in range(4)] == [200, 200, 200, 429]
    refused = ask(keys[1])
    assert refused.headers["RateLimit-Policy"] == '"organization-day";q=3;w=86400'
    assert ask(other).status_code == 200


def test_the_smallest_of_all_budgets_decides_and_all_are_told(cast: Cast) -> None:
    key = make_key(cast.acme, "services:read", rate_limit=Rate(100, 60))
    limit(key, day=5, total=9)
    limit(cast.acme, day=1)
    answer = ask(key)
    names = [each.partition(";")[0] for each in answer.headers["RateLimit"].split(", ")]
    assert names == ['"key"', '"key-day"', '"key-total"', '"organization-day"']
    refused = ask(key)
    assert "organization" in assert_problem(refused, 429, "quota_reached")["detail"]


def test_a_quota_that_is_refused_by_another_uses_no_units(cast: Cast) -> None:
    key = make_key(cast.acme, "services:read")
    limit(key, total=10)
    limit(cast.acme, total=2)
    statuses(key, 5)
    leases.give_back()
    assert QuotaLedger.objects.get(organization=None).total_used == 2


def test_a_rotated_key_and_its_successor_use_one_quota(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, total=3)
    assert statuses(key, 1) == [200]
    caller, day = caller_at_command_line(), timedelta(days=1)
    new = rotate_api_key(caller=caller, key=key.row, expires_at=None, overlap=day)
    assert statuses(new, 1) == [200]
    assert [ask(each).status_code for each in (key, new, key)] == [200, 429, 429]


def test_a_disabled_key_finds_what_it_left(cast: Cast) -> None:
    key, caller = make_key(cast.alice, "services:read"), caller_at_command_line()
    limit(key, month=2)
    statuses(key, 1)
    disable_api_keys(caller=caller, selected=[key.row])
    assert ask(key).status_code == 401
    enable_api_keys(caller=caller, selected=[key.row])
    assert statuses(key, 2) == [200, 429]


def test_removing_and_setting_a_quota_again_refills_nothing(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, day=2, total=2)
    assert statuses(key, 3) == [200, 200, 429]
    limit(key, day=None, total=None)
    assert ask(key).status_code == 200
    limit(key, day=2, total=2)
    assert ask(key).status_code == 429


def test_a_raised_quota_has_the_difference_left(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, total=2)
    assert statuses(key, 3) == [200, 200, 429]
    limit(key, total=3)
    assert statuses(key, 2) == [200, 429]


def test_units_taken_in_advance_are_given_back(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    row = limit(key, day=1000, month=1000, total=1000)
    statuses(key, 3)
    row.refresh_from_db()
    assert row.total_used == 62  # a sixteenth of what was left
    leases.give_back()
    row.refresh_from_db()
    assert row.used == (3, 3, 3)


def test_a_killed_process_refills_nothing(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read")
    row = limit(key, total=40)
    statuses(key, 3)
    leases.forget()
    statuses(key, 1)
    leases.give_back()
    row.refresh_from_db()
    assert row.total_used >= 4


def test_a_limited_key_asks_the_database_once_for_many_checks(
    cast: Cast, lease: Callable[[float], None]
) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, total=10_000)
    lease(300)
    ask(key)
    with CaptureQueriesContext(connection) as captured:
        assert statuses(key, 50) == [200] * 50
    assert len(captured) == 0
