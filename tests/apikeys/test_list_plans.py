"""Each filter and each order of the key list is served by an index of PostgreSQL."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Func, QuerySet, TextField, Value
from django.utils import timezone

from accounts.models import Organization, User
from apikeys.filters import KeyQuery
from apikeys.models import ApiKey
from config.database.statements import statements_within
from config.wire.errors import TooBroad
from config.wire.lists import pages
from config.wire.lists.order import Cursor, Order, Place
from tests.conftest import Cast

pytestmark = pytest.mark.databases

NOW = timezone.now()
PAGE = 51


@pytest.fixture(autouse=True)
def on_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite, which is for small installations, may read the rows, and has no limit")


@pytest.fixture
def like_many_rows(cast: Cast) -> None:
    """Have the planner prefer indexes, as it does by itself for many rows."""
    switch(seqscan="off", bitmapscan="off", sort="off")


def switch(**plans: str) -> None:
    with connection.cursor() as cursor:
        for name, value in plans.items():
            cursor.execute(f"SET LOCAL enable_{name} = {value}")


def plan(rows: "QuerySet[ApiKey]", order: Order, cursor: Cursor | None = None) -> str:
    return str(order.rows(rows, cursor)[:PAGE].explain())


@pytest.mark.usefixtures("like_many_rows")
@pytest.mark.parametrize(("member", "index"), [("name", "api_key_by_name"), ("expires_at", "api_key_by_end")])
@pytest.mark.parametrize("is_descending", [False, True])
def test_an_order_reads_its_index_from_the_place_of_the_cursor(
    member: str, index: str, is_descending: bool
) -> None:
    order = Order(KeyQuery.orderings[member], is_descending, member)
    value = "name" if member == "name" else NOW
    for is_backwards in (False, True):
        shown = plan(ApiKey.objects.all(), order, Cursor(Place(value, 7), is_backwards))
        assert index in shown and "Index Cond: (ROW(" in shown, shown
        assert "Sort" not in shown and "Filter" not in shown


@pytest.mark.usefixtures("like_many_rows")
def test_the_default_order_reads_the_primary_key_from_the_place_of_the_cursor() -> None:
    shown = plan(ApiKey.objects.all(), Order(), Cursor(Place(None, 7)))
    assert "apikeys_apikey_pkey" in shown and "Index Cond" in shown and "Sort" not in shown


@pytest.mark.usefixtures("like_many_rows")
def test_filters_with_an_index_of_their_own_read_it_in_order() -> None:
    keys = ApiKey.objects.all()
    for rows, index in (
        (keys.of_user(User.objects.filter(username="bob")), "api_key_by_user"),
        (keys.of_organization(Organization.objects.filter(name="Acme")), "api_key_by_organization"),
        (keys.filter(environment="test"), "api_key_by_environment"),
        (keys.with_status(["revoked"], NOW), "api_key_revoked"),
        (keys.with_status(["disabled"], NOW), "api_key_disabled"),
    ):
        shown = plan(rows, Order(), Cursor(Place(None, 7)))
        assert index in shown and "Sort" not in shown, shown


@pytest.mark.usefixtures("like_many_rows")
def test_the_other_filters_find_their_keys_by_an_index() -> None:
    switch(bitmapscan="on", indexscan="off")
    for rows, index in (
        (ApiKey.objects.with_status(["expired"], NOW), "api_key_by_expiry"),
        (ApiKey.objects.expiring_within(timedelta(days=14), NOW), "api_key_by_expiry"),
        (ApiKey.objects.unused_since(NOW - timedelta(days=90)), "api_key_by_age"),
        (ApiKey.objects.with_scope("keys:read"), "api_key_by_scope"),
        (ApiKey.objects.with_words("nightly"), "api_key_by_words"),
    ):
        assert index in rows.order_by().explain()


def test_a_page_that_takes_the_database_too_long_is_400(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_MS", 50)
    slow = User.objects.annotate(slept=Func(Value(20), function="pg_sleep", output_field=TextField()))
    with pytest.raises(TooBroad) as refused:
        pages.read(slow, within_limit=True)
    assert (refused.value.status, refused.value.code) == (400, "too_broad")


def test_the_limit_of_a_statement_ends_with_its_transaction(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        before = cursor.fetchone()
        with statements_within(50):
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("50ms",)
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == before
