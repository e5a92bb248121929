"""The form of requests and answers: the only place where a product's spelling meets our own names.

Serializers declare canonical snake_case members; here they get the active profile's names, order,
id form, list form and envelope.
"""

import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any, ClassVar, Protocol

from django.db.models import QuerySet
from rest_framework import renderers, serializers

from config import profiles, times
from config.errors import MOST_ERRORS, NotFound, shown

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIXED_LENGTH = 22
LARGEST_INTEGER = 2**63 - 1


class Identified(Protocol):
    """A row with both of its names: the database's number and the public uuid."""

    pk: Any
    uuid: uuid.UUID


# Members


def outside(resource: str, member: str) -> str:
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
    """A serializer of canonical members that shows those that the profile lists, in its order and words."""

    resource: ClassVar[str]

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        declared = self.declared()
        return dict(self._spelled(name, declared[name]) for name in self._members(declared))

    def declared(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The canonical members, fresh for this serializer."""
        return super().get_fields()

    def _members(self, declared: Iterable[str]) -> Iterable[str]:
        return profiles.active().wire.members.get(self.resource, tuple(declared))

    def _spelled(
        self, name: str, field: serializers.Field[Any, Any, Any, Any]
    ) -> tuple[str, serializers.Field[Any, Any, Any, Any]]:
        spelling = outside(self.resource, name)
        source = field.source or name
        if isinstance(field, serializers.SerializerMethodField):
            field.method_name = field.method_name or f"get_{name}"
        field.source = None if source == spelling else source  # DRF wants one only where it differs
        return spelling, field


class RequestSerializer(WireSerializer):
    """A serializer for what clients send: a member that it does not know is an error."""

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
                {shown(name): f"There is no such member. Known members: {known}." for name in unknown}
            )


# Values


class TextField(serializers.CharField):
    """A text; a JSON number is none."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """true or false; "yes" and 1 are neither."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class TimestampField(serializers.DateTimeField):
    """A point in time: 2026-11-22T09:30:00Z, in UTC, whole seconds; without the Z if the profile says so.

    Takes RFC 3339 with any offset from UTC; a time without one could mean two things and is refused.
    """

    default_error_messages = {"invalid": "This is not a time such as 2026-11-22T09:30:00Z (RFC 3339)."}

    def to_internal_value(self, value: Any) -> datetime:
        moment = times.parse(value) if isinstance(value, str) else None
        if moment is None:
            self.fail("invalid")
        return moment

    def to_representation(self, value: Any) -> Any:
        text = timestamp(value)
        return text.removesuffix("Z") if profiles.active().wire.times == "bare" else text


def timestamp(value: datetime) -> str:
    """Return `value` as 2026-11-22T09:30:00Z."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class IdField(serializers.Field[Any, Any, Any, Any]):
    """The public id of a row, in the profile's form. Read-only."""

    def __init__(self, resource: str, **kwargs: Any) -> None:
        self.resource = resource
        super().__init__(read_only=True, **({"source": "*"} | kwargs))

    def to_representation(self, value: Identified) -> str | int:
        return public_id(self.resource, value)


class SentIdField(TextField):
    """A public id that a client sends, in the form in which it was shown; a number becomes its digits."""

    def __init__(self, resource: str, **kwargs: Any) -> None:
        self.resource = resource
        super().__init__(max_length=64, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if profiles.active().wire.ids == "integer":
            if type(data) is not int:
                raise serializers.ValidationError("Not a number.")
            data = str(data)
        return super().to_internal_value(data)


def public_id(resource: str, row: Identified) -> str | int:
    """Return the id of `row` as the active profile shows it."""
    return spelled(resource, row.pk, row.uuid)


def spelled(resource: str, number: int, identity: uuid.UUID) -> str | int:
    """Return an id in the active profile's form: an integer, a uuid, or prefix + base62."""
    form = profiles.active().wire
    if form.ids == "integer":
        return number
    if form.ids == "prefixed":
        return prefix_of(resource) + _to_base62(identity.int)
    return str(identity)


def prefix_of(resource: str) -> str:
    """Return what the prefixed ids of `resource` begin with."""
    return profiles.active().wire.id_prefixes.get(resource, f"{resource}_")


def lookup(resource: str, text: str) -> dict[str, Any]:
    """Return the queryset filter for the public id `text`. Raises NotFound for what cannot be one."""
    form = profiles.active().wire
    if form.ids == "integer":
        return {"pk": _read_integer(text)}
    if form.ids == "prefixed":
        return {"uuid": _read_prefixed(prefix_of(resource), text)}
    return {"uuid": _read_uuid(text)}


def find(resource: str, rows: "QuerySet[Any]", text: str, *, path: str = "") -> Any:
    """Return the one of `rows` whose id, or that of what lies at `path`, is `text`. Raises NotFound."""
    row = rows.filter(
        **{f"{path}{column}": value for column, value in lookup(resource, text).items()}
    ).first()
    if row is None:
        raise NotFound("There is nothing with this id.")
    return row


def _read_integer(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,18}", text) or int(text) > LARGEST_INTEGER:
        raise NotFound("There is nothing with this id.")
    return int(text)


def _read_uuid(text: str) -> uuid.UUID:
    """Read a uuid in capitals, too (RFC 9562 section 4); not braces, a URN or bare digits."""
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        raise NotFound("There is nothing with this id.")
    return uuid.UUID(text)


def _read_prefixed(prefix: str, text: str) -> uuid.UUID:
    body = text.removeprefix(prefix)
    number = _from_base62(body) if body != text and len(body) == PREFIXED_LENGTH else None
    if number is None:
        raise NotFound("There is nothing with this id.")
    return uuid.UUID(int=number)


def _to_base62(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits.rjust(PREFIXED_LENGTH, BASE62[0])


def _from_base62(text: str) -> int | None:
    if any(character not in BASE62 for character in text):
        return None
    number = 0
    for character in text:
        number = number * 62 + BASE62.index(character)
    return number if number < 2**128 else None


# Whole answers


class WireRenderer(renderers.JSONRenderer):
    """JSON, under the profile's envelope if it has one. Errors are never enveloped."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        envelope = profiles.active().wire.envelope
        response = (renderer_context or {}).get("response")
        if envelope and data is not None and response is not None and response.status_code < 400:
            data = {envelope: data}
        return super().render(data, accepted_media_type, renderer_context)
