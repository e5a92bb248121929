"""The bases of tables with a public id or with a version, edits, and iteration over many rows."""

import uuid
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from django.db import models

MOST_AT_ONCE = 10_000  # primary keys in one statement: PostgreSQL accepts 65,535 parameters

PART = 2_000  # rows in memory at a time

Row = TypeVar("Row", bound=models.Model)
Rows = TypeVar("Rows", bound="models.QuerySet[Any]")


class PublicRow(models.Model):
    """A row with a public uuid. Profiles with integer ids show its primary key instead."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        abstract = True


class EditedRow(models.Model):
    """A row that people edit. `version` counts the edits, for If-Match; nothing else moves it."""

    version = models.IntegerField(default=1, db_default=1, editable=False)

    class Meta:
        abstract = True


def edit(rows: "models.QuerySet[Any]", **columns: Any) -> int:
    """Write columns as an edit of the rows: their version moves. Return how many rows there are."""
    return rows.update(version=models.F("version") + 1, **columns)


def in_parts(rows: "models.QuerySet[Row]") -> Iterator[Row]:
    """Yield the rows in their order, reading a part at a time. Rows deleted meanwhile are skipped.

    Unlike `QuerySet.iterator`, it keeps no cursor open: other clients of PgBouncer would find it.
    """
    numbers = list(rows.values_list("pk", flat=True))
    for start in range(0, len(numbers), PART):
        part = numbers[start : start + PART]
        found = rows.order_by().in_bulk(part)
        yield from (found[number] for number in part if number in found)


def in_batches(rows: Rows, numbers: Iterable[int]) -> Iterator[Rows]:
    """Yield the `rows` with these primary keys, in order, in batches that fit into a statement."""
    in_order = sorted(set(numbers))
    for start in range(0, len(in_order), MOST_AT_ONCE):
        yield rows.filter(pk__in=in_order[start : start + MOST_AT_ONCE]).order_by("pk")
