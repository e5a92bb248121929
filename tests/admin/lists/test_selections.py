"""How many rows an action takes at once, and what it says of them."""

from typing import Any

import pytest
from django.test import Client

from access.backoffice import base
from apikeys.models import ApiKey
from tests.admin.helpers import act, confirm, messages_of, page, text_of
from tests.conftest import Cast, make_key

KEYS = "apikeys_apikey"
TOO_MANY = ["Select at most 2 rows. Nothing was done."]


@pytest.fixture
def rows(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> list[ApiKey]:
    """One key more than an action takes."""
    monkeypatch.setattr(base, "MOST_AT_ONCE", 2)
    return [make_key(cast.bob, name=f"key {number}").row for number in range(3)]


def disabled() -> int:
    return ApiKey.objects.filter(disabled_at__isnull=False).count()


@pytest.mark.parametrize("across", [{}, {"select_across": "0"}])
def test_an_action_takes_the_most_rows_and_none_if_there_is_one_more(
    ada: Client, rows: list[ApiKey], across: dict[str, str]
) -> None:
    assert messages_of(confirm(ada, KEYS, "disable", *rows, **across)) == TOO_MANY
    assert disabled() == 0
    assert messages_of(confirm(ada, KEYS, "disable", *rows[1:], **across)) == ["2 keys disabled."]
    assert disabled() == 2


def test_all_rows_of_a_list_are_taken_if_they_are_not_more(ada: Client, rows: list[ApiKey]) -> None:
    every: dict[str, Any] = {"select_across": "1"}
    assert messages_of(confirm(ada, KEYS, "disable", rows[0], **every)) == TOO_MANY
    assert disabled() == 0
    rows[0].delete()
    assert messages_of(confirm(ada, KEYS, "disable", rows[1], **every)) == ["2 keys disabled."]
    assert disabled() == 2


def test_an_action_that_only_sends_what_it_reads_takes_any_number(ada: Client, rows: list[ApiKey]) -> None:
    answer = act(ada, KEYS, "export", *rows)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"


def test_what_was_done_is_said_of_one_row_and_of_some_of_many(ada: Client, rows: list[ApiKey]) -> None:
    assert messages_of(confirm(ada, KEYS, "disable", rows[0])) == ["1 key disabled."]
    assert messages_of(confirm(ada, KEYS, "disable", *rows[:2])) == ["1 of 2 keys disabled."]


def test_rows_that_are_not_there_are_no_selection(ada: Client, rows: list[ApiKey]) -> None:
    gone = rows.pop()
    ApiKey.objects.filter(pk=gone.pk).delete()
    said = messages_of(act(ada, KEYS, "disable", gone))
    assert said == ["This action applies to none of the selected rows."]


def test_the_page_that_asks_names_the_rows_and_keeps_them(ada: Client, rows: list[ApiKey]) -> None:
    asked = act(ada, KEYS, "disable", *rows[:2])
    text = text_of(asked)
    for row in rows[:2]:
        assert f'name="_selected_action" value="{row.pk}"' in text and row.name in text
    assert (
        'name="action" value="disable"' in text and "csrfmiddlewaretoken" in text and rows[2].name not in text
    )
    assert asked.context["title"] == "Disable keys" and "no-store" in asked.headers["Cache-Control"]
    assert page(f"{KEYS}_changelist") in text
