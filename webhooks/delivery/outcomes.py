"""Outcomes of messages: stores them, and plans the next try after a failure."""

import logging
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.mail.messages import MailKind
from accounts.mail.outbox import queue_mail
from audit.actors import ANONYMOUS, Origin
from audit.events import EventName
from audit.log import record
from config.database.rows import edit
from webhooks.authority import managers_of
from webhooks.delivery.parcels import Parcel
from webhooks.models import Delivery, Stop, Webhook
from webhooks.services.webhooks import stopped, target_of

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=6)
GIVE_UP_AFTER = timedelta(days=5)
KEPT = 50  # deliveries of one webhook
MOST_TOLD = 20
GONE = 410

log = logging.getLogger("keyhouse.webhooks")


class Outcome(NamedTuple):
    """When a message was sent, how long that took, and the status of the answer or why there was none.

    `asked_pause` is how long the receiver asked us to wait.
    """

    sent_at: datetime
    milliseconds: int
    status: int | None
    problem: str
    asked_pause: timedelta

    @property
    def arrived(self) -> bool:
        """Whether the receiver took the message: any status of success counts."""
        return self.status is not None and 200 <= self.status < 300


def sent(webhook: Webhook, parcel: Parcel, outcome: Outcome) -> bool:
    """Write that a message has arrived; return whether the turn is still ours."""
    with transaction.atomic():
        _note(webhook, parcel, outcome)
        own = Webhook.objects.filter(pk=webhook.pk, turn=webhook.turn)
        return bool(own.update(tries=0, failing_since=None, **parcel.done))


def failed(webhook: Webhook, parcel: Parcel, outcome: Outcome) -> None:
    """Plan the next try. Disable a webhook that has failed for days, or whose receiver is gone."""
    since = webhook.failing_since or outcome.sent_at
    with transaction.atomic():
        _note(webhook, parcel, outcome)
        next_try_at = timezone.now() + _pause(webhook, outcome)
        own = Webhook.objects.filter(pk=webhook.pk, turn=webhook.turn)
        is_ours = own.update(tries=F("tries") + 1, failing_since=since, next_try_at=next_try_at)
    log.warning("webhook %s not sent: %s", webhook.pk, outcome.problem or f"status {outcome.status}")
    if is_ours and outcome.status == GONE:
        stop(webhook, Stop.GONE)
    elif is_ours and outcome.sent_at - since > GIVE_UP_AFTER:
        stop(webhook, Stop.FAILING)


def _pause(webhook: Webhook, outcome: Outcome) -> timedelta:
    """Return the time until the next try: it doubles, and is longer if the receiver asks for that."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(webhook.tries, 20)
    return min(max(doubled, outcome.asked_pause), LONGEST_PAUSE)


def _note(webhook: Webhook, parcel: Parcel, outcome: Outcome) -> None:
    """Add the delivery to the last ones of the webhook, unless it was deleted meanwhile."""
    if not Webhook.objects.select_for_update().filter(pk=webhook.pk).exists():
        return
    Delivery.objects.create(
        webhook=webhook,
        message_id=parcel.id,
        event=parcel.event,
        sent_at=outcome.sent_at,
        milliseconds=outcome.milliseconds,
        status=outcome.status,
        problem=outcome.problem,
    )
    older = Delivery.objects.filter(webhook=webhook).values_list("pk", flat=True)[KEPT:]
    Delivery.objects.filter(pk__in=list(older)).delete()


def stop(webhook: Webhook, why: Stop) -> None:
    """Disable a webhook that cannot go on, and tell those who manage it by mail."""
    origin = Origin.here()
    with transaction.atomic():
        rows = Webhook.objects.filter(pk=webhook.pk, turn=webhook.turn, disabled_at=None)
        if not edit(rows, **stopped(why, origin.at)):
            return
        for person in managers_of(webhook)[:MOST_TOLD]:
            queue_mail(kind=MailKind.WEBHOOK_STOPPED, address=person.email, origin=origin, about=webhook.pk)
        detail = {"reason": why.value}
        record(
            EventName.WEBHOOK_DISABLED,
            actor=ANONYMOUS,
            origin=origin,
            target=target_of(webhook),
            detail=detail,
        )
    log.warning("webhook %s disabled: %s", webhook.pk, why.value)
