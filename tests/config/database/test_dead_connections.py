"""CHECKLIST 108: an idle connection that ended costs no request."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import Organization
from config.server.limits import CHECK_THREADS, OTHER_THREADS, PROBE_THREADS
from tests.accounts.mailbox import listening
from tests.config.database.conftest import restore
from tests.installation import ADMIN, Answer, Installation, Server, log_in_as_admin
from tests.postgres import Postgres

pytestmark = [
    pytest.mark.skipif(os.environ.get("KEYHOUSE_TEST_VENDOR") != "postgresql", reason="about PostgreSQL"),
    pytest.mark.slow,
]
WORKERS = 2
THREADS = PROBE_THREADS + CHECK_THREADS + OTHER_THREADS
AT_ONCE = 4 * WORKERS * THREADS
LOOKS_EVERY_TIME = {"KEYHOUSE_LEASE_MS": "1"}
ADDRESS = {"email": ADMIN["KEYHOUSE_ADMIN_EMAIL"]}
PATIENCE_SECONDS = 30
ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}
PATHS = ("/gateway/check", "/api/v1/api-keys", "/api/v1/auth/me", "/ready")
OTHERS = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
BUSY = "state <> 'idle' OR state_change > clock_timestamp() - interval '500 ms'"


@pytest.fixture
def installation(after_first_start: Installation, database: Postgres, tmp_path: Path) -> Installation:
    return restore(after_first_start, database.url, tmp_path)


def ask_database(database: Postgres, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def at_once(server: Server, caller: dict[str, str], paths: tuple[str, ...] = PATHS) -> list[Answer]:
    """The answers to many requests that are sent together, so that all threads have something to do."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(
            pool.map(
                lambda number: server.request("GET", paths[number % len(paths)], headers=caller),
                range(AT_ONCE),
            )
        )


def ask_until_all_threads_are_connected(
    server: Server, caller: dict[str, str], database: Postgres
) -> list[Answer]:
    """Send requests until each thread has its own database connection, and return the answers."""
    answers: list[Answer] = []
    while ask_database(database, f"SELECT count(*) {OTHERS}")[0][0] < WORKERS * THREADS:
        answers += at_once(server, caller)
        assert len(answers) < 100 * AT_ONCE, "the server does not use all of its threads"
    return answers


def problems(answers: list[Answer]) -> list[tuple[int, bytes]]:
    return [(answer.status, answer.body) for answer in answers if answer.status != 200]


@pytest.mark.requirement(108)
def test_after_a_restart_of_the_database_no_request_fails_for_an_idle_connection(
    database: Postgres, installation: Installation
) -> None:
    with installation.serve("--workers", str(WORKERS), **LOOKS_EVERY_TIME) as server:
        caller = log_in_as_admin(server) | ORIGINAL
        ask_until_all_threads_are_connected(server, caller, database)
        for _ in range(2):
            database.stop()
            database.start()
            assert problems(ask_until_all_threads_are_connected(server, caller, database)) == []
            assert problems(at_once(server, caller)) == []


@pytest.mark.requirement(108)
def test_what_is_written_after_a_restart_is_written_once(
    database: Postgres, installation: Installation
) -> None:
    with installation.serve("--workers", str(WORKERS), **LOOKS_EVERY_TIME) as server:
        caller = log_in_as_admin(server)
        ask_until_all_threads_are_connected(server, caller | ORIGINAL, database)
        database.stop()
        database.start()

        def make(number: int) -> int:
            body = {"name": f"k{number}", "scopes": ["services:read"]}
            return server.request("POST", "/api/v1/api-keys", headers=caller, body=body).status

        with ThreadPoolExecutor(AT_ONCE) as pool:
            assert set(pool.map(make, range(AT_ONCE))) == {201}
    names = ask_database(database, "SELECT name FROM apikeys_apikey")
    assert sorted(names) == sorted((f"k{number}",) for number in range(AT_ONCE))


@pytest.mark.requirement(108)
def test_a_database_that_stops_under_load_is_503_until_it_is_back_and_never_after(
    database: Postgres, installation: Installation
) -> None:
    with (
        installation.serve("--workers", str(WORKERS), **LOOKS_EVERY_TIME) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        caller = log_in_as_admin(server) | ORIGINAL
        is_over = threading.Event()

        def load() -> set[int]:
            statuses = set()
            while not is_over.is_set():
                statuses |= {answer.status for answer in at_once(server, caller)}
            return statuses

        loaded = pool.submit(load)
        ask_until_all_threads_are_connected(server, caller, database)
        try:
            database.stop()
            while server.request("GET", "/ready").status != 503:
                assert not loaded.done()
            database.start()
        finally:
            is_over.set()
        assert loaded.result() == {200, 503}
        assert problems(ask_until_all_threads_are_connected(server, caller, database)) == []
        assert problems(at_once(server, caller)) == []


@pytest.mark.requirement(108)
def test_threads_that_write_uses_and_send_mail_survive_the_end_of_their_connections(
    database: Postgres, installation: Installation
) -> None:
    with (
        listening() as mailbox,
        installation.serve("--workers", "1", EMAIL_URL=mailbox.url, **LOOKS_EVERY_TIME) as server,
    ):
        key = new_key(server, log_in_as_admin(server)) | ORIGINAL
        for number in range(1, 4):
            assert problems(at_once(server, key, ("/gateway/check",))) == []
            wait_for_uses(database, number * AT_ONCE)
            assert server.request("POST", "/api/v1/auth/forgot-password", body=ADDRESS).status == 200
            mailbox.wait_for(mails=number)
            assert end_idle_connections(database)
    assert "unavailable" not in server.output
    assert " yet: " not in server.output


def new_key(server: Server, caller: dict[str, str]) -> dict[str, str]:
    body = {"name": "k", "scopes": ["services:read"]}
    made = server.request("POST", "/api/v1/api-keys", headers=caller, body=body)
    return {"X-API-Key": made.json()["key"]}


def wait_for_uses(database: Postgres, number: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while ask_database(database, "SELECT coalesce(sum(count), 0) FROM apikeys_keyuse") != [(number,)]:
        assert time.monotonic() < end, "the uses were never written"
        time.sleep(0.1)  # nothing tells when a thread has written, and each look starts a process


def end_idle_connections(database: Postgres) -> bool:
    """End all connections once they have been idle for a while. Return whether there were any."""
    end = time.monotonic() + PATIENCE_SECONDS
    while ask_database(database, f"SELECT pid {OTHERS} AND ({BUSY})"):
        assert time.monotonic() < end, "the server never rests"
        time.sleep(0.1)  # it is about time that passes; each look starts a process
    return bool(ask_database(database, f"SELECT pg_terminate_backend(pid, 5000) {OTHERS}"))


@pytest.mark.requirement(108)
def test_a_mail_is_sent_once_though_the_connection_ends_while_it_is_sent(
    database: Postgres, installation: Installation
) -> None:
    ended: list[bool] = []
    with (
        listening(on_mail=lambda: ended.append(end_idle_connections(database))) as mailbox,
        installation.serve("--workers", "1", EMAIL_URL=mailbox.url) as server,
    ):
        assert server.request("POST", "/api/v1/auth/forgot-password", body=ADDRESS).status == 200
        mailbox.wait_for(mails=1)
    assert ended == [True]
    assert ask_database(database, "SELECT count(*) FROM accounts_mail") == [(0,)]


def end_own_connection() -> None:
    pid = connection.connection.info.backend_pid
    with psycopg.connect(os.environ["KEYHOUSE_TEST_SERVER"]) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(108)
def test_a_transaction_whose_connection_ends_fails_as_a_whole() -> None:
    with pytest.raises(OperationalError), transaction.atomic():
        Organization.objects.create(name="half", name_key="half")
        end_own_connection()
        Organization.objects.create(name="another half", name_key="another half")
    assert not Organization.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement(108)
def test_what_waits_for_a_commit_is_done_though_the_connection_ends_right_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit, done = connection.commit, []

    def commit_and_end() -> None:
        commit()
        end_own_connection()

    monkeypatch.setattr(connection, "commit", commit_and_end)
    with transaction.atomic():
        Organization.objects.create(name="whole", name_key="whole")
        transaction.on_commit(lambda: done.append("a lease was waited for"))
    assert done == ["a lease was waited for"]
    assert Organization.objects.exists()
