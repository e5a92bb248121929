"""Databases that stand at older migrations, which are one for an empty database."""

import json
import re
import subprocess
from collections import Counter

import pytest

from tests.installation import ADMIN, Installation, fresh_database
from tests.postgres import binaries

# What an older version did, which had no more migrations than these, and not as one.
MIGRATE_AS_BEFORE = """
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

executor = MigrationExecutor(connection)
executor.loader = MigrationLoader(connection, replace_migrations=False)
executor.migrate([
    ("accounts", "0009_digests_and_notifications"), ("apikeys", "0006_notices"), ("audit", "0002_labels"),
])
"""


def tables(installation: Installation) -> Counter[str]:
    """The words of the statements that make the schema: SQLite may have columns in another order."""
    if installation.database_url.startswith("sqlite"):
        statements = "\n".join(sql or "" for (sql,) in installation.query("SELECT sql FROM sqlite_master"))
    else:
        command = [str(binaries() / "pg_dump"), "--schema-only", "--dbname", installation.database_url]
        statements = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = (
        line for line in statements.splitlines() if not line.startswith("\\")
    )  # each dump has its own key
    return Counter(re.findall(r"[^\s,()]+", "\n".join(lines)))


def test_an_older_database_gets_the_tables_of_an_empty_one(
    bare_installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = bare_installation.manage("shell", "--no-imports", "-c", MIGRATE_AS_BEFORE)
    assert before.returncode == 0, before.stderr
    assert bare_installation.manage("setup", **ADMIN).returncode == 0
    assert bare_installation.query("SELECT name FROM django_migrations WHERE name LIKE '%squashed%'")
    folder = tmp_path_factory.mktemp("empty")
    with fresh_database(folder) as url:
        empty = Installation(folder, url)
        assert empty.manage("migrate").returncode == 0
        assert tables(bare_installation) == tables(empty)


def test_a_database_that_had_every_older_migration_needs_no_work(installation: Installation) -> None:
    squashed = "FROM django_migrations WHERE name LIKE '%squashed%'"
    names = installation.query(f"SELECT name {squashed} ORDER BY name")
    installation.query(f"DELETE {squashed}")
    done = installation.manage("setup", "--json")
    assert (json.loads(done.stdout or "null"), done.stderr) == ({"admin": None}, "")
    assert installation.query(f"SELECT name {squashed} ORDER BY name") == names
