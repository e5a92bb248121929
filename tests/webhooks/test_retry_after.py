"""A receiver asks for a longer pause, by `Retry-After`."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from config.outgoing.client import Answer
from tests.config.outgoing.receiver import Receiver, reply
from tests.conftest import Cast
from tests.webhooks.helpers import happen, new_webhook, now, send
from webhooks.delivery.retry_after import asked_pause
from webhooks.models import Webhook

NOW = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("9999999999", 9_999_999_999),
        ("Mon, 30 Nov 2026 09:32:00 GMT", 120),
        ("Monday, 30-Nov-26 09:32:00 GMT", 120),
        ("Mon Nov 30 09:32:00 2026", 120),
        ("Mon, 30 Nov 2026 09:29:00 GMT", -60),
        *((text, 0) for text in ("soon", "-5", "1.5", "9" * 5_000, "Mon, 31 Nov 2026 09:32:00 GMT", "")),
    ],
)
def test_a_pause_is_a_number_of_seconds_or_a_date(status: int, text: str, seconds: int) -> None:
    assert asked_pause(Answer(status, {"retry-after": text}, b"", True), NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize("status", [200, 301, 410, 500])
def test_other_answers_ask_for_no_pause(status: int) -> None:
    assert asked_pause(Answer(status, {"retry-after": "120"}, b"", True), NOW) == timedelta(0)


def test_it_lengthens_a_pause_up_to_six_hours_and_shortens_none(cast: Cast, receiver: Receiver) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    happen(cast.acme)
    asked = iter(["120", "1", "86400"])
    receiver.answer = lambda handler: reply(handler, b"", 503, **{"Retry-After": next(asked)})
    for seconds in (120, 20, 6 * 3600):
        before = timezone.now()
        send()
        pause = now(made).next_try_at - before
        assert timedelta(seconds=seconds) <= pause < timedelta(seconds=seconds + 60)
        Webhook.objects.update(next_try_at=timezone.now())
