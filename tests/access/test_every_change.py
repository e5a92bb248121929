"""After each change, the cache agrees with the database, and has dropped only the callers concerned."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import timezone

from access.callers import caller_at_command_line
from access.principals import Caller, Principal
from accounts.invitations.services import invite, withdraw_invitations
from accounts.models import Session
from accounts.organizations import services as organizations
from accounts.organizations.changes import OrganizationChanges
from accounts.sessions import services as sessions
from accounts.users import services as users
from accounts.users.changes import UserChanges
from accounts.users.profile.services import change_own_password
from apikeys.advice.services import narrow_api_keys
from apikeys.changes import ApiKeyChanges
from apikeys.models import ApiKey
from apikeys.services import enabling, rotation
from apikeys.services.api_keys import update_api_key
from apikeys.services.revocation import revoke_api_keys
from audit.actors import Origin
from audit.events import EventName
from config.wire.errors import InvalidToken, NetworkNotAllowed
from oauth.changes import ClientChanges
from oauth.models import Consent, OAuthClient
from oauth.services import clients, consents
from tests.access.remembering import happen, names
from tests.accounts.authenticator import enrolled
from tests.accounts.helpers import caller_as
from tests.apikeys.test_trust import use
from tests.conftest import PASSWORD, Api, Cast, log_in, make_cast, make_key
from tests.oauth.flow import Flow, machine_token, make_client, post, with_token
from tests.oauth.tokens.test_keys_made import SCOPES, made_by
from tests.snapshot import Snapshot

NEW = "a harbour full of small boats"
OPERATOR = caller_at_command_line()


@dataclass
class World:
    """Credentials of several people, and the means to change what these people may do."""

    cast: Cast
    flow: Flow
    tokens: Mapping[str, Any]
    logins: Sequence[Mapping[str, Any]]
    machine: clients.NewClient
    machine_tokens: Mapping[str, Any]
    keys: Mapping[str, ApiKey]
    credentials: Mapping[str, tuple[str, bool]]

    def use(self, name: str) -> Principal | None:
        """Return the owner of a credential and what it may do; None if it is refused."""
        text, is_key = self.credentials[name]
        try:
            return use(text, is_key=is_key)
        except (InvalidToken, NetworkNotAllowed):
            return None


def make_world() -> World:
    cast = make_cast()
    owners = ("alice", "bob", "charlie", "acme", "umbrella")
    keys = {f"{name}'s key": make_key(getattr(cast, name), "services:read") for name in owners}
    flow = Flow(make_client(*SCOPES), cast.alice, scope=" ".join(SCOPES))
    tokens, logins = flow.tokens(), [log_in(cast.alice) for _ in range(2)]
    machine = make_client("services:read", owner=cast.acme)
    machine_tokens = machine_token(machine)
    credentials = {name: (key.text, True) for name, key in keys.items()} | {
        "alice's login": (logins[0]["access_token"], False),
        "alice's other login": (logins[1]["access_token"], False),
        "alice's token": (tokens["access_token"], False),
        "acme's machine": (machine_tokens["access_token"], False),
        "made through alice's token": (made_by(with_token(tokens), owner=cast.acme), True),
    }
    rows = {name: key.row for name, key in keys.items()}
    return World(cast, flow, tokens, logins, machine, machine_tokens, rows, credentials)


made = Snapshot(make_world)


@pytest.fixture
def world(db: None) -> World:
    return made.write()


ALICE = {"alice's key", "alice's login", "alice's other login", "alice's token"}
UMBRELLA = {"umbrella's key", "charlie's key"}
Change = Callable[[World], object]


def watched(key: ApiKey) -> ApiKey:
    """The key has not needed its scopes for a long time."""
    ApiKey.objects.filter(pk=key.pk).update(created_at="2026-01-01T00:00:00Z", last_used_at=timezone.now())
    return key


def of_alice(**changes: Any) -> Change:
    return lambda world: users.update_user(
        caller=OPERATOR, user=world.cast.alice, changes=UserChanges(**changes)
    )


def of_her_key(**changes: Any) -> Change:
    return lambda world: update_api_key(
        caller=OPERATOR, key=world.keys["alice's key"], changes=ApiKeyChanges(**changes)
    )


def of_umbrella(**changes: Any) -> Change:
    return lambda world: organizations.update_organization(
        caller=OPERATOR, organization=world.cast.umbrella, changes=OrganizationChanges(**changes)
    )


def other_session(world: World) -> Session:
    return Session.objects.order_by("-pk")[0]


def reuse(world: World) -> None:
    for status in (200, 401):
        token = {"refresh_token": world.logins[1]["refresh_token"]}
        assert Api().post("auth/refresh", token).status_code == status


def delete_umbrella(world: World) -> None:
    revoke_api_keys(caller=OPERATOR, selected=[world.keys["umbrella's key"]])
    organizations.delete_organization(caller=OPERATOR, organization=world.cast.umbrella)


def own_password(world: World) -> None:
    own = use(world.credentials["alice's login"][0], is_key=False)
    change_own_password(caller=Caller(own, Origin.here()), current=PASSWORD, new=NEW)


def withdraw_an_invitation(world: World) -> None:
    ada, acme = caller_as(world.cast.ada), world.cast.acme
    invitation = invite(caller=ada, organization=acme, email="new@example.org", role="developer")
    withdraw_invitations(caller=OPERATOR, selected=[invitation])


def by_client(endpoint_client: str) -> Change:
    """The client revokes its access token."""

    def revoke(world: World) -> None:
        machine = endpoint_client == "machine"
        client, tokens = (
            (world.machine, world.machine_tokens) if machine else (world.flow.client, world.tokens)
        )
        assert post("revoke", client, token=tokens["access_token"]).status_code == 200

    return revoke


CHANGES: dict[str, tuple[Change, set[str]]] = {
    "key revoked": (
        lambda world: revoke_api_keys(caller=OPERATOR, selected=[world.keys["alice's key"]]),
        {"alice's key"},
    ),
    "organization's key revoked": (
        lambda world: revoke_api_keys(caller=OPERATOR, selected=[world.keys["acme's key"]]),
        {"acme's key"},
    ),
    "key disabled": (
        lambda world: enabling.disable_api_keys(caller=OPERATOR, selected=[world.keys["alice's key"]]),
        {"alice's key"},
    ),
    "key narrowed": (
        lambda world: narrow_api_keys(caller=OPERATOR, selected=[watched(world.keys["alice's key"])]),
        {"alice's key"},
    ),
    "key rotated": (
        lambda world: rotation.rotate_api_key(
            caller=OPERATOR, key=world.keys["alice's key"], expires_at=None
        ),
        {"alice's key"},
    ),
    "key renamed": (of_her_key(name="another"), {"alice's key"}),
    "key bound": (of_her_key(allowed_networks=["192.0.2.0/24"]), {"alice's key"}),
    "deactivated": (of_alice(is_active=False), ALICE),
    "role": (of_alice(role="auditor"), ALICE),
    "superuser": (of_alice(is_superuser=True), ALICE),
    "renamed": (of_alice(username="alicia"), ALICE),
    "must have a second factor": (of_alice(must_have_second_factor=True), ALICE),
    "password set": (of_alice(password=NEW), ALICE),
    "deleted": (lambda world: users.delete_user(caller=OPERATOR, user=world.cast.alice), ALICE),
    "own password": (own_password, ALICE),
    "session ended": (
        lambda world: sessions.end_session(caller=OPERATOR, session=other_session(world)),
        {"alice's other login"},
    ),
    "logged out everywhere": (
        lambda world: sessions.end_sessions_of(caller=OPERATOR, selected=[world.cast.alice]),
        ALICE,
    ),
    "refresh token reused": (reuse, {"alice's other login"}),
    "member's role": (
        lambda world: organizations.change_member_role(
            caller=OPERATOR, membership=world.cast.alice.memberships.get(), role="developer"
        ),
        ALICE,
    ),
    "member added": (
        lambda world: organizations.add_member(
            caller=OPERATOR, organization=world.cast.umbrella, user=world.cast.alice, role="owner"
        ),
        ALICE,
    ),
    "member removed": (
        lambda world: organizations.remove_member(
            caller=OPERATOR, membership=world.cast.alice.memberships.get()
        ),
        ALICE,
    ),
    "organization wants a second factor": (of_umbrella(requires_second_factor=True), UMBRELLA),
    "organization renamed": (of_umbrella(name="Parasol"), UMBRELLA),
    "organization deleted": (delete_umbrella, UMBRELLA),
    "second factor added": (lambda world: enrolled(world.cast.alice), ALICE),
    "consent withdrawn": (
        lambda world: consents.withdraw_consents(
            caller=caller_as(world.cast.alice), selected=Consent.objects.all()
        ),
        {"alice's token"},
    ),
    "token revoked": (by_client("client"), {"alice's token"}),
    "machine's token revoked": (by_client("machine"), {"acme's machine"}),
    "client gets less": (
        lambda world: clients.update_client(
            caller=OPERATOR, client=world.flow.client.row, changes=ClientChanges(scopes=["keys:write"])
        ),
        {"alice's token"},
    ),
    "client deleted": (
        lambda world: clients.delete_clients(caller=OPERATOR, selected=[world.flow.client.row]),
        {"alice's token"},
    ),
    "machine's secret replaced": (
        lambda world: clients.replace_secret(
            caller=OPERATOR, client=OAuthClient.objects.get(pk=world.machine.row.pk)
        ),
        {"acme's machine"},
    ),
}
CHANGING_NOBODY: dict[str, Change] = {
    "invitation withdrawn": withdraw_an_invitation,
    "login": lambda world: log_in(world.cast.alice),
    "key made": lambda world: make_key(world.cast.alice, "services:read"),
    "key described": of_her_key(description="x", metadata={"team": "ops"}),
    "login failed": lambda world: Api().post("auth/login", {"username": "alice", "password": "wrong"}),
}
MADE = "made through alice's token"  # every change drops it


def known_by_name(world: World) -> dict[str, bytes]:
    """Use each credential, and return its name in the cache."""
    found: dict[str, bytes] = {}
    for name in world.credentials:
        before = names()
        assert world.use(name) is not None
        (found[name],) = names() - before
    return found


def check(world: World, lease: Callable[[float], None], change: Change, forgotten: set[str]) -> None:
    lease(1e-9)
    known = known_by_name(world)
    change(world)
    still = names()
    assert {name for name, digest in known.items() if digest not in still} == forgotten
    remembered = {name: world.use(name) for name in world.credentials}
    lease(0)
    assert remembered == {name: world.use(name) for name in world.credentials}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.requirement(63)
def test_memory_says_what_is_stored_after_a_change_and_keeps_those_whom_it_does_not_concern(
    world: World, lease: Callable[[float], None], name: str
) -> None:
    change, concerned = CHANGES[name]
    check(world, lease, change, concerned | {MADE})


@pytest.mark.parametrize("name", CHANGING_NOBODY)
def test_an_event_that_changes_nobody_leaves_everybody_cached(
    world: World, lease: Callable[[float], None], name: str
) -> None:
    check(world, lease, CHANGING_NOBODY[name], set())


def test_another_secret_concerns_everybody(world: World, lease: Callable[[float], None]) -> None:
    check(world, lease, lambda _: happen(EventName.SECRETS_ACCEPTED), set(world.credentials))
