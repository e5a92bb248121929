"""Adds many rows at once. The ORM takes several times as long to make a statement of them as to run it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, JSONField, Model
from django.db.models.expressions import DatabaseDefault

Prepare = Callable[[Any], Any]


def insert_all(rows: Sequence[Model]) -> None:
    """Add these rows of one model, with every column that they have.

    Raises IntegrityError if a row breaks a constraint. Call it in a transaction.
    """
    fields = rows[0]._meta.concrete_fields
    names = [field.attname for field in fields]
    values = ([getattr(row, name) for name in names] for row in rows)
    insert_like(rows[0], [str(field.column) for field in fields], values)


def insert_few(rows: Sequence[Model]) -> None:
    """Add these rows of one model with one INSERT, which takes less time than a COPY for fewer than 100.

    Raises IntegrityError if a row breaks a constraint.
    """
    database, table = connections["default"], rows[0]._meta
    quote = database.ops.quote_name
    prepare = {field.attname: _preparing(field, database) for field in table.concrete_fields}
    columns = ", ".join(quote(str(field.column)) for field in table.concrete_fields)
    places = ", ".join([f"({', '.join(['%s'] * len(prepare))})"] * len(rows))
    values = [prepared(getattr(row, name)) for row in rows for name, prepared in prepare.items()]
    with database.cursor() as cursor:
        cursor.execute(f"INSERT INTO {quote(table.db_table)} ({columns}) VALUES {places}", values)  # noqa: S608 (constants)
    for row in rows:
        row._state.adding = False


def insert_like(template: Model, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add rows that equal `template` except in `columns`, with one COPY in PostgreSQL.

    Raises IntegrityError if a row breaks a constraint. Call it in a transaction.
    """
    database = connections["default"]
    fields = {str(field.column): field for field in template._meta.concrete_fields}
    present = {name: field.value_from_object(template) for name, field in fields.items()}
    shared = [name for name, value in present.items() if name not in columns and _is_set(value)]
    same = [_preparing(fields[name], database)(present[name]) for name in shared]
    prepare = {index: _preparing(fields[name], database) for index, name in enumerate(columns)}
    changed = {index: each for index, each in prepare.items() if each is not _as_it_is}
    quote = database.ops.quote_name
    names = ", ".join(map(quote, [*columns, *shared]))
    prepared = (_prepared(row, changed) + same for row in rows)
    with database.wrap_database_errors, database.cursor() as cursor:
        _write(cursor, f"{quote(template._meta.db_table)} ({names})", len(columns) + len(same), prepared)


def _is_set(value: Any) -> bool:
    return value is not None and not isinstance(value, DatabaseDefault)


def _preparing(field: "Field[Any, Any]", database: BaseDatabaseWrapper) -> Prepare:
    """Return what makes a value of this column one that the database takes."""
    if isinstance(field, JSONField):
        return json.dumps
    if database.vendor == "postgresql":
        return _as_it_is
    return lambda value: field.get_db_prep_save(value, database)


def _as_it_is(value: Any) -> Any:
    return value


def _prepared(row: Sequence[Any], changed: Mapping[int, Prepare]) -> list[Any]:
    values = list(row)
    for index, prepare in changed.items():
        values[index] = prepare(values[index])
    return values


def _write(cursor: Any, target: str, width: int, rows: Iterable[Sequence[Any]]) -> None:
    if cursor.db.vendor == "postgresql":
        with cursor.copy(f"COPY {target} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        places = ", ".join(["%s"] * width)
        cursor.executemany(f"INSERT INTO {target} VALUES ({places})", list(rows))  # noqa: S608 (constants)
