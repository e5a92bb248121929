"""The formats of API keys, with their checksums. Independent of Django and the database."""

import re
import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

ALPHABETS = {
    "base62": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "hex": "0123456789abcdef",
}


class Format(Protocol):
    """The format of the keys of one environment (config.profiles.keys.KeyFormat)."""

    @property
    def prefix(self) -> str: ...
    @property
    def alphabet(self) -> str: ...
    @property
    def length(self) -> int: ...
    @property
    def checksum(self) -> int: ...


def is_well_formed(text: str, form: Format) -> bool:
    """Whether `text` could have been minted in this format: prefix, length, alphabet and checksum."""
    return shape(form).fullmatch(text) is not None and _has_its_checksum(text, form)


def holds_key(text: str, forms: Iterable[Format]) -> bool:
    """Whether `text` contains a well-formed key of one of `forms`, also inside a word."""
    return any(
        _has_its_checksum(text[place : place + len(form.prefix) + form.length], form)
        for form in forms
        if form.prefix in text
        for place in _places(text, form)
    )


def _places(text: str, form: Format) -> list[int]:
    """Return where texts that look like a key begin, including overlapping ones."""
    return [match.start() for match in re.finditer(f"(?={shape(form).pattern})", text)]


def _has_its_checksum(text: str, form: Format) -> bool:
    start = text[: len(text) - form.checksum]
    return text == start + checksum(start, form)


def shape(form: Format) -> re.Pattern[str]:
    """Return the pattern of a key, without a check of its checksum."""
    return _shape(form.prefix, form.alphabet, form.length)


@lru_cache(maxsize=32)
def _shape(prefix: str, alphabet: str, length: int) -> re.Pattern[str]:
    return re.compile(f"{re.escape(prefix)}[{ALPHABETS[alphabet]}]{{{length}}}")


def checksum(start: str, form: Format) -> str:
    """Return the CRC-32 of `start` in the format's alphabet: its last `checksum` digits."""
    alphabet = ALPHABETS[form.alphabet]
    number, digits = zlib.crc32(start.encode()), ""
    for _ in range(form.checksum):
        number, digit = divmod(number, len(alphabet))
        digits = alphabet[digit] + digits
    return digits
