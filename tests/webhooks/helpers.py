"""Webhooks of Acme to a receiver on this machine, and the turns that send to them."""

import json
from datetime import timedelta
from typing import Any

from django.db.models import F
from standardwebhooks import Webhook as Verifier

from accounts.models import Organization, User
from audit.actors import ANONYMOUS, Origin, Target
from audit.events import EventName
from audit.log import record
from tests.accounts.helpers import caller_as
from tests.config.outgoing.receiver import Received, Receiver
from webhooks.delivery.turns import claimed_turns, take
from webhooks.models import Webhook
from webhooks.services.webhooks import NewWebhook, create_webhook


def new_webhook(
    person: User, receiver: Receiver | str, organization: Organization | None, *events: str
) -> NewWebhook:
    """A webhook that the person sets up."""
    url = receiver if isinstance(receiver, str) else receiver.url
    return create_webhook(caller=caller_as(person), url=url, organization=organization, events=events)


def happen(organization: Organization | None, name: EventName = EventName.API_KEY_REVOKED) -> str:
    """Record an event about an organization; return its uuid."""
    number = organization.pk if organization else None
    target = Target("api_key", "", "a key", organization_id=number)
    return str(record(name, actor=ANONYMOUS, origin=Origin.here(), target=target).uuid)


def send() -> int:
    """Take the turns that are due, one after the other; return how many there were."""
    turns = list(claimed_turns(100))
    for turn in turns:
        take(turn)
    return len(turns)


def verified(received: Received, secret: str) -> dict[str, Any]:
    """The payload, if the library of the standard finds the signature good."""
    payload: dict[str, Any] = Verifier(secret).verify(received.body, received.headers)
    assert payload == json.loads(received.body)
    return payload


def ids(receiver: Receiver) -> list[str]:
    """The ids of what arrived, in its order."""
    return [each.headers["webhook-id"] for each in receiver.received]


def now(webhook: NewWebhook) -> Webhook:
    """The row as it is now."""
    return Webhook.objects.get(pk=webhook.row.pk)


def later(**length: float) -> None:
    """Let time pass for all webhooks."""
    span = timedelta(**length)
    Webhook.objects.update(next_try_at=F("next_try_at") - span)
    Webhook.objects.exclude(failing_since=None).update(failing_since=F("failing_since") - span)
