"""Last use of keys: gathered in memory, written in bulk, exact and never backwards."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import Error, connection, transaction
from django.test.utils import CaptureQueriesContext

from access.callers import caller_at_command_line
from accounts.users.services import delete_user
from apikeys.models import HOUR, ApiKey, KeyUse, Outcome
from apikeys.services.api_keys import NewKey
from apikeys.services.revocation import revoke_api_keys
from apikeys.usage import counting
from apikeys.usage.services import MOST_AT_ONCE, Cell, Use
from audit.actors import Origin
from tests.accounts.helpers import at_once, rows_are_locked, statements
from tests.conftest import Cast, make_key, with_key

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def key(cast: Cast) -> NewKey:
    return make_key(cast.alice, "keys:read")


def use(key: NewKey, moment: datetime, ip: str = "192.0.2.1") -> None:
    counting.record_use(key.row.pk, Origin(ip, "", moment))


def seen(key: NewKey) -> tuple[int, datetime | None, str]:
    row = ApiKey.objects.get(pk=key.row.pk)
    return row.use_count, row.last_used_at, row.last_used_ip


def hours(key: NewKey) -> dict[tuple[datetime, str], int]:
    """Return the stored counts of a key's hours, by beginning and outcome."""
    rows = KeyUse.objects.filter(key=key.row, seconds=HOUR).values_list("begins_at", "outcome", "count")
    return {(datetime.fromtimestamp(begins, UTC), outcome): count for begins, outcome, count in rows}


def test_uses_are_counted_and_the_last_one_kept(key: NewKey) -> None:
    use(key, NOON, "192.0.2.1")
    use(key, NOON + SECOND, "192.0.2.2")
    assert seen(key) == (0, None, "")
    assert counting.flush() == 1
    assert seen(key) == (2, NOON + SECOND, "192.0.2.2")
    assert counting.flush() == 0
    use(key, NOON + 2 * SECOND, "2001:db8::1")
    counting.flush()
    assert seen(key) == (3, NOON + 2 * SECOND, "2001:db8::1")


def test_an_hour_ends_where_the_next_one_begins(key: NewKey) -> None:
    for moment in (NOON - MICROSECOND, NOON, NOON + 3600 * SECOND - MICROSECOND, NOON + 3600 * SECOND):
        use(key, moment)
    counting.flush()
    assert hours(key) == {
        (NOON - 3600 * SECOND, "allowed"): 1,
        (NOON, "allowed"): 2,
        (NOON + 3600 * SECOND, "allowed"): 1,
    }


def test_each_outcome_has_a_count_of_its_own_and_only_allowed_ones_are_uses(key: NewKey) -> None:
    for times in (1, 2):
        for number, outcome in enumerate(Outcome):
            for _ in range(number + times):
                counting.record_use(key.row.pk, Origin("192.0.2.9", "", NOON + number * SECOND), outcome)
        counting.flush()
    assert hours(key) == {(NOON, outcome.value): 2 * n + 3 for n, outcome in enumerate(Outcome)}
    assert seen(key) == (3, NOON, "192.0.2.9")


def test_a_refused_attempt_does_not_touch_the_row_of_the_key(key: NewKey) -> None:
    counting.record_use(key.row.pk, Origin("", "", NOON), Outcome.RATE)
    with CaptureQueriesContext(connection) as captured:
        assert counting.flush() == 1
    assert not [sql for sql in statements(captured) if "UPDATE apikeys_apikey" in sql]


def test_the_uses_of_many_keys_take_one_statement_for_each_table(cast: Cast) -> None:
    for made in [make_key(cast.alice) for _ in range(20)]:
        use(made, NOON)
        counting.record_use(made.row.pk, Origin("", "", NOON), Outcome.NETWORK)
    with CaptureQueriesContext(connection) as captured:
        assert counting.flush() == 20
    assert [sql.split()[0] for sql in statements(captured)] == [
        "SELECT",
        "INSERT",
        "UPDATE",
        "INSERT",
        "INSERT",
    ]


def test_time_never_moves_backwards_neither_in_memory_nor_in_the_row(key: NewKey) -> None:
    use(key, NOON, "192.0.2.1")
    use(key, NOON - SECOND, "192.0.2.2")
    counting.flush()
    assert seen(key) == (2, NOON, "192.0.2.1")
    use(key, NOON - SECOND, "192.0.2.2")
    counting.flush()
    assert seen(key) == (3, NOON, "192.0.2.1")


def test_a_request_writes_nothing_itself(key: NewKey, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1) as captured:
        assert with_key(key).get("scopes").status_code == 200
    assert captured[0]["sql"].startswith("SELECT")
    counting.flush()
    assert seen(key)[0] == 1


def test_many_keys_are_written_in_few_queries(cast: Cast, django_assert_max_num_queries: Any) -> None:
    made = [make_key(cast.alice) for _ in range(MOST_AT_ONCE + 20)]
    for number, key in enumerate(made):
        for _ in range(1 + number % 3):
            use(key, NOON + number * SECOND)
    with django_assert_max_num_queries(14):
        assert counting.flush() == len(made)
    assert [seen(key)[:2] for key in made[-4:]] == [
        (1 + number % 3, NOON + number * SECOND) for number in range(len(made) - 4, len(made))
    ]


def test_using_a_key_does_not_undo_what_happened_meanwhile(key: NewKey) -> None:
    use(key, NOON)
    revoke_api_keys(caller=caller_at_command_line(), selected=[key.row], reason="leaked")
    counting.flush()
    row = ApiKey.objects.get(pk=key.row.pk)
    assert (row.revoked_reason, row.use_count, row.revoked_at is None) == ("leaked", 1, False)


def test_uses_of_a_key_that_is_gone_are_forgotten(key: NewKey) -> None:
    use(key, NOON)
    ApiKey.objects.all().delete()
    assert counting.flush() == 0
    assert counting._waiting == {}
    assert not KeyUse.objects.exists()


@pytest.mark.django_db(transaction=True)
@rows_are_locked
def test_a_key_and_its_owner_are_deleted_while_its_uses_are_written(cast: Cast, key: NewKey) -> None:
    use(key, NOON)
    counting.flush()
    use(key, NOON)
    with transaction.atomic():
        delete_user(caller=caller_at_command_line(), user=cast.alice)
        assert in_thread(counting.flush) == 0
        assert counting._waiting != {}
    assert counting.flush() == 0
    assert counting._waiting == {}


def test_memory_has_a_bound(key: NewKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_WAITING", 1)
    use(key, NOON)
    counting.record_use(key.row.pk + 1, Origin("", "", NOON))
    use(key, NOON)
    assert [number for number, *_ in counting._waiting] == [key.row.pk]
    counting.flush()
    assert seen(key)[0] == 2


def test_what_could_not_be_written_is_bound_by_it_too(key: NewKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_WAITING", 1)
    use(key, NOON)
    failed: dict[Cell, Use] = {
        (number, int(NOON.timestamp()), Outcome.ALLOWED, ()): Use(5, NOON, "192.0.2.1")
        for number in (key.row.pk + 1, key.row.pk)
    }
    counting._put_back(failed)
    assert [number for number, *_ in counting._waiting] == [key.row.pk]
    counting.flush()
    assert seen(key)[0] == 6


def test_uses_that_come_while_others_fail_to_be_written_are_added_to_those(key: NewKey) -> None:
    failed: dict[Cell, Use] = {
        (key.row.pk, int(NOON.timestamp()), Outcome.ALLOWED, ()): Use(5, NOON + SECOND, "192.0.2.2")
    }
    use(key, NOON, "192.0.2.1")
    counting._put_back(failed)
    counting.flush()
    assert seen(key) == (6, NOON + SECOND, "192.0.2.2")


@pytest.mark.django_db(transaction=True)
def test_what_could_not_be_written_is_written_later_and_once(key: NewKey) -> None:
    for _ in range(2):
        use(key, NOON + SECOND, "192.0.2.2")
    with connection.schema_editor() as editor:
        editor.execute("ALTER TABLE apikeys_apikey RENAME TO elsewhere")
    try:
        with pytest.raises(Error):
            counting.flush()
        use(key, NOON, "192.0.2.1")
        with pytest.raises(Error):
            counting.flush()
        counting._flush_quietly()
    finally:
        with connection.schema_editor() as editor:
            editor.execute("ALTER TABLE elsewhere RENAME TO apikeys_apikey")
    assert counting.flush() == 1
    assert seen(key) == (3, NOON + SECOND, "192.0.2.2")
    assert counting.flush() == 0


@pytest.mark.django_db(transaction=True)
@rows_are_locked
def test_a_row_that_somebody_has_locked_waits_and_the_others_are_written(cast: Cast, key: NewKey) -> None:
    other = make_key(cast.alice)
    use(key, NOON)
    use(other, NOON)
    with transaction.atomic():
        ApiKey.objects.select_for_update().get(pk=key.row.pk)
        assert in_thread(counting.flush) == 1
    assert (seen(key)[0], seen(other)[0]) == (0, 1)
    assert (hours(key), hours(other)) == ({}, {(NOON, "allowed"): 1})
    use(key, NOON + SECOND)
    assert counting.flush() == 1
    assert (seen(key)[:2], seen(other)[0]) == ((2, NOON + SECOND), 1)
    assert hours(key) == {(NOON, "allowed"): 2}


@pytest.mark.django_db(transaction=True)
def test_uses_from_many_threads_beside_many_flushes_are_all_counted(key: NewKey) -> None:
    def work(_: int) -> None:
        for number in range(50):
            use(key, NOON + number * SECOND)
            counting.record_use(key.row.pk, Origin("", "", NOON + number * 3600 * SECOND), Outcome.RATE)
            if number % 10 == 0:
                counting.flush()

    at_once(work, times=4)
    counting.flush()
    assert seen(key)[:2] == (200, NOON + 49 * SECOND)
    refused = {(NOON + number * 3600 * SECOND, "rate"): 4 for number in range(50)}
    assert hours(key) == {(NOON, "allowed"): 200} | refused


def in_thread(work: Any) -> Any:
    """Return the result of `work` in another thread, with its own database connection."""
    results: list[Any] = []

    def run() -> None:
        results.append(work())
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return results[0]
