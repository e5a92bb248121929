"""Reads the members of a mapping, and collects what is wrong with them, with file and line."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeVar

from config.wire.errors import DomainError
from config.wire.quoting import shown
from provisioning.documents import Items, Mapped, Node, Text

MOST_FAULTS = 50  # faults; more do not help the reader
FLAGS = {"true": True, "false": False}
Read = TypeVar("Read")


class Broken(Exception):
    """The file cannot be used; `faults` say why, one in a line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(faults[0])
        self.faults = faults


@dataclass
class Faults:
    """What is wrong with a file."""

    file: str
    found: list[str] = field(default_factory=list)

    def add(self, line: int, path: str, reason: str) -> None:
        """Note a fault. Raises Broken when there are very many."""
        place = f"{self.file}:{line}" if line else self.file
        self.found.append(f"{place}: {path}: {reason}" if path else f"{place}: {reason}")
        if len(self.found) >= MOST_FAULTS:
            self.check()

    def check(self) -> None:
        """Raise Broken if there is a fault."""
        if self.found:
            raise Broken(self.found)


@dataclass(frozen=True)
class Members:
    """A mapping of the file at `path`, such as organizations.Acme, and the faults of the whole file."""

    node: Mapped
    path: str
    faults: Faults

    def of(self, name: str) -> "Members | None":
        """Return the mapping that a member is, empty for nothing, or None if it is missing or wrong."""
        node = self.node.members.get(name)
        return None if node is None else as_members(node, self._path(name), self.faults)

    def each(self) -> Iterator[tuple[str, Node, int]]:
        """Yield each name with its value and its line."""
        for name, node in self.node.members.items():
            yield name, node, self.node.lines[name]

    def check_known(self, known: tuple[str, ...]) -> None:
        """Note the names that are not among the known ones, with the nearest right name."""
        for name in self.node.members:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"the members are: {', '.join(known)}"
                self.faults.add(self.node.lines[name], self.path, f"{shown(name)} is not a member; {hint}")

    def text(self, name: str) -> str | None:
        """Return a text, or None if it is missing, empty or wrong."""
        node = self.node.members.get(name)
        if node is None or (isinstance(node, Text) and node.is_null):
            return None
        if isinstance(node, Text):
            return node.value
        self._add(name, "must be a text")
        return None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, empty if it is missing or wrong."""
        node = self.node.members.get(name)
        if node is None or (isinstance(node, Text) and node.is_null):
            return ()
        if isinstance(node, Items) and all(
            isinstance(each, Text) and not each.is_null for each in node.items
        ):
            return tuple(each.value for each in node.items if isinstance(each, Text))
        self._add(name, "must be a list of texts, such as [a, b]")
        return ()

    def flag(self, name: str) -> bool | None:
        """Return true or false, or None if it is missing or wrong."""
        text = self.text(name)
        if text is not None and text not in FLAGS:
            self._add(name, "must be true or false")
        return None if text is None else FLAGS.get(text)

    def pairs(self, name: str) -> Mapping[str, str]:
        """Return a mapping of texts, empty if it is missing or wrong."""
        members = self.of(name)
        found = {} if members is None else {each: members.text(each) for each in members.node.members}
        for each, value in found.items():
            if value is None and members is not None:
                members._add(each, "must be a text")
        return {each: value for each, value in found.items() if value is not None}

    def cleaned(self, name: str, clean: Callable[[], Read], otherwise: Read) -> Read:
        """Return what `clean` returns, or note its DomainError at the member and return `otherwise`."""
        with self.noting(name):
            return clean()
        return otherwise

    @contextmanager
    def noting(self, name: str) -> Iterator[None]:
        """Note the DomainError of the block at the member."""
        try:
            yield
        except DomainError as error:
            self._add(name, next(iter(error.errors.values()), error.detail))

    def line(self, name: str) -> int:
        """Return the line of a member, or of the whole mapping if it is missing."""
        return self.node.lines.get(name, self.node.line)

    def _add(self, name: str, reason: str) -> None:
        self.faults.add(self.line(name), self._path(name), reason)

    def _path(self, name: str) -> str:
        return f"{self.path}.{shown(name)}" if self.path else shown(name)


def as_members(node: Node, path: str, faults: Faults) -> Members | None:
    """Return a node as a mapping; nothing is an empty one. Note a fault for something else."""
    if isinstance(node, Mapped):
        return Members(node, path, faults)
    if isinstance(node, Text) and node.is_null:
        return Members(Mapped(node.line, {}, {}, 1), path, faults)
    what = "a list" if isinstance(node, Items) else "a text"
    faults.add(node.line, path, f"must be a mapping of names, and is {what}")
    return None
