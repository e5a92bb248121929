"""The rest of a key's life in the admin: rotate (shown once), disable, enable, limit."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.key_limits import Rate
from apikeys.models import HOUR, ApiKey
from apikeys.services.api_keys import NewKey
from apikeys.usage.services import Counted, add_counts
from audit.models import Event
from tests.accounts.helpers import statements
from tests.admin import helpers
from tests.admin.helpers import errors_of, messages_of, page, text_of
from tests.admin.keys.test_new import ADD, fill_in, keys_in
from tests.conftest import Cast, make_key, with_key
from tests.logins import browser

LIST = "apikeys_apikey_changelist"
CHANGE = "apikeys_apikey_change"


def act(client: Client, action: str, *keys: NewKey, **values: Any) -> Any:
    return helpers.act(client, "apikeys_apikey", action, *(key.row for key in keys), **values)


def confirm(client: Client, action: str, *keys: NewKey, **values: Any) -> Any:
    return act(client, action, *keys, confirmed="True", **values)


def works(text: str) -> bool:
    return bool(with_key(text).get("auth/me").status_code == 200)


@pytest.mark.parametrize("action", ["rotate", "disable", "enable", "revoke"])
def test_before_anything_one_is_asked_and_told_what_will_stop_working(
    ada: Client, key: NewKey, action: str
) -> None:
    before, events = ApiKey.objects.values().get(), Event.objects.count()
    asked = text_of(act(ada, action, key))
    assert f"CI ({key.row.key_prefix}…) of bob" in asked
    assert f'value="{action.capitalize()}"' in asked and 'name="confirmed"' in asked
    assert (ApiKey.objects.values().get(), Event.objects.count()) == (before, events)


def test_the_page_of_a_key_has_a_button_for_each(ada: Client, cast: Cast, key: NewKey) -> None:
    assert buttons(ada, key) == ["rotate", "disable", "revoke"]
    ApiKey.objects.update(disabled_at=timezone.now())
    assert buttons(ada, key) == ["rotate", "enable", "revoke"]
    assert buttons(browser(cast.audrey), key) == []


def test_one_is_told_how_much_a_key_is_used(ada: Client, key: NewKey) -> None:
    assert "never used" in text_of(act(ada, "revoke", key))
    at = timezone.now() - timedelta(minutes=3, seconds=5)
    ApiKey.objects.update(use_count=5000, last_used_at=at, last_used_ip="192.0.2.3")
    rest = " in 24 h, last from 192.0.2.3 3\xa0minutes ago; 5,000 times in all"
    assert f": not used{rest}" in text_of(act(ada, "revoke", key))
    hour = int(at.timestamp()) // HOUR * HOUR
    for hours, outcome, times in (
        (0, "allowed", 1000),
        (22, "allowed", 240),
        (25, "allowed", 7),
        (0, "rate", 3),
    ):
        add_counts([Counted(key.row.pk, hour - hours * HOUR, HOUR, outcome, times)])
    assert f": used 1,240 times{rest}" in text_of(act(ada, "revoke", key))
    assert f"used 1,240 times{rest}" in text_of(ada.get(page(CHANGE, key.row.pk)))


def test_how_much_many_keys_are_used_takes_one_query(ada: Client, cast: Cast, key: NewKey) -> None:
    def queries(keys: list[NewKey]) -> int:
        with CaptureQueriesContext(connection) as captured:
            sent = {"action": "revoke", "_selected_action": [each.row.pk for each in keys]}
            assert "never used" in text_of(ada.post(page(LIST), sent))
        asked = [sql for sql in statements(captured) if "apikeys_keyuse" in sql]
        assert len(asked) == 1
        return len(captured)

    assert queries([key]) == queries([key, *(make_key(cast.bob) for _ in range(20))])


def test_the_page_of_a_key_says_who_did_what_with_it(ada: Client, cast: Cast, key: NewKey) -> None:
    confirm(ada, "disable", key)
    events = re.findall(
        r"</a></td><td>([a-z_:]+)</td><td>([a-z]+)<", text_of(ada.get(page(CHANGE, key.row.pk)))
    )
    assert [name for name, _ in events] == ["api_key:disabled", "api_key:created"]
    assert events[0] == ("api_key:disabled", "ada")
    assert "What happened to it" not in text_of(browser(cast.bob).get(page(CHANGE, key.row.pk)))


def buttons(client: Client, key: NewKey) -> list[str]:
    shown = text_of(client.get(page(CHANGE, key.row.pk)))
    return re.findall(r'<button type="submit" name="action" value="([a-z]+)">', shown)


@pytest.mark.requirement(57, 66)
def test_a_rotated_key_is_shown_once_on_a_page_that_nobody_stores(ada: Client, key: NewKey) -> None:
    response = confirm(ada, "rotate", key, overlap="24h")
    (text,) = keys_in(response)
    assert "no-store" in response.headers["Cache-Control"]
    assert works(text) and works(key.text)
    old, new = ApiKey.objects.order_by("pk")
    assert old.expires_at == new.created_at + timedelta(days=1)
    for address in (page(LIST), page(CHANGE, new.pk), page("audit_event_changelist")):
        assert text not in text_of(ada.get(address))
    assert text not in str(dict(ada.session)) and text not in str(response.cookies)


def test_a_rotation_that_is_sent_again_shows_nothing_and_says_why(ada: Client, key: NewKey) -> None:
    assert keys_in(confirm(ada, "rotate", key))
    again = confirm(ada, "rotate", key)
    assert keys_in(again) == set()
    assert messages_of(again) == ["status: CI is revoked for good; create a new key"]
    assert ApiKey.objects.count() == 2


def test_the_form_of_a_rotation_begins_with_the_expiry_of_the_key(ada: Client, cast: Cast) -> None:
    at = (timezone.now() + timedelta(days=30)).replace(second=0, microsecond=0)
    key = make_key(cast.bob, expires_at=at)
    assert f'value="{at:%Y-%m-%dT%H:%M}"' in text_of(act(ada, "rotate", key))
    confirm(ada, "rotate", key, expires_at=f"{at:%Y-%m-%dT%H:%M}")
    assert ApiKey.objects.unrevoked().get().expires_at == at


@pytest.mark.parametrize(
    ("values", "field"),
    [({"overlap": "8d"}, "overlap"), ({"expires_at": "2020-01-01T00:00"}, "expires_at")],
)
def test_what_is_wrong_with_a_rotation_is_said_beside_the_field(
    ada: Client, key: NewKey, values: dict[str, str], field: str
) -> None:
    assert errors_of(confirm(ada, "rotate", key, **values))[field]
    assert works(key.text) and ApiKey.objects.count() == 1


def test_keys_are_rotated_one_by_one(ada: Client, cast: Cast, key: NewKey) -> None:
    response = confirm(ada, "rotate", key, make_key(cast.acme))
    assert messages_of(response) == ["Select one key to rotate."]
    assert ApiKey.objects.unrevoked().count() == 2


def test_keys_are_disabled_and_enabled(ada: Client, cast: Cast, key: NewKey) -> None:
    other = make_key(cast.acme, name="deploy")
    assert messages_of(confirm(ada, "disable", key, other)) == ["2 keys disabled."]
    assert not works(key.text) and "disabled" in text_of(ada.get(page(LIST)))
    assert ">CI<" in text_of(ada.get(page(LIST), {"status": "disabled"}))
    assert messages_of(confirm(ada, "enable", key)) == ["1 key enabled."]
    assert works(key.text)
    assert ">CI<" not in text_of(ada.get(page(LIST), {"status": "disabled"}))


@pytest.mark.parametrize("action", ["rotate", "disable", "enable"])
def test_nobody_does_to_a_key_what_they_may_not(cast: Cast, key: NewKey, action: str) -> None:
    shared = make_key(cast.acme, name="deploy")
    before = list(ApiKey.objects.order_by("pk").values())
    assert messages_of(confirm(browser(cast.bob), action, shared)) == ["You may not manage this key."]
    for who in (cast.mallory, cast.audrey):
        assert keys_in(confirm(browser(who), action, key)) == set()
    assert list(ApiKey.objects.order_by("pk").values()) == before


def test_limits_are_set_at_creation_changed_and_taken_away(ada: Client, cast: Cast) -> None:
    limits = {"allowed_networks": "10.0.0.0/8\r\n\r\n ::1/128 ", "rate_limit": "100/1m"}
    assert keys_in(ada.post(page(ADD), fill_in(ada, cast.bob, **limits)))
    row = ApiKey.objects.get()
    assert (row.allowed_networks, row.rate_limit) == (["10.0.0.0/8", "::1"], Rate(100, 60))
    shown = ada.get(page(CHANGE, row.pk)).context["adminform"].form
    assert shown["allowed_networks"].value() == "10.0.0.0/8\n::1" and shown["rate_limit"].value() == "100/60s"
    sent = {"name": "CI", "allowed_networks": "192.0.2.7", "rate_limit": ""}
    assert ada.post(page(CHANGE, row.pk), sent).status_code == 302
    row = ApiKey.objects.get()
    assert (row.allowed_networks, row.rate_limit) == (["192.0.2.7"], None)
    assert Event.objects.latest("sequence").name == "api_key:changed"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("allowed_networks", "10.0.0.0/8\n10.0.0.1/8", "'10.0.0.1/8' is not a network"),
        ("allowed_networks", "\n".join(f"10.0.0.{n}" for n in range(51)), "at most 50 are allowed"),
        ("rate_limit", "often", "'often' must be a number of requests"),
        ("rate_limit", "1/30d", "86400 seconds"),
    ],
)
def test_invalid_limits_are_reported_beside_the_field(
    ada: Client, cast: Cast, key: NewKey, field: str, value: str, words: str
) -> None:
    assert words in errors_of(ada.post(page(CHANGE, key.row.pk), {"name": "CI", field: value}))[field]
    assert words in errors_of(ada.post(page(ADD), fill_in(ada, cast.bob, **{field: value})))[field]
    assert ApiKey.objects.count() == 1 and ApiKey.objects.get().allowed_networks == []
