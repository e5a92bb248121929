"""All rows of a database, read without Keyhouse and Django, so that two databases can be compared."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Identifier

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")
Rows = dict[str, list[dict[str, Any]]]

TABLES_OF_POSTGRESQL = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
TABLES_OF_SQLITE = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"


def rows_in_postgresql(url: str) -> Rows:
    """Return the rows of each table, in a form that the database does not change."""
    with psycopg.connect(url) as connection:
        tables = [name for (name,) in connection.execute(TABLES_OF_POSTGRESQL)]
        found: Rows = {}
        for table in tables:
            cursor = connection.execute(SQL("SELECT * FROM {}").format(Identifier(table)))
            found[table] = sorted_rows([column.name for column in cursor.description or ()], cursor)
    return found


def rows_in_sqlite(path: Path) -> Rows:
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute(TABLES_OF_SQLITE)]
        found: Rows = {}
        for table in tables:
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            found[table] = sorted_rows([column[0] for column in cursor.description], cursor)
    return found


def sorted_rows(names: list[str], rows: Any) -> list[dict[str, Any]]:
    found = [{name: plain(value) for name, value in zip(names, row, strict=True)} for row in rows]
    return sorted(found, key=lambda row: json.dumps(row, sort_keys=True))


def plain(value: Any) -> Any:
    """Return a value as SQLite has it: dates, times and UUIDs as text, booleans as numbers, bytes as hex."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, str) and TIME.fullmatch(value):
        return datetime.fromisoformat(value).isoformat(" ")  # SQLite leaves zeros out
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        return json.loads(value)
    return int(value) if isinstance(value, bool) else value
