"""Pages spell moments in one form, in the time zone of the request."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from access.backoffice import moments

pytestmark = pytest.mark.once

SUMMER = datetime(2026, 7, 1, 18, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("UTC", "1 Jul 2026, 18:04:05 UTC"),
        ("Europe/Berlin", "1 Jul 2026, 20:04:05 CEST"),
        ("America/Sao_Paulo", "1 Jul 2026, 15:04:05 UTC-03"),
        ("Asia/Kathmandu", "1 Jul 2026, 23:49:05 UTC+0545"),
    ],
)
def test_a_moment_names_its_zone(zone: str, said: str) -> None:
    with timezone.override(zone):
        assert moments.said_at_second(SUMMER) == said
        assert moments.said_at(SUMMER) == said.replace(":05 ", " ")


def test_hovering_over_a_moment_shows_it_in_utc_with_seconds() -> None:
    opening = '<time datetime="2026-07-01T18:04:05Z" title="1 Jul 2026, 18:04:05 UTC">'
    elsewhere = SUMMER.astimezone(ZoneInfo("Asia/Tokyo"))
    with timezone.override("Europe/Berlin"):
        assert moments.shown_at(elsewhere) == f"{opening}1 Jul 2026, 20:04 CEST</time>"
        assert moments.shown_at_second(elsewhere) == f"{opening}1 Jul 2026, 20:04:05 CEST</time>"


def test_how_long_ago_a_moment_was_is_shown_with_the_moment() -> None:
    shown = moments.shown_ago(timezone.now() - timedelta(hours=3, minutes=1))
    assert shown.startswith('<time datetime="') and shown.endswith(">3\xa0hours ago</time>")


def test_no_moment_is_never_in_the_language_of_the_page() -> None:
    column = moments.moment_column("used_at", "used")
    of_webhook = moments.moment_column("used_at", "used", never="not yet")
    unused = SimpleNamespace(used_at=None)
    with translation.override("de"):
        for shown in (moments.shown_at(None), moments.shown_ago(None), column(None, unused)):
            assert shown == "nie"
    assert of_webhook(None, unused) == "not yet"


def test_a_column_of_moments_is_sorted_by_its_field_and_has_a_label() -> None:
    column = moments.moment_column("used_at", "last use")
    assert column(None, SimpleNamespace(used_at=SUMMER)) == moments.shown_at(SUMMER)
    assert vars(column) == {"short_description": "last use", "admin_order_field": "used_at"}
