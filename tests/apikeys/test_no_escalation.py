"""A key never does more than its owner may, and callers never grant more than they hold."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from access.callers import caller_at_command_line
from access.principals import Caller, Credential
from accounts.models import Membership, User
from accounts.organizations.services import change_member_role, remove_member
from accounts.users.changes import UserChanges
from accounts.users.principals import principal_of
from accounts.users.services import update_user
from apikeys.models import ApiKey
from apikeys.services.api_keys import create_api_key
from audit.actors import Origin
from config import profiles
from config.profiles.profile import Profile
from config.wire.errors import NotAllowed
from config.wire.fields import timestamp
from tests.conftest import Api, Cast, add_user, as_user, assert_problem, make_key, with_key

READ = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock"}
WRITE = {"X-Original-Method": "POST", "X-Original-URI": "/services/stock"}


def check(api: Api, original: dict[str, str]) -> int:
    return int(api.get("/gateway/check", headers=original).status_code)


@pytest.mark.requirement(59)
def test_a_key_shrinks_with_its_owner_on_the_very_next_request(cast: Cast) -> None:
    program = with_key(make_key(cast.ada, "users:read", "audit:read", "services:write"))
    assert (program.get("audit").status_code, check(program, WRITE)) == (200, 200)
    update_user(
        caller=Caller(caller_at_command_line().principal, Origin.here()),
        user=cast.audrey,
        changes=UserChanges(role="admin"),
    )
    update_user(caller=caller_at_command_line(), user=cast.ada, changes=UserChanges(role="member"))
    assert_problem(program.get("audit"), 403, "insufficient_scope")
    assert (check(program, READ), check(program, WRITE)) == (200, 403)


@pytest.mark.requirement(59)
def test_a_key_shrinks_with_its_owner_s_role_in_the_organization(cast: Cast) -> None:
    program = with_key(make_key(cast.bob, "services:write"))
    assert check(program, WRITE) == 200
    remove_member(caller=caller_at_command_line(), membership=Membership.objects.get(user=cast.bob))
    assert (check(program, READ), check(program, WRITE)) == (200, 403)


@pytest.mark.requirement(59)
def test_a_key_grows_no_further_than_its_scopes(cast: Cast) -> None:
    program = with_key(make_key(cast.bob, "services:read"))
    owner = Membership.objects.get(user=cast.bob)
    change_member_role(caller=caller_at_command_line(), membership=owner, role="owner")
    update_user(caller=caller_at_command_line(), user=cast.bob, changes=UserChanges(role="admin"))
    assert (check(program, READ), check(program, WRITE)) == (200, 403)
    assert_problem(program.get("audit"), 403, "insufficient_scope")


@pytest.mark.requirement(59)
def test_a_key_without_scopes_can_do_nothing_but_name_its_owner(cast: Cast) -> None:
    program = with_key(make_key(cast.ada))
    assert check(program, READ) == 403
    assert program.get("auth/me").status_code == 200
    assert_problem(program.get("api-keys"), 403, "insufficient_scope")


@pytest.mark.parametrize(
    "scope", ["services:write", "audit:read", "users:write", "organizations:read", "introspect"]
)
@pytest.mark.requirement(60)
def test_a_key_mints_no_wider_key_even_for_the_owner_of_everything(cast: Cast, scope: str) -> None:
    program = with_key(make_key(cast.ada, "keys:write", "services:read"))
    refused = assert_problem(
        program.post("api-keys", {"name": "wide", "scopes": [scope]}), 403, "not_allowed"
    )
    assert scope in refused["detail"]
    assert (
        program.post("api-keys", {"name": "as wide", "scopes": ["keys:write", "services:read"]}).status_code
        == 201
    )


@pytest.mark.requirement(60)
def test_a_key_of_an_organization_mints_no_wider_key(cast: Cast) -> None:
    program = with_key(make_key(cast.acme, "keys:write", "services:read"))
    assert_problem(
        program.post("api-keys", {"name": "wide", "scopes": ["services:write"]}), 403, "not_allowed"
    )
    assert_problem(program.post("api-keys", {"name": "wide", "scopes": ["audit:read"]}), 403, "not_allowed")
    assert program.post("api-keys", {"name": "as wide", "scopes": ["services:read"]}).status_code == 201


@pytest.mark.parametrize("later", [{}, {"expires_at": None}, {"days": 8}])
@pytest.mark.requirement(60)
def test_a_key_mints_no_key_that_outlives_it(cast: Cast, later: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    program = with_key(make_key(cast.acme, "keys:write", expires_at=now + timedelta(days=7)))
    limit = timestamp(now + timedelta(days=7))
    days = later.pop("days", None)
    body = {"name": "long", **later} | (
        {"expires_at": (now + timedelta(days=days)).isoformat()} if days else {}
    )
    problem = assert_problem(program.post("api-keys", body), 400, "invalid", "expires_at")
    assert problem["detail"] == f"expires_at: must not be after {limit}, when your own credential expires"
    shorter = {"name": "short", "expires_at": (now + timedelta(days=6)).isoformat()}
    assert program.post("api-keys", shorter).status_code == 201


@pytest.mark.requirement(60)
def test_a_key_mints_keys_only_with_the_capability_for_it(cast: Cast) -> None:
    program = with_key(make_key(cast.alice, "keys:read", "services:write"))
    refused = program.post("api-keys", {"name": "child"})
    assert_problem(refused, 403, "insufficient_scope")
    assert 'scope="keys:write"' in refused.headers["WWW-Authenticate"]


def test_a_person_gets_no_key_with_a_scope_that_they_do_not_hold(cast: Cast) -> None:
    assert_problem(
        as_user(cast.mallory).post("api-keys", {"name": "wide", "scopes": ["services:write"]}), 403
    )
    assert_problem(as_user(cast.bob).post("api-keys", {"name": "wide", "scopes": ["audit:read"]}), 403)


def test_an_operator_makes_no_key_that_its_owner_could_not_use(cast: Cast) -> None:
    with pytest.raises(NotAllowed, match="audit:read would allow more than the key's owner may do"):
        make_key(cast.mallory, "audit:read", "services:read")


def test_a_key_of_one_organization_makes_none_for_another_or_for_a_person(cast: Cast) -> None:
    program = with_key(make_key(cast.acme, "keys:write"))
    assert_problem(program.post("api-keys", {"name": "x", "organization": str(cast.umbrella.uuid)}), 400)
    with pytest.raises(NotAllowed):
        make_key(cast.bob, caller=caller_with_key(cast))


def caller_with_key(cast: Cast) -> Caller:
    from access.credentials import Presented
    from apikeys.authentication import authenticate_key

    origin = Origin.here()
    made = make_key(cast.acme, "keys:write")
    return Caller(authenticate_key(Presented(made.text, is_key=True), origin), origin)


def with_key_manager() -> Profile:
    """The shipped profile, with a global role that may manage all keys, but do little else."""
    file = profiles.active().file
    capabilities = (profiles.Capability.MANAGE_KEYS, profiles.Capability.READ_KEYS)
    manager = msgspec.structs.replace(
        file.roles["member"], capabilities=capabilities, scopes=("services:read",)
    )
    return Profile("test", msgspec.structs.replace(file, roles={**file.roles, "keymanager": manager}))


def as_caller(user: User) -> Caller:
    return Caller(principal_of(user, Credential("jwt", "", proven_at=datetime.now(UTC))), Origin.here())


@pytest.mark.parametrize("scopes", [[], ["services:read"]])
@pytest.mark.requirement(60)
def test_a_key_manager_creates_no_key_for_a_more_powerful_person(cast: Cast, scopes: list[str]) -> None:
    with profiles.override(with_key_manager()):
        manager = as_caller(add_user("kim", "keymanager"))
        for owner in (cast.ada, cast.alice, cast.audrey):
            with pytest.raises(NotAllowed, match=f"{owner.username} may do more than you"):
                create_api_key(caller=manager, name="x", owner=owner, granted=scopes)
        assert not ApiKey.objects.exists()
        equal = add_user("kit", "keymanager")
        assert create_api_key(caller=manager, name="x", owner=equal, granted=scopes).row.user == equal


def test_an_administrator_makes_keys_for_everybody(cast: Cast) -> None:
    for owner in (cast.alice, cast.bob, cast.mallory):
        assert create_api_key(caller=as_caller(cast.ada), name="x", owner=owner).row.user == owner


def test_a_person_who_manages_only_their_own_keys_creates_none_for_others(cast: Cast) -> None:
    for owner in (cast.mallory, cast.ada, cast.acme):
        with pytest.raises(NotAllowed, match="You may not create keys for this owner"):
            create_api_key(caller=as_caller(cast.bob), name="x", owner=owner)
