"""Quotas of keys and organizations, as a file says them."""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from access.key_limits import NO_BUDGETS, Budgets
from accounts.models import Organization
from apikeys.models import ApiKeyQuerySet
from apikeys.quotas.changes import QuotaChanges
from apikeys.quotas.models import Counts, QuotaLedger
from apikeys.quotas.services import clean_quota
from config.wire.errors import Invalid
from provisioning.kinds.base import written
from provisioning.members import Members

MEMBERS = (*Budgets._fields, "counts")


class PlannedQuota(NamedTuple):
    """Budgets in units, and what uses them."""

    budgets: Budgets = NO_BUDGETS
    counts: str = Counts.REQUESTS

    def __str__(self) -> str:
        return f"{self.budgets} ({self.counts})" if self.budgets != NO_BUDGETS else ""

    @property
    def changes(self) -> QuotaChanges:
        """What makes a quota this one."""
        return QuotaChanges(**self.budgets._asdict(), counts=self.counts)

    def exported(self) -> Mapping[str, Any]:
        """Return what the file says of it."""
        counts = self.counts if self.counts != Counts.REQUESTS else ""
        return written({**self.budgets._asdict(), "counts": counts}) if str(self) else {}


def read_quota(holder: Members) -> PlannedQuota:
    """Return the quota that the file wants, or note faults."""
    members = holder.of("quota")
    if members is None:
        return PlannedQuota()
    members.check_known(MEMBERS)
    budgets = (members.cleaned(name, partial(_units, members, name), None) for name in Budgets._fields)
    counts = members.cleaned("counts", partial(_counts, members), Counts.REQUESTS.value)
    return PlannedQuota(Budgets(*budgets), counts)


def _units(members: Members, period: str) -> int | None:
    text = members.text(period)
    if text is None:
        return None
    if re.fullmatch("[0-9]{1,20}", text) is None:
        raise Invalid(period, "must be a number of units, such as 1000")
    units: dict[str, Any] = {period: int(text)}
    clean_quota(QuotaChanges(**units))
    return int(text)


def _counts(members: Members) -> str:
    counts = members.text("counts") or Counts.REQUESTS.value
    clean_quota(QuotaChanges(counts=counts))
    return counts


def quotas_of(keys: ApiKeyQuerySet) -> Mapping[UUID, PlannedQuota]:
    """Return the quotas of keys, by the id of the first key that counts with it. Makes one query."""
    counted: Iterable[Any] = (keys.values("uuid"), keys.values("counted_as"))
    own, earlier = (QuotaLedger.objects.filter(counted_as__in=each) for each in counted)
    return {row.counted_as: _planned(row) for row in own | earlier if row.counted_as}


def quota_of(organization: Organization) -> PlannedQuota:
    """Return what all keys of an organization share; without a query if it was read with its quota."""
    row = getattr(organization, "quota", None)
    return PlannedQuota() if row is None else _planned(row)


def _planned(row: QuotaLedger) -> PlannedQuota:
    return PlannedQuota(row.budgets, row.counts)
