"""Invitations by programs last no longer than the program's credential, and grant no more than it may."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.principals import Caller
from accounts.mail.delivery import send_due
from accounts.models import Invitation, User
from accounts.users.changes import UserChanges
from accounts.users.services import update_user
from apikeys.models import ApiKey
from apikeys.services.enabling import disable_api_keys
from apikeys.services.revocation import revoke_api_keys
from apikeys.services.rotation import rotate_api_key
from audit.models import Event
from config import profiles
from oauth.changes import ClientChanges
from oauth.models import Consent, OAuthClient
from oauth.services.clients import delete_clients, replace_secret, update_client
from oauth.services.consents import withdraw_consent
from tests.accounts.helpers import caller_as, rows_are_locked, waiting
from tests.accounts.inviting import EVE, accept, roles_of
from tests.accounts.mailbox import Mailbox, plain, token_in
from tests.accounts.test_programs import program_of
from tests.conftest import Api, Cast, add_user, as_user, assert_problem, make_key, with_key
from tests.oauth.flow import Flow, make_client, with_token

PATH = "users/invitations"


def invite(api: Api, email: str = EVE, role: str = "member", path: str = PATH) -> Any:
    answer = api.post(path, {"email": email, "role": role})
    assert answer.status_code == 201, answer.content
    return answer.json()


def mailed(mailbox: Mailbox, address: str = EVE) -> str:
    send_due()
    return token_in(mailbox.to(address)[-1])


def assert_dead(token: str) -> None:
    """Assert that the link makes no account."""
    people = User.objects.count()
    assert_problem(accept(token), 400, "invalid", "token")
    assert User.objects.count() == people


@pytest.mark.parametrize("kind", ["key", "consent", "machine"])
@pytest.mark.parametrize("to_acme", [False, True])
def test_a_program_invites_and_accepting_makes_an_account(
    cast: Cast, mailbox: Mailbox, kind: str, to_acme: bool
) -> None:
    path, role = (f"organizations/{cast.acme.uuid}/invitations", "developer") if to_acme else (PATH, "member")
    sent = invite(program_of(kind, cast.ada), role=role, path=path)
    assert (sent["email"], sent["role"], sent["invited_by"]) == (EVE, role, str(cast.ada.uuid))
    assert accept(mailed(mailbox)).status_code == 200
    assert (User.objects.get(email=EVE).role, roles_of(EVE)) == (
        "member",
        {"Acme": "developer"} if to_acme else {},
    )
    created = Event.objects.get(name="user:created", target_label=EVE)
    assert created.detail["by"] == "invitation"


def test_an_invitation_to_an_account_is_a_person_s_to_send_too_with_any_role_of_theirs(
    cast: Cast, mailbox: Mailbox
) -> None:
    invite(as_user(cast.ada), role="admin")
    token = mailed(mailbox)
    assert "organization" not in plain(mailbox.to(EVE)[-1]) and "None" not in plain(mailbox.to(EVE)[-1])
    assert_problem(accept(token, password=None), 400, "invalid", "password")
    assert accept(token).status_code == 200
    assert User.objects.get(email=EVE).role == "admin"
    assert_dead(token)


def test_invitations_to_an_account_are_listed_sent_again_and_withdrawn(cast: Cast, mailbox: Mailbox) -> None:
    api = as_user(cast.ada)
    first = invite(api)
    old = mailed(mailbox)
    assert invite(api, role="auditor")["id"] == first["id"]
    assert [row["role"] for row in api.get(PATH).json()["results"]] == ["auditor"]
    assert api.post(f"{PATH}/{first['id']}/resend").status_code == 200
    new = mailed(mailbox)
    assert_dead(old)
    assert api.delete(f"{PATH}/{first['id']}").status_code == 204
    assert_dead(new)
    assert api.get(PATH).json()["results"] == []


def test_people_with_an_account_cannot_be_invited_to_another(cast: Cast, mailbox: Mailbox) -> None:
    api = as_user(cast.ada)
    assert_problem(api.post(PATH, {"email": "BOB@example.org", "role": "member"}), 409, "conflict", "email")
    invite(api)
    token = mailed(mailbox)
    add_user("eve")
    User.objects.filter(username="eve").update(email=EVE, email_key=EVE)
    assert_dead(token)


@pytest.mark.parametrize("who", ["audrey", "alice", "bob", "mallory"])
def test_people_who_do_not_manage_people_neither_invite_nor_see_invitations(cast: Cast, who: str) -> None:
    sent = invite(as_user(cast.ada))
    api = as_user(getattr(cast, who))
    assert_problem(api.get(PATH), 403, "not_allowed")
    assert_problem(api.post(PATH, {"email": EVE, "role": "member"}), 403, "not_allowed")
    assert_problem(api.delete(f"{PATH}/{sent['id']}"), 403, "not_allowed")
    assert_problem(api.post(f"{PATH}/{sent['id']}/resend"), 403, "not_allowed")


@pytest.mark.parametrize("role", ["owner", "nobody", "", "x" * 5000])
def test_an_unknown_role_is_refused_by_name(cast: Cast, role: str) -> None:
    assert_problem(as_user(cast.ada).post(PATH, {"email": EVE, "role": role}), 400, "invalid", "role")


def test_an_organization_s_invitations_are_not_found_among_those_to_an_account(cast: Cast) -> None:
    api = as_user(cast.ada)
    of_acme = invite(api, role="developer", path=f"organizations/{cast.acme.uuid}/invitations")
    assert_problem(api.delete(f"{PATH}/{of_acme['id']}"), 404)
    assert api.get(PATH).json()["results"] == []


@pytest.mark.requirement(101)
def test_an_invitation_ends_with_the_key_that_sent_it(cast: Cast, mailbox: Mailbox) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=60)
    key = make_key(cast.ada, *profiles.active().scopes, expires_at=ends)
    sent = invite(with_key(key))
    assert datetime.fromisoformat(sent["expires_at"]) <= ends
    token = mailed(mailbox)
    assert Invitation.objects.get().expires_at == ApiKey.objects.get().expires_at
    assert f"until {ends:%-d %b %Y, %H:%M} UTC" in plain(mailbox.to(EVE)[-1])
    past = ends - timedelta(minutes=2)
    ApiKey.objects.update(created_at=past - timedelta(seconds=1), expires_at=past)
    assert_dead(token)


Ending = Callable[[Cast, Caller, ApiKey], object]
OF_A_KEY: dict[str, Ending] = {
    "revoked": lambda cast, operator, key: revoke_api_keys(caller=operator, selected=[key]),
    "disabled": lambda cast, operator, key: disable_api_keys(caller=operator, selected=[key]),
    "rotated": lambda cast, operator, key: rotate_api_key(caller=operator, key=key, expires_at=None),
    "deleted": lambda cast, operator, key: key.delete(),
    "of a demoted owner": lambda cast, operator, key: (
        add_user("root", "admin"),
        update_user(caller=operator, user=cast.ada, changes=UserChanges(role="member")),
    ),
    "of an inactive owner": lambda cast, operator, key: (
        add_user("root", "admin"),
        update_user(caller=operator, user=cast.ada, changes=UserChanges(is_active=False)),
    ),
}


@pytest.mark.parametrize("ending", OF_A_KEY)
@pytest.mark.parametrize("is_mailed", [False, True])
@pytest.mark.requirement(101)
def test_no_invitation_of_a_key_is_accepted_once_the_key_is(
    cast: Cast, mailbox: Mailbox, operator: Caller, ending: str, is_mailed: bool
) -> None:
    key = make_key(cast.ada, *profiles.active().scopes)
    invite(with_key(key))
    token = mailed(mailbox) if is_mailed else None
    OF_A_KEY[ending](cast, operator, key.row)
    if token is not None:
        assert_dead(token)
    elif ending not in {"of a demoted owner", "of an inactive owner"}:
        send_due()
        assert mailbox.to(EVE) == []
    assert not User.objects.filter(email=EVE).exists()


def withdraw(cast: Cast, operator: Caller) -> None:
    withdraw_consent(caller=operator, consent=Consent.objects.get())


def take_scopes(cast: Cast, operator: Caller) -> None:
    update_client(
        caller=operator, client=OAuthClient.objects.get(), changes=ClientChanges(scopes=["services:read"])
    )


def rewind(**changed: datetime) -> Callable[[Cast, Caller], object]:
    return lambda cast, operator: Consent.objects.update(**changed)


NOW = datetime.now(UTC)
OF_A_CLIENT: dict[str, Callable[[Cast, Caller], object]] = {
    "withdrawn": withdraw,
    "lacking scopes": take_scopes,
    "deleted": lambda cast, operator: delete_clients(caller=operator, selected=OAuthClient.objects.all()),
    "too old": rewind(expires_at=NOW - timedelta(seconds=1)),
    "idle": rewind(last_used_at=NOW - timedelta(days=15)),
    "given another secret": lambda cast, operator: replace_secret(
        caller=operator, client=OAuthClient.objects.get()
    ),
}
KINDS = [
    *[("consent", ending) for ending in ("withdrawn", "lacking scopes", "deleted", "too old", "idle")],
    *[("machine", ending) for ending in ("lacking scopes", "deleted", "given another secret")],
]


@pytest.mark.parametrize(("kind", "ending"), KINDS)
@pytest.mark.requirement(101)
def test_a_client_s_invitation_ends_with_the_consent_or_machine_it_came_from(
    cast: Cast, mailbox: Mailbox, operator: Caller, kind: str, ending: str
) -> None:
    invite(program_of(kind, cast.ada))
    token = mailed(mailbox)
    OF_A_CLIENT[ending](cast, operator)
    assert_dead(token)


def test_an_invitation_of_a_client_is_good_no_longer_than_the_consent(cast: Cast, mailbox: Mailbox) -> None:
    scopes = list(profiles.active().scopes)
    flow = Flow(make_client(*scopes), cast.ada, scope=" ".join(scopes))
    tokens = flow.tokens()
    ends = datetime.now(UTC) + timedelta(days=2)
    Consent.objects.update(expires_at=ends)
    invite(with_token(tokens))
    mailed(mailbox)
    assert Invitation.objects.get().expires_at == ends


def test_a_person_vouches_anew_for_what_a_program_has_sent(
    cast: Cast, mailbox: Mailbox, operator: Caller
) -> None:
    key = make_key(cast.ada, *profiles.active().scopes)
    sent = invite(with_key(key))
    assert as_user(cast.ada).post(f"{PATH}/{sent['id']}/resend").status_code == 200
    revoke_api_keys(caller=operator, selected=[key.row])
    assert accept(mailed(mailbox)).status_code == 200


def test_a_program_that_sends_again_what_a_person_has_sent_vouches_for_it(
    cast: Cast, mailbox: Mailbox, operator: Caller
) -> None:
    sent = invite(as_user(cast.ada))
    key = make_key(cast.ada, *profiles.active().scopes)
    assert with_key(key).post(f"{PATH}/{sent['id']}/resend").status_code == 200
    token = mailed(mailbox)
    revoke_api_keys(caller=operator, selected=[key.row])
    assert_dead(token)


@rows_are_locked
@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(101)
def test_a_key_that_is_revoked_at_this_moment_has_invited_nobody(
    cast: Cast, mailbox: Mailbox, operator: Caller
) -> None:
    key = make_key(cast.ada, *profiles.active().scopes)
    invite(with_key(key))
    token = mailed(mailbox)
    revoke = lambda: revoke_api_keys(caller=operator, selected=[key.row])  # noqa: E731
    with waiting(lambda: accept(token), holding=revoke) as accepting:
        pass
    assert_problem(accepting.result(), 400, "invalid", "token")
    assert not User.objects.filter(email=EVE).exists()


@rows_are_locked
@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(101)
def test_a_consent_that_is_withdrawn_at_this_moment_has_invited_nobody(cast: Cast, mailbox: Mailbox) -> None:
    invite(program_of("consent", cast.ada))
    token = mailed(mailbox)
    withdraw = lambda: withdraw_consent(  # noqa: E731
        caller=caller_as(cast.ada), consent=Consent.objects.get()
    )
    with waiting(lambda: accept(token), holding=withdraw) as accepting:
        pass
    assert_problem(accepting.result(), 400, "invalid", "token")
    assert not User.objects.filter(email=EVE).exists()
