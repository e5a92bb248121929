"""What each kind of thing in a file must be able to do. A new kind is one module and a line in __init__."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from access.principals import Caller
from accounts.models import Organization, User
from config.wire.quoting import shown
from provisioning.changes import Names, Values
from provisioning.documents import Node
from provisioning.members import Members, as_members

Exported = str | Mapping[str, Any]  # as YAML and JSON spell it


class Work(NamedTuple):
    """Who makes changes, in which organization (None: outside every one), and who invites people."""

    caller: Caller
    organization: Organization | None
    inviter: User | None

    @property
    def place(self) -> Organization:
        """The organization of a kind that is only there in organizations."""
        assert self.organization is not None  # noqa: S101 (such kinds have no section elsewhere)
        return self.organization

    @property
    def within(self) -> str:
        """The name of the organization; empty outside."""
        return self.organization.name if self.organization else ""


@dataclass(frozen=True, repr=False)
class Secret:
    """The texts of a new credential, by what they are; they are available only now."""

    organization: str
    kind: str
    name: str
    texts: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Secret of {self.kind} {self.name}"


@dataclass(frozen=True)
class Wanted:
    """A thing that a file wants, and the line that says so."""

    name: str
    line: int

    @property
    def key(self) -> str:
        """The name under which it is matched with what is there."""
        return self.name


W = TypeVar("W", bound=Wanted)
P = TypeVar("P")


class Match(NamedTuple, Generic[W, P]):
    """A wanted thing and the present one; None if one of them does not exist."""

    wanted: W | None
    row: P | None


class Kind(ABC, Generic[W, P]):
    """A kind of thing. `section` is where the file has it, `fixed` are the members that never change."""

    name: ClassVar[str]
    section: ClassVar[str]
    is_outside: ClassVar[bool] = False  # whether there can be some outside every organization
    has_secret: ClassVar[bool] = False
    deletes_first: ClassVar[bool] = False  # where only so many may be there
    ends_with: ClassVar[str] = "deleted"
    fixed: frozenset[str] = frozenset()

    @abstractmethod
    def read(self, name: str, node: Node, line: int, within: Members) -> W | None:
        """Return what the file wants, or note faults."""

    @abstractmethod
    def present(self, organization: Organization | None, now: datetime) -> list[P]:
        """Return what is there, with the same number of queries for any number."""

    @abstractmethod
    def names_of(self, row: P) -> Names:
        """Return what a present thing is called."""

    @abstractmethod
    def wanted_values(self, wanted: W) -> Values:
        """Return the members to compare, without those that are left alone."""

    @abstractmethod
    def present_values(self, row: P) -> Values:
        """Return the present values of all members."""

    @abstractmethod
    def exported(self, row: P) -> Exported:
        """Return what the file says of a present thing."""

    def check_new(self, wanted: W, now: datetime) -> None:
        """Raise DomainError if the thing cannot be made now."""

    def check_outcome(self, before: Sequence[Match[W, P]], after: Sequence[Match[W, P]]) -> None:
        """Raise DomainError if what remains `after` the changes must not be."""

    def invites(self, wanted: W, row: P | None) -> bool:
        """Whether making or changing this thing sends an invitation."""
        return False

    @abstractmethod
    def create(self, work: Work, wanted: W) -> Secret | None:
        """Make the thing. Raises DomainError."""

    @abstractmethod
    def update(self, work: Work, wanted: W, row: P, members: Sequence[str]) -> None:
        """Change these members. Raises DomainError."""

    @abstractmethod
    def delete(self, work: Work, rows: Sequence[P]) -> None:
        """End things. Raises DomainError."""


def read_section(kind: Kind[W, P], within: Members) -> tuple[W, ...] | None:
    """Return what the section of a kind wants, or None if the file does not have the section."""
    if kind.section not in within.node.members:
        return None
    section = within.of(kind.section)
    found: dict[str, W] = {}
    if section is None:
        return ()
    for name, node, line in section.each():
        wanted = kind.read(name, node, line, section)
        if wanted is not None and wanted.key in found:
            section.faults.add(
                line, section.path, f"{shown(name)} is the same as line {found[wanted.key].line}"
            )
        elif wanted is not None:
            found[wanted.key] = wanted
    return tuple(found.values())


def members_of(name: str, node: Node, within: Members) -> Members | None:
    """Return the mapping that describes a thing."""
    return as_members(node, f"{within.path}.{shown(name)}", within.faults)


def written(values: Mapping[str, Any], *always: str) -> Mapping[str, Any]:
    """Return members as a file has them, without those that are empty, unless they are in `always`."""
    return {
        member: list(value) if isinstance(value, tuple) else value
        for member, value in values.items()
        if value or member in always
    }
