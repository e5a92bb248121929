"""What every table with a public id has, and rows by their numbers."""

import uuid
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from django.db import models

MOST_AT_ONCE = 10_000  # numbers in one statement: PostgreSQL takes 65,535 parameters

PART = 2_000  # rows in memory at a time

Row = TypeVar("Row", bound=models.Model)
Rows = TypeVar("Rows", bound="models.QuerySet[Any]")


class PublicRow(models.Model):
    """A row known to the outside by its uuid, or by its number where the profile shows integers."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        abstract = True


def in_parts(rows: "models.QuerySet[Row]") -> Iterator[Row]:
    """Yield the rows in their order, a part at a time; those that are deleted meanwhile are left out.

    Unlike `QuerySet.iterator` it keeps no cursor open, which other clients of PgBouncer would come upon.
    """
    numbers = list(rows.values_list("pk", flat=True))
    for start in range(0, len(numbers), PART):
        part = numbers[start : start + PART]
        found = rows.order_by().in_bulk(part)
        yield from (found[number] for number in part if number in found)


def in_batches(rows: Rows, numbers: Iterable[int]) -> Iterator[Rows]:
    """Yield those of `rows` that have these numbers, in order and in parts that fit a statement."""
    in_order = sorted(set(numbers))
    for start in range(0, len(in_order), MOST_AT_ONCE):
        yield rows.filter(pk__in=in_order[start : start + MOST_AT_ONCE]).order_by("pk")
