"""What the audit endpoint accepts and returns, in canonical members."""

from typing import Any

from rest_framework import serializers

from audit.events import EventName
from config.wire.fields import TimestampField
from config.wire.ids import IdField
from config.wire.members import RequestSerializer, WireSerializer


class ActorOrTarget(serializers.CharField):
    """The uuid of an actor or target, which the client may send in capitals (RFC 9562 section 4)."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).lower()


class EventFilter(RequestSerializer):
    """The query parameters of the audit endpoint."""

    resource = "event"

    event = serializers.ChoiceField(choices=[str(name) for name in EventName], required=False)
    actor = ActorOrTarget(max_length=36, required=False, help_text="id of the actor")
    target = ActorOrTarget(max_length=36, required=False, help_text="id of the target")
    since = TimestampField(required=False)
    until = TimestampField(required=False)


class EventMember(WireSerializer):
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

    def get_actor(self, event: Any) -> dict[str, str]:
        return {"kind": event.actor_kind, "id": event.actor_id, "label": event.actor_label}

    def get_target(self, event: Any) -> dict[str, str]:
        return {"kind": event.target_kind, "id": event.target_id, "label": event.target_label}
