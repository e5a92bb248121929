"""Disable or delete many webhooks at once. All rows are written before the events are recorded."""

from collections.abc import Collection

from django.db import transaction

from access.principals import Caller
from audit.events import EventName
from audit.log import Entry, record_all
from config.database.rows import edit
from webhooks.authority import check_may_manage
from webhooks.models import Stop, Webhook
from webhooks.services.webhooks import stopped, target_of


def disable_webhooks(*, caller: Caller, selected: Collection[Webhook]) -> int:
    """Disable those that are enabled; return how many. Raises NotAllowed or FreshProofRequired."""
    _check(caller, selected)
    with transaction.atomic():
        rows = [row for row in _locked(selected) if row.is_enabled]
        chosen = Webhook.objects.filter(pk__in=[row.pk for row in rows])
        edit(chosen, **stopped(Stop.BY_HAND, caller.origin.at))
        detail = {"reason": Stop.BY_HAND.value}
        entries = [Entry(EventName.WEBHOOK_DISABLED, target_of(row), detail) for row in rows]
        record_all(entries, actor=caller.principal.actor, origin=caller.origin)
    return len(rows)


def delete_webhooks(*, caller: Caller, selected: Collection[Webhook]) -> int:
    """Delete them; return how many there were. Raises NotAllowed or FreshProofRequired."""
    _check(caller, selected)
    with transaction.atomic():
        rows = _locked(selected)
        entries = [Entry(EventName.WEBHOOK_DELETED, target_of(row)) for row in rows]
        Webhook.objects.filter(pk__in=[row.pk for row in rows]).delete()
        record_all(entries, actor=caller.principal.actor, origin=caller.origin)
    return len(rows)


def _check(caller: Caller, selected: Collection[Webhook]) -> None:
    for number in {row.organization_id for row in selected}:
        check_may_manage(caller, number)


def _locked(selected: Collection[Webhook]) -> list[Webhook]:
    numbers = [row.pk for row in selected]
    return list(Webhook.objects.select_for_update().filter(pk__in=numbers).order_by("pk"))
