"""A rotation that finishes when the old key is quiet ends it by itself, and tells who still uses it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from access.callers import caller_at_command_line
from accounts.mail.delivery import send_due
from apikeys.models import ApiKey, KeyUse, OpenRotation, ScopeUse
from apikeys.notices.writing import release
from apikeys.rotations.finishing import end_if_quiet, finish_rotations, look_at, use_of
from apikeys.services.api_keys import NewKey
from apikeys.services.revocation import revoke_api_keys
from apikeys.services.rotation import rotate_api_key
from apikeys.usage.models import HOUR, Outcome
from audit.actors import Origin
from audit.events import EventName
from audit.models import Event
from tests.accounts.helpers import serving
from tests.accounts.mailbox import Mailbox, plain
from tests.conftest import Cast, as_user, assert_problem, make_key

HOURS = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def rotated(cast: Cast) -> NewKey:
    """A key of alice that is being rotated, with an overlap of three days."""
    key = make_key(cast.alice, name="backup")
    rotate_api_key(
        caller=caller_at_command_line(), key=key.row, expires_at=None, overlap=3 * DAY, when_quiet=True
    )
    return key


def began(key: NewKey) -> datetime:
    return OpenRotation.objects.get(key=key.row).began_at


def use(keys: Any, at: datetime) -> None:
    """Let keys be used then, as the writer of uses does."""
    keys.update(last_used_at=at, last_used_ip="192.0.2.7")


def look(key: NewKey, at: datetime) -> None:
    look_at(key.row.pk, Origin("", "", at))


def old(key: NewKey) -> ApiKey:
    return ApiKey.objects.get(pk=key.row.pk)


def successor_of(key: NewKey) -> Any:
    return ApiKey.objects.filter(predecessor=key.row)


def test_the_old_key_ends_when_its_successor_was_used_and_it_was_not_for_a_day(rotated: NewKey) -> None:
    start = began(rotated)
    use(successor_of(rotated), start + HOURS)
    use(ApiKey.objects.filter(pk=rotated.row.pk), start + 2 * HOURS)
    look(rotated, start + 25 * HOURS)
    assert old(rotated).revoked_at is None
    look(rotated, start + 26 * HOURS)
    assert (old(rotated).revoked_at, old(rotated).revoked_reason) == (start + 26 * HOURS, "rotated")
    assert not OpenRotation.objects.exists()
    event = Event.objects.get(name=EventName.API_KEY_REVOKED)
    assert (event.target_id, event.detail["reason"]) == (str(rotated.row.uuid), "rotated")


def test_a_use_that_is_written_meanwhile_saves_the_old_key(rotated: NewKey) -> None:
    later = began(rotated) + 2 * DAY
    use(successor_of(rotated), later)
    row = OpenRotation.objects.select_related("key__user", "key__organization").get()
    found = use_of(row)
    assert found is not None
    use(ApiKey.objects.filter(pk=rotated.row.pk), later)
    assert not end_if_quiet(row, found, Origin("", "", later))
    assert old(rotated).revoked_at is None and not Event.objects.filter(name=EventName.API_KEY_REVOKED)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a trigger of PostgreSQL needs a function")
def test_a_rotation_that_cannot_be_finished_does_not_stop_others(cast: Cast, rotated: NewKey) -> None:
    other = make_key(cast.bob, name="other")
    rotate_api_key(
        caller=caller_at_command_line(), key=other.row, expires_at=None, overlap=3 * DAY, when_quiet=True
    )
    start = timezone.now() - 2 * DAY
    OpenRotation.objects.update(began_at=start, look_at=start)
    OpenRotation.objects.filter(key=rotated.row).update(look_at=start - DAY)  # it comes first
    use(ApiKey.objects.filter(predecessor__isnull=False), start + HOURS)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER broken BEFORE UPDATE ON apikeys_apikey WHEN OLD.name = 'backup' "
            "BEGIN SELECT RAISE(ABORT, 'broken'); END"
        )
    finish_rotations()
    assert (old(rotated).revoked_at, old(other).revoked_reason) == (None, "rotated")


def test_a_successor_that_nobody_uses_ends_nothing(rotated: NewKey) -> None:
    start = began(rotated)
    look(rotated, start + 50 * HOURS)
    assert old(rotated).revoked_at is None
    assert start + 50 * HOURS < OpenRotation.objects.get().look_at <= start + 51 * HOURS


def test_the_next_look_is_when_the_old_key_may_be_quiet(rotated: NewKey) -> None:
    start = began(rotated)
    assert OpenRotation.objects.get().look_at == start + DAY
    use(ApiKey.objects.filter(pk=rotated.row.pk), start + 23 * HOURS)
    look(rotated, start + DAY)
    assert OpenRotation.objects.get().look_at == start + 47 * HOURS


def test_a_successor_that_was_revoked_leaves_the_old_key_its_time(cast: Cast, rotated: NewKey) -> None:
    start = began(rotated)
    use(successor_of(rotated), start + HOURS)
    revoke_api_keys(caller=caller_at_command_line(), selected=successor_of(rotated))
    look(rotated, start + 2 * DAY)
    assert old(rotated).revoked_at is None and not OpenRotation.objects.exists()


def test_who_still_uses_the_old_key_at_the_end_of_the_overlap_is_mailed_once(
    rotated: NewKey, mailbox: Mailbox
) -> None:
    start = began(rotated)
    use(successor_of(rotated), start + HOURS)
    use(ApiKey.objects.filter(pk=rotated.row.pk), start + 70 * HOURS)
    ScopeUse.objects.create(key=rotated.row, scope="keys:read", last_used_at=start + 70 * HOURS)
    hour = int((start + 70 * HOURS).timestamp()) // HOUR * HOUR
    KeyUse.objects.create(key=rotated.row, begins_at=hour, seconds=HOUR, outcome=Outcome.ALLOWED, count=41)
    look(rotated, start + 71 * HOURS)
    assert not mailbox.mails
    for _ in range(2):
        look(rotated, start + 3 * DAY)
    assert not OpenRotation.objects.exists()
    release()
    send_due()
    assert [mail["Subject"] for mail in mailbox.mails] == [
        "The rotated API key backup at Keyhouse is still used"
    ]
    text = " ".join(plain(mailbox.mails[0]).split())
    assert "backup of alice, last used from 192.0.2.7" in text
    assert "with the scopes keys:read" in text and "41 requests in the last 24 hours" in text


def test_an_old_key_that_nobody_uses_at_the_end_of_the_overlap_costs_no_mail(
    rotated: NewKey, mailbox: Mailbox
) -> None:
    look(rotated, began(rotated) + 3 * DAY)
    release()
    send_due()
    assert not mailbox.mails and not OpenRotation.objects.exists()


def test_where_the_profile_says_so_the_old_key_lasts_until_it_is_quiet(cast: Cast, mailbox: Mailbox) -> None:
    with serving("rotation", longest_days=30):
        key = make_key(cast.alice, name="backup")
        made = rotate_api_key(
            caller=caller_at_command_line(), key=key.row, expires_at=None, overlap=DAY, when_quiet=True
        )
        start = began(key)
        assert made.predecessor_ends_at == old(key).expires_at == start + 30 * DAY
        use(successor_of(key), start + HOURS)
        for hour in (20, 44, 68):
            use(ApiKey.objects.filter(pk=key.row.pk), start + hour * HOURS)
            look(key, start + (hour + 5) * HOURS)
        release()
        send_due()
        assert len(mailbox.mails) == 1 and "The old key ends on" in plain(mailbox.mails[0])
        look(key, start + 92 * HOURS)
        assert old(key).revoked_reason == "rotated"


def test_the_api_takes_finish_and_says_what_it_needs(cast: Cast) -> None:
    alice = as_user(cast.alice)
    key = make_key(cast.alice)
    path = f"api-keys/{key.row.uuid}/rotate"
    refused = {
        "finish": ({"finish": "when_quiet"}, "needs an overlap, during which the old key still works"),
        "word": ({"finish": "at_once", "overlap": "24h"}, "Must be one of: when_quiet."),
        "null": ({"finish": None, "overlap": "24h"}, "null"),
    }
    for body, said in refused.values():
        problem = assert_problem(alice.post(path, body), 400, "invalid")
        assert [each["member"] for each in problem["errors"]] == ["finish"]
        assert said in problem["errors"][0]["detail"]
    made = alice.post(path, {"finish": "when_quiet", "overlap": "24h"})
    assert made.status_code == 201 and OpenRotation.objects.get().key_id == key.row.pk


def test_a_profile_without_it_does_not_know_the_member(cast: Cast) -> None:
    with serving("rotation", quiet_hours=None):
        key = make_key(cast.alice)
        answer = as_user(cast.alice).post(
            f"api-keys/{key.row.uuid}/rotate", {"finish": "when_quiet", "overlap": "24h"}
        )
        assert "Unknown member" in assert_problem(answer, 400, "invalid")["errors"][0]["detail"]


@pytest.mark.django_db(transaction=True)
def test_of_servers_that_look_at_once_one_ends_the_old_key(rotated: NewKey) -> None:
    start = began(rotated)
    use(successor_of(rotated), start + HOURS)
    together = threading.Barrier(3)

    def look_once(_: int) -> None:
        together.wait()
        try:
            look(rotated, start + 2 * DAY)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(look_once, range(3)))
    assert old(rotated).revoked_at == start + 2 * DAY
    assert Event.objects.filter(name=EventName.API_KEY_REVOKED).count() == 1


def test_a_look_at_what_is_not_due_costs_one_query(rotated: NewKey, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        finish_rotations()
    assert OpenRotation.objects.exists()
