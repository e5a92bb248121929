"""Members of a key that only the product interprets, such as SentriKat's `key_type`."""

from collections.abc import Mapping
from typing import Any

from config import profiles
from config.profiles.schema import Attribute, ChoiceAttribute
from config.wire.errors import Invalid, Sentence


def clean_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return every attribute of the profile with its value from `values`, or its default.

    Raises Invalid for an attribute or a value that the profile does not define.
    """
    known = profiles.active().keys.attributes
    for name in values:
        if name not in known:
            names = ", ".join(known) or "none"
            raise Invalid(name, f"is not an attribute of this product, which has: {names}")
    return {name: _clean(name, form, values.get(name, form.default)) for name, form in known.items()}


def _clean(name: str, form: Attribute, value: Any) -> Any:
    if isinstance(form, ChoiceAttribute):
        if value not in form.choices:
            raise Invalid(name, Sentence("must be one of: %(choices)s", choices=", ".join(form.choices)))
    elif not isinstance(value, bool):
        raise Invalid(name, "must be true or false")
    return value


def from_text(name: str, text: str) -> Any:
    """Read the value of attribute `name` as operators type it; true and false become booleans."""
    if isinstance(profiles.active().keys.attributes.get(name), ChoiceAttribute):
        return text
    return {"true": True, "false": False}.get(text.lower(), text)
