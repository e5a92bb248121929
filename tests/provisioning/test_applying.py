"""What plan shows and apply does: organizations, members, keys and clients become as the file says."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command, load_command_class
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.callers import caller_at_command_line
from access.principals import Caller
from accounts.models import Invitation, Membership, Organization
from accounts.organizations.services import create_organization
from apikeys.models import ApiKey
from apikeys.services.enabling import disable_api_keys
from audit.log import verify
from audit.models import Event
from oauth.models import OAuthClient
from tests.commands.helpers import output_of, run
from tests.commands.test_tables import Terminal
from tests.conftest import Cast, make_key
from tests.provisioning.conftest import (
    FILE,
    READ,
    Write,
    acme,
    applied,
    apply,
    drift_of,
    refused,
    works,
)

EVERYTHING = """
organizations:
  Acme:
    requires_second_factor: false
    members:
      alice@example.org: owner
      bob: owner
      bea@example.org: developer
    keys:
      CI:
        scopes: [services:read]
        expires_in: 90d
        description: Builds
        metadata: {team: storage}
        allowed_networks: [10.0.0.0/8]
        rate_limit: 100/60s
    clients:
      Importer: {scopes: [services:write]}
  Initech:
    requires_second_factor: true
    keys:
      Nightly: {scopes: [services:read], environment: test}
clients:
  Dashboard:
    scopes: [openid, services:read]
    redirect_uris: [https://app.example.org/callback]
  Phone:
    scopes: [openid]
    redirect_uris: [https://phone.example.org/]
    public: true
"""


def test_everything_in_the_file_is_made_once(cast: Cast, write: Write) -> None:
    write(EVERYTHING)
    assert drift_of()[0] == 2
    assert not ApiKey.objects.exists()
    apply("--inviter", "ada", "--secrets-dir", "secrets")
    initech = Organization.objects.get(name="Initech")
    assert initech.requires_second_factor
    assert Membership.objects.get(user=cast.bob).role == "owner"
    invitation = Invitation.objects.get()
    assert (invitation.email, invitation.role) == ("bea@example.org", "developer")
    assert invitation.invited_by == cast.ada
    key = ApiKey.objects.get(name="CI")
    assert (key.owner, key.scopes, key.description) == (cast.acme, ["services:read"], "Builds")
    assert (key.metadata, key.allowed_networks) == ({"team": "storage"}, ["10.0.0.0/8"])
    assert str(key.rate_limit) == "100/60s"
    assert key.expires_at is not None
    assert key.expires_at - key.created_at == timedelta(days=90)
    assert ApiKey.objects.get(name="Nightly").environment == "test"
    kinds = dict(OAuthClient.objects.values_list("name", "client_type"))
    assert kinds == {"Importer": "confidential", "Dashboard": "confidential", "Phone": "public"}
    assert OAuthClient.objects.get(name="Importer").organization == cast.acme
    assert drift_of() == (0, "No changes.\n")
    events = Event.objects.count()
    assert apply() == "No changes.\n"
    assert Event.objects.count() == events


def test_the_operator_is_the_actor_of_every_event(cast: Cast, write: Write, operator: Caller) -> None:
    before = Event.objects.order_by("-sequence").values_list("sequence", flat=True)[0]
    write(EVERYTHING)
    apply("--inviter", "ada", "--secrets-dir", "secrets")
    events = Event.objects.filter(sequence__gt=before)
    actors = set(events.values_list("actor_kind", "actor_label"))
    assert actors == {("operator", operator.principal.label)}
    assert set(events.values_list("name", flat=True)) == {
        *("organization:created", "organization:changed", "role:changed", "invitation:issued"),
        *("api_key:created", "oauth_client:created"),
    }
    assert verify().faults == []


def test_an_export_plans_to_no_change(cast: Cast, write: Write) -> None:
    write(EVERYTHING)
    apply("--inviter", "ada", "--secrets-dir", "secrets")
    key = ApiKey.objects.get(name="CI")
    disable_api_keys(caller=caller_at_command_line(), selected=[key])
    exported = output_of("export")
    write(exported)
    assert drift_of("--prune") == (0, "No changes.\n")
    assert "disabled: true" in exported and "Umbrella" in exported
    write(json.dumps(run("export", "--organization", "acme")))
    assert drift_of("--prune") == (0, "No changes.\n")
    assert "Umbrella" not in output_of("export", "--organization", "Acme")


def test_nothing_is_deleted_without_prune(cast: Cast, write: Write) -> None:
    key = make_key(cast.acme, "services:read", name="Old")
    write("organizations: {Acme: {members: {alice@example.org: owner}, keys: {}, clients: {}}}")
    code, shown = drift_of()
    assert code == 0
    assert "key Old is not in the file and stays; --prune deletes it" in shown
    assert "member bob@example.org is not in the file" in shown
    apply()
    assert works(key)


def test_prune_ends_what_the_sections_of_the_file_do_not_name(cast: Cast, write: Write) -> None:
    key = make_key(cast.acme, "services:read", name="Old")
    other = make_key(cast.umbrella, "services:read", name="Theirs")
    write("organizations: {Acme: {members: {alice@example.org: owner}, keys: {}}}")
    assert drift_of("--prune")[0] == 2
    apply("--prune")
    assert not works(key)
    assert not Membership.objects.filter(user=cast.bob).exists()
    assert works(other)
    assert Organization.objects.filter(name="Umbrella").exists()
    assert ApiKey.objects.get(name="Old").revoked_reason == "not in the file that was applied"


def test_a_section_that_is_missing_is_left_alone(cast: Cast, write: Write) -> None:
    key = make_key(cast.acme, "services:read", name="Old")
    write("organizations: {Acme: {}}")
    assert drift_of("--prune") == (0, "No changes.\n")
    apply("--prune")
    assert works(key)


def test_clients_change_in_place_and_machines_belong_to_the_organization(cast: Cast, write: Write) -> None:
    write(EVERYTHING)
    apply("--inviter", "ada", "--secrets-dir", "secrets")
    write(
        "organizations: {Acme: {clients: {Importer: {scopes: [services:read]}}}}\n"
        "clients: {Dashboard: {scopes: [openid], redirect_uris: ['https://new.example.org/']}}"
    )
    apply("--prune")
    assert OAuthClient.objects.get(name="Importer").scopes == ["services:read"]
    assert OAuthClient.objects.get(name="Dashboard").redirect_uris == "https://new.example.org/"
    assert not OAuthClient.objects.filter(name="Phone").exists()
    assert drift_of("--prune")[0] == 0


def test_a_fault_undoes_its_organization_and_ends_the_apply(
    strong_owners: None, cast: Cast, write: Write
) -> None:
    """Alice may invite people to Acme alone."""
    new = "members: {new@example.org: developer}"
    write(
        f"organizations:\n  Acme: {{{new}, keys: {{CI: {{{READ}}}}}}}\n"
        f"  Umbrella: {{requires_second_factor: true, {new}}}\n  Zeta: {{}}"
    )
    said = "inviter: alice may not invite to Umbrella with the role developer"
    refusal = refused("--inviter", "alice", "--secrets-dir", "secrets")
    assert refusal == f"keyhouse.yaml:3: new@example.org: {said}"
    assert ApiKey.objects.get().organization == cast.acme
    assert Invitation.objects.get().organization == cast.acme
    assert not Organization.objects.get(name="Umbrella").requires_second_factor
    assert not Event.objects.filter(name="organization:changed").exists()
    assert not Organization.objects.filter(name="Zeta").exists()


def queries_of_plan() -> int:
    with CaptureQueriesContext(connection) as captured:
        drift_of()
    return len(captured)


def test_the_queries_of_an_organization_do_not_grow_with_its_keys(cast: Cast, write: Write) -> None:
    write("organizations: {Acme: {members: {}, keys: {}, clients: {}}}")
    make_key(cast.acme, "services:read", name="0")
    queries_of_plan()
    few = queries_of_plan()
    for number in range(1, 30):
        make_key(cast.acme, "services:read", name=str(number))
    assert queries_of_plan() == few <= 10


def test_each_organization_costs_six_queries(cast: Cast, write: Write, operator: Caller) -> None:
    """Members, invitations, keys, quotas, clients and webhooks; organizations are read together."""
    sections = "{members: {}, keys: {}, clients: {}, webhooks: {}}"

    def cost(number: int) -> int:
        names = [f"Org {each}" for each in range(number)]
        write("organizations:\n" + "".join(f"  {name}: {sections}\n" for name in names))
        return queries_of_plan()

    for number in range(12):
        create_organization(caller=operator, name=f"Org {number}")
    cost(1)
    assert cost(12) - cost(2) == 6 * 10


def test_json_has_changes_and_no_secret(cast: Cast, write: Write, folder: Any) -> None:
    write(acme(f"CI: {{{READ}}}"))
    document = applied("--secrets-dir", "secrets")
    assert document == {
        "applied": [
            {
                "organization": "Acme",
                "changes": [
                    {
                        "action": "create",
                        "kind": "key",
                        "name": "CI",
                        "members": {
                            "scopes": {"from": None, "to": ["services:read"]},
                            "environment": {"from": None, "to": "live"},
                        },
                    }
                ],
                "new_secrets": [{"kind": "key", "name": "CI", "place": "secrets/Acme/CI.key"}],
            }
        ]
    }
    assert (folder / "secrets/Acme/CI.key").read_text() not in json.dumps(document)
    assert applied() == {"applied": []}


def test_a_dry_run_is_a_plan(cast: Cast, write: Write) -> None:
    write(acme(f"CI: {{{READ}}}"))
    with pytest.raises(SystemExit) as ended:
        apply("--dry-run")
    assert ended.value.code == 2
    assert not ApiKey.objects.exists()


@pytest.mark.once
def test_usage_errors_are_no_drift() -> None:
    for name in ("plan", "apply"):
        command = load_command_class("provisioning", name)
        parser = command.create_parser("manage.py", name)
        parser.called_from_command_line = True
        with pytest.raises(SystemExit) as ended:
            parser.parse_args(["--no-such-option"])
        assert ended.value.code == 1


def test_a_terminal_shows_changes_in_colour(
    cast: Cast, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    write(acme(f"'[red]CI': {{{READ}}}"))
    for colour in ("\x1b[32m", ""):
        terminal = Terminal()
        with pytest.raises(SystemExit):
            call_command("plan", FILE, stdout=terminal)
        assert f"{colour}  + key [red]CI" in terminal.getvalue(), "a name is no markup"
        monkeypatch.setenv("NO_COLOR", "1")
