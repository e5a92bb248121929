"""Lengths of time as operators type them."""

import re
from datetime import timedelta

from config.errors import Invalid

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST_DAYS = 36_500


def parse_duration(member: str, text: str) -> timedelta:
    """Read 90d, 24h, 30m, 45s or 2w. Raises Invalid, naming `member`."""
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhdw])", text)
    if match is None:
        raise Invalid(member, f"{text!r} is not a number with s, m, h, d or w, such as 90d")
    length = timedelta(**{UNITS[match[2]]: int(match[1])})
    if length.days > LONGEST_DAYS:
        raise Invalid(member, f"{text} is more than {LONGEST_DAYS}d")
    return length
