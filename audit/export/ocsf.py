"""An event in the form of the Open Cybersecurity Schema Framework (OCSF) 1.2.0, https://schema.ocsf.io.

Logins are Authentication, changes of people Account Change, refused requests API Activity, and changes of all
other things Entity Management. What OCSF has no member for is in `unmapped`.
"""

import time
from typing import Any, NamedTuple

from audit.events import REFUSALS, EventName
from audit.export.jsonl import SUBJECT, members_of
from audit.models import Event
from config.program import VERSION

SCHEMA = "1.2.0"
PRODUCT = {"name": "Keyhouse", "vendor_name": "Keyhouse", "version": VERSION}
OTHER = 99  # an activity, or a type of user, that OCSF has no number for
INFORMATIONAL, MEDIUM = 1, 3  # severities
SUCCESS, FAILURE = 1, 2
USER_TYPES = {"user": 1}
DESCRIPTIONS: dict[str, str] = {str(name): name.description for name in EventName}


class EventClass(NamedTuple):
    """A class of OCSF, and the numbers of the activities that our events have there."""

    category: int
    number: int
    activities: dict[str, int]


BASE = EventClass(0, 0, {})
ACCOUNT_CHANGE = EventClass(
    3,
    3001,
    {
        "user:created": 1,
        "user:reactivated": 2,
        "password:changed": 3,
        "password_reset:requested": 4,
        "user:deactivated": 5,
        "user:deleted": 6,
        "second_factor:added": 10,
        "passkey:added": 10,
        "second_factor:removed": 11,
        "passkey:removed": 11,
    },
)
AUTHENTICATION = EventClass(3, 3002, {"login:succeeded": 1, "login:failed": 1, "session:ended": 2})
ENTITY_MANAGEMENT = EventClass(3, 3004, {})
API_ACTIVITY = EventClass(6, 6003, {})
# By the subject of an event, which stands before the colon, or by its whole name; all others are changes of
# entities.
CLASSES = {
    **dict.fromkeys(("login", "session", "refresh_token"), AUTHENTICATION),
    **dict.fromkeys(("second_factor:refused", "passkey_counter", "password:refused"), AUTHENTICATION),
    **dict.fromkeys(("user", "role", "password", "password_reset", "email_change", "mail"), ACCOUNT_CHANGE),
    **dict.fromkeys(("second_factor", "passkey", "second_factor_recovery", "recovery_codes"), ACCOUNT_CHANGE),
    **dict.fromkeys(("access", "attempt", "api_key:refused"), API_ACTIVITY),
}
# Of entities, by the action of an event, which stands behind the colon.
ENTITY_ACTIVITIES = {"created": 1, "imported": 1, "issued": 1, "added": 1, "given": 1, "removed": 4} | {
    **dict.fromkeys(("deleted", "revoked", "withdrawn"), 4),
    **dict.fromkeys(("changed", "renamed", "described", "narrowed", "widened", "rotated"), 3),
    **dict.fromkeys(("disabled", "enabled", "refreshed"), 3),
}


class Activity(NamedTuple):
    """What an event is in OCSF."""

    kind: EventClass
    number: int


def activity_of(name: str) -> Activity:
    """Return the class and activity of an event with this name."""
    subject, _, action = name.partition(":")
    kind = CLASSES.get(name) or CLASSES.get(subject, ENTITY_MANAGEMENT)
    known = ENTITY_ACTIVITIES.get(action) if kind is ENTITY_MANAGEMENT else kind.activities.get(name)
    return Activity(kind, OTHER if known is None else known)


def ocsf_of(event: Event) -> dict[str, Any]:
    """Return the event as an OCSF event."""
    name, activity = str(event.name), activity_of(event.name)
    failed = event.name in REFUSALS
    source = {"src_endpoint": {"ip": event.ip}} if event.ip else {}
    return {
        **_classified(activity, name),
        "time": int(event.occurred_at.timestamp() * 1000),
        "severity_id": MEDIUM if failed else INFORMATIONAL,
        "status_id": FAILURE if failed else SUCCESS,
        "message": DESCRIPTIONS.get(name, name),
        "metadata": {
            **_METADATA,
            "uid": str(event.uuid),
            "sequence": event.sequence,
            "event_code": name,
            "correlation_uid": event.request_id,
        },
        "actor": {"user": _user(event.actor_kind, event.actor_id, event.actor_label)},
        **source,
        **_MEMBERS[activity.kind.number](event),
        "unmapped": {
            part: value for part, value in members_of(event).items() if part not in _MAPPED and value
        },
    }


_METADATA = {"version": SCHEMA, "product": PRODUCT, "log_name": "audit"}
_MAPPED = frozenset({"sequence", "uuid", "name", "ip", "request_id"})  # these are not repeated in `unmapped`


def checkpoint_ocsf(token: str) -> dict[str, Any]:
    """Return a checkpoint that was just signed as an event of OCSF's base class."""
    return {
        **_classified(Activity(BASE, OTHER), "checkpoint"),
        "time": int(time.time() * 1000),
        "severity_id": INFORMATIONAL,
        "message": "The audit log up to an event, signed.",
        "metadata": {**_METADATA, "event_code": "checkpoint"},
        "unmapped": {"checkpoint": token},
    }


def _classified(activity: Activity, name: str) -> dict[str, Any]:
    number = activity.kind.number
    return {
        "category_uid": activity.kind.category,
        "class_uid": number,
        "activity_id": activity.number,
        "activity_name": name,
        "type_uid": number * 100 + activity.number,
    }


def _user(kind: str, identity: str, label: str) -> dict[str, Any]:
    """Return who acted, or whom it is about. OCSF wants a uid or a name."""
    user = {"uid": identity, "name": label or ("" if identity else kind or "unknown"), "type": kind}
    return {**{part: text for part, text in user.items() if text}, "type_id": USER_TYPES.get(kind, OTHER)}


def _concerned(event: Event) -> dict[str, Any]:
    """Return the person that an event is about: the target if it is a person, else the actor."""
    who = "target" if event.target_kind == "user" else "actor"
    return {"user": _user(*(getattr(event, f"{who}_{part}") for part in SUBJECT))}


def _authentication(event: Event) -> dict[str, Any]:
    return {**_concerned(event), "service": {"name": "Keyhouse"}}


def _entity(event: Event) -> dict[str, Any]:
    entity = {"type": event.target_kind, "uid": event.target_id, "name": event.target_label}
    known = {part: text for part, text in entity.items() if text}
    return {"entity": known if {"uid", "name"} & known.keys() else {**known, "name": "Keyhouse"}}


def _request(event: Event) -> dict[str, Any]:
    """Return the members of API Activity. The target of a refused request is its method and path."""
    source = {"ip": event.ip} if event.ip else {"name": "unknown"}
    return {"api": {"operation": event.target_label or str(event.name)}, "src_endpoint": source}


_MEMBERS = {
    ACCOUNT_CHANGE.number: _concerned,
    AUTHENTICATION.number: _authentication,
    ENTITY_MANAGEMENT.number: _entity,
    API_ACTIVITY.number: _request,
}
