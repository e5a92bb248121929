"""Public ids in the profile's form: an integer, a uuid, or a prefix and base62."""

import re
import uuid
from typing import Any, Protocol

from django.db.models import QuerySet
from django.utils.translation import gettext_noop
from rest_framework import serializers

from config import profiles
from config.wire.errors import NotFound
from config.wire.fields import TextField

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIXED_LENGTH = 22
LARGEST_INTEGER = 2**63 - 1
EXAMPLE = uuid.UUID("123e4567-e89b-42d3-a456-426614174000")
NO_SUCH_ID = gettext_noop("This id does not exist.")


class Identified(Protocol):
    """A row with a primary key and a public uuid."""

    pk: Any
    uuid: uuid.UUID


class IdField(serializers.Field[Any, Any, Any, Any]):
    """The public id of a row, in the profile's form. Read-only."""

    def __init__(self, resource: str, **kwargs: Any) -> None:
        self.resource = resource
        super().__init__(read_only=True, **({"source": "*"} | kwargs))

    def to_representation(self, value: Identified) -> str | int:
        return public_id(self.resource, value)


class SentIdField(TextField):
    """A public id from a client, in the profile's form. Returns a string.

    With integer ids it accepts only JSON numbers, else only strings.
    """

    def __init__(self, resource: str, **kwargs: Any) -> None:
        self.resource = resource
        super().__init__(max_length=64, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if profiles.active().wire.ids == "integer":
            if type(data) is not int:
                raise serializers.ValidationError("Send a number.")
            data = str(data)
        return super().to_internal_value(data)


class QueryIdField(serializers.Field[Any, Any, Any, Any]):
    """A public id in a query. Returns the filter that finds its row, which need not exist."""

    def __init__(self, resource: str, **kwargs: Any) -> None:
        self.resource = resource
        super().__init__(required=False, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        try:
            return lookup(self.resource, str(data))
        except NotFound:
            example = format_id(self.resource, 42, EXAMPLE)
            raise serializers.ValidationError(f"Must be an id such as {example}.") from None


def public_id(resource: str, row: Identified) -> str | int:
    """Return the id of `row` as the active profile shows it."""
    return format_id(resource, row.pk, row.uuid)


def format_id(resource: str, number: int, identity: uuid.UUID) -> str | int:
    """Return an id in the active profile's form: an integer, a uuid, or prefix + base62."""
    form = profiles.active().wire
    if form.ids == "integer":
        return number
    if form.ids == "prefixed":
        return prefix_of(resource) + _to_base62(identity.int)
    return str(identity)


def prefix_of(resource: str) -> str:
    """Return the prefix of the ids of `resource`."""
    return profiles.active().wire.id_prefixes.get(resource, f"{resource}_")


def lookup(resource: str, text: str) -> dict[str, Any]:
    """Return the queryset filter for the public id `text`. Raises NotFound for a malformed id."""
    form = profiles.active().wire
    if form.ids == "integer":
        return {"pk": _read_integer(text)}
    if form.ids == "prefixed":
        return {"uuid": _read_prefixed(prefix_of(resource), text)}
    return {"uuid": _read_uuid(text)}


def find(resource: str, rows: "QuerySet[Any]", text: str, *, path: str = "") -> Any:
    """Return the row with the id `text`, or whose related object at `path` has it. Raises NotFound."""
    row = rows.filter(
        **{f"{path}{column}": value for column, value in lookup(resource, text).items()}
    ).first()
    if row is None:
        raise NotFound(NO_SUCH_ID)
    return row


def _read_integer(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,18}", text) or int(text) > LARGEST_INTEGER:
        raise NotFound(NO_SUCH_ID)
    return int(text)


def _read_uuid(text: str) -> uuid.UUID:
    """Read a uuid, also in capitals (RFC 9562 section 4), but not in braces, as a URN or without hyphens."""
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        raise NotFound(NO_SUCH_ID)
    return uuid.UUID(text)


def _read_prefixed(prefix: str, text: str) -> uuid.UUID:
    body = text.removeprefix(prefix)
    number = _from_base62(body) if body != text and len(body) == PREFIXED_LENGTH else None
    if number is None:
        raise NotFound(NO_SUCH_ID)
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
