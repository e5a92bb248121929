"""Django's PostgreSQL backend, but for connections that ended while they lay idle, and long migrations."""

import select

from django.db.backends.postgresql import base
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from psycopg import Connection

from config.database.lost import connection_lost


class SchemaEditor(DatabaseSchemaEditor):
    """Lets migrations take as long as they need. PgBouncer gives a longer setting to other clients."""

    def __enter__(self) -> "SchemaEditor":
        super().__enter__()
        if self.atomic_migration:
            self.execute("SET LOCAL statement_timeout = 0")
        return self


class DatabaseWrapper(base.DatabaseWrapper):
    """A thread's connection, which replaces itself outside of transactions once the database has ended it."""

    SchemaEditorClass = SchemaEditor

    def close_if_health_check_failed(self) -> None:
        """Close a connection that is over, so that the statement or transaction to come opens another one.

        Django calls this before each of them. Within a transaction nothing is closed, nor before its commit
        hooks, which Django would forget: services wait for leases in them.
        """
        if self.connection is not None and self.connection.autocommit and is_over(self.connection):
            self.close()

    def _close(self) -> None:
        """Close the connection, and say so if it had been lost under a statement."""
        if self.connection is not None and self.connection.broken:
            connection_lost.send(type(self))
        super()._close()  # type: ignore[misc]  # the stubs leave it out


def is_over(connection: "Connection[object]") -> bool:
    """Whether an idle connection has ended. The socket says so: no statement, about 3 µs.

    PostgreSQL says nothing unasked, but that it ends the connection, and that its configuration was read
    anew; the latter costs a connection that was still good.
    """
    if connection.closed:
        return True
    socket = select.poll()
    socket.register(connection, select.POLLIN)
    return bool(socket.poll(0))
