"""For the few statements on the way of every request: written by hand, read the same from both databases.

Making the SQL of a query set takes longer than the database needs to run it.
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
    """A uuid as a value to compare a column with."""
    return UUID(text) if connection.features.has_native_uuid_field else UUID(text).hex


def as_uuid(value: UUID | str) -> str:
    """A uuid in its usual spelling; SQLite has the bare digits."""
    return str(value if isinstance(value, UUID) else UUID(value))


def as_time(value: datetime) -> datetime:
    """A point in time; SQLite leaves out that it is UTC."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def as_json(value: str) -> Any:
    """What a JSON column holds; Django has both databases return it as text."""
    return json.loads(value)
