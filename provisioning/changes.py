"""Compares what a file wants with what is there. Knows no database and no kind of thing."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

Value = str | bool | tuple[str, ...] | None
Values = Mapping[str, Value]
NOTHING: tuple[Value, ...] = (None, (), "")


class Action(StrEnum):
    """What a change does."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    KEEP = "keep"  # what the file does not name stays without --prune


class Difference(NamedTuple):
    """A member with its present value and the wanted one."""

    member: str
    before: Value
    after: Value


@dataclass(frozen=True)
class Change:
    """One change to one thing. KEEP changes nothing: it names what a prune would delete."""

    action: Action
    kind: str
    name: str
    differences: tuple[Difference, ...] = ()

    @property
    def is_drift(self) -> bool:
        """Whether the file and the present state differ here."""
        return self.action is not Action.KEEP


class Names(NamedTuple):
    """A thing that is there: what people call it, and the names under which a file may name it."""

    shown: str
    keys: Collection[str]


class Pair(NamedTuple):
    """The positions of a wanted and a present thing that are the same; None if one of them does not exist."""

    wanted: int | None
    present: int | None


class Ambiguous(Exception):
    """Several things answer to one name, or several names to one thing. The text says which."""


def pairs(wanted: Sequence[str], present: Sequence[Names]) -> list[Pair]:
    """Match wanted names with what is there, in the order of the file; the rest follows.

    Raises Ambiguous.
    """
    found: defaultdict[str, list[int]] = defaultdict(list)
    for position, names in enumerate(present):
        for key in names.keys:
            found[key].append(position)
    matched: list[Pair] = []
    taken: dict[int, int] = {}
    for position, key in enumerate(wanted):
        here = found.get(key, [])
        if len(here) > 1:
            raise Ambiguous(f"{len(here)} are named {key}; rename all but one, or revoke them")
        if here and here[0] in taken:
            raise Ambiguous(f"{wanted[taken[here[0]]]} and {key} are the same; name it once")
        if here:
            taken[here[0]] = position
        matched.append(Pair(position, here[0] if here else None))
    return matched + [Pair(None, position) for position in range(len(present)) if position not in taken]


def differences(wanted: Values, present: Values) -> tuple[Difference, ...]:
    """Return the members in which what is wanted differs. Members that `wanted` leaves out stay."""
    return tuple(
        Difference(member, present.get(member), value)
        for member, value in wanted.items()
        if present.get(member) != value
    )


def initial(wanted: Values) -> tuple[Difference, ...]:
    """Return the members that a new thing gets, without those that are empty or false."""
    given = {member: value for member, value in wanted.items() if value not in (*NOTHING, False)}
    return tuple(Difference(member, None, value) for member, value in given.items())
