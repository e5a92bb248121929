"""Members of a key that Keyhouse stores and never interprets.

The profile defines the attributes, such as SentriKat's `key_type`. Every key has notes: a description for
people and metadata for programs.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from accounts.users.names import check_no_credential
from config import profiles
from config.profiles.keys import Attribute, ChoiceAttribute
from config.wire.errors import Invalid, Sentence
from config.wire.quoting import shown

NOTES = frozenset({"description", "metadata"})
DESCRIPTION_LENGTH = 500
MOST_PAIRS, NAME_LENGTH, VALUE_LENGTH = 50, 40, 500  # as Stripe's
METADATA_LENGTH = 4_000  # of all names and values: a list can have 200 keys

# Control characters except \n, line and paragraph separators, directional overrides and isolates, surrogates
CONTROLS = r"\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
IN_TEXT, IN_LINE = re.compile(f"[{CONTROLS}]"), re.compile(rf"[\n{CONTROLS}]")


def clean_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return every attribute of the profile with its value from `values`, or its default.

    Raises Invalid for an attribute or a value that the profile does not define.
    """
    known = profiles.active().keys.attributes
    for name in values:
        if name not in known:
            names = ", ".join(known) or "none"
            raise Invalid(
                name, Sentence("is not an attribute of this product, which has: %(names)s", names=names)
            )
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


def read_pairs(member: str, texts: Iterable[str]) -> dict[str, str]:
    """Read texts of the form NAME=VALUE. Raises Invalid for another form, and for a name that comes twice."""
    pairs: dict[str, str] = {}
    for text in texts:
        check_no_credential(member, text)
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise Invalid(member, Sentence("'%(text)s' must be NAME=VALUE", text=shown(text)))
        if name in pairs:
            raise Invalid(member, Sentence("'%(name)s' is repeated; name it once", name=shown(name)))
        pairs[name] = value
    return pairs


def in_lines(pairs: Mapping[str, str]) -> str:
    """Return pairs as `read_pairs` reads them, one a line, in the order of their names."""
    return "\n".join(f"{name}={value}" for name, value in sorted(pairs.items()))


def clean_description(text: str) -> str:
    """Return a description without surrounding spaces, with \\n as line breaks.

    Raises Invalid if it is too long, or if it contains another control character, a key or a token.
    """
    description = re.sub("\r\n?", "\n", unicodedata.normalize("NFC", text)).strip()
    if len(description) > DESCRIPTION_LENGTH:
        raise Invalid(
            "description",
            Sentence(
                "must have at most %(most)d characters, and has %(number)d",
                most=DESCRIPTION_LENGTH,
                number=len(description),
            ),
        )
    if IN_TEXT.search(description):
        raise Invalid("description", "contains a control character")
    check_no_credential("description", description)
    return description


def clean_metadata(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return the pairs in the order of their names, with values without surrounding spaces.

    Raises Invalid for too many pairs, and if a name or a value is wrong or contains a key or a token.
    """
    _check_size(pairs)
    cleaned = {
        name: value.strip() if isinstance(value, str) else value for name, value in sorted(pairs.items())
    }
    for text in (*cleaned, *cleaned.values()):
        check_no_credential("metadata", str(text)[: VALUE_LENGTH + 1])  # a longer text is refused anyway
    for name, value in cleaned.items():
        if fault := _fault_of_name(name) or _fault_of_value(shown(name), value):
            raise Invalid("metadata", fault)
    return cleaned


def check_metadata_changes(changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return the pairs that the changes set. Raises Invalid as `clean_metadata` does."""
    return clean_metadata({name: value for name, value in changes.items() if value is not None})


def merge_metadata(stored: Mapping[str, str], changes: Mapping[str, str | None] | None) -> dict[str, str]:
    """Return the stored pairs with the changes (RFC 7396): None removes a pair, and no `changes` all pairs.

    Raises Invalid as `clean_metadata` does.
    """
    if changes is None:
        return {}
    given = check_metadata_changes(changes)
    kept = {name: value for name, value in stored.items() if name not in changes}
    merged = dict(sorted({**kept, **given}.items()))
    _check_size(merged)
    return merged


def _check_size(pairs: Mapping[str, str]) -> None:
    if len(pairs) > MOST_PAIRS:
        raise Invalid(
            "metadata",
            Sentence(
                "has %(number)d pairs; at most %(most)d are allowed", number=len(pairs), most=MOST_PAIRS
            ),
        )
    length = sum(len(name) + len(str(value)) for name, value in pairs.items())
    if length > METADATA_LENGTH:
        raise Invalid(
            "metadata",
            Sentence(
                "has %(number)d characters in all its names and values; at most %(most)d are allowed",
                number=length,
                most=METADATA_LENGTH,
            ),
        )


def _fault_of_name(name: str) -> Sentence | None:
    """Return what is wrong with the name of a pair, or None."""
    said = shown(name)
    if not name:
        return Sentence("must not have a pair without a name")
    if len(name) > NAME_LENGTH:
        return Sentence(
            "the name '%(name)s' must have at most %(most)d characters", name=said, most=NAME_LENGTH
        )
    if name != name.strip():
        return Sentence("the name '%(name)s' must not begin or end with a space", name=said)
    if "=" in name:
        return Sentence("the name '%(name)s' must not contain =", name=said)
    if not name.isprintable():
        return Sentence("the name '%(name)s' contains a control character", name=said)
    return None


def _fault_of_value(said: str, value: Any) -> Sentence | None:
    """Return what is wrong with the value of the pair that is called `said`, or None."""
    if not isinstance(value, str):
        return Sentence("the value of '%(name)s' must be a text", name=said)
    if len(value) > VALUE_LENGTH:
        return Sentence(
            "the value of '%(name)s' must have at most %(most)d characters", name=said, most=VALUE_LENGTH
        )
    if IN_LINE.search(value):
        return Sentence("the value of '%(name)s' contains a control character", name=said)
    return None
