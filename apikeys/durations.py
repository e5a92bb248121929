"""Lengths of time, and rates, as operators type them."""

import re
from datetime import timedelta

from accounts.limits import Rate
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


def parse_rate(member: str, text: str) -> Rate:
    """Read 100/60s, 5000/1h: requests, and the length of the window. Raises Invalid, naming `member`."""
    requests, slash, window = text.partition("/")
    if not slash or not re.fullmatch(r"[1-9][0-9]{0,8}", requests):
        raise Invalid(member, f"{text!r} is not a number of requests and a length of time, such as 100/60s")
    return Rate(int(requests), int(parse_duration(member, window).total_seconds()))
