"""The uses of keys in the admin: by the hour on the front page and on a key's, a line in the list, scopes."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from apikeys.admin import usage_charts
from apikeys.models import ApiKey, HourTotal, KeyUse, Outcome
from apikeys.services.api_keys import NewKey
from apikeys.usage import counting
from audit.actors import Origin
from tests.accounts.helpers import statements
from tests.admin.helpers import page, text_of
from tests.admin.test_front_page import principal
from tests.conftest import Cast, make_key
from tests.logins import browser

LIST = "apikeys_apikey_changelist"
CHANGE = "apikeys_apikey_change"
ONE_HOUR = timedelta(hours=1)
WORDS = re.compile(r'<desc id="requests-words">([^<]*)</desc>')


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[datetime]:
    """The half of an hour, so that none ends during a test."""
    moment = timezone.now().replace(minute=30)
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: moment)
        yield moment


def use(
    key: NewKey, moment: datetime, times: int = 1, outcome: Outcome = Outcome.ALLOWED, *scopes: str
) -> None:
    for _ in range(times):
        counting.record_use(key.row.pk, Origin("192.0.2.1", "", moment), outcome, scopes)
    counting.flush()


def charted(client: Client, path: str = "/admin/") -> dict[str, int]:
    """How many requests of each outcome the chart of a page has, in all."""
    (words,) = WORDS.findall(text_of(client.get(path)))
    found = re.findall(r"([a-z ]+): ([0-9,]+) in total", words)
    return {name.strip(): int(times.replace(",", "")) for name, times in found}


def lines(client: Client) -> dict[str, str]:
    """{name of a key: what its line in the list says}."""
    rows = re.findall(
        r'field-name">.*?>([^<]+)</a>.*?<svg class="sparkline".*?aria-label="([^"]+)"',
        text_of(client.get(page(LIST))),
        re.DOTALL,
    )
    return {unescape(name): words for name, words in rows}


def of_whom(client: Client) -> int:
    """How many requests were let in that the front page knows of."""
    return charted(client).get("allowed", 0)


def test_everybody_sees_the_requests_of_the_keys_that_they_see(cast: Cast, now: datetime) -> None:
    for owner, times in (
        (cast.acme, 1),
        (cast.umbrella, 2),
        (cast.alice, 4),
        (cast.bob, 8),
        (cast.mallory, 16),
    ):
        use(make_key(owner), now, times)
    seen = {
        name: of_whom(browser(getattr(cast, name))) for name in ("ada", "audrey", "alice", "bob", "charlie")
    }
    assert seen == {"ada": 31, "audrey": 31, "alice": 1 + 4, "bob": 1 + 8, "charlie": 2}
    assert of_whom(browser(cast.mallory)) == 16


def test_the_front_page_tells_outcomes_apart_and_shows_168_hours(cast: Cast, now: datetime) -> None:
    key = make_key(cast.acme)
    for number, outcome in enumerate(Outcome):
        use(key, now - number * ONE_HOUR, number + 1, outcome)
    use(key, now - 167 * ONE_HOUR, 10)
    use(key, now - 168 * ONE_HOUR, 100)
    sums = {"allowed": 11, "key ended": 2, "lacks scope": 3, "other network": 4, "over its rate": 5}
    ada = browser(cast.ada)
    assert charted(ada) == charted(ada, page(CHANGE, key.row.pk)) == sums
    assert "Requests per hour (UTC), 7 days</title>" in text_of(ada.get("/admin/"))


def test_who_sees_no_keys_sees_no_chart_of_them(cast: Cast, now: datetime) -> None:
    User.objects.filter(pk=cast.mallory.pk).update(role="nobody")
    cast.mallory.refresh_from_db()
    assert usage_charts.charts_of_all(principal(cast.mallory), now) == []


def test_the_front_page_costs_the_same_however_many_keys_were_used(cast: Cast, now: datetime) -> None:
    def asked(client: Client) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            client.get("/admin/")
        return statements(captured)

    ada, alice = browser(cast.ada), browser(cast.alice)
    use(make_key(cast.acme), now)
    use(make_key(cast.alice), now)
    few, fewer = asked(ada), asked(alice)
    for number in range(20):
        use(make_key((cast.acme, cast.umbrella, cast.alice)[number % 3]), now - number * ONE_HOUR)
    many = asked(ada)
    assert (len(many), len(asked(alice))) == (len(few), len(fewer))
    assert not [sql for sql in many if "apikeys_keyuse" in sql]
    assert HourTotal.objects.count() <= 3 * 20 < KeyUse.objects.count() + 40


def test_no_more_of_one_s_own_keys_are_added_up_than_a_limit(
    cast: Cast, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_charts, "MOST_OWN", 2)
    mallory = browser(cast.mallory)
    for times in (100, 10, 1):
        use(make_key(cast.mallory), now, times)
    assert of_whom(mallory) == 11
    assert "With the newest 2 of your own keys." in text_of(mallory.get("/admin/"))


def test_each_row_of_the_list_has_a_line_of_the_last_24_hours(cast: Cast, now: datetime) -> None:
    key = make_key(cast.acme, name="busy")
    use(key, now, 1000)
    use(key, now - 23 * ONE_HOUR, 237)
    use(key, now - ONE_HOUR, 3, Outcome.SCOPE)
    use(key, now - 24 * ONE_HOUR, 7)
    use(key, now + ONE_HOUR, 1)  # by a server whose clock is ahead
    use(make_key(cast.acme, name="refused"), now, 1, Outcome.RATE)
    make_key(cast.bob, name="idle")
    assert lines(browser(cast.ada)) == {
        "busy": "1,240 requests in 24 h, 3 refused",
        "refused": "1 request in 24 h, 1 refused",
        "idle": "0 requests in 24 h",
    }


def test_the_lines_of_a_page_take_one_query(cast: Cast, now: datetime) -> None:
    for number in range(30):
        use(make_key(cast.acme, name=f"key {number}"), now)
    ada = browser(cast.ada)
    with CaptureQueriesContext(connection) as captured:
        assert len(lines(ada)) == 30
    assert len([sql for sql in statements(captured) if "apikeys_keyuse" in sql]) == 1


def test_an_export_asks_for_no_hours(cast: Cast, now: datetime) -> None:
    key, ada = make_key(cast.acme), browser(cast.ada)
    use(key, now)
    with CaptureQueriesContext(connection) as captured:
        exported: Any = ada.post(page(LIST), {"action": "export", "_selected_action": [key.row.pk]})
        before = len(captured)
        assert b"a key" in b"".join(exported.streaming_content)
    assert not [each["sql"] for each in captured.captured_queries[before:] if "apikeys_keyuse" in each["sql"]]


def scopes_shown(client: Client, key: NewKey) -> list[tuple[str, ...]]:
    """The table of a key's page: (scope, with what it comes, last use)."""
    text = (
        text_of(client.get(page(CHANGE, key.row.pk))).partition(">Last used</th>")[2].partition("</table>")[0]
    )
    row = r"<td>([^<]+?)(?: <span class=\"quiet\">(.*?)</span>)?</td><td>[^<]*</td><td>([^<]+)</td>"
    return [tuple(cell.replace("\xa0", " ") for cell in found) for found in re.findall(row, text)]


def test_the_page_of_a_key_says_which_scopes_were_used_and_which_never(cast: Cast, now: datetime) -> None:
    key = make_key(cast.acme, "services:write", "audit:read")
    ApiKey.objects.update(scopes=["services:write", "audit:read", "gone:read"])
    use(key, now - 3 * ONE_HOUR, 1, Outcome.ALLOWED, "services:read")
    assert scopes_shown(browser(cast.ada), key) == [
        ("services:read", "(comes with another)", "used 3 hours ago"),
        ("services:write", "", "never used"),
        ("audit:read", "", "never used"),
        ("gone:read", "", "never used"),
    ]
    assert "Read from the services behind the gateway" in text_of(
        browser(cast.ada).get(page(CHANGE, key.row.pk))
    )


def test_a_key_from_before_scopes_were_counted_is_said_to_be_unused_since_then(cast: Cast) -> None:
    key = make_key(cast.acme, "services:read")
    ApiKey.objects.filter(pk=key.row.pk).update(scope_uses_since=datetime(2031, 5, 1, tzinfo=UTC))
    assert scopes_shown(browser(cast.ada), key) == [("services:read", "", "never used since 1 May 2031")]
