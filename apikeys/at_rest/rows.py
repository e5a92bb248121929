"""A key as one query reads it, with everything that decides what it may do."""

from datetime import datetime
from typing import Any, NamedTuple

from access.key_limits import NO_BUDGETS, Budgets, Quota
from accounts.users.principals import PERSON, PERSON_JOINS
from apikeys.quotas.models import Counts
from audit.position import HEAD, HEAD_JOIN
from config.database.sql import as_uuid


class KeyRow(NamedTuple):
    """A key as one query reads it, without the columns of the person who owns it."""

    pk: int
    uuid: Any
    digest: Any
    name: str
    scopes: str
    pepper: int
    expires_at: datetime | None
    revoked_at: datetime | None
    disabled_at: datetime | None
    allowed_networks: str
    rate_requests: int | None
    rate_seconds: int | None
    made_through: int | None
    unused_until: datetime | None
    counted_as: Any
    quota: int | None
    quota_counts: str | None
    quota_day: int | None
    quota_month: int | None
    quota_total: int | None
    shared_quota: int | None
    shared_counts: str | None
    shared_day: int | None
    shared_month: int | None
    shared_total: int | None
    organization_id: int | None
    organization: Any
    organization_name: str | None
    owner_is_active: bool | None


KEY = f"""SELECT {HEAD}, k.id, CAST(k.uuid AS text), k.digest, k.name, k.scopes, k.pepper,
        k.expires_at, k.revoked_at, k.disabled_at, k.allowed_networks, k.rate_requests, k.rate_seconds,
        k.made_through_id, k.unused_until, CAST(k.counted_as AS text),
        kq.id, kq.counts, kq.day_most, kq.month_most, kq.total_most,
        oq.id, oq.counts, oq.day_most, oq.month_most, oq.total_most,
        k.organization_id, CAST(ko.uuid AS text), ko.name, u.is_active, {PERSON}
    FROM apikeys_apikey k
    LEFT JOIN apikeys_quotaledger kq ON kq.counted_as = COALESCE(k.counted_as, k.uuid)
    LEFT JOIN apikeys_quotaledger oq ON oq.organization_id = k.organization_id
    LEFT JOIN accounts_organization ko ON ko.id = k.organization_id
    LEFT JOIN accounts_user u ON u.id = k.user_id {PERSON_JOINS} {HEAD_JOIN}
    WHERE k.digest
"""  # noqa: S608 (it holds only constants)
KEY_COLUMNS = len(KeyRow._fields)
DIGEST = KeyRow._fields.index("digest")


def quotas_of(row: KeyRow) -> tuple[Quota, ...]:
    """Return the quotas that limit the key: its own, and that of all keys of its organization."""
    own = Budgets(row.quota_day, row.quota_month, row.quota_total)
    shared = Budgets(row.shared_day, row.shared_month, row.shared_total)
    found: list[Quota] = []
    if row.quota is not None and own != NO_BUDGETS:
        name = as_uuid(row.counted_as or row.uuid)
        found.append(Quota("key", row.quota, name, own, row.quota_counts == Counts.REPORTS))
    if row.shared_quota is not None and shared != NO_BUDGETS:
        name, is_reported = as_uuid(row.organization), row.shared_counts == Counts.REPORTS
        found.append(Quota("organization", row.shared_quota, name, shared, is_reported))
    return tuple(found)
