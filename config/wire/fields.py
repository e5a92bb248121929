"""Serializer fields that read strictly, and write in the profile's form."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from config import profiles
from config.wire import times
from config.wire.errors import Invalid
from config.wire.parsers import REPEATED
from config.wire.quoting import shown

Rule = Callable[[Any], object]


@contextmanager
def said_by_field() -> Iterator[None]:
    """Turn Invalid into the error of the field that is being read, so that it hides no other field's."""
    try:
        yield
    except Invalid as error:
        raise serializers.ValidationError(list(error.errors.values())) from None


def fault_of(rule: Rule, value: Any) -> str | None:
    """Return what is wrong with `value` by a rule, or None."""
    try:
        rule(value)
    except Invalid as error:
        return " ".join(error.errors.values())
    return None


class RuledField(serializers.Field[Any, Any, Any, Any]):
    """A field with a rule: a function of the domain that raises Invalid for a wrong value.

    The rule sees only values of the right form, and none that the `row` in the context already has: older
    versions had other rules. It needs neither the database nor the caller; services apply it again.
    """

    def __init__(self, *args: Any, rule: Rule | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rule = rule

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        is_stored = value == getattr(self.context.get("row"), self.source or "", None)
        fault = fault_of(self.rule, value) if self.rule and not is_stored else None
        if fault:
            raise serializers.ValidationError(fault)


class TextField(RuledField, serializers.CharField):
    """A JSON string; numbers are refused."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text


class StrictBooleanField(serializers.BooleanField):
    """true or false; "yes" and 1 are refused."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class WholeNumberField(serializers.IntegerField):
    """A JSON integer; "5" and true are refused."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class OneOfField(serializers.ChoiceField):
    """One of a few words, and optional. The error lists them, and does not repeat what was sent."""

    def __init__(self, words: Iterable[str], **kwargs: Any) -> None:
        self.words = tuple(words)
        super().__init__(choices=self.words, required=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if data not in self.words:
            raise serializers.ValidationError(f"Must be one of: {', '.join(self.words)}.")
        return str(data)


class TrueOrFalseField(OneOfField):
    """true or false in a query."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(("true", "false"), **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(data) == "true"


class SearchField(TextField):
    """Text to search for in a query. The help text says where."""

    def __init__(self, help_text: str, max_length: int = 254) -> None:
        super().__init__(max_length=max_length, required=False, allow_blank=True, help_text=help_text)


class TimestampField(RuledField, serializers.DateTimeField):
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


class PairsField(RuledField):
    """A JSON object of texts by name. Its rule says which names and texts it takes."""

    default_error_messages = {"invalid": "Send an object of names and texts."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        repeated = [name for name, value in data.items() if value is REPEATED]
        if repeated:
            raise serializers.ValidationError(f"'{shown(repeated[0])}' is repeated; send it once.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class BoundedListField(RuledField, serializers.ListField):
    """A list that is refused before its items are read if it is longer than `max_length`."""

    default_error_messages = {"not_a_list": "Send a list."}

    def run_child_validation(self, data: Any) -> Any:
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().run_child_validation(data)
