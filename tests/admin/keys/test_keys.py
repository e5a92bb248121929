"""Existing keys in the admin: list, rename, revoke."""

from typing import Any

import pytest
from django.test import Client

from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from audit.models import Event
from tests.admin.helpers import errors_of, messages_of, page, text_of
from tests.conftest import Cast, make_key, with_key
from tests.logins import browser

LIST = "apikeys_apikey_changelist"
CHANGE = "apikeys_apikey_change"


def revoke(client: Client, *keys: NewKey, **values: Any) -> Any:
    sent = {"action": "revoke", "_selected_action": [key.row.pk for key in keys], **values}
    sent |= {"confirmed": "True"} if values else {}
    return client.post(page(LIST), sent, follow=True)


def test_keys_are_listed_searched_and_filtered(ada: Client, cast: Cast, key: NewKey) -> None:
    make_key(cast.acme, name="deploy", environment="test")
    everything = text_of(ada.get(page(LIST)))
    assert f"{key.row.key_prefix}…" in everything and "deploy" in everything
    for query in ({"q": "bob"}, {"q": key.row.key_prefix}, {"environment": "live"}):
        found = text_of(ada.get(page(LIST), query))
        assert ">CI<" in found and "deploy" not in found
    assert ">CI<" not in text_of(ada.get(page(LIST), {"status": "revoked"}))


def test_a_key_is_renamed_and_nothing_else_about_it_changes(ada: Client, cast: Cast, key: NewKey) -> None:
    columns = [field.attname for field in ApiKey._meta.fields if field.attname != "name"]
    before = ApiKey.objects.values(*columns).get()
    sent = {"name": "new name", "user": cast.ada.pk, "scopes": "users:write", "expires_at": "2999-01-01"}
    assert ada.post(page(CHANGE, key.row.pk), sent).status_code == 302
    assert ApiKey.objects.get().name == "new name"
    assert ApiKey.objects.values(*columns).get() == before | {"version": before["version"] + 1}
    event = Event.objects.latest("sequence")
    assert (event.name, event.detail) == ("api_key:renamed", {"from": "CI", "to": "new name"})


@pytest.mark.parametrize(("name", "words"), [("", "required"), ("a\x07", "control"), ("x" * 101, "100")])
def test_a_bad_name_is_reported_beside_the_field(ada: Client, key: NewKey, name: str, words: str) -> None:
    assert words in errors_of(ada.post(page(CHANGE, key.row.pk), {"name": name}))["name"]
    assert ApiKey.objects.get().name == "CI"


def test_before_revoking_one_is_asked(ada: Client, cast: Cast, key: NewKey) -> None:
    other = make_key(cast.acme, name="deploy")
    response = revoke(ada, key, other)
    assert f"CI ({key.row.key_prefix}…) of bob" in text_of(response)
    assert f"deploy ({other.row.key_prefix}…) of Acme" in text_of(response)
    assert not ApiKey.objects.filter(revoked_at__isnull=False).exists()


def test_keys_are_revoked_with_a_reason(ada: Client, cast: Cast, key: NewKey) -> None:
    other = make_key(cast.acme, name="deploy")
    response = revoke(ada, key, other, reason="leaked")
    assert messages_of(response) == ["2 keys revoked."]
    assert set(ApiKey.objects.values_list("revoked_reason", flat=True)) == {"leaked"}
    assert with_key(key).get("auth/me").status_code == 401
    events = Event.objects.filter(name="api_key:revoked")
    assert {(event.actor_id, event.detail["reason"]) for event in events} == {(str(cast.ada.uuid), "leaked")}


def test_a_bad_reason_is_said_and_kept_and_nothing_is_revoked(ada: Client, key: NewKey) -> None:
    response = revoke(ada, key, reason="x" * 201)
    assert "200" in errors_of(response)["reason"]
    assert "x" * 201 in text_of(response)
    assert not ApiKey.objects.filter(revoked_at__isnull=False).exists()
    response = revoke(ada, key, reason="a\nb")
    assert "printable" in errors_of(response)["reason"]
    assert not ApiKey.objects.filter(revoked_at__isnull=False).exists()


def test_keys_are_revoked_only_if_the_caller_may_manage_all_of_them(cast: Cast, key: NewKey) -> None:
    """Bob sees the keys of Acme, and manages his own."""
    shared = make_key(cast.acme, name="deploy")
    bob = browser(cast.bob)
    assert "deploy" in text_of(bob.get(page(LIST)))
    response = revoke(bob, key, shared, reason="leaked")
    assert messages_of(response) == ["You may not manage this key."]
    assert not ApiKey.objects.filter(revoked_at__isnull=False).exists()
    assert Event.objects.latest("sequence").name == "access:denied"


def test_a_key_that_one_does_not_see_is_not_revoked(cast: Cast, key: NewKey) -> None:
    revoke(browser(cast.mallory), key, reason="spite")
    assert with_key(key).get("auth/me").status_code == 200


@pytest.mark.parametrize("number", ["nonsense", "-1", "9" * 30, "1\x00"])
def test_an_invalid_selection_does_not_crash(ada: Client, key: NewKey, number: str) -> None:
    sent = {"action": "revoke", "_selected_action": [number], "reason": "x"}
    response = ada.post(page(LIST), sent, follow=True)
    assert response.status_code == 200
    assert not ApiKey.objects.filter(revoked_at__isnull=False).exists()


def test_keys_are_never_deleted(ada: Client, key: NewKey) -> None:
    address = page("apikeys_apikey_delete", key.row.pk)
    assert ada.get(address).status_code == 403
    assert ada.post(address, {"post": "yes"}).status_code == 403
    sent = {"action": "delete_selected", "_selected_action": [key.row.pk], "post": "yes"}
    ada.post(page(LIST), sent)
    assert ApiKey.objects.count() == 1
    assert "delete" not in text_of(ada.get(page(LIST))).lower()
