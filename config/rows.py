"""What every table with a public id has, and rows by their numbers."""

import uuid
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from django.db import models

MOST_AT_ONCE = 10_000  # numbers in one statement: PostgreSQL takes 65,535 parameters

Rows = TypeVar("Rows", bound="models.QuerySet[Any]")


class PublicRow(models.Model):
    """A row known to the outside by its uuid, or by its number where the profile shows integers."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        abstract = True


def by_number(rows: Rows, numbers: Iterable[int]) -> Iterator[Rows]:
    """Yield those of `rows` that have these numbers, in order and in parts that fit a statement."""
    in_order = sorted(set(numbers))
    for start in range(0, len(in_order), MOST_AT_ONCE):
        yield rows.filter(pk__in=in_order[start : start + MOST_AT_ONCE]).order_by("pk")
