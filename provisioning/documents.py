"""Reads YAML into a tree that knows its lines.

It takes less than YAML has: one document, texts without tags, and every name once in its mapping. A scalar
stays the text that the file has, and the reader of a member says what it must be, so `no` and `1.10` are
never taken for something else. Aliases count with all that they stand for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from config.wire.quoting import quoted

LARGEST_FILE = 10 * 1024 * 1024  # bytes
MOST_NODES = 1_000_000
DEEPEST = 20
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast
NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Unreadable(Exception):
    """The text is not YAML, or uses what is not supported here. `line` is 0 if no line is to blame."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line, self.reason = line, reason


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as it is written. `is_null` if it is one of NULLS without quotes."""

    line: int
    value: str
    is_null: bool = False
    size: int = 1


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence."""

    line: int
    items: "tuple[Node, ...]"
    size: int


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping. `lines` are those of its names."""

    line: int
    members: "Mapping[str, Node]"
    lines: Mapping[str, int]
    size: int


Node = Text | Items | Mapped


def parse(data: bytes) -> Node | None:
    """Return the document, or None for an empty one. Raises Unreadable."""
    if len(data) > LARGEST_FILE:
        raise Unreadable(0, f"must have at most {LARGEST_FILE // 1024 // 1024} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(0, "is not UTF-8 text") from None
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(mark.line + 1 if mark else 0, f"is not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        reason = getattr(error, "reason", "") or "it cannot be read"
        raise Unreadable(0, f"is not YAML: {reason}") from None
    return builder.document


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    line: int
    anchor: str | None
    is_mapping: bool
    children: list[Node] = field(default_factory=list)


class _Builder:
    """Makes the tree of the parser's events, without recursion."""

    def __init__(self) -> None:
        self.document: Node | None = None
        self.open: list[_Open] = []
        self.anchors: dict[str, Node] = {}
        self.documents = 0

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise Unreadable(line, "must have one document")
            case yaml.AliasEvent():
                if event.anchor not in self.anchors:
                    raise Unreadable(
                        line, f"the alias {quoted(str(event.anchor))} stands for nothing above it"
                    )
                self._add(line, None, self.anchors[event.anchor])
            case yaml.ScalarEvent():
                _check_tag(event, line)
                is_null = event.style is None and event.value in NULLS
                self._add(line, event.anchor, Text(line, event.value, is_null))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                _check_tag(event, line)
                if len(self.open) >= DEEPEST:
                    raise Unreadable(line, f"is nested more than {DEEPEST} deep")
                self.open.append(_Open(line, event.anchor, isinstance(event, yaml.MappingStartEvent)))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                ended = self.open.pop()
                self._add(ended.line, ended.anchor, _mapped(ended) if ended.is_mapping else _items(ended))

    def _add(self, line: int, anchor: str | None, node: Node) -> None:
        if node.size > MOST_NODES:
            raise Unreadable(line, f"has more than {MOST_NODES:,} values, counting what aliases stand for")
        if anchor is not None:
            self.anchors[anchor] = node
        if self.open:
            self.open[-1].children.append(node)
        elif not (isinstance(node, Text) and node.is_null):
            self.document = node


def _check_tag(event: Any, line: int) -> None:
    if event.tag is not None:
        raise Unreadable(line, f"the tag {quoted(event.tag)} is not supported; write the value alone")


def _size(children: list[Node]) -> int:
    return 1 + sum(child.size for child in children)


def _items(ended: _Open) -> Items:
    return Items(ended.line, tuple(ended.children), _size(ended.children))


def _mapped(ended: _Open) -> Mapped:
    members: dict[str, Node] = {}
    lines: dict[str, int] = {}
    for name, value in zip(ended.children[::2], ended.children[1::2], strict=True):
        if not isinstance(name, Text):
            _refuse_name(name.line)
        if name.value in members:
            raise Unreadable(name.line, f"{quoted(name.value)} is repeated; line {lines[name.value]} has it")
        members[name.value], lines[name.value] = value, name.line
    return Mapped(ended.line, members, lines, _size(ended.children))


def _refuse_name(line: int) -> NoReturn:
    raise Unreadable(line, "a name must be a text, not a list or a mapping")
