"""Quotas are changed in the console and in the admin."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.key_limits import MOST_UNITS, Budgets
from accounts.models import Session
from apikeys.models import QuotaLedger
from audit.models import Event
from tests.apikeys.quotas.helpers import limit, statuses
from tests.conftest import Cast, make_key
from tests.console.helpers import console_of
from tests.logins import browser

BLANK = {"quota_day": "", "quota_month": "", "quota_total": "", "quota_counts": "requests"}


def form_of(client: Client, address: str, name: str = "form") -> dict[str, Any]:
    """What a browser sends if one changes nothing, with what the form showed."""
    context = client.get(address).context
    form = context["adminform"].form if "adminform" in context else context[name]
    fields = {each: form[each] for each in form.fields}
    shown = {each: field.value() for each, field in fields.items()}
    kept = {
        field.html_initial_name: shown[each]
        for each, field in fields.items()
        if field.field.show_hidden_initial
    }
    sent = {**shown, **kept}
    return {each: "" if value is None else value for each, value in sent.items()}


def budgets() -> Budgets:
    return QuotaLedger.objects.get().budgets


def test_the_console_changes_the_quota_of_a_key_and_what_was_used_stays(cast: Cast) -> None:
    key = make_key(cast.acme, "services:read")
    client, address = console_of(cast.alice), reverse("console-key-quota", args=[key.row.uuid])
    answer = client.post(address, {**BLANK, "quota_day": "10", "quota_total": "50"}, follow=True)
    assert "10 of 10 units left today (UTC); 50 of 50 units left in all" in answer.content.decode()
    statuses(key, 4)
    old_page = form_of(client, address)
    limit(key, month=100)
    answer = client.post(address, old_page | {"quota_day": "12"}, follow=True)
    assert budgets() == Budgets(12, 100, 50)
    assert "8 of 12 units left today (UTC)" in answer.content.decode()
    client.post(address, form_of(client, address))
    assert Event.objects.filter(name="api_key:changed").count() == 3


def test_the_console_changes_the_quota_of_an_organization_for_those_who_manage_it(cast: Cast) -> None:
    address = reverse("console-organization-quota", args=[cast.acme.uuid])
    answer = console_of(cast.ada).post(address, {**BLANK, "quota_month": "5"}, follow=True)
    assert "5 of 5 units left this month (UTC)" in answer.content.decode()
    owner = console_of(cast.alice)
    assert owner.get(address).status_code == 403
    assert owner.post(address, {**BLANK, "quota_month": "500"}).status_code in (302, 403)
    assert budgets() == Budgets(month=5)


def test_a_person_who_may_only_see_a_key_cannot_change_its_quota(cast: Cast) -> None:
    key = make_key(cast.acme)
    client, address = console_of(cast.bob), reverse("console-key-quota", args=[key.row.uuid])
    assert (
        reverse("console-key-quota", args=[key.row.uuid])
        not in client.get(reverse("console-key", args=[key.row.uuid])).content.decode()
    )
    assert client.get(address).status_code == 403
    client.post(address, {**BLANK, "quota_day": "1"})
    assert not QuotaLedger.objects.exists()


def test_an_old_login_raises_no_quota_on_a_page(cast: Cast) -> None:
    key = make_key(cast.alice)
    limit(key, day=10)
    client, address = console_of(cast.alice), reverse("console-key-quota", args=[key.row.uuid])
    Session.objects.update(created_at=timezone.now() - timedelta(days=1))
    assert client.post(address, {**BLANK, "quota_day": "11"}).status_code == 401
    assert budgets() == Budgets(10)


@pytest.mark.parametrize("typed", ["0", "-1", "1.5", "ten", str(MOST_UNITS + 1)])
def test_a_wrong_number_is_refused_at_its_field(cast: Cast, typed: str) -> None:
    key = make_key(cast.alice)
    client, address = console_of(cast.alice), reverse("console-key-quota", args=[key.row.uuid])
    answer = client.post(address, {**BLANK, "quota_day": typed})
    assert answer.status_code == 400 and "quota_day" in answer.context["form"].errors
    assert not QuotaLedger.objects.exists()


@pytest.mark.parametrize("holder", ["key", "organization"])
def test_the_admin_changes_a_quota(cast: Cast, holder: str) -> None:
    key = make_key(cast.acme)
    addresses = {
        "key": reverse("admin:apikeys_apikey_change", args=[key.row.pk]),
        "organization": reverse("admin:accounts_organization_change", args=[cast.acme.pk]),
    }
    client, address = browser(cast.ada), addresses[holder]
    formset = {f"memberships-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    sent = {**form_of(client, address), **formset}
    answer = client.post(address, sent | {"quota_day": "10", "quota_counts": "reports"})
    assert answer.status_code == 302, answer.content.decode()
    row = QuotaLedger.objects.get()
    assert (row.budgets, row.counts, row.organization_id is None) == (Budgets(10), "reports", holder == "key")
    client.post(address, {**form_of(client, address), **formset})
    changed = Event.objects.filter(name__in=["api_key:changed", "organization:changed"])
    assert [event.detail["to"] for event in changed] == [{"quota": "10/day (reports)"}]


def test_the_admin_gives_a_new_organization_its_quota(cast: Cast) -> None:
    formset = {f"memberships-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    sent = {"name": "Initech", **BLANK, **formset, "quota_total": "7"}
    answer = browser(cast.ada).post(reverse("admin:accounts_organization_add"), sent)
    assert answer.status_code == 302, answer.content.decode()
    row = QuotaLedger.objects.get()
    assert (str(row.organization), row.budgets) == ("Initech", Budgets(total=7))
