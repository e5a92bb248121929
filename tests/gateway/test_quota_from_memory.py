"""A check with a key that has a quota is answered from memory while this process has units of it."""

from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.key_limits import Rate
from apikeys.models import QuotaLedger
from apikeys.quotas import leases
from apikeys.services.api_keys import NewKey
from config.server.answers import Answer
from gateway.edge import check_from_memory
from tests.apikeys.quotas.helpers import ask, limit
from tests.conftest import Cast, make_key
from tests.gateway.test_from_memory import Request

Lease = Callable[[float], None]


def at_once(key: NewKey) -> Answer | None:
    """Return the answer of the event loop, None if it leaves the check to a thread."""
    lines = (
        (b"x-api-key", key.text.encode()),
        (b"x-original-method", b"GET"),
        (b"x-original-uri", b"/services/stock"),
    )
    answer = check_from_memory(Request("GET", b"/gateway/check", lines).head())
    return answer if isinstance(answer, Answer) else None


def left_in(answer: Answer) -> str:
    return dict(answer.lines)[b"RateLimit"].decode()


def test_the_loop_answers_while_there_are_units_and_then_a_thread(cast: Cast, lease: Lease) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, total=64)  # taken by four at first
    lease(3600)
    ask(key)
    with CaptureQueriesContext(connection) as captured:
        answers = [at_once(key) for _ in range(4)]
    assert not captured.captured_queries
    assert [answer and left_in(answer) for answer in answers] == [
        *(f'"key-total";r={left}' for left in (62, 61, 60)),
        None,
    ]
    assert ask(key).headers["RateLimit"] == '"key-total";r=59'


def test_a_used_up_quota_is_refused_in_a_thread_which_records_it(cast: Cast, lease: Lease) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, total=1)
    lease(3600)
    assert [ask(key).status_code, ask(key).status_code] == [200, 429]
    assert at_once(key) is None


def test_a_check_over_the_rate_limit_uses_no_units(cast: Cast, lease: Lease) -> None:
    key = make_key(cast.alice, "services:read", rate_limit=Rate(2, 3600))
    limit(key, total=1000)
    lease(3600)
    ask(key)
    assert at_once(key) is not None
    assert [at_once(key) for _ in range(5)] == [None] * 5
    leases.give_back()
    assert QuotaLedger.objects.get().total_used == 2


def test_a_key_without_a_quota_has_none_looked_up(cast: Cast, lease: Lease) -> None:
    key = make_key(cast.alice, "services:read")
    lease(3600)
    ask(key)
    with CaptureQueriesContext(connection) as captured:
        answer = at_once(key)
    assert answer is not None and b"RateLimit" not in dict(answer.lines)
    assert not captured.captured_queries
