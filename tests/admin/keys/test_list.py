"""The list of keys: found by every column, by pasting a key, exported; as fast for many as for few."""

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.backoffice import paginator
from apikeys import predicates
from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from audit.models import Event
from tests.admin.helpers import messages_of, page, text_of
from tests.apikeys.states import change, keys_in_each_state
from tests.conftest import Cast, make_key
from tests.logins import browser

LIST = "apikeys_apikey_changelist"
CHANGE = "apikeys_apikey_change"
FIND = "apikeys_apikey_find"


def names(client: Client, **query: Any) -> set[str]:
    response = client.get(page(LIST), query)
    assert response.status_code == 200, response.headers
    return {key.name for key in response.context["cl"].result_list}


@pytest.fixture
def keys(cast: Cast) -> dict[str, NewKey]:
    return keys_in_each_state(cast)


def test_the_state_of_a_key_is_a_word(ada: Client, keys: dict[str, NewKey]) -> None:
    text = text_of(ada.get(page(LIST)))
    assert all(f'<span class="status {word}">{word}</span>' in text for word in keys)


def test_every_key_is_in_the_state_that_the_database_finds_it_in(keys: dict[str, NewKey]) -> None:
    now = timezone.now()
    for word, condition in predicates.statuses(now).items():
        assert {key.shown_status(now) for key in ApiKey.objects.filter(condition)} == {word}
        assert ApiKey.objects.filter(condition).count() == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "active"}, {"active"}),
        ({"status": "expiring"}, {"expiring"}),
        ({"status": "expired"}, {"expired"}),
        ({"status": "disabled"}, {"disabled"}),
        ({"status": "revoked"}, {"revoked"}),
        ({"status": "usable"}, {"active", "expiring"}),
        ({"environment": "test"}, {"expiring"}),
        ({"owner": "people"}, {"expiring"}),
        ({"owner": "organizations"}, {"active", "expired", "disabled", "revoked"}),
        ({"owner": "me"}, set()),
        ({"scope": "services:read"}, {"expiring"}),
        ({"scope": "services:write"}, set()),
        ({"used": "1d"}, {"active"}),
        ({"used": "unused", "status": "usable"}, {"expiring"}),
        ({"used": "never", "owner": "people"}, {"expiring"}),
        ({"expires": "14d"}, {"expiring"}),
        ({"expires": "never"}, {"active", "disabled", "revoked"}),
        ({"q": "bob"}, {"expiring"}),
        ({"q": "acme", "status": "active"}, {"active"}),
    ],
)
def test_keys_are_found_by_every_column(
    ada: Client, keys: dict[str, NewKey], query: dict[str, str], found: set[str]
) -> None:
    assert names(ada, **query) == found


def test_keys_are_found_by_their_organization(ada: Client, cast: Cast, keys: dict[str, NewKey]) -> None:
    make_key(cast.umbrella, name="other")
    assert names(ada, organization=cast.umbrella.pk) == {"other"}
    assert "Umbrella" not in text_of(browser(cast.alice).get(page(LIST)))


def test_when_and_from_where_a_key_was_used_is_shown(ada: Client, keys: dict[str, NewKey]) -> None:
    text = text_of(ada.get(page(LIST), {"status": "active"}))
    assert "1\xa0hour ago" in text and "192.0.2.7" in text


@pytest.mark.parametrize("around", ["{}", "  {}\n", "X-API-Key: {}", "curl -H 'Authorization: Bearer {}'"])
def test_a_pasted_key_leads_to_its_page_and_stands_in_no_address(
    ada: Client, cast: Cast, keys: dict[str, NewKey], around: str
) -> None:
    key = keys["revoked"]
    response = ada.post(page(FIND), {"q": around.format(key.text)})
    assert (response.status_code, response.headers["Location"]) == (302, page(CHANGE, key.row.pk))
    assert not Event.objects.filter(detail__icontains=key.text).exists()


def test_a_key_in_an_address_is_exchanged_for_one_without(ada: Client, keys: dict[str, NewKey]) -> None:
    key = keys["active"]
    response = ada.get(page(LIST), {"q": key.text})
    assert (response.status_code, response.headers["Location"]) == (302, page(CHANGE, key.row.pk))


def test_a_key_that_one_may_not_see_is_not_found(cast: Cast, keys: dict[str, NewKey]) -> None:
    mallory = browser(cast.mallory)
    broken = keys["active"].text[:-1]
    for text in (keys["active"].text, broken, f"{broken}!"):
        response = mallory.post(page(FIND), {"q": text}, follow=True)
        assert response.redirect_chain == [(page(LIST), 302)]
        assert messages_of(response) == ["No key that you may see has this text."]
        assert text not in text_of(response)


def test_other_words_are_searched_for_and_filters_stay(ada: Client, keys: dict[str, NewKey]) -> None:
    sent = {"q": "acme", "status": "active", "p": "3", "csrfmiddlewaretoken": "x"}
    response = ada.post(page(FIND), sent)
    assert response.headers["Location"] == f"{page(LIST)}?status=active&q=acme"
    shown = keys["active"].row.key_prefix
    assert names(ada, q=shown) == {"active"}
    assert 'method="post"' in text_of(ada.get(page(LIST))).partition('id="changelist-search"')[2][:40]


def test_a_word_in_which_a_token_would_begin_is_searched_for(ada: Client, cast: Cast) -> None:
    make_key(cast.alice, name="export_customers")
    response = ada.post(page(FIND), {"q": "export_customers"})
    assert response.headers["Location"] == f"{page(LIST)}?q=export_customers"
    assert names(ada, q="export_customers") == {"export_customers"}


def exported(response: Any) -> list[dict[str, str]]:
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_selected_keys_are_exported_without_their_texts(ada: Client, keys: dict[str, NewKey]) -> None:
    change(keys["expiring"], name="=HYPERLINK(1)")
    sent = {"action": "export", "_selected_action": [keys[n].row.pk for n in ("expiring", "active")]}
    rows = exported(ada.post(page(LIST), sent))
    assert [row["name"] for row in rows] == ["'=HYPERLINK(1)", "active"]
    assert (rows[0]["owner"], rows[0]["scopes"], rows[0]["status"]) == ("bob", "services:read", "expiring")
    assert not [value for row in rows for value in row.values() if keys["active"].text in value]


def test_all_that_is_found_is_exported_and_only_what_one_sees(cast: Cast, keys: dict[str, NewKey]) -> None:
    sent = {"action": "export", "select_across": "1", "_selected_action": [keys["active"].row.pk]}
    bob = browser(cast.bob).post(f"{page(LIST)}?owner=people", sent)
    assert [row["name"] for row in exported(bob)] == ["expiring"]
    mallory = browser(cast.mallory).post(page(LIST), sent)
    assert exported(mallory) == []


def test_no_more_keys_are_changed_at_once_than_one_can_look_through(
    ada: Client, keys: dict[str, NewKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("access.backoffice.base.MOST_AT_ONCE", 3)
    sent = {"action": "revoke", "select_across": "1", "_selected_action": [keys["active"].row.pk]}
    response = ada.post(page(LIST), sent | {"confirmed": "True"}, follow=True)
    assert messages_of(response) == ["Select at most 3 rows. Nothing was done."]
    assert ApiKey.objects.unrevoked().count() == 4


def queries(client: Client, **query: Any) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(page(LIST), query).status_code == 200
    return [each["sql"] for each in captured]


def test_50_rows_take_as_many_queries_as_5(ada: Client, cast: Cast) -> None:
    for number in range(5):
        make_key((cast.bob, cast.acme)[number % 2], name=f"key {number}")
    few = queries(ada)
    for number in range(45):
        make_key((cast.alice, cast.umbrella)[number % 2], name=f"more {number}")
    many = queries(ada)
    assert len(many) == len(few)
    assert len(names(ada)) == 50


def test_no_query_counts_all_rows(ada: Client, keys: dict[str, NewKey]) -> None:
    for query in ({}, {"q": "a"}, {"status": "active"}):
        asked = [sql for sql in queries(ada, **query) if "apikeys_apikey" in sql]
        assert asked and all("LIMIT" in sql for sql in asked if "COUNT(" in sql)
        assert not [sql for sql in asked if "DISTINCT" in sql]


def test_above_a_thousand_keys_are_said_to_be_more(
    ada: Client, keys: dict[str, NewKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paginator.CappedPaginator, "most", 3)
    text = text_of(ada.get(page(LIST)))
    assert "3+ API keys" in text and "search or filter to see the others" in text
