"""Owners are told of keys that nobody uses; such keys are disabled later if the profile says so."""

from typing import Any

import pytest
from django.utils import timezone

from access.principals import Caller
from apikeys.models import ApiKey, KeyNotice, KeyWalk
from apikeys.notices import walks
from apikeys.notices.unused import tell_unused
from apikeys.notices.writing import Told
from apikeys.services.api_keys import NewKey
from apikeys.services.enabling import enable_api_keys
from audit.events import EventName
from audit.models import Event
from tests.accounts.helpers import serving
from tests.accounts.mailbox import Mailbox, plain
from tests.apikeys.notices.telling import DAY, MINUTE, at, expire, send
from tests.conftest import Cast, make_key

NOW = timezone.now()


@pytest.fixture
def key(cast: Cast, mailbox: Mailbox) -> NewKey:
    key = make_key(cast.alice, name="old export")
    ApiKey.objects.update(created_at=NOW)
    return key


def walk(days: float) -> list[Told]:
    """Walk along all keys, so many days after they were made."""
    KeyWalk.objects.all().delete()
    told: list[Told] = []
    while (found := tell_unused(at(NOW + days * DAY))) is not None:
        told += found
    return told


def is_disabled(key: NewKey) -> bool:
    return ApiKey.objects.get(pk=key.row.pk).disabled_at is not None


def test_the_owner_is_told_once_when_a_key_was_not_used_for_ninety_days(key: NewKey) -> None:
    assert [len(walk(days)) for days in (89, 91, 92, 100)] == [0, 1, 0, 0]
    assert Event.objects.filter(name=EventName.API_KEY_UNUSED).count() == 1


def test_where_mails_reach_nobody_no_key_is_disabled(key: NewKey, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert [len(walk(days)) for days in (91, 122, 200)] == [0, 0, 0]
    assert not is_disabled(key)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert len(walk(201)) == 1 and not is_disabled(key)


def test_a_use_starts_the_time_again(key: NewKey) -> None:
    assert len(walk(91)) == 1
    ApiKey.objects.update(last_used_at=NOW + 95 * DAY)
    assert [len(walk(days)) for days in (121, 184, 186)] == [0, 0, 1]
    assert not is_disabled(key)


def test_thirty_days_after_the_notice_the_key_is_disabled_and_the_owner_is_told(
    key: NewKey, mailbox: Mailbox
) -> None:
    walk(91)
    send()
    assert mailbox.mails[0]["Subject"] == "The API key old export at Keyhouse is not used"
    assert "never used since" in plain(mailbox.mails[0]) and "It is disabled on" in plain(mailbox.mails[0])
    assert len(walk(120)) == 0 and not is_disabled(key)
    assert len(walk(122)) == 1 and is_disabled(key)
    send()
    assert mailbox.mails[1]["Subject"] == "The API key old export at Keyhouse was disabled"
    (event,) = Event.objects.filter(name=EventName.API_KEY_DISABLED)
    assert event.detail == {"reason": "not used for a long time"}
    assert len(walk(130)) == 0


def test_a_key_that_is_enabled_again_gets_the_whole_notice_period_again(
    key: NewKey, operator: Caller
) -> None:
    walk(91)
    walk(122)
    enable_api_keys(caller=operator, selected=[key.row])
    assert len(walk(123)) == 1 and not is_disabled(key)
    assert len(walk(152)) == 0 and not is_disabled(key)
    assert len(walk(154)) == 1 and is_disabled(key)


def test_without_a_notice_period_no_key_is_disabled(key: NewKey) -> None:
    with serving("notices", stale_disable_days=None):
        assert [len(walk(days)) for days in (91, 130, 900)] == [1, 0, 0]
    assert not is_disabled(key)


def test_a_profile_without_stale_days_tells_nobody(key: NewKey) -> None:
    with serving("notices", stale_days=None, stale_disable_days=None):
        assert walk(91) == []


def test_a_key_that_was_told_of_and_ends_is_not_disabled(key: NewKey) -> None:
    walk(91)
    expire(key, NOW + 100 * DAY, made=NOW)
    assert walk(122) == [] and not is_disabled(key)


def test_a_walk_takes_a_batch_at_a_time_and_begins_again_a_day_later(
    cast: Cast, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "BATCH", 4)
    for _ in range(10):
        make_key(cast.alice)
    ApiKey.objects.update(created_at=NOW)
    later = NOW + 91 * DAY
    found = [tell_unused(at(later)) for _ in range(4)]
    assert [told and len(told) for told in found] == [4, 4, 2, None]
    assert tell_unused(at(later + DAY - MINUTE)) is None
    assert tell_unused(at(later + DAY)) == []
    assert KeyNotice.objects.count() == 10
