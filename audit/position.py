"""Positions in the audit chain: each stands for all events up to it, in one history."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from audit.models import GENESIS, ChainHead
from config.database.sql import select


class Position(NamedTuple):
    """An event's number and hash. Another history has another hash at the same number."""

    sequence: int
    hash: bytes

    @classmethod
    def of(cls, sequence: int | None, digest: bytes | None) -> "Position":
        """Return the position that the database returned; BEGINNING if the chain is empty."""
        return BEGINNING if sequence is None else cls(sequence, bytes(digest or GENESIS))


BEGINNING = Position(0, GENESIS)  # of every history
# The columns that a statement for `select_at` selects first, and the join that provides them.
HEAD = "h.sequence, h.hash"
HEAD_JOIN = f"LEFT JOIN audit_chainhead h ON h.id = {ChainHead.ONLY}"


class Found(NamedTuple):
    """The rows of a statement, and the end of the chain that the same statement saw."""

    rows: list[tuple[Any, ...]]
    position: Position


def select_at(statement: str, values: Sequence[Any]) -> Found:
    """Run a SELECT of HEAD and other columns; return the rows without HEAD. Raises django.db.Error.

    One statement sees one state of the database, so the rows are as they were at the position. Without
    rows the position is BEGINNING.
    """
    rows = select(statement, values)
    position = Position.of(*rows[0][:2]) if rows else BEGINNING
    return Found([row[2:] for row in rows], position)
