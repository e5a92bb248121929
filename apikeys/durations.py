"""Durations and rates as operators type them."""

import re
from datetime import timedelta

from access.key_limits import Rate
from config.wire.errors import Invalid, Sentence
from config.wire.quoting import quoted, shown

UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
LONGEST = timedelta(days=36_500)
NUMBER = r"[1-9][0-9]*"
TOO_MANY_DIGITS = 11


def parse_duration(member: str, text: str) -> timedelta:
    """Read 90d, 24h, 30m, 45s or 2w. Raises Invalid, naming `member`."""
    match = re.fullmatch(rf"({NUMBER})([smhdw])", text)
    if match is None:
        raise Invalid(
            member, Sentence("%(text)s must be a number and s, m, h, d or w, such as 90d", text=quoted(text))
        )
    number, unit = _number(match[1]), UNITS[match[2]]
    if number > LONGEST // unit:  # before multiplying, which could overflow timedelta
        raise Invalid(
            member, Sentence("%(text)s is too long; at most %(days)dd", text=shown(text), days=LONGEST.days)
        )
    return number * unit


def parse_rate(member: str, text: str) -> Rate:
    """Read 100/60s or 5000/1h: requests, and the length of the window. Raises Invalid, naming `member`."""
    requests, slash, window = text.partition("/")
    if not slash or not re.fullmatch(NUMBER, requests):
        raise Invalid(
            member,
            Sentence(
                "%(text)s must be a number of requests and a duration, such as 100/60s", text=quoted(text)
            ),
        )
    return Rate(_number(requests), int(parse_duration(member, window).total_seconds()))


def _number(digits: str) -> int:
    """Return the number, or for very many digits, which int() refuses, another that is too large."""
    return int(digits[:TOO_MANY_DIGITS])
