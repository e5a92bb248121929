"""What people decide about themselves: their name and mails, and the language and zone of their pages."""

import zoneinfo
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

from accounts.notifications.kinds import clean_notifications
from accounts.users.names import clean_name
from config.wire.errors import Invalid, Sentence

LANGUAGES = dict(settings.LANGUAGES)
NO_PLACES = {"Factory", "localtime"}  # files beside those of the zones


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """Return the names of all time zones of IANA, sorted. The first call reads a folder."""
    return tuple(sorted(zoneinfo.available_timezones() - NO_PLACES))


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """Return the time zone of this name; UTC for "", and for a name that this machine does not know."""
    try:
        return zoneinfo.ZoneInfo(name or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return zoneinfo.ZoneInfo("UTC")


def clean_own_name(name: str) -> str:
    """Return the name without surrounding spaces; it may be empty. Raises Invalid, naming `name`."""
    return clean_name("name", name) if name else ""


def clean_language(code: str) -> str:
    """Return the code. Raises Invalid, naming `language`, for a language that no page has."""
    if code and code not in LANGUAGES:
        known = " or ".join(f'"{each}"' for each in LANGUAGES)
        raise Invalid(
            "language", Sentence('must be %(codes)s, or "" for the language of the browser', codes=known)
        )
    return code


def clean_time_zone(name: str) -> str:
    """Return the name. Raises Invalid, naming `time_zone`, for one that IANA does not list."""
    if name and name not in time_zones():
        raise Invalid("time_zone", 'must be the name of a time zone, such as Europe/Berlin, or "" for UTC')
    return name


CLEANING: Mapping[str, Callable[[Any], Any]] = {
    "name": clean_own_name,
    "language": clean_language,
    "time_zone": clean_time_zone,
    "notifications": clean_notifications,
}


def cleaned(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a person with what people decide about themselves cleaned. Raises Invalid."""
    return {**columns, **{column: CLEANING[column](columns[column]) for column in CLEANING.keys() & columns}}
