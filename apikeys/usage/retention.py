"""How long the use of keys is kept: by the hour, then by the day, then not at all."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from apikeys.models import (
    DAY,
    HOUR,
    ApiKey,
    HourTotal,
    KeyNetwork,
    KeyNotice,
    KeyUse,
    QuotaLedger,
    ScopeUse,
    UseReport,
)
from apikeys.usage.services import Counted, add_counts
from config.database.retention import Leftovers, take_some

HOURS_KEPT = timedelta(days=7)
TOTALS_KEPT = timedelta(days=7)  # as long as charts show them
REPORTS_KEPT = timedelta(days=40)  # so long, the id of a report counts once
KEPT = timedelta(days=400)


def leftovers(now: datetime, hours_kept: timedelta = HOURS_KEPT) -> list[Leftovers]:
    """Return the rows that are too old or whose key is deleted, and the hours to merge into days.

    The hours of a day are merged once all of them are older than `hours_kept`.
    """
    midnight = (now - hours_kept).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = Coalesce("counted_as", "uuid")
    counted = ApiKey.objects.annotate(first=first).filter(first=OuterRef("counted_as"))
    its_key = ApiKey.objects.filter(pk=OuterRef("key_id"))
    return [
        Leftovers("old_uses", KeyUse.objects.filter(seconds__in=(HOUR, DAY)).before(now - KEPT)),
        Leftovers("uses_of_deleted_keys", KeyUse.objects.filter(~Exists(its_key))),
        Leftovers("scopes_of_deleted_keys", ScopeUse.objects.filter(~Exists(its_key))),
        Leftovers("networks_of_deleted_keys", KeyNetwork.objects.filter(~Exists(its_key))),
        Leftovers("old_notices", KeyNotice.objects.filter(created_at__lt=now - KEPT)),
        Leftovers("quotas_of_deleted_keys", QuotaLedger.objects.filter(~Exists(counted), organization=None)),
        Leftovers("old_reports", UseReport.objects.filter(reported_at__lt=now - REPORTS_KEPT)),
        Leftovers("old_totals", HourTotal.objects.before(now - TOTALS_KEPT)),
        Leftovers("hours", KeyUse.objects.filter(seconds=HOUR).before(midnight), roll_up_some),
    ]


def roll_up_some(hours: QuerySet[Any]) -> int:
    """Merge some of these hours into days, and return how many hours."""
    if not hours.exists():
        return 0
    with transaction.atomic():
        taken: list[KeyUse] = take_some(hours)
        days: Counter[tuple[int, int, str]] = Counter()
        for use in taken:
            days[use.key_id, use.begins_at - use.begins_at % DAY, use.outcome] += use.count
        KeyUse.objects.filter(pk__in=[use.pk for use in taken]).delete()
        add_counts([Counted(key, day, DAY, outcome, times) for (key, day, outcome), times in days.items()])
    return len(taken)
