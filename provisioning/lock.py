"""One applier changes something at a time; others wait for it."""

from django.db import connection

LOCK_NUMBER = 0x6B657970  # key of PostgreSQL's advisory lock


def take_turns() -> None:
    """Wait for other appliers; call it first in a transaction, at whose end the next one goes on.

    SQLite's transactions wait for each other anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_NUMBER])
