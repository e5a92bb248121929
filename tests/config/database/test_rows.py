"""Rows that are read a part at a time."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit import log
from audit.log import verify
from audit.models import Event
from config.database import rows
from config.database.rows import in_parts
from tests.conftest import Cast


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PART", 2)
    monkeypatch.setattr(log, "VERIFY_CHUNK", 2)


def test_rows_come_in_their_order_and_in_parts(cast: Cast) -> None:
    wanted = User.objects.exclude(username="bob").order_by("-username")
    with CaptureQueriesContext(connection) as captured:
        names = [user.username for user in in_parts(wanted)]
    assert names == ["mallory", "charlie", "audrey", "alice", "ada"]
    assert len(captured.captured_queries) == 1 + 3


def test_a_row_that_is_deleted_meanwhile_is_left_out(cast: Cast) -> None:
    coming = in_parts(User.objects.order_by("username"))
    first = next(coming)
    User.objects.filter(username="charlie").delete()
    assert [first.username, *(user.username for user in coming)] == [
        "ada", "alice", "audrey", "bob", "mallory",
    ]  # fmt: skip


def test_an_empty_query_yields_no_parts(cast: Cast) -> None:
    assert list(in_parts(User.objects.none())) == []


def test_the_chain_is_read_in_chunks_to_its_end(cast: Cast) -> None:
    count = Event.objects.count()
    assert count > 5
    found = verify()
    assert (found.events, found.faults) == (count, [])
