"""Counting that costs the same however many rows there are: up to a limit, and then "more"."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import IntegerField, QuerySet, Subquery
from django.utils.functional import cached_property

MOST_COUNTED = 1_000


@dataclass(frozen=True)
class Counted:
    """So many rows, or at least so many."""

    number: int
    is_more: bool = False

    def __str__(self) -> str:
        return f"{self.number:,}{'+' if self.is_more else ''}"


def counted(rows: QuerySet[Any], most: int = MOST_COUNTED) -> Counted:
    """Count the rows, but stop at `most`."""
    return shown_count(rows.order_by()[: most + 1].count(), most)


def count_up_to(rows: QuerySet[Any], most: int = MOST_COUNTED) -> Subquery:
    """Return an expression that counts rows about the row outside (OuterRef), and stops at `most` + 1."""
    some, template = rows.order_by().values("pk")[: most + 1], "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    return Subquery(some, template=template, output_field=IntegerField())


def shown_count(number: int, most: int = MOST_COUNTED) -> Counted:
    """What `count_up_to` has found."""
    return Counted(min(number, most), number > most)


class CappedPaginator(Paginator[Any]):
    """Pages over the first MOST_COUNTED rows. The rest is found by searching and filtering."""

    most = MOST_COUNTED

    @cached_property
    def counted(self) -> Counted:
        rows: Any = self.object_list
        return counted(rows, self.most)

    @cached_property
    def count(self) -> int:
        return self.counted.number
