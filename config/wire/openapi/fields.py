"""Describes fields: ids in the form of the profile, and what rules ask for."""

from collections.abc import Callable, Mapping
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
    """What the words are called that a rule lets through, and what each means in the active profile."""

    name: str = ""
    meanings: Callable[[], Mapping[str, str]] = dict


_words: dict[Rule, Words] = {}


def describe_rule(rule: Rule, form: Callable[[], Form]) -> None:
    """Say what a rule of fields means as JSON schema, in the active profile."""
    _forms[rule] = form


def describe_words(rule: Rule, name: str, meanings: Callable[[], Mapping[str, str]]) -> None:
    """Say which words a rule of texts, or of lists, lets through in the active profile, and what each means.

    `name` is that of the schema which lists them. A word whose meaning is empty is listed without it.
    """
    _words[rule] = Words(name, meanings)


class TextFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes texts with what their rule asks for."""

    target_class = "config.wire.fields.TextField"
    match_subclasses = True
    priority = -1  # after the ids

    def get_name(self) -> str | None:
        """Return the name of the words, which are a schema of their own."""
        words = self._words()
        return words.name if words.meanings() else None

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Form:
        meanings = self._words().meanings()
        if not meanings:
            return {"type": "string", **_form_of(self.target.rule)}
        listed = "\n".join(f"* `{word}`: {meaning}" for word, meaning in meanings.items() if meaning)
        description = {"description": listed} if listed else {}
        return {"type": "string", "enum": list(meanings), **description}

    def _words(self) -> Words:
        """Return the words that the rule of the text lets through, or that of the list around it."""
        rule = self.target.rule or getattr(self.target.parent, "rule", None)
        return _words[rule] if rule in _words else Words()


class BoundedListFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes lists with what their rule asks for."""

    target_class = "config.wire.fields.BoundedListField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Form:
        items = auto_schema._map_serializer_field(self.target.child, direction)
        auto_schema._insert_field_validators(self.target.child, items)
        least = {} if self.target.allow_empty else {"minItems": 1}
        return {"type": "array", **least, **_form_of(self.target.rule), "items": items}


class PairsFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes objects of texts with what their rule asks for."""

    target_class = "config.wire.fields.PairsField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Form:
        return {"type": "object", "additionalProperties": {"type": "string"}, **_form_of(self.target.rule)}


def _form_of(rule: Rule | None) -> Form:
    return _forms[rule]() if rule in _forms else {}
