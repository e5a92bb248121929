"""Reads one key of another system from the columns of a file or a query. Independent of the database."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from access.credentials import is_foreign_like
from apikeys.at_rest.foreign import KINDS
from migration import entropy
from migration.sources import Source, is_password_hash

COLUMNS = frozenset(
    {
        *("key", "digest", "prefix", "owner", "email", "organization", "name", "scopes", "created_at"),
        *("expires_at", "last_used_at", "allowed_networks", "disabled", "revoked"),
    }
)
MISSHAPEN = "misshapen"  # what is wrong with a row that has not a field for each column
TRUTHS = {"": False, "0": False, "f": False, "false": False, "1": True, "t": True, "true": True}
SHOWN = 8  # characters of a key that stay visible, at most


class Raw(NamedTuple):
    """A row as it was read, and where: FILE:LINE, or the number of the row of a query."""

    place: str
    values: Mapping[str, Any]


class Fault(ValueError):
    """Why a row cannot be imported."""


class ForeignKey(NamedTuple):
    """A key of another system. `text` is "" if that system stores a digest.

    `hash` is a password hash of the key; its digest is then only its prefix.
    """

    place: str
    digest: bytes
    text: str
    hash: str
    prefix: str
    owner: str
    email: str
    organization: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime | None
    expires_at: datetime | None
    last_used_at: datetime | None
    networks: tuple[str, ...]
    is_disabled: bool
    is_revoked: bool

    def __repr__(self) -> str:
        return f"ForeignKey of {self.place}"


def read(raw: Raw, source: Source) -> ForeignKey:
    """Return the key that a row describes. Raises Fault."""
    values = raw.values
    if MISSHAPEN in values:
        raise Fault(values[MISSHAPEN])
    texts = defaultdict(
        str, {name: str(value).strip() for name, value in values.items() if value is not None}
    )
    if "\0" in "".join(texts.values()):
        raise Fault("contains a NUL, which no text can have")
    if not (texts["prefix"].isascii() and texts["prefix"].isprintable()):
        raise Fault("prefix must be printable ASCII, as the beginning of a key is")
    text = _clean_text(texts["key"], source.kind) if source.has_keys else ""
    return ForeignKey(
        place=raw.place,
        digest=hashlib.sha256(text.encode()).digest() if text else _digest(texts, source),
        text=text,
        hash=texts["digest"] if source.is_slow and is_password_hash(texts["digest"]) else "",
        prefix=(text or texts["prefix"])[:SHOWN],
        owner=texts["owner"],
        email=texts["email"],
        organization=texts["organization"],
        name=texts["name"],
        scopes=tuple(texts["scopes"].split()),
        created_at=_moment("created_at", values.get("created_at")),
        expires_at=_moment("expires_at", values.get("expires_at")),
        last_used_at=_moment("last_used_at", values.get("last_used_at")),
        networks=tuple(texts["allowed_networks"].split()),
        is_disabled=_truth("disabled", texts["disabled"]),
        is_revoked=_truth("revoked", texts["revoked"]),
    )


def _clean_text(text: str, kind: str) -> str:
    """Return the key. Raises Fault, which does not repeat it."""
    if not text:
        raise Fault("key must not be empty")
    if KINDS[kind].shape.fullmatch(text) is None or not is_foreign_like(text):
        raise Fault(f"key must have the form of {kind}: 20 to 255 characters, printable, no comma")
    if not entropy.is_enough(text):
        raise Fault(f"key is too easy to guess: it must have {entropy.LEAST_BITS:.0f} bits of entropy")
    return text


def _digest(texts: Mapping[str, str], source: Source) -> bytes:
    try:
        digest = texts["prefix"].encode() if source.is_slow else source.read_digest(texts["digest"])
    except ValueError as error:
        raise Fault(str(error)) from None
    size = KINDS[source.kind].size
    if len(digest) != size:
        raise Fault(f"digest must have {size} bytes, and has {len(digest)}")
    return digest


def _moment(name: str, value: Any) -> datetime | None:
    """Return a time in UTC; without a time zone it is UTC. Raises Fault."""
    if value is None or value == "":
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Fault(f"{name} must be an ISO 8601 time, such as 2027-01-31T00:00:00Z") from None


def _truth(name: str, text: str) -> bool:
    truth = TRUTHS.get(text.lower())
    if truth is None:
        raise Fault(f"{name} must be true or false")
    return truth
