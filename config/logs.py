"""Log lines that stay one line and hold no credential, whatever a caller put into them."""

import logging
import re
from functools import lru_cache

from config import profiles

TOKEN = r"(eyJ)[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
OAUTH2 = r"(oa[tc]_|ort_|ocs_)[A-Za-z0-9_-]{8,}"  # accounts.oauth.texts


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


@lru_cache(maxsize=4)
def _credentials(profile: profiles.Profile) -> re.Pattern[str]:
    form = profile.keys
    prefixes = "|".join(re.escape(each.prefix) for each in form.environments.values())
    shown = rf"(?:{prefixes})[A-Za-z0-9]{{{form.shown_characters}}}"
    return re.compile(rf"({shown})[A-Za-z0-9]{{8,}}|{TOKEN}|{OAUTH2}")


def escape(text: str) -> str:
    """Return `text` with everything unprintable as \\x, \\u or \\U escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
