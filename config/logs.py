"""Texts that stay one line and hold no credential, whatever a caller put into them: in logs and in rows."""

import logging
import re
from functools import lru_cache

from config import profiles
from config.profiles.rules import OAUTH2_PREFIXES
from config.secrets.key_formats import holds_key

ALPHANUMERIC = "[A-Za-z0-9]"
BASE64 = "[A-Za-z0-9_-]"
OAUTH2_LENGTH = 43  # of 32 random bytes
HEADER_LENGTH = 17  # at least, after eyJ: {"alg":"HS256"}
WHOLE_TOKEN = re.compile(
    rf"(?<!{ALPHANUMERIC})(?:{'|'.join(OAUTH2_PREFIXES)}){BASE64}{{{OAUTH2_LENGTH}}}(?!{BASE64})"
    rf"|eyJ{BASE64}{{{HEADER_LENGTH},}}\.{BASE64}+\.{BASE64}*"
)


class OneLineFormatter(logging.Formatter):
    """time level logger message traceback, with CR, LF, ANSI and other controls written as escapes."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return mask(escape(super().format(record)))


def mask(text: str) -> str:
    """Return `text` with every API key cut down to the part that may be shown, and no token."""
    try:
        credentials = _credentials(profiles.active())
    except profiles.ProfileError:  # then nothing is served, either
        return text
    return credentials.sub(lambda match: f"{match[1] or match[2] or match[3]}…", text)


def kept(text: str, length: int) -> str:
    """Return what is stored of a text that somebody sent: one line, masked, at most `length` characters.

    What lies far behind those is not looked at, which bounds the time that it takes.
    """
    return mask(escape(text[: 4 * length]))[:length]


def holds_credential(text: str) -> bool:
    """Whether there is a whole key of the active profile, a token or a client's secret in `text`.

    Of keys prefix, length and checksum count, so that words which begin like one are none.
    """
    return holds_key(text, profiles.active().keys.environments.values()) or bool(WHOLE_TOKEN.search(text))


@lru_cache(maxsize=4)
def _credentials(profile: profiles.Profile) -> re.Pattern[str]:
    shown, kinds = profile.keys.shown_characters, profile.keys.environments.values()
    prefixes = "|".join(re.escape(each.prefix) for each in kinds)
    secret = min(each.length for each in kinds) - shown
    key = _begins(rf"(?:{prefixes}){ALPHANUMERIC}{{{shown}}}", ALPHANUMERIC, secret)
    token = _begins("eyJ", BASE64, HEADER_LENGTH) + rf"\.{BASE64}+\.{BASE64}*"
    oauth2 = _begins(f"(?:{'|'.join(OAUTH2_PREFIXES)})", BASE64, OAUTH2_LENGTH)
    return re.compile(f"{key}|{token}|{oauth2}")


def _begins(shown: str, character: str, length: int) -> str:
    """Return the pattern of `shown` with 8 characters or more after it; within a word, with all `length`.

    So `export_customers` holds no token, and one that follows on the letter of an escape is one.
    """
    return rf"((?<!{ALPHANUMERIC}){shown}|{shown}(?={character}{{{length}}})){character}{{8,}}"


def escape(text: str) -> str:
    """Return `text` with everything unprintable as \\x, \\u or \\U escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
