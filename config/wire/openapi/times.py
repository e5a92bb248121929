"""Describes times as the profile writes them. A time without an offset is no `date-time` (RFC 3339)."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension

from config import profiles

DATE_TIME = {"type": "string", "format": "date-time"}
BARE = {
    "type": "string",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$",
    "description": "a time in UTC",
}


class TimestampFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes what is read and what is written."""

    target_class = "config.wire.fields.TimestampField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        is_bare = direction == "response" and profiles.active().wire.times == "bare"
        return dict(BARE if is_bare else DATE_TIME)
