"""The text of an API key: creates, checks, recognizes and digests it. Independent of Django.

A key is a prefix and a body. The last characters of the body are a CRC-32 of everything before them. So
Keyhouse refuses mistyped and invented keys without a query, and secret scanners recognize real ones.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

from config.secrets.key_formats import ALPHABETS, Format, checksum, is_well_formed, shape


def mint(form: Format) -> str:
    """Return a new random key. The randomness comes from the operating system."""
    alphabet = ALPHABETS[form.alphabet]
    body = "".join(secrets.choice(alphabet) for _ in range(form.length - form.checksum))
    start = form.prefix + body
    return start + checksum(start, form)


def environment_of(text: str, formats: Mapping[str, Format]) -> str | None:
    """Return the name of the format that `text` has, or None."""
    return next((name for name, form in formats.items() if is_well_formed(text, form)), None)


def pattern(formats: Mapping[str, Format]) -> re.Pattern[str]:
    """Return one regular expression that finds every key of these formats in any text."""
    return re.compile(_anywhere(formats))


def pattern_in_bytes(formats: Mapping[str, Format]) -> re.Pattern[bytes]:
    """Return the same expression for bytes."""
    return re.compile(_anywhere(formats).encode())


def _anywhere(formats: Mapping[str, Format]) -> str:
    each = [shape(form).pattern for form in formats.values()]
    return rf"(?<![A-Za-z0-9])(?:{'|'.join(each)})(?![A-Za-z0-9])"


def shown_part(text: str, form: Format, characters: int) -> str:
    """Return the part of a key that may always be shown: its prefix and the first `characters` after it."""
    return text[: len(form.prefix) + characters]


def digest(text: str, pepper: bytes) -> bytes:
    """Return the digest of a key that is stored: HMAC-SHA256 with a pepper, 32 bytes.

    A slow hash would add nothing: a key has 128 random bits, which nobody can guess.
    """
    return hmac.digest(pepper, text.encode(), hashlib.sha256)
