"""What is sent next to a webhook: a test, an event that is new, or one of a replay."""

import json
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from access.audit_log.serializers import AuditEventMember
from audit.models import Event, EventQuerySet
from config.wire.fields import timestamp
from webhooks.event_names import NAMES, TEST, dotted
from webhooks.models import Webhook

TEXT = "This is a test. Keyhouse sends events of the audit log in this form."


class Parcel(NamedTuple):
    """A message. Sent again, it keeps its `id`. `done` are the columns to write when it has arrived."""

    id: UUID
    event: str
    body: bytes
    done: dict[str, object]


def next_parcel(webhook: Webhook, settled: int, now: datetime) -> Parcel | None:
    """Return what the webhook gets next, of the events up to number `settled`; None if there is nothing."""
    if webhook.test_id is not None:
        return Parcel(webhook.test_id, TEST, _body(TEST, now, {"message": TEXT}), {"test_id": None})
    new = wanted_between(webhook, webhook.cursor + 1, settled).first()
    if new is not None:
        return _of(new, {"cursor": new.sequence})
    if webhook.replay_after is None or webhook.replay_until is None:
        return None
    last = min(webhook.replay_until, settled)
    again = wanted_between(webhook, webhook.replay_after + 1, last).first()
    return _of(again, {"replay_after": again.sequence}) if again else None


def wanted_between(webhook: Webhook, first: int, last: int) -> EventQuerySet:
    """Return the events with these numbers, and those between, that the webhook is for, in order."""
    events = Event.objects.seen_from(
        everywhere=webhook.organization_id is None,
        organizations=frozenset(filter(None, [webhook.organization_id])),
    )
    if webhook.events:
        events = events.filter(name__in=[NAMES[name] for name in webhook.events if name in NAMES])
    return events.filter(sequence__gte=first, sequence__lte=last).order_by("sequence")


def _of(event: Event, done: dict[str, object]) -> Parcel:
    name = dotted(event.name)
    return Parcel(event.uuid, name, _body(name, event.occurred_at, AuditEventMember(event).data), done)


def _body(name: str, at: datetime, data: object) -> bytes:
    """Return the payload: `type`, `timestamp` and `data`, as Standard Webhooks recommends."""
    return json.dumps({"type": name, "timestamp": timestamp(at), "data": data}).encode()
