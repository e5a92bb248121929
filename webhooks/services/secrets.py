"""Give a webhook another secret."""

from datetime import timedelta

from django.db import transaction

from access.principals import Caller
from accounts.idempotency.services import Claim, take
from accounts.second_factor.seed_encryption import encrypt
from accounts.users.lookups import lock
from audit.events import EventName
from config.database.rows import edit
from config.wire.errors import Conflict, Sentence
from config.wire.preconditions import ANY_VERSION, Expected
from webhooks.authority import check_may_manage
from webhooks.models import Webhook
from webhooks.services.webhooks import NewWebhook, record_about
from webhooks.signing import new_secret

MOST_OLD = 3  # secrets that sign beside the current one
OVERLAP = timedelta(hours=24)


def rotate_secret(
    *,
    caller: Caller,
    webhook: Webhook,
    overlap: timedelta = OVERLAP,
    expected: Expected = ANY_VERSION,
    claim: Claim | None = None,
) -> NewWebhook:
    """Give the webhook another secret. Older secrets sign, too, until this overlap or their own ends.

    Without an overlap they end at once. Raises NotAllowed, FreshProofRequired, NotFound, PreconditionFailed,
    or Conflict if too many secrets sign; and as `take`.
    """
    check_may_manage(caller, webhook.organization_id)
    secret, now = new_secret(), caller.origin.at.timestamp()
    ends_at = now + overlap.total_seconds()
    with transaction.atomic():
        take(claim, webhook.uuid)
        row = lock(webhook)
        expected.check(row)
        kept = [[text, min(end, ends_at)] for text, end in row.old_secrets if end > now]
        old = [[row.secret, ends_at], *kept] if overlap else []
        if len(old) > MOST_OLD:
            raise Conflict(
                "overlap_hours",
                Sentence(
                    "must be 0 now: %(count)d secrets sign messages; 0 ends the old ones at once",
                    count=len(kept) + 1,
                ),
            )
        edit(Webhook.objects.filter(pk=row.pk), secret=encrypt(secret.encode()), old_secrets=old)
        detail = {"overlap_seconds": int(overlap.total_seconds())}
        record_about(EventName.WEBHOOK_ROTATED, caller, row, detail)
    return NewWebhook(Webhook.objects.get(pk=webhook.pk), secret)
