"""What the audit endpoint accepts and returns, in canonical members."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from audit.events import EventName
from audit.models import EventQuerySet
from audit.position import Position
from config.wire.fields import OneOfField, SearchField, TextField, TimestampField
from config.wire.ids import IdField
from config.wire.lists.order import NOT_OURS, STORED, Column, Order
from config.wire.lists.query import ListQuery
from config.wire.members import WireSerializer

LONGEST_POSITION = 100  # characters; those that Keyhouse makes are shorter
OLDEST_FIRST = Order(is_descending=False)


class ActorOrTarget(TextField):
    """The uuid of an actor or target, which the client may send in capitals (RFC 9562 section 4)."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).lower()


class CursorField(TextField):
    """A place in the audit log, from which a feed goes on. Empty is the beginning."""

    def __init__(self) -> None:
        words = "feed: events after this cursor, oldest first; empty: from the beginning"
        super().__init__(required=False, allow_blank=True, max_length=LONGEST_POSITION, help_text=words)

    def run_validation(self, data: Any = empty) -> Position:
        try:
            return Position.read(super().run_validation(data))
        except ValueError:
            raise serializers.ValidationError(NOT_OURS) from None


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
    after = CursorField()

    @property
    def position(self) -> Position | None:
        """The position after which a feed continues; None for a list."""
        after: Position | None = self.validated_data.get("after")
        return after

    @property
    def order(self) -> Order:
        return super().order if self.position is None else OLDEST_FIRST

    def by_after(self, events: EventQuerySet, position: Position) -> EventQuerySet:
        """Keep the events after the position."""
        return events.filter(sequence__gt=position.sequence)


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
