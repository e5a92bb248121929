"""Describes fields: ids in the form of the profile, and what rules ask for."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from drf_spectacular.extensions import OpenApiSerializerFieldExtension

from config import profiles
from config.wire import ids
from config.wire.fields import Rule


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


Form = dict[str, Any]
_forms: dict[Rule, Callable[[], Form]] = {}


class Words(NamedTuple):
    """The words that a rule lets through in the active profile, and what they are called."""

    name: str = ""
    listed: Callable[[], Iterable[str]] = tuple


_words: dict[Rule, Words] = {}


def describe_rule(rule: Rule, form: Callable[[], Form]) -> None:
    """Say what a rule of fields means as JSON schema, in the active profile."""
    _forms[rule] = form


def describe_words(rule: Rule, name: str, words: Callable[[], Iterable[str]]) -> None:
    """Say which words a rule of fields lets through, in the active profile, and what they are called."""
    _words[rule] = Words(name, words)


class TextFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes texts with what their rule asks for."""

    target_class = "config.wire.fields.TextField"
    match_subclasses = True
    priority = -1  # after the ids

    def get_name(self) -> str | None:
        """Return the name of the words, which are a schema of their own."""
        words = _words.get(self.target.rule, Words())
        return words.name if words.listed() else None

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Form:
        words = list(_words.get(self.target.rule, Words()).listed())
        if words:
            return {"type": "string", "enum": words}
        return {"type": "string", **_form_of(self.target.rule)}


class BoundedListFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes lists with what their rule asks for."""

    target_class = "config.wire.fields.BoundedListField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Form:
        items = auto_schema._map_serializer_field(self.target.child, direction)
        auto_schema._insert_field_validators(self.target.child, items)
        least = {} if self.target.allow_empty else {"minItems": 1}
        return {"type": "array", **least, **_form_of(self.target.rule), "items": items}


def _form_of(rule: Rule | None) -> Form:
    return _forms[rule]() if rule in _forms else {}
