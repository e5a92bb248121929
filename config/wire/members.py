"""Members have canonical snake_case names inside, and the active profile's names and order outside."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, cast

from rest_framework import serializers

from config import profiles
from config.wire.errors import MOST_ERRORS
from config.wire.parsers import REPEATED
from config.wire.quoting import shown

IS_REPEATED = "is repeated; send it once"


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


class RequestForm(serializers.Serializer[Any]):
    """What a client sends. Its error names all faults: missing, wrong, repeated and unknown members."""

    default_error_messages = dict.fromkeys(("invalid", "null"), "Send a JSON object.")
    unnamed = 0  # faults of the whole request that its error does not name
    may_be_empty = True  # else the service refuses a request without members

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            return super().to_internal_value(data)
        members, wrong = None, {}
        try:
            members = super().to_internal_value(data)
        except serializers.ValidationError as error:
            wrong = cast(dict[str, Any], error.detail)
        faults = {**self.faults_together(data), **wrong, **self._faults_of_names(data)}
        if faults:
            raise serializers.ValidationError(faults)
        return members

    def faults_together(self, data: Mapping[str, Any]) -> Mapping[str, str]:
        """Return what is wrong with members that depend on each other, by their external names."""
        return {}

    def takes(self, known: Collection[str], name: str) -> bool:
        """Whether a request may have a member of this name."""
        return True

    def _faults_of_names(self, data: Mapping[str, Any]) -> dict[str, str]:
        known = list(self.fields)
        wrong = [name for name, value in data.items() if value is REPEATED or not self.takes(known, name)]
        named = wrong[:MOST_ERRORS]
        cast(RequestForm, self.root).unnamed += len(wrong) - len(named)
        return {shown(name): self._fault_of_name(known, name) for name in named}

    def _fault_of_name(self, known: Collection[str], name: str) -> str:
        if self.takes(known, name):
            return IS_REPEATED
        kind, others = self.context.get("kind", "member"), self.context.get("others", ())
        return f"Unknown {kind}. Known {kind}s: {', '.join([*known, *others]) or 'none'}."


class RequestSerializer(RequestForm, WireSerializer):
    """A serializer for requests in the profile's names: an unknown member is an error."""

    def _members(self, declared: Iterable[str]) -> Iterable[str]:
        return declared

    def takes(self, known: Collection[str], name: str) -> bool:
        return name in known


class FormFaults(serializers.ValidationError):
    """The faults of a request by member, and how many there are that have no name here."""

    def __init__(self, faults: Mapping[str, Any], unnamed: int) -> None:
        super().__init__(dict(faults))
        self.unnamed = unnamed
