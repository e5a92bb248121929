"""Refusals are recorded, but a refused client cannot fill the log."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, connections, transaction

from audit import refusals
from audit.actors import ANONYMOUS, Actor, Origin, Target
from audit.events import EventName
from audit.models import ChainHead, Event
from audit.refusals import record_refusal
from tests.accounts.helpers import rows_are_locked
from tests.audit.broken import no_event_table

KEY = Target("api_key", "11111111-1111-1111-1111-111111111111", "CI")


def refuse(
    *,
    name: EventName = EventName.API_KEY_REFUSED,
    actor: Actor = ANONYMOUS,
    target: Target = KEY,
    reason: str = "revoked",
    ip: str = "192.0.2.1",
) -> None:
    here = Origin.here()
    record_refusal(
        name,
        actor=actor,
        target=target,
        detail={"reason": reason},
        origin=Origin(ip, here.request_id, here.at),
    )


@pytest.fixture
def minutes(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still. Append a time to set it."""
    times = [1000.0]
    monkeypatch.setattr("audit.refusals.time.monotonic", lambda: times[-1])
    return times


def test_the_same_refusal_is_recorded_once_a_minute(db: None, minutes: list[float]) -> None:
    for seconds in (0, 1, 59.9):
        minutes.append(1000.0 + seconds)
        refuse()
    assert Event.objects.count() == 1
    minutes.append(1060.0)
    refuse()
    assert Event.objects.count() == 2


def test_refusals_differ_by_actor_target_reason_and_address(db: None, minutes: list[float]) -> None:
    refuse()
    refuse(name=EventName.ACCESS_DENIED)
    refuse(actor=Actor("user", "22222222-2222-2222-2222-222222222222", "bob"))
    refuse(target=Target("api_key", "33333333-3333-3333-3333-333333333333", "CI"))
    refuse(reason="expired")
    refuse(ip="192.0.2.2")
    assert Event.objects.count() == 6


def test_denials_at_other_endpoints_are_other_refusals(db: None, minutes: list[float]) -> None:
    for path in ("GET /api/v1/users", "GET /api/v1/audit", "GET /api/v1/users"):
        refuse(name=EventName.ACCESS_DENIED, target=Target("endpoint", "", path))
    assert Event.objects.count() == 2


def test_one_source_fills_no_log_however_it_varies_what_it_asks_for(db: None, minutes: list[float]) -> None:
    for number in range(refusals.MOST_EACH + 20):
        refuse(target=Target("endpoint", "", f"GET /things/{number}"))
    assert Event.objects.count() == refusals.MOST_EACH
    refuse(ip="192.0.2.2")
    assert Event.objects.count() == refusals.MOST_EACH + 1
    minutes.append(1060.0)
    refuse()
    assert Event.objects.count() == refusals.MOST_EACH + 2


def test_the_addresses_of_an_ipv6_site_are_one_source(db: None, minutes: list[float]) -> None:
    for number in range(3):
        refuse(ip=f"2001:db8:1:2::{number:x}")
    assert Event.objects.count() == 1
    refuse(ip="2001:db8:1:3::1")
    assert Event.objects.count() == 2


def test_what_was_recorded_is_remembered_for_a_minute_and_no_longer(db: None, minutes: list[float]) -> None:
    for number in range(3):
        refuse(ip=f"192.0.2.{number}")
    minutes.append(1060.0)
    refuse(ip="192.0.2.9")
    assert len(refusals._recorded) == 1


def test_memory_stays_bounded_and_the_oldest_is_forgotten_first(
    db: None, minutes: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "REMEMBERED", 3)
    for number in range(5):
        refuse(ip=f"192.0.2.{number}")
    assert len(refusals._recorded) == 3
    refuse(ip="192.0.2.4")
    assert Event.objects.count() == 5
    refuse(ip="192.0.2.0")
    assert Event.objects.count() == 6


def test_a_refusal_that_could_not_be_recorded_is_recorded_the_next_time(
    transactional_db: None, minutes: list[float]
) -> None:
    with no_event_table(), pytest.raises(DatabaseError):
        refuse()
    refuse()
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_identical_refusals_at_once_are_one_event() -> None:
    start = threading.Barrier(2)

    def work() -> None:
        try:
            start.wait()
            refuse()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Event.objects.count() == 1


@rows_are_locked
@pytest.mark.django_db(transaction=True)
def test_a_refused_client_does_not_wait_while_the_log_is_busy(
    minutes: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    refuse()
    minutes.append(1060.0)

    def work() -> None:
        try:
            refuse()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        ChainHead.objects.select_for_update().get()
        pool.submit(work).result(timeout=60)
        assert "not recorded, because the audit log is busy: api_key:refused" in caplog.text
    assert Event.objects.count() == 1
    refuse()
    assert Event.objects.count() == 2
