"""DATABASE_URL: SQLite in the data folder, SQLite in a file, PostgreSQL, or a clear error."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from config.database.postgresql.limits import statement_limit
from config.database.settings import POSTGRES_STATEMENT_MS, database_config
from config.env import ConfigurationError
from tests.installation import Installation

pytestmark = pytest.mark.databases

DATA = Path("/data")
SECRET = "s3cr3t"
KEPT_ALIVE = {
    "tcp_user_timeout": "1500",
    "keepalives_idle": "1",
    "keepalives_interval": "1",
    "keepalives_count": "2",
}


def test_the_default_is_sqlite_in_the_data_folder() -> None:
    config = database_config("", DATA)
    assert (config["ENGINE"], config["NAME"]) == ("django.db.backends.sqlite3", "/data/keyhouse.sqlite3")


@pytest.mark.parametrize(("url", "name"), [("sqlite:////x/a b.db", "/x/a b.db"), ("sqlite:///x.db", "x.db")])
def test_sqlite_takes_a_path(url: str, name: str) -> None:
    config = database_config(url, DATA)
    assert config["NAME"] == name
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_waits_at_most_two_seconds_for_a_connection(scheme: str) -> None:
    config = database_config(f"{scheme}://user:{SECRET}%2F%40@host:5433/name?sslmode=require", DATA)
    names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")
    values = ("config.database.postgresql", "name", "user", f"{SECRET}/@", "host", 5433)
    assert tuple(config[name] for name in names) == values
    assert config["OPTIONS"]["connect_timeout"] == 2
    assert config["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://user:{SECRET}@host/name",
        SECRET,
        f"//{SECRET}",
        "sqlite:///",
        "sqlite://",
        "sqlite::memory:",
        "sqlite:///:memory:",
        "sqlite://:memory:",
        "sqlite:x.db",
        "sqlite:///x.db?timeout=1",
        "postgres://",
        f"postgres://user:{SECRET}@host",
        f"postgres://user:{SECRET}/x@host/name",
        "postgres://host:port/name",
        "postgres://[",
        f"postgres://user:{SECRET}@host/name?bogus=1",
    ],
)
def test_another_url_is_refused_and_never_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^DATABASE_URL: ") as raised:
        database_config(url, DATA)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all/x.db", "postgres://postgres@/name?host=%2Fnowhere"]
)
def test_a_database_that_cannot_be_reached_is_one_line(bare_installation: Installation, url: str) -> None:
    done = bare_installation.manage("setup", DATABASE_URL=url)
    assert done.returncode != 0
    assert done.stderr.startswith("keyhouse: the database cannot be used: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
def test_sqlite_keeps_a_write_ahead_log(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        assert cursor.fetchone() == ("wal",)


@pytest.mark.parametrize(
    ("query", "threshold"), [("", 5), ("?prepare_threshold=1", 1), ("?prepare_threshold=none", None)]
)
def test_statements_that_come_often_are_prepared_unless_a_pooler_cannot(
    query: str, threshold: object
) -> None:
    options = database_config(f"postgres://user@host/name{query}", DATA)["OPTIONS"]
    assert options["server_side_binding"] is True
    assert options["prepare_threshold"] == threshold


@pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL")
def test_a_connection_gives_up_a_database_that_vanished_within_two_seconds(db: None) -> None:
    connection.ensure_connection()
    used = connection.connection.info.get_parameters()
    assert {name: used.get(name) for name in KEPT_ALIVE} == KEPT_ALIVE


def test_the_url_can_override_these_settings() -> None:
    options = database_config("postgres://user@host/name?tcp_user_timeout=9000&keepalives=0", DATA)["OPTIONS"]
    assert (str(options["tcp_user_timeout"]), str(options["keepalives"])) == ("9000", "0")


def test_a_wrong_threshold_is_reported() -> None:
    with pytest.raises(ConfigurationError, match="prepare_threshold must be a number or none"):
        database_config("postgres://user@host/name?prepare_threshold=often", DATA)


def test_behind_pgbouncer_nothing_is_asked_of_a_connection_that_others_use_next() -> None:
    config = database_config("postgres://user@host/name?pgbouncer=true", DATA)
    assert "options" not in config["OPTIONS"] and "pgbouncer" not in config["OPTIONS"]
    assert config["OPTIONS"]["prepare_threshold"] is None
    assert config["DISABLE_SERVER_SIDE_CURSORS"] is True
    again = database_config("postgres://user@host/name?pgbouncer=true&prepare_threshold=5", DATA)
    assert again["OPTIONS"]["prepare_threshold"] == 5


@pytest.mark.parametrize("query", ["", "?pgbouncer=false"])
def test_without_pgbouncer_each_connection_asks_for_its_limit(query: str) -> None:
    config = database_config(f"postgres://user@host/name{query}", DATA)
    assert config["OPTIONS"]["options"] == "-c statement_timeout=30000"
    assert not config.get("DISABLE_SERVER_SIDE_CURSORS")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("pgbouncer=maybe", "pgbouncer must be true or false"),
        ("pgbouncer=1", "pgbouncer must be true or false"),
        ("pgbouncer=true&options=-c%20jit%3Doff", "PgBouncer accepts no options; set them with ALTER ROLE"),
    ],
)
def test_a_wrong_value_of_pgbouncer_is_reported(query: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^DATABASE_URL: {reason}$"):
        database_config(f"postgres://user@host/name?{query}", DATA)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_a_migration_has_no_limit_and_leaves_that_of_its_connection() -> None:
    with connection.schema_editor(atomic=True):
        assert statement_limit().in_force_ms == 0
    assert statement_limit().in_force_ms == POSTGRES_STATEMENT_MS


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite")
def test_sqlite_has_no_role_to_limit(db: None) -> None:
    with pytest.raises(CommandError, match="DATABASE_URL must be a PostgreSQL database"):
        call_command("databaselimits")
