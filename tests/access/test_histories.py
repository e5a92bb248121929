"""Databases that go back in time: the cache does not trust reads from a lost history."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from access import principal_cache
from access.principal_cache import Known, memory
from audit.events import EventName
from audit.models import ChainHead
from tests.access.remembering import end, happen, names, read, remember
from tests.accounts.helpers import statements
from tests.apikeys.test_trust import use
from tests.conftest import Cast, log_in, make_key

Lease = Callable[[float], None]
LONG = 3600.0
CHANGES_NOBODY = EventName.LOGIN_FAILED

pytestmark = pytest.mark.requirement(107)


@contextmanager
def lost_history() -> Iterator[None]:
    """Undo what happens in this block, as for a standby that took over without receiving it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def remember_what_is_lost(known: Known | None = None) -> None:
    with lost_history():
        happen(CHANGES_NOBODY)
        remember(b"lost", known)


@pytest.mark.parametrize("name", [EventName.API_KEY_REVOKED, CHANGES_NOBODY])
def test_a_look_in_a_lost_history_is_noticed_whatever_the_epoch_is(
    db: None, lease: Lease, name: EventName
) -> None:
    lease(1e-9)
    happen()
    with lost_history():
        happen(name)
        happen(name)
        lost = ChainHead.objects.get().epoch
        remember(b"lost")
        assert names() == {b"lost"}
    for _ in range(3):
        happen(CHANGES_NOBODY)
    while ChainHead.objects.get().epoch < lost:
        happen()
    assert ChainHead.objects.get().epoch == lost
    assert names() == set()


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_read_in_a_lost_history_is_noticed_by_the_next_look(db: None, lease: Lease, after: int) -> None:
    """Only the read saw something of the lost history, not the look before it."""
    lease(1e-9)
    happen()
    known = memory.known()
    remember_what_is_lost(known)
    for _ in range(after):
        happen(CHANGES_NOBODY)
    assert names() == set()


def test_each_history_has_a_number_of_its_own() -> None:
    numbers = set()
    for _ in range(3):
        memory.forget()
        numbers.add(memory.history)
    assert len(numbers) == 3


def test_a_later_read_in_the_new_history_hides_no_read_in_the_lost_one(db: None, lease: Lease) -> None:
    lease(1e-9)
    happen()
    known = memory.known()
    remember_what_is_lost(known)
    happen(CHANGES_NOBODY)
    happen(CHANGES_NOBODY)
    remember(b"new", known)
    assert names() == set()


def test_a_read_before_the_position_of_the_look_empties_memory(db: None, lease: Lease) -> None:
    lease(LONG)
    happen()
    remember_what_is_lost()
    assert names() == {b"lost"}
    remember(b"new")
    assert names() == set()
    remember(b"new")
    assert names() == {b"new"}


@pytest.mark.parametrize("is_seen_by", ["a look", "a read"])
def test_a_read_at_the_same_number_in_another_history_empties_memory(
    db: None, lease: Lease, is_seen_by: str
) -> None:
    lease(LONG)
    happen()
    known = memory.known() if is_seen_by == "a read" else None
    remember_what_is_lost(known)
    happen(CHANGES_NOBODY)
    remember(b"new")
    assert names() == set()


def test_a_look_says_nothing_about_what_was_read_before_it(db: None, lease: Lease) -> None:
    lease(1e-9)
    happen()
    known = memory.known()
    with lost_history():
        happen(CHANGES_NOBODY)
        old = read()
    lease(LONG)
    memory.known()
    memory.remember(known, b"lost", old)
    assert names() == set()


def test_events_that_change_nobody_leave_memory_alone(db: None, lease: Lease) -> None:
    lease(1e-9)
    remember(b"before everything")
    known = memory.known()
    for name in (b"first", b"second"):
        happen(CHANGES_NOBODY)
        remember(name, known)
    with CaptureQueriesContext(connection) as captured:
        assert names() == {b"before everything", b"first", b"second"}
    assert len(statements(captured)) == 1


def test_a_look_asks_for_a_bounded_number_of_positions(
    db: None, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principal_cache, "MOST_POSITIONS", 2)
    lease(LONG)
    happen()
    remember(b"where the look was")
    for name in (b"at another position", b"at one too many"):
        happen(CHANGES_NOBODY)
        remember(name)
    known = {b"where the look was", b"at another position"}
    with CaptureQueriesContext(connection) as captured:
        assert names() == known
    assert len(statements(captured)) == 1  # a look, which makes room
    remember(b"again")
    assert names() == {*known, b"again"}


def test_what_is_read_of_a_credential_belongs_to_the_end_of_the_chain(cast: Cast, lease: Lease) -> None:
    key, token = make_key(cast.alice, "services:read"), log_in(cast.alice)["access_token"]
    lease(LONG)
    use(key.text)
    use(token, is_key=False)
    assert [each.position for each in memory.known().callers._reads.values()] == [end(), end()]


def terminate() -> None:
    """End this thread's connection, as a stopping or failing database does."""
    mine = connection.connection.info
    with psycopg.connect(mine.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [mine.backend_pid])  # ms to wait


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose")
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_lost_in_use_empties_memory(lease: Lease) -> None:
    lease(LONG)
    remember(b"name")
    with pytest.raises(OperationalError), transaction.atomic():
        happen(CHANGES_NOBODY)
        terminate()
        happen(CHANGES_NOBODY)
    assert names() == set()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", [connection.close, lambda: terminate()], ids=["closed", "ended while idle"])
def test_a_connection_that_is_closed_otherwise_leaves_memory_alone(
    lease: Lease, end: Callable[[], None]
) -> None:
    lease(LONG)
    remember(b"name")
    end()
    happen(CHANGES_NOBODY)
    assert names() == {b"name"}
