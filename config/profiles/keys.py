"""The tables of a profile file that say what API keys look like, and where they are sent."""

from typing import Annotated, Literal

from msgspec import Meta

from config.profiles.members import Name, Table, Text, says

HEADER = r"^([A-Za-z][A-Za-z0-9-]{0,63})?\Z"
PREFIX = r"^[A-Za-z][A-Za-z0-9_]{1,31}_\Z"
MEMBER = r"^[a-z][a-z0-9_]{0,63}\Z"


class KeyFormat(Table, frozen=True):
    """The text of a key: `prefix`, then `length` characters, of which the last `checksum` are a checksum."""

    prefix: Annotated[str, Meta(pattern=PREFIX), says("What each key begins with.")]
    alphabet: Annotated[Literal["base62", "hex"], says("The characters behind the prefix.")]
    length: Annotated[int, Meta(ge=20, le=200), says("How many characters stand behind the prefix.")]
    checksum: Annotated[int, Meta(ge=0), says("How many of them, at the end, are a CRC-32.")]


class ChoiceAttribute(Table, frozen=True, tag_field="kind", tag="choice"):
    """A member of a key that is one of a few words."""

    description: Annotated[Text, says("What the admin's form says about it.")]
    choices: Annotated[tuple[Text, ...], Meta(min_length=1), says("The words.")]
    default: Annotated[Text, says("The word of a key if the caller names no other.")]


class BooleanAttribute(Table, frozen=True, tag_field="kind", tag="boolean"):
    """A member of a key that is true or false."""

    description: Annotated[Text, says("What the admin's form says about it.")]
    default: Annotated[bool, says("The value of a key if the caller names no other.")]


Attribute = ChoiceAttribute | BooleanAttribute


class Keys(Table, frozen=True):
    """Where keys are sent, and what they look like in each environment."""

    header: Annotated[
        str, Meta(pattern=HEADER), says("The header that keys come in. Empty: only in `Authorization`.")
    ]
    bearer: Annotated[bool, says("Whether keys may come as `Authorization: Bearer KEY`.")]
    default_environment: Annotated[Name, says("The environment of a key if the caller names no other.")]
    shown_characters: Annotated[
        int,
        Meta(ge=0, le=12),
        says("How many characters behind the prefix stay visible, as `key_prefix`."),
    ]
    environments: Annotated[
        dict[Name, KeyFormat], Meta(min_length=1), says("The format of keys in each environment.")
    ]
    basic: Annotated[bool, says("Whether keys may come as the password of `Authorization: Basic`.")] = False
    scopes_required: Annotated[bool, says("A key without scopes is refused.")] = False
    at_own_endpoints: Annotated[
        bool, says("`false`: only the gateway takes keys, and Keyhouse's own endpoints do not.")
    ] = True
    list: Annotated[
        Literal["all", "own"],
        says("`own`: the list shows the caller's own keys, without revoked and expired ones."),
    ] = "all"
    attributes: Annotated[
        dict[Annotated[str, Meta(pattern=MEMBER)], Attribute],
        says("Members of a key that mean something to the product alone. Lists can be filtered by them."),
    ] = {}
    notes: Annotated[bool, says("Whether the API shows and takes `description` and `metadata`.")] = False
    quotas: Annotated[bool, says("Whether a request that makes a key may have a `quota`.")] = False
    longest_days: Annotated[
        Annotated[int, Meta(ge=1, le=3650)] | None,
        says(
            "Every key expires at most this many days after it was made. Without it, keys may last for ever."
        ),
    ] = None


class Leaks(Table, frozen=True):
    """Reports of leaked keys. The table, even empty, lets GitHub and everybody else send them."""

    action: Annotated[
        Literal["disable", "revoke"],
        says("What Keyhouse does to a reported key: `disable`, which its owner can undo, or `revoke`."),
    ] = "disable"
