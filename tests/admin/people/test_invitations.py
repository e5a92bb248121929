"""Invitations in the admin: invite, send again, withdraw."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Invitation, Mail
from audit.models import Event
from tests.admin import helpers
from tests.admin.helpers import errors_of, messages_of, page, text_of
from tests.conftest import Cast
from tests.logins import browser

LIST = "accounts_invitation_changelist"
ADD = "accounts_invitation_add"
EVE = "eve@example.net"


def invite(client: Client, cast: Cast, **values: Any) -> Any:
    sent = {"organization": cast.acme.pk, "email": EVE, "role": "developer"} | values
    return client.post(page(ADD), sent)


def act(client: Client, action: str, **values: str) -> Any:
    return helpers.act(client, "accounts_invitation", action, *Invitation.objects.all(), **values)


def test_somebody_is_invited_and_the_invitation_is_listed(ada: Client, cast: Cast) -> None:
    assert invite(ada, cast).status_code == 302
    row = Invitation.objects.get()
    assert (row.email, row.role, row.organization, row.invited_by) == (EVE, "developer", cast.acme, cast.ada)
    assert Mail.objects.get().kind == "invitation"
    event = Event.objects.latest("sequence")
    assert (event.name, event.actor_id) == ("invitation:issued", str(cast.ada.uuid))
    shown = text_of(ada.get(page(LIST)))
    assert EVE in shown and ">open<" in shown
    Invitation.objects.update(expires_at="2020-01-01T00:00:00Z")
    assert "expired" in text_of(ada.get(page(LIST)))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"email": "nonsense"}, "email"),
        ({"email": ""}, "email"),
        ({"role": ""}, "role"),
        ({"role": "emperor"}, "role"),
        ({"organization": ""}, "organization"),
        ({"organization": "99999"}, "organization"),
    ],
)
def test_what_is_wrong_stands_beside_the_field(
    ada: Client, cast: Cast, values: dict[str, str], field: str
) -> None:
    assert list(errors_of(invite(ada, cast, **values))) == [field]
    assert not Invitation.objects.exists()


def test_a_member_is_not_invited_again(ada: Client, cast: Cast) -> None:
    answer = ada.get(invite(ada, cast, email="bob@example.org").headers["Location"])
    assert "already a member of Acme" in messages_of(answer)[0]
    assert not Invitation.objects.exists()


def test_invitations_are_sent_again_and_withdrawn(ada: Client, cast: Cast) -> None:
    ada.get(invite(ada, cast).headers["Location"])
    assert messages_of(act(ada, "resend")) == ["Invitations sent again: 1."]
    assert Mail.objects.count() == 2
    assert "eve@example.net, developer of Acme" in text_of(act(ada, "withdraw"))
    assert Invitation.objects.exists()
    assert messages_of(act(ada, "withdraw", confirmed="True")) == ["1 invitation withdrawn."]
    assert not Invitation.objects.exists()


def test_an_invitation_is_not_changed_or_deleted_past_the_service(ada: Client, cast: Cast) -> None:
    invite(ada, cast)
    number = Invitation.objects.get().pk
    shown = text_of(ada.get(page("accounts_invitation_change", number)))
    assert "_save" not in shown and "digest" not in shown
    assert ada.post(page("accounts_invitation_change", number), {"role": "owner"}).status_code == 403
    assert ada.post(page("accounts_invitation_delete", number), {"post": "yes"}).status_code == 403
    assert Invitation.objects.get().role == "developer"


@pytest.mark.parametrize("who", ["audrey", "alice", "bob", "mallory"])
@pytest.mark.requirement(47)
def test_people_who_manage_no_organization_can_do_none_of_it(ada: Client, cast: Cast, who: str) -> None:
    invite(ada, cast)
    client = browser(getattr(cast, who))
    assert client.get(page(LIST)).status_code == 403
    assert invite(client, cast, email="other@example.net").status_code == 403
    act(client, "withdraw", confirmed="True")
    assert Invitation.objects.count() == 1


def test_who_manages_one_organization_sees_and_invites_to_that_one(
    ada: Client, cast: Cast, strong_owners: None
) -> None:
    invite(ada, cast)
    invite(ada, cast, organization=cast.umbrella.pk, email="other@example.net")
    alice = browser(cast.alice)
    shown = text_of(alice.get(page(LIST)))
    assert EVE in shown and "other@example.net" not in shown
    form = alice.get(page(ADD)).context["adminform"].form
    assert list(form.fields["organization"].queryset) == [cast.acme]
    assert list(errors_of(invite(alice, cast, organization=cast.umbrella.pk))) == ["organization"]
    act(alice, "withdraw", confirmed="True")
    assert Invitation.objects.get().organization == cast.umbrella
