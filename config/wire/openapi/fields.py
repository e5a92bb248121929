"""Describes fields: ids in the form of the profile."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension

from config import profiles
from config.wire import ids


def id_schema(resource: str) -> dict[str, Any]:
    """Return the JSON schema of a public id in the active profile's form."""
    form = profiles.active().wire
    if form.ids == "integer":
        return {"type": "integer", "minimum": 1}
    if form.ids == "prefixed":
        prefix = ids.prefix_of(resource)
        return {"type": "string", "pattern": f"^{prefix}[0-9A-Za-z]{{{ids.PREFIXED_LENGTH}}}$"}
    return {"type": "string", "format": "uuid"}


class IdFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes ids in the profile's form."""

    target_class = "config.wire.ids.IdField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        return id_schema(self.target.resource)


class QueryIdFieldExtension(IdFieldExtension):  # type: ignore[no-untyped-call]
    """Describes ids in queries in the same form."""

    target_class = "config.wire.ids.QueryIdField"


class SentIdFieldExtension(IdFieldExtension):  # type: ignore[no-untyped-call]
    """Describes ids that clients send in the same form."""

    target_class = "config.wire.ids.SentIdField"
