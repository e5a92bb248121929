"""The text of an API key: made, checked, recognized, digested. Knows no Django and no database.

A key is a prefix and a body; the last characters of the body are a CRC-32 of all before them, so that
a mistyped or invented key is refused without a look at the database, and scanners know one when they
see it.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Mapping
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


def mint(form: Format) -> str:
    """Return a new key from the operating system's randomness."""
    alphabet = ALPHABETS[form.alphabet]
    body = "".join(secrets.choice(alphabet) for _ in range(form.length - form.checksum))
    start = form.prefix + body
    return start + _checksum(start, form)


def is_well_formed(text: str, form: Format) -> bool:
    """Whether `text` could have been minted in this format: prefix, length, alphabet and checksum."""
    if _shape(form.prefix, form.alphabet, form.length).fullmatch(text) is None:
        return False
    start = text[: len(text) - form.checksum]
    return text == start + _checksum(start, form)


def environment_of(text: str, formats: Mapping[str, Format]) -> str | None:
    """Return the name of the format that `text` is well formed in, or None."""
    return next((name for name, form in formats.items() if is_well_formed(text, form)), None)


def pattern(formats: Mapping[str, Format]) -> re.Pattern[str]:
    """Return one regular expression that finds every key of these formats in any text."""
    each = [_shape(form.prefix, form.alphabet, form.length).pattern for form in formats.values()]
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(each)})(?![A-Za-z0-9])")


@lru_cache(maxsize=32)
def _shape(prefix: str, alphabet: str, length: int) -> re.Pattern[str]:
    """What a key looks like, its checksum aside."""
    return re.compile(f"{re.escape(prefix)}[{ALPHABETS[alphabet]}]{{{length}}}")


def shown_part(text: str, form: Format, characters: int) -> str:
    """Return what may be shown of a key for ever: its prefix and the first `characters` after it."""
    return text[: len(form.prefix) + characters]


def digest(text: str, pepper: bytes) -> bytes:
    """Return what is stored of a key: HMAC-SHA256 under a pepper, 32 bytes.

    No slow hash: 128 random bits cannot be guessed, however fast the hash.
    """
    return hmac.digest(pepper, text.encode(), hashlib.sha256)


def _checksum(start: str, form: Format) -> str:
    """CRC-32 of `start`, in the format's alphabet, right-most `checksum` digits."""
    alphabet = ALPHABETS[form.alphabet]
    number, digits = zlib.crc32(start.encode()), ""
    for _ in range(form.checksum):
        number, digit = divmod(number, len(alphabet))
        digits = alphabet[digit] + digits
    return digits
