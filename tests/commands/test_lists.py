"""listusers, listorganizations, listoauthclients, listapikeys and listsinks."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from access.principals import Caller
from accounts.audit_sinks import FILE, SYSLOG, outlets
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from apikeys.services.enabling import disable_api_keys
from apikeys.services.revocation import revoke_api_keys
from audit.models import ChainHead
from audit.sinks.delivery import deliver
from config.database import rows
from config.env import Address
from tests.accounts.authenticator import enrolled
from tests.commands.helpers import output_of, refusal_of, run
from tests.conftest import Cast, make_key
from tests.oauth.flow import make_client

SECRETS = {"password", "client_secret", "digest", "key"}


def test_people_are_listed_newest_first(cast: Cast) -> None:
    found = run("listusers")
    assert [each["username"] for each in found] == ["mallory", "charlie", "bob", "alice", "audrey", "ada"]
    alice = found[3]
    assert alice["id"] == str(cast.alice.uuid)
    assert (alice["role"], alice["status"], alice["superuser"]) == ("member", "active", False)
    assert (alice["organizations"], alice["second_factor"]) == (["Acme=owner"], False)
    assert alice["last_login_at"] is None
    assert SECRETS.isdisjoint(alice)


def test_people_are_chosen_by_organization_and_status(cast: Cast, operator: Caller) -> None:
    update_user(caller=operator, user=cast.bob, changes=UserChanges(is_active=False))
    assert [each["username"] for each in run("listusers", "--organization", "acme")] == ["bob", "alice"]
    assert [each["username"] for each in run("listusers", "--status", "inactive")] == ["bob"]
    both = ("--organization", "Acme", "--status", "active")
    assert [each["username"] for each in run("listusers", *both)] == ["alice"]
    assert refusal_of("listusers", "--organization", "nowhere") == "organization: 'nowhere' does not exist"
    assert "invalid choice: 'asleep'" in refusal_of("listusers", "--status", "asleep")


def test_the_list_of_people_says_who_has_a_second_factor(cast: Cast) -> None:
    enrolled(cast.alice)
    assert [each["username"] for each in run("listusers") if each["second_factor"]] == ["alice"]


def test_organizations_are_listed_with_the_number_of_their_members(cast: Cast) -> None:
    found = [(each["name"], each["members"]) for each in run("listorganizations")]
    assert found == [("Umbrella", 1), ("Acme", 2)]


def test_clients_are_listed_without_their_secrets(cast: Cast) -> None:
    dashboard = make_client("services:read")
    make_client("services:read", owner=cast.acme, name="Importer")
    machine, found = run("listoauthclients")
    assert SECRETS.isdisjoint(found) and dashboard.secret not in output_of("listoauthclients")
    assert (found["client_id"], found["kind"]) == (dashboard.row.client_id, "confidential")
    assert found["owner"] is None
    assert found["redirect_uris"] == ["https://app.example.org/callback"]
    assert (machine["name"], machine["kind"], machine["owner"]) == ("Importer", "machine", "Acme")


def test_keys_are_chosen_by_status(cast: Cast, operator: Caller) -> None:
    names = ("active", "expired", "disabled", "revoked", "disabled, then expired")
    keys = {name: make_key(cast.alice, name=name).row for name in names}
    disable_api_keys(caller=operator, selected=[keys["disabled"], keys["disabled, then expired"]])
    revoke_api_keys(caller=operator, selected=[keys["revoked"]])
    past = timezone.now() - timedelta(days=1)
    for name in ("expired", "disabled, then expired"):
        type(keys[name]).objects.filter(pk=keys[name].pk).update(
            created_at=past - timedelta(days=1), expires_at=past
        )

    def listed(*statuses: str) -> list[str]:
        arguments = [word for status in statuses for word in ("--status", status)]
        found = run("listapikeys", *arguments)
        assert not statuses or {each["status"] for each in found} == set(statuses)
        return [each["name"] for each in found]

    assert listed() == ["disabled, then expired", "disabled", "expired", "active"]
    assert listed("active") == ["active"]
    assert listed("expired") == ["disabled, then expired", "expired"]
    assert listed("disabled") == ["disabled"]
    assert listed("revoked", "active") == ["revoked", "active"]


def test_sinks_are_listed_with_the_events_that_wait(cast: Cast, settings: Settings, tmp_path: Path) -> None:
    settings.AUDIT_FILE = str(tmp_path / "audit.jsonl")
    settings.AUDIT_SYSLOG = Address("logs.example.org", 6514)
    make_key(cast.alice)
    (filled,) = (outlet for outlet in outlets() if outlet.name == FILE)
    deliver(filled, None)
    count = ChainHead.objects.get().sequence
    syslog, file = run("listsinks")
    assert (file["sink"], file["last_event"], file["waiting"], file["lag_seconds"]) == (FILE, count, 0, 0)
    assert (syslog["sink"], syslog["last_event"], syslog["waiting"]) == (SYSLOG, 0, count)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("listusers", "No people.\n"),
        ("listorganizations", "No organizations.\n"),
        ("listoauthclients", "No OAuth2 clients.\n"),
        ("listapikeys", "No API keys.\n"),
        ("listsinks", "No sinks. KEYHOUSE_AUDIT_SYSLOG and KEYHOUSE_AUDIT_FILE name them.\n"),
    ],
)
def test_an_empty_list_says_so(db: None, command: str, text: str) -> None:
    assert output_of(command) == text
    assert run(command) == []


def test_a_list_is_read_in_parts(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run("listusers")
    monkeypatch.setattr(rows, "PART", 2)
    assert run("listusers") == whole
