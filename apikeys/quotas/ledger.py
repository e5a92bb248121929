"""Takes units of quotas in the database, some in advance, and gives back those that were not used."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from django.db import transaction

from access.key_limits import NO_BUDGETS, Budgets, Quota
from apikeys.quotas.models import USED, QuotaLedger

MOST_AHEAD = 100  # units that a server takes at once
NOTHING_LEFT = Budgets(0, 0, 0)
PART_AHEAD = 16  # and at most this part of what is left, so that the last ones are taken one by one


class Taken(NamedTuple):
    """Units that were taken, what is left beside them, and the day that they count on."""

    units: int
    left: Budgets
    day: date


def take(quota: Quota, today: date) -> Taken:
    """Take some units; none if a budget is used up. Of a quota that is only reported, nothing is written."""
    rows = QuotaLedger.objects.filter(pk=quota.number)
    if quota.is_reported:
        row = rows.first()
        return _taken(row, today) if row else Taken(0, NOTHING_LEFT, today)
    with transaction.atomic():
        row = rows.select_for_update().first()
        if row is None:  # the organization was deleted a moment ago
            return Taken(0, NOTHING_LEFT, today)
        taken = _taken(row, today)
        if taken.units:
            row.use(taken.units)
            row.save(update_fields=USED)
    return taken._replace(left=row.left)


def _taken(row: QuotaLedger, today: date) -> Taken:
    """Return what can be taken of a row today, and what is left before that. Moves the row to today."""
    row.move_to(today)
    return Taken(_ahead(row.left), row.left, row.day or today)


def _ahead(left: Budgets) -> int:
    """Return how many units a server takes when so many are left."""
    least = min((units for units in left if units is not None), default=MOST_AHEAD * PART_AHEAD)
    return min(MOST_AHEAD, max(least // PART_AHEAD, min(least, 1)))


def give_back(number: int, units: int, day: date) -> None:
    """Give back units that were taken on this day."""
    with transaction.atomic():
        for row in QuotaLedger.objects.select_for_update().filter(pk=number):
            row.give_back(units, day)
            row.save(update_fields=USED)


def add(rows: Iterable[QuotaLedger], units: int, today: date) -> None:
    """Count reported units, also beyond the budgets. The rows must be locked."""
    for row in rows:
        if row.budgets != NO_BUDGETS:
            row.move_to(today)
            row.use(units)
            row.save(update_fields=USED)
