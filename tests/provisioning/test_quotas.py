"""Quotas of keys and of organizations."""

from datetime import timedelta
from typing import Any

import pytest

from access.callers import caller_at_command_line
from access.key_limits import Budgets
from accounts.models import Organization
from apikeys.models import ApiKey
from apikeys.quotas.changes import QuotaChanges
from apikeys.quotas.models import Counts, QuotaLedger
from apikeys.quotas.services import change_key_quota
from apikeys.services.rotation import rotate_api_key
from audit.models import Event
from tests.commands.helpers import output_of
from tests.conftest import Cast, make_key
from tests.provisioning.conftest import READ, Write, acme, apply, drift_of, refused, works


def test_a_quota_is_made_changed_and_removed_as_the_file_says(cast: Cast, write: Write) -> None:
    write(acme(f"CI: {{{READ}, quota: {{day: 10, total: 1000, counts: reports}}}}"))
    assert "quota: 10/day, 1000/total (reports)" in drift_of().printed
    apply("--secrets-dir", "secrets")
    row = QuotaLedger.objects.get()
    assert (row.budgets, row.counts) == (Budgets(10, None, 1000), Counts.REPORTS)
    assert row.counted_as == ApiKey.objects.get().uuid
    write(output_of("export", "--organization", "Acme"))
    assert drift_of("--prune").code == 0
    write(acme(f"CI: {{{READ}, quota: {{month: 20}}}}"))
    apply()
    row.refresh_from_db()
    assert (row.budgets, row.counts) == (Budgets(None, 20, None), Counts.REQUESTS)
    write(acme(f"CI: {{{READ}}}"))
    assert "quota: 20/month (requests) → (nothing)" in drift_of().printed
    apply()
    assert drift_of().code == 0 and QuotaLedger.objects.get().budgets == Budgets()


def test_a_successor_has_the_quota_of_its_key(cast: Cast, write: Write) -> None:
    key, caller = make_key(cast.acme, "services:read", name="CI").row, caller_at_command_line()
    change_key_quota(caller=caller, key=key, changes=QuotaChanges(day=10))
    rotate_api_key(caller=caller, key=key, expires_at=None, overlap=timedelta(days=1))
    write(acme(f"CI: {{{READ}, quota: {{day: 10}}}}"))
    assert drift_of().code == 0


def test_a_replacement_stops_the_old_key_at_once_and_begins_a_quota_anew(cast: Cast, write: Write) -> None:
    old = make_key(cast.acme, "services:read", name="CI")
    change_key_quota(caller=caller_at_command_line(), key=old.row, changes=QuotaChanges(total=10))
    QuotaLedger.objects.update(total_used=10)
    write(acme(f"CI: {{{READ}, environment: test, quota: {{total: 10}}}}"))
    apply("--replace", "--secrets-dir", "secrets")
    assert not works(old)
    new = ApiKey.objects.get(revoked_at=None)
    assert QuotaLedger.objects.get(counted_as=new.uuid).left == Budgets(total=10)


def test_the_quota_of_an_organization_is_set_changed_left_alone_and_removed(cast: Cast, write: Write) -> None:
    write("organizations: {Acme: {quota: {month: 100, counts: reports}}}")
    assert "quota: (nothing) → 100/month (reports)" in drift_of().printed
    assert "1 changed" in apply()
    row = QuotaLedger.objects.get(organization=cast.acme)
    assert (row.budgets, row.counts) == (Budgets(None, 100, None), Counts.REPORTS)
    assert Event.objects.latest("sequence").detail["to"] == {"quota": "100/month (reports)"}
    assert drift_of("--prune").code == 0
    write(output_of("export"))
    assert drift_of("--prune").code == 0
    write("organizations: {Acme: {requires_second_factor: false}}")
    assert drift_of("--prune").code == 0, "a quota that the file does not name stays"
    write("organizations: {Acme: {quota: {day: 5}}}")
    assert "quota: 100/month (reports) → 5/day (requests)" in drift_of().printed
    apply()
    write("organizations: {Acme: {quota: {}}}")
    assert "quota: 5/day (requests) → (nothing)" in drift_of().printed
    apply()
    assert drift_of().code == 0 and QuotaLedger.objects.get(organization=cast.acme).budgets == Budgets()


def test_a_new_organization_has_its_quota_from_the_beginning(db: None, write: Write) -> None:
    write("organizations: {Initech: {quota: {total: 7}, requires_second_factor: true}}")
    assert "quota: 7/total (requests)" in drift_of().printed
    apply()
    made = Organization.objects.get(name="Initech")
    assert made.quota.budgets == Budgets(total=7) and made.requires_second_factor
    assert drift_of().code == 0


def test_a_renamed_organization_keeps_what_was_used(cast: Cast, write: Write) -> None:
    write("organizations: {Acme: {quota: {total: 7}}}")
    apply()
    QuotaLedger.objects.update(total_used=3)
    write("organizations: {Initech: {renamed_from: Acme, quota: {total: 9}}}")
    apply()
    row = QuotaLedger.objects.get(organization=cast.acme)
    assert row.left == Budgets(total=6) and str(row.organization) == "Initech"


def test_plans_of_many_organizations_make_one_query_for_their_quotas(
    db: None, write: Write, django_assert_max_num_queries: Any
) -> None:
    names = [f"Firm {number}" for number in range(30)]
    write("organizations: {" + ", ".join(f"{name}: {{quota: {{day: 5}}}}" for name in names) + "}")
    apply()
    with django_assert_max_num_queries(10):
        assert drift_of().code == 0


@pytest.mark.parametrize(
    ("quota", "said"),
    [
        ("{day: many}", "quota.day: must be a number of units, such as 1000"),
        ("{day: 0}", "quota.day: must be 1 to 1000000000000000 units"),
        ("{counts: all}", "quota.counts: must be one of: requests, reports"),
        ("{week: 1}", "quota: week is not a member; the members are: day, month, total, counts"),
        ("10", "quota: must be a mapping of names, and is a text"),
    ],
)
def test_a_quota_that_cannot_be_is_named_with_its_line(db: None, write: Write, quota: str, said: str) -> None:
    write(acme(f"CI: {{{READ}, quota: {quota}}}"))
    assert f"keyhouse.yaml:4: organizations.Acme.keys.CI.{said}" in refused(command="plan")
    write(f"organizations:\n  Acme:\n    quota: {quota}")
    assert f"keyhouse.yaml:3: organizations.Acme.{said}" in refused(command="plan")
