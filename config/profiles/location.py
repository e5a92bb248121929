"""Finds where in a profile file something is wrong: turns msgspec's message into a member's full name.

msgspec writes "[...]" for entries that the operator names; here they get their names. Items of arrays count
from 1.
"""

import re
from typing import Any, NamedTuple

import msgspec

from config.profiles.keys import Attribute, KeyFormat
from config.profiles.members import Name
from config.profiles.schema import IdPrefix, Member, Members, Role, Scope, SecondPathHeader

NAMED_TABLES: dict[str, Any] = {
    "scopes": Scope,
    "roles": Role,
    "keys.environments": KeyFormat,
    "keys.attributes": Attribute,
    "wire.names": Member,
    "wire.members": Members,
    "wire.id_prefixes": IdPrefix,
}
WHOLE_FILE = "the file"
PART = re.compile(r"([^.\[]+)(?:\[(\d+)\])?")  # of a path: a member, and the number of its item


class Fault(NamedTuple):
    """A wrong member of a profile, and what is wrong."""

    member: str
    reason: str


def locate(message: str, raw: dict[str, Any]) -> Fault:
    """Return the fault for the message of a msgspec.ValidationError about the tables `raw`."""
    reason, _, where = message.partition(" - at `")
    if where.startswith("key` in `$."):
        table = where.removeprefix("key` in `$.").strip("`")
        kind = SecondPathHeader if table.endswith(".second_paths") else Name
        return Fault(_counted_from_one(_named(f"{table}[...]", raw, kind, keys=True)), reason)
    member = _counted_from_one(_named_somewhere(where.strip("`").removeprefix("$").lstrip("."), raw))
    for words, plain in (("contains unknown", "is not a member"), ("missing required", "is missing")):
        match = re.fullmatch(rf"Object {words} field `(.+)`", reason, re.DOTALL)
        if match:
            return Fault(f"{member}.{match[1]}".lstrip("."), plain)
    return Fault(member or WHOLE_FILE, reason)


def _named_somewhere(path: str, raw: dict[str, Any]) -> str:
    for table, kind in NAMED_TABLES.items():
        if path.startswith(f"{table}[...]"):
            return _named(path, raw, kind)
    return path


def _named(path: str, raw: dict[str, Any], kind: Any, *, keys: bool = False) -> str:
    """Replace "[...]" with the name of the first entry that is not of its kind."""
    table, _, rest = path.partition("[...]")
    entries: Any = raw
    for name, item in PART.findall(table):
        entries = entries[name][int(item)] if item else entries[name]
    wrong = next((name for name, value in entries.items() if not _fits(name if keys else value, kind)), "?")
    return f"{table}.{wrong}{rest}"


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _counted_from_one(path: str) -> str:
    return re.sub(r"\[(\d+)\]", lambda match: f"[{int(match[1]) + 1}]", path)
