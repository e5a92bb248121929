"""Keyhouse behind a real PgBouncer in transaction mode, where clients share connections to the database."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from config.database.settings import PREPARE_THRESHOLD, database_config
from tests.config.database.conftest import restore
from tests.config.database.pgbouncer import TIME_ZONE, Pooler, make_database, pooling
from tests.installation import ADMIN, Answer, Installation, Server, free_port, log_in_as_admin
from tests.postgres import Postgres

pytestmark = [
    pytest.mark.skipif(os.environ.get("KEYHOUSE_TEST_VENDOR") != "postgresql", reason="about PostgreSQL"),
    pytest.mark.slow,
]
ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock/items"}
LOOKS_EVERY_TIME = {"KEYHOUSE_LEASE_MS": "1"}
ONE_CONNECTION = {"default_pool_size": "1", "max_db_connections": "1"}
ROUNDS = 4  # of requests from clients that ask at once
# What a client left behind on a connection that others use next.
LEFT_BEHIND = {
    "settings": "SELECT name, setting FROM pg_settings WHERE source = 'session' AND name <> ALL"
    "('{client_encoding,TimeZone,DateStyle,application_name,standard_conforming_strings}')",  # PgBouncer's
    "locks": "SELECT objid FROM pg_locks WHERE locktype = 'advisory'",
    "statements": "SELECT statement FROM pg_prepared_statements",
    "cursors": "SELECT statement FROM pg_cursors WHERE name <> ''",
    "tables": "SELECT relname FROM pg_class WHERE relpersistence = 't'",
    "channels": "SELECT pg_listening_channels()",
}


@pytest.fixture
def database(database: Postgres) -> Postgres:
    make_database(database)
    return database


@pytest.fixture
def pooler(database: Postgres) -> Iterator[Pooler]:
    with pooling(database) as running:
        yield running


def installed(pooler: Pooler, folder: Path) -> Installation:
    """An installation behind PgBouncer, with its limits in force, set up by two commands at once."""
    installation = Installation(folder, f"{pooler.url}?pgbouncer=true", dict(LOOKS_EVERY_TIME))
    limit(installation, pooler)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: installation.manage("setup", **ADMIN), range(2)))
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    return installation


def restored_behind(pooler: Pooler, original: Installation, folder: Path) -> Installation:
    """A copy of an installation behind PgBouncer, with its limits in force."""
    restored = restore(original, pooler.direct, folder)
    installation = replace(restored, database_url=f"{pooler.url}?pgbouncer=true", settings=LOOKS_EVERY_TIME)
    limit(installation, pooler)
    return installation


def limit(installation: Installation, pooler: Pooler) -> None:
    """Follow the documentation: run the printed SQL in the database."""
    printed = installation.manage("databaselimits")
    assert printed.returncode == 0, printed.stderr
    pooler.tell(printed.stdout)
    pooler.admit("RECONNECT")


def ask(server: Server, path: str, credential: dict[str, str]) -> Answer:
    return server.request("GET", path, headers={**credential, **ORIGINAL})


def new_key(server: Server, caller: dict[str, str]) -> dict[str, str]:
    body = {"name": "k", "scopes": ["services:read"]}
    made = server.request("POST", "/api/v1/api-keys", headers=caller, body=body)
    return {"X-API-Key": made.json()["key"]}


def work(server: Server) -> None:
    """A login, a key, checks by many threads at once, a revocation that holds."""
    caller = log_in_as_admin(server)
    key = new_key(server, caller)
    paths = [("/gateway/check", key), ("/api/v1/auth/me", caller), ("/api/v1/api-keys", key), ("/ready", {})]
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda number: ask(server, *paths[number % len(paths)]), range(16 * ROUNDS))
        assert {answer.status for answer in answers} <= {200, 403}
    found = server.request("GET", "/gateway/check", headers={**key, **ORIGINAL})
    number = found.headers["x-auth-credential"].removeprefix("key:")
    assert server.request("DELETE", f"/api/v1/api-keys/{number}", headers=caller).status == 204
    assert ask(server, "/gateway/check", key).status == 401


def test_a_start_behind_pgbouncer_without_the_option_names_the_option(pooler: Pooler, tmp_path: Path) -> None:
    done = Installation(tmp_path, pooler.url).manage("setup", **ADMIN)
    assert done.returncode != 0
    assert "unsupported startup parameter: options" in done.stderr
    assert "add ?pgbouncer=true to DATABASE_URL" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("query", "settings"),
    [("pgbouncer=true", {}), ("prepare_threshold=none", {"ignore_startup_parameters": "options"})],
)
def test_a_server_without_a_time_limit_for_statements_does_not_start(
    database: Postgres, tmp_path: Path, query: str, settings: dict[str, str]
) -> None:
    with pooling(database, **settings) as pooler:
        installation = Installation(tmp_path, f"{pooler.url}?{query}")
        assert installation.manage("setup", **ADMIN).returncode == 0
        done = installation.manage("serve", "--bind", f"127.0.0.1:{free_port()}")
        assert done.returncode != 0
        assert "statement_timeout is 0" in done.stderr and "databaselimits" in done.stderr
        assert done.stderr.count("\n") == 1


def test_the_command_prints_sql_that_sets_the_limit(pooler: Pooler, tmp_path: Path) -> None:
    installation = Installation(tmp_path, f"{pooler.url}?pgbouncer=true")
    before = installation.manage_json("databaselimits")
    assert (before["statement_timeout_ms"], before["in_force_ms"]) == (30_000, 0)
    limit(installation, pooler)
    assert installation.manage_json("databaselimits") == before | {"in_force_ms": 30_000}
    assert pooler.ask("SHOW statement_timeout") == [("30s",)]


def client(pooler: Pooler) -> Any:
    """A connection as our servers open it."""
    config = database_config(f"{pooler.url}?pgbouncer=true", Path("/nowhere"))
    return ConnectionHandler({"default": config})["default"]


def ask_as(client: Any, statement: str, *values: Any) -> Any:
    with client.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]


def left_behind(pooler: Pooler, *, connections: int) -> dict[str, list[Any]]:
    """Return the state that the next clients of so many database connections would find."""
    found: dict[str, list[Any]] = {what: [] for what in LEFT_BEHIND}
    with ExitStack() as stack:
        for _ in range(connections):  # each has a transaction open, and so a connection to itself
            connection = stack.enter_context(psycopg.connect(pooler.url, prepare_threshold=None))
            for what, statement in LEFT_BEHIND.items():
                found[what] += connection.execute(statement.encode()).fetchall()
    return {what: rows for what, rows in found.items() if rows}


@pytest.mark.django_db
def test_two_clients_on_one_connection_have_the_limit_and_leave_each_other_nothing(
    database: Postgres,
) -> None:
    with pooling(database, **ONE_CONNECTION) as pooler:
        pooler.tell("ALTER ROLE keyhouse SET statement_timeout = '200ms'")
        pooler.admit("RECONNECT")
        one, other = client(pooler), client(pooler)
        assert len({ask_as(each, "SELECT pg_backend_pid()") for each in (one, other, one)}) == 1
        for number in range(4 * PREPARE_THRESHOLD):
            assert [ask_as(each, "SELECT %s + 1", number) for each in (one, other)] == [number + 1] * 2
        for each in (one, other):
            with pytest.raises(OperationalError, match="statement timeout"):
                ask_as(each, "SELECT pg_sleep(60) IS NULL")
            with each.chunked_cursor() as cursor:
                cursor.execute("SELECT generate_series(1, 5000)")
                assert cursor.fetchone() == (1,)
        assert left_behind(pooler, connections=1) == {}
        assert pooler.ask("SHOW TimeZone") == [(TIME_ZONE,)]
        one.close()
        other.close()


def test_servers_work_and_leave_nothing_behind(database: Postgres, tmp_path: Path) -> None:
    with pooling(database, default_pool_size="2", query_wait_timeout="60") as pooler:
        installation = installed(pooler, tmp_path)
        with installation.serve("--workers", "2") as server, installation.serve("--workers", "2") as other:
            work(server)
            work(other)
        assert installation.manage_json("auditverify")["valid"] is True
        assert left_behind(pooler, connections=2) == {}
        for output in (server.output, other.output):
            assert "Traceback" not in output


@pytest.mark.requirement(108)
def test_connections_that_end_on_either_side_of_pgbouncer_cost_no_request(
    database: Postgres, after_first_start: Installation, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        pooler = first.enter_context(pooling(database))
        installation = restored_behind(pooler, after_first_start, tmp_path)
        server = stack.enter_context(installation.serve())
        caller = log_in_as_admin(server)
        key = new_key(server, caller)
        assert good_answers(server, caller, key) == {200}
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'keyhouse'"
            )
        assert good_answers(server, caller, key) == {200}
        first.close()
        stack.enter_context(pooling(database, listen_port=str(pooler.server.port)))
        assert good_answers(server, caller, key) == {200}


def good_answers(server: Server, caller: dict[str, str], key: dict[str, str]) -> set[int]:
    paths = [("/gateway/check", key), ("/api/v1/auth/me", caller), ("/ready", {})]
    with ThreadPoolExecutor(8) as pool:
        asked = pool.map(lambda number: ask(server, *paths[number % len(paths)]), range(8 * ROUNDS))
        return {answer.status for answer in asked}


@pytest.mark.requirement(97)
def test_without_the_database_behind_pgbouncer_keyhouse_answers_503_and_recovers(
    database: Postgres, pooler: Pooler, after_first_start: Installation, tmp_path: Path
) -> None:
    with restored_behind(pooler, after_first_start, tmp_path).serve() as server:
        caller = log_in_as_admin(server)
        key = new_key(server, caller)
        assert good_answers(server, caller, key) == {200}
        database.stop()
        for path, credential in (("/ready", {}), ("/gateway/check", key), ("/api/v1/auth/me", caller)):
            assert ask(server, path, credential).status == 503
        assert ask(server, "/health", {}).status == 200
        database.start()
        while (answer := ask(server, "/ready", {})).status != 200:
            assert answer.status == 503
            time.sleep(0.05)  # PgBouncer tries again once a second
        assert good_answers(server, caller, key) == {200}
    assert "Traceback" not in server.output
