"""The text of an API key: made, checked, recognized, digested. Knows no Django and no database.

A key is a prefix and a body; the last characters of the body are a CRC-32 of all before them, so that
a mistyped or invented key is refused without a look at the database, and scanners know one when they
see it.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

from config.secrets.key_formats import ALPHABETS, Format, checksum, is_well_formed, shape


def mint(form: Format) -> str:
    """Return a new key from the operating system's randomness."""
    alphabet = ALPHABETS[form.alphabet]
    body = "".join(secrets.choice(alphabet) for _ in range(form.length - form.checksum))
    start = form.prefix + body
    return start + checksum(start, form)


def environment_of(text: str, formats: Mapping[str, Format]) -> str | None:
    """Return the name of the format that `text` is well formed in, or None."""
    return next((name for name, form in formats.items() if is_well_formed(text, form)), None)


def pattern(formats: Mapping[str, Format]) -> re.Pattern[str]:
    """Return one regular expression that finds every key of these formats in any text."""
    each = [shape(form).pattern for form in formats.values()]
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(each)})(?![A-Za-z0-9])")


def shown_part(text: str, form: Format, characters: int) -> str:
    """Return what may be shown of a key for ever: its prefix and the first `characters` after it."""
    return text[: len(form.prefix) + characters]


def digest(text: str, pepper: bytes) -> bytes:
    """Return what is stored of a key: HMAC-SHA256 under a pepper, 32 bytes.

    No slow hash: 128 random bits cannot be guessed, however fast the hash.
    """
    return hmac.digest(pepper, text.encode(), hashlib.sha256)
