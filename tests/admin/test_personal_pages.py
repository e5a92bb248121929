"""Pages have the language and the time zone of the person who opens them. The API has English and UTC."""

from datetime import UTC, datetime
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone, translation

from accounts.models import User
from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from tests.admin.helpers import act, errors_of, page, text_of
from tests.admin.keys.test_new import ADD, fill_in
from tests.conftest import Api, Cast, as_user, assert_problem
from tests.logins import browser

EVENING = datetime(2026, 11, 29, 23, 30, 5, tzinfo=UTC)  # in Berlin it is already the 30th
GERMAN = {"Accept-Language": "de-AT, de;q=0.9, en;q=0.1"}


def choose(user: User, **chosen: str) -> None:
    User.objects.filter(pk=user.pk).update(**chosen)


@pytest.fixture
def berliner(cast: Cast) -> Client:
    """The browser of an administrator in Berlin."""
    choose(cast.ada, time_zone="Europe/Berlin")
    return browser(cast.ada)


def test_pages_show_moments_in_the_persons_zone_and_hovering_shows_utc(berliner: Client, key: NewKey) -> None:
    ApiKey.objects.update(created_at=EVENING)
    text = text_of(berliner.get(page("apikeys_apikey_change", key.row.pk)))
    tag = '<time datetime="2026-11-29T23:30:05Z" title="29 Nov 2026, 23:30:05 UTC">'
    assert f"{tag}30 Nov 2026, 00:30 CET</time>" in text


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("", "29 Nov 2026, 23:30 UTC"),
        ("America/New_York", "29 Nov 2026, 18:30 EST"),
        ("America/Sao_Paulo", "29 Nov 2026, 20:30 UTC-03"),
        ("Europe/Gone", "29 Nov 2026, 23:30 UTC"),
    ],
)
def test_each_zone_is_named(ada: Client, cast: Cast, key: NewKey, zone: str, said: str) -> None:
    ApiKey.objects.update(created_at=EVENING)
    choose(cast.ada, time_zone=zone)
    assert f">{said}</time>" in text_of(ada.get(page("apikeys_apikey_change", key.row.pk)))


def test_forms_read_times_in_the_persons_zone_and_name_it(berliner: Client, cast: Cast) -> None:
    assert "Date (Europe/Berlin)" in text_of(berliner.get(page(ADD)))
    assert berliner.post(page(ADD), fill_in(berliner, cast.bob, expires_at="2027-12-24T18:00"))
    row = ApiKey.objects.get()
    assert row.expires_at == datetime(2027, 12, 24, 17, 0, tzinfo=UTC)
    asked = text_of(act(berliner, "apikeys_apikey", "rotate", row))
    assert "Expires (Europe/Berlin)" in asked and 'value="2027-12-24T18:00"' in asked


def test_a_time_that_the_zone_leaves_out_is_an_error_at_the_field(berliner: Client, cast: Cast) -> None:
    sent = fill_in(berliner, cast.bob, expires_at="2027-03-28T02:30")
    assert "may not exist" in errors_of(berliner.post(page(ADD), sent))["expires_at"]


def test_days_of_filters_begin_at_midnight_in_the_persons_zone(berliner: Client, key: NewKey) -> None:
    ApiKey.objects.update(created_at=EVENING)
    days = {
        day: text_of(berliner.get(page("apikeys_apikey_changelist"), {"made": f"2026-11-{day}"}))
        for day in (29, 30)
    }
    link = page("apikeys_apikey_change", key.row.pk)
    assert [day for day, text in days.items() if link in text] == [30]
    assert "Created (Europe/Berlin)" in days[30]


def test_the_persons_language_goes_before_that_of_the_browser(cast: Cast) -> None:
    ada = browser(cast.ada)
    for chosen, asked, shown in (("", "de", "de"), ("en", "de", "en"), ("de", "en", "de"), ("", "fr", "en")):
        choose(cast.ada, language=chosen)
        assert f'<html lang="{shown}"' in text_of(ada.get("/admin/", headers={"Accept-Language": asked}))


def test_the_login_page_has_the_language_of_the_browser(db: None) -> None:
    assert '<html lang="de"' in text_of(Client().get("/admin/login/", headers=GERMAN))


def test_a_page_leaves_no_language_and_no_zone_behind(berliner: Client, cast: Cast) -> None:
    choose(cast.ada, language="de")
    assert berliner.get("/admin/").status_code == 200
    assert (translation.get_language(), timezone.get_current_timezone_name()) == ("en", "UTC")


def test_an_administrator_sets_language_and_zone_of_others(ada: Client, cast: Cast) -> None:
    address = page("accounts_user_change", cast.bob.pk)
    sent = {"name": "Bob", "role": "member", "is_active": "on"}
    chosen = {"language": "de", "time_zone": "Europe/Vienna"}
    assert ada.post(address, sent | chosen).status_code == 302
    assert User.objects.filter(pk=cast.bob.pk, **chosen).exists()
    assert set(errors_of(ada.post(address, sent | {"language": "fr", "time_zone": "CEST"}))) == set(chosen)


def test_the_api_speaks_english_and_utc_to_everybody(cast: Cast) -> None:
    choose(cast.bob, language="de", time_zone="Europe/Berlin")
    bob = as_user(cast.bob)
    for send in (
        partial(bob.post, "api-keys", {"name": 7, "x": 1}),
        partial(bob.get, "auth/me"),
        partial(bob.get, "users?page_size=x"),
        partial(Api().post, "auth/login", {"username": "bob"}),
        partial(Api().get, "auth/me"),
        partial(bob.get, "nothing"),
    ):
        plain, german = send(), send(headers=GERMAN)
        assert plain.content == german.content
        for name in ("Content-Language", "Vary"):
            assert plain.headers.get(name) == german.headers.get(name)
    assert_problem(bob.post("api-keys", {}, headers=GERMAN), 400, "invalid", "name")
    assert "is required" in str(bob.post("api-keys", {}, headers=GERMAN).json())


def test_the_endpoints_beside_the_consent_page_speak_english(cast: Cast) -> None:
    answers = [
        Client(headers=headers).post("/api/v1/auth/oauth2/token", {"grant_type": "password"})
        for headers in ({}, GERMAN, GERMAN | {"Accept": "text/html"})
    ]
    assert len({answer.content for answer in answers}) == 1
