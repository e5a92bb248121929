"""A repeated request records nothing, begins no epoch, and waits as long as the first."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.db.models import F, Max
from django.utils import timezone

from access.principal_cache import memory
from accounts.models import Invitation, Passkey, Session, User
from apikeys.models import ApiKey
from audit.events import CHANGES_NO_CALLER, EventName
from audit.models import ChainHead, Event
from oauth.models import Consent, OAuthClient
from tests.accounts.authenticator import enrolled
from tests.accounts.mailbox import Mailbox
from tests.accounts.passkeys.authenticator import Authenticator, added, at_localhost
from tests.admin.helpers import confirm, messages_of, new_ticket, page
from tests.admin.lists.test_many_rows import actions
from tests.admin.test_stale_pages import filled
from tests.changes import JSON, LEFT_OUT, OTHERS, Send, World, addresses, by_json, make_world
from tests.logins import browser
from tests.snapshot import Snapshot
from tests.webhooks.changes import hook_of

pytestmark = pytest.mark.slow

LEASE = 3600.0
made = Snapshot(make_world)

# What the second request records, and why. All others record nothing.
RECORDED_AGAIN = {
    "POST login": EventName.LOGIN_SUCCEEDED,  # another session
    "POST oauth2-login": EventName.LOGIN_SUCCEEDED,
    "POST login-page": EventName.LOGIN_SUCCEEDED,
    "POST proof-page": EventName.SESSION_CONFIRMED,  # a newer proof
    "POST oauth2-decision": EventName.CONSENT_GIVEN,  # another code
    "POST api-key-list": EventName.API_KEY_CREATED,  # another key
    "POST totp": EventName.SECOND_FACTOR_STARTED,  # another seed
    "POST totp-recovery-codes": EventName.SECOND_FACTOR_REFUSED,  # the code is spent
    "POST console-authenticator": EventName.SECOND_FACTOR_STARTED,
    "POST console-recovery-codes": EventName.SECOND_FACTOR_REFUSED,
    "POST console-replace": EventName.SECOND_FACTOR_REFUSED,
    "POST change-password": EventName.PASSWORD_REFUSED,  # it is no longer the password
    "POST console-password": EventName.PASSWORD_REFUSED,
    "POST change-password-page": EventName.LOGIN_FAILED,
    "POST change-email": EventName.EMAIL_CHANGE_REQUESTED,  # another link by mail
    "POST console-email": EventName.EMAIL_CHANGE_REQUESTED,
    "POST invitation-list": EventName.INVITATION_ISSUED,
    "POST invitation-resend": EventName.INVITATION_ISSUED,
    "POST console-invitation-new": EventName.INVITATION_ISSUED,
    "POST account-invitation-list": EventName.INVITATION_ISSUED,
    "POST account-invitation-resend": EventName.INVITATION_ISSUED,
    "POST webhook-list": EventName.WEBHOOK_CREATED,  # another webhook
    "POST webhook-rotate": EventName.WEBHOOK_ROTATED,  # another secret
    "POST refresh": EventName.REFRESH_TOKEN_REUSED,  # the token was copied, so the session ends, once
}
# Requests that change nothing recorded: questions, requests that become a GET, and those that only send mail.
RECORDS_NOTHING = {
    *("POST oauth2-userinfo", "POST gateway-introspect", "POST oauth2-introspect"),
    *("POST oauth2-authorize", "POST oauth2-logout"),
    "POST gateway-report",  # its row is the record
    "POST oauth2-device-authorization",  # the answer of a person is recorded
    "POST leaks",  # the background worker records what comes of it
    *("POST forgot-password", "POST forgot-password-page", "POST console-passkey-add"),
}
# A browser session has no token, so no process caches a caller by it.
REMEMBERED_NOWHERE = {"POST oauth2-logout-answer", "POST logout-page"}


class Done(NamedTuple):
    """The answer to a request, the events it recorded, and how often it waited for a lease."""

    answer: Any
    recorded: set[str]
    waits: int


@pytest.fixture
def world(db: None, mailbox: Mailbox) -> World:
    return made.write()._replace(mailbox=mailbox)


@pytest.fixture
def do(lease: Callable[[float], None], monkeypatch: pytest.MonkeyPatch) -> Callable[[Send], Done]:
    """Send a request, as if it committed at its end, to a process with an empty cache."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)

    def do(send: Send) -> Done:
        lease(LEASE)
        memory.forget()
        waited.clear()
        connection.run_on_commit.clear()
        last = Event.objects.aggregate(last=Max("sequence"))["last"]
        answer = send()
        for committed in connection.run_on_commit:
            committed[1]()
        recorded = set(Event.objects.filter(sequence__gt=last).values_list("name", flat=True))
        return Done(answer, recorded, waited.count(LEASE))

    return do


def test_every_address_that_changes_something_has_a_row() -> None:
    assert addresses() == JSON.keys() | OTHERS.keys() | LEFT_OUT


@pytest.mark.parametrize("address", sorted(JSON.keys() | OTHERS.keys()))
@pytest.mark.requirement(63, 106)
def test_a_request_that_repeats_another_one_changes_nothing(
    address: str, world: World, do: Callable[[Send], Done]
) -> None:
    send = OTHERS[address](world) if address in OTHERS else by_json(world, address)
    first = do(send)
    assert first.answer.status_code < 400, first
    assert bool(first.recorded) == (address not in RECORDS_NOTHING), first
    epoch = ChainHead.objects.get().epoch
    second = do(send)
    assert second.recorded == ({RECORDED_AGAIN[address]} if address in RECORDED_AGAIN else set())
    assert ChainHead.objects.get().epoch == epoch + bool(second.recorded - CHANGES_NO_CALLER)
    if second.answer.status_code < 400 and address not in REMEMBERED_NOWHERE:
        assert second.waits >= first.waits


def unchanged(row: Any) -> Any:
    return row


def inactive(person: User) -> User:
    User.objects.filter(pk=person.pk).update(is_active=False)
    return person


def with_second_factor_required(person: User) -> User:
    User.objects.filter(pk=person.pk).update(must_have_second_factor=True)
    return person


def with_second_factor(person: User) -> User:
    enrolled(person)
    return person


def passkey_of(person: User) -> Passkey:
    added(at_localhost(person), Authenticator())
    return Passkey.objects.get()


def disabled(key: ApiKey) -> ApiKey:
    ApiKey.objects.filter(pk=key.pk).update(disabled_at="2026-01-01T00:00:00Z")
    return key


def watched(key: ApiKey) -> ApiKey:
    """The key has not needed its scopes for a long time."""
    ApiKey.objects.filter(pk=key.pk).update(created_at="2026-01-01T00:00:00Z", last_used_at=timezone.now())
    return key


def narrowed(key: ApiKey) -> ApiKey:
    ApiKey.objects.filter(pk=key.pk).update(wider_scopes=F("scopes"), scopes=[], narrowed_at=timezone.now())
    return key


# {(list, action): what its row must be like before}
ACTIONS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("accounts_consent", "withdraw"): unchanged,
    ("accounts_invitation", "resend"): unchanged,
    ("accounts_invitation", "withdraw"): unchanged,
    ("accounts_oauthclient", "replace_secret"): unchanged,
    ("accounts_oauthclient", "delete_selected"): unchanged,
    ("accounts_passkey", "remove"): passkey_of,
    ("accounts_session", "end"): unchanged,
    ("accounts_user", "deactivate"): unchanged,
    ("accounts_user", "activate"): inactive,
    ("accounts_user", "end_sessions"): unchanged,
    ("accounts_user", "require_second_factor"): unchanged,
    ("accounts_user", "waive_second_factor"): with_second_factor_required,
    ("accounts_user", "remove_second_factor"): with_second_factor,
    ("accounts_user", "delete_selected"): unchanged,
    ("apikeys_apikey", "rotate"): unchanged,
    ("apikeys_apikey", "disable"): unchanged,
    ("apikeys_apikey", "narrow"): watched,
    ("apikeys_apikey", "widen"): narrowed,
    ("apikeys_apikey", "enable"): disabled,
    ("apikeys_apikey", "revoke"): unchanged,
    ("webhooks_webhook", "disable"): unchanged,
    ("webhooks_webhook", "delete"): unchanged,
}
ACTS_AGAIN = {
    ("accounts_invitation", "resend"): EventName.INVITATION_ISSUED,  # another link by mail
}


def test_every_action_that_changes_something_has_a_row() -> None:
    assert {each for each in actions() if each[1] != "export"} == ACTIONS.keys()


@pytest.mark.parametrize("action", ACTIONS, ids=" ".join)
@pytest.mark.requirement(63, 106)
def test_an_action_of_the_admin_that_is_taken_again_changes_nothing(
    action: tuple[str, str], world: World, do: Callable[[Send], Done]
) -> None:
    rows = {
        "accounts_consent": Consent.objects.get(),
        "accounts_invitation": Invitation.objects.first(),
        "accounts_oauthclient": OAuthClient.objects.get(),
        "accounts_passkey": world.cast.bob,
        "accounts_session": Session.objects.filter(user=world.cast.bob).first(),
        "accounts_user": world.cast.bob,
        "apikeys_apikey": ApiKey.objects.get(),
        "webhooks_webhook": hook_of(world.cast),
    }
    ada, row = browser(world.cast.ada), ACTIONS[action](rows[action[0]])
    ticket = new_ticket()
    press = lambda: confirm(ada, *action, row, post="yes", **ticket)  # noqa: E731
    first = do(press)
    assert first.recorded
    epoch = ChainHead.objects.get().epoch
    second = do(press)
    assert second.recorded == ({ACTS_AGAIN[action]} if action in ACTS_AGAIN else set())
    assert ChainHead.objects.get().epoch == epoch + bool(second.recorded - CHANGES_NO_CALLER)
    if " of 1 " in "".join(messages_of(second.answer)):
        assert second.waits >= first.waits


@pytest.mark.parametrize(
    "list_of", ["accounts_user", "accounts_organization", "accounts_oauthclient", "apikeys_apikey"]
)
def test_a_page_of_the_admin_that_is_saved_again_changes_nothing(
    list_of: str, world: World, do: Callable[[Send], Done]
) -> None:
    rows = {
        "accounts_user": world.cast.bob,
        "accounts_organization": world.cast.acme,
        "accounts_oauthclient": OAuthClient.objects.get(),
        "apikeys_apikey": ApiKey.objects.get(),
    }
    ada, address = browser(world.cast.ada), page(f"{list_of}_change", rows[list_of].pk)
    typed = {"name": "Another", "memberships-0-role": "developer", "memberships-1-role": "developer"}
    sent = filled(ada.get(address)) | typed
    save = lambda: ada.post(address, sent)  # noqa: E731
    first = do(save)
    assert first.recorded and first.answer.status_code == 302
    second = do(save)
    assert (second.recorded, second.answer.status_code) == (set(), 302)
    assert second.waits >= first.waits
