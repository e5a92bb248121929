"""Counting that stops at a limit, so that it costs the same for any number of rows."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import IntegerField, QuerySet, Subquery
from django.utils.functional import cached_property

from access.backoffice.humanize import grouped

MOST_COUNTED = 1_000


@dataclass(frozen=True)
class Counted:
    """A number of rows, or a lower bound of it."""

    number: int
    is_more: bool = False

    def __str__(self) -> str:
        return f"{grouped(self.number)}{'+' if self.is_more else ''}"


def counted(rows: QuerySet[Any], most: int = MOST_COUNTED) -> Counted:
    """Count the rows, but stop at `most`."""
    return shown_count(rows.order_by()[: most + 1].count(), most)


def count_up_to(rows: QuerySet[Any], most: int = MOST_COUNTED) -> Subquery:
    """Return an expression that counts rows of the outer row (OuterRef), and stops at `most` + 1."""
    some, template = rows.order_by().values("pk")[: most + 1], "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    return Subquery(some, template=template, output_field=IntegerField())


def shown_count(number: int, most: int = MOST_COUNTED) -> Counted:
    """Return the result of `count_up_to` for display."""
    return Counted(min(number, most), number > most)


class CappedPaginator(Paginator[Any]):
    """Pages over the first MOST_COUNTED rows. People search or filter to find the rest."""

    most = MOST_COUNTED

    @cached_property
    def counted(self) -> Counted:
        rows: Any = self.object_list
        return counted(rows, self.most)

    @cached_property
    def count(self) -> int:
        return self.counted.number
