"""In which order a list is read, and where a page of it begins."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from django.db.models import F, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from config.wire import times
from config.wire.errors import Invalid
from config.wire.ids import LARGEST_INTEGER

LONGEST_CURSOR = 5_000  # characters; any that Keyhouse makes has fewer, and fits into a request
SORTED_BY = "sorted_by"  # the annotation with the value of the column
NOT_OURS = "is not a valid cursor; use the links of the list"


@dataclass(frozen=True)
class Column:
    """What rows are sorted by, before their primary key. An index must have both, or this alone and unique.

    Without an expression it is the primary key alone: rows in the order in which they were stored.
    """

    expression: Combinable | None = None
    is_time: bool = False


STORED = Column()


class Place(NamedTuple):
    """The place of a row in a sorted list. `value` is that of the column; None for STORED."""

    value: Any
    number: int


class Cursor(NamedTuple):
    """Where a page begins: after this place, or, backwards, before it. The place is not on the page."""

    place: Place
    is_backwards: bool = False


@dataclass(frozen=True)
class Order:
    """The order of a list. `word` is the value of `ordering` in canonical names, "" for the default."""

    column: Column = STORED
    is_descending: bool = True
    word: str = ""

    def rows(self, rows: "QuerySet[Any]", cursor: Cursor | None) -> "QuerySet[Any]":
        """Return the rows from the cursor on, in this order; in the opposite order for a backwards cursor."""
        down = self.is_descending != (cursor is not None and cursor.is_backwards)
        if self.column.expression is not None:
            rows = rows.annotate(**{SORTED_BY: self.column.expression})
        if cursor is not None:
            rows = rows.filter(self._beyond(cursor.place, down))
        return rows.order_by(*(each.desc() if down else each.asc() for each in self._keys()))

    def place(self, row: Any) -> Place:
        """Return the place of a row that `rows` returned."""
        return Place(None if self.column is STORED else getattr(row, SORTED_BY), row.pk)

    def _keys(self) -> list[F]:
        return [F("pk")] if self.column is STORED else [F(SORTED_BY), F("pk")]

    def _beyond(self, place: Place, down: bool) -> TupleLessThan | TupleGreaterThan:
        """Compare both columns as one: PostgreSQL then finds the place in the index, however many ties."""
        values = (place.number,) if self.column is STORED else place
        return (TupleLessThan if down else TupleGreaterThan)(Tuple(*self._keys()), tuple(values))

    def write(self, cursor: Cursor) -> str:
        """Return the cursor as text for a link."""
        members = {"r": "1"} if cursor.is_backwards else {}
        value = cursor.place.value
        if self.column is not STORED:
            members["v"] = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
        if self.word:
            members["o"] = self.word
        return b64encode(urlencode({**members, "p": cursor.place.number}).encode()).decode()

    def read(self, text: str) -> Cursor:
        """Read a cursor. Raises Invalid for one that Keyhouse did not make, or made for another order."""
        members = _members(text)
        if members.get("o", "") != self.word:
            raise Invalid("cursor", "is of another ordering; send the ordering that the cursor came with")
        return Cursor(Place(self._value(members), _number(members)), members.get("r") == "1")

    def _value(self, members: Mapping[str, str]) -> Any:
        if self.column is STORED:
            return None
        sent = members.get("v")
        value = times.parse(sent) if self.column.is_time and sent else sent
        if value is None or "\0" in str(value):
            raise Invalid("cursor", NOT_OURS)
        return value


def check_cursor(text: str | None) -> None:
    """Raise Invalid for a text that is no cursor of any order."""
    if text:
        _number(_members(text))


def _members(text: str) -> dict[str, str]:
    try:
        decoded = b64decode(text[: LONGEST_CURSOR + 1], validate=True).decode()
        pairs = parse_qsl(decoded, keep_blank_values=True, strict_parsing=True, errors="strict")
    except (binascii.Error, ValueError):  # ValueError: not ASCII, not UTF-8, or not NAME=VALUE
        raise Invalid("cursor", NOT_OURS) from None
    if len(text) > LONGEST_CURSOR:
        raise Invalid("cursor", NOT_OURS)
    return dict(pairs)


def _number(members: Mapping[str, str]) -> int:
    sent = members.get("p", "")
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 19 and int(sent) <= LARGEST_INTEGER):
        raise Invalid("cursor", NOT_OURS)
    return int(sent)
