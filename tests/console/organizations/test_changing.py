"""What owners and administrators change in the console: each action is a service call with its event."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.invitations.services import invite
from accounts.mail.delivery import send_due
from accounts.models import Invitation, Membership, Organization
from audit.models import Event
from tests.accounts.helpers import caller_as
from tests.accounts.mailbox import Mailbox, token_in
from tests.conftest import Cast, add_user, make_key
from tests.console.helpers import console_of, strict
from tests.console.organizations.helpers import (
    EVE,
    LIST,
    invitation_of,
    last_event,
    member_page,
    page_of,
    refused,
    role_of,
    said,
    seen,
)
from tests.webhooks.helpers import new_webhook


def test_an_owner_changes_a_role(company: Cast) -> None:
    client, page = console_of(company.alice), member_page(company.acme, company.bob)
    assert "Everything inside one organization" in seen(client, page)
    assert "now has the role viewer" in said(client, page, {"role": "viewer"})
    assert role_of(company.bob, company.acme) == "viewer"
    assert last_event() == ("role:changed", str(company.alice.uuid))
    count = Event.objects.count()
    said(client, page, {"role": "viewer"})
    assert Event.objects.count() == count


@pytest.mark.parametrize("role", ["", "admin", "member", "Owner", "*", "\0", "é" * 5000])
def test_a_role_that_is_none_here_is_refused_beside_its_field(role: str, company: Cast) -> None:
    client = console_of(company.alice)
    shown = refused(client, member_page(company.acme, company.bob), {"role": role}, 400)
    assert "errorlist" in shown
    refused(client, page_of(company.acme, "invitations", "new"), {"role": role, "email": EVE}, 400)
    assert role_of(company.bob, company.acme) == "developer" and not Invitation.objects.exists()


def test_a_manager_neither_gives_a_role_above_their_own_nor_changes_somebody_above_them(
    company: Cast,
) -> None:
    mia = add_user("mia", memberships=[(company.acme, "manager"), (company.umbrella, "viewer")])
    viewer = add_user("vera", memberships=[(company.acme, "viewer")])
    client = console_of(mia)
    shown = seen(client, page_of(company.acme))
    assert member_page(company.acme, viewer) in shown
    assert member_page(company.acme, company.alice) not in shown
    for form in ({"role": "owner"}, {"role": "developer"}):
        refused(client, member_page(company.acme, viewer), form, 400)
    refused(client, page_of(company.acme, "invitations", "new"), {"email": EVE, "role": "owner"}, 400)
    above = member_page(company.acme, company.alice)
    assert "alice may do more here than you." in refused(client, above, {"role": "viewer"}, 403)
    assert "alice may do more here than you." in refused(client, f"{above}/remove", {}, 403)
    assert "may do more here than you." in refused(client, page_of(company.acme, "delete"), {}, 403)
    assert role_of(company.alice, company.acme) == "owner" and role_of(viewer, company.acme) == "viewer"


def test_an_owner_removes_a_member_after_a_question(company: Cast) -> None:
    client, page = console_of(company.alice), f"{member_page(company.acme, company.bob)}/remove"
    assert "API keys of Acme go on working." in seen(client, page)
    assert "bob is no longer a member." in said(client, page, {})
    assert role_of(company.bob, company.acme) is None
    assert last_event() == ("member:removed", str(company.alice.uuid))
    assert client.post(page, {}).status_code == client.get(page).status_code == 404


def test_an_owner_leaves_only_if_somebody_else_may_manage(company: Cast) -> None:
    client, page = console_of(company.alice), f"{member_page(company.acme, company.alice)}/remove"
    alone = "Nobody else in Acme may manage it."
    assert f"{alone} First give somebody else a role that lets them" in seen(client, page)
    assert "nobody else may manage Acme" in refused(client, page, {}, 409)
    assert f"{alone} Afterwards only an administrator can." in seen(console_of(company.ada), page)
    Membership.objects.filter(user=company.bob).update(role="manager")
    assert alone not in seen(client, page)
    shown = said(client, page, {})
    assert "You have left Acme." in shown and "You belong to no organization." in shown
    assert client.get(page_of(company.acme)).status_code == 404
    assert last_event() == ("member:removed", str(company.alice.uuid))


def test_an_owner_who_takes_their_own_power_goes_on_at_the_list(company: Cast) -> None:
    client, page = console_of(company.alice), member_page(company.acme, company.alice)
    assert "nobody else may manage Acme" in refused(client, page, {"role": "developer"}, 409)
    Membership.objects.filter(user=company.bob).update(role="manager")
    shown = said(client, page, {"role": "developer"})
    assert "alice now has the role developer." in shown and "your role does not show them" in shown


def test_an_administrator_adds_a_person_and_an_owner_only_people_they_see(company: Cast) -> None:
    add = page_of(company.acme, "add")
    shown = refused(console_of(company.alice), add, {"user": "mallory", "role": "viewer"}, 400)
    unknown = refused(console_of(company.alice), add, {"user": "nobody", "role": "viewer"}, 400)
    for text in (shown, unknown):
        assert "does not exist, or you may not see this person" in text
    client = console_of(company.ada)
    assert "mallory is now a member." in said(client, add, {"user": "MALLORY@example.org", "role": "viewer"})
    assert last_event() == ("member:added", str(company.ada.uuid))
    again = refused(client, add, {"user": "mallory", "role": "viewer"}, 409)
    assert "mallory is already a member of Acme" in again
    for odd in ("", "\0", "é" * 5000):
        refused(client, add, {"user": odd, "role": "viewer"}, 400)


def test_an_owner_invites_sends_again_and_withdraws(company: Cast, mailbox: Mailbox) -> None:
    client, page = console_of(company.alice), page_of(company.acme, "invitations")
    assert "No invitation is open." in seen(client, page)
    shown = said(client, f"{page}/new", {"email": EVE, "role": "developer"})
    assert f"We mail an invitation to {EVE}." in shown
    assert last_event() == ("invitation:issued", str(company.alice.uuid))
    send_due()
    first, row = token_in(mailbox.to(EVE)[-1]), invitation_of()
    assert "new link" in said(client, page, {"resend": str(row.uuid)})
    send_due()
    second = token_in(mailbox.to(EVE)[-1])
    shown = seen(client, page)
    assert first != second and first not in shown and second not in shown
    assert "is withdrawn" in said(client, page, {"withdraw": str(row.uuid)})
    assert last_event() == ("invitation:revoked", str(company.alice.uuid))
    assert not Invitation.objects.exists()
    assert client.post(page, {"withdraw": str(row.uuid)}).status_code == 404


def test_an_invitation_that_has_expired_says_so(company: Cast) -> None:
    invite(caller=caller_as(company.alice), organization=company.acme, email=EVE, role="developer")
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert "status expired" in seen(console_of(company.alice), page_of(company.acme, "invitations"))


def test_an_address_of_a_member_and_one_that_is_none_are_refused_beside_the_field(company: Cast) -> None:
    client, page = console_of(company.alice), page_of(company.acme, "invitations", "new")
    known = refused(client, page, {"email": "bob@example.org", "role": "developer"}, 409)
    assert "bob@example.org is already a member of Acme" in known
    assert "must be an e-mail address" in refused(client, page, {"email": "nobody", "role": "developer"}, 400)
    for odd in ("", "\0", "é" * 5000):
        refused(client, page, {"email": odd, "role": "developer"}, 400)


@pytest.mark.parametrize("sent", ["theirs", "", "x", "\0", "é" * 5000])
@pytest.mark.requirement(47)
def test_nobody_withdraws_or_resends_an_invitation_of_another_organization(sent: str, company: Cast) -> None:
    invite(caller=caller_as(company.charlie), organization=company.umbrella, email=EVE, role="developer")
    value = str(invitation_of().uuid) if sent == "theirs" else sent
    client, count = console_of(company.alice), Event.objects.count()
    for name in ("resend", "withdraw"):
        answer = client.post(page_of(company.acme, "invitations"), {name: value})
        assert answer.status_code == 404
    assert Invitation.objects.exists() and Event.objects.count() == count


def test_a_manager_sees_an_invitation_above_them_without_buttons(company: Cast) -> None:
    mia = add_user("mia", memberships=[(company.acme, "manager")])
    invite(caller=caller_as(company.alice), organization=company.acme, email=EVE, role="owner")
    client, page = console_of(mia), page_of(company.acme, "invitations")
    assert EVE in seen(client, page) and "Withdraw" not in seen(client, page)
    shown = said(client, page, {"withdraw": str(invitation_of().uuid)})
    assert "may do more here than you." in shown and Invitation.objects.exists()
    assert last_event() == ("access:denied", str(mia.uuid))


def test_an_administrator_creates_an_organization(company: Cast) -> None:
    client = console_of(company.ada)
    assert "The organization is created." in said(client, f"{LIST}/new", {"name": "Initech"})
    assert last_event() == ("organization:created", str(company.ada.uuid))
    assert "ACME is taken by another organization" in refused(client, f"{LIST}/new", {"name": "ACME"}, 409)
    for odd in ("", " ", "\0", "é" * 5000, "\u3164"):
        assert "errorlist" in refused(client, f"{LIST}/new", {"name": odd}, 400)
    owner = console_of(company.alice)
    assert owner.get(f"{LIST}/new").status_code == 403
    assert "You may not manage organizations." in refused(owner, f"{LIST}/new", {"name": "Mine"}, 403)


def test_an_owner_renames_and_requires_a_second_factor(company: Cast) -> None:
    client, page = console_of(company.alice), page_of(company.acme, "settings")
    form = {"name": "Acme & Sons", "initial-name": "Acme", "initial-requires_second_factor": "False"}
    assert "Acme &amp; Sons" in said(client, page, form)
    assert Event.objects.latest("sequence").detail == {"name": {"from": "Acme", "to": "Acme & Sons"}}
    taken = refused(client, page, {**form, "name": "UMBRELLA"}, 409)
    assert "UMBRELLA is taken by another organization" in taken and "<h1>Acme &amp; Sons</h1>" in taken
    count = Event.objects.count()
    said(client, page, form)
    assert Event.objects.count() == count


@pytest.mark.requirement(77)
def test_an_owner_without_a_second_factor_who_requires_one_is_led_to_add_one(company: Cast) -> None:
    client, page = console_of(company.alice), page_of(company.acme, "settings")
    sent = {"name": "Acme", "initial-name": "Acme", "requires_second_factor": "on"}
    answer = client.post(page, sent)
    assert answer.status_code == 302
    assert Organization.objects.get(pk=company.acme.pk).requires_second_factor
    assert client.get(page).status_code == 404
    assert "Add an authenticator app" in seen(client, LIST)


def test_an_old_page_of_settings_undoes_nothing_that_it_did_not_show(company: Cast) -> None:
    client, page = console_of(company.ada), page_of(company.acme, "settings")
    shown = seen(client, page)
    assert 'name="initial-requires_second_factor" value="False"' in shown
    Organization.objects.filter(pk=company.acme.pk).update(requires_second_factor=True)
    said(client, page, {"name": "New", "initial-name": "Acme", "initial-requires_second_factor": "False"})
    row = Organization.objects.get(pk=company.acme.pk)
    assert row.requires_second_factor and row.name == "New"


def test_a_page_says_what_is_deleted_and_deletes_once_no_key_works(company: Cast) -> None:
    client, page = console_of(company.alice), page_of(company.acme, "delete")
    key = make_key(company.acme, "services:read").row
    invite(caller=caller_as(company.alice), organization=company.acme, email=EVE, role="developer")
    new_webhook(company.alice, "https://hooks.example.org/", company.acme)
    shown = seen(client, page)
    assert facts(shown) == ["2", "1", "1", "0", "0", "1"] and "Revoke those keys first" in shown
    assert 'class="ends"' not in shown
    assert "the organization owns API keys that are not revoked" in refused(client, page, {}, 409)
    type(key).objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    shown = seen(client, page)
    assert facts(shown) == ["2", "1", "0", "1", "0", "1"] and 'class="ends"' in shown
    assert "Acme is deleted." in said(client, page, {})
    assert last_event() == ("organization:deleted", str(company.alice.uuid))
    assert client.post(page, {}).status_code == 404


def facts(page: str) -> list[str]:
    """The numbers of members, invitations, keys not revoked, revoked keys, OAuth2 clients and webhooks."""
    return re.findall(r"<dd>(\d+)", page)


FORMS = {
    "": {},
    "/new": {"name": "Initech"},
    "/{acme}/add": {"user": "mallory", "role": "viewer"},
    "/{acme}/members/{bob}": {"role": "viewer"},
    "/{acme}/members/{bob}/remove": {},
    "/{acme}/invitations": {"withdraw": "x"},
    "/{acme}/invitations/new": {"email": EVE, "role": "viewer"},
    "/{acme}/settings": {"name": "Acne"},
    "/{acme}/delete": {},
}


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.requirement(88)
def test_a_form_without_a_csrf_token_changes_nothing(path: str, company: Cast) -> None:
    client, count = console_of(company.ada), Event.objects.count()
    address = LIST + path.format(acme=company.acme.uuid, bob=company.bob.uuid)
    assert strict(client).post(address, FORMS[path]).status_code in (403, 405)
    assert Event.objects.filter(name__in=["access:denied"]).count() == 0
    assert Event.objects.count() == count


@pytest.mark.parametrize("path", [each for each in FORMS if each])
@pytest.mark.requirement(47)
def test_a_form_of_somebody_without_power_changes_nothing(path: str, company: Cast) -> None:
    viewer = add_user("vera", memberships=[(company.acme, "viewer")])
    invite(caller=caller_as(company.alice), organization=company.acme, email=EVE, role="developer")
    address = LIST + path.format(acme=company.acme.uuid, bob=company.bob.uuid)
    form = {"withdraw": str(invitation_of().uuid)} if path.endswith("invitations") else FORMS[path]
    client = console_of(viewer)
    answer = client.post(address, form)
    if answer.status_code == 302:  # to the same page, which refuses too
        answer = client.get(answer["Location"])
    assert answer.status_code == 403
    assert last_event() == ("access:denied", str(viewer.uuid))
    for outsider in (company.bob, company.mallory, company.charlie):
        assert console_of(outsider).post(address, form).status_code in ((403,) if path == "/new" else (404,))
    assert role_of(company.bob, company.acme) == "developer" and invitation_of().role == "developer"
    assert Organization.objects.count() == 2 and company.acme.memberships.count() == 3
