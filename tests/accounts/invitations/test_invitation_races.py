"""Invitations under many hands at once."""

import pytest

from access.principals import Caller
from accounts.models import User
from accounts.organizations.services import delete_organization
from accounts.users.services import delete_user
from audit.log import verify
from tests.accounts.helpers import at_once
from tests.accounts.inviting import EVE, MALLORY, Inviting, accept, invited, roles_of
from tests.accounts.mailbox import Mailbox
from tests.conftest import PASSWORD, Cast


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("email", [EVE, MALLORY])
def test_when_many_accept_at_once_one_succeeds(cast: Cast, mailbox: Mailbox, email: str) -> None:
    token = invited(cast, mailbox, email)
    password = PASSWORD if email == EVE else None
    statuses = at_once(lambda _: accept(token, password).status_code, times=6)
    assert sorted(statuses) == [200, *[400] * 5]
    assert roles_of(email) == {"Acme": "developer"}
    assert User.objects.filter(email_key=email).count() == 1
    assert verify().faults == []


@pytest.mark.django_db(transaction=True)
def test_two_invitations_of_one_newcomer_at_once_make_one_account(cast: Cast, mailbox: Mailbox) -> None:
    tokens = []
    for place in (cast.acme, cast.umbrella):
        inviting = Inviting(cast.ada, place)
        inviting.invite()
        tokens.append(inviting.mailed(mailbox))
    statuses = at_once(lambda number: accept(tokens[number]).status_code, times=2)
    assert sorted(statuses) == [200, 400]
    assert accept(tokens[statuses.index(400)], password=None).status_code == 200
    assert roles_of(EVE) == {"Acme": "developer", "Umbrella": "developer"}


@pytest.mark.django_db(transaction=True)
def test_accepting_and_withdrawing_at_once_does_one_of_them(cast: Cast, mailbox: Mailbox) -> None:
    acme = Inviting(cast.ada, cast.acme)
    document = acme.invite().json()
    token = acme.mailed(mailbox)

    def race(number: int) -> int:
        answer = accept(token) if number else acme.withdraw(document["id"])
        return int(answer.status_code)

    assert at_once(race, times=2) in ([204, 400], [404, 200])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("victim", ["mallory", "alice", "acme"])
def test_accepting_while_invited_inviter_or_organization_is_deleted_leaves_nothing_half_done(
    cast: Cast, operator: Caller, strong_owners: None, mailbox: Mailbox, victim: str
) -> None:
    token = invited(cast, mailbox, MALLORY, by=cast.alice)

    def race(number: int) -> int:
        if number:
            return int(accept(token, password=None).status_code)
        if victim == "acme":
            delete_organization(caller=operator, organization=cast.acme)
        else:
            delete_user(caller=operator, user=getattr(cast, victim))
        return 0

    deleted, accepted = at_once(race, times=2)
    assert (deleted, accepted in {200, 400}) == (0, True)
    assert roles_of(MALLORY) == ({"Acme": "developer"} if accepted == 200 and victim == "alice" else {})
    assert verify().faults == []
