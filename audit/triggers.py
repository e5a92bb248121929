"""Append-only in the database itself: whoever bypasses our code is still told no, as an IntegrityError.

A migration that rebuilds the table on SQLite loses its triggers and has to end with `create` again.
"""

from typing import Any

_POSTGRESQL = (
    """
    CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'audit events cannot be changed or deleted' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()
    """,
)
_NO_POSTGRESQL = (
    "DROP TRIGGER IF EXISTS audit_event_append_only ON audit_event",
    "DROP FUNCTION IF EXISTS audit_event_refuse()",
)
_SQLITE = (
    """
    CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event
    BEGIN SELECT RAISE(ABORT, 'audit events cannot be changed'); END
    """,
    """
    CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event
    BEGIN SELECT RAISE(ABORT, 'audit events cannot be deleted'); END
    """,
    # INSERT OR REPLACE deletes the old row without firing the trigger above.
    """
    CREATE TRIGGER audit_event_no_replace BEFORE INSERT ON audit_event
    WHEN EXISTS (SELECT 1 FROM audit_event WHERE sequence = NEW.sequence OR uuid = NEW.uuid)
    BEGIN SELECT RAISE(ABORT, 'audit events cannot be replaced'); END
    """,
)
_NO_SQLITE = tuple(
    f"DROP TRIGGER IF EXISTS audit_event_no_{what}" for what in ("update", "delete", "replace")
)

_CREATE = {"postgresql": _POSTGRESQL, "sqlite": _SQLITE}
_DROP = {"postgresql": _NO_POSTGRESQL, "sqlite": _NO_SQLITE}


def create(connection: Any) -> None:
    """Make the event table append-only."""
    _execute(connection, _CREATE[connection.vendor])


def drop(connection: Any) -> None:
    """Undo `create`; nothing happens where there is nothing to undo."""
    _execute(connection, _DROP[connection.vendor])


def _execute(connection: Any, statements: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
