"""revokeapikey: by id, by owner, or by the keys themselves."""

import pytest

from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from audit.models import Event
from tests.commands.helpers import output_of, refusal_of, run
from tests.conftest import Cast, make_key, with_key

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def keys(cast: Cast) -> list[NewKey]:
    return [make_key(cast.bob, name="first"), make_key(cast.bob, name="second"), make_key(cast.acme)]


def revoked() -> list[str]:
    return sorted(ApiKey.objects.filter(revoked_at__isnull=False).values_list("name", flat=True))


def test_keys_are_revoked_by_their_ids_with_a_reason(keys: list[NewKey]) -> None:
    document = run("revokeapikey", str(keys[0].row.uuid), str(keys[1].row.uuid), "--reason", "leaked")
    assert document["revoked"] == 2
    assert {(key["name"], key["status"]) for key in document["selected"]} == {
        ("first", "revoked"),
        ("second", "revoked"),
    }
    assert set(ApiKey.objects.filter(user__isnull=False).values_list("revoked_reason", flat=True)) == {
        "leaked"
    }
    assert with_key(keys[0]).get("auth/me").status_code == 401
    assert with_key(keys[2]).get("scopes").status_code == 200


def test_each_revoked_key_is_one_event_with_the_reason(keys: list[NewKey]) -> None:
    run("revokeapikey", "--user", "bob", "--reason", "bob has left")
    events = Event.objects.filter(name="api_key:revoked")
    assert {event.target_label for event in events} == {"first", "second"}
    assert {(event.actor_kind, event.detail["reason"]) for event in events} == {("operator", "bob has left")}


def test_the_keys_of_a_person_or_of_an_organization_are_revoked(keys: list[NewKey]) -> None:
    assert run("revokeapikey", "--user", "bob")["revoked"] == 2
    assert run("revokeapikey", "--user", "bob")["revoked"] == 0
    assert run("revokeapikey", "--organization", "acme")["revoked"] == 1


@pytest.mark.requirement(79)
def test_keys_come_by_standard_input(keys: list[NewKey]) -> None:
    text = f"{keys[0].text}\r\n\n  {keys[2].text}  \n{keys[0].text}"
    assert run("revokeapikey", "--stdin", stdin=text)["revoked"] == 2
    assert revoked() == ["a key", "first"]


@pytest.mark.requirement(79)
def test_a_key_as_an_argument_is_refused_and_not_repeated(keys: list[NewKey]) -> None:
    reason = refusal_of("revokeapikey", keys[0].text)
    assert "--stdin" in reason
    assert keys[0].text not in reason
    assert revoked() == []


def test_the_same_id_twice_is_one_key(keys: list[NewKey]) -> None:
    document = run("revokeapikey", str(keys[0].row.uuid), str(keys[0].row.uuid))
    assert (document["revoked"], len(document["selected"])) == (1, 1)


def test_a_dry_run_shows_and_revokes_nothing(keys: list[NewKey]) -> None:
    document = run("revokeapikey", "--user", "bob", "--dry-run")
    assert document["revoked"] == 0
    assert {(key["name"], key["status"]) for key in document["selected"]} == {
        ("first", "active"),
        ("second", "active"),
    }
    assert output_of("revokeapikey", "--user", "bob", "--dry-run") == "2 keys would be revoked.\n"
    assert revoked() == []


def test_a_dry_run_counts_what_is_not_revoked_yet(keys: list[NewKey]) -> None:
    number = str(keys[0].row.uuid)
    assert output_of("revokeapikey", number, "--dry-run") == "1 key would be revoked.\n"
    run("revokeapikey", number)
    assert output_of("revokeapikey", number, "--dry-run") == "0 keys would be revoked.\n"
    assert output_of("revokeapikey", number) == "0 of 1 key revoked.\n"


def test_a_revoked_key_keeps_its_first_reason(keys: list[NewKey]) -> None:
    run("revokeapikey", str(keys[0].row.uuid), "--reason", "leaked")
    assert run("revokeapikey", str(keys[0].row.uuid), "--reason", "tidying")["revoked"] == 0
    assert ApiKey.objects.get(name="first").revoked_reason == "leaked"


def test_one_unknown_id_stops_it_all(keys: list[NewKey]) -> None:
    reason = refusal_of("revokeapikey", str(keys[0].row.uuid), UNKNOWN)
    assert reason == f"id: no API key has the id {UNKNOWN}"
    assert revoked() == []


def test_one_unknown_key_on_standard_input_stops_it_all(keys: list[NewKey]) -> None:
    reason = refusal_of("revokeapikey", "--stdin", stdin=f"{keys[0].text}\nkh_live_nonsense")
    assert reason == "stdin: line 2 is not an API key of this installation"
    assert revoked() == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "id: give exactly one of: ids, --user, --organization, --stdin"),
        ((UNKNOWN, "--user", "bob"), "exactly one of"),
        ((UNKNOWN, "--stdin"), "exactly one of"),
        (("--user", "bob", "--stdin"), "exactly one of"),
        (("--user", ""), "user: '' does not exist"),
        (("--user", "bob", "--reason", "x" * 201), "reason: must be at most 200"),
        (("--user", "bob", "--reason", "a\nb"), "reason: must be at most 200 printable"),
        (("--stdin",), "stdin: contains no key"),
        (("a\nb",), "no API key has the id a\\nb"),
    ],
)
def test_what_is_not_clear_revokes_nothing(
    keys: list[NewKey], arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in refusal_of("revokeapikey", *arguments)
    assert revoked() == []
