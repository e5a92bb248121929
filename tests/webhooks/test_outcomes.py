"""What comes of a message: the next try, or the end of its webhook."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.mail.delivery import send_due
from accounts.models import User
from audit.events import EventName
from audit.models import Event
from tests.accounts.mailbox import Mailbox, plain
from tests.config.outgoing.receiver import Receiver
from tests.conftest import Cast
from tests.webhooks.helpers import happen, later, new_webhook, now, send
from webhooks.delivery.outcomes import Outcome, failed, sent, stop
from webhooks.delivery.parcels import next_parcel
from webhooks.delivery.turns import claimed_turns, take
from webhooks.models import Stop, Webhook


def test_pauses_double_up_to_six_hours(cast: Cast, receiver: Receiver) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    happen(cast.acme)
    receiver.status = 503
    pauses = []
    for _ in range(14):
        before = timezone.now()
        send()
        pauses.append(round((now(made).next_try_at - before).total_seconds()))
        Webhook.objects.update(next_try_at=timezone.now())
    assert pauses[:4] == [10, 20, 40, 80]
    assert pauses[-2:] == [6 * 3600] * 2


def test_a_webhook_that_fails_for_five_days_is_disabled_and_its_managers_are_told(
    cast: Cast, receiver: Receiver, mailbox: Mailbox
) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    happen(cast.acme)
    receiver.status = 500
    send()
    later(days=4)
    send()
    assert now(made).is_enabled
    later(days=1, hours=1)
    send()
    assert now(made).stop == Stop.FAILING
    assert Event.objects.filter(name=EventName.WEBHOOK_DISABLED).get().detail == {"reason": "failing"}
    send_due()
    told = mailbox.to("alice@example.org")
    assert "localhost" in plain(told[0])
    assert f"/account/organizations/{cast.acme.uuid}/webhooks/{made.row.uuid}" in plain(told[0])
    assert not mailbox.to("bob@example.org")
    later(days=1)
    assert send() == 0


def test_of_a_webhook_for_all_events_the_active_administrators_are_told(
    cast: Cast, receiver: Receiver, mailbox: Mailbox
) -> None:
    User.objects.filter(pk=cast.mallory.pk).update(role="admin", is_active=False)
    User.objects.filter(pk=cast.charlie.pk).update(is_superuser=True)
    made = new_webhook(cast.ada, receiver, None, "api_key.revoked")
    happen(None)
    receiver.status = 410
    send()
    assert now(made).stop == Stop.GONE
    send_due()
    people = ("ada", "audrey", "alice", "charlie", "mallory")
    assert [name for name in people if mailbox.to(f"{name}@example.org")] == ["ada", "charlie"]


def test_a_failure_counts_against_its_webhook_alone_and_the_log_says_why(
    cast: Cast, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    happen(cast.acme)
    turns, receiver.status = list(claimed_turns(2)), 500
    take(turns[0])
    assert {row.pk: row.tries for row in Webhook.objects.all()} == {turns[0].webhook: 1, turns[1].webhook: 0}
    assert f"webhook {turns[0].webhook} not sent: status 500" in caplog.messages


def test_a_webhook_is_stopped_once_and_no_other_with_it(cast: Cast, receiver: Receiver) -> None:
    for _ in range(2):
        new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    row, other = Webhook.objects.order_by("pk")
    for why in (Stop.GONE, Stop.FAILING):
        stop(row, why)
    assert {each.pk: each.stop for each in Webhook.objects.all()} == {row.pk: Stop.GONE, other.pk: ""}
    event = Event.objects.get(name=EventName.WEBHOOK_DISABLED)
    assert (event.target_kind, event.target_id) == ("webhook", str(row.uuid))
    assert (event.actor_kind, event.detail) == ("anonymous", {"reason": "gone"})


def test_nothing_is_written_of_a_message_whose_turn_was_lost(cast: Cast, receiver: Receiver) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    happen(cast.acme)
    [turn] = claimed_turns(1)
    row = now(made)
    parcel = next_parcel(row, turn.settled, timezone.now())
    assert parcel is not None
    Webhook.objects.update(turn=turn.number + 1)
    assert not sent(row, parcel, Outcome(timezone.now(), 1, 200, "", timedelta(0)))
    failed(row, parcel, Outcome(timezone.now(), 1, 410, "", timedelta(0)))
    stop(row, Stop.NO_POWER)
    assert (now(made).cursor, now(made).tries, now(made).is_enabled) == (row.cursor, 0, True)


@pytest.mark.parametrize(
    ("status", "arrived"), [(None, False), (199, False), (200, True), (299, True), (300, False)]
)
def test_a_message_has_arrived_with_a_status_of_success_alone(status: int | None, arrived: bool) -> None:
    assert Outcome(timezone.now(), 1, status, "", timedelta(0)).arrived is arrived


def test_a_receiver_that_is_gone_is_not_asked_again(cast: Cast, receiver: Receiver) -> None:
    made = new_webhook(cast.alice, receiver, cast.acme, "api_key.revoked")
    happen(cast.acme)
    receiver.status = 410
    send()
    assert now(made).stop == Stop.GONE
