"""Turns: in one turn, one process sends to one webhook, message after message, for a limited time.

A process claims a turn by counting it, with one conditional update; so two processes never have the same one.
It writes what came of a message only while the turn is still its own. If it dies, the claim ends, and another
process sends the message again, with the same id.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from audit.models import ChainHead, Event
from config.outgoing.client import OutgoingError, fetch
from webhooks.authority import may_still_read
from webhooks.delivery.outcomes import Outcome, failed, sent, stop
from webhooks.delivery.parcels import Parcel, next_parcel
from webhooks.delivery.retry_after import asked_pause
from webhooks.models import Stop, Webhook
from webhooks.signing import headers_for

REQUEST_SECONDS = 15.0  # for one message, with the look-up of the host and the answer
TURN_SECONDS = 20.0  # after which no further message is begun in a turn
CLAIM = timedelta(seconds=90)  # longer than a turn takes, with the lease before it
ANSWER_BYTES = 4 * 1024


class Turn(NamedTuple):
    """A claimed turn of a webhook. Events after number `settled` wait for another turn."""

    webhook: int
    number: int
    settled: int


def claimed_turns(most: int) -> Iterator[Turn]:
    """Claim turns of webhooks for which something waits, at most `most`; those that waited longest are first.

    One lease must pass before anything is sent: the events up to the end of the chain are committed now.
    """
    if most < 1 or not Webhook.objects.filter(disabled_at=None).exists():
        return
    now, head = timezone.now(), ChainHead.objects.filter(pk=ChainHead.ONLY).first()
    settled = head.sequence if head else 0
    for number, seen in list(_due(now, settled).values_list("pk", "turn")[:most]):
        own = Webhook.objects.filter(pk=number, turn=seen, disabled_at=None, next_try_at__lte=now)
        if own.update(turn=F("turn") + 1, next_try_at=now + CLAIM):
            yield Turn(number, seen + 1, settled)


def _due(now: datetime, settled: int) -> "QuerySet[Webhook]":
    """Return the webhooks for which something waits, by the time since which it does."""
    after = Event.objects.filter(sequence__gt=OuterRef("cursor"), sequence__lte=settled)
    waits = Q(test_id__isnull=False) | Q(replay_after__isnull=False)
    waits |= Q(organization=None, cursor__lt=settled)
    waits |= Q(Exists(after.filter(organization_id=OuterRef("organization_id"))))
    return Webhook.objects.filter(waits, disabled_at=None, next_try_at__lte=now).order_by("next_try_at", "pk")


def take(turn: Turn) -> None:
    """Send what waits, one message after the other, until one fails, nothing is left or the time is over."""
    ends_at = time.monotonic() + TURN_SECONDS
    while time.monotonic() < ends_at:
        webhook = _own(turn).select_related("subscriber").first()
        if webhook is None or not _go_on(webhook, turn):
            return
    _own(turn).update(next_try_at=timezone.now())


def _own(turn: Turn) -> "QuerySet[Webhook]":
    """Return the webhook, as long as the turn is ours and it is enabled."""
    return Webhook.objects.filter(pk=turn.webhook, turn=turn.number, disabled_at=None)


def _go_on(webhook: Webhook, turn: Turn) -> bool:
    """Send the next message; return whether the turn goes on."""
    if not may_still_read(webhook):
        stop(webhook, Stop.NO_POWER)
        return False
    parcel = next_parcel(webhook, turn.settled, timezone.now())
    if parcel is None:
        _end(webhook, turn)
        return False
    outcome = _deliver(webhook, parcel)
    if outcome.arrived:
        return sent(webhook, parcel, outcome)
    failed(webhook, parcel, outcome)
    return False


def _end(webhook: Webhook, turn: Turn) -> None:
    """Write that the webhook is done with every event up to the end of the turn."""
    columns: dict[str, object] = {"cursor": max(webhook.cursor, turn.settled), "next_try_at": timezone.now()}
    if webhook.replay_until is not None and webhook.replay_until <= turn.settled:
        columns |= {"replay_after": None, "replay_until": None}
    _own(turn).update(**columns)


def _deliver(webhook: Webhook, parcel: Parcel) -> Outcome:
    """Send one message; return what came of it."""
    now, began = timezone.now(), time.monotonic()
    keys = webhook.secrets(now)
    status, problem, pause = None, "", timedelta(0)
    try:
        if not keys:
            raise OutgoingError("the key that encrypts its secret is not in KEYHOUSE_SEED_KEYS")
        answer = fetch(
            webhook.url,
            networks=settings.WEBHOOK_NETWORKS,
            most_bytes=ANSWER_BYTES,
            seconds=REQUEST_SECONDS,
            method="POST",
            headers={
                "Content-Type": "application/json",
                **headers_for(str(parcel.id), parcel.body, int(now.timestamp()), keys),
            },
            body=parcel.body,
        )
        status, pause = answer.status, asked_pause(answer, timezone.now())
    except OutgoingError as error:
        problem = str(error)
    return Outcome(now, round((time.monotonic() - began) * 1000), status, problem, pause)
