"""Accepting an invitation: the mailed token proves the address, and nothing else counts."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.principals import Caller
from accounts.models import Invitation, Membership, User
from accounts.organizations.services import add_member, delete_organization
from accounts.users.changes import UserChanges
from accounts.users.services import create_user, delete_user, update_user
from audit.models import Event
from tests.accounts.helpers import serving
from tests.accounts.inviting import EVE, MALLORY, Inviting, accept, assert_dead, invited, roles_of
from tests.accounts.mail.test_mailed_link_pages import Browser
from tests.accounts.mailbox import Mailbox
from tests.conftest import PASSWORD, Api, Cast, as_user, assert_problem
from tests.logins import browser

PAGE = "/accept-invitation"


def log_in(email: str = EVE, password: str = PASSWORD) -> Any:
    return Api().post("auth/login", {"email": email, "password": password})


def test_somebody_new_gets_an_account_and_is_a_member(cast: Cast, mailbox: Mailbox) -> None:
    answer = accept(invited(cast, mailbox), name="Eve")
    assert (answer.status_code, list(answer.json())) == (200, ["message"])
    user = log_in().json()["user"]
    assert (user["email"], user["name"], user["role"], user["username"]) == (EVE, "Eve", "member", None)
    assert roles_of(EVE) == {"Acme": "developer"}
    assert not Invitation.objects.exists()


def test_somebody_with_an_account_becomes_a_member_without_a_password(cast: Cast, mailbox: Mailbox) -> None:
    before = User.objects.values().get(pk=cast.mallory.pk)
    assert accept(invited(cast, mailbox, MALLORY), password=None).status_code == 200
    assert roles_of(MALLORY) == {"Acme": "developer"}
    assert User.objects.values().get(pk=cast.mallory.pk) == before | {"email_verified": True}


def test_an_account_is_found_whatever_the_case_and_the_width_of_its_letters(
    cast: Cast, mailbox: Mailbox
) -> None:
    acme = Inviting(cast.ada, cast.acme)
    acme.invite(email="\uff2d\uff21llory@Example.ORG")
    assert accept(acme.mailed(mailbox, "MAllory@Example.ORG"), password=None).status_code == 200
    assert roles_of(MALLORY) == {"Acme": "developer"}
    assert User.objects.filter(email_key=MALLORY).count() == 1


@pytest.mark.parametrize(
    ("more", "member"),
    [({"password": "another walk to the lighthouse"}, "password"), ({"name": "M"}, "name")],
)
def test_an_account_takes_no_new_password_or_name_by_invitation(
    cast: Cast, mailbox: Mailbox, more: dict[str, str], member: str
) -> None:
    token = invited(cast, mailbox, MALLORY)
    answer = Api().post("auth/accept-invitation", {"token": token, **more})
    assert_problem(answer, 400, "invalid", member)
    assert log_in(MALLORY).status_code == 200
    assert accept(token, password=None).status_code == 200


@pytest.mark.parametrize(
    ("more", "member"),
    [
        ({"password": None}, "password"),
        ({"password": "short"}, "password"),
        ({"password": "passwordpassword"}, "password"),
        ({"password": f"{EVE} and more"}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"name": "x" * 5000}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"role": "admin"}, "role"),
        ({"email": MALLORY}, "email"),
        ({"organization": "Umbrella"}, "organization"),
        ({"is_superuser": True}, "is_superuser"),
    ],
)
@pytest.mark.requirement(48)
def test_what_is_wrong_is_named_and_does_not_spend_the_link(
    cast: Cast, mailbox: Mailbox, more: dict[str, Any], member: str
) -> None:
    token = invited(cast, mailbox)
    assert_problem(accept(token, **more), 400, "invalid", member)
    assert not User.objects.filter(email=EVE).exists()
    assert accept(token).status_code == 200


def test_a_link_is_good_once(cast: Cast, mailbox: Mailbox) -> None:
    token = invited(cast, mailbox)
    assert accept(token).status_code == 200
    assert_dead(token)
    membership = Membership.objects.get(user__email=EVE)
    membership.delete()
    assert_dead(token)
    assert roles_of(EVE) == {}


def test_a_link_lives_a_week(cast: Cast, mailbox: Mailbox) -> None:
    token = invited(cast, mailbox)
    row = Invitation.objects.get()
    assert (row.expires_at - timezone.now()).days == 6
    Invitation.objects.update(expires_at=timezone.now())
    assert_dead(token)


def test_the_owner_of_the_address_joins_not_the_person_who_is_logged_in(cast: Cast, mailbox: Mailbox) -> None:
    token = invited(cast, mailbox, MALLORY)
    assert accept(token, password=None, api=as_user(cast.bob)).status_code == 200
    assert roles_of(MALLORY) == {"Acme": "developer"}
    token = invited(cast, mailbox)
    client = browser(cast.charlie)
    sent = client.post(PAGE, {"token": token, "name": "Eve", "password": PASSWORD})
    assert sent.status_code == 200
    assert roles_of("charlie@example.org") == {"Umbrella": "owner"}
    assert roles_of(EVE) == {"Acme": "developer"}


def test_the_organization_and_the_role_are_those_of_the_invitation(cast: Cast, mailbox: Mailbox) -> None:
    tokens = {}
    for place, role in ((cast.acme, "developer"), (cast.umbrella, "owner")):
        umbrella_or_acme = Inviting(cast.ada, place)
        umbrella_or_acme.invite(role=role)
        tokens[place.name] = umbrella_or_acme.mailed(mailbox)
    assert accept(tokens["Umbrella"]).status_code == 200
    assert roles_of(EVE) == {"Umbrella": "owner"}
    assert accept(tokens["Acme"], password=None).status_code == 200
    assert roles_of(EVE) == {"Umbrella": "owner", "Acme": "developer"}


LOSSES: dict[str, Callable[[Cast, Caller], object]] = {
    "the inviter is demoted there": lambda cast, _: Membership.objects.filter(user=cast.alice).update(
        role="developer"
    ),
    "the inviter has left": lambda cast, _: Membership.objects.filter(user=cast.alice).delete(),
    "the inviter is deactivated": lambda cast, operator: update_user(
        caller=operator, user=cast.alice, changes=UserChanges(is_active=False)
    ),
    "the inviter is deleted": lambda cast, operator: delete_user(caller=operator, user=cast.alice),
    "the organization is deleted": lambda cast, operator: delete_organization(
        caller=operator, organization=cast.acme
    ),
    "the role is raised above the inviter": lambda cast, _: Invitation.objects.update(role="raised"),
    "the role is there no more": lambda cast, _: Invitation.objects.update(role="legacy"),
    "the address has become a member": lambda cast, operator: add_member(
        caller=operator,
        organization=cast.acme,
        user=create_user(caller=operator, email=EVE, role="member", password=PASSWORD),
        role="developer",
    ),
    "the address has a deactivated account": lambda cast, operator: update_user(
        caller=operator,
        user=create_user(caller=operator, email=EVE, role="member", password=PASSWORD),
        changes=UserChanges(is_active=False),
    ),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.requirement(50)
def test_an_invitation_is_no_longer_good_when(
    cast: Cast, operator: Caller, raised_role: None, mailbox: Mailbox, loss: str
) -> None:
    token = invited(cast, mailbox, by=cast.alice)
    LOSSES[loss](cast, operator)
    before = (User.objects.count(), Membership.objects.count())
    answer = accept(token, password=None if "address" in loss else PASSWORD)
    assert_problem(answer, 400, "invalid", "token")
    assert (User.objects.count(), Membership.objects.count()) == before


def test_a_person_who_registers_meanwhile_accepts_with_that_account(
    cast: Cast, operator: Caller, mailbox: Mailbox
) -> None:
    token = invited(cast, mailbox)
    create_user(caller=operator, email=EVE.upper(), role="auditor", password=PASSWORD)
    assert_problem(accept(token), 400, "invalid", "password")
    assert accept(token, password=None).status_code == 200
    assert User.objects.get(email_key=EVE).role == "auditor"


def test_without_a_role_for_newcomers_only_people_with_an_account_accept(
    cast: Cast, mailbox: Mailbox
) -> None:
    new, known = invited(cast, mailbox), invited(cast, mailbox, MALLORY)
    with serving("login", invitation_role=""):
        problem = assert_problem(accept(new), 400, "invalid", "token")
        assert "ask the person who invited you" in problem["detail"]
        assert accept(known, password=None).status_code == 200
    with serving("login", invitation_role="", registration_role="auditor"):
        assert accept(new).status_code == 200
    assert User.objects.get(email=EVE).role == "auditor"


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "0" * 1000, None, 7, "\ud800"])
def test_what_is_no_token_of_ours_is_refused_by_name(cast: Cast, token: Any) -> None:
    assert_problem(accept(token), 400, "invalid", "token")


def test_what_happens_is_recorded_with_who_invited(cast: Cast, mailbox: Mailbox) -> None:
    accept(invited(cast, mailbox))
    eve = User.objects.get(email=EVE)
    made = Event.objects.filter(name="user:created").latest("sequence")
    added = Event.objects.filter(name="member:added").latest("sequence")
    invitation = {"by": "invitation", "invited_by": str(cast.ada.uuid)}
    assert (made.actor_id, made.target_id) == (str(eve.uuid),) * 2
    assert made.detail == {"role": "member", **invitation}
    assert (added.actor_id, added.organization_id) == (str(eve.uuid), cast.acme.pk)
    assert added.detail == {"user": str(eve.uuid), "role": "developer", **invitation}


# The page behind the link


@pytest.mark.requirement(45)
def test_looking_at_the_page_spends_nothing_and_reads_one_row(cast: Cast, mailbox: Mailbox) -> None:
    token = invited(cast, mailbox)
    with CaptureQueriesContext(connection) as captured:
        for method in ("get", "head"):
            assert getattr(Client(), method)(PAGE, {"token": token}).status_code == 200
    assert [query["sql"].partition(" ")[0] for query in captured] == ["SELECT", "SELECT"]
    page = Browser(token, PAGE)
    assert page.shown.headers["Referrer-Policy"] == "no-referrer"
    assert "at least 15 characters" in page.send(name="Eve", password="short").content.decode()
    assert "You are a member now" in page.send(name="Eve", password=PASSWORD).content.decode()
    assert roles_of(EVE) == {"Acme": "developer"}
    again = page.send(name="", password="")
    assert (again.status_code, "This link is wrong" in again.content.decode()) == (400, True)


def test_somebody_with_an_account_leaves_the_page_empty(cast: Cast, mailbox: Mailbox) -> None:
    page = Browser(invited(cast, mailbox, MALLORY), PAGE)
    assert "has an account" in page.send(password=PASSWORD).content.decode()
    assert page.send().status_code == 200
    assert roles_of(MALLORY) == {"Acme": "developer"}


@pytest.mark.parametrize("name", ["x" * 5000, "a\x00b", "<script>alert(1)</script>" * 9])
def test_the_page_shows_what_is_wrong_with_a_name(cast: Cast, mailbox: Mailbox, name: str) -> None:
    answer = Browser(invited(cast, mailbox), PAGE).send(name=name, password=PASSWORD)
    assert answer.status_code == 400
    assert "<script" not in answer.content.decode()
    assert not User.objects.filter(email=EVE).exists()
