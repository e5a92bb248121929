"""Invitations to an organization: who sends them, to whom, and what becomes of them."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.mail.delivery import send_due
from accounts.models import Invitation, Mail, Membership
from audit.models import Event
from tests.accounts.inviting import EVE, Inviting, accept, assert_dead
from tests.accounts.mailbox import Mailbox, html, plain, token_in
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key

SCOPES = ("organizations:write", "services:write", "keys:write")
MEMBERS = ["id", "email", "role", "invited_by", "created_at", "expires_at"]


def test_who_manages_an_organization_invites_lists_and_withdraws(
    cast: Cast, strong_owners: None, mailbox: Mailbox
) -> None:
    acme = Inviting(cast.alice, cast.acme)
    made = acme.invite()
    assert made.status_code == 201
    document = made.json()
    assert list(document) == MEMBERS
    assert (document["email"], document["role"]) == (EVE, "developer")
    assert document["invited_by"] == str(cast.alice.uuid)
    assert acme.list() == [document]
    token = acme.mailed(mailbox)
    assert acme.withdraw(document["id"]).status_code == 204
    assert acme.list() == []
    assert_dead(token)


def test_the_mail_says_who_invites_and_whereto(cast: Cast, mailbox: Mailbox) -> None:
    Inviting(cast.ada, cast.acme).invite()
    send_due()
    (mail,) = mailbox.to(EVE)
    assert mail["Subject"] == "An invitation to Acme at Keyhouse"
    assert plain(mail).startswith("Ada invites you to Acme at Keyhouse.")
    ends = Invitation.objects.get().expires_at
    assert (ends - timezone.now()).days == 6
    assert f"until {ends:%-d %b %Y, %H:%M} UTC" in plain(mail)
    assert f'/accept-invitation?token={token_in(mail)}"' in html(mail)


def test_names_in_the_mail_are_text(cast: Cast, mailbox: Mailbox) -> None:
    as_user(cast.ada).patch(f"organizations/{cast.acme.uuid}", {"name": "<b>R&D</b>"})
    Inviting(cast.ada, cast.acme).invite()
    send_due()
    (mail,) = mailbox.to(EVE)
    assert "<b>R&D</b>" in plain(mail)
    assert "&lt;b&gt;R&amp;D&lt;/b&gt;" in html(mail)


@pytest.mark.parametrize("who", ["alice", "bob", "audrey"])
@pytest.mark.requirement(47)
def test_people_who_do_not_manage_the_organization_can_do_none_of_it(cast: Cast, who: str) -> None:
    document = Inviting(cast.ada, cast.acme).invite().json()
    other = Inviting(getattr(cast, who), cast.acme)
    status = 404 if who == "bob" else 403
    assert other.invite().status_code == 403
    assert other.api.get(other.path).status_code in {403, status}
    assert other.withdraw(document["id"]).status_code in {403, status}
    assert other.resend(document["id"]).status_code in {403, status}
    assert Invitation.objects.count() == 1


@pytest.mark.requirement(46)
def test_an_invitation_is_not_found_below_another_organization(cast: Cast, strong_owners: None) -> None:
    document = Inviting(cast.alice, cast.acme).invite().json()
    ada = as_user(cast.ada)
    path = f"organizations/{cast.umbrella.uuid}/invitations/{document['id']}"
    assert_problem(ada.delete(path), 404, "not_found")
    assert_problem(ada.post(f"{path}/resend"), 404, "not_found")
    charlie = Inviting(cast.charlie, cast.acme)
    assert charlie.withdraw(document["id"]).status_code == 404
    assert charlie.invite().status_code == 404


@pytest.mark.requirement(50)
def test_nobody_invites_into_a_role_above_their_own(cast: Cast, weak_managers: None) -> None:
    acme = Inviting(cast.bob, cast.acme)
    assert_problem(acme.invite(role="owner"), 403, "not_allowed")
    assert acme.invite(role="developer").status_code == 201


@pytest.mark.requirement(50)
def test_nobody_takes_back_or_replaces_an_invitation_above_their_own(cast: Cast, weak_managers: None) -> None:
    document = Inviting(cast.ada, cast.acme).invite(role="owner").json()
    acme = Inviting(cast.bob, cast.acme)
    for answer in (acme.invite(), acme.withdraw(document["id"]), acme.resend(document["id"])):
        assert_problem(answer, 403, "not_allowed")
    assert Invitation.objects.get().role == "owner"


@pytest.mark.parametrize(
    ("sent", "member"),
    [
        ({"email": "nonsense"}, "email"),
        ({"email": None}, "email"),
        ({"email": f"{'x' * 5000}@example.org"}, "email"),
        ({"role": "emperor"}, "role"),
        ({"role": "admin"}, "role"),
        ({"role": ""}, "role"),
        ({"token": "x"}, "token"),
        ({"expires_at": "2099-01-01T00:00:00Z"}, "expires_at"),
    ],
)
@pytest.mark.requirement(48)
def test_what_is_wrong_is_named(cast: Cast, sent: dict[str, Any], member: str) -> None:
    assert_problem(Inviting(cast.ada, cast.acme).invite(**sent), 400, "invalid", member)
    assert not Mail.objects.exists()


def test_a_member_is_not_invited_again(cast: Cast) -> None:
    answer = Inviting(cast.ada, cast.acme).invite(email="BOB@example.org")
    assert_problem(answer, 409, "conflict", "email")


def test_whether_the_address_has_an_account_is_not_said(cast: Cast) -> None:
    acme = Inviting(cast.ada, cast.acme)
    answers = [acme.invite(email=address) for address in (EVE, "mallory@example.org")]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert {tuple(answer.json()) for answer in answers} == {tuple(MEMBERS)}


def test_inviting_twice_replaces_the_first_whatever_the_case(cast: Cast, mailbox: Mailbox) -> None:
    acme = Inviting(cast.ada, cast.acme)
    acme.invite()
    first = acme.mailed(mailbox)
    acme.invite(email="\uff25\uff36\uff25@Example.NET", role="owner")
    assert_dead(first)
    send_due()
    (row,) = Invitation.objects.all()
    assert (row.email, row.role) == ("EVE@Example.NET", "owner")


def test_sending_again_makes_a_new_link_and_the_old_one_dies(cast: Cast, mailbox: Mailbox) -> None:
    acme = Inviting(cast.ada, cast.acme)
    document = acme.invite().json()
    first = acme.mailed(mailbox)
    Invitation.objects.update(expires_at="2020-01-01T00:00:00Z")
    answer = acme.resend(document["id"])
    assert (answer.status_code, answer.json()["id"]) == (200, document["id"])
    assert_dead(first)
    assert accept(acme.mailed(mailbox)).status_code == 200


def test_who_sends_an_invitation_again_vouches_for_it(
    cast: Cast, strong_owners: None, mailbox: Mailbox
) -> None:
    document = Inviting(cast.alice, cast.acme).invite().json()
    ada = Inviting(cast.ada, cast.acme)
    assert ada.resend(document["id"]).json()["invited_by"] == str(cast.ada.uuid)
    Membership.objects.filter(user=cast.alice).delete()
    assert accept(ada.mailed(mailbox)).status_code == 200


def test_a_mail_that_waits_while_the_invitation_is_withdrawn_is_never_sent(
    cast: Cast, mailbox: Mailbox
) -> None:
    acme = Inviting(cast.ada, cast.acme)
    acme.withdraw(acme.invite().json()["id"])
    send_due()
    assert mailbox.mails == []
    assert not Mail.objects.exists()


def test_an_organizations_key_lists_and_withdraws_but_invites_in_nobodys_name(
    cast: Cast, strong_owners: None
) -> None:
    program = Inviting(cast.ada, cast.acme)
    document = program.invite().json()
    program.api = with_key(make_key(cast.acme, *SCOPES))
    assert_problem(program.invite(), 403, "not_allowed")
    assert_problem(program.resend(document["id"]), 403, "not_allowed")
    assert program.list() == [document]
    assert program.withdraw(document["id"]).status_code == 204


@pytest.mark.requirement(49)
def test_no_answer_holds_a_token_or_a_digest(cast: Cast, mailbox: Mailbox) -> None:
    acme = Inviting(cast.ada, cast.acme)
    acme.invite()
    token = acme.mailed(mailbox)
    row = Invitation.objects.get()
    assert len(bytes(row.digest or b"")) == 32
    assert token not in str(row.__dict__)
    shown = acme.api.get(acme.path).content.decode()
    assert token not in shown and bytes(row.digest or b"").hex() not in shown and "digest" not in shown


def test_each_step_is_recorded_in_the_organization(cast: Cast) -> None:
    acme = Inviting(cast.ada, cast.acme)
    acme.withdraw(acme.invite().json()["id"])
    events = list(Event.objects.filter(name__startswith="invitation:").order_by("sequence"))
    assert [event.name for event in events] == ["invitation:issued", "invitation:revoked"]
    for event in events:
        assert event.organization_id == cast.acme.pk
        assert event.actor_id == str(cast.ada.uuid)
        assert event.detail == {"email": EVE, "role": "developer"}


@pytest.mark.parametrize("bad", ["-1", "\u0661", "0" * 40, "nonsense"])
@pytest.mark.requirement(95)
def test_malformed_ids_are_404(cast: Cast, bad: str) -> None:
    acme = Inviting(cast.ada, cast.acme)
    assert acme.withdraw(bad).status_code == 404
    assert acme.resend(bad).status_code == 404
    assert Api().post(f"{acme.path}/{bad}/resend").status_code == 401
