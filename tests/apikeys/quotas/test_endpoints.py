"""GET and PATCH of the quotas of keys and of organizations."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from access.key_limits import MOST_UNITS
from access.principals import Caller
from accounts.models import Session
from apikeys.models import QuotaLedger
from apikeys.services.rotation import rotate_api_key
from audit.models import Event
from tests.apikeys.quotas.helpers import ask, limit, statuses
from tests.conftest import Cast, as_user, assert_problem, make_key, with_key

NOTHING = {"day": None, "month": None, "total": None, "counts": "requests"}


def test_a_quota_is_shown_with_what_was_used(cast: Cast) -> None:
    key, alice = make_key(cast.alice, "services:read"), as_user(cast.alice)
    address = f"api-keys/{key.row.uuid}/quota"
    assert alice.get(address).json() == NOTHING
    changed = alice.patch(address, {"day": 10, "total": 20})
    assert changed.status_code == 200, changed.content
    statuses(key, 3)
    shown = alice.get(address).json()
    assert {name: shown["day"][name] for name in ("most", "used", "left")} == {
        "most": 10,
        "used": 3,
        "left": 7,
    }
    assert shown["day"]["ends_at"].endswith("T00:00:00Z")
    assert shown["total"] == {"most": 20, "used": 3, "left": 17, "ends_at": None}
    assert shown["month"] is None
    assert alice.patch(address, {"day": None}).json()["day"] is None


def test_the_quota_of_an_organization_is_for_those_who_manage_it(cast: Cast) -> None:
    address = f"organizations/{cast.acme.uuid}/quota"
    assert as_user(cast.ada).patch(address, {"month": 5}).json()["month"]["most"] == 5
    owner = as_user(cast.alice)
    assert_problem(owner.patch(address, {"month": 500}), 403, "not_allowed")
    assert as_user(cast.mallory).get(address).status_code in (403, 404)
    assert QuotaLedger.objects.get(organization=cast.acme).month_most == 5


def test_a_key_of_another_owner_has_no_quota_to_see_or_set(cast: Cast) -> None:
    key = make_key(cast.alice)
    for call in ("get", "patch"):
        answer = getattr(as_user(cast.mallory), call)(f"api-keys/{key.row.uuid}/quota")
        assert_problem(answer, 404, "not_found")
    reader = with_key(make_key(cast.acme, "keys:read"))
    own = make_key(cast.acme)
    assert reader.get(f"api-keys/{own.row.uuid}/quota").status_code == 200
    assert reader.patch(f"api-keys/{own.row.uuid}/quota", {"day": 1}).status_code == 403
    assert not QuotaLedger.objects.exists()


@pytest.mark.parametrize("more", [{"day": 11}, {"day": None}, {"counts": "reports"}])
def test_a_key_with_a_quota_gets_round_none(cast: Cast, more: dict[str, Any]) -> None:
    key, other = make_key(cast.acme, "keys:write"), make_key(cast.acme)
    limit(key, day=10)
    limit(other, day=10)
    program = with_key(key)
    for row in (key.row, other.row):
        assert_problem(program.patch(f"api-keys/{row.uuid}/quota", more), 403, "not_allowed")
    assert_problem(program.post("api-keys", {"name": "child"}), 403, "not_allowed")
    assert program.patch(f"api-keys/{other.row.uuid}/quota", {"day": 9}).status_code == 200
    assert program.post(f"api-keys/{other.row.uuid}/rotate").status_code == 201


def test_an_old_login_lowers_a_quota_and_raises_none(cast: Cast) -> None:
    key, alice = make_key(cast.alice), as_user(cast.alice)
    address = f"api-keys/{key.row.uuid}/quota"
    assert alice.patch(address, {"day": 10}).status_code == 200
    Session.objects.update(created_at=timezone.now() - timedelta(days=1))
    assert alice.patch(address, {"day": 9}).status_code == 200
    assert_problem(alice.patch(address, {"day": 10}), 401, "insufficient_user_authentication")


BAD = [0, -1, MOST_UNITS + 1, 10**40, 1.5, "10", True, [], {}]


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("period", ["day", "month", "total"])
def test_a_wrong_number_is_refused_by_name(cast: Cast, period: str, value: Any) -> None:
    key, alice = make_key(cast.alice), as_user(cast.alice)
    answer = alice.patch(f"api-keys/{key.row.uuid}/quota", {period: value})
    assert assert_problem(answer, 400, "invalid")["errors"][0]["member"] == period


@pytest.mark.parametrize("body", [{}, {"hour": 1}, {"counts": "tokens"}, {"counts": None}, []])
def test_a_wrong_body_is_refused(cast: Cast, body: Any) -> None:
    key, alice = make_key(cast.alice), as_user(cast.alice)
    assert_problem(alice.patch(f"api-keys/{key.row.uuid}/quota", body), 400)
    assert not QuotaLedger.objects.exists()


def test_a_change_is_recorded_for_each_key_that_counts_with_it(cast: Cast, operator: Caller) -> None:
    key = make_key(cast.acme)
    new = rotate_api_key(caller=operator, key=key.row, expires_at=None, overlap=timedelta(days=1))
    limit(new, day=10)
    limit(new, day=10)
    limit(cast.acme, month=5, counts="reports")
    said = {"from": {"quota": ""}, "to": {"quota": "10/day (requests)"}}
    changed = Event.objects.filter(name="api_key:changed").order_by("sequence")
    assert [(event.target_id, event.detail) for event in changed] == [
        (str(key.row.uuid), said),
        (str(new.row.uuid), said),
    ]
    event = Event.objects.get(name="organization:changed")
    assert event.detail == {"from": {"quota": ""}, "to": {"quota": "5/month (reports)"}}


@pytest.mark.django_db(transaction=True)
def test_a_quota_holds_for_a_key_in_the_cache(cast: Cast, lease: Callable[[float], None]) -> None:
    own, shared = make_key(cast.alice, "services:read"), make_key(cast.acme, "services:read")
    lease(0.05)
    assert [ask(key).status_code for key in (own, shared)] == [200, 200]
    limit(own, total=1)
    limit(cast.acme, total=1)
    assert statuses(own, 2) == statuses(shared, 2) == [200, 429]
    limit(own, total=2)
    assert statuses(own, 2) == [200, 429]
