"""How much a key is used, as the console shows it."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from django.utils.translation import gettext as _

from access.backoffice.charts import Chart, Series
from apikeys.models import ApiKey, Outcome
from apikeys.usage.reports import report

MONTH = 30  # days


class LastDay(NamedTuple):
    """The requests with a key in the last 24 hours."""

    allowed: int
    refused: int


def last_day(key: ApiKey) -> LastDay:
    """Return the requests of the last 24 hours. The key must have been fetched with_last_day."""
    allowed = sum(use.count for use in key.last_day if use.outcome == Outcome.ALLOWED)
    return LastDay(allowed, sum(use.count for use in key.last_day) - allowed)


def chart_of_month(key: ApiKey, now: datetime) -> Chart:
    """Return a chart of the requests by day (UTC), today included. One query."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=ago) for ago in range(MONTH - 1, -1, -1)]
    found = report(key, start=days[0], end=None, now=now)
    allowed, refused = Counter[date](), Counter[date]()
    for tally in found.hours + found.days:
        allowed[tally.begins_at.date()] += tally.allowed
        refused[tally.begins_at.date()] += tally.refused
    series = [
        Series(name, [(f"{day:%-d %b}", counts[day.date()]) for day in days])
        for name, counts in ((_("allowed"), allowed), (_("refused"), refused))
    ]
    return Chart("requests", _("Requests per day (UTC), 30 days"), series)
