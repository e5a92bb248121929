"""Reads times from clients: RFC 3339 section 5.6, in every spelling but a space instead of the T."""

import re
from datetime import UTC, datetime, timedelta

RFC_3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}):([0-9]{2})(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
LONGEST = 64  # characters; no real clock needs more digits
LEAP_SECOND = "60"


def parse(text: str) -> datetime | None:
    """Return the time of an RFC 3339 timestamp, in UTC, to the microsecond; None for other texts.

    A leap second counts as the following second, as in POSIX. It is accepted only at the end of a UTC day.
    """
    match = RFC_3339.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        return None
    date, minutes, seconds, fraction, zone = match.groups()
    is_leap = seconds == LEAP_SECOND
    spelled = f"{date}T{minutes}:{'59' if is_leap else seconds}{fraction or ''}{zone.upper()}"
    try:
        moment = datetime.fromisoformat(spelled).astimezone(UTC)
        if is_leap and (moment.hour, moment.minute) != (23, 59):
            return None
        return moment + timedelta(seconds=is_leap)
    except (ValueError, OverflowError):
        return None
