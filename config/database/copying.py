"""Copies all rows of an SQLite database into an empty PostgreSQL database, as they are.

Rows go through COPY, past models and services: primary keys, times, digests and audit events stay as they
are. The triggers of the audit log allow new rows, so they stay in force.
"""

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from django.apps import apps
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model
from django.db.utils import ConnectionHandler

from config.database.rows import PART
from config.program import command

# The models that are not copied, and why. The rows of all others are.
NOT_COPIED = {
    "contenttypes.ContentType": "migrations write its rows from the code",
    "auth.Permission": "migrations write its rows from the code",
    "auth.Group": "unused: roles come from the profile",
    "auth.Group_permissions": "unused, like groups",
    "admin.LogEntry": "unused: the audit log records what happens in the admin",
}
REPLACED = {"accounts.KnownSecret"}  # a command that ran on the empty database may have written some
LOCKED = re.compile(r"database( table)? is locked")
ADVANCE = """
    SELECT setval(name::regclass, GREATEST(%s, pg_sequence_last_value(name::regclass)))
    FROM pg_get_serial_sequence(%s, %s) AS name
"""
PLACE = re.compile(r"line (\d+)(?:, column (\w+))?")
WAIT_SECONDS = 2  # for a command that is just ending

Progress = Callable[[str, int], None]


class Sent(NamedTuple):
    """A table, and its rows as one COPY sends them."""

    table: str
    columns: list[str]
    rows: Generator[list[Any]]


@contextmanager
def opened(path: Path) -> Iterator[BaseDatabaseWrapper]:
    """Open an SQLite database for reading, and keep all other processes out until the end.

    In WAL mode, an exclusive lock is refused while another process has the file open, even if it is idle
    (https://www.sqlite.org/wal.html#use_of_wal_without_shared_memory). Raises CommandError.
    """
    if not path.is_file():
        raise CommandError(f"--from: there is no file {path}")
    options = {
        "timeout": WAIT_SECONDS,
        "init_command": "PRAGMA locking_mode=EXCLUSIVE; PRAGMA query_only=ON",
    }
    config = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": options}
    source = ConnectionHandler({"default": config})["default"]
    try:
        _lock(source, path)
        yield source
    finally:
        source.close()


def _lock(source: BaseDatabaseWrapper, path: Path) -> None:
    try:
        source.introspection.table_names()  # any read takes the lock
    except DatabaseError as error:
        if LOCKED.search(str(error)):
            raise CommandError(
                f"--from: another process has {path} open; stop all servers and commands that use it"
            ) from None
        raise CommandError(f"--from: cannot read {path}: {_first_line(error)}") from None


def copied_models() -> list[type[Model]]:
    """Return the models whose rows are copied."""
    found = apps.get_models(include_auto_created=True)
    return [model for model in found if model._meta.label not in NOT_COPIED]


def check_source(source: BaseDatabaseWrapper) -> None:
    """Raise CommandError unless the database has the tables and columns of this version, and no others."""
    models: list[type[Model]] = [*apps.get_models(include_auto_created=True), MigrationRecorder.Migration]
    known = {f"{model._meta.db_table}.{column}" for model in models for column in _columns(model)}
    present = _all_columns(source)
    if known - present or not _has_all_migrations(source):
        raise CommandError(
            "--from: the database is not set up for this version; "
            f"first run {command('setup')} with DATABASE_URL=sqlite:///PATH"
        )
    if unknown := present - known:
        raise CommandError(f"--from: this version does not know {min(unknown)}; use the version that made it")


def _has_all_migrations(source: BaseDatabaseWrapper) -> bool:
    with source.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        applied = set(cursor.fetchall())
    return applied.issuperset(MigrationLoader(None).graph.leaf_nodes())


def _all_columns(database: BaseDatabaseWrapper) -> set[str]:
    """Return the columns of all tables, as TABLE.COLUMN."""
    with database.cursor() as cursor:
        return {
            f"{table}.{column.name}"
            for table in database.introspection.table_names(cursor)
            for column in database.introspection.get_table_description(cursor, table)
        }


def check_target() -> None:
    """Raise CommandError unless DATABASE_URL is PostgreSQL, and the tables that it has are empty."""
    if connection.vendor != "postgresql":
        raise CommandError("DATABASE_URL must be the PostgreSQL database to copy into")
    present = connection.introspection.table_names()
    for model in copied_models():
        if model._meta.db_table in present and model._meta.label not in REPLACED and count(model, connection):
            raise CommandError(f"DATABASE_URL: the database is in use: {model._meta.db_table} has rows")


def count(model: type[Model], database: BaseDatabaseWrapper) -> int:
    """Return the number of rows in a database."""
    with database.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {database.ops.quote_name(model._meta.db_table)}")  # noqa: S608
        found: int = cursor.fetchone()[0]
    return found


def copy_all(source: BaseDatabaseWrapper, progress: Progress) -> None:
    """Copy all rows, in the caller's transaction. Nobody else can write until it ends.

    Calls `progress` with a table and the number of its copied rows from time to time. Raises CommandError
    if a table has rows already, or cannot take a row.
    """
    models = copied_models()
    _take(models)
    check_target()
    for model in models:
        _send(_as_sent(model, source), progress)
        if count(model, source) != count(model, connection):
            raise CommandError(f"{model._meta.db_table}: not all rows arrived")
    _set_sequences(models, source)
    _finish(models)


def _take(models: list[type[Model]]) -> None:
    """Lock the tables against other writers, without limits of time, and empty those of REPLACED."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute(f"LOCK TABLE {_names(models)} IN SHARE ROW EXCLUSIVE MODE")
        for model in models:
            if model._meta.label in REPLACED:
                cursor.execute(f"DELETE FROM {_names([model])}")  # noqa: S608


def _names(models: list[type[Model]]) -> str:
    return ", ".join(connection.ops.quote_name(model._meta.db_table) for model in models)


def _columns(model: type[Model]) -> list[str]:
    return [str(field.column) for field in model._meta.concrete_fields]


def _as_sent(model: type[Model], source: BaseDatabaseWrapper) -> Sent:
    return Sent(model._meta.db_table, _columns(model), _rows(model, source))


def _rows(model: type[Model], source: BaseDatabaseWrapper) -> Generator[list[Any]]:
    """Yield the rows as PostgreSQL takes them. Raises CommandError for a value that cannot be read."""
    fields, table = model._meta.concrete_fields, model._meta.db_table
    found = model._base_manager.order_by("pk").values_list(*[field.attname for field in fields])
    compiler = found.query.get_compiler(connection=source)
    results = compiler.execute_sql(chunked_fetch=True, chunk_size=PART)
    try:
        for row in compiler.results_iter(results):
            pairs = zip(fields, row, strict=True)
            yield [field.get_db_prep_save(value, connection) for field, value in pairs]
    except DatabaseError as error:
        raise CommandError(f"{table}: {_first_line(error).partition(' with text')[0]}") from None
    except ValueError:
        raise CommandError(f"{table}: a value does not fit the type of its column") from None
    finally:
        results.close()  # before the source


def _send(sent: Sent, progress: Progress) -> None:
    quote = connection.ops.quote_name
    statement = f"COPY {quote(sent.table)} ({', '.join(map(quote, sent.columns))}) FROM STDIN"
    try:
        with (
            closing(sent.rows),
            connection.wrap_database_errors,
            connection.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            for number, row in enumerate(sent.rows, start=1):
                copy.write_row(row)
                if number % PART == 0:
                    progress(sent.table, number)
    except DatabaseError as error:
        raise CommandError(f"{sent.table}{_place(error)}: {_first_line(error)}") from None


def _place(error: DatabaseError) -> str:
    """Return which row and column an error of COPY is about, without the value."""
    found = PLACE.search(str(error))
    if found is None:
        return ""
    return f", row {found[1]} by primary key" + (f", column {found[2]}" if found[2] else "")


def _first_line(error: DatabaseError) -> str:
    """Return the message alone: the lines below it have values of the row."""
    return str(error).partition("\n")[0]


def _set_sequences(models: list[type[Model]], source: BaseDatabaseWrapper) -> None:
    """Continue numbering after every row of either database, so that no number of a deleted row is reused."""
    with source.cursor() as cursor:
        cursor.execute("SELECT name, seq FROM sqlite_sequence")
        last = dict(cursor.fetchall())
    with connection.cursor() as cursor:
        for model in models:
            table, auto = model._meta.db_table, model._meta.auto_field
            if auto is not None and last.get(table):
                cursor.execute(ADVANCE, [last[table], connection.ops.quote_name(table), auto.column])


def _finish(models: list[type[Model]]) -> None:
    """Check the constraints that would wait for the commit, and let the database plan for these rows."""
    try:
        connection.check_constraints()
    except DatabaseError as error:
        raise CommandError(_first_line(error)) from None
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {_names(models)}")
