"""Delivery to sinks: one process at a time, in order, at least once, a lease after the commit."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.signing.checkpoints import signer
from audit.actors import ANONYMOUS, Origin
from audit.events import EventName
from audit.export.lines import CHECKPOINT, FORMS, Line
from audit.log import Entry, record_all
from audit.models import Sink
from audit.sinks import delivery
from audit.sinks.delivery import Outlet, deliver
from audit.sinks.lag import Lag, lag_of
from tests.accounts.helpers import at_once, statements
from tests.audit.sinks.helpers import waiting_for

WORKERS = 4


class Receiver:
    """A receiver in memory. It fails as long as `failures` says."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.failures = 0

    def send(self, lines: Sequence[Line]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionRefusedError("nobody is there")
        self.lines += lines

    @property
    def numbers(self) -> list[int]:
        return [line.position.sequence for line in self.lines if line.name != CHECKPOINT]

    @property
    def signed(self) -> list[int]:
        return [line.position.sequence for line in self.lines if line.name == CHECKPOINT]


def outlet_to(receiver: Receiver, name: str = "memory") -> Outlet:
    return Outlet(name, receiver.send, FORMS["jsonl"])


def happen(count: int = 1, ago: timedelta = timedelta(0)) -> None:
    origin = replace(Origin.here(), at=timezone.now() - ago)
    record_all([Entry(EventName.LOGIN_FAILED)] * count, actor=ANONYMOUS, origin=origin)


def test_a_new_sink_gets_everything_and_then_what_is_new(db: None) -> None:
    receiver = Receiver()
    happen(3)
    deliver(outlet_to(receiver), None)
    happen(2)
    assert waiting_for("memory") == 2
    deliver(outlet_to(receiver), None)
    assert (receiver.numbers, waiting_for("memory")) == ([1, 2, 3, 4, 5], 0)


def test_a_sink_is_as_far_behind_as_the_oldest_event_that_it_lacks(db: None) -> None:
    receiver, now = Receiver(), timezone.now()
    assert lag_of("memory", now) == Lag(0, 0, 0, 0)
    happen(ago=timedelta(hours=2))
    deliver(outlet_to(receiver), None)
    happen(ago=timedelta(minutes=10))
    happen(ago=timedelta(minutes=1))
    receiver.failures = 1
    deliver(outlet_to(receiver), None)
    lag = lag_of("memory", timezone.now())
    assert (lag.sequence, lag.events, lag.failures) == (1, 2, 1)
    assert 600 <= lag.seconds < 660
    assert lag_of("new", now).events == 3


def test_an_idle_sink_costs_two_queries(db: None) -> None:
    receiver = Receiver()
    happen()
    deliver(outlet_to(receiver), None)
    with CaptureQueriesContext(connection) as captured:
        deliver(outlet_to(receiver), None)
    assert len(statements(captured)) == 2


def test_sinks_have_cursors_of_their_own_and_a_dead_one_holds_up_no_other(db: None) -> None:
    dead, alive = Receiver(), Receiver()
    dead.failures = 100
    happen(2)
    for outlet in (outlet_to(dead, "dead"), outlet_to(alive, "alive")):
        deliver(outlet, None)
    assert (waiting_for("dead"), waiting_for("alive")) == (2, 0)


def test_a_failure_is_tried_again_after_a_growing_pause(db: None, caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver()
    receiver.failures = 2
    happen()
    for failures, pause in ((1, 5), (2, 10)):
        deliver(outlet_to(receiver), None)
        sink = Sink.objects.get()
        assert sink.failures == failures
        assert timedelta(0) < sink.next_try_at - timezone.now() <= timedelta(seconds=pause)
        deliver(outlet_to(receiver), None)  # too early: nothing happens
        assert Sink.objects.get().failures == failures
        Sink.objects.update(next_try_at=timezone.now())
    assert "nobody is there" in caplog.text
    deliver(outlet_to(receiver), None)
    assert (receiver.numbers, Sink.objects.get().failures) == ([1], 0)


def test_a_batch_that_failed_comes_whole_again_and_earlier_ones_do_not(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 2)
    receiver = Receiver()
    send, calls = receiver.send, iter((False, True))

    def fail_on_the_second(lines: Sequence[Line]) -> None:
        send(lines)
        if next(calls):
            raise ConnectionResetError("killed after it had received something")

    happen(4)
    deliver(Outlet("memory", fail_on_the_second, FORMS["jsonl"]), None)
    Sink.objects.update(next_try_at=timezone.now())
    deliver(outlet_to(receiver), None)
    assert receiver.numbers == [1, 2, 3, 4, 3, 4]


def test_a_process_that_dies_while_it_sends_loses_its_claim_and_nothing_else(db: None) -> None:
    receiver = Receiver()

    def die(lines: Sequence[Line]) -> None:
        raise SystemExit

    happen()
    with pytest.raises(SystemExit):
        deliver(Outlet("memory", die, FORMS["jsonl"]), None)
    deliver(outlet_to(receiver), None)
    assert receiver.numbers == []
    Sink.objects.update(next_try_at=timezone.now())  # the claim has expired
    deliver(outlet_to(receiver), None)
    assert receiver.numbers == [1]


def test_a_process_whose_claim_expired_does_not_move_the_cursor_back(db: None) -> None:
    slow, fast = Receiver(), Receiver()
    happen(2)

    def overtaken(lines: Sequence[Line]) -> None:
        slow.send(lines)
        happen()
        Sink.objects.update(next_try_at=timezone.now())
        deliver(outlet_to(fast), None)

    deliver(Outlet("memory", overtaken, FORMS["jsonl"]), None)
    assert (slow.numbers, fast.numbers) == ([1, 2], [1, 2, 3])
    assert Sink.objects.get().sequence == 3


@pytest.mark.django_db(transaction=True)
def test_of_several_workers_at_once_one_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BATCH", 3)
    receiver = Receiver()
    for _ in range(5):
        happen(10)
        at_once(lambda _: deliver(outlet_to(receiver), None), times=WORKERS)
    deliver(outlet_to(receiver), None)
    assert receiver.numbers == list(range(1, 51))


def test_nothing_is_sent_before_a_lease_has_passed(
    db: None, lease: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that is committed during the wait has not waited itself, and is sent the next time."""
    receiver, waits = Receiver(), list[float]()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        assert receiver.lines == []
        happen()

    lease(0.25)
    happen()
    monkeypatch.setattr(time, "sleep", wait)
    deliver(outlet_to(receiver), None)
    assert (waits, receiver.numbers) == ([0.25], [1])


def test_checkpoints_come_at_intervals_and_after_the_last_event(db: None) -> None:
    receiver = Receiver()
    happen(2)
    deliver(outlet_to(receiver), signer())
    happen()
    deliver(outlet_to(receiver), signer())
    assert (receiver.numbers, receiver.signed) == ([1, 2, 3], [2])
    Sink.objects.update(signed_at=timezone.now() - delivery.SIGNED_AFTER)
    deliver(outlet_to(receiver), signer())
    assert receiver.signed == [2, 3]
    Sink.objects.update(signed_at=timezone.now() - delivery.SIGNED_AFTER)
    deliver(outlet_to(receiver), signer())
    assert (receiver.numbers, receiver.signed) == ([1, 2, 3], [2, 3])
