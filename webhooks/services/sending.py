"""Have a test message sent, or past events sent again. The background thread does it."""

from uuid import uuid4

from django.db import transaction

from access.principals import Caller
from accounts.mail.outbox import filled
from accounts.users.lookups import lock
from audit.events import EventName
from config.wire.errors import Conflict, Invalid
from webhooks.authority import check_may_manage
from webhooks.models import Webhook
from webhooks.services.webhooks import record_about


def send_test(*, caller: Caller, webhook: Webhook) -> None:
    """Have a test message sent, unless one waits already.

    Raises NotAllowed, FreshProofRequired, NotFound, or Conflict if the webhook is disabled.
    """
    check_may_manage(caller, webhook.organization_id)
    with transaction.atomic():
        row = _enabled(webhook)
        if row.test_id is None:
            Webhook.objects.filter(pk=row.pk).update(test_id=uuid4(), next_try_at=caller.origin.at)
            record_about(EventName.WEBHOOK_TESTED, caller, row)
        transaction.on_commit(filled.set)


def replay(*, caller: Caller, webhook: Webhook, first: int, last: int) -> None:
    """Send the events from number `first` to `last` of the audit log again, with the ids that they had.

    They are sent after the new events. A replay takes the place of one that has not ended. Raises as
    `send_test`, and Invalid unless 1 <= `first` <= `last`.
    """
    check_may_manage(caller, webhook.organization_id)
    if not 1 <= first <= last:
        raise Invalid("first", "must be at least 1, and not after the last event")
    with transaction.atomic():
        row = _enabled(webhook)
        rows = Webhook.objects.filter(pk=row.pk)
        rows.update(replay_after=first - 1, replay_until=last, next_try_at=caller.origin.at)
        record_about(EventName.WEBHOOK_REPLAYED, caller, row, {"first": first, "last": last})
        transaction.on_commit(filled.set)


def _enabled(webhook: Webhook) -> Webhook:
    row = lock(webhook)
    if not row.is_enabled:
        raise Conflict("enabled", "the webhook is disabled; enable it first")
    return row
