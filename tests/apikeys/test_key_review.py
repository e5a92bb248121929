"""After a password reset by mail, the owner reviews the working keys, and revokes suspicious ones."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.principals import Caller, Credential
from accounts.mail.delivery import send_due
from accounts.models import RecoveryLink, User
from accounts.users.changes import UserChanges
from accounts.users.principals import principal_of
from accounts.users.services import update_user
from apikeys.changes import ApiKeyChanges
from apikeys.models import ApiKey
from apikeys.review import services as key_review
from apikeys.services.api_keys import NewKey, update_api_key
from apikeys.services.enabling import disable_api_keys, enable_api_keys
from apikeys.services.rotation import rotate_api_key
from audit.actors import Origin
from audit.models import Event
from config.wire.error_pages import NOT_ACCEPTED
from tests.accounts.helpers import at_once
from tests.accounts.mail.test_mailed_link_pages import Browser
from tests.accounts.mailbox import Mailbox, plain, token_in
from tests.accounts.passwords.test_password_reset import NEW, SUBJECT, new_token, reset
from tests.admin.helpers import text_of
from tests.conftest import Cast, as_user, make_key, with_key

PAGE = "/recovery"
NOTICE = "Your password at Keyhouse was changed"


def at(user: User, *, days_ago: int = 0) -> Caller:
    """A person who uses the admin, now or some days ago."""
    moment = timezone.now() - timedelta(days=days_ago)
    return Caller(
        principal_of(user, Credential("jwt", str(uuid4()), proven_at=moment)),
        Origin("192.0.2.1", "a-request", moment),
    )


def old_key(cast: Cast, name: str, owner: Any = None) -> NewKey:
    """Create a key by alice, long ago, for herself or another owner."""
    return make_key(owner or cast.alice, "services:read", name=name, caller=at(cast.alice, days_ago=90))


def mailed_token(mailbox: Mailbox) -> str:
    """Reset alice's password and return the token of the link in the notice."""
    assert reset(new_token(mailbox)).status_code == 200
    send_due()
    return token_in([mail for mail in mailbox.to("alice@example.org") if mail["Subject"] == NOTICE][-1])


def shown(page: Any) -> dict[str, bool]:
    """The names of the keys on the page, and whether they are selected."""
    rows = re.findall(
        r'name="keys" value="[^"]+"( checked)?>\s*<span><strong>([^<]+)<', page.content.decode()
    )
    return {name: bool(checked) for checked, name in rows}


def revoke(browser: Browser, *keys: NewKey) -> Any:
    names = ("token", "csrfmiddlewaretoken")
    form: dict[str, Any] = {name: browser.hidden(name) for name in names}
    return browser.client.post(PAGE, form | {"keys": [str(key.row.uuid) for key in keys]})


@pytest.mark.requirement(98)
def test_a_reset_in_the_browser_leads_to_the_review_of_keys(cast: Cast, mailbox: Mailbox) -> None:
    old_key(cast, "Backup")
    answer = Browser(new_token(mailbox)).send(new_password=NEW)
    assert answer.status_code == 302
    address = urlsplit(answer["Location"])
    assert address.path == PAGE
    page = Browser(parse_qs(address.query)["token"][0], PAGE).shown
    assert shown(page) == {"Backup": False}
    assert "You are logged out everywhere" in page.content.decode()


@pytest.mark.requirement(98)
def test_keys_that_changed_lately_are_selected(cast: Cast, mailbox: Mailbox) -> None:
    now = at(cast.alice)
    old_key(cast, "Old")
    make_key(cast.alice, "services:read", name="Made", caller=now)
    rotated = old_key(cast, "Rotated")
    rotate_api_key(caller=now, key=rotated.row, expires_at=None, overlap=timedelta(days=1))
    enabled = old_key(cast, "Enabled").row
    disable_api_keys(caller=now, selected=[enabled])
    enable_api_keys(caller=now, selected=[enabled])
    update_api_key(
        caller=now, key=old_key(cast, "Widened").row, changes=ApiKeyChanges(allowed_networks=["10.0.0.0/8"])
    )
    update_api_key(caller=now, key=old_key(cast, "Before").row, changes=ApiKeyChanges(name="Renamed"))
    found = shown(Browser(mailed_token(mailbox), PAGE).shown)
    assert found == {
        **dict.fromkeys(("Made", "Rotated", "Enabled", "Widened"), True),
        **dict.fromkeys(("Old", "Renamed"), False),
    }
    assert list(found.values()) == sorted(found.values(), reverse=True)


@pytest.mark.requirement(98)
def test_keys_that_the_person_made_for_an_organization_or_for_others_are_listed(
    cast: Cast, operator: Caller, mailbox: Mailbox
) -> None:
    old_key(cast, "Team", cast.acme)
    alice = update_user(caller=operator, user=cast.alice, changes=UserChanges(role="admin"))
    make_key(cast.bob, "services:read", name="For bob", caller=at(alice))
    make_key(cast.acme, "services:read", name="Made by others")
    make_key(cast.bob, "services:read", name="Bob's own")
    assert set(shown(Browser(mailed_token(mailbox), PAGE).shown)) == {"Team", "For bob"}


def test_keys_that_do_not_work_any_more_are_not_listed(cast: Cast, mailbox: Mailbox) -> None:
    for name in ("Revoked", "Expired", "Disabled"):
        make_key(cast.alice, "services:read", name=name)
    now = timezone.now()
    ApiKey.objects.filter(name="Revoked").update(revoked_at=now)
    ApiKey.objects.filter(name="Expired").update(created_at=now - timedelta(days=2), expires_at=now)
    ApiKey.objects.filter(name="Disabled").update(disabled_at=now)
    page = Browser(mailed_token(mailbox), PAGE).shown
    assert shown(page) == {}
    assert "None of the API keys that you own or made still works" in page.content.decode()


@pytest.mark.requirement(98)
def test_one_action_revokes_the_selected_keys(cast: Cast, mailbox: Mailbox) -> None:
    own, team, kept = old_key(cast, "Own"), old_key(cast, "Team", cast.acme), old_key(cast, "Kept")
    answer = revoke(Browser(mailed_token(mailbox), PAGE), own, team)
    assert answer.status_code == 200
    assert "2 keys revoked" in answer.content.decode()
    assert shown(answer) == {"Kept": False}
    assert [with_key(key).get("auth/me").status_code for key in (own, team, kept)] == [401, 401, 200]
    events = Event.objects.filter(name="api_key:revoked")
    assert {event.actor_id for event in events} == {str(cast.alice.uuid)}
    assert {event.target_label for event in events} == {"Own", "Team"}


@pytest.mark.requirement(98)
def test_the_mail_lists_the_keys_and_says_which_changed_lately(cast: Cast, mailbox: Mailbox) -> None:
    old_key(cast, "Old")
    make_key(cast.alice, "services:read", name="New & shiny", caller=at(cast.alice))
    mailed_token(mailbox)
    text = plain(mailbox.to("alice@example.org")[-1])
    assert re.search(
        r"New & shiny \(kh_live_\w+…\) of alice, created .*, changed in the last 30 days\n", text
    )
    assert re.search(r"Old \(kh_live_\w+…\) of alice, created [\w ,:]+ UTC\n", text)
    assert "Revoke those that you do not know" in text


def test_if_one_key_belongs_to_others_no_key_is_revoked(cast: Cast, mailbox: Mailbox) -> None:
    own, others = old_key(cast, "Own"), make_key(cast.bob, "services:read")
    browser = Browser(mailed_token(mailbox), PAGE)
    answer = revoke(browser, own, others)
    assert answer.status_code == 400
    assert "must be keys that you own or created" in answer.content.decode()
    assert not ApiKey.objects.filter(revoked_at__isnull=False).exists()


@pytest.mark.parametrize("name", ["", "x", "x" * 5000, "\x00", "٣", str(uuid4())])
def test_a_key_that_is_not_under_review_is_refused(cast: Cast, mailbox: Mailbox, name: str) -> None:
    old_key(cast, "Own")
    browser = Browser(mailed_token(mailbox), PAGE)
    names = ("token", "csrfmiddlewaretoken")
    form = {field: browser.hidden(field) for field in names}
    assert browser.client.post(PAGE, form | {"keys": [name]}).status_code == 400
    assert browser.client.post(PAGE, form).status_code == 400


def assert_dead(token: str) -> None:
    page = Client().get(PAGE, {"token": token})
    assert "This link is wrong, used or expired" in page.content.decode()
    assert shown(page) == {}


def test_a_link_ends_with_the_next_reset_with_its_time_and_with_the_account(
    cast: Cast, operator: Caller, mailbox: Mailbox
) -> None:
    old_key(cast, "Own")
    first = mailed_token(mailbox)
    second = mailed_token(mailbox)
    assert_dead(first)
    RecoveryLink.objects.update(expires_at=timezone.now())
    assert_dead(second)
    third = mailed_token(mailbox)
    update_user(caller=operator, user=cast.alice, changes=UserChanges(is_active=False))
    assert_dead(third)
    assert_dead("x" * 5000)
    assert_dead("")


def test_a_dead_link_revokes_nothing(cast: Cast, mailbox: Mailbox) -> None:
    key = old_key(cast, "Own")
    browser = Browser(mailed_token(mailbox), PAGE)
    RecoveryLink.objects.all().delete()
    assert revoke(browser, key).status_code == 400
    assert with_key(key).get("auth/me").status_code == 200


def test_looking_costs_four_queries_however_many_keys_there_are(cast: Cast, mailbox: Mailbox) -> None:
    token = mailed_token(mailbox)
    for number in range(5):
        old_key(cast, f"Key {number}")
    with CaptureQueriesContext(connection) as captured:
        assert len(shown(Client().get(PAGE, {"token": token}))) == 5
    assert len(captured.captured_queries) == 4  # the link, keys, events, second factor


def test_the_page_lists_some_hundred_keys_at_a_time(
    cast: Cast, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_review, "MOST_LISTED", 2)
    keys = [old_key(cast, f"Key {number}") for number in range(3)]
    browser = Browser(mailed_token(mailbox), PAGE)
    assert set(shown(browser.shown)) == {"Key 2", "Key 1"}
    assert "You have more keys" in browser.shown.content.decode()
    assert set(shown(revoke(browser, *keys[1:]))) == {"Key 0"}


@pytest.mark.requirement(45)
def test_the_page_tells_no_other_site_its_address_and_needs_its_csrf_token(
    cast: Cast, mailbox: Mailbox
) -> None:
    key = old_key(cast, "Own")
    browser = Browser(mailed_token(mailbox), PAGE)
    assert browser.shown.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in browser.shown.headers["Cache-Control"]
    form = {"token": browser.hidden("token"), "keys": [str(key.row.uuid)]}
    refused = browser.client.post(PAGE, form, headers={"Origin": "null"})
    assert refused.status_code == 403 and NOT_ACCEPTED in text_of(refused)


def test_the_maker_of_a_key_is_remembered_whichever_credential_made_it(cast: Cast, operator: Caller) -> None:
    as_user(cast.alice).post("api-keys", {"name": "By login", "scopes": ["services:read"]})
    minting = make_key(cast.alice, "keys:write", "keys:read", "services:read", name="At the command line")
    with_key(minting).post("api-keys", {"name": "By key", "scopes": ["services:read"]})
    assert {row.name: row.created_by_id for row in ApiKey.objects.all()} == {
        "By login": cast.alice.pk,
        "At the command line": None,
        "By key": cast.alice.pk,
    }


@pytest.mark.django_db(transaction=True)
def test_many_callers_revoke_at_once_and_each_key_is_revoked_once(cast: Cast, mailbox: Mailbox) -> None:
    key = old_key(cast, "Own")
    token = mailed_token(mailbox)
    origin = Origin("192.0.2.1", "a-request", timezone.now())
    done = at_once(
        lambda number: key_review.revoke_reviewed(token=token, selected=[key.row.uuid], origin=origin),
        times=4,
    )
    assert sorted(done) == [0, 0, 0, 1]
    assert Event.objects.filter(name="api_key:revoked").count() == 1
    assert SUBJECT in mailbox.subjects("alice@example.org")
