"""Services for quotas: those of keys, and those of organizations."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q

from access.freshness import check_fresh
from access.key_limits import MOST_UNITS, NO_BUDGETS, Budgets
from access.leases import wait_out_leases
from access.principals import Caller
from accounts.models import Organization
from accounts.users.authority import check_may_manage_organization
from accounts.users.lookups import lock
from apikeys.models import ApiKey
from apikeys.quotas.changes import QuotaChanges
from apikeys.quotas.models import Counts, QuotaLedger
from apikeys.quotas.powers import check_may_give_more
from apikeys.services.events import record_about_all
from apikeys.services.locking import locked
from audit.actors import Target
from audit.events import EventName
from audit.log import record
from config.wire.errors import Invalid, Sentence
from config.wire.preconditions import ANY_VERSION


def change_key_quota(*, caller: Caller, key: ApiKey, changes: QuotaChanges) -> QuotaLedger:
    """Change the budgets of a key and of all keys that it replaced or was replaced by, and return them.

    What was used stays, also that of a budget which is removed and set again. Raises NotFound, NotAllowed,
    Invalid, or FreshProofRequired for more units.
    """
    columns = clean_quota(changes)
    with transaction.atomic():
        first = locked(caller, [key], ANY_VERSION)[0].first_uuid
        found = _change(caller, columns, counted_as=first)
        if found.said is not None:
            chain = ApiKey.objects.filter(Q(uuid=first) | Q(counted_as=first)).unended(caller.origin.at)
            rows = chain.select_related("user", "organization").order_by("pk")
            record_about_all(EventName.API_KEY_CHANGED, caller, rows, found.said)
        wait_out_leases()  # the request that made the change may still be waiting
    return found.row


def give_quota(key: ApiKey, given: QuotaChanges) -> dict[str, str]:
    """Give a new key its budgets, and return them as the event about the key says them.

    Raises Invalid, also if no budget is given.
    """
    if not any((given.day, given.month, given.total)):
        raise Invalid("quota", "must have a budget: `day`, `month` or `total`")
    row = QuotaLedger.objects.create(counted_as=key.first_uuid, **clean_quota(given))
    return {"quota": _in_words(row.budgets, row.counts)}


def change_organization_quota(
    *, caller: Caller, organization: Organization, changes: QuotaChanges
) -> QuotaLedger:
    """Change the budgets that all keys of an organization share, and return them.

    Raises as `change_key_quota`.
    """
    check_may_manage_organization(caller, organization)
    columns = clean_quota(changes)
    with transaction.atomic():
        row = lock(organization)
        found = _change(caller, columns, organization=row)
        if found.said is not None:
            target = Target.of("organization", row, organization_id=row.pk)
            record(
                EventName.ORGANIZATION_CHANGED,
                actor=caller.principal.actor,
                origin=caller.origin,
                target=target,
                detail=found.said,
            )
        wait_out_leases()
    return found.row


def clean_quota(changes: QuotaChanges) -> dict[str, Any]:
    """Return the columns to write. Raises Invalid, naming the member that is wrong."""
    given = changes.given()
    if not given:
        raise Invalid("day", "is required, unless you send another member")
    counts = {"counts": given.pop("counts")} if "counts" in given else {}
    if not set(counts.values()) <= set(Counts.values):
        raise Invalid("counts", Sentence("must be one of: %(known)s", known=", ".join(Counts.values)))
    for period, most in given.items():
        if most is not None and not 1 <= most <= MOST_UNITS:
            raise Invalid(period, Sentence("must be 1 to %(most)d units", most=MOST_UNITS))
    return {f"{period}_most": most for period, most in given.items()} | counts


class _Changed(NamedTuple):
    """A quota, and what the event says about its change: None if nothing changed."""

    row: QuotaLedger
    said: dict[str, Any] | None


def _change(caller: Caller, columns: Mapping[str, Any], **holder: Any) -> _Changed:
    """Lock the quota of this holder and write the columns. Raises as the services do."""
    QuotaLedger.objects.get_or_create(**holder)
    row = QuotaLedger.objects.select_for_update().get(**holder)
    before, counted = row.budgets, row.counts
    for column, value in columns.items():
        setattr(row, column, value)
    counts_less = before != NO_BUDGETS and counted == Counts.REQUESTS and row.counts == Counts.REPORTS
    if row.budgets.allow_more_than(before) or counts_less:
        check_may_give_more(caller)
        check_fresh(caller)
    if (before, counted) == (row.budgets, row.counts):
        return _Changed(row, None)
    row.save(update_fields=columns)
    old, new = _in_words(before, counted), _in_words(row.budgets, row.counts)
    return _Changed(row, {"from": {"quota": old}, "to": {"quota": new}})


def _in_words(budgets: Budgets, counts: str) -> str:
    """Return a quota as the audit log says it; "" without a quota."""
    return f"{budgets} ({counts})" if budgets != NO_BUDGETS else ""
