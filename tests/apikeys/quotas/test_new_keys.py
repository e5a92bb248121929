"""A key may come with a quota: from the API, the console, the admin and the command."""

from typing import Any

import pytest
from django.urls import reverse

from access.key_limits import Budgets
from apikeys.models import ApiKey, QuotaLedger
from audit.models import Event
from tests.apikeys.quotas.helpers import statuses
from tests.commands.helpers import refusal_of, run
from tests.conftest import Cast, as_user, assert_problem
from tests.console.helpers import console_of
from tests.console.keys.helpers import make
from tests.logins import browser


def quota() -> tuple[Budgets, str, bool]:
    """The only quota, and whether it is that of the only key."""
    row, key = QuotaLedger.objects.get(), ApiKey.objects.get()
    return row.budgets, row.counts, row.counted_as == key.uuid


def test_a_key_that_the_api_makes_comes_with_its_quota(cast: Cast) -> None:
    body = {"name": "CI", "scopes": ["services:read"], "quota": {"total": 2, "counts": "requests"}}
    made = as_user(cast.alice).post("api-keys", body)
    assert made.status_code == 201, made.content
    assert quota() == (Budgets(total=2), "requests", True)
    assert statuses(made.json()["key"], 3) == [200, 200, 429]
    assert Event.objects.get(name="api_key:created").detail["quota"] == "2/total (requests)"


def test_no_quota_is_also_said_with_null(cast: Cast) -> None:
    assert as_user(cast.alice).post("api-keys", {"name": "CI", "quota": None}).status_code == 201
    assert not QuotaLedger.objects.exists()


WRONG = [
    ({}, "quota"),
    ({"counts": "reports"}, "quota"),
    ({"day": 0}, "quota.day"),
    ({"hour": 1}, "quota.hour"),
]


@pytest.mark.parametrize(("sent", "member"), WRONG)
def test_a_wrong_quota_makes_no_key(cast: Cast, sent: Any, member: str) -> None:
    answer = as_user(cast.alice).post("api-keys", {"name": "CI", "quota": sent})
    assert [each["member"] for each in assert_problem(answer, 400, "invalid")["errors"]] == [member]
    assert not ApiKey.objects.exists() and not QuotaLedger.objects.exists()


def test_another_quota_is_another_request(cast: Cast) -> None:
    alice, headers = as_user(cast.alice), {"Idempotency-Key": "one"}
    body = {"name": "CI", "quota": {"day": 10}}
    assert alice.post("api-keys", body, headers=headers).status_code == 201
    assert alice.post("api-keys", body, headers=headers).status_code == 201
    other = alice.post("api-keys", body | {"quota": {"day": 20}}, headers=headers)
    assert other.status_code == 422
    assert quota()[0] == Budgets(10)


def test_the_console_makes_a_key_with_a_quota(cast: Cast) -> None:
    assert make(console_of(cast.bob), quota_month="100", quota_counts="reports").status_code == 200
    assert quota() == (Budgets(month=100), "reports", True)


def test_the_admin_makes_a_key_with_a_quota(cast: Cast) -> None:
    client, address = browser(cast.ada), reverse("admin:apikeys_apikey_add")
    form = client.get(address).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in shown.items() if value not in (None, "")}
    answer = client.post(address, sent | {"name": "CI", "quota_day": "7"})
    assert answer.status_code == 200 and quota() == (Budgets(7), "requests", True)


def test_the_command_makes_a_key_with_a_quota(cast: Cast) -> None:
    run("createapikey", "--name", "CI", "--user", "alice", "--quota-day", "5", "--quota-total", "50")
    assert quota() == (Budgets(5, None, 50), "requests", True)
    assert "budget" in refusal_of(
        "createapikey", "--name", "x", "--user", "alice", "--quota-counts", "reports"
    )
    assert ApiKey.objects.count() == 1
