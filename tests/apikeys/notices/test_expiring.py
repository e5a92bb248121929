"""Owners are told 30, 14, 7 and 1 day before a key expires, once each."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from access.principals import Caller
from accounts.models import Mail
from accounts.organizations.services import add_member
from apikeys.models import ApiKey, KeyNews, KeyNotice
from apikeys.notices import walks
from apikeys.services.api_keys import NewKey
from apikeys.services.enabling import disable_api_keys
from apikeys.services.revocation import revoke_api_keys
from apikeys.services.rotation import rotate_api_key
from audit.events import EventName
from audit.models import Event
from tests.accounts.helpers import serving
from tests.accounts.mailbox import Mailbox, html, plain
from tests.apikeys.notices.telling import DAY, MINUTE, days, expire, expiring, send
from tests.conftest import Cast, make_key

NOW = timezone.now()
END = NOW + 60 * DAY


@pytest.fixture
def key(cast: Cast) -> NewKey:
    key = make_key(cast.alice, "services:read", name="nightly export")
    expire(key, END, made=NOW - DAY)
    return key


def test_the_owner_is_told_at_each_number_of_days_and_once(key: NewKey) -> None:
    found = {before: days(expiring(END - before * DAY + 2 * MINUTE)) for before in range(59, -2, -1)}
    assert {before: told for before, told in found.items() if told} == {30: [30], 14: [14], 7: [7], 1: [1]}
    again = [days(expiring(END - before * DAY + 2 * MINUTE)) for before in range(59, -2, -1)]
    assert not any(again)


def test_a_notice_comes_at_its_day_and_not_before(key: NewKey) -> None:
    assert days(expiring(END - 30 * DAY - MINUTE)) == []
    assert days(expiring(END - 30 * DAY + 2 * MINUTE)) == [30]


def test_a_key_made_five_days_before_its_end_gets_the_notice_of_the_last_day_alone(cast: Cast) -> None:
    key = make_key(cast.alice)
    expire(key, NOW + 5 * DAY, made=NOW)
    assert days(expiring(NOW + 2 * MINUTE)) == []
    assert days(expiring(NOW + 4 * DAY + 2 * MINUTE)) == [1]


def test_a_key_with_exactly_thirty_days_gets_all_four(cast: Cast) -> None:
    key = make_key(cast.alice)
    expire(key, NOW + 30 * DAY, made=NOW)
    assert days(expiring(NOW + 2 * MINUTE)) == [30]


def test_after_servers_have_stood_still_the_owner_gets_one_notice(key: NewKey) -> None:
    assert days(expiring(END - 40 * DAY)) == []
    assert days(expiring(END - 5 * DAY)) == [7]


def test_another_expiry_starts_again(key: NewKey) -> None:
    assert days(expiring(END - 20 * DAY)) == [30]
    ApiKey.objects.update(expires_at=END + 100 * DAY)
    assert days(expiring(END - 5 * DAY)) == []
    assert days(expiring(END + 80 * DAY)) == [30]
    assert days(expiring(END + 90 * DAY)) == [14]


def test_keys_that_stopped_working_or_have_a_successor_get_no_notice(cast: Cast, operator: Caller) -> None:
    ended, disabled, rotated, expired = (make_key(cast.alice, name=name) for name in ("a", "b", "c", "d"))
    revoke_api_keys(caller=operator, selected=[ended.row])
    disable_api_keys(caller=operator, selected=[disabled.row])
    rotate_api_key(caller=operator, key=rotated.row, expires_at=None, overlap=timedelta(days=2))
    for key in (ended, disabled, rotated):
        expire(key, END, made=NOW - DAY)
    expire(expired, NOW, made=NOW - 60 * DAY)
    assert expiring(END - 20 * DAY) == []
    assert not KeyNotice.objects.exists()


def test_a_key_that_ends_between_the_notice_and_the_mail_is_left_out(
    key: NewKey, operator: Caller, mailbox: Mailbox
) -> None:
    assert days(expiring(NOW + 45 * DAY)) == [30]
    revoke_api_keys(caller=operator, selected=[key.row])
    send()
    assert mailbox.mails == [] and not Mail.objects.exists() and not KeyNews.objects.exists()


def test_the_mail_names_the_key_its_end_and_its_page(key: NewKey, cast: Cast, mailbox: Mailbox) -> None:
    cast.alice.language, cast.alice.time_zone = "de", "Europe/Berlin"
    cast.alice.save()
    ApiKey.objects.update(expires_at=datetime(2030, 6, 1, 22, 30, tzinfo=UTC))
    expiring(datetime(2030, 5, 10, tzinfo=UTC))
    send()
    (mail,) = mailbox.to("alice@example.org")
    assert mail["Subject"].strip() == "Der API-Schlüssel nightly export bei Keyhouse läuft bald ab"
    assert "nightly export von alice läuft am 2. Jun 2030, 00:30 CEST ab" in plain(mail)
    assert f"/account/keys/{key.row.uuid}" in plain(mail)
    assert f"/account/keys/{key.row.uuid}" in html(mail)
    assert key.text not in plain(mail) + html(mail)


def test_of_an_organization_the_members_who_may_manage_keys_are_told(
    cast: Cast, operator: Caller, mailbox: Mailbox
) -> None:
    add_member(caller=operator, organization=cast.acme, user=cast.ada, role="developer")
    cast.charlie.is_active = False
    cast.charlie.save()
    add_member(caller=operator, organization=cast.acme, user=cast.charlie, role="owner")
    expire(make_key(cast.acme), END, made=NOW)
    (told,) = expiring(END - 20 * DAY)
    assert {person.email for person in told.people} == {"alice@example.org", "ada@example.org"}
    send()
    assert sorted(mailbox.recipients) == ["ada@example.org", "alice@example.org"]


def test_a_member_who_left_gets_no_mail_that_was_waiting(
    cast: Cast, operator: Caller, mailbox: Mailbox
) -> None:
    expire(make_key(cast.acme), END, made=NOW)
    assert expiring(END - 20 * DAY)
    cast.alice.memberships.all().delete()
    send()
    assert mailbox.mails == []


def test_many_keys_are_one_mail_that_lists_some(
    cast: Cast, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "BATCH", 20)
    for number in range(60):
        expire(make_key(cast.alice, name=f"key {number:02}"), END + number * MINUTE, made=NOW)
    told = expiring(END - 20 * DAY)
    assert len(told) == 60
    send()
    (mail,) = mailbox.mails
    assert mail["Subject"] == "Your API keys at Keyhouse"
    assert plain(mail).count("expires on") == 50
    assert "key 00 of alice" in plain(mail) and "key 55 of alice" not in plain(mail)
    assert "There are more." in plain(mail)
    assert not KeyNews.objects.exists()


def test_keys_with_the_same_expiry_are_all_found(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "BATCH", 3)
    for _ in range(10):
        expire(make_key(cast.alice), END, made=NOW)
    assert days(expiring(END - 20 * DAY)) == [30] * 10


def test_each_notice_is_one_event_without_an_epoch(key: NewKey) -> None:
    expiring(END - 20 * DAY)
    expiring(END - 20 * DAY)
    (event,) = Event.objects.filter(name=EventName.API_KEY_EXPIRING)
    assert (event.target_id, event.detail["days"]) == (str(key.row.uuid), 30)
    assert f"user:{key.row.user and key.row.user.uuid}" in event.subjects


def test_a_profile_without_days_tells_nobody(key: NewKey) -> None:
    with serving("notices", expiry_days=()):
        assert expiring(END - 20 * DAY) == []
