"""Triggers that keep the audit log append-only for SQL that bypasses Keyhouse: it gets an IntegrityError.

They do not stop a role that may drop the table or its triggers. The owner of the tables may, and the server's
own role must be the owner to migrate. `auditverify` detects what such a role does to events.

On SQLite, a migration that rebuilds a table loses its triggers, and must end with `create`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Guard(NamedTuple):
    """Triggers of one migration: the statements that create and drop them, by database vendor."""

    create: Mapping[str, tuple[str, ...]]
    drop: Mapping[str, tuple[str, ...]]


EVENTS_ARE_KEPT = Guard(
    create={
        "postgresql": (
            """
            CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'audit events cannot be changed or deleted'
                USING ERRCODE = 'restrict_violation';
            END $$
            """,
            """
            CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
            FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()
            """,
        ),
        "sqlite": (
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
        ),
    },
    drop={
        "postgresql": (
            "DROP TRIGGER IF EXISTS audit_event_append_only ON audit_event",
            "DROP FUNCTION IF EXISTS audit_event_refuse()",
        ),
        "sqlite": tuple(
            f"DROP TRIGGER IF EXISTS audit_event_no_{what}" for what in ("update", "delete", "replace")
        ),
    },
)

# If the end were deleted, the chain and its epochs would begin again at 0, and a worker could trust what it
# read in an older epoch of the same number.
END_IS_KEPT = Guard(
    create={
        "postgresql": (
            """
            CREATE FUNCTION audit_chain_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'the audit log cannot be emptied, and its end cannot be moved back'
                USING ERRCODE = 'restrict_violation';
            END $$
            """,
            """
            CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event
            FOR EACH STATEMENT EXECUTE FUNCTION audit_chain_refuse()
            """,
            """
            CREATE TRIGGER audit_chainhead_no_delete BEFORE DELETE OR TRUNCATE ON audit_chainhead
            FOR EACH STATEMENT EXECUTE FUNCTION audit_chain_refuse()
            """,
            """
            CREATE TRIGGER audit_chainhead_forward BEFORE UPDATE ON audit_chainhead FOR EACH ROW
            WHEN (NEW.id <> OLD.id OR NEW.sequence < OLD.sequence OR NEW.epoch < OLD.epoch)
            EXECUTE FUNCTION audit_chain_refuse()
            """,
        ),
        "sqlite": (
            """
            CREATE TRIGGER audit_chainhead_no_delete BEFORE DELETE ON audit_chainhead
            BEGIN SELECT RAISE(ABORT, 'the end of the audit log cannot be deleted'); END
            """,
            """
            CREATE TRIGGER audit_chainhead_no_replace BEFORE INSERT ON audit_chainhead
            WHEN EXISTS (SELECT 1 FROM audit_chainhead WHERE id = NEW.id)
            BEGIN SELECT RAISE(ABORT, 'the end of the audit log cannot be replaced'); END
            """,
            """
            CREATE TRIGGER audit_chainhead_forward BEFORE UPDATE ON audit_chainhead
            WHEN NEW.id <> OLD.id OR NEW.sequence < OLD.sequence OR NEW.epoch < OLD.epoch
            BEGIN SELECT RAISE(ABORT, 'the end of the audit log cannot be moved back'); END
            """,
        ),
    },
    drop={
        "postgresql": (
            "DROP TRIGGER IF EXISTS audit_event_no_truncate ON audit_event",
            "DROP TRIGGER IF EXISTS audit_chainhead_no_delete ON audit_chainhead",
            "DROP TRIGGER IF EXISTS audit_chainhead_forward ON audit_chainhead",
            "DROP FUNCTION IF EXISTS audit_chain_refuse()",
        ),
        "sqlite": tuple(
            f"DROP TRIGGER IF EXISTS audit_chainhead_{what}"
            for what in ("no_delete", "no_replace", "forward")
        ),
    },
)
ALL = (EVENTS_ARE_KEPT, END_IS_KEPT)


def create(connection: Any, *guards: Guard) -> None:
    """Make the audit log append-only with these guards, or with all."""
    _execute(connection, [guard.create for guard in guards or ALL])


def drop(connection: Any, *guards: Guard) -> None:
    """Undo `create`, as far as its triggers exist."""
    _execute(connection, [guard.drop for guard in guards or ALL])


def _execute(connection: Any, guards: list[Mapping[str, tuple[str, ...]]]) -> None:
    with connection.cursor() as cursor:
        for guard in guards:
            for statement in guard[connection.vendor]:
                cursor.execute(statement)
