"""Checks with keys that are not cached: one query reads the callers of all that came at the same time."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.callers import caller_at_command_line
from access.credentials import Presented
from access.key_limits import Rate
from access.principal_cache import memory
from apikeys.at_rest.rows import KEY
from apikeys.authentication import Sought, read_keys
from apikeys.models import ApiKey
from apikeys.services.api_keys import NewKey
from apikeys.services.revocation import revoke_api_keys
from apikeys.usage import counting
from audit.models import Event
from config import metrics
from config.database.sql import any_of
from config.server.answers import Answer
from config.wire.http.heads import PlainHead
from gateway import edge, repeated
from gateway.edge import UnreadKey, check_from_memory, check_in_thread, check_together
from tests.conftest import Cast, make_key
from tests.gateway.test_from_memory import LONG, Lease, Request


@pytest.fixture(autouse=True)
def open_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "renew_connection", lambda: None)  # as in Django's Client


def asking(key: NewKey) -> PlainHead:
    asked = ((b"x-original-method", b"GET"), (b"x-original-uri", b"/services/a"))
    request = Request("GET", b"/gateway/check", (*asked, (b"x-api-key", key.text.encode())))
    return replace(request.head(), fingerprint=key.text.encode())


@pytest.fixture
def counted() -> Iterator[Callable[[], dict[str, float]]]:
    """Count the answers to checks as a server does; return how many each status has."""
    metrics.CHECKS.start()
    counter = metrics.CHECKS._counter
    yield lambda: {
        sample.labels["status"]: sample.value
        for metric in counter.collect()
        for sample in metric.samples
        if sample.name == "keyhouse_gateway_checks_total"
    }
    metrics.CHECKS._counter = None
    metrics.CHECKS._children.clear()


def unread(key: NewKey) -> UnreadKey:
    found = check_from_memory(asking(key))
    assert isinstance(found, UnreadKey)
    return found


def statuses(answers: list[Answer | None]) -> list[int | None]:
    return [answer and answer.status for answer in answers]


def test_one_query_reads_the_callers_of_all_checks(cast: Cast, lease: Lease) -> None:
    lease(LONG)
    keys = [make_key(owner, "services:read") for owner in (cast.alice, cast.bob, cast.acme, cast.alice)]
    checks = [unread(key) for key in [*keys, keys[0]]]
    memory.known()  # looks
    with CaptureQueriesContext(connection) as queries:
        answers = check_together(checks)
    assert statuses(answers) == [200] * 5
    assert len(queries) == 1
    subjects = [dict(answer.lines)[b"X-Auth-Subject"].decode() for answer in answers if answer]
    owners = (cast.alice, cast.bob, cast.acme, cast.alice, cast.alice)
    assert subjects == [str(owner.uuid) for owner in owners]
    uses = {cell[0]: use.count for cell, use in counting._waiting.items()}
    assert uses == Counter(key.row.pk for key in (*keys, keys[0]))
    for key in keys:
        assert memory.trusted().find(bytes(key.row.digest), timezone.now())


def test_a_text_that_no_stored_key_has_is_left_to_a_thread(cast: Cast) -> None:
    sent = Presented("x" * 40, is_key=True, place="token")
    assert read_keys([Sought(sent, b"its name", is_well_formed=False)], timezone.now()) == {}


@pytest.mark.databases
def test_reads_of_different_numbers_of_keys_are_one_statement_in_postgresql(cast: Cast) -> None:
    keys = [make_key(cast.alice, "services:read") for _ in range(6)]
    statements: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    for some in (keys[:1], keys[1:3], keys[3:]):
        checks = [unread(key) for key in some]
        with connection.execute_wrapper(note):
            assert statuses(check_together(checks)) == [200] * len(some)
    assert len(statements) == 3
    assert len(set(statements)) == (1 if connection.vendor == "postgresql" else 3)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps no plans")
def test_postgresql_soon_keeps_one_plan_for_any_number_of_keys(cast: Cast) -> None:
    given = any_of([b"1" * 32])
    with connection.cursor() as cursor:
        prepared = f"{KEY} {given.condition}".replace("%s", "$1")
        cursor.execute(f"PREPARE reading (text) AS {prepared}")
        cursor.execute("SET LOCAL enable_seqscan = off")  # as if the tables were large
        for number in (1, 1, 1, 1, 1, 1, 2, 64):
            (text,) = any_of([bytes([digit]) * 32 for digit in range(number)]).values
            cursor.execute(f"EXECUTE reading ('{text}')")
        cursor.execute(
            "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE name = 'reading'"
        )
        assert cursor.fetchone() == (5, 3)


def test_a_check_that_was_read_with_others_is_answered_again_unread(cast: Cast, lease: Lease) -> None:
    lease(LONG)
    keys = [make_key(cast.alice, "services:read") for _ in range(2)]
    assert statuses(check_together([unread(key) for key in keys])) == [200, 200]
    assert all(repeated.answer_again(asking(key).fingerprint) for key in keys)


def test_keys_that_may_not_be_used_are_left_to_a_thread_that_records_why(cast: Cast) -> None:
    good, revoked, expired, disabled = (make_key(cast.alice, "services:read") for _ in range(4))
    spent = make_key(cast.alice, "services:read", rate_limit=Rate(1, 3600))
    elsewhere = make_key(cast.alice, "services:read", allowed_networks=["192.0.2.0/24"])
    refused = [revoked, expired, disabled, elsewhere, make_key(cast.alice)]
    revoke_api_keys(caller=caller_at_command_line(), selected=[revoked.row])
    a_second_ago = timezone.now() - timedelta(seconds=1)
    made = a_second_ago - timedelta(days=1)
    ApiKey.objects.filter(pk=expired.row.pk).update(created_at=made, expires_at=a_second_ago)
    ApiKey.objects.filter(pk=disabled.row.pk).update(disabled_at=timezone.now())
    before = Event.objects.count()
    answers = check_together([unread(key) for key in (*refused, spent, spent, good)])
    assert statuses(answers) == [*[None] * len(refused), 200, None, 200]
    assert Event.objects.count() == before


def test_a_cached_key_from_another_network_is_not_read_again(cast: Cast, lease: Lease) -> None:
    lease(LONG)
    key = make_key(cast.alice, "services:read", allowed_networks=["192.0.2.0/24"])
    assert statuses(check_together([unread(key)])) == [None]
    with CaptureQueriesContext(connection) as queries:
        assert check_from_memory(asking(key)) is None
    assert len(queries) == 0


def test_a_key_whose_row_cannot_be_read_fails_no_check_of_another_key(cast: Cast) -> None:
    good, broken = (make_key(cast.alice, "services:read") for _ in range(2))
    ApiKey.objects.filter(pk=broken.row.pk).update(allowed_networks=["192.0.2.7/24"])  # not by a service
    checks = [unread(key) for key in (good, broken)]
    assert statuses(check_together(checks)) == [None, None]
    assert statuses([check_in_thread(checks[0].head)]) == [200]


def test_every_check_is_503_while_the_database_fails_and_the_log_says_why(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("the connection is gone")

    checks = [unread(make_key(cast.alice, "services:read")) for _ in range(2)]
    with connection.execute_wrapper(fail):
        answers = check_together(checks)
    assert statuses(answers) == [503, 503]
    assert caplog.messages == ["database unavailable: the connection is gone"]


def test_a_check_is_counted_once_by_its_status_whichever_way_it_is_answered(
    cast: Cast, lease: Lease, counted: Callable[[], dict[str, float]]
) -> None:
    lease(LONG)
    key = make_key(cast.alice, "services:read")
    malformed = replace(key, text=f"{key.text}x")
    assert statuses(check_together([unread(key)])) == [200]
    assert statuses([check_in_thread(asking(key))]) == [200]
    ways = [check_from_memory(asking(each)) for each in (key, malformed)]
    assert [isinstance(answer, Answer) and answer.status for answer in ways] == [200, 401]
    assert counted() == {"200": 3, "401": 1}


def test_a_read_that_a_change_overtook_answers_and_is_not_cached(
    cast: Cast, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease(LONG)
    check = unread(key := make_key(cast.alice, "services:read"))
    memory.known()

    def and_forget(execute: Any, *arguments: Any) -> Any:
        try:
            return execute(*arguments)
        finally:
            memory.forget()

    with connection.execute_wrapper(and_forget):
        assert statuses(check_together([check])) == [200]
    lease(LONG)
    memory.known()
    assert memory.trusted().find(bytes(key.row.digest), timezone.now()) is None
    assert repeated._allowed == {}
