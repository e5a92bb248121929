"""Filters of the key list: by the profile's `list` setting, and by its attributes (?key_type=client)."""

from typing import Any

from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from access.callers import principal_of_request
from apikeys.attributes import from_text
from apikeys.serializers import ListFilter
from audit.actors import Origin
from config import profiles
from config.wire import requests


class ListedFilter(BaseFilterBackend):
    """Keep the keys that the profile lists: all, or the caller's own that are not revoked or expired."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        if profiles.active().keys.list == "all":
            return queryset
        owned = queryset.owned_by(principal_of_request(request))
        return owned.unended(Origin.of(request._request).at)


class AttributeFilter(BaseFilterBackend):
    """Keep the keys with these attributes. An unknown parameter or a wrong value is an error."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        wanted = requests.parse_query(ListFilter, request)
        values = {name: from_text(name, text) for name, text in wanted.items()}
        return queryset.filter(**{f"attributes__{name}": value for name, value in values.items()})

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the parameters for the OpenAPI document."""
        return [
            {
                "name": name,
                "in": "query",
                "description": str(field.help_text),
                "schema": {"type": "string", "enum": list(field.choices)},
            }
            for name, field in ListFilter().choices().items()
        ]
