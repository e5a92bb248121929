"""Helpers for the few hand-written statements that run on most requests, on both databases.

Building the SQL of a query set takes longer than the database needs to run it.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection


def select(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement with %s for each of `values`. Raises django.db.Error."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


LENGTH_OF_UUID = 36  # with hyphens
ANY_OF_TEXT = "= ANY(ARRAY(SELECT decode(given, 'hex') FROM unnest(string_to_array(%s, ' ')) AS given))"
MOST_PLACES = 10_000  # placeholders in one statement; SQLite allows 32,766


class Lookup(NamedTuple):
    """Columns of a table whose rows are found by values of a unique column, which are texts or bytes."""

    columns: str
    table: str
    by: str

    def find(self, values: Sequence[str] | Sequence[bytes]) -> list[tuple[Any, ...]]:
        """Return the rows with one of many values. Raises django.db.Error.

        PostgreSQL gets the values as one JSON text: psycopg would take longer to read a placeholder for each.
        It looks into the index once for each, whatever it believes to know of a table that was just filled.
        """
        if not values:
            return []
        found = f"SELECT {self.columns} FROM {self.table} WHERE {self.by}"  # noqa: S608 (it holds constants)
        if connection.vendor == "postgresql":
            texts = [each.hex() if isinstance(each, bytes) else each for each in values]
            value = "decode(given, 'hex')" if isinstance(values[0], bytes) else "given"
            each_row = f"CROSS JOIN LATERAL ({found} = {value} LIMIT 1) AS found"
            statement = f"SELECT found.* FROM json_array_elements_text(%s::json) AS given {each_row}"  # noqa: S608
            return select(statement, [json.dumps(texts)])
        parts = (values[start : start + MOST_PLACES] for start in range(0, len(values), MOST_PLACES))
        return [row for part in parts for row in select(f"{found} IN ({_places(part)})", part)]


def _places(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))


class AnyOf(NamedTuple):
    """What a statement says of a column that has one of some values, and the values of its placeholders."""

    condition: str
    values: list[Any]


def any_of(values: Sequence[bytes]) -> AnyOf:
    """Return the condition that a column of bytes has one of `values`.

    PostgreSQL gets them as one text, so that one statement is prepared for any number of them. As it does not
    know this number while it plans, no plan for given values looks better to it than the plan for all, and it
    soon keeps that one.
    """
    if connection.vendor == "postgresql":
        return AnyOf(ANY_OF_TEXT, [" ".join([each.hex() for each in values])])
    return AnyOf(f"IN ({_places(values)})", list(values))


class GivenRows(NamedTuple):
    """A query whose rows are given, in their order, and the value of its one placeholder."""

    query: str
    values: list[str]


def rows_query(types: Sequence[str], rows: Sequence[Sequence[Any]]) -> GivenRows:
    """Return a query of these rows. Its columns are column1, column2, …, with these types in PostgreSQL.

    The rows are one JSON text: with a placeholder for each value, psycopg takes longer to read the
    statement than PostgreSQL to write the rows.
    """
    if connection.vendor == "postgresql":
        column, source = "(value ->> {index})::{type}", "json_array_elements(%s::json)"
    else:
        column, source = "json_extract(value, '$[{index}]')", "json_each(%s)"
    columns = [
        f"{column.format(index=index, type=each)} AS column{index + 1}" for index, each in enumerate(types)
    ]
    query = f"SELECT {', '.join(columns)} FROM {source} WHERE true"  # noqa: S608 (it holds only constants)
    return GivenRows(query, [json.dumps(rows, default=str)])


def uuid_value(text: str) -> object:
    """Return a uuid as a value to compare a column with."""
    return UUID(text) if connection.features.has_native_uuid_field else UUID(text).hex


def as_uuid(value: UUID | str) -> str:
    """Return a uuid with hyphens; SQLite stores it without."""
    if isinstance(value, str) and len(value) == LENGTH_OF_UUID:
        return value
    return str(value if isinstance(value, UUID) else UUID(value))


def as_time(value: datetime) -> datetime:
    """Return a time in UTC; SQLite stores it without a time zone."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def as_json(value: str) -> Any:
    """Return the value of a JSON column, which both databases return as text under Django."""
    return json.loads(value)
