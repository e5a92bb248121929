"""What the audit endpoint accepts and returns, in canonical members."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from audit.events import EventName
from config.wire.fields import OneOfField, SearchField, TextField, TimestampField
from config.wire.ids import IdField
from config.wire.lists.order import STORED, Column
from config.wire.lists.query import ListQuery
from config.wire.members import WireSerializer


class ActorOrTarget(TextField):
    """The uuid of an actor or target, which the client may send in capitals (RFC 9562 section 4)."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).lower()


class EventQuery(ListQuery):
    """The query parameters of the audit endpoint."""

    resource = "event"
    orderings: ClassVar[Mapping[str, Column]] = {"occurred_at": STORED}
    default_ordering = "-occurred_at"

    event = OneOfField([str(name) for name in EventName], source="name")
    actor = ActorOrTarget(source="actor_id", max_length=36, required=False, help_text="id of the actor")
    target = ActorOrTarget(source="target_id", max_length=36, required=False, help_text="id of the target")
    since = TimestampField(source="occurred_at__gte", required=False, help_text="events then or later")
    until = TimestampField(source="occurred_at__lt", required=False, help_text="events before then")
    ip = TextField(max_length=45, required=False, help_text="address of the request")
    request_id = TextField(max_length=64, required=False)
    search = SearchField(
        "an event, id, address or request id, or the beginning of an actor's or target's name"
    )


SUBJECT = {
    "type": "object",
    "required": ["kind", "id", "label"],
    "properties": {name: {"type": "string"} for name in ("kind", "id", "label")},
}


class AuditEventMember(WireSerializer):
    """One event of the audit log."""

    resource = "event"

    id = IdField("event")
    occurred_at = TimestampField()
    event = serializers.CharField(source="name")
    actor = serializers.SerializerMethodField()
    target = serializers.SerializerMethodField()
    ip = serializers.CharField()
    request_id = serializers.CharField()
    detail = serializers.JSONField()

    @extend_schema_field(SUBJECT)
    def get_actor(self, event: Any) -> dict[str, str]:
        return {"kind": event.actor_kind, "id": event.actor_id, "label": event.actor_label}

    @extend_schema_field(SUBJECT)
    def get_target(self, event: Any) -> dict[str, str]:
        return {"kind": event.target_kind, "id": event.target_id, "label": event.target_label}
