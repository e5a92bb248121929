"""The description and the metadata of a key in the admin: written, changed, read and exported."""

from typing import Any

import pytest
from django.test import Client

from access.principals import Caller
from apikeys.changes import ApiKeyChanges
from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey, update_api_key
from tests.admin.helpers import act, errors_of, page, text_of
from tests.admin.keys.test_list import exported
from tests.admin.keys.test_new import ADD, fill_in, keys_in
from tests.admin.test_stale_pages import filled
from tests.conftest import Cast, make_key
from tests.logins import browser

CHANGE = "apikeys_apikey_change"
DESCRIPTION = "Copies the <archive>\nevery night"
METADATA = {"team": "operations", "query": "a=b&c", "empty": ""}
LINES = "empty=\nquery=a=b&c\nteam=operations"


@pytest.fixture
def key(cast: Cast) -> NewKey:
    return make_key(cast.bob, name="CI", description=DESCRIPTION, metadata=METADATA)


def notes() -> tuple[str, Any]:
    return ApiKey.objects.values_list("description", "metadata").get()


def test_a_new_key_gets_the_notes_of_the_form(ada: Client, cast: Cast) -> None:
    typed = {
        "description": DESCRIPTION.replace("\n", "\r\n"),
        "metadata": "\r\n team = operations \r\na=\r\n",
    }
    assert keys_in(ada.post(page(ADD), fill_in(ada, cast.bob, **typed)))
    assert notes() == (DESCRIPTION, {"team": "operations", "a": ""})


def test_a_page_that_is_saved_as_it_was_shown_changes_no_notes(ada: Client, key: NewKey) -> None:
    address = page(CHANGE, key.row.pk)
    shown = filled(ada.get(address))
    assert (shown["description"], shown["metadata"]) == (DESCRIPTION, LINES)
    sent = {name: str(value).replace("\n", "\r\n") for name, value in shown.items()}
    assert ada.post(address, sent).status_code == 302
    assert notes() == (DESCRIPTION, METADATA)


def test_a_page_changes_the_pairs_that_the_person_changed_and_no_others(
    ada: Client, operator: Caller, key: NewKey
) -> None:
    address = page(CHANGE, key.row.pk)
    shown = filled(ada.get(address))
    since = ApiKeyChanges(description="Weekly", metadata={"query": "x", "new": "pair", "empty": None})
    update_api_key(caller=operator, key=key.row, changes=since)
    sent = shown | {"metadata": "empty=\nteam=storage\nmore=1"}  # without the query
    assert ada.post(address, sent).status_code == 302
    assert notes() == ("Weekly", {"new": "pair", "team": "storage", "more": "1"})


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("description", "x" * 501, "must have at most 500 characters, and has 501"),
        ("description", "a\x07", "contains a control character"),
        ("metadata", "team", "'team' must be NAME=VALUE"),
        ("metadata", "a=1\na=2", "'a' is repeated; name it once"),
        ("metadata", "=x", "must not have a pair without a name"),
        ("metadata", f"{'x' * 41}=1", "must have at most 40 characters"),
        ("metadata", "\n".join(f"n{n}=x" for n in range(51)), "at most 50 are allowed"),
    ],
)
def test_wrong_notes_are_reported_beside_the_field(
    ada: Client, cast: Cast, key: NewKey, field: str, value: str, words: str
) -> None:
    assert words in errors_of(ada.post(page(CHANGE, key.row.pk), {"name": "CI", field: value}))[field]
    assert words in errors_of(ada.post(page(ADD), fill_in(ada, cast.bob, **{field: value})))[field]
    assert notes() == (DESCRIPTION, METADATA)


@pytest.mark.requirement(111)
def test_a_key_in_a_note_is_refused_beside_the_field(ada: Client, cast: Cast, key: NewKey) -> None:
    for field, value in (("description", key.text), ("metadata", key.text), ("metadata", f"a={key.text}")):
        answer = ada.post(page(ADD), fill_in(ada, cast.bob, **{field: value}))
        assert "contains a key or a token" in errors_of(answer)[field]


def test_more_pairs_than_a_key_may_have_are_reported_on_the_page(
    ada: Client, operator: Caller, key: NewKey
) -> None:
    address = page(CHANGE, key.row.pk)
    shown = filled(ada.get(address))
    full = {f"n{n}": "" for n in range(47)}
    update_api_key(caller=operator, key=key.row, changes=ApiKeyChanges(metadata=full))
    answer = ada.post(address, shown | {"metadata": f"{LINES}\none=more"}, follow=True)
    assert "has 51 pairs; at most 50 are allowed" in text_of(answer)
    assert len(notes()[1]) == 50


def test_people_who_may_only_see_a_key_read_its_notes(cast: Cast, key: NewKey) -> None:
    shown = text_of(browser(cast.audrey).get(page(CHANGE, key.row.pk)))
    assert "Copies the &lt;archive&gt;<br>every night" in shown
    assert "query=a=b&amp;c<br>team=operations" in shown
    other = make_key(cast.bob)
    assert "Metadata:" not in text_of(browser(cast.audrey).get(page(CHANGE, other.row.pk)))


def test_an_export_has_the_notes(ada: Client, key: NewKey) -> None:
    answer = act(ada, "apikeys_apikey", "export", key.row)
    (row,) = exported(answer)
    assert (row["description"], row["metadata"]) == (DESCRIPTION, LINES)
