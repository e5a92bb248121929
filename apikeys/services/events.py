"""Records events about API keys in the audit log."""

from collections.abc import Iterable, Mapping
from typing import Any

from access.principals import Caller
from apikeys.models import ApiKey
from audit.actors import Target
from audit.events import EventName
from audit.log import Entry, record_all


def record_about(name: EventName, caller: Caller, row: ApiKey, detail: Mapping[str, Any]) -> None:
    """Record an event about a key. Call it last in the transaction."""
    record_about_all(name, caller, [row], detail)


def record_about_all(
    name: EventName, caller: Caller, rows: Iterable[ApiKey], detail: Mapping[str, Any]
) -> None:
    """Record an event about each key. Call it last in the transaction."""
    entries = [Entry(name, target_of(row), detail) for row in rows]
    record_all(entries, actor=caller.principal.actor, origin=caller.origin)


def target_of(row: ApiKey) -> Target:
    """Return the key as the target of an event that is also about its owner."""
    target = Target.of("api_key", row, organization_id=row.organization_id)
    return target.about(user=row.user, organization=row.organization)
