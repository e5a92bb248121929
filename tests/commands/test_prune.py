"""prune deletes obsolete rows, and nothing else."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session as BrowserSession
from django.core.management import call_command
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from access.callers import caller_at_command_line
from accounts.invitations.services import invite
from accounts.models import (
    AttemptCount,
    EmailChange,
    IdempotentRequest,
    Invitation,
    PasswordReset,
    Registration,
    Session,
    User,
)
from apikeys.models import (
    DAY,
    HOUR,
    ApiKey,
    HourTotal,
    KeyUse,
    Outcome,
    QuotaLedger,
    ScopeUse,
    first_of_hours,
)
from apikeys.services.api_keys import NewKey
from apikeys.services.rotation import rotate_api_key
from apikeys.usage.services import Counted, Use, add_counts, write_uses
from audit.models import Event
from config.commands import terminal
from config.database import retention
from tests.accounts.helpers import at_once, caller_as, rows_are_locked
from tests.apikeys.quotas.helpers import limit
from tests.commands.expired import remembered
from tests.commands.helpers import output_of, refusal_of, run
from tests.conftest import Cast, make_key
from tests.installation import Installation

ONE_DAY, ONE_HOUR = timedelta(days=1), timedelta(hours=1)
NOW: datetime
TODAY: datetime
LAST_MIDNIGHT: datetime  # hours before it are merged into days
NOTHING_DONE = {
    "old_uses": 0, "uses_of_deleted_keys": 0, "scopes_of_deleted_keys": 0,
    "networks_of_deleted_keys": 0, "old_notices": 0, "quotas_of_deleted_keys": 0,
    "old_reports": 0, "old_totals": 0, "hours": 0,
    "sessions": 0, "browser_sessions": 0, "attempt_counts": 0, "idempotency_keys": 0,
    "spent_challenges": 0, "registrations": 0, "password_resets": 0,
    "recovery_links": 0, "email_undos": 0, "email_changes": 0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def points_in_time() -> None:
    """Set the times for each test: a run of all tests may last past midnight."""
    global NOW, TODAY, LAST_MIDNIGHT
    NOW = timezone.now()
    TODAY = NOW.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    LAST_MIDNIGHT = TODAY - 7 * ONE_DAY


@pytest.fixture
def key(cast: Cast) -> NewKey:
    return make_key(cast.alice)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prune a few rows at a time, so that it takes many rounds."""
    monkeypatch.setattr(retention, "SOME", 7)


def counted(
    key: NewKey, moment: datetime, times: int, outcome: Outcome = Outcome.ALLOWED, seconds: int = HOUR
) -> None:
    add_counts([Counted(key.row.pk, int(moment.timestamp()), seconds, outcome.value, times)])


def kept(seconds: int) -> dict[tuple[datetime, str], int]:
    """Return the counts of hours, or of days, by beginning and outcome."""
    rows = KeyUse.objects.filter(seconds=seconds).values_list("begins_at", "outcome", "count")
    return {(datetime.fromtimestamp(begins, UTC), outcome): count for begins, outcome, count in rows}


def pruned(*arguments: str) -> dict[str, int]:
    """Return the kinds of rows that were pruned, with their counts."""
    document = run("prune", *arguments)
    return {name: count for name, count in document["pruned"].items() if count}


def test_hours_are_put_together_into_days_a_week_later(key: NewKey) -> None:
    for hours in range(1, 25):
        counted(key, LAST_MIDNIGHT - hours * ONE_HOUR, hours)
    counted(key, LAST_MIDNIGHT - ONE_HOUR, 5, Outcome.RATE)
    counted(key, LAST_MIDNIGHT, 1000)
    assert pruned() == {"hours": 25}
    day = LAST_MIDNIGHT - ONE_DAY
    assert kept(DAY) == {(day, "allowed"): 300, (day, "rate"): 5}
    assert kept(HOUR) == {(LAST_MIDNIGHT, "allowed"): 1000}
    assert pruned() == {}


def test_an_hour_that_comes_late_is_added_to_its_day(key: NewKey) -> None:
    day = LAST_MIDNIGHT - ONE_DAY
    counted(key, day, 2)
    pruned()
    counted(key, day, 3)
    counted(key, day + ONE_HOUR, 4)
    pruned()
    assert (kept(DAY), kept(HOUR)) == ({(day, "allowed"): 9}, {})


def test_how_long_hours_are_kept_can_be_said(key: NewKey) -> None:
    counted(key, TODAY - 2 * ONE_DAY, 1)
    counted(key, TODAY - ONE_DAY, 1)
    assert pruned("--hours-for", "3d") == {}
    assert pruned("--hours-for", "1d") == {"hours": 1}
    assert kept(HOUR) == {(TODAY - ONE_DAY, "allowed"): 1}
    assert refusal_of("prune", "--hours-for", "long").startswith("hours-for: ")


def test_uses_of_more_than_400_days_ago_are_deleted(key: NewKey) -> None:
    for seconds in (HOUR, DAY):
        counted(key, NOW - 401 * ONE_DAY, 1, seconds=seconds)
    counted(key, TODAY - 399 * ONE_DAY, 1, seconds=DAY)
    assert pruned() == {"old_uses": 2}
    assert kept(DAY) == {(TODAY - 399 * ONE_DAY, "allowed"): 1}


def test_uses_of_keys_that_are_gone_are_deleted(cast: Cast, key: NewKey) -> None:
    counted(key, TODAY, 1)
    counted(make_key(cast.bob), TODAY, 2)
    ApiKey.objects.get(pk=key.row.pk).delete()
    assert pruned() == {"uses_of_deleted_keys": 1}
    assert kept(HOUR) == {(TODAY, "allowed"): 2}


def used(key: NewKey, moment: datetime) -> None:
    """Write uses as the background thread does: the hour, the totals, and the use of a scope."""
    cell = (key.row.pk, int(moment.timestamp()) // 3600 * 3600, Outcome.ALLOWED, ("services:read",))
    write_uses({cell: Use(1, moment, "192.0.2.1")}, skip_locked=False)


def test_when_scopes_of_keys_that_are_gone_were_used_is_deleted(cast: Cast, key: NewKey) -> None:
    used(key, NOW)
    used(make_key(cast.bob), NOW)
    ApiKey.objects.get(pk=key.row.pk).delete()
    gone = ("uses", "scopes", "networks")
    assert pruned() == {f"{what}_of_deleted_keys": 1 for what in gone}
    assert ScopeUse.objects.exclude(key=key.row).count() == 1


def test_quotas_of_keys_that_are_gone_are_deleted(cast: Cast, key: NewKey) -> None:
    old = make_key(cast.bob)
    new = rotate_api_key(caller=caller_at_command_line(), key=old.row, expires_at=None)
    for holder in (key, new, cast.acme):
        limit(holder, day=1)
    ApiKey.objects.filter(pk__in=[key.row.pk, old.row.pk]).delete()
    assert pruned() == {"quotas_of_deleted_keys": 1}
    ApiKey.objects.filter(pk=new.row.pk).delete()
    assert pruned() == {"quotas_of_deleted_keys": 1}
    assert QuotaLedger.objects.get().organization == cast.acme


def test_totals_are_deleted_when_no_chart_shows_them_any_more(key: NewKey) -> None:
    shown = first_of_hours(7 * 24, NOW)
    used(key, datetime.fromtimestamp(shown, UTC))
    used(key, datetime.fromtimestamp(shown, UTC) - timedelta(hours=2))
    assert pruned()["old_totals"] == 1
    assert HourTotal.objects.get().begins_at == shown


def session(user: User, **times: timedelta) -> int:
    """Create a live session from a year ago, with these times set to so long ago."""
    values: dict[str, Any] = {"expires_at": NOW + ONE_DAY, "last_seen_at": NOW}
    values |= {name: NOW - ago for name, ago in times.items()}
    row = Session.objects.create(user=user, refresh_digest=b"", created_at=NOW - 365 * ONE_DAY, **values)
    return row.pk


def test_sessions_are_deleted_a_month_after_their_end_whatever_ended_them(cast: Cast) -> None:
    month, margin = 30 * ONE_DAY, ONE_HOUR
    idle = 14 * ONE_DAY
    for length in (month + margin, month - margin):
        session(cast.alice, ended_at=length)
        session(cast.alice, expires_at=length)
        session(cast.alice, last_seen_at=length + idle)
    alive = session(cast.alice)
    assert pruned() == {"sessions": 3}
    assert Session.objects.count() == 4
    assert Session.objects.live(NOW).get().pk == alive


def test_what_has_expired_is_deleted_and_what_is_good_stays(cast: Cast) -> None:
    remembered(cast.alice, NOW - ONE_HOUR, "old")
    remembered(cast.bob, NOW + ONE_HOUR, "new")
    each = {"browser_sessions", "attempt_counts", "idempotency_keys", "registrations", "password_resets"}
    each |= {"spent_challenges", "email_changes", "email_undos", "recovery_links"}
    assert pruned() == dict.fromkeys(each, 1)
    assert BrowserSession.objects.get().session_key == "new"
    assert bytes(AttemptCount.objects.get().digest) == b"new"
    for model in (IdempotentRequest, Registration, PasswordReset, EmailChange):
        assert model._default_manager.filter(digest=b"new").count() == model._default_manager.count() == 1
    assert pruned() == {}


def test_an_invitation_that_has_expired_can_still_be_sent_again_and_stays(cast: Cast) -> None:
    invite(caller=caller_as(cast.ada), organization=cast.acme, email="x@example.org", role="developer")
    Invitation.objects.update(expires_at=NOW - 365 * ONE_DAY)
    assert pruned() == {}
    assert Invitation.objects.count() == 1


def test_a_dry_run_counts_and_does_nothing(cast: Cast, key: NewKey) -> None:
    counted(key, LAST_MIDNIGHT - ONE_HOUR, 1)
    session(cast.alice, ended_at=31 * ONE_DAY)
    document = run("prune", "--dry-run")
    assert document == {"dry_run": True, "pruned": NOTHING_DONE | {"hours": 1, "sessions": 1}}
    assert (kept(DAY), Session.objects.count()) == ({}, 1)
    assert run("prune") == {"dry_run": False, "pruned": NOTHING_DONE | {"hours": 1, "sessions": 1}}


def test_audit_events_stay(cast: Cast, key: NewKey) -> None:
    counted(key, LAST_MIDNIGHT - ONE_HOUR, 1)
    before = list(Event.objects.values_list("sequence", "hash"))
    pruned()
    assert list(Event.objects.values_list("sequence", "hash")) == before != []


def test_it_takes_some_rows_at_a_time_until_all_is_done_and_says_how_far_it_is(
    key: NewKey,
    small_steps: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    monkeypatch.setattr(terminal, "PROGRESS_SECONDS", 0)
    for hours in range(1, 51):
        counted(key, LAST_MIDNIGHT - hours * ONE_HOUR, 1)
    assert output_of("prune").splitlines()[9].split() == ["hours", "50"]
    assert capsys.readouterr().err.splitlines()[:2] == ["hours: 7 …", "hours: 14 …"]
    assert sum(kept(DAY).values()) == 50


@pytest.mark.django_db(transaction=True)
def test_many_at_once_beside_writers_lose_and_double_nothing(cast: Cast, small_steps: None) -> None:
    made = [make_key(cast.alice) for _ in range(4)]
    for key in made:
        for hours in range(1, 31):
            counted(key, LAST_MIDNIGHT - hours * ONE_HOUR, 10)

    def work(number: int) -> None:
        if number % 2:
            call_command("prune", stdout=io.StringIO())
            return
        for hours in range(1, 11):
            counted(made[number], LAST_MIDNIGHT - hours * ONE_HOUR, 1)

    at_once(work, times=4)
    pruned()
    assert KeyUse.objects.aggregate(all=Sum("count"))["all"] == 4 * 30 * 10 + 2 * 10
    assert not KeyUse.objects.filter(seconds=HOUR).exists()
    assert KeyUse.objects.count() == 4 * 2  # two days of each key


@pytest.mark.django_db(transaction=True)
@rows_are_locked
def test_rows_that_somebody_has_locked_are_left_for_the_next_time(key: NewKey) -> None:
    for hours in (1, 2):
        counted(key, LAST_MIDNIGHT - hours * ONE_HOUR, 1)
    with transaction.atomic():
        KeyUse.objects.select_for_update().earliest("begins_at")
        at_once(lambda _: call_command("prune", stdout=io.StringIO()), times=1)
        assert list(kept(DAY).values()) == [1]
    assert pruned() == {"hours": 1}
    assert list(kept(DAY).values()) == [2]


@pytest.mark.once
def test_as_a_process_it_prints_one_document(installation: Installation) -> None:
    document = installation.manage_json("prune")
    assert list(document) == ["dry_run", "pruned"]
    assert list(document["pruned"]) == list(NOTHING_DONE)
