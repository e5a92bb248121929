"""What looks for due notices reads an index of PostgreSQL, and no more than a batch."""

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from apikeys.models import ApiKey, KeyNetwork
from apikeys.notices.walks import BATCH, Place, by_expiry, by_number, next_by_expiry, with_rotation
from tests.apikeys.notices.telling import DAY
from tests.conftest import Cast

pytestmark = pytest.mark.databases

NOW = timezone.now()


@pytest.fixture(autouse=True)
def like_many_rows(cast: Cast) -> None:
    """Have the planner prefer indexes, as it does by itself for many rows."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite, which is for small installations, explains its plans in other words")
    with connection.cursor() as cursor:
        for name in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{name} = off")


def plan(rows: "QuerySet[ApiKey]") -> str:
    return str(with_rotation(rows)[:BATCH].explain())


def test_a_batch_of_keys_that_expire_begins_in_the_index_at_the_place_of_the_walk() -> None:
    shown = plan(by_expiry(Place(NOW, 7), NOW + 30 * DAY))
    assert "api_key_by_end" in shown and "Index Cond: ((ROW(" in shown, shown
    assert "Sort" not in shown


def test_whether_a_key_is_due_is_read_in_the_order_of_the_index() -> None:
    rows = next_by_expiry(Place(NOW, 7), NOW + 30 * DAY)
    shown = rows[:1].explain()
    assert rows.ordered and "api_key_by_end" in shown and "Index Cond: ((ROW(" in shown, shown
    assert "Sort" not in shown


def test_a_batch_of_all_keys_begins_at_the_place_of_the_walk() -> None:
    shown = plan(by_number(7))
    assert "apikeys_apikey_pkey" in shown and "Index Cond: (id > '7'" in shown, shown
    assert "Sort" not in shown


def test_new_networks_have_an_index_of_their_own() -> None:
    shown = KeyNetwork.objects.filter(is_new=True).order_by("pk")[:BATCH].explain()
    assert "key_network_to_tell" in shown, shown
