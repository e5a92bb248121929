"""What a key of a format looks like, checksum included. Knows no Django and no database."""

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
    """How the keys of one environment look (config.profiles.schema.KeyFormat)."""

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
    """Whether a key that is well formed in one of `forms` stands in `text`, whatever stands around it."""
    return any(
        _has_its_checksum(text[place : place + len(form.prefix) + form.length], form)
        for form in forms
        for place in _places(text, form)
    )


def _places(text: str, form: Format) -> list[int]:
    """Where something begins that looks like a key, also within another."""
    return [match.start() for match in re.finditer(f"(?={shape(form).pattern})", text)]


def _has_its_checksum(text: str, form: Format) -> bool:
    start = text[: len(text) - form.checksum]
    return text == start + checksum(start, form)


def shape(form: Format) -> re.Pattern[str]:
    """What a key looks like, its checksum aside."""
    return _shape(form.prefix, form.alphabet, form.length)


@lru_cache(maxsize=32)
def _shape(prefix: str, alphabet: str, length: int) -> re.Pattern[str]:
    return re.compile(f"{re.escape(prefix)}[{ALPHABETS[alphabet]}]{{{length}}}")


def checksum(start: str, form: Format) -> str:
    """CRC-32 of `start`, in the format's alphabet, right-most `checksum` digits."""
    alphabet = ALPHABETS[form.alphabet]
    number, digits = zlib.crc32(start.encode()), ""
    for _ in range(form.checksum):
        number, digit = divmod(number, len(alphabet))
        digits = alphabet[digit] + digits
    return digits
