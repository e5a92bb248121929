"""Serializer fields that read strictly, and write in the profile's form."""

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from config import profiles
from config.wire import times


class TextField(serializers.CharField):
    """A JSON string; numbers are refused."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """true or false; "yes" and 1 are refused."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class TimestampField(serializers.DateTimeField):
    """A time in UTC, in whole seconds: 2026-11-22T09:30:00Z, or without the Z if the profile says so.

    Reads RFC 3339 with any UTC offset. A time without an offset is ambiguous, and refused.
    """

    default_error_messages = {"invalid": "Send a time such as 2026-11-22T09:30:00Z (RFC 3339)."}

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


class BoundedListField(serializers.ListField):
    """A list that is refused before its items are read if it is longer than `max_length`."""

    def run_child_validation(self, data: Any) -> Any:
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().run_child_validation(data)
