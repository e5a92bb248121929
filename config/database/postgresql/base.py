"""Django's PostgreSQL backend, with replacement of ended idle connections, and with long migrations."""

import select

from django.db.backends.postgresql import base
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from psycopg import Connection

from config.database.lost import connection_lost


class SchemaEditor(DatabaseSchemaEditor):
    """Removes the time limit of statements in migrations; LOCAL, since PgBouncer shares the connection."""

    def __enter__(self) -> "SchemaEditor":
        super().__enter__()
        if self.atomic_migration:
            self.execute("SET LOCAL statement_timeout = 0")
        return self


class DatabaseWrapper(base.DatabaseWrapper):
    """A thread's connection. It replaces itself, outside transactions, after the database has ended it."""

    SchemaEditorClass = SchemaEditor

    def close_if_health_check_failed(self) -> None:
        """Close an ended connection, so that the next statement or transaction opens a new one.

        Django calls this before each statement and transaction. It closes nothing inside a transaction, nor
        before its commit hooks: Django would lose the hooks, in which services wait for leases.
        """
        if self.connection is not None and self.connection.autocommit and is_over(self.connection):
            self.close()

    def _close(self) -> None:
        """Close the connection, and send a signal if it was lost during a statement."""
        if self.connection is not None and self.connection.broken:
            connection_lost.send(type(self))
        super()._close()  # type: ignore[misc]  # missing in the stubs


def is_over(connection: "Connection[object]") -> bool:
    """Whether an idle connection has ended. Polls the socket, which takes about 3 µs and no statement.

    PostgreSQL sends unasked only that it ends the connection, or that it has reloaded its configuration.
    A reload therefore also replaces connections that are still good.
    """
    if connection.closed:
        return True
    socket = select.poll()
    socket.register(connection, select.POLLIN)
    return bool(socket.poll(0))
