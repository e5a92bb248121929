"""Quotas for the tests, and checks with keys that have one."""

from datetime import UTC, datetime
from typing import Any

from access.callers import caller_at_command_line
from accounts.models import Organization
from apikeys.models import ApiKey, QuotaLedger
from apikeys.quotas.changes import QuotaChanges
from apikeys.quotas.services import change_key_quota, change_organization_quota
from apikeys.services.api_keys import NewKey
from tests.conftest import with_key

ORIGINAL = {"X-Original-Method": "GET", "X-Original-URI": "/services/stock"}
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def limit(holder: NewKey | ApiKey | Organization, **budgets: Any) -> QuotaLedger:
    """Give a key, or all keys of an organization, a quota."""
    caller, changes = caller_at_command_line(), QuotaChanges(**budgets)
    if isinstance(holder, Organization):
        return change_organization_quota(caller=caller, organization=holder, changes=changes)
    row = holder.row if isinstance(holder, NewKey) else holder
    return change_key_quota(caller=caller, key=row, changes=changes)


def ask(key: NewKey | str) -> Any:
    """Send a check with the key."""
    return with_key(key).get("/gateway/check", headers=ORIGINAL)


def statuses(key: NewKey | str, times: int) -> list[int]:
    """Send several checks with the key, and return their statuses."""
    return [ask(key).status_code for _ in range(times)]
