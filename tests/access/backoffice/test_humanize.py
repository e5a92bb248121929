"""Pages say times and counts in words, and name browsers and other programs by their user agent."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from access.backoffice.humanize import ago, grouped, program, times

pytestmark = pytest.mark.once

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (59, "just now"),
        (-59, "just now"),
        (60, "in 1 minute"),
        (-60, "1 minute ago"),
        (26 * 3_600, "in 1 day"),
        (-26 * 3_600, "1 day ago"),
    ],
)
def test_a_moment_is_as_far_away_as_its_largest_unit_says(seconds: int, words: str) -> None:
    assert ago(NOW + timedelta(seconds=seconds), NOW).replace("\xa0", " ") == words


def test_no_moment_is_never() -> None:
    assert ago(None, NOW) == "never"


@pytest.mark.parametrize(
    ("number", "words"), [(0, "never"), (1, "once"), (2, "2 times"), (1_240, "1,240 times")]
)
def test_how_often_something_happened_is_said_in_words(number: int, words: str) -> None:
    assert times(number) == words


def test_the_language_decides_how_thousands_are_grouped() -> None:
    said = []
    for language in ("en", "de"):
        with translation.override(language):
            said.append(grouped(1_234_567))
    assert said == ["1,234,567", "1.234.567"]


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/138.0 Safari/537.36 Edg/138.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/138.0 Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.5.0", "curl 8.5.0"),
        ("python-requests/2.32 x", "python-requests 2.32"),
        ("updater/1.2 (Linux)", "updater 1.2"),
        ("Mozilla/5.0 (Plan 9) Firefox/140.0", "Mozilla 5.0"),
        ("", "not said"),
    ],
)
def test_a_browser_and_its_system_are_named(user_agent: str, words: str) -> None:
    assert program(user_agent) == words
