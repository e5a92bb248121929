"""The description and the metadata of keys: what they may hold, how they change, and who is told."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.callers import caller_at_command_line
from apikeys.changes import ApiKeyChanges
from apikeys.models import ApiKey
from apikeys.services.api_keys import update_api_key
from audit.models import Event
from config import profiles
from config.profiles import Profile
from tests.accounts.helpers import at_once
from tests.apikeys.profiles import changed
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key

NOTES: dict[str, Any] = {
    "description": "Nightly export\n\nof the archive",
    "metadata": {"team": "ops", "cost": "12.5"},
}


@pytest.fixture
def alice(cast: Cast) -> Api:
    return as_user(cast.alice)


def notes_of(shown: Any) -> dict[str, Any]:
    return {name: shown[name] for name in NOTES}


def noted(cast: Cast, **options: Any) -> str:
    """Return the path of a key with notes."""
    return f"api-keys/{make_key(cast.alice, **{**NOTES, **options}).row.uuid}"


def test_a_key_has_notes_from_its_creation_on(alice: Api) -> None:
    made = alice.post("api-keys", {"name": "CI", **NOTES}).json()
    listed = alice.get("api-keys").json()["results"]
    assert [notes_of(each) for each in (made, alice.get(f"api-keys/{made['id']}").json(), *listed)] == [
        NOTES
    ] * 3


def test_a_key_without_notes_shows_empty_ones(alice: Api) -> None:
    made = alice.post("api-keys", {"name": "CI"}).json()
    assert notes_of(made) == {"description": "", "metadata": {}}


def test_spaces_around_notes_do_not_count_and_line_breaks_are_one_character(alice: Api) -> None:
    body = {"name": "CI", "description": "  a\r\nb\rc ", "metadata": {"a": " b ", "empty": ""}}
    made = alice.post("api-keys", body).json()
    assert notes_of(made) == {"description": "a\nb\nc", "metadata": {"a": "b", "empty": ""}}


@pytest.mark.parametrize(
    ("change", "metadata"),
    [
        ({"team": "storage"}, {"team": "storage", "cost": "12.5"}),
        ({"new": "x", "team": None, "never": None}, {"cost": "12.5", "new": "x"}),
        ({}, {"team": "ops", "cost": "12.5"}),
        (None, {}),
    ],
)
def test_a_patch_is_merged_into_the_metadata(
    cast: Cast, alice: Api, change: Any, metadata: dict[str, str]
) -> None:
    answer = alice.patch(noted(cast), {"metadata": change})
    assert answer.status_code == 200
    assert notes_of(answer.json()) == {"description": NOTES["description"], "metadata": metadata}


@pytest.mark.databases
@pytest.mark.django_db(transaction=True)
def test_pairs_that_programs_set_at_once_are_all_kept(cast: Cast) -> None:
    row = make_key(cast.alice).row
    caller = caller_at_command_line()

    def set_pair(number: int) -> None:
        update_api_key(caller=caller, key=row, changes=ApiKeyChanges(metadata={f"n{number}": "x"}))

    at_once(set_pair, times=4)
    assert ApiKey.objects.get().metadata == {f"n{number}": "x" for number in range(4)}


def test_a_patch_changes_the_description_alone(cast: Cast, alice: Api) -> None:
    path = noted(cast)
    assert alice.patch(path, {"name": "b"}).json()["description"] == NOTES["description"]
    assert notes_of(alice.patch(path, {"description": ""}).json()) == {**NOTES, "description": ""}


def test_an_edit_of_notes_moves_the_etag(cast: Cast, alice: Api) -> None:
    path = noted(cast)
    tag = alice.get(path).headers["ETag"]
    first, second = (alice.patch(path, {"metadata": {"n": n}}, headers={"If-Match": tag}) for n in "12")
    assert (first.status_code, second.status_code) == (200, 412)
    assert first.headers["ETag"] == alice.get(path).headers["ETag"] != tag


FULL = {f"{number:040}": "é" * 40 for number in range(50)}


def test_notes_may_be_as_long_as_documented(alice: Api) -> None:
    body = {"name": "CI", "description": "é" * 500, "metadata": FULL}
    made = alice.post("api-keys", body)
    assert made.status_code == 201, made.content
    assert notes_of(made.json()) == {"description": "é" * 500, "metadata": FULL}
    path = f"api-keys/{made.json()['id']}"
    problem = assert_problem(alice.patch(path, {"metadata": {"one": "more"}}), 400, "invalid", "metadata")
    assert problem["detail"] == "metadata: has 51 pairs; at most 50 are allowed"
    assert alice.patch(path, {"metadata": {"one": "more", "0" * 40: None}}).status_code == 200


WRONG: list[tuple[str, Any, str]] = [
    ("description", 5, "Not a valid string"),
    ("description", None, "may not be null"),
    ("description", ["a"], "Not a valid string"),
    ("description", "x" * 501, "no more than 500 characters"),
    ("description", "a\tb", "contains a control character"),
    ("description", "a\x00b", ""),
    ("description", "a\x1b[31mb", "contains a control character"),
    ("description", "a\u202eb", "contains a control character"),
    ("description", "a\ud800", ""),
    ("metadata", "team=ops", "Send an object of names and texts"),
    ("metadata", [["team", "ops"]], "Send an object of names and texts"),
    ("metadata", {"a": 5}, "the value of 'a' must be a text"),
    ("metadata", {"a": {"b": "c"}}, "the value of 'a' must be a text"),
    ("metadata", {"a": "x" * 501}, "the value of 'a' must have at most 500 characters"),
    ("metadata", {"a": "b\nc"}, "the value of 'a' contains a control character"),
    ("metadata", {"a": "b\x00c"}, "the value of 'a' contains a control character"),
    ("metadata", {"a": "b\ud800c"}, "the value of 'a' contains a control character"),
    ("metadata", {"": "a"}, "must not have a pair without a name"),
    ("metadata", {" a": "a"}, "the name ' a' must not begin or end with a space"),
    ("metadata", {"a=b": "a"}, "the name 'a=b' must not contain ="),
    ("metadata", {"a\u200b": "a"}, "the name 'a\\u200b' contains a control character"),
    ("metadata", {"x" * 41: "a"}, "must have at most 40 characters"),
    ("metadata", {str(n): "" for n in range(51)}, "has 51 pairs; at most 50 are allowed"),
    ("metadata", {f"{n}": "x" * 500 for n in range(8)}, "has 4008 characters in all its names and values"),
]


@pytest.mark.parametrize(("member", "value", "reason"), WRONG)
def test_wrong_notes_are_refused_by_name_and_nothing_is_written(
    cast: Cast, alice: Api, member: str, value: Any, reason: str
) -> None:
    path = noted(cast)
    before = ApiKey.objects.values().get()
    for answer in (
        alice.post("api-keys", {"name": "CI", member: value}),
        alice.patch(path, {"name": "new", member: value}),
    ):
        assert reason in assert_problem(answer, 400, "invalid", member)["detail"]
    assert ApiKey.objects.values().get() == before


def test_a_new_key_removes_no_pair(alice: Api) -> None:
    for metadata in (None, {"a": None}):
        answer = alice.post("api-keys", {"name": "CI", "metadata": metadata})
        assert_problem(answer, 400, "invalid", "metadata")


def test_a_name_that_comes_twice_is_refused(cast: Cast, alice: Api) -> None:
    body = '{"metadata": {"a": "1", "a": "2"}}'
    answer = alice.client.patch(f"/api/v1/{noted(cast)}", body, content_type="application/json")
    problem = assert_problem(answer, 400, "invalid", "metadata")
    assert problem["detail"] == "metadata: 'a' is repeated; send it once."


def test_the_log_names_what_changed_and_not_the_texts(cast: Cast, alice: Api) -> None:
    path = noted(cast)
    alice.patch(path, {"metadata": {"team": "storage"}})
    alice.patch(path, {"metadata": {"team": "billing"}, "description": "Weekly"})
    alice.patch(path, {"metadata": {"team": "billing", "none": None}, "description": "Weekly"})
    events = Event.objects.filter(name="api_key:described").order_by("sequence")
    assert [event.detail["members"] for event in events] == [["metadata"], ["description", "metadata"]]
    assert "billing" not in json.dumps(list(Event.objects.values("detail", "target_label")))


def test_a_new_key_has_the_notes_of_the_one_it_replaces(cast: Cast, alice: Api) -> None:
    assert notes_of(alice.post(f"{noted(cast)}/rotate").json()) == NOTES


def test_a_repeated_creation_must_have_the_same_notes(alice: Api) -> None:
    headers = {"Idempotency-Key": "one"}
    body = {"name": "CI", **NOTES}
    made = alice.post("api-keys", body, headers=headers).json()
    again = alice.post("api-keys", body, headers=headers)
    assert (again.status_code, again.json()["id"]) == (201, made["id"])
    for other in ({"description": "other"}, {"metadata": {"team": "other"}}):
        answer = alice.post("api-keys", body | other, headers=headers)
        assert_problem(answer, 422, "idempotency_key_reused")


def test_a_search_finds_words_of_the_description_and_of_both(cast: Cast, alice: Api) -> None:
    make_key(cast.alice, name="Backup", description="Copies the archive\nevery night")
    make_key(cast.alice, name="CI", metadata={"archive": "archive"})
    found = alice.get("api-keys?search=archi").json()["results"]
    assert [each["name"] for each in found] == ["Backup"]
    if connection.vendor == "postgresql":  # SQLite searches for the text as a whole
        assert len(alice.get("api-keys?search=night backup").json()["results"]) == 1


@pytest.mark.databases
def test_no_request_with_a_key_reads_its_notes(cast: Cast) -> None:
    key = make_key(cast.alice, "services:read", **NOTES)
    with CaptureQueriesContext(connection) as queries:
        assert with_key(key).get("/services/x").status_code in (200, 404)
        checked = Api({"X-API-Key": key.text, "X-Original-Method": "GET", "X-Original-URI": "/services/x"})
        answer = checked.client.get("/gateway/check")
    assert answer.status_code == 200
    assert "ops" not in str(answer.headers) and "Nightly" not in str(answer.headers)
    assert queries and not [sql for sql in queries if "metadata" in sql["sql"] or "description" in sql["sql"]]


def test_a_product_without_notes_neither_shows_nor_takes_them(
    cast: Cast, alice: Api, served_profile: Callable[[Profile], None]
) -> None:
    path = noted(cast)
    served_profile(changed(keys={"notes": False}))
    assert not NOTES.keys() & alice.get(path).json().keys()
    for name, value in NOTES.items():
        assert_problem(alice.patch(path, {name: value}), 400, "invalid", name)
        assert_problem(alice.post("api-keys", {"name": "CI", name: value}), 400, "invalid", name)
    made = alice.post(f"{path}/rotate").json()
    assert not NOTES.keys() & made.keys()
    assert notes_of(ApiKey.objects.values().get(uuid=made["id"])) == NOTES


@pytest.mark.parametrize("name", profiles.shipped_names())
def test_only_our_own_profile_has_notes(name: str) -> None:
    assert profiles.load(name).keys.notes == (name == "keyhouse")
