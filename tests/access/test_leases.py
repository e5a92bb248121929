"""Epochs: which events begin one, what belongs to one, and which answers wait for a lease."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access import remembered
from access.principal_cache import NOTHING, Memory, memory
from audit.events import CHANGES_NO_CALLER, EventName
from audit.models import ChainHead
from config.database.settings import database_config
from tests.access.remembering import happen, names, read, remember
from tests.accounts.helpers import at_once, connections_to, statements

Lease = Callable[[float], None]
LONG = 3600.0


def number() -> int:
    return ChainHead.objects.values_list("epoch", flat=True).first() or 0


@pytest.mark.parametrize("name", list(EventName))
def test_every_event_that_may_change_a_caller_begins_an_epoch(name: EventName, db: None) -> None:
    happen()
    before = number()
    happen(name)
    assert number() == before + (name not in CHANGES_NO_CALLER)


def test_only_attempts_and_new_rows_change_no_caller() -> None:
    changing = {"deactivated", "deleted", "changed", "removed", "revoked", "ended", "reused", "reset"}
    of_no_caller = {"webhook", "mapping"}  # webhooks only send; a mapping counts at the next login
    changed = {tuple(name.split(":")) for name in CHANGES_NO_CALLER}
    assert not {about for about, action in changed if action in changing} - of_no_caller


def test_what_is_known_is_trusted_without_a_query_for_a_lease(db: None, lease: Lease) -> None:
    lease(LONG)
    remember(b"name")
    with CaptureQueriesContext(connection) as captured:
        assert names() == {b"name"}
    assert statements(captured) == []


def test_after_a_lease_one_query_says_whether_it_still_holds(db: None, lease: Lease) -> None:
    lease(1e-9)
    remember(b"name")
    with CaptureQueriesContext(connection) as captured:
        assert names() == {b"name"}
    assert len(statements(captured)) == 1
    happen()
    assert names() == set()


def test_a_lease_ends_when_its_time_is_over_and_not_later(
    db: None, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "clock_gettime", lambda _: now[0])
    lease(2.0)
    remember(b"name")
    now[0] = 101.5
    with CaptureQueriesContext(connection) as captured:
        assert memory.trusted() is memory.known()
        assert memory.trusted().callers._reads.keys() == {b"name"}
    assert statements(captured) == []
    now[0] = 102.0
    assert memory.trusted() is NOTHING
    with CaptureQueriesContext(connection) as captured:
        assert names() == {b"name"}
    assert len(statements(captured)) == 1
    assert memory.trusted() is memory.known()


def test_a_request_in_the_second_half_of_a_lease_asks_for_its_renewal(
    db: None, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "clock_gettime", lambda _: now[0])
    lease(2.0)
    cache = Memory()
    cache.known()
    asked = []
    for now[0] in (100.75, 101.0):
        cache.trusted()
        asked.append(cache._is_ageing.is_set())
    assert asked == [False, True]


def test_a_cached_caller_is_trusted_until_the_last_moment_before_their_end(db: None, lease: Lease) -> None:
    lease(LONG)
    end = timezone.now()
    memory.remember(memory.known(), b"name", read()._replace(until=end))
    assert memory.known().get(b"name", end - timedelta(microseconds=1)) is not None
    assert memory.known().get(b"name", end) is None


def test_what_was_read_before_a_change_does_not_come_back_after_it(db: None, lease: Lease) -> None:
    lease(1e-9)
    known, before = memory.known(), read()
    happen()
    assert names() == set()
    memory.remember(known, b"name", before)
    assert names() == set()


def test_without_a_lease_nothing_is_trusted_and_nobody_waits(db: None, lease: Lease) -> None:
    lease(0)
    remember(b"name")
    with CaptureQueriesContext(connection) as captured:
        assert memory.known() is NOTHING
    assert statements(captured) == []
    happen()
    assert connection.run_on_commit == []


def test_memory_is_bounded_and_the_oldest_goes_first(
    db: None, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease(LONG)
    monkeypatch.setattr(remembered, "MOST_REMEMBERED", 3)
    for place in range(5):
        remember(bytes([place]))
    assert list(memory.known().callers._reads) == [bytes([2]), bytes([3]), bytes([4])]


@pytest.fixture
def silent_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Listen at the database's address for new threads, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = database_config(f"postgres://u@127.0.0.1:{silent.getsockname()[1]}/x", Path())
        monkeypatch.setitem(
            connections.settings, DEFAULT_DB_ALIAS, connections.settings[DEFAULT_DB_ALIAS] | there
        )
        yield silent


@pytest.mark.requirement(97)
def test_threads_that_wait_for_a_look_that_fails_fail_with_it_without_another_query(
    db: None, lease: Lease, silent_database: socket.socket
) -> None:
    def failure_of_look(_: int) -> str:
        with pytest.raises(OperationalError) as raised:
            memory.known()
        return str(raised.value)

    lease(LONG)
    (failure,) = set(at_once(failure_of_look, times=4))
    assert connections_to(silent_database) == 1
    assert at_once(failure_of_look, times=1) == [failure]  # later threads look themselves
    assert connections_to(silent_database) == 1


@pytest.mark.django_db(transaction=True)
def test_many_changes_in_one_transaction_wait_once_and_after_the_commit(
    lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[tuple[float, bool, int]] = []
    monkeypatch.setattr(
        time, "sleep", lambda seconds: waits.append((seconds, connection.in_atomic_block, number()))
    )
    lease(LONG)
    with transaction.atomic():
        for _ in range(5):
            happen()
        assert waits == []
    assert waits == [(LONG, False, 5)]


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_taken_back_begins_no_epoch_and_waits_for_nothing(lease: Lease) -> None:
    lease(LONG)
    with pytest.raises(KeyError), transaction.atomic():
        happen()
        raise KeyError
    assert number() == 0


@pytest.mark.django_db(transaction=True)
def test_those_who_wait_do_not_wait_for_one_another(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(4, timeout=60)
    monkeypatch.setattr(time, "sleep", lambda seconds: together.wait())
    lease(LONG)

    def change() -> None:
        happen()
        connections.close_all()

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not together.broken
    assert number() == 4
