"""The time limit of statements, which the database must set if a pooler drops connection options."""

from typing import NamedTuple

from django.core.management.base import CommandError
from django.db import connection
from psycopg.sql import SQL, Identifier, Literal

from config.database.settings import POSTGRES_STATEMENT_MS
from config.program import command

LIMIT = SQL("ALTER ROLE {role} IN DATABASE {database} SET statement_timeout = {ms};")


class StatementLimit(NamedTuple):
    """The present time limit of statements in milliseconds (0: none), and the SQL that sets one."""

    in_force_ms: int
    sql: str


def statement_limit() -> StatementLimit:
    """Return the limit of this connection. Raises CommandError on SQLite."""
    if connection.vendor != "postgresql":
        raise CommandError("DATABASE_URL must be a PostgreSQL database: SQLite has no roles to limit")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setting::int, session_user, current_database() FROM pg_settings"
            " WHERE name = 'statement_timeout'"
        )
        in_force_ms, role, database = cursor.fetchone()
    names = {"role": Identifier(role), "database": Identifier(database)}
    return StatementLimit(in_force_ms, LIMIT.format(**names, ms=Literal(POSTGRES_STATEMENT_MS)).as_string())


def check_limits() -> None:
    """Raise CommandError if PostgreSQL has no time limit for statements: some poolers drop options."""
    if connection.vendor == "postgresql" and not statement_limit().in_force_ms:
        raise CommandError(
            "the database has no time limit for statements (statement_timeout is 0);  "
            f"run the SQL that {command('databaselimits')} prints, and let the pooler reconnect"
        )
