"""Examples of requests and responses, in the names, ids, roles and scopes of the active profile."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from rest_framework import serializers

from config import profiles
from config.wire import ids
from config.wire.fields import timestamp
from config.wire.members import RequestForm, WireSerializer, external_name
from config.wire.openapi import texts

LEFT_OUT = object()


def example_of(serializer: Any) -> Any:
    """Return the example of what a serializer reads or writes; None if its openapi.toml has none."""
    values = texts.of_schema(type(serializer)).example
    return None if values is None else _spelled(serializer, values)


def _spelled(serializer: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values, which have canonical names, as members of the profile."""
    names = _canonical_names(serializer)
    found = {
        name: _value(field, values.get(names[name]), is_sent=isinstance(serializer, RequestForm))
        for name, field in serializer.fields.items()
    }
    return {name: value for name, value in found.items() if value is not LEFT_OUT}


def _canonical_names(serializer: Any) -> dict[str, str]:
    if isinstance(serializer, WireSerializer):
        return {external_name(serializer.resource, name): name for name in serializer.declared()}
    return {name: name for name in serializer.fields}


def _value(field: Any, value: Any, *, is_sent: bool) -> Any:
    if isinstance(value, str) and value.startswith("{"):
        word, value = value, _of_profile(value)
        if value is None:
            return LEFT_OUT if is_sent else word.strip("{}")
    if value is None:
        return LEFT_OUT if is_sent else _default(field)
    if isinstance(field, ids.IdField | ids.SentIdField):
        return _id(field.resource)
    if isinstance(value, datetime):
        return timestamp(value) if is_sent else field.to_representation(value)
    if isinstance(value, list):
        return [each for each in map(_of_profile, value) if each is not None]
    return _spelled(field, value) if isinstance(field, serializers.Serializer) else value


def _default(field: Any) -> Any:
    """Return what a response has in a member for which there is no value."""
    if field.allow_null:
        return None
    if isinstance(field, ids.IdField):
        return _id(field.resource)
    if isinstance(field, serializers.ListSerializer):
        return [example_of(field.child)]
    if isinstance(field, serializers.Serializer):
        return example_of(field)
    return LEFT_OUT if field.default is serializers.empty else field.default


def _id(resource: str) -> str | int:
    return ids.format_id(resource, 42, ids.EXAMPLE)


def _of_profile(value: Any) -> Any:
    """Return what stands for a word in braces, None if the profile has no such thing; else the value."""
    profile = profiles.active()
    prefix = profile.keys.environments[profile.keys.default_environment].prefix
    has_username = "username" in profile.login.identifiers
    words = {
        "{scope}": next(iter(profile.scopes), None),
        "{global_role}": next(reversed(profile.roles_of_level("global")), None),
        "{organization_role}": next(reversed(profile.roles_of_level("organization")), "member"),
        "{environment}": profile.keys.default_environment,
        "{key}": f"{prefix}EXAMPLE",
        "{key_prefix}": f"{prefix}EXAM",
        "{username}": "ada" if has_username else None,
        "{email_without_username}": None if has_username else "ada@example.org",
        "{required_expiry}": _required_expiry(),
    }
    return words.get(value, value)


def day_of_examples() -> date | None:
    """Return the day, in UTC, for which examples hold; None: for ever."""
    return datetime.now(UTC).date() if profiles.active().keys.longest_days else None


def _required_expiry() -> datetime | None:
    """Return an expiry that is allowed for keys made at any time of this day; None if keys need none."""
    days, day = profiles.active().keys.longest_days, day_of_examples()
    if days is None or day is None:
        return None
    return datetime.combine(day, time.min, UTC) + timedelta(days=days)
