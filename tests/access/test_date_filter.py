"""Admin lists offer years, months and days without a query."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apikeys.models import ApiKey
from tests.admin.helpers import messages_of, page, text_of
from tests.conftest import Cast, make_key
from tests.logins import browser

LIST = "apikeys_apikey_changelist"


@pytest.fixture
def ada(cast: Cast) -> Client:
    for made in (
        "2023-12-31T23:59:59Z",
        "2024-01-01T00:00:00Z",
        "2024-02-29T12:00:00Z",
        "2024-12-31T23:59:59Z",
    ):
        key = make_key(cast.bob, name=made[:10]).row
        ApiKey.objects.filter(pk=key.pk).update(created_at=made)
    return browser(cast.ada)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("2023", {"2023-12-31"}),
        ("2024", {"2024-01-01", "2024-02-29", "2024-12-31"}),
        ("2024-02", {"2024-02-29"}),
        ("2024-02-29", {"2024-02-29"}),
        ("2024-12-31", {"2024-12-31"}),
        ("2024-03", set()),
    ],
)
def test_a_year_a_month_or_a_day_is_chosen(ada: Client, value: str, names: set[str]) -> None:
    shown = ada.get(page(LIST), {"made": value})
    assert {key.name for key in shown.context["cl"].queryset} == names


def test_the_next_smaller_is_offered_and_the_way_back(ada: Client) -> None:
    assert 'href="?made=2024"' in text_of(ada.get(page(LIST), {"made": "2024-02"}))
    assert 'href="?made=2024-02"' in text_of(ada.get(page(LIST), {"made": "2024"}))
    leap = text_of(ada.get(page(LIST), {"made": "2024-02"}))
    assert 'href="?made=2024-02-29"' in leap and "2024-02-30" not in leap


@pytest.mark.parametrize("value", ["2024-13", "2024-02-30", "24", "0001", "9999", "2024-2", "x"])
def test_a_malformed_date_does_not_crash(ada: Client, value: str) -> None:
    answer = ada.get(page(LIST), {"made": value}, follow=True)
    assert messages_of(answer) == [
        "made: must be a year, a month or a day, such as 2026, 2026-11 or 2026-11-22"
    ]


def test_no_row_is_asked_for_the_dates(ada: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        ada.get(page(LIST), {"made": "2024"})
    assert not [each["sql"] for each in captured if "DISTINCT" in each["sql"] or "MIN(" in each["sql"]]
