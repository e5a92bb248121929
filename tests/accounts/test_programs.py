"""What programs do to people: nothing that outlives their credential and lets somebody in, or raises them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.db import transaction

from access.principals import Caller
from accounts.models import Invitation, Membership, Organization, User
from accounts.second_factor.services import remove_second_factors
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from apikeys.services.revocation import revoke_api_keys
from config import profiles
from config.wire.errors import NotAllowed
from oauth.services.clients import create_client, replace_secret
from tests.accounts.authenticator import enrolled
from tests.accounts.helpers import caller_as
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem, make_key, with_key
from tests.oauth.flow import Flow, machine_token, make_client, with_token

pytestmark = [pytest.mark.requirement(101), pytest.mark.once]

NEW = "another walk to the lighthouse"
EVE = {"email": "eve@example.net"}
PROGRAMS = ("key", "consent", "machine")


def program_of(kind: str, user: User) -> Api:
    """A program that may do all that its owner may."""
    scopes = list(profiles.active().scopes)
    match kind:
        case "key":
            return with_key(make_key(user, *scopes))
        case "consent":
            return with_token(Flow(make_client(*scopes), user, scope=" ".join(scopes)).tokens())
    return with_token(machine_token(make_client(*scopes, owner=user)))


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest, cast: Cast) -> Api:
    """An administrator's program."""
    return program_of(request.param, cast.ada)


Request = tuple[str, str, dict[str, Any]]
# What would let a person in, or give them more power, after the program's credential has ended …
OF_PEOPLE: dict[str, Callable[[Cast], Request]] = {
    "an account": lambda cast: ("post", "users", {**EVE, "password": PASSWORD, "role": "member"}),
    "an administrator": lambda cast: ("post", "users", {**EVE, "password": PASSWORD, "role": "admin"}),
    "a password": lambda cast: ("patch", f"users/{cast.bob.uuid}", {"password": NEW}),
    "an address": lambda cast: ("patch", f"users/{cast.bob.uuid}", dict(EVE)),
    "a role over others": lambda cast: ("patch", f"users/{cast.mallory.uuid}", {"role": "admin"}),
    "a member over others": lambda cast: (
        "post",
        f"organizations/{cast.acme.uuid}/members",
        {"user": str(cast.mallory.uuid), "role": "owner"},
    ),
    "a member's role over others": lambda cast: (
        "patch",
        f"organizations/{cast.acme.uuid}/members/{cast.bob.uuid}",
        {"role": "owner"},
    ),
    "an invitation to rule": lambda cast: (
        "post",
        f"organizations/{cast.acme.uuid}/invitations",
        {**EVE, "role": "owner"},
    ),
    "an invitation to administer": lambda cast: ("post", "users/invitations", {**EVE, "role": "admin"}),
    "an administrator again": lambda cast: ("patch", f"users/{cast.alice.uuid}", {"is_active": True}),
    "no second factor": lambda cast: (
        "patch",
        f"organizations/{cast.umbrella.uuid}",
        {"requires_second_factor": False},
    ),
}
# … and what would not.
OF_PROGRAMS: dict[str, Callable[[Cast], Request]] = {
    "a name": lambda cast: ("patch", f"users/{cast.bob.uuid}", {"name": "Robert"}),
    "an end": lambda cast: ("patch", f"users/{cast.bob.uuid}", {"is_active": False}),
    "a lower role": lambda cast: ("patch", f"users/{cast.audrey.uuid}", {"role": "member"}),
    "a member": lambda cast: (
        "post",
        f"organizations/{cast.acme.uuid}/members",
        {"user": str(cast.mallory.uuid), "role": "developer"},
    ),
    "an invitation": lambda cast: (
        "post",
        f"organizations/{cast.acme.uuid}/invitations",
        {**EVE, "role": "developer"},
    ),
    "an invitation to an account": lambda cast: ("post", "users/invitations", {**EVE, "role": "member"}),
    "a person again": lambda cast: ("patch", f"users/{cast.charlie.uuid}", {"is_active": True}),
    "a second factor": lambda cast: (
        "patch",
        f"organizations/{cast.acme.uuid}",
        {"requires_second_factor": True},
    ),
}


@pytest.fixture
def stage(cast: Cast, operator: Caller) -> Cast:
    """The cast: alice is a former administrator; charlie is inactive and no longer in any organization."""
    Membership.objects.filter(user=cast.charlie).delete()
    for user in (cast.alice, cast.charlie):
        update_user(caller=operator, user=user, changes=UserChanges(is_active=False))
    Organization.objects.filter(pk=cast.umbrella.pk).update(requires_second_factor=True)
    return cast


def ask(api: Api, request: Request) -> Any:
    method, path, body = request
    with transaction.atomic():
        answer = getattr(api, method)(path, body)
        transaction.set_rollback(True)
    return answer


@pytest.mark.parametrize("kind", PROGRAMS)
def test_programs_do_what_ends_with_them_and_nothing_else(stage: Cast, kind: str) -> None:
    program, person = program_of(kind, stage.ada), as_user(stage.ada)
    let, refused = {}, {}
    for name, request in (OF_PEOPLE | OF_PROGRAMS).items():
        assert ask(person, request(stage)).status_code in {200, 201}, name
        answer = ask(program, request(stage))
        if answer.status_code == 403:
            refused[name] = assert_problem(answer, 403, "not_allowed")["detail"]
        else:
            let[name] = answer.status_code
    assert (set(refused), set(let)) == (set(OF_PEOPLE), set(OF_PROGRAMS))
    assert set(let.values()) <= {200, 201}
    for detail in refused.values():
        assert "log in" in detail or "invite people" in detail or "program" in detail


def test_after_a_key_good_for_a_minute_nobody_is_in(cast: Cast, operator: Caller) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=60)
    key = make_key(cast.ada, *profiles.active().scopes, expires_at=ends)
    program, people = with_key(key), User.objects.count()
    for role in ("admin", "member"):
        assert_problem(program.post("users", {**EVE, "password": PASSWORD, "role": role}), 403, "not_allowed")
    assert_problem(program.patch(f"users/{cast.bob.uuid}", {"password": NEW}), 403, "not_allowed")
    revoke_api_keys(caller=operator, selected=[key.row])
    assert User.objects.count() == people
    assert check_password(PASSWORD, User.objects.get(pk=cast.bob.pk).password)


def test_an_organization_s_key_invites_nobody_to_an_account(cast: Cast) -> None:
    program = with_key(make_key(cast.acme, *profiles.active().scopes))
    assert_problem(program.post("users/invitations", {**EVE, "role": "member"}), 403, "not_allowed")
    assert not Invitation.objects.exists()


def test_a_program_may_send_values_that_are_already_set(program: Api, cast: Cast) -> None:
    sent = {"email": cast.bob.email, "role": cast.bob.role, "is_active": True, "name": "Robert"}
    assert program.patch(f"users/{cast.bob.uuid}", sent).status_code == 200


SERVICES: dict[str, Callable[[Cast, Caller], object]] = {
    "make a superuser": lambda cast, caller: update_user(
        caller=caller, user=cast.bob, changes=UserChanges(is_superuser=True)
    ),
    "waive a second factor": lambda cast, caller: update_user(
        caller=caller, user=cast.mallory, changes=UserChanges(must_have_second_factor=False)
    ),
    "remove a second factor": lambda cast, caller: remove_second_factors(caller=caller, selected=[cast.bob]),
    "make a client": lambda cast, caller: create_client(
        caller=caller, name="Backdoor", scopes=["services:read"], owner=cast.ada
    ),
    "learn a client's secret": lambda cast, caller: replace_secret(
        caller=caller, client=make_client("services:read", owner=cast.ada).row
    ),
}


@pytest.mark.parametrize("name", SERVICES)
def test_what_only_the_admin_offers_is_closed_to_programs_all_the_same(cast: Cast, name: str) -> None:
    enrolled(cast.bob)
    User.objects.filter(pk=cast.mallory.pk).update(must_have_second_factor=True)
    with pytest.raises(NotAllowed, match=r"log in|program"):
        SERVICES[name](cast, caller_as(cast.ada, *profiles.active().scopes))
    SERVICES[name](cast, caller_as(cast.ada))
