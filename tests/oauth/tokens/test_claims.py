"""What a client learns about a person: what its scopes say, at every door; absent means denied."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.principals import Caller
from accounts.models import User
from accounts.organizations.changes import OrganizationChanges
from accounts.organizations.services import add_member, update_organization
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from oauth.changes import ClientChanges
from oauth.services.clients import update_client
from tests.accounts.helpers import caller_as, statements
from tests.conftest import Cast, assert_problem, make_key, with_key
from tests.oauth.flow import Flow, machine_token, make_client, post, text_of, verified, with_token

IDENTITY = ("openid", "profile", "email", "groups", "roles")
OWN = ("services:read", "services:write", "keys:write")
PROTOCOL = {"iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sub"}
# What each scope opens: claims of the ID token and userinfo, members of auth/me and of its organizations.
OPENS: dict[str, tuple[set[str], set[str], set[str]]] = {
    "openid": (set(), {"id"}, set()),
    "profile": ({"name", "preferred_username"}, {"username", "name"}, set()),
    "email": ({"email", "email_verified"}, {"email"}, set()),
    "groups": ({"groups"}, {"organizations"}, {"id", "name"}),
    "roles": ({"roles"}, {"role", "organizations"}, {"id", "name", "role"}),
}
GRANTS = [
    *[("openid", scope) for scope in IDENTITY[1:]],
    ("openid",),
    IDENTITY,
    ("openid", "email", "services:read"),
    ("openid", "groups", "roles", "keys:write"),
]


def flow_for(user: User, *scopes: str) -> Flow:
    return Flow(make_client(*OWN, *IDENTITY), user, scope=" ".join(scopes))


def claims_of(user: User, *scopes: str) -> dict[str, Any]:
    """What userinfo says, which is what the ID token says."""
    flow = flow_for(user, *scopes)
    tokens = flow.tokens()
    info: dict[str, Any] = with_token(tokens).get("auth/oauth2/userinfo").json()
    said = verified(tokens["id_token"], audience=flow.client.row.client_id)
    assert {name: value for name, value in said.items() if name not in PROTOCOL - {"sub"}} == info
    return info


@pytest.mark.parametrize("granted", GRANTS, ids=" ".join)
@pytest.mark.requirement(112)
def test_each_door_shows_what_the_scopes_say(granted: tuple[str, ...], cast: Cast) -> None:
    identity = [OPENS[scope] for scope in granted if scope in OPENS]
    info = claims_of(cast.alice, *granted)
    assert info.keys() == {"sub"}.union(*(claims for claims, _, _ in identity))
    me = with_token(flow_for(cast.alice, *granted).tokens()).get("auth/me").json()
    assert me.keys() == set().union(*(members for _, members, _ in identity))
    for place in me.get("organizations", []):
        assert place.keys() == set().union(*(inner for _, _, inner in identity))


@pytest.mark.parametrize("granted", [("services:read",), OWN], ids=" ".join)
@pytest.mark.requirement(112)
def test_a_token_without_such_a_scope_reads_nothing_about_the_person(
    granted: tuple[str, ...], cast: Cast
) -> None:
    flow = flow_for(cast.alice, *granted)
    tokens = flow.tokens()
    api = with_token(tokens)
    for path in ("auth/me", "auth/oauth2/userinfo"):
        refused = api.get(path)
        assert_problem(refused, 403, "insufficient_scope")
        assert 'scope="openid"' in refused.headers["WWW-Authenticate"]
    said = post("introspect", flow.client, token=tokens["access_token"])
    assert said.json()["active"] is True
    for secret in (cast.alice.username, cast.alice.email, cast.alice.name, "Acme", "owner"):
        assert f'"{secret}"' not in said.content.decode()


@pytest.mark.requirement(112)
def test_a_key_made_through_such_a_token_reads_nothing_about_the_person(cast: Cast) -> None:
    api = with_token(flow_for(cast.alice, "keys:write", "services:read", "openid", "email").tokens())
    ends = (timezone.now() + timedelta(minutes=5)).isoformat()
    wanted = {"name": "a key", "scopes": ["keys:write"], "expires_at": ends}
    for _ in range(2):  # a key through the token, and a key through that key
        made = api.post("api-keys", wanted)
        assert made.status_code == 201, made.content
        api = with_key(made.json()["key"])
        assert_problem(api.get("auth/me"), 403, "insufficient_scope")


@pytest.mark.requirement(112)
def test_a_machine_of_a_person_reads_nothing_about_them(cast: Cast) -> None:
    token = machine_token(make_client("services:read", owner=cast.alice))
    assert_problem(with_token(token).get("auth/me"), 403, "insufficient_scope")


def test_a_key_that_somebody_made_for_themselves_says_whose_it_is(cast: Cast) -> None:
    me = with_key(make_key(cast.alice, "services:read")).get("auth/me").json()
    assert (me["username"], me["email"]) == ("alice", "alice@example.org")


@pytest.mark.requirement(112)
def test_a_scope_taken_from_the_client_closes_the_door_at_once(cast: Cast) -> None:
    flow = flow_for(cast.alice, *IDENTITY)
    api = with_token(flow.tokens())
    assert "email" in api.get("auth/me").json()
    update_client(
        caller=caller_as(cast.ada), client=flow.client.row, changes=ClientChanges(scopes=["openid"])
    )
    assert api.get("auth/me").json() == {"id": str(cast.alice.uuid)}


def test_without_the_email_scope_an_address_is_no_user_name(cast: Cast) -> None:
    update_user(caller=caller_as(cast.ada), user=cast.alice, changes=UserChanges(username=None))
    alice = User.objects.get(pk=cast.alice.pk)
    flow = Flow(make_client(*IDENTITY), alice, scope="openid profile")
    address = flow.address()
    flow.log_in(address, identifier=alice.email)
    tokens = flow.tokens()
    info = with_token(tokens).get("auth/oauth2/userinfo").json()
    assert info == {"sub": str(alice.uuid), "name": "Alice"}
    said = post("introspect", flow.client, token=tokens["access_token"]).content.decode()
    assert alice.email not in said
    flow.scope = "openid profile email"
    info = with_token(flow.tokens()).get("auth/oauth2/userinfo").json()
    assert info["preferred_username"] == info["email"] == alice.email


def test_groups_and_roles_can_be_mapped_and_follow_the_next_request(cast: Cast, operator: Caller) -> None:
    add_member(caller=operator, organization=cast.umbrella, user=cast.bob, role="owner")
    said = claims_of(cast.bob, "openid", "groups", "roles")
    assert said["groups"] == ["Acme", "Umbrella"]
    assert said["roles"] == ["Acme/developer", "Umbrella/owner", "member"]
    assert claims_of(cast.mallory, "openid", "groups", "roles") | {"sub": ""} == {
        "sub": "",
        "groups": [],
        "roles": ["member"],
    }
    api = with_token(flow_for(cast.bob, "openid", "groups", "roles").tokens())
    update_user(caller=caller_as(cast.ada), user=cast.bob, changes=UserChanges(role="auditor"))
    update_organization(
        caller=caller_as(cast.ada), organization=cast.acme, changes=OrganizationChanges(name="Ajax")
    )
    assert api.get("auth/oauth2/userinfo").json()["groups"] == ["Ajax", "Umbrella"]
    assert "auditor" in api.get("auth/oauth2/userinfo").json()["roles"]


def test_no_organization_can_be_called_like_a_role(cast: Cast) -> None:
    update_organization(
        caller=caller_as(cast.ada), organization=cast.acme, changes=OrganizationChanges(name="admin")
    )
    assert claims_of(cast.bob, "openid", "roles")["roles"] == ["admin/developer", "member"]


def test_a_login_without_the_second_factor_that_counts_has_no_roles_to_map(cast: Cast) -> None:
    strict = OrganizationChanges(requires_second_factor=True)
    update_organization(caller=caller_as(cast.ada), organization=cast.acme, changes=strict)
    said = claims_of(cast.bob, "openid", "groups", "roles")
    assert (said["groups"], said["roles"]) == ([], ["member"])
    update_user(caller=caller_as(cast.ada), user=cast.bob, changes=UserChanges(must_have_second_factor=True))
    said = claims_of(cast.bob, "openid", "groups", "roles")
    assert (said["groups"], said["roles"]) == ([], [])


def test_the_consent_page_says_what_is_shown(cast: Cast) -> None:
    flow = flow_for(cast.alice, *IDENTITY)
    flow.log_in(flow.address())
    shown = text_of(flow.browser.get(flow.address()))
    for words in (
        "See your e-mail address, and whether it is verified email",
        "See the names of your organizations groups",
        "See your roles, also those in your organizations roles",
    ):
        assert words in shown


@pytest.mark.parametrize("place", ["oauth-authorization-server", "openid-configuration"])
def test_discovery_says_which_scopes_and_claims_there_are(place: str, db: None) -> None:
    said = Client().get(f"/.well-known/{place}").json()
    assert set(IDENTITY) <= set(said["scopes_supported"])
    assert {"sub"}.union(*(claims for claims, _, _ in OPENS.values())) == set(said["claims_supported"])


def test_a_second_look_at_userinfo_costs_one_query_and_one_for_groups(cast: Cast, lease: Any) -> None:
    lease(60.0)
    for scopes, most in ((("openid", "email"), 1), (("openid", "groups"), 2)):
        api = with_token(flow_for(cast.alice, *scopes).tokens())
        assert api.get("auth/oauth2/userinfo").status_code == 200
        with CaptureQueriesContext(connection) as captured:
            api.get("auth/oauth2/userinfo")
        assert len(statements(captured)) == most
