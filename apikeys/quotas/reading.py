"""What is left of a quota, for people and programs."""

from datetime import date, datetime
from typing import NamedTuple

from accounts.models import Organization
from apikeys.models import ApiKey
from apikeys.quotas.models import Counts, QuotaLedger
from apikeys.quotas.periods import Period, span_of


class Budget(NamedTuple):
    """One budget: how many units it has, how many were used and are left, and when it begins again."""

    most: int
    used: int
    left: int
    ends_at: datetime | None


class Shown(NamedTuple):
    """A quota on a day. None is no limit."""

    day: Budget | None = None
    month: Budget | None = None
    total: Budget | None = None
    counts: str = Counts.REQUESTS


def quota_of(holder: ApiKey | Organization, today: date) -> Shown:
    """Return the quota of a key, or the one that all keys of an organization share."""
    found = {"counted_as": holder.first_uuid} if isinstance(holder, ApiKey) else {"organization": holder}
    row = QuotaLedger.objects.filter(**found).first()
    return Shown() if row is None else shown(row, today)


def shown(row: QuotaLedger, today: date) -> Shown:
    """Return a quota as it is today; `row` moves there."""
    row.move_to(today)
    budgets, used, left = row.budgets, row.used, row.left

    def budget(period: Period) -> Budget | None:
        most = getattr(budgets, period)
        span = span_of(period, today)
        numbers = getattr(used, period), getattr(left, period)
        return None if most is None else Budget(most, *numbers, span.end if span else None)

    return Shown(budget("day"), budget("month"), budget("total"), row.counts)
