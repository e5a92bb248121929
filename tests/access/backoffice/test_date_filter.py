"""Admin lists offer years, months and days without a query."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.audit_log.filters import DayFilter
from apikeys.models import ApiKey
from audit.models import Event
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


def offered(value: str = "") -> list[tuple[str, str]]:
    """What a filter offers beside the chosen value."""
    chosen: dict[str, list[str]] = {"date": [value]} if value else {}
    shown = DayFilter(None, chosen, Event, None)
    return [(key, str(words)) for key, words in shown.lookup_choices]


@pytest.mark.once
def test_five_years_are_offered_the_newest_first() -> None:
    this_year = timezone.localtime().year
    years = [str(year) for year in range(this_year, this_year - 5, -1)]
    assert offered() == [(year, year) for year in years]


@pytest.mark.once
def test_a_year_offers_its_months_and_a_month_its_days() -> None:
    year, *months = offered("2025")
    assert year == ("2025", "2025")
    assert (months[0], months[11]) == (("2025-01", "January"), ("2025-12", "December")) and len(months) == 12
    for value in ("2025-02", "2025-02-11"):
        year, month, *days = offered(value)
        assert (year, month) == (("2025", "2025"), ("2025-02", "February"))
        assert (days[0], days[-1]) == (("2025-02-01", "1"), ("2025-02-28", "28"))


@pytest.mark.once
def test_days_begin_at_midnight_in_the_zone_that_the_title_names() -> None:
    with timezone.override("Europe/Berlin"):
        shown = DayFilter(None, {"date": ["2026-03-29"]}, Event, None)  # summer time begins
        assert str(shown.title) == "date (Europe/Berlin)"
        found = shown.queryset(HttpRequest(), Event.objects.all())
    zone = ZoneInfo("Europe/Berlin")
    span = {
        "occurred_at__gte": datetime(2026, 3, 29, tzinfo=zone),
        "occurred_at__lt": datetime(2026, 3, 30, tzinfo=zone),
    }
    assert str(found.query) == str(Event.objects.filter(**span).query)
