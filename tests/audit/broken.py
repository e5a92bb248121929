"""Damage that an attacker or an accident can do to the table of events."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from audit import triggers


def execute(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def tamper(statement: str, *parameters: Any) -> None:
    """Change the table as an attacker with the database's password could."""
    triggers.drop(connection)
    execute(statement, *parameters)
    triggers.create(connection)


@contextmanager
def no_event_table() -> Iterator[None]:
    """Make recording fail until the block ends."""
    triggers.drop(connection)
    execute("ALTER TABLE audit_event RENAME TO audit_away")
    try:
        yield
    finally:
        execute("ALTER TABLE audit_away RENAME TO audit_event")
        triggers.create(connection)
