"""DATABASE_URL: SQLite in the data folder, SQLite in a file, PostgreSQL, or clear words."""

from pathlib import Path

import pytest
from django.db import connection

from config.database import database_config
from config.env import ConfigurationError
from tests.installation import Installation

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
    values = ("config.postgresql", "name", "user", f"{SECRET}/@", "host", 5433)
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


def test_the_url_says_otherwise_if_it_wants_to() -> None:
    options = database_config("postgres://user@host/name?tcp_user_timeout=9000&keepalives=0", DATA)["OPTIONS"]
    assert (str(options["tcp_user_timeout"]), str(options["keepalives"])) == ("9000", "0")


def test_a_wrong_threshold_is_said() -> None:
    with pytest.raises(ConfigurationError, match="prepare_threshold is not a number or none"):
        database_config("postgres://user@host/name?prepare_threshold=often", DATA)
