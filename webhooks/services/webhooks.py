"""Set up, change and delete webhooks."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F

from access.principals import Caller
from accounts.idempotency.services import Claim, take
from accounts.models import Organization
from accounts.second_factor.seed_encryption import encrypt
from accounts.users.lookups import lock, lock_owners
from accounts.users.names import clean_name
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from audit.models import ChainHead
from config.database.rows import edit
from config.hosts import host_of
from config.wire.errors import Conflict, Sentence
from config.wire.preconditions import ANY_VERSION, Expected
from webhooks.authority import check_may_manage
from webhooks.changes import WebhookChanges
from webhooks.event_names import clean_events
from webhooks.models import Stop, Webhook
from webhooks.signing import new_secret
from webhooks.urls_allowed import clean_url

MOST_OF_ONE = 5  # webhooks of one organization
MOST_OF_ALL = 20  # webhooks for the events of all organizations


class NewWebhook(NamedTuple):
    """A webhook, and its new secret, which is shown once; None when a request is repeated."""

    row: Webhook
    secret: str | None

    def __repr__(self) -> str:
        return f"NewWebhook({self.row!r})"


def create_webhook(
    *,
    caller: Caller,
    url: str,
    organization: Organization | None,
    events: Iterable[str] = (),
    description: str = "",
    claim: Claim | None = None,
    uuid: UUID | None = None,
) -> NewWebhook:
    """Set up a webhook for the events of an organization, or of all, from now on; no `events` mean all.

    Raises NotAllowed, FreshProofRequired, Invalid, or Conflict if there are too many; IntegrityError if there
    is one with this `uuid`; and as `take`.
    """
    number = organization.pk if organization else None
    check_may_manage(caller, number)
    secret = new_secret()
    row = Webhook(
        uuid=uuid or uuid4(),
        organization=organization,
        url=clean_url(url),
        events=clean_events(events),
        description=clean_description(description),
        secret=encrypt(secret.encode()),
        created_at=caller.origin.at,
        next_try_at=caller.origin.at,
        **_subscriber(caller),
    )
    with transaction.atomic():
        take(claim, row.uuid)
        _lock_owners(caller, organization)
        row.cursor = _end_of_chain()
        row.save(force_insert=True)
        _check_room(number)
        record_about(EventName.WEBHOOK_CREATED, caller, row, {"events": row.events})
    return NewWebhook(row, secret)


def clean_description(text: str) -> str:
    """Return a description without spaces around it. Raises Invalid for one that people cannot read."""
    return clean_name("description", text) if text.strip() else ""


def _lock_owners(caller: Caller, organization: Organization | None = None) -> None:
    """Lock whom the webhook will refer to, before the webhook and the end of the chain.

    That is the order in which they are deleted. Raises NotFound if the organization was.
    """
    if organization is not None:
        lock(organization)
    lock_owners([], [caller.principal.user_id])


def _end_of_chain() -> int:
    """Return the number of the last event, locked: no event is written before this transaction ends."""
    head, _ = ChainHead.objects.get_or_create(pk=ChainHead.ONLY)
    return int(ChainHead.objects.select_for_update().get(pk=head.pk).sequence)


def _check_room(organization_id: int | None) -> None:
    """Raise Conflict if there are more webhooks than there may be. The end of the chain must be locked."""
    most = MOST_OF_ALL if organization_id is None else MOST_OF_ONE
    if Webhook.objects.filter(organization=organization_id).count() > most:
        raise Conflict("url", Sentence("there are %(most)d webhooks here; delete one first", most=most))


def _subscriber(caller: Caller) -> dict[str, Any]:
    """Return the columns that say for whom the webhook sends from now on."""
    return {"subscriber_id": caller.principal.user_id, "is_operators": caller.principal.user_id is None}


def update_webhook(
    *, caller: Caller, webhook: Webhook, changes: WebhookChanges, expected: Expected = ANY_VERSION
) -> Webhook:
    """Change members of a webhook, and return it. The caller becomes its subscriber.

    A webhook that is enabled, or has another URL, goes on at once after the last event that was taken. Raises
    as `create_webhook`, NotFound, or PreconditionFailed.
    """
    check_may_manage(caller, webhook.organization_id)
    wanted = _cleaned(changes)
    with transaction.atomic():
        _lock_owners(caller)
        row = lock(webhook)
        expected.check(row)
        changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
        if changed:
            columns = changed | _subscriber(caller)
            if "url" in changed:
                columns |= _due(caller.origin.at)
            edit(Webhook.objects.filter(pk=row.pk), **columns)
            record_about(EventName.WEBHOOK_CHANGED, caller, row, _difference(row, changed))
        if "enabled" in changes.given():
            _turn(caller, row, is_enabled=bool(changes.enabled))
        return Webhook.objects.get(pk=row.pk)


def _difference(row: Webhook, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what changes, for the audit log. Of a URL it names the host only: a path may be a secret."""
    told = {name: {"from": getattr(row, name), "to": value} for name, value in changed.items()}
    if "url" in told:
        told["url"] = {"from": host_of(row.url), "to": host_of(changed["url"])}
    return told


def _cleaned(changes: WebhookChanges) -> dict[str, Any]:
    given: Mapping[str, Any] = changes.given()
    clean: dict[str, Callable[[Any], Any]] = {
        "url": clean_url,
        "description": clean_description,
        "events": clean_events,
    }
    return {name: clean[name](value) for name, value in given.items() if name in clean}


def _turn(caller: Caller, row: Webhook, *, is_enabled: bool) -> None:
    """Enable or disable a locked webhook, unless it is so already."""
    if row.is_enabled == is_enabled:
        return
    at = caller.origin.at
    if is_enabled:
        columns = {"disabled_at": None, "stop": "", **_due(at), **_subscriber(caller)}
        edit(Webhook.objects.filter(pk=row.pk), **columns)
        record_about(EventName.WEBHOOK_ENABLED, caller, row)
    else:
        edit(Webhook.objects.filter(pk=row.pk), **stopped(Stop.BY_HAND, at))
        record_about(EventName.WEBHOOK_DISABLED, caller, row, {"reason": Stop.BY_HAND.value})


def _due(at: datetime) -> dict[str, Any]:
    """Return the columns of a webhook that is tried at once, as if nothing had failed.

    A turn that has begun ends: what comes of it would be about the receiver before.
    """
    return {"tries": 0, "failing_since": None, "next_try_at": at, "turn": F("turn") + 1}


def stopped(why: Stop, at: datetime) -> dict[str, Any]:
    """Return the columns of a webhook that is disabled."""
    return {"disabled_at": at, "stop": why.value}


def delete_webhook(*, caller: Caller, webhook: Webhook, expected: Expected = ANY_VERSION) -> None:
    """Delete a webhook with its secrets and deliveries. Raises NotAllowed, NotFound or PreconditionFailed."""
    check_may_manage(caller, webhook.organization_id)
    with transaction.atomic():
        row = lock(webhook)
        expected.check(row)
        target = target_of(row)
        row.delete()
        record(EventName.WEBHOOK_DELETED, actor=caller.principal.actor, origin=caller.origin, target=target)


def target_of(row: Webhook) -> Target:
    """Return the webhook as the target of an event, labelled with its host."""
    return Target.of("webhook", row, organization_id=row.organization_id)


def record_about(
    name: EventName, caller: Caller, row: Webhook, detail: Mapping[str, Any] | None = None
) -> None:
    """Record what a caller did with a webhook."""
    record(
        name, actor=caller.principal.actor, origin=caller.origin, target=target_of(row), detail=detail or {}
    )
