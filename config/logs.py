"""Keeps texts for logs and rows on one line, and free of credentials, whatever a caller put into them."""

import json
import logging
import re
from base64 import b64decode
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache

from config import profiles
from config.profiles.rules import OAUTH2_PREFIXES
from config.secrets.key_formats import holds_key

ALPHANUMERIC = "[A-Za-z0-9]"
BASE64 = "[A-Za-z0-9_-]"
OAUTH2_LENGTH = 43  # characters of 32 random bytes
HEADER_LENGTH = 17  # characters at least after eyJ: {"alg":"HS256"}
# Where a login token may be: two words that end with dots. Looking for them first keeps the time linear,
# because beginnings of a token are then never read to the end of a text that has no such dots.
DOTTED = rf"(?<!{BASE64})(?={BASE64}++\.{BASE64}++\.)"
REST = rf"\.{BASE64}++\.{BASE64}*+"
TOKEN = re.compile(
    rf"{DOTTED}({BASE64}*?(?:(?<!{ALPHANUMERIC})eyJ|eyJ(?={BASE64}{{{HEADER_LENGTH}}}))){BASE64}{{8,}}+{REST}"
)
WHOLE_TOKEN = re.compile(
    rf"(?<!{ALPHANUMERIC})(?:{'|'.join(OAUTH2_PREFIXES)}){BASE64}{{{OAUTH2_LENGTH}}}(?!{BASE64})"
    rf"|{DOTTED}{BASE64}*?eyJ{BASE64}{{{HEADER_LENGTH},}}+{REST}"
)
# What may be the base64 after Basic (RFC 7617): the shortest possible key has 25 characters, and a colon.
ENCODED = re.compile("[A-Za-z0-9+/]{35,}")
REQUEST_ID = ContextVar("REQUEST_ID", default="")  # of the request that this thread works on


class OneLineFormatter(logging.Formatter):
    """Formats "time level logger message traceback" on one line, with control characters as escapes."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return mask(escape(super().format(record)))


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object on one line, with control characters as escapes."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "timestamp": timestamp(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": REQUEST_ID.get(),
            "exception": self.formatException(record.exc_info) if record.exc_info else "",
            "stack": self.formatStack(record.stack_info) if record.stack_info else "",
        }
        masked = {name: mask(value) for name, value in said.items() if value}
        return json.dumps(masked).replace("\x7f", "\\u007f")


def timestamp(at: float) -> str:
    """Return a Unix time in UTC as ISO 8601 with milliseconds."""
    return f"{datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def mask(text: str) -> str:
    """Return `text` with API keys cut to the part that may be shown, and without tokens."""
    try:
        credentials = _credentials(profiles.active())
    except profiles.ProfileError:  # without a valid profile nothing is served
        return text
    masked = credentials.sub(lambda match: f"{match[1] or match[2]}…", TOKEN.sub(r"\1…", text))
    return ENCODED.sub(lambda match: "…" if _decodes_to(credentials, match[0]) else match[0], masked)


def _decodes_to(credentials: re.Pattern[str], run: str) -> bool:
    return any(TOKEN.search(text) or credentials.search(text) for text in _decoded(run))


def kept(text: str, length: int) -> str:
    """Return a sent text as it is stored: one line, masked, at most `length` characters.

    Characters far beyond `length` are cut off first, which limits the time that this takes.
    """
    return mask(escape(text[: 4 * length]))[:length]


def holds_credential(text: str) -> bool:
    """Whether `text` contains a whole key of the active profile, a token or a client secret.

    A key must have the right prefix, length and checksum, so that similar words do not count. A key that is
    encoded as for Basic counts, too.
    """
    forms = profiles.active().keys.environments.values()
    texts = [text, *(decoded for run in ENCODED.findall(text) for decoded in _decoded(run))]
    return bool(WHOLE_TOKEN.search(text)) or any(holds_key(each, forms) for each in texts)


def _decoded(run: str) -> Iterator[str]:
    """Return what a run of base64 says, wherever in its first four characters the base64 begins."""
    for start in range(4):
        whole = run[start:]
        yield b64decode(whole + "A" * (-len(whole) % 4)).decode("latin-1")


@lru_cache(maxsize=4)
def _credentials(profile: profiles.Profile) -> re.Pattern[str]:
    shown, kinds = profile.keys.shown_characters, profile.keys.environments.values()
    prefixes = "|".join(re.escape(each.prefix) for each in kinds)
    secret = min(each.length for each in kinds) - shown
    key = _begins(rf"(?:{prefixes}){ALPHANUMERIC}{{{shown}}}", ALPHANUMERIC, secret)
    oauth2 = _begins(f"(?:{'|'.join(OAUTH2_PREFIXES)})", BASE64, OAUTH2_LENGTH)
    return re.compile(f"{key}|{oauth2}")


def _begins(shown: str, character: str, length: int) -> str:
    """Return the pattern for `shown` and 8 or more characters; inside a word, for all `length` characters.

    So `export_customers` contains no token, but a token directly after an escape such as \\n does count.
    """
    return rf"((?<!{ALPHANUMERIC}){shown}|{shown}(?={character}{{{length}}})){character}{{8,}}"


def escape(text: str) -> str:
    """Return `text` with unprintable characters as \\x, \\u or \\U escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
