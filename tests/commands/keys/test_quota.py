"""manage.py quota: show the quota of a key or an organization, or change it."""

import pytest

from apikeys.models import QuotaLedger
from tests.apikeys.quotas.helpers import limit, statuses
from tests.commands.helpers import output_of, refusal_of, run
from tests.conftest import Cast, make_key


def test_a_quota_is_set_and_shown(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read", name="CI")
    identity = str(key.row.uuid)
    assert output_of("quota", identity) == "CI: no quota.\n"
    changed = run("quota", identity, "--day", "10", "--total", "20")
    assert (changed["day"]["left"], changed["total"]["ends_at"], changed["month"]) == (10, None, None)
    statuses(key, 3)
    assert output_of("quota", identity) == (
        "CI: 7 of 10 units left in a day (UTC), 17 of 20 units left in all.\n"
    )
    run("quota", identity, "--no-day", "--counts", "reports")
    row = QuotaLedger.objects.get()
    assert (row.budgets, row.counts, row.day_used) == ((None, None, 20), "reports", 3)


def test_the_quota_of_an_organization_is_named_by_its_name(cast: Cast) -> None:
    assert run("quota", "--organization", "Acme", "--month", "5")["month"]["most"] == 5
    assert QuotaLedger.objects.get().organization == cast.acme


@pytest.mark.parametrize("arguments", [("--day", "0"), ("--month", "-3"), ("--total", "9" * 30)])
def test_a_wrong_number_is_refused_in_one_line(cast: Cast, arguments: tuple[str, str]) -> None:
    identity = str(make_key(cast.alice).row.uuid)
    assert "units" in refusal_of("quota", identity, *arguments)
    assert not QuotaLedger.objects.exists()


def test_a_key_and_an_organization_together_are_refused(cast: Cast) -> None:
    limit(cast.acme, day=1)
    assert "not allowed with" in refusal_of(
        "quota", str(make_key(cast.acme).row.uuid), "--organization", "Acme"
    )
