"""Positions in the audit chain: each stands for all events up to it, in one history."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from audit.models import GENESIS, ChainHead, Event
from config.database.sql import select

TEXT = re.compile(r"([1-9][0-9]{0,17})\.([0-9a-f]{64})")


class Position(NamedTuple):
    """An event's number and hash. Another history has another hash at the same number."""

    sequence: int
    hash: bytes

    @classmethod
    def of(cls, sequence: int | None, digest: bytes | None) -> "Position":
        """Return the position that the database returned; BEGINNING if the chain is empty."""
        return BEGINNING if sequence is None else cls(sequence, bytes(digest or GENESIS))

    @classmethod
    def read(cls, text: str) -> "Position":
        """Read a cursor, as `text` writes it. Raises ValueError."""
        if not text:
            return BEGINNING
        found = TEXT.fullmatch(text)
        if found is None:
            raise ValueError("not a cursor of the audit log")
        return cls(int(found[1]), bytes.fromhex(found[2]))

    @property
    def text(self) -> str:
        """The position as a cursor: NUMBER.HASH, in hexadecimal digits; empty for BEGINNING."""
        return f"{self.sequence}.{self.hash.hex()}" if self.sequence else ""

    def is_known(self) -> bool:
        """Whether this database's history has the event with this number and this hash."""
        return self == BEGINNING or Event.objects.filter(sequence=self.sequence, hash=self.hash).exists()


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
