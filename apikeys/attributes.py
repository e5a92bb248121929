"""Members of a key that mean something to the product, and nothing to us: SentriKat's `key_type`, say."""

from collections.abc import Mapping
from typing import Any

from config import profiles
from config.profiles.schema import Attribute, ChoiceAttribute
from config.wire.errors import Invalid


def clean_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return every attribute of the profile, with its value in `values` or its default.

    Raises Invalid for an attribute that the profile does not know, or a value that it does not take.
    """
    known = profiles.active().keys.attributes
    for name in values:
        if name not in known:
            raise Invalid(name, f"there is no such attribute; there are: {', '.join(known) or 'none'}")
    return {name: _clean(name, form, values.get(name, form.default)) for name, form in known.items()}


def _clean(name: str, form: Attribute, value: Any) -> Any:
    if isinstance(form, ChoiceAttribute):
        if value not in form.choices:
            raise Invalid(name, f"must be one of: {', '.join(form.choices)}")
    elif not isinstance(value, bool):
        raise Invalid(name, "must be true or false")
    return value


def from_text(name: str, text: str) -> Any:
    """Read the value of attribute `name` as operators type it: true and false are no words."""
    if isinstance(profiles.active().keys.attributes.get(name), ChoiceAttribute):
        return text
    return {"true": True, "false": False}.get(text.lower(), text)
