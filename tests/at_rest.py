"""Reads the whole database, as an attacker with a copy could."""

import json
from typing import Any

from django.db import connection


def everything_stored() -> str:
    """Return every column of every row as text, with bytes as hex and as latin-1."""
    with connection.cursor() as cursor:
        rows = [
            row for table in connection.introspection.table_names(cursor) for row in all_of(cursor, table)
        ]
    return "\n".join(as_text(value) for row in rows for value in row)


def all_of(cursor: Any, table: str) -> list[tuple[Any, ...]]:
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def as_text(value: Any) -> str:
    if isinstance(value, (bytes, memoryview)):
        return f"{bytes(value).hex()} {bytes(value).decode('latin-1')}"
    return value if isinstance(value, str) else json.dumps(value, default=str)
