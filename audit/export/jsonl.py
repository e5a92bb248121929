"""An event as a line of JSON, with everything that its hash covers."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from audit.models import Event

SUBJECT = ("kind", "id", "label")


def members_of(event: Event) -> dict[str, Any]:
    """Return the event's members; `event_of` reads them."""
    return {
        "sequence": event.sequence,
        "uuid": str(event.uuid),
        "occurred_at": event.occurred_at.astimezone(UTC).isoformat(),
        "name": str(event.name),
        "actor": {part: getattr(event, f"actor_{part}") for part in SUBJECT},
        "target": {part: getattr(event, f"target_{part}") for part in SUBJECT},
        "organization_id": event.organization_id,
        "ip": event.ip,
        "request_id": event.request_id,
        "detail": event.detail,
        "subjects": event.subjects,
        "hash_version": event.hash_version,
        "previous_hash": bytes(event.previous_hash).hex(),
        "hash": bytes(event.hash).hex(),
    }


def checkpoint_members(token: str) -> dict[str, Any]:
    """Return the members of a checkpoint's line."""
    return {"checkpoint": token}


def event_of(members: Mapping[str, Any]) -> Event:
    """Return the event with these members. Raises ValueError if one is missing or of a wrong type."""
    try:
        return Event(
            sequence=_whole(members["sequence"]),
            uuid=UUID(members["uuid"]),
            occurred_at=datetime.fromisoformat(members["occurred_at"]).astimezone(UTC),
            name=members["name"],
            **{f"{who}_{part}": members[who][part] for who in ("actor", "target") for part in SUBJECT},
            organization_id=members["organization_id"],
            ip=members["ip"],
            request_id=members["request_id"],
            detail=members["detail"],
            subjects=members["subjects"],
            hash_version=_whole(members["hash_version"]),
            previous_hash=bytes.fromhex(members["previous_hash"]),
            hash=bytes.fromhex(members["hash"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        raise ValueError("not an event") from None


def _whole(number: Any) -> int:
    if type(number) is not int or not 0 < number < 2**63:
        raise ValueError("not a number of an event")
    return number


def line_of(members: Mapping[str, Any]) -> str:
    """Return one line of JSON, without the line break."""
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))
