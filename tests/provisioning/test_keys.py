"""Keys: what changes in place, what is replaced, and which key a name means."""

from datetime import UTC, datetime, timedelta

from access.callers import caller_at_command_line
from apikeys.models import ApiKey
from apikeys.services.revocation import revoke_api_keys
from apikeys.services.rotation import rotate_api_key
from audit.models import Event
from tests.commands.helpers import refusal_of
from tests.conftest import Cast, make_key
from tests.provisioning.conftest import READ, Write, acme, apply, changes, drift_of, refused, works


def test_keys_change_in_place(cast: Cast, write: Write) -> None:
    key = make_key(
        cast.acme, "services:read", "services:write", name="CI", metadata={"old": "1", "same": "2"}
    )
    write(
        acme(
            "CI: {scopes: [services:read], description: Builds, metadata: {same: '2', new: '3'}, "
            "allowed_networks: [127.0.0.1], rate_limit: 5/1m, disabled: true}"
        )
    )
    _, shown = drift_of()
    assert "  ~ key CI" in shown and "rate_limit: (nothing) → 5/60s" in shown
    assert "metadata: old=1, same=2 → new=3, same=2" in shown
    apply()
    row = ApiKey.objects.get()
    assert (row.pk, row.scopes, row.description) == (key.row.pk, ["services:read"], "Builds")
    assert row.metadata == {"new": "3", "same": "2"}
    assert (row.allowed_networks, str(row.rate_limit)) == (["127.0.0.1"], "5/60s")
    assert row.disabled_at is not None
    write(acme("CI: {scopes: [services:write, services:read]}"))
    apply()
    row.refresh_from_db()
    assert (row.scopes, row.allowed_networks, row.rate_limit) == (
        ["services:write", "services:read"],
        [],
        None,
    )
    assert (row.description, row.metadata) == ("", {})
    assert row.disabled_at is not None, "what the file does not say about it stays"
    write(acme("CI: {scopes: [services:write, services:read], disabled: false}"))
    apply()
    assert works(key)
    names = set(Event.objects.values_list("name", flat=True))
    assert {"api_key:changed", "api_key:described", "api_key:disabled", "api_key:enabled"} <= names


def test_what_never_changes_is_replaced_only_when_asked(cast: Cast, write: Write) -> None:
    old = make_key(cast.acme, "services:read", name="CI")
    write(acme(f"CI: {{{READ}, environment: test}}"))
    code, shown = drift_of()
    assert code == 2 and "± key CI" in shown and "environment: live → test" in shown
    said = "keyhouse.yaml:4: CI: environment never changes; --replace ends this key and makes a new one"
    assert refused("--print-secrets") == said
    apply("--replace", "--secrets-dir", "secrets")
    assert not works(old)
    assert ApiKey.objects.get(revoked_at=None).environment == "test"
    assert drift_of()[0] == 0


def test_a_date_of_expiry_is_kept_and_a_duration_counts_once(cast: Cast, write: Write) -> None:
    make_key(cast.acme, "services:read", name="CI", expires_at=datetime(2099, 1, 1, tzinfo=UTC))
    write(acme(f"CI: {{{READ}, expires_at: 2099-01-01}}"))
    assert drift_of()[0] == 0
    write(acme(f"CI: {{{READ}, expires_at: 2098-01-01}}"))
    assert changes() == [("replace", "key", "CI")]
    write(acme(f"CI: {{{READ}, expires_in: 5d}}"))
    assert drift_of()[0] == 0


def test_an_expired_date_is_refused_where_a_key_would_be_made(cast: Cast, write: Write) -> None:
    write(acme(f"CI: {{{READ}, expires_at: 2020-01-01}}"))
    said = "keyhouse.yaml:4: CI: expires_at: must be in the future"
    assert refused(command="plan") == said
    assert refused("--print-secrets") == said
    assert not ApiKey.objects.exists()


def test_a_revoked_key_is_made_anew(cast: Cast, write: Write) -> None:
    old = make_key(cast.acme, "services:read", name="CI")
    write(acme(f"CI: {{{READ}}}"))
    assert drift_of()[0] == 0
    revoke_api_keys(caller=caller_at_command_line(), selected=[old.row])
    assert changes() == [("create", "key", "CI")]


def test_a_rotated_key_is_its_successor(cast: Cast, write: Write) -> None:
    old = make_key(cast.acme, "services:read", name="CI")
    rotate_api_key(caller=caller_at_command_line(), key=old.row, expires_at=None, overlap=timedelta(days=1))
    write(acme(f"CI: {{{READ}}}"))
    assert drift_of("--prune") == (0, "No changes.\n")
    write("organizations: {Acme: {keys: {}}}")
    apply("--prune")
    assert not works(old), "no key outlives the one that replaces it"
    assert drift_of("--prune") == (0, "No changes.\n")


def test_two_keys_of_one_name_are_refused(cast: Cast, write: Write) -> None:
    make_key(cast.acme, "services:read", name="CI")
    make_key(cast.acme, "services:read", name="CI")
    write(acme(f"CI: {{{READ}}}"))
    said = "keyhouse.yaml:2: Acme: keys: 2 are named CI; rename all but one, or revoke them"
    assert refused(command="plan") == said
    assert refusal_of("export") == "keys: 2 of Acme are named CI; rename all but one"


def test_the_order_of_scopes_and_networks_is_no_difference(cast: Cast, write: Write) -> None:
    networks = ["10.0.0.0/8", "127.0.0.1"]
    make_key(cast.acme, "services:read", "services:write", name="CI", allowed_networks=networks)
    write(acme("CI: {scopes: [services:write, services:read], allowed_networks: [127.0.0.1, 10.0.0.0/8]}"))
    assert drift_of() == (0, "No changes.\n")
