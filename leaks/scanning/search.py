"""Finds keys in bytes of any length, a part at a time. Independent of Django and the database."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from apikeys.at_rest import key_text
from config.secrets.key_formats import Format

PART = 1024 * 1024  # bytes read at a time


class Hit(NamedTuple):
    """A key and where it begins. `line` and `column` count from 1, columns in bytes."""

    environment: str
    text: str
    line: int
    column: int

    def __repr__(self) -> str:
        return f"Hit({self.environment}, {self.line}:{self.column})"


class Search:
    """A search for the keys of `formats`. Remembers no more than one part and the length of a key."""

    def __init__(self, formats: Mapping[str, Format]) -> None:
        self._formats = formats
        self._pattern = key_text.pattern_in_bytes(formats)
        # The longest key, and the characters on both sides, which decide whether it ends there.
        self._kept = max(len(form.prefix) + form.length for form in formats.values()) + 2

    def hits(self, parts: Iterable[bytes]) -> Iterator[Hit]:
        """Yield the keys in a text that comes in parts, in order, each once."""
        place, window, searched = Place(), b"", 0
        for part in parts:
            window += part
            end = len(window) - self._kept
            if end > 0:
                yield from self._hits(window, searched, end, place)
                place.move(window, end)
                window, searched = window[end - 1 :], 1
                place.start_at(1)
        yield from self._hits(window, searched, len(window), place)

    def _hits(self, window: bytes, start: int, end: int, place: "Place") -> Iterator[Hit]:
        """Yield the keys that begin from `start` up to before `end`."""
        for match in self._pattern.finditer(window, start):
            if match.start() >= end:
                return
            text = match[0].decode()
            environment = key_text.environment_of(text, self._formats)
            if environment is not None:
                place.move(window, match.start())
                yield Hit(environment, text, place.line, place.column)


class Place:
    """A place in a text of which only a window is in memory, as a line and a column."""

    def __init__(self) -> None:
        self.line, self.column, self._at = 1, 1, 0

    def move(self, window: bytes, to: int) -> None:
        """Move forward to the index `to` of the window."""
        lines = window.count(b"\n", self._at, to)
        if lines:
            self.line += lines
            self.column = to - window.rfind(b"\n", self._at, to)
        else:
            self.column += to - self._at
        self._at = to

    def start_at(self, index: int) -> None:
        """Say that the place has this index in a new window."""
        self._at = index
