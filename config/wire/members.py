"""Members have canonical snake_case names inside, and the active profile's names and order outside."""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any, ClassVar

from rest_framework import serializers

from config import profiles
from config.wire.errors import MOST_ERRORS, shown


def external_name(resource: str, member: str) -> str:
    """Return the name of canonical `member` of `resource` in the active profile."""
    form = profiles.active().wire
    name = form.names.get(f"{resource}.{member}") or form.names.get(member)
    if name is not None:
        return name
    return camelize(member) if form.case == "camel" else member


def camelize(name: str) -> str:
    """expires_at → expiresAt"""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


class WireSerializer(serializers.Serializer[Any]):
    """A serializer of canonical members. It shows those that the profile lists, in its order and spelling."""

    resource: ClassVar[str]

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        declared = self.declared()
        return dict(self._spelled(name, declared[name]) for name in self._members(declared))

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return new fields for the canonical members."""
        return super().get_fields()

    def _members(self, declared: Iterable[str]) -> Iterable[str]:
        return profiles.active().wire.members.get(self.resource, tuple(declared))

    def _spelled(
        self, name: str, field: serializers.Field[Any, Any, Any, Any]
    ) -> tuple[str, serializers.Field[Any, Any, Any, Any]]:
        spelling = external_name(self.resource, name)
        source = field.source or name
        if isinstance(field, serializers.SerializerMethodField):
            field.method_name = field.method_name or f"get_{name}"
        field.source = None if source == spelling else source  # DRF refuses one that equals the name
        return spelling, field


class RequestSerializer(WireSerializer):
    """A serializer for requests: an unknown member is an error."""

    def _members(self, declared: Iterable[str]) -> Iterable[str]:
        return declared

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            self._refuse_unknown(data)
        return super().to_internal_value(data)

    def _refuse_unknown(self, data: Iterable[str]) -> None:
        unknown = list(islice((name for name in data if name not in self.fields), MOST_ERRORS))
        if unknown:
            known = ", ".join(self.fields) or "none"
            raise serializers.ValidationError(
                {shown(name): f"Unknown member. Known members: {known}." for name in unknown}
            )
