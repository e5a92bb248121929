"""A time limit for single statements, shorter than that of the connection."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled


class StatementTooSlow(Exception):
    """The database ended a statement that ran for too long."""


@contextmanager
def statements_within(milliseconds: int) -> Iterator[None]:
    """Have PostgreSQL end each statement of the block after this time; SQLite has no such limit.

    The limit is LOCAL to a transaction, since PgBouncer shares the connection. Raises StatementTooSlow.
    """
    if connection.vendor != "postgresql":
        yield
        return
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {milliseconds:d}")
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise StatementTooSlow from error
        raise
