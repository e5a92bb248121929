"""Units that services report after a request: they count once for each id."""

import hashlib

from django.db import IntegrityError, transaction
from django.db.models import Q

from access.principals import Caller
from apikeys.models import ApiKey, QuotaLedger, UseReport
from apikeys.quotas import ledger
from apikeys.quotas.periods import day_of
from config.profiles import Capability
from config.wire import ids
from config.wire.errors import Conflict, Invalid, NotFound
from config.wire.ids import NO_SUCH_ID

MOST_REPORTED = 1_000_000_000  # units in one report
KIND = "key:"


def report_use(*, caller: Caller, report: str, credential: str, units: int) -> bool:
    """Count `units` that a request with `credential` (`X-Auth-Credential`) used, also beyond its budgets.

    `report` is an id that the caller chooses. Return whether the units count now: False if this report was
    taken before. The row of the report says who used what, so there is no event. Raises Invalid, NotFound
    for a key whose use the caller may not report, or Conflict if the id is that of another report.
    """
    key = _key_of(caller, credential)
    who_and_what = "\0".join((caller.principal.subject, report)).encode(errors="surrogatepass")
    digest = hashlib.sha256(who_and_what).digest()
    with transaction.atomic():
        try:
            with transaction.atomic():
                UseReport.objects.create(
                    digest=digest, key=key.uuid, units=units, reported_at=caller.origin.at
                )
        except IntegrityError:
            earlier = UseReport.objects.get(pk=digest)
            if (earlier.key, earlier.units) != (key.uuid, units):
                raise Conflict(
                    "id", "was used for a report with another credential or other units; send another id"
                ) from None
            return False
        own = Q(counted_as=key.first_uuid)
        shared = Q(organization_id=key.organization_id) if key.organization_id else Q(pk=None)
        rows = QuotaLedger.objects.select_for_update().filter(own | shared).order_by("pk")
        ledger.add(rows, units, day_of(caller.origin.at))
    return True


def _key_of(caller: Caller, credential: str) -> ApiKey:
    """Return the key whose use the caller may report. Raises Invalid and NotFound."""
    if not credential.startswith(KIND):
        raise Invalid("credential", "must be the X-Auth-Credential of an API key, such as key:0f3c8b52-…")
    found: ApiKey = ids.find("api_key", ApiKey.objects.all(), credential.removeprefix(KIND))
    if not caller.principal.may(Capability.REPORT_USE, found.organization_id):
        raise NotFound(NO_SUCH_ID)
    return found
