"""Adding many rows at once, and finding them again by many values."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from config.database.bulk import insert_all, insert_few, insert_like
from config.database.sql import Lookup
from tests.conftest import Cast

COLUMNS = ("uuid", "email", "email_key", "notifications")
BY_ADDRESS = Lookup("id, email_key", "accounts_user", "email_key")
BY_DIGEST = Lookup("sequence", "audit_event", "hash")


def rows(*names: str) -> list[tuple[object, ...]]:
    return [(uuid4(), f"{name}@example.org", f"{name}@example.org", ["expiring"]) for name in names]


def test_rows_equal_the_template_except_in_the_columns_that_are_given(db: None) -> None:
    since = datetime.now(UTC)
    insert_like(User(role="member", name='Tab\t, "quote" and \\'), COLUMNS, rows("nora", "π"))
    nora, pi = User.objects.order_by("pk")
    assert (nora.email, pi.email) == ("nora@example.org", "π@example.org")
    assert {(each.role, each.name, each.username) for each in (nora, pi)} == {
        ("member", 'Tab\t, "quote" and \\', None)
    }
    assert nora.notifications == ["expiring"] and nora.is_active and nora.version == 1
    assert abs((nora.created_at - since).total_seconds()) < 60  # the default of the database


def test_a_row_that_exists_refuses_all_of_them(cast: Cast) -> None:
    before = User.objects.count()
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_like(User(role="member"), COLUMNS, rows("nora", "alice"))
    assert User.objects.count() == before


@pytest.mark.parametrize("insert", [insert_all, insert_few])
def test_rows_of_a_model_keep_every_value(cast: Cast, insert: Callable[[Sequence[User]], None]) -> None:
    alice = User.objects.filter(pk=cast.alice.pk)
    before = alice.values().get()
    rows_of_alice = list(alice)
    with transaction.atomic():
        alice.delete()
        insert(rows_of_alice)
    assert alice.values().get() == before


def test_rows_are_found_by_many_values(cast: Cast) -> None:
    texts = ["alice@example.org", "it's \\ \" nobody", "bob@example.org"]
    assert {name for _, name in BY_ADDRESS.find(texts)} == {"alice@example.org", "bob@example.org"}
    assert BY_ADDRESS.find([]) == []
    assert BY_DIGEST.find([bytes(32), b"\x00\xff" * 16]) == []
