"""Quotas on the pages of keys and organizations."""

import pytest
from django.urls import reverse

from tests.apikeys.quotas.helpers import limit, statuses
from tests.conftest import Cast, make_key
from tests.console.helpers import console_of
from tests.logins import browser


def test_the_console_shows_what_is_left_of_a_key_and_of_its_organization(cast: Cast) -> None:
    key = make_key(cast.acme, "services:read")
    client, address = console_of(cast.alice), reverse("console-key", args=[key.row.uuid])
    unlimited = client.get(address).content.decode()
    assert "<dt>Quota</dt><dd>no limit" in unlimited and "Quota of the organization" not in unlimited
    limit(key, day=10)
    limit(cast.acme, month=100, total=200)
    statuses(key, 4)
    page = client.get(address).content.decode()
    assert "<dt>Quota</dt><dd>6 of 10 units left today (UTC)<br>" in page
    assert "units left this month (UTC); " in page and "of 200 units left in all" in page


@pytest.mark.parametrize("holder", ["key", "organization"])
def test_the_admin_shows_what_is_left(cast: Cast, holder: str) -> None:
    key = make_key(cast.acme, "services:read")
    pages = {
        "key": reverse("admin:apikeys_apikey_change", args=[key.row.pk]),
        "organization": reverse("admin:accounts_organization_change", args=[cast.acme.pk]),
    }
    client = browser(cast.ada)
    assert "units left" not in client.get(pages[holder]).content.decode()
    limit(key if holder == "key" else cast.acme, total=10_000)
    assert "10,000 of 10,000 units left in all" in client.get(pages[holder]).content.decode()
