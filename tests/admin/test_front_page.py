"""The front page: counts of what needs attention, with links to the lists, limited to what one may see."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from apikeys.admin import overview
from apikeys.models import ApiKey
from audit.actors import ANONYMOUS, Origin
from audit.events import EventName
from audit.log import record
from tests.accounts.authenticator import enrolled
from tests.admin.helpers import page, text_of
from tests.conftest import Cast, make_key
from tests.logins import browser

CONCERN = re.compile(r'<a href="([^"]+)"><strong>([^<]+)</strong> ([^<]+)</a>')
Concerns = dict[str, tuple[str, str]]


def concerns(client: Client) -> Concerns:
    """{words: (number, address)} as the front page shows them."""
    found = CONCERN.findall(text_of(client.get("/admin/")))
    return {words: (number, unescape(address)) for address, number, words in found}


def listed(client: Client, address: str) -> set[str]:
    response = client.get(address)
    assert response.status_code == 200
    return {str(row) for row in response.context["cl"].queryset}


def age(key: Any, *, days: int, **columns: Any) -> None:
    made = timezone.now() - timedelta(days=days)
    ApiKey.objects.filter(pk=key.row.pk).update(created_at=made, **columns)


@pytest.fixture
def keys(cast: Cast) -> None:
    now = timezone.now()
    soon, late = now + timedelta(days=13), now + timedelta(days=15)
    make_key(cast.acme, name="soon", expires_at=soon)
    make_key(cast.acme, name="late", expires_at=late)
    age(make_key(cast.bob, name="dusty", expires_at=late), days=91)
    age(make_key(cast.bob, name="old and used", expires_at=late), days=91, last_used_at=now)
    make_key(cast.umbrella, name="for ever")
    age(make_key(cast.umbrella, name="over"), days=100, revoked_at=now)
    age(make_key(cast.umbrella, name="off"), days=100, disabled_at=now)


def test_each_number_leads_to_the_list_of_what_is_counted(cast: Cast, keys: None) -> None:
    ada = browser(cast.ada)
    found = concerns(ada)
    for words, names in (
        ("key expiring within 14 days", {"soon"}),
        ("key unused for 90 days", {"dusty"}),
        ("key without an expiry", {"for ever"}),
    ):
        number, address = found[words]
        assert int(number) == len(names)
        assert listed(ada, address) == names


def test_refused_attempts_of_the_last_day_are_counted(cast: Cast) -> None:
    ada = browser(cast.ada)
    now = timezone.now()
    for hours, name in (
        (1, EventName.LOGIN_FAILED),
        (2, EventName.API_KEY_REFUSED),
        (25, EventName.LOGIN_FAILED),
    ):
        record(name, actor=ANONYMOUS, origin=Origin("192.0.2.1", "x", now - timedelta(hours=hours)))
    number, address = concerns(ada)["attempts refused in the last day"]
    assert number == "2"
    assert len(listed(ada, address)) == 2


def test_people_who_manage_keys_without_a_second_factor_are_counted(cast: Cast) -> None:
    ada = browser(cast.ada)
    enrolled(cast.charlie)
    number, address = concerns(ada)["people managing keys without a second factor"]
    assert listed(ada, address) == {"ada", "alice"}
    assert number == "2"
    User.objects.filter(username="alice").update(is_active=False)
    assert listed(ada, address) == {"ada"}


def test_everybody_sees_numbers_of_what_they_see(cast: Cast, keys: None) -> None:
    alice = concerns(browser(cast.alice))
    assert alice["keys without an expiry"][0] == "0"
    assert alice["key expiring within 14 days"][0] == "1"
    assert alice["person managing keys without a second factor"][0] == "1"
    assert set(concerns(browser(cast.mallory))) == {
        "keys expiring within 14 days",
        "keys unused for 90 days",
        "keys without an expiry",
    }
    assert {number for number, _ in concerns(browser(cast.mallory)).values()} == {"0"}


def test_charts_are_of_what_one_sees(cast: Cast) -> None:
    def titles(user: User) -> list[str]:
        return re.findall(r"<figcaption>([^<]+)<", text_of(browser(user).get("/admin/")))

    assert [title.partition(",")[0] for title in titles(cast.ada)] == [
        "Requests per hour (UTC)",
        "Usable keys by age",
        "Logins and failed logins per day",
        "Refused attempts per day",
    ]
    assert titles(cast.mallory) == ["Requests per hour (UTC), 7 days", "Usable keys by age"]


def test_the_charts_say_what_happened_when(cast: Cast) -> None:
    now = timezone.now()
    for days in (0, 0, 3, 13, 14):
        origin = Origin("192.0.2.1", "x", now - timedelta(days=days))
        record(EventName.LOGIN_FAILED, actor=ANONYMOUS, origin=origin)
    logins, refused = overview.event_charts(principal(cast.ada), now)
    assert [value for _, value in refused.series[0].points] == [1, *[0] * 9, 1, 0, 0, 2]
    assert logins.series[1].points == refused.series[0].points
    assert logins.series[0].total == 0


def test_keys_are_charted_by_age(cast: Cast, keys: None) -> None:
    (ages,) = overview.keys(principal(cast.ada), timezone.now()).charts
    assert [value for _, value in ages.series[0].points] == [3, 0, 0, 2, 0]


def principal(user: User) -> Any:
    from access.principals import Credential
    from accounts.users.principals import principal_of

    return principal_of(user, Credential("jwt", str(uuid4())))


def test_the_page_costs_the_same_however_many_rows_there_are(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above a limit a number is said to be more; the limits are far below what a table can hold."""
    monkeypatch.setattr(overview, "MOST_KEYS", 3)
    ada = browser(cast.ada)
    for number in range(5):
        make_key(cast.acme, name=f"key {number}")
    with CaptureQueriesContext(connection) as few:
        assert concerns(ada)["keys without an expiry"][0] == "4+"
    for number in range(20):
        make_key(cast.acme, name=f"more {number}")
        browser(cast.mallory)
    with CaptureQueriesContext(connection) as many:
        assert concerns(ada)["keys without an expiry"][0] == "4+"
    assert len(many) == len(few)
    assert all("LIMIT" in q["sql"] for q in many if "COUNT(" in q["sql"]), [q["sql"] for q in many]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_charts_count_by_days_of_utc_in_every_zone(cast: Cast, zone: str) -> None:
    now = timezone.now()
    for hour in (0, 23):
        at = now.replace(hour=hour, minute=30) - timedelta(days=3)
        record(EventName.LOGIN_FAILED, actor=ANONYMOUS, origin=Origin("192.0.2.1", "x", at))
    with timezone.override(ZoneInfo(zone)):
        _, refused = overview.event_charts(principal(cast.ada), now)
    assert [value for _, value in refused.series[0].points] == [*[0] * 10, 2, 0, 0, 0]


def test_the_front_page_leads_to_the_lists_that_one_may_read(cast: Cast) -> None:
    people, events, keys = (
        page(f"{name}_changelist") for name in ("accounts_user", "audit_event", "apikeys_apikey")
    )
    for person, found in ((cast.ada, {people, events, keys}), (cast.mallory, {keys})):
        text = text_of(browser(person).get("/admin/"))
        assert {address for address in (people, events, keys) if f'href="{address}"' in text} == found
