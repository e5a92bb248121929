"""Rows are counted up to a limit, and above it the page says that they are more."""

import pytest
from django.db.models import OuterRef

from access.backoffice.paginator import (
    MOST_COUNTED,
    CappedPaginator,
    Counted,
    count_up_to,
    counted,
    shown_count,
)
from accounts.models import Membership, Organization, User
from tests.conftest import Cast


@pytest.mark.parametrize(("most", "shown"), [(5, "5+"), (6, "6"), (7, "6")])
def test_rows_above_the_limit_are_said_to_be_more(cast: Cast, most: int, shown: str) -> None:
    assert str(counted(User.objects.order_by("name"), most)) == shown


def test_rows_of_each_row_are_counted_up_to_one_more_than_the_limit(cast: Cast) -> None:
    theirs = Membership.objects.order_by("pk").filter(organization=OuterRef("pk"))
    counts = {"any": count_up_to(theirs, 0), "few": count_up_to(theirs, 1), "many": count_up_to(theirs)}
    rows = Organization.objects.annotate(**counts).order_by("pk").values_list(*counts)
    assert list(rows) == [(1, 2, 2), (1, 1, 1)]
    assert [str(shown_count(few, 1)) for _, few, _ in rows] == ["1+", "1"]


@pytest.mark.once
def test_a_count_is_grouped() -> None:
    assert [str(shown_count(number)) for number in (0, MOST_COUNTED, MOST_COUNTED + 1)] == [
        "0",
        "1,000",
        "1,000+",
    ]
    assert str(Counted(2)) == "2"


def test_pages_end_at_the_limit(cast: Cast) -> None:
    pages = CappedPaginator(User.objects.order_by("pk"), 2)
    assert (pages.count, pages.counted, pages.num_pages) == (6, Counted(6), 3)
    pages = CappedPaginator(User.objects.order_by("pk"), 2)
    pages.most = 3
    assert (pages.count, pages.counted, pages.num_pages) == (3, Counted(3, is_more=True), 2)
