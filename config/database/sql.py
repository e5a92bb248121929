"""Helpers for the few hand-written statements that run on most requests, on both databases.

Building the SQL of a query set takes longer than the database needs to run it.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection


def select(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a SELECT with %s for each of `values`. Raises django.db.Error."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def uuid_value(text: str) -> object:
    """Return a uuid as a value to compare a column with."""
    return UUID(text) if connection.features.has_native_uuid_field else UUID(text).hex


def as_uuid(value: UUID | str) -> str:
    """Return a uuid with hyphens; SQLite stores it without."""
    return str(value if isinstance(value, UUID) else UUID(value))


def as_time(value: datetime) -> datetime:
    """Return a time in UTC; SQLite stores it without a time zone."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def as_json(value: str) -> Any:
    """Return the value of a JSON column, which both databases return as text under Django."""
    return json.loads(value)
